// What the product makes of a Kubernetes API error (failure 36).
import { ApiException } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { isNotFound, mapKubernetesError } from '../../../activities/kubernetes-errors.ts';

const status = (code: number, reason: string, extra: object = {}) => new ApiException(code, 'x', JSON.stringify({ kind: 'Status', reason, message: `the ${reason}`, code, ...extra }), {});
const typeOf = (error: unknown) => mapKubernetesError(error)?.type;

describe('absence', () => {
  it('failure 36: only a Status with reason NotFound is absence', () => {
    expect(isNotFound(status(404, 'NotFound'))).toBe(true);
    for (const body of ['404 page not found\n', '<html>Not Found</html>', '{"message":"no Route matched"}', '{"kind":"Status"}', '{"kind":"Other","reason":"NotFound"}', '']) expect(isNotFound(new ApiException(404, 'x', body, {}))).toBe(false);
    expect(isNotFound(status(404, 'Unknown'))).toBe(false);
    expect(isNotFound(status(500, 'NotFound'))).toBe(false);
    expect(isNotFound(new TypeError('fetch failed'))).toBe(false);
  });

  it('failure 36: a 404 that is no Status says nothing of the object', () => {
    expect(typeOf(new ApiException(404, 'x', '<html>Not Found</html>', {}))).toBe('Unavailable');
    expect(typeOf(status(404, 'NotFound'))).toBe('Conflict');
  });
});

describe('triage', () => {
  it.each([
    [401, 'Unauthorized', 'AccessDenied'], [403, 'Forbidden', 'AccessDenied'], [409, 'Conflict', 'Conflict'], [409, 'AlreadyExists', 'Conflict'], [410, 'Expired', 'Conflict'],
    [429, 'TooManyRequests', 'Throttled'], [500, 'InternalError', 'KubernetesUnavailable'], [503, 'ServiceUnavailable', 'KubernetesUnavailable'], [504, 'Timeout', 'KubernetesUnavailable'], [400, 'BadRequest', 'TerminalState'], [422, 'Invalid', 'TerminalState'],
  ])('failure 36: %i %s is %s', (code, reason, type) => {
    expect(mapKubernetesError(status(code, reason))).toMatchObject({ type, message: `Kubernetes API: HTTP ${code} ${reason}: the ${reason}` });
  });

  it('failure 6: a refusal because the namespace is ending passes by itself', () => {
    expect(typeOf(status(403, 'Forbidden', { details: { causes: [{ reason: 'NamespaceTerminating' }] } }))).toBe('Conflict');
  });

  it('failure 4: a webhook that does not answer is no silence of the API server', () => {
    const dead = 'Internal error occurred: failed calling webhook "dead.example.org": failed to call webhook: Post "https://gone.default.svc:443/?timeout=10s": service "gone" not found';
    expect(mapKubernetesError(status(500, 'InternalError', { message: dead }))).toMatchObject({ type: 'Unavailable', message: `Kubernetes API: HTTP 500 InternalError: ${dead}` });
    expect(typeOf(status(500, 'InternalError', { message: 'conversion webhook for example.org/v1, Kind=X failed: Post "https://gone.default.svc:443/": EOF' }))).toBe('Unavailable');
  });

  it('A2: an object that does not fit its type is not tried again', () => {
    expect(typeOf(status(500, 'InternalError', { message: 'failed to create typed patch object (default/x; v1, Kind=Service): .spec.foo: field not declared in schema' }))).toBe('TerminalState');
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'])('failure 36: %s is no answer', (code) => {
    const cause = Object.assign(new Error(code), { code });
    expect(mapKubernetesError(new TypeError('fetch failed', { cause }))).toMatchObject({ type: 'KubernetesUnavailable', message: `Kubernetes API: no answer (${code})` });
    expect(typeOf(new TypeError('Failed to fetch resource metadata for v1/Pod: fetch failed', { cause }))).toBe('KubernetesUnavailable');
  });

  it('failure 36: an answer that breaks off, and a time-out, are no answer', () => {
    expect(typeOf(new TypeError('terminated'))).toBe('KubernetesUnavailable');
    expect(typeOf(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))).toBe('KubernetesUnavailable');
  });

  it('failure 36: bugs and cancellations stay what they are', () => {
    for (const error of [new TypeError("Cannot read properties of undefined (reading 'x')"), new DOMException('aborted', 'AbortError'), new Error('x'), 'x', undefined]) expect(mapKubernetesError(error)).toBeUndefined();
  });
});
