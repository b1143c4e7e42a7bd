// Checks Signature Version 4 of requests, in the Authorization header or in a presigned query.
// Source: AWS "Create a signed AWS API request"; the test suite's vectors are in test/unit/lab/aws/sigv4.test.ts.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { WireRequest } from './service.ts';

/** What a signed request says of itself, before anything is believed. */
export interface Signed {
  accessKeyId: string;
  /** `20261121/eu-west-2/route53/aws4_request` */
  credentialScope: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
  /** `20261121T101112Z` */
  timestamp: string;
  sessionToken: string | undefined;
  /** Seconds that a presigned request is good for; nothing where the header carries the signature. */
  expiresIn: number | undefined;
}

export type SignatureProblem = 'bad-signature' | 'request-expired' | 'body-mismatch';

const ALGORITHM = 'AWS4-HMAC-SHA256';
/** AWS accepts a request within 15 minutes of its timestamp. */
const SKEW_MS = 15 * 60_000;
/** STS takes a presigned call for 15 minutes, whatever it asks: EKS tokens ask for 60 seconds and are cached for longer. */
const STS_PRESIGNED_SECONDS = 900;
/** A presigned URL is good for at most seven days. */
const LONGEST_PRESIGNED_SECONDS = 604_800;

/** Reads where a request is signed and by which key; nothing where it is not signed. */
export function readSignature(request: WireRequest): Signed | undefined {
  const { authorization } = request.headers;
  if (authorization?.startsWith(ALGORITHM)) return fromHeader(request, authorization);
  if (request.query.get('X-Amz-Algorithm') === ALGORITHM) return fromQuery(request);
  return undefined;
}

/**
 * Checks a signature with the key's secret.
 * @returns the problem, or nothing where it is good
 */
export function checkSignature(request: WireRequest, signed: Signed, secretAccessKey: string, now: Date): SignatureProblem | undefined {
  const expected = Buffer.from(sign(request, signed, secretAccessKey));
  const given = Buffer.from(signed.signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'bad-signature';
  const signedAt = parseTimestamp(signed.timestamp);
  const age = now.getTime() - signedAt;
  if (signed.expiresIn === undefined) {
    if (!(Math.abs(age) <= SKEW_MS)) return 'request-expired';
  } else if (!(age >= -SKEW_MS && age <= lifetime(signed.service, signed.expiresIn) * 1000)) return 'request-expired';
  const declared = request.headers['x-amz-content-sha256'];
  const isHash = typeof declared === 'string' && /^[0-9a-f]{64}$/.test(declared);
  return isHash && declared !== sha256(request.body) ? 'body-mismatch' : undefined;
}

function lifetime(service: string, expiresIn: number): number {
  return service === 'sts' ? STS_PRESIGNED_SECONDS : Math.min(expiresIn, LONGEST_PRESIGNED_SECONDS);
}

/** The signature of a request, in hexadecimal. */
export function sign(request: WireRequest, signed: Omit<Signed, 'signature'>, secretAccessKey: string): string {
  const text = [ALGORITHM, signed.timestamp, signed.credentialScope, sha256(canonicalRequest(request, signed))].join('\n');
  return hmac(signingKey(secretAccessKey, signed), text).toString('hex');
}

/** The canonical request that the signature covers. */
export function canonicalRequest(request: WireRequest, signed: Pick<Signed, 'service' | 'signedHeaders' | 'expiresIn'>): string {
  return [
    request.method,
    canonicalPath(request.path, signed.service),
    canonicalQuery(request.rawQuery),
    ...signed.signedHeaders.map((name) => `${name}:${canonicalHeader(request.rawHeaders, name)}`),
    '',
    signed.signedHeaders.join(';'),
    payloadHash(request, signed),
  ].join('\n');
}

function fromHeader(request: WireRequest, authorization: string): Signed | undefined {
  const part = (name: string): string => new RegExp(`${name}=([^,\\s]+)`).exec(authorization)?.[1] ?? '';
  const timestamp = request.headers['x-amz-date'] ?? request.headers.date;
  return assemble(part('Credential'), {
    signedHeaders: part('SignedHeaders').split(';'),
    signature: part('Signature'),
    timestamp: typeof timestamp === 'string' ? timestamp : '',
    sessionToken: one(request.headers['x-amz-security-token']),
    expiresIn: undefined,
  });
}

function fromQuery({ query }: WireRequest): Signed | undefined {
  return assemble(query.get('X-Amz-Credential') ?? '', {
    signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').split(';'),
    signature: query.get('X-Amz-Signature') ?? '',
    timestamp: query.get('X-Amz-Date') ?? '',
    sessionToken: query.get('X-Amz-Security-Token') ?? undefined,
    expiresIn: Number(query.get('X-Amz-Expires')),
  });
}

function assemble(credential: string, rest: Pick<Signed, 'signedHeaders' | 'signature' | 'timestamp' | 'sessionToken' | 'expiresIn'>): Signed | undefined {
  const [accessKeyId, date, region, service, terminator] = credential.split('/');
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request') return undefined;
  return { accessKeyId, date, region, service, credentialScope: `${date}/${region}/${service}/aws4_request`, ...rest };
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

const signingKeys = new Map<string, Buffer>();

/** The derived key; it is the same for a day, so a few are kept. */
function signingKey(secret: string, { date, region, service }: Pick<Signed, 'date' | 'region' | 'service'>): Buffer {
  const name = `${secret}/${date}/${region}/${service}`;
  const known = signingKeys.get(name);
  if (known !== undefined) return known;
  const key = [region, service, 'aws4_request'].reduce<Buffer>((previous, part) => hmac(previous, part), hmac(`AWS4${secret}`, date));
  if (signingKeys.size > 500) signingKeys.clear();
  signingKeys.set(name, key);
  return key;
}

/** S3 signs the path as it is sent; all others normalise it and encode it a second time. */
function canonicalPath(path: string, service: string): string {
  if (service === 's3') return path.split('/').map((segment) => encode(decode(segment))).join('/') || '/';
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(encode(segment));
  }
  const normalised = `/${segments.join('/')}`;
  return path.endsWith('/') && segments.length > 0 ? `${normalised}/` : normalised;
}

function canonicalQuery(rawQuery: string): string {
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '' && !pair.startsWith('X-Amz-Signature='))
    .map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return [encode(decode(name)), encode(decode(value.join('=')))] as const;
    })
    .toSorted(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function canonicalHeader(rawHeaders: string[], name: string): string {
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) values.push((rawHeaders[index + 1] ?? '').trim().replace(/\s+/g, ' '));
  }
  return values.join(',');
}

function payloadHash(request: WireRequest, signed: Pick<Signed, 'service' | 'expiresIn'>): string {
  const declared = request.headers['x-amz-content-sha256'] ?? request.query.get('X-Amz-Content-Sha256');
  if (typeof declared === 'string') return declared;
  if (signed.service === 's3' && signed.expiresIn !== undefined) return 'UNSIGNED-PAYLOAD';
  return sha256(request.body);
}

function parseTimestamp(timestamp: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp);
  if (parts === null) return Date.parse(timestamp);
  const [, year, month, day, hour, minute, second] = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    if (cause instanceof URIError) return text;
    throw cause;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
