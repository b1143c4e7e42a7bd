// The invariant (teardown.md): no destroying call unless the latest listing shows no owned record, or a valid decision covers exactly what it shows.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Approval, claimsFor, coversExactly, decided, type Decided, type DecisionRequest, judgeDecision, makeDecisionRequest, type Signature, subjectOf } from '../../../domain/break-glass.ts';
import { demandPermit, gateStep, type Permit, type ZoneListing } from '../../../domain/dns-gate.ts';
import type { OwnedRecord } from '../../../domain/dns-records.ts';
import { repairOf } from '../../../domain/dns-repair.ts';
import { GoldenpathError } from '../../../domain/errors.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const base = ephemeralPlan('teardown', '21-11-26-01', { timings: { scale: 1, lateSweeps: false } });
const CLEAN = 3;
const MAX_AGE = 300_000;
const DEADLINE = 300_000;
const zoneRecords: OwnedRecord[] = ['a', 'b', 'c'].map((name) => ({ name: `${name}.${base.target.hostSuffix}`, type: 'A', values: ['192.0.2.1'], ttl: 300, because: 'owner-txt' }));

/** What happens next in a generated history. A listing may answer stale (the zone as it was before), or fail. */
type Event =
  | { kind: 'list'; answer: 'true' | 'stale' | 'fails' }
  | { kind: 'zone'; shown: boolean[] }
  | { kind: 'wait'; ms: number }
  | { kind: 'ask' }
  | { kind: 'answer'; who: string; decision: 'wait' | 'repair' | 'leave' | 'abort'; flaw: 'none' | 'forged' | 'own' | 'stale list' | 'other run' | 'old request' | 'unsigned' }
  | { kind: 'destroy' };

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('list' as const), answer: fc.constantFrom('true' as const, 'true' as const, 'true' as const, 'stale' as const, 'fails' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('zone' as const), shown: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('zone' as const), shown: fc.constant<boolean[]>([false, false, false]) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 400_000 }) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'ask' as const }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('answer' as const), who: fc.constantFrom('alice', 'bob', 'carol', 'mallory', 'ana'), decision: fc.constantFrom('wait' as const, 'repair' as const, 'leave' as const, 'leave' as const, 'abort' as const), flaw: fc.constantFrom('none' as const, 'none' as const, 'none' as const, 'forged' as const, 'own' as const, 'stale list' as const, 'other run' as const, 'old request' as const, 'unsigned' as const) }) },
  { weight: 6, arbitrary: fc.constant({ kind: 'destroy' as const }) },
);

it('X1, B1: in 25 000 histories of listings, failures and decisions nothing is destroyed but on a clean listing or on a decision for exactly what it shows, and no repair deletes what was not signed for', () => {
  let onProof = 0;
  let onDecision = 0;
  let refused = 0;
  let repaired = 0;
  let voided = 0;
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 60, size: 'max' }), fc.constantFrom(1, 2), (history, approvals) => {
      const outcome = play(history, approvals);
      onProof += outcome.onProof;
      onDecision += outcome.onDecision;
      refused += outcome.refused;
      repaired += outcome.repaired;
      voided += outcome.voided;
    }),
    { numRuns: 25_000 },
  );
  // The histories reach every end: a test in which nothing is ever destroyed would prove nothing.
  expect(Math.min(onProof, onDecision, refused)).toBeGreaterThan(1_000);
  expect(Math.min(repaired, voided)).toBeGreaterThan(100);
});

