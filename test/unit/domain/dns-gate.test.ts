import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Approval, type DecisionClaims, subjectHash, subjectOf } from '../../../domain/break-glass.ts';
import { demandPermit, type DnsProof, gateStep, type LeavePermit, type Permit, type ZoneListing } from '../../../domain/dns-gate.ts';
import type { OwnedRecord } from '../../../domain/dns-records.ts';
import { GoldenpathError } from '../../../domain/errors.ts';
import { questionOf, sayOf } from '../../support/decisions.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const target = { cluster: 'goldenpath-dev-eks-1', hostedZoneId: 'Z1', ownerId: 'goldenpath-dev-1' };
const left: OwnedRecord = { name: 'app.b-1.dev.example.org', type: 'A', values: ['192.0.2.1'], because: 'owner-txt' };
const listing = (at: number, owned: OwnedRecord[] = [], hostedZoneId = 'Z1'): ZoneListing => ({ hostedZoneId, at, pages: 1, recordCount: owned.length, owned });
const gate = { target, planHash: 'p', sourcesGoneAt: 100, cleanListings: 3, now: 110, deadlineAt: 200 };

describe('gateStep', () => {
  it('X1: three clean listings in a row after the sources are gone prove it', () => {
    expect(gateStep([listing(100), listing(102), listing(104)], undefined, gate)).toEqual({
      do: 'pass',
      permit: { kind: 'dns-proof', ...target, planHash: 'p', cleanListings: 3, firstCleanAt: 100, lastCleanAt: 104 },
    });
  });

  it('X1: a record that shows up again starts the count anew', () => {
    expect(gateStep([listing(100), listing(101), listing(102, [left]), listing(103), listing(104)], undefined, gate)).toEqual({ do: 'look', clean: 2, remaining: [] });
  });

  it('X1: listings from before the sources were gone, or of another zone, prove nothing', () => {
    expect(gateStep([listing(97), listing(98), listing(99)], undefined, gate).do).toBe('look');
    expect(gateStep([listing(101, [], 'Z2'), listing(102, [], 'Z2'), listing(103, [], 'Z2')], undefined, gate).do).toBe('look');
  });

  it('X2: past the deadline the gate is blocked and names what remains', () => {
    expect(gateStep([listing(101, [left])], undefined, { ...gate, now: 200 })).toMatchObject({ do: 'block', remaining: [left] });
  });

  it('X1: no history without the needed clean tail is ever a proof', () => {
    const history = fc.array(fc.record({ at: fc.integer({ min: 90, max: 130 }), dirty: fc.boolean() }), { maxLength: 12 });
    fc.assert(fc.property(history, fc.integer({ min: 1, max: 4 }), (looks, cleanListings) => {
      const listings = looks.toSorted((x, y) => x.at - y.at).map(({ at, dirty }) => listing(at, dirty ? [left] : []));
      const verdict = gateStep(listings, undefined, { ...gate, cleanListings });
      const tail = listings.filter(({ at }) => at >= 100).slice(-cleanListings);
      expect(verdict.do === 'pass').toBe(tail.length === cleanListings && tail.every(({ owned }) => owned.length === 0));
    }), { numRuns: 2_000 });
  });
});

