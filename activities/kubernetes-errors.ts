// What a Kubernetes API error means: typed answers become errors of the list, and only a Status with reason NotFound proves absence (facts.md § Kubernetes client, failure 36).
import { ApiException } from '@kubernetes/client-node';
import { type ErrorType, GoldenpathError } from '../domain/errors.ts';
import type { Mapper } from './errors.ts';

/** The parts of a Kubernetes Status that decide. Source: k8s.io/apimachinery, meta/v1 `Status`. */
export interface KubernetesStatus {
  reason: string;
  message: string;
  causes: string[];
}

/** Codes of sockets and TLS that mean: no answer (facts.md). */
const NO_ANSWER = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_DESTROYED', 'UND_ERR_CLOSED', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_SIGNATURE_FAILURE',
]);

/** The Status in an API error's body, or undefined where the answer is something else: a proxy's page, a missing API group. */
export function statusOf(error: unknown): KubernetesStatus | undefined {
  if (!(error instanceof ApiException)) return undefined;
  const body: unknown = typeof error.body === 'string' ? parse(error.body) : error.body;
  if (!isRecord(body) || body['kind'] !== 'Status' || typeof body['reason'] !== 'string') return undefined;
  const causes = isRecord(body['details']) && Array.isArray(body['details']['causes']) ? body['details']['causes'].filter(isRecord) : [];
  return { reason: body['reason'], message: typeof body['message'] === 'string' ? body['message'] : '', causes: causes.map((cause) => String(cause['reason'])) };
}

/** Whether the API server itself says that this object does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiException && error.code === 404 && statusOf(error)?.reason === 'NotFound';
}

/** Whether the caller's token was not accepted: a new one may be. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof ApiException && error.code === 401;
}

/** An error of the Kubernetes client as one of the list; undefined for bugs. */
export const mapKubernetesError: Mapper = (error) => {
  if (error instanceof ApiException) {
    const status = statusOf(error);
    const text = `Kubernetes API: HTTP ${error.code}${status === undefined ? ` ${excerpt(error.body)}` : ` ${status.reason}: ${status.message}`}`;
    return new GoldenpathError(typeOf(error.code, status), text, [text], { cause: error });
  }
  // The library's words for a kind that discovery does not list: a CRD that is not served yet, or no longer.
  if (error instanceof Error && error.message.startsWith('Unrecognized API version and kind: ')) return new GoldenpathError('Unavailable', `Kubernetes API: ${error.message}`, [error.message], { cause: error });
  const reason = noAnswer(error);
  if (reason === undefined) return undefined;
  const text = `Kubernetes API: no answer (${reason})`;
  return new GoldenpathError('KubernetesUnavailable', text, [text], { cause: error });
};

/** Failure 4: an admission or conversion webhook did not answer; the API server did. Source: k8s.io/apiserver, `ErrCallingWebhook`; apiextensions-apiserver, webhook converter. */
const OF_WEBHOOK = /failed calling webhook |conversion webhook for .* failed/;

function typeOf(code: number, status: KubernetesStatus | undefined): ErrorType {
  if (status?.causes.includes('NamespaceTerminating') === true) return 'Conflict'; // a 403 that passes once the namespace is gone
  if (code === 401 || code === 403) return 'AccessDenied';
  if (code === 404) return status?.reason === 'NotFound' ? 'Conflict' : 'Unavailable'; // gone between reading and writing; or a group that is not served: the API server itself answers
  if (code === 409 || code === 410) return 'Conflict';
  if (code === 429) return 'Throttled';
  // An apply whose object does not fit its type answers 500 (facts.md); trying again does not mend it.
  if (status?.message.includes('failed to create typed patch object') === true) return 'TerminalState';
  if (status !== undefined && OF_WEBHOOK.test(status.message)) return 'Unavailable';
  if (code === 408 || code >= 500) return 'KubernetesUnavailable';
  return 'TerminalState'; // as what AWS refuses in the middle of a run: no bad input of a person, who may mend what refuses and ask for another attempt
}

/** Why no answer came, for errors of fetch: `TypeError: fetch failed` with a cause, `TypeError: terminated` in the middle of a body, our own time-out. */
function noAnswer(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'TimeoutError') return error.message;
  if (error instanceof TypeError && (error.message === 'fetch failed' || error.message === 'terminated')) return codeOf(error.cause) ?? error.message;
  // KubernetesObjectApi puts words of its own in front of what discovery threw.
  if (error instanceof TypeError && /^Failed to fetch resource metadata for .*: (fetch failed|terminated)$/.test(error.message)) return codeOf(error.cause) ?? error.message;
  const code = codeOf(error);
  return code !== undefined && NO_ANSWER.has(code) ? code : undefined;
}

function codeOf(error: unknown): string | undefined {
  return isRecord(error) && typeof error['code'] === 'string' ? error['code'] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // not JSON: a proxy's page or plain text
    throw error;
  }
}

function excerpt(body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body) ?? '';
  return text.replaceAll(/\s+/g, ' ').slice(0, 200);
}
