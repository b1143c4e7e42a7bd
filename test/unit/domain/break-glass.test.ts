// Who may decide what, and when it counts (B1, B2): by example with the words that people read, and by property over every bound field.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Approval, type BreakGlass, decided, DECISIONS, type Decision, type DecisionClaims, judgeDecision, makeDecisionRequest, type Signature, subjectOf } from '../../../domain/break-glass.ts';
import type { OwnedRecord } from '../../../domain/dns-records.ts';
import { questionOf, sayOf } from '../../support/decisions.ts';
import { environment, ephemeralPlan } from '../../support/plans.ts';

const AT = Date.UTC(2026, 10, 21, 9);
const policy: BreakGlass = { approvals: 1, signatures: 'required', expiresMinutes: 240, remindMinutes: 60, approvers: ['alice', 'bob', 'carol', 'ana'].map((name) => ({ name })) };
const plan = { ...ephemeralPlan('teardown'), breakGlass: policy };
const request = questionOf(plan, { now: AT });
const byAlice: Signature = { kind: 'valid', signer: 'alice' };
const judge = (changes: Partial<DecisionClaims> = {}, seen: Partial<Parameters<typeof judgeDecision>[2]> = {}) =>
  judgeDecision(request, sayOf(request, 'alice', 'repair', changes), { signature: { kind: 'valid', signer: changes.approver ?? 'alice' }, approvals: [], policy, now: AT + 1_000, ...seen });
const reason = (verdict: ReturnType<typeof judge>) => (verdict.accepted ? 'accepted' : verdict.reason);

describe('makeDecisionRequest', () => {
  it('B1: the question carries the policy’s terms', () => {
    expect(request).toMatchObject({ approvals: 1, signatures: 'required', createdAt: AT, remindAt: AT + 180 * 60_000, expiresAt: AT + 240 * 60_000, requester: 'ana', planHash: plan.hash });
  });

  it('B1: whatever it is bound to gives it another id: run, stage, subject, plan, and the count of questions', () => {
    const asked = { runId: 'run-1', requester: 'ana', gate: 'dns-gate', subject: ['a'], decisions: [...DECISIONS], sequence: 1, now: AT };
    const others = [{}, { runId: 'run-2' }, { gate: 'final-proof' }, { subject: ['a', 'b'] }, { sequence: 2 }].map((change) => makeDecisionRequest(plan, { ...asked, ...change }).id);
    const otherPlan = makeDecisionRequest({ ...plan, hash: 'other' }, asked).id;
    expect(new Set([...others, otherPlan]).size).toBe(6);
    expect(makeDecisionRequest(plan, { ...asked, now: AT + 1 }).id).toBe(others[0]);
  });
});

describe('subjectOf', () => {
  const record: OwnedRecord = { name: 'app.x', type: 'A', setIdentifier: 'one', values: ['192.0.2.1'], ttl: 60, routing: 'Weight=10', because: 'owner-txt', owner: 'me' };

  it('B1: a line holds all that a change of the record could alter', () => {
    expect(subjectOf([record])).toEqual(['app.x A [one] 192.0.2.1 (owner-txt, owner me) ttl 60 Weight=10']);
    const changes: Partial<OwnedRecord>[] = [{ name: 'b.x' }, { type: 'AAAA' }, { setIdentifier: 'two' }, { values: ['192.0.2.2'] }, { ttl: 61 }, { routing: 'Weight=11' }, { because: 'inside-scope' }, { owner: 'you' }];
    expect(new Set([{}, ...changes].map((change) => subjectOf([{ ...record, ...change }])[0])).size).toBe(9);
  });

  it('B1: the order in which Route 53 lists records is no change', () => {
    fc.assert(fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 5 }), (order) => {
      const records = order.map((number) => ({ ...record, name: `${number}.x` }));
      expect(subjectOf(records)).toEqual(subjectOf(records.toReversed()));
    }));
  });
});

