// What a zone would answer (Z2: the delegation and the records are what resolvers would see).
import type { ResourceRecordSet, RRType } from '@aws-sdk/client-route-53';
import { expect, it } from 'vitest';
import { resolve } from '../../../../../lab/aws/route53/answer.ts';
import { applyBatch } from '../../../../../lab/aws/route53/batch.ts';
import { initialRecords } from '../../../../../lab/aws/route53/name-servers.ts';
import { createRateLimit } from '../../../../../lab/aws/route53/rate-limit.ts';

const set = (Name: string, Type: RRType, ...values: string[]): ResourceRecordSet => ({ Name, Type, TTL: 60, ResourceRecords: values.map((Value) => ({ Value })) });
const zone = { id: 'Z1', name: 'example.com.', records: initialRecords('example.com.', ['ns-1.awsdns-00.com']) };
const { records } = applyBatch(zone, [
  set('a.example.com', 'A', '192.0.2.1'), set('c.example.com', 'CNAME', 'elsewhere.org'), set('*.w.example.com', 'A', '192.0.2.2'),
  set('deep.x.w.example.com', 'A', '192.0.2.3'), set('dev.example.com', 'NS', 'ns-9.awsdns-01.com.'),
].map((ResourceRecordSet) => ({ Action: 'CREATE' as const, ResourceRecordSet })));
const ask = (name: string, type = 'A') => resolve({ ...zone, records }, name, type);

it.each([
  ['a record', 'a.example.com.', 'NOERROR', ['192.0.2.1']],
  ['a CNAME for any type', 'c.example.com.', 'NOERROR', ['elsewhere.org']],
  ['a wildcard', 'any.w.example.com.', 'NOERROR', ['192.0.2.2']],
  ['no wildcard where the name exists', 'x.w.example.com.', 'NOERROR', []],
  ['no wildcard below an existing name', 'other.x.w.example.com.', 'NXDOMAIN', []],
  ['nothing', 'no.example.com.', 'NXDOMAIN', []],
  ['a delegation', 'x.dev.example.com.', 'NOERROR', ['ns-9.awsdns-01.com.']],
  ['another zone', 'example.org.', 'REFUSED', []],
])('Z2: %s', (_, name, code, data) => {
  expect(ask(name)).toMatchObject({ code, data });
});

it('D2: an account has a burst of 50 requests and then ten a second', () => {
  let now = 0;
  const limit = createRateLimit(() => now);
  const taken = (count: number) => Array.from({ length: count }, () => limit.take('1')).filter(Boolean).length;
  expect(taken(60)).toBe(50);
  expect(limit.take('2')).toBe(true);
  now += 1000;
  expect(taken(60)).toBe(10);
});
