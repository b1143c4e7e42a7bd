// Triage at the activity's edge: only expected errors are mapped (failure 36).
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atEdge, isNamed, mapAwsError, notReady, orAbsent, toFailure, triage } from '../../../activities/errors.ts';
import { ERRORS, type ErrorType, GoldenpathError } from '../../../domain/errors.ts';

/** An error as the SDK throws it. */
function answered(name: string, status: number, message = 'as AWS says'): Error {
  return Object.assign(new Error(message), { name, $fault: status < 500 ? 'client' : 'server', $metadata: { httpStatusCode: status, requestId: 'r-1' } });
}

describe('mapAwsError', () => {
  it.each<[string, number, ErrorType]>([
    ['ThrottlingException', 400, 'Throttled'],
    ['Throttling', 400, 'Throttled'],
    ['RequestLimitExceeded', 503, 'Throttled'],
    ['AnythingElse', 429, 'Throttled'],
    ['AnythingElse', 500, 'Unavailable'],
    ['ServiceUnavailable', 503, 'Unavailable'],
    ['AccessDenied', 403, 'AccessDenied'],
    ['UnauthorizedOperation', 403, 'AccessDenied'],
    ['ExpiredToken', 403, 'AccessDenied'],
    ['ResourceLimitExceededException', 400, 'QuotaExceeded'],
    ['ResourceInUseException', 409, 'Conflict'],
    ['DependencyViolation', 400, 'Conflict'],
    ['DeleteConflictException', 409, 'Conflict'],
    ['InvalidParameterException', 400, 'TerminalState'],
  ])('failure 36: %s with %i is %s', (name, status, type) => {
    expect(mapAwsError(answered(name, status))).toMatchObject({ type, message: `${name}: as AWS says (request r-1)` });
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT'])('failure 36: no answer (%s) is Unavailable, never absence', (code) => {
    expect(mapAwsError(Object.assign(new Error('no answer'), { code }))).toMatchObject({ type: 'Unavailable' });
  });

  it('failure 36: a NotFound is not mapped: absence is for the caller to recognise, by its exact name', () => {
    expect(mapAwsError(answered('ResourceNotFoundException', 404))).toBeUndefined();
    expect(mapAwsError(answered('NoSuchHostedZone', 404))).toBeUndefined();
  });

  it('failure 36: a bug that bears the name of an AWS error, without an answer, stays a bug', () => {
    const bug = Object.assign(new TypeError('x is undefined'), { name: 'AccessDenied' });
    expect(mapAwsError(bug)).toBeUndefined();
    expect(triage(new TypeError('x is undefined'), [mapAwsError])).toBeInstanceOf(TypeError);
  });
});

describe('toFailure', () => {
  it('failure 36: every type keeps its retryability and its problems', () => {
    fc.assert(fc.property(fc.constantFrom(...(Object.keys(ERRORS) as ErrorType[])), fc.array(fc.string()), (type, problems) => {
      const failure = toFailure(new GoldenpathError(type, 'why', problems));
      expect(failure).toMatchObject({ type, nonRetryable: !ERRORS[type].retry, details: [problems], message: 'why' });
    }));
  });

  it('failure 36: the miss of a poll is benign and says when to look again: when the operation is due, then densely', () => {
    const wait = { expectedMs: 100_000, denseMs: 2_000, deadlineMs: 600_000 };
    const early = notReady('CREATING', { startedAt: Date.now() - 10_000, wait }, ['one', 'two']);
    expect(early).toMatchObject({ type: 'NotReady', category: 'BENIGN', nonRetryable: false, details: [['one', 'two']] });
    expect(Number(early.nextRetryDelay)).toBeGreaterThan(86_000);
    expect(Number(early.nextRetryDelay)).toBeLessThanOrEqual(87_000);
    expect(notReady('late', { startedAt: Date.now() - 200_000, wait }).nextRetryDelay).toBe(2_000);
  });
});

describe('atEdge', () => {
  it('failure 36: cancellation and Temporal failures pass as they are', async () => {
    for (const error of [new CancelledFailure('stop'), ApplicationFailure.nonRetryable('said'), Object.assign(new Error('aborted'), { name: 'AbortError' })]) {
      await expect(atEdge(() => Promise.reject(error))(undefined)).rejects.toBe(error);
    }
  });

  it('failure 36: the mapper given comes before the one of AWS', async () => {
    const call = atEdge(() => Promise.reject(answered('AnythingElse', 500)), (error) => (isNamed(error, ['AnythingElse']) ? new GoldenpathError('Conflict', 'mine') : undefined));
    await expect(call(undefined)).rejects.toMatchObject({ type: 'Conflict', message: 'mine' });
  });

  it('failure 36: only the exact name is absence', async () => {
    expect(await orAbsent(Promise.reject(answered('NoSuchKey', 404)), ['NoSuchKey'])).toBeUndefined();
    await expect(orAbsent(Promise.reject(answered('NoSuchBucket', 404)), ['NoSuchKey'])).rejects.toThrow('as AWS says');
    await expect(orAbsent(Promise.reject(answered('NotFound', 404, 'NoSuchKey')), ['NoSuchKey'])).rejects.toThrow('NoSuchKey');
  });
});