describe('judgeDecision', () => {
  it('B1: an approver’s answer to this question counts', () => { expect(judge()).toEqual({ accepted: true }); });

  it.each<[string, Partial<DecisionClaims>, string]>([
    ['another run', { runId: 'run-0' }, `it was given for run run-0 of ${plan.target.workflowId}, this is run run-1 of ${plan.target.workflowId}`],
    ['another workflow', { workflowId: 'platform/prod/x' }, `it was given for run run-1 of platform/prod/x, this is run run-1 of ${plan.target.workflowId}`],
    ['another gate', { gate: 'final-proof' }, 'it was given for gate final-proof, the run waits at dns-gate'],
    ['another plan', { planHash: 'x' }, 'it was given for another plan'],
    ['a list that changed', { subjectHash: 'x' }, 'the list that it was given for has changed; look at the list anew'],
    ['an earlier question about the same list', { request: 'abc' }, `it answers request abc, which is over; the run asks ${request.id} now`],
    ['what cannot be decided here', { decision: 'lift' }, 'lift cannot be decided here; allowed: wait, repair, leave, abort'],
    ['no reason', { reason: ' ' }, 'a reason is needed'],
    ['no ticket', { ticket: ' ' }, 'a ticket is needed'],
    ['a stranger', { approver: 'mallory' }, 'mallory is not an approver of dev; approvers: alice, bob, carol, ana'],
    ['the requester', { approver: 'ana' }, 'ana asked for this run and may not approve it'],
  ])('B1: refused: %s', (_, changes, words) => { expect(reason(judge(changes))).toBe(words); });

  it('B1: refused: too late, and answers nobody asked for', () => {
    expect(reason(judge({}, { now: request.expiresAt }))).toBe('the request expired at 2026-11-21T13:00:00.000Z; `goldenpath retry` looks again and asks anew');
    expect(reason(judge({}, { now: request.expiresAt - 1 }))).toBe('accepted');
    expect(reason(judgeDecision(undefined, sayOf(request, 'alice', 'repair'), { signature: byAlice, approvals: [], policy, now: AT }))).toBe('the run does not wait for a decision now');
  });

  it('B2: refused: forged, unsigned where signatures are required, and signed by someone else', () => {
    expect(reason(judge({}, { signature: { kind: 'invalid', why: 'tampered with' } }))).toBe('the signature is worth nothing: tampered with');
    expect(reason(judge({}, { signature: { kind: 'none' } }))).toBe('dev takes signed decisions only: make one with `goldenpath approve --key` or `goldenpath sign`');
    expect(reason(judge({}, { signature: { kind: 'valid', signer: 'bob' } }))).toBe('bob signed in the name of alice');
  });

  it('B2: where signatures are optional none is needed, but one that is given must be right', () => {
    const optional = { ...request, signatures: 'optional' as const };
    const of = (signature: Signature) => reason(judgeDecision(optional, sayOf(request, 'alice', 'repair'), { signature, approvals: [], policy, now: AT }));
    expect([of({ kind: 'none' }), of(byAlice), of({ kind: 'invalid', why: 'x' })]).toEqual(['accepted', 'accepted', 'the signature is worth nothing: x']);
  });

  it('B1: refused: the same approver twice (replayed or changed mind)', () => {
    const approvals: Approval[] = [{ claims: sayOf(request, 'alice', 'wait'), at: AT }];
    expect(reason(judge({}, { approvals }))).toBe('alice has answered this request already');
    expect(reason(judge({ approver: 'bob' }, { approvals }))).toBe('accepted');
  });

  it('B1: requester ≠ approver holds whatever the case of the letters', () => {
    const shouting = { ...policy, approvers: [{ name: 'ANA' }] };
    expect(reason(judge({ approver: 'ANA' }, { policy: shouting }))).toBe('ANA asked for this run and may not approve it');
  });

  it('B1, B2: it counts only when every bound field is this question’s', () => {
    const text = fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.string() });
    const changes = fc.record({ request: text, workflowId: text, runId: text, gate: text, planHash: text, subjectHash: text });
    const signature = fc.constantFrom<Signature>(byAlice, byAlice, { kind: 'none' }, { kind: 'invalid', why: 'x' }, { kind: 'valid', signer: 'bob' });
    const claims = sayOf(request, 'alice', 'repair');
    let accepted = 0;
    fc.assert(fc.property(changes, signature, fc.constantFrom('alice', 'alice', 'mallory', 'ana'), fc.integer({ min: -1, max: 1 }), (change, seal, approver, late) => {
      const given = { ...claims, ...Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)), approver };
      const verdict = judgeDecision(request, given, { signature: seal, approvals: [], policy, now: request.expiresAt + late });
      const same = (['request', 'workflowId', 'runId', 'gate', 'planHash', 'subjectHash'] as const).every((field) => given[field] === claims[field]);
      expect(verdict.accepted).toBe(same && seal.kind === 'valid' && seal.signer === approver && approver === 'alice' && late < 0);
      accepted += Number(verdict.accepted);
    }), { numRuns: 5_000 });
    expect(accepted).toBeGreaterThan(50);
  });
});

describe('decided', () => {
  const answers = (given: [string, Decision][]): Approval[] => given.map(([approver, decision]) => ({ claims: sayOf(request, approver, decision), at: AT }));

  it('B1: prod of this repository asks for two', () => { expect(environment('prod').breakGlass).toMatchObject({ approvals: 2, signatures: 'required' }); });

  it('B1: two different approvers of one mind decide; one person twice, or two minds, do not', () => {
    const two = { ...request, approvals: 2 };
    expect(decided(two, answers([['alice', 'repair']]))).toBeUndefined();
    expect(decided(two, answers([['alice', 'repair'], ['alice', 'repair']]))).toBeUndefined();
    expect(decided(two, answers([['alice', 'repair'], ['bob', 'leave']]))).toBeUndefined();
    expect(decided(two, answers([['alice', 'repair'], ['bob', 'leave'], ['carol', 'repair']]))).toBe('repair');
  });

  it('B1: to end the run one is enough', () => { expect(decided({ ...request, approvals: 2 }, answers([['alice', 'abort']]))).toBe('abort'); });

  it('B1: never with fewer different approvers than asked for, and never what was not offered', () => {
    const given = fc.array(fc.tuple(fc.constantFrom('alice', 'bob', 'carol', 'dave'), fc.constantFrom(...DECISIONS)), { maxLength: 8 });
    fc.assert(fc.property(given, fc.integer({ min: 1, max: 4 }), fc.subarray([...DECISIONS]), (said, approvals, decisions) => {
      const decision = decided({ ...request, approvals, decisions }, answers(said));
      const voices = (of: Decision) => new Set(said.filter(([, what]) => what === of).map(([who]) => who)).size;
      expect(decision === undefined || (decisions.includes(decision) && voices(decision) >= (decision === 'abort' ? 1 : approvals))).toBe(true);
      expect(decision !== undefined || decisions.every((of) => voices(of) < (of === 'abort' ? 1 : approvals))).toBe(true);
    }), { numRuns: 2_000 });
  });
});
