// Generators for names, records and listings.
import fc from 'fast-check';
import type { DnsRecord } from '../../../domain/dns-records.ts';

export const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
/** Few distinct labels as well, so that names inside and beside a scope really occur. */
const frequentLabel = fc.oneof(label, fc.constantFrom('b-1', 'b-11', 'xb-1', 'dev', 'app', 'example', 'org'));
export const hostName = fc.array(frequentLabel, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));

/** A calendar day and a number, as `DD-MM-YY-NN`. */
export const buildId = fc
  .record({ day: fc.date({ min: new Date('2000-01-01T00:00:00Z'), max: new Date('2099-12-31T00:00:00Z'), noInvalidDate: true }), number: fc.integer({ min: 1, max: 99 }) })
  .map(({ day, number }) => {
    const two = (value: number) => String(value).padStart(2, '0');
    return `${two(day.getUTCDate())}-${two(day.getUTCMonth() + 1)}-${two(day.getUTCFullYear() % 100)}-${two(number)}`;
  });

export const record: fc.Arbitrary<DnsRecord> = fc.record({ name: hostName, type: fc.constantFrom('A', 'AAAA', 'CNAME'), values: fc.constant(['192.0.2.1']) });
