// Exactly what was decided on, records before their TXT, in changes that Route 53 takes (D4, failure 17).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OwnedRecord } from '../../../domain/dns-records.ts';
import { repairBatches, repairOf } from '../../../domain/dns-repair.ts';
import { subjectOf } from '../../../domain/break-glass.ts';
import { type ErrorType, GoldenpathError } from '../../../domain/errors.ts';
import { questionOf } from '../../support/decisions.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const ZONE = 'dev.goldenpathidp.io';
const suffix = `b-21-11-26-01.${ZONE}`;
const a = (name: string): OwnedRecord => ({ name: `${name}.${suffix}`, type: 'A', values: ['192.0.2.1'], ttl: 60, because: 'owner-txt', owner: 'me' });
const txt = (name: string): OwnedRecord => ({ name: `a-xdns.${name}.${suffix}`, type: 'TXT', values: ['"heritage=external-dns,external-dns/owner=me"'], ttl: 60, because: 'registry-txt', owner: 'me' });
const challenge: OwnedRecord = { name: `_acme-challenge.${suffix}`, type: 'TXT', values: ['"token"'], ttl: 60, because: 'inside-scope' };
const all = [a('one'), txt('one'), a('two'), txt('two'), challenge];
const request = (records: OwnedRecord[]) => questionOf(ephemeralPlan('teardown'), { subject: subjectOf(records) });
const repair = (now: OwnedRecord[], { decided = all, begun = false } = {}) => repairOf(now, (record) => record, { request: request(decided), begun, zone: ZONE });
const problems = (...given: Parameters<typeof repair>): string[] => problemsAs('DnsRecordsRemain', ...given);
const problemsAs = (type: ErrorType, ...given: Parameters<typeof repair>): string[] => {
  try {
    repair(...given);
    return [];
  } catch (error) {
    if (!(error instanceof GoldenpathError)) throw error;
    expect(error.type).toBe(type);
    return error.problems;
  }
};

describe('repairOf', () => {
  it('D4: what is decided on goes, and the registry TXT last; a challenge’s TXT is no registry', () => {
    expect(repair(all)).toEqual({ records: [a('one'), a('two'), challenge], registry: [txt('one'), txt('two')] });
  });

  it('B1: a record that appeared, changed or vanished since voids the decision', () => {
    expect(problems([...all, a('new')])).toEqual([`not decided on: new.${suffix} A 192.0.2.1 (owner-txt, owner me) ttl 60`]);
    expect(problems(all.slice(1))).toEqual([`decided on, but not listed any more: one.${suffix} A 192.0.2.1 (owner-txt, owner me) ttl 60`]);
    expect(problems([{ ...a('one'), ttl: 61 }, ...all.slice(1)])).toEqual([`not decided on: one.${suffix} A 192.0.2.1 (owner-txt, owner me) ttl 61`, `decided on, but not listed any more: one.${suffix} A 192.0.2.1 (owner-txt, owner me) ttl 60`]);
  });

  it('failure 17: a repair that was begun goes on with what is left, but never with more', () => {
    expect(repair([txt('one'), txt('two')], { begun: true })).toEqual({ records: [], registry: [txt('one'), txt('two')] });
    expect(repair([], { begun: true })).toEqual({ records: [], registry: [] });
    expect(problems([txt('one'), a('new')], { begun: true })).toEqual([`not decided on: new.${suffix} A 192.0.2.1 (owner-txt, owner me) ttl 60`]);
  });

  it('D4: the zone’s own NS and SOA are never deleted, whatever was decided; a delegation inside the suffix is a record like any', () => {
    const apex: OwnedRecord = { name: ZONE, type: 'NS', values: ['ns-1'], ttl: 1, because: 'inside-scope' };
    // No list that changed: to look again would not help.
    expect(problemsAs('PreflightFailed', [apex], { decided: [apex] })).toEqual([`never deleted: ${ZONE} NS ns-1 (inside-scope, no owner) ttl 1`]);
    const delegation = { ...apex, name: `sub.${suffix}` };
    expect(repair([delegation], { decided: [delegation] }).records).toEqual([delegation]);
  });

  it('B1: by property, nothing outside the decided lines is ever deleted', () => {
    const universe = [...all, a('three'), txt('three')];
    fc.assert(fc.property(fc.subarray(universe), fc.subarray(universe), fc.boolean(), (now, decided, begun) => {
      const inside = now.every((record) => decided.includes(record));
      const allowed = inside && (begun || now.length === decided.length);
      expect(problems(now, { decided, begun }).length === 0).toBe(allowed);
    }), { numRuns: 1_000 });
  });
});

describe('repairBatches', () => {
  const sizes = (items: string[][]) => repairBatches(items, (values) => values).map((batch) => batch.length);

  it('D4: a change holds at most 1,000 records and 32,000 characters of values', () => {
    expect(sizes([])).toEqual([]);
    expect(sizes(Array.from({ length: 2_001 }, () => []))).toEqual([1_000, 1_000, 1]);
    expect(sizes(Array.from({ length: 5 }, () => ['x'.repeat(10_000)]))).toEqual([3, 2]);
  });

  it('D4: by property, every item once, in order, and no change too large', () => {
    const item = fc.tuple(fc.nat(400), fc.nat(4_000)).map(([count, length]) => Array.from({ length: Math.min(count, 8) }, () => 'x'.repeat(length / 8)));
    fc.assert(fc.property(fc.array(item, { maxLength: 60 }), (items) => {
      const batches = repairBatches(items, (values) => values);
      expect(batches.flat()).toEqual(items);
      for (const batch of batches) {
        expect(batch.reduce((sum, values) => sum + Math.max(1, values.length), 0)).toBeLessThanOrEqual(1_000);
        expect(batch.flat().join('').length).toBeLessThanOrEqual(32_000);
      }
    }));
  });
});
