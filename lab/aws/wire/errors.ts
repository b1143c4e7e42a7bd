// How each protocol of AWS phrases an error, and the codes that differ by service (credentials, throttling, denial).
// Source: AWS's common errors per service, and what the SDKs' retry classifiers know.
import { AwsError, type Protocol } from '../service.ts';
import type { WireAnswer } from './protocol.ts';
import { errorIn, isRecord } from './schema.ts';
import { membersToJson } from './json.ts';
import { element, membersToXml, parseXml } from './xml.ts';

/** What an error needs to know of its service. */
export interface Speaker {
  scope: string;
  protocol: Protocol;
  namespace?: string | undefined;
  /** The SDK module, for the status and further members of modelled errors. */
  sdk?: Record<string, unknown>;
}

/** Refusals that every service words its own way. */
export type CommonError =
  | 'unknown-key' | 'bad-signature' | 'expired-token' | 'no-credentials' | 'request-expired' | 'throttled' | 'unavailable' | 'denied';

/** Writes an error as the service's protocol does. */
export function writeError(speaker: Speaker, error: AwsError, requestId: string): WireAnswer {
  const known = speaker.sdk && errorIn(speaker.sdk, error.code);
  const status = error.status ?? known?.status ?? 400;
  const { message } = error;
  const headers: Record<string, string> = { 'x-amzn-requestid': requestId };
  if (speaker.protocol === 'json' || speaker.protocol === 'rest-json') {
    const fields = known === undefined ? {} : membersToJson(known.shape.members, error.fields);
    headers['content-type'] = speaker.protocol === 'json' ? 'application/x-amz-json-1.1' : 'application/json';
    headers['x-amzn-errortype'] = error.code;
    return { status, headers, body: Buffer.from(JSON.stringify({ __type: error.code, ...fields, message })) };
  }
  headers['content-type'] = 'text/xml';
  const fields = known === undefined ? '' : membersToXml(known.shape.members, error.fields);
  return { status, headers, body: Buffer.from(`<?xml version="1.0"?>\n${errorDocument(speaker, error.code, message, fields, status, requestId)}`) };
}

function errorDocument(speaker: Speaker, code: string, message: string, fields: string, status: number, requestId: string): string {
  const content = element('Code', code) + element('Message', message) + fields;
  if (speaker.scope === 's3') return `<Error>${content}${element('RequestId', requestId)}</Error>`;
  if (speaker.protocol === 'ec2') return `<Response><Errors><Error>${content}</Error></Errors>${element('RequestID', requestId)}</Response>`;
  const type = element('Type', status >= 500 ? 'Receiver' : 'Sender');
  return `<ErrorResponse xmlns="${speaker.namespace ?? ''}"><Error>${type}${content}</Error>${element('RequestId', requestId)}</ErrorResponse>`;
}

const COMMON: Record<CommonError, { message: string; xml: [string, number]; json: [string, number]; ec2: [string, number]; s3: [string, number] }> = {
  'unknown-key': {
    message: 'The security token included in the request is invalid.',
    xml: ['InvalidClientTokenId', 403], json: ['UnrecognizedClientException', 400], ec2: ['AuthFailure', 401], s3: ['InvalidAccessKeyId', 403],
  },
  'bad-signature': {
    message: 'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    xml: ['SignatureDoesNotMatch', 403], json: ['InvalidSignatureException', 400], ec2: ['AuthFailure', 401], s3: ['SignatureDoesNotMatch', 403],
  },
  'expired-token': {
    message: 'The security token included in the request is expired',
    xml: ['ExpiredToken', 403], json: ['ExpiredTokenException', 400], ec2: ['RequestExpired', 400], s3: ['ExpiredToken', 400],
  },
  'no-credentials': {
    message: 'Request is missing Authentication Token',
    xml: ['MissingAuthenticationToken', 403], json: ['MissingAuthenticationTokenException', 400], ec2: ['MissingAuthenticationToken', 403], s3: ['AccessDenied', 403],
  },
  'request-expired': {
    message: 'Signature expired',
    xml: ['SignatureDoesNotMatch', 403], json: ['InvalidSignatureException', 400], ec2: ['RequestExpired', 400], s3: ['RequestTimeTooSkewed', 403],
  },
  throttled: {
    message: 'Rate exceeded',
    xml: ['Throttling', 400], json: ['ThrottlingException', 400], ec2: ['RequestLimitExceeded', 503], s3: ['SlowDown', 503],
  },
  unavailable: {
    message: 'Service is unable to handle request.',
    xml: ['ServiceUnavailable', 503], json: ['ServiceUnavailableException', 503], ec2: ['Unavailable', 503], s3: ['ServiceUnavailable', 503],
  },
  denied: {
    message: 'Access denied',
    xml: ['AccessDenied', 403], json: ['AccessDeniedException', 400], ec2: ['UnauthorizedOperation', 403], s3: ['AccessDenied', 403],
  },
};

/**
 * An error that every service words its own way.
 * @param detail the text where the common one is not precise enough
 */
export function commonError({ scope, protocol }: Speaker, kind: CommonError, detail?: string): AwsError {
  const common = COMMON[kind];
  const family = scope === 's3' ? 's3' : protocol === 'ec2' ? 'ec2' : protocol.endsWith('json') ? 'json' : 'xml';
  const [code, status] = common[family];
  const exact = protocol === 'rest-json' && status === 400 && kind !== 'throttled' ? 403 : protocol === 'rest-json' && kind === 'throttled' ? 429 : status;
  return new AwsError(code, detail ?? common.message, exact);
}

/** Reads the error that moto answered. */
export function readError({ protocol, scope }: Speaker, answer: WireAnswer): AwsError {
  const text = answer.body.toString('utf8');
  const fallback = () => new AwsError('InternalFailure', text.slice(0, 300), answer.status);
  try {
    if (protocol.endsWith('json')) {
      const content: unknown = JSON.parse(text);
      if (!isRecord(content)) return fallback();
      const code = String(answer.headers['x-amzn-errortype'] ?? textOf(content['__type']) ?? 'InternalFailure');
      return new AwsError(code.slice(code.lastIndexOf('#') + 1), textOf(content['message']) ?? textOf(content['Message']) ?? '', answer.status);
    }
    const { content } = parseXml(text);
    const error = scope === 's3' ? content : isRecord(content) && isRecord(content['Errors']) ? content['Errors']['Error'] : isRecord(content) ? content['Error'] : undefined;
    return isRecord(error) ? new AwsError(textOf(error['Code']) ?? '', textOf(error['Message']) ?? '', answer.status) : fallback();
  } catch (cause) {
    if (cause instanceof Error) return fallback(); // moto's HTML error page
    throw cause;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
