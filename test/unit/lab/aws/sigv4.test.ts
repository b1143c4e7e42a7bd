// Signatures by AWS's published test suite (aws-sig-v4-test-suite) and by the SDK's own signer.
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { WireRequest } from '../../../../lab/aws/service.ts';
import { checkSignature, readSignature } from '../../../../lab/aws/sigv4.ts';

const SUITE_SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const SUITE_TIME = new Date('2015-08-30T12:36:00Z');

function request(method: string, target: string, headers: Record<string, string>, body = ''): WireRequest {
  const [path = '', rawQuery = ''] = target.split('?');
  return { method, path, rawQuery, query: new URLSearchParams(rawQuery), headers, rawHeaders: Object.entries(headers).flat(), body: Buffer.from(body) };
}

function suiteRequest(method: string, target: string, signature: string): WireRequest {
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`;
  return request(method, target, { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z', authorization });
}

function verdict(given: WireRequest, secret: string, now: Date) {
  const signed = readSignature(given);
  return signed === undefined ? 'unsigned' : checkSignature(given, signed, secret, now);
}

it.each([
  ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['get-vanilla-query-order-key-case', 'GET', '/?Param2=value2&Param1=value1', 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500'],
  ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
])('C1: the published vector %s is a good signature', (_, method, target, signature) => {
  expect(verdict(suiteRequest(method, target, signature), SUITE_SECRET, SUITE_TIME)).toBeUndefined();
});

it('C1: another secret, a changed query and a late request are refused', () => {
  const good = suiteRequest('GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31');
  expect(verdict(good, 'another', SUITE_TIME)).toBe('bad-signature');
  expect(verdict(suiteRequest('GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31x'), SUITE_SECRET, SUITE_TIME)).toBe('bad-signature');
  expect(verdict({ ...good, rawQuery: 'a=b' }, SUITE_SECRET, SUITE_TIME)).toBe('bad-signature');
  expect(verdict(good, SUITE_SECRET, new Date('2015-08-30T12:52:00Z'))).toBe('request-expired');
});

it('C1: a body that is not the signed one is refused', async () => {
  const headers = { host: 'x', 'content-type': 'text/xml' };
  const signed = await signer('route53').sign({ method: 'POST', protocol: 'http:', hostname: 'x', path: '/p', headers, body: 'one' });
  const given = request('POST', '/p', signed.headers, 'two');
  expect(verdict(given, 'secret', new Date())).toBe('body-mismatch');
  expect(verdict({ ...given, body: Buffer.from('one') }, 'secret', new Date())).toBeUndefined();
});

it('C1: whatever the SDK signs, path, query and body, is a good signature', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 3 }), fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), text, { maxKeys: 4 }), text, fc.constantFrom('s3', 'eks', 'route53'), async (segments, query, body, service) => {
      const path = `/${segments.filter((segment) => !['', '.', '..'].includes(segment)).map(encode).join('/')}`;
      const signed = await signer(service).sign({ method: 'POST', protocol: 'http:', hostname: 'h', path, query, headers: { host: 'h' }, body });
      const rawQuery = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
      expect(verdict(request('POST', `${path}?${rawQuery}`, signed.headers, body), 'secret', new Date())).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});

function signer(service: string): SignatureV4 {
  return new SignatureV4({
    service, region: 'eu-west-2', sha256: Sha256, credentials: { accessKeyId: 'A', secretAccessKey: 'secret' }, uriEscapePath: service !== 's3',
  });
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