/** Plays a history against the domain's own functions as the workflow calls them, and judges each destroying call by what the world showed. */
function play(history: readonly Event[], approvalsNeeded: number) {
  const policy = { approvals: approvalsNeeded, signatures: 'required' as const, expiresMinutes: 5, remindMinutes: 1, approvers: ['alice', 'bob', 'carol', 'ana'].map((name) => ({ name })) };
  const plan = { ...base, breakGlass: policy };
  let now = 1_000_000;
  const startedAt = now;
  let inZone: OwnedRecord[] = [...zoneRecords];
  let before: OwnedRecord[] = inZone;
  const listings: ZoneListing[] = [];
  let request: DecisionRequest | undefined;
  let old: DecisionRequest | undefined;
  let given: Approval[] = [];
  let standing: Decided | undefined;
  let sequence = 0;
  let newest: string | undefined;
  const count = { onProof: 0, onDecision: 0, refused: 0, repaired: 0, voided: 0 };

  const step = () => gateStep(listings, standing, { target: plan.target, planHash: plan.hash, sourcesGoneAt: startedAt, cleanListings: CLEAN, now, deadlineAt: now + DEADLINE });
  for (const happening of history) {
    now += 10;
    switch (happening.kind) {
      case 'zone':
        before = inZone;
        inZone = zoneRecords.filter((_, index) => happening.shown[index]);
        break;
      case 'wait': now += happening.ms; break;
      case 'list':
        if (happening.answer !== 'fails') listings.push({ hostedZoneId: plan.target.hostedZoneId, at: now, pages: 1, recordCount: 3, owned: happening.answer === 'stale' ? before : inZone });
        break;
      case 'ask': {
        const remaining = listings.at(-1)?.owned ?? [];
        if (remaining.length === 0) break;
        // As closedGate.endDecision: whoever is asked anew has the last word, also where the list returns to what was decided on before.
        if (standing !== undefined && coversExactly(standing, remaining)) break;
        standing = undefined;
        old = request;
        sequence += 1;
        newest = undefined;
        request = makeDecisionRequest(plan, { runId: 'run', requester: 'ana', gate: 'dns-gate', subject: subjectOf(remaining), decisions: ['wait', 'repair', 'leave', 'abort'], sequence, now });
        given = [];
        break;
      }
      case 'answer': {
        if (request === undefined) break;
        const claims = flawed(claimsFor(happening.flaw === 'old request' && old !== undefined ? old : request, { decision: happening.decision, approver: happening.flaw === 'own' ? 'ana' : happening.who, reason: 'why', ticket: 'OPS-1' }), happening.flaw);
        const signature: Signature = happening.flaw === 'unsigned' ? { kind: 'none' } : happening.flaw === 'forged' ? { kind: 'invalid', why: 'forged' } : { kind: 'valid', signer: claims.approver };
        const verdict = judgeDecision(request, claims, { signature, approvals: given, policy, now });
        const isSound = happening.flaw === 'none' || (happening.flaw === 'old request' && old === undefined);
        const mayCount = isSound && happening.who !== 'ana' && happening.who !== 'mallory';
        if (verdict.accepted && !mayCount) throw new Error(`counted: ${JSON.stringify(happening)}`);
        if (verdict.accepted) given = [...given, { claims, jws: 'a.b.c', at: now }];
        const decision = decided(request, given);
        if (decision !== undefined) {
          // As closedGate.decide: `wait` and `abort` leave nothing standing behind.
          if (decision === 'repair' || decision === 'leave') standing = { decision, request, approvals: given };
          newest = request.id;
          request = undefined;
        }
        break;
      }
      case 'destroy': {
        const next = step();
        if (next.do === 'repair') {
          standing = undefined; // single use
          repair(next.decided.request);
        }
        judgeDestroying(next.do === 'pass' ? next.permit : undefined);
        break;
      }
    }
  }
  return count;

  /** The zone may be another than the gate listed: then nothing goes, and the decision is used up all the same. What goes is what was signed for. */
  function repair(of: DecisionRequest): void {
    try {
      const { records, registry } = repairOf(inZone, (record) => record, { request: of, begun: false, zone: plan.target.zone });
      expect(subjectOf([...records, ...registry])).toEqual(of.subject);
      before = inZone;
      inZone = [];
      count.repaired += 1;
    } catch (error) {
      if (!(error instanceof GoldenpathError) || error.type !== 'DnsRecordsRemain') throw error;
      count.voided += 1;
    }
  }

  /** The guard has the last word; what it lets through is compared with the latest listing, whatever permit and gate say of themselves. */
  function judgeDestroying(permit: Permit | undefined): void {
    try {
      demandPermit(permit, { target: plan.target, planHash: plan.hash, now, maxAgeMs: MAX_AGE, cleanListings: CLEAN });
    } catch (error) {
      if (!(error instanceof GoldenpathError) || error.type !== 'ProofMissing') throw error;
      count.refused += 1;
      return;
    }
    if (permit === undefined) throw new Error('destroyed without a permit');
    const at = permit.kind === 'dns-proof' ? permit.lastCleanAt : permit.listedAt;
    const latest = listings.at(-1)?.owned ?? zoneRecords;
    expect(now - at).toBeLessThanOrEqual(MAX_AGE);
    if (permit.kind === 'dns-proof') {
      expect(latest).toEqual([]);
      expect(listings.slice(-CLEAN).map(({ owned }) => owned.length)).toEqual([0, 0, 0]);
      count.onProof += 1;
    } else {
      expect(coversExactly({ decision: 'leave', request: permit.request, approvals: permit.approvals }, latest)).toBe(true);
      expect(new Set(permit.approvals.filter(({ claims }) => claims.decision === 'leave').map(({ claims }) => claims.approver)).size).toBeGreaterThanOrEqual(approvalsNeeded);
      expect(permit.approvals.every(({ claims }) => claims.approver !== 'ana')).toBe(true);
      expect(permit.request.id).toBe(newest);
      count.onDecision += 1;
    }
  }
}

function flawed(claims: ReturnType<typeof claimsFor>, flaw: string): ReturnType<typeof claimsFor> {
  if (flaw === 'stale list') return { ...claims, subjectHash: 'another' };
  if (flaw === 'other run') return { ...claims, runId: 'another' };
  return claims;
}