describe('demandPermit', () => {
  const proof: DnsProof = { kind: 'dns-proof', ...target, planHash: 'p', cleanListings: 3, firstCleanAt: 100, lastCleanAt: 104 };
  const demand = { target, planHash: 'p', now: 200, maxAgeMs: 100, cleanListings: 3 };
  const problemsOf = (given: Permit | undefined, changes: Partial<typeof demand> = {}): string[] => {
    try {
      demandPermit(given, { ...demand, ...changes });
      return [];
    } catch (error) {
      if (!(error instanceof GoldenpathError)) throw error;
      expect(error.type).toBe('ProofMissing');
      return error.problems;
    }
  };

  it('X1: a fresh proof of this platform opens', () => { expect(problemsOf(proof)).toEqual([]); });
  it('X1: no proof, no destroying', () => { expect(problemsOf(undefined)).toEqual(['no proof was given that Route 53 holds no record of the platform']); });
  it('X1: a stale proof is refused', () => { expect(problemsOf(proof, { now: 205_104, maxAgeMs: 200_000 })).toEqual(['the proof is 205 s old, 200 s are allowed']); });
  it('X1: a proof from the future is refused', () => { expect(problemsOf({ ...proof, lastCleanAt: 30_201 })).toEqual(['the proof lies in the future']); });
  it('X1: too few clean listings are refused', () => { expect(problemsOf({ ...proof, cleanListings: 2 })).toEqual(['the proof rests on 2 clean listings, 3 are needed']); });
  it('X1: a proof of another plan, cluster, zone or owner is refused', () => {
    expect(problemsOf({ ...proof, planHash: 'q' })).toEqual(['the proof belongs to another plan']);
    for (const field of ['cluster', 'hostedZoneId', 'ownerId'] as const) expect(problemsOf({ ...proof, [field]: 'x' })).toHaveLength(1);
  });

  describe('with a decision to leave the records', () => {
    const plan = { ...ephemeralPlan('teardown'), breakGlass: { approvals: 2, signatures: 'required' as const, expiresMinutes: 240, remindMinutes: 60, approvers: [] } };
    const subject = subjectOf([left]);
    const request = questionOf(plan, { subject, now: 0 });
    const say = (approver: string, changes: Partial<DecisionClaims> = {}): Approval => ({ claims: sayOf(request, approver, 'leave', changes), at: 50, jws: 'x' });
    const good: LeavePermit = { kind: 'break-glass', cluster: plan.target.cluster, hostedZoneId: plan.target.hostedZoneId, ownerId: plan.target.ownerId, planHash: plan.hash, request, approvals: [say('alice'), say('bob')], listedHash: subjectHash(subject), listedAt: 150 };
    const problems = (change: Partial<LeavePermit> = {}, demanded: { target?: typeof target } = {}) => problemsOf({ ...good, ...change }, { target: plan.target, planHash: plan.hash, ...demanded });

    it('B1: enough approvers for exactly the listed records open', () => { expect(problems()).toEqual([]); });
    it('B1: other records than those that were signed for do not', () => { expect(problems({ listedHash: subjectHash([...subject, 'one more']) })).toEqual(['the records are not the ones that were signed for']); });
    it('B1: fewer approvers, or one of them twice, do not', () => {
      const words = ['the decision is not to leave the records, or fewer than 2 approvers said so'];
      expect(problems({ approvals: [say('alice')] })).toEqual(words);
      expect(problems({ approvals: [say('alice'), say('alice')] })).toEqual(words);
      expect(problems({ approvals: [] })).toEqual(words);
    });
    it('B1: another decision does not', () => {
      expect(problems({ approvals: [say('alice', { decision: 'repair' }), say('bob', { decision: 'repair' })] })).toEqual(['the decision is not to leave the records, or fewer than 2 approvers said so']);
      expect(problems({ approvals: [say('alice', { decision: 'abort' }), say('bob')] })).toHaveLength(1);
    });
    it('B1: answers to another request, of another list, or after its end do not', () => {
      for (const stray of [say('bob', { request: 'x' }), say('bob', { subjectHash: 'x' }), { ...say('bob'), at: request.expiresAt }]) expect(problems({ approvals: [say('alice'), stray] })).toEqual(['bob answered another request, or too late']);
    });
    it('B1: a decision of another cluster or plan does not', () => {
      expect(problems({ request: { ...request, cluster: 'x' } })).toEqual(['the decision is of another run']);
      expect(problems({ request: { ...request, planHash: 'x' } })).toEqual(['the decision is of another run']);
      expect(problems({}, { target })).toHaveLength(3);
    });
    it('X1: the listing must be as fresh as a proof’s, and not from the future', () => {
      expect(problems({ listedAt: -204_800 })).toEqual(['the proof is 205 s old, 0 s are allowed']);
      expect(problems({ listedAt: 30_201 })).toEqual(['the proof lies in the future']);
    });
  });
});
