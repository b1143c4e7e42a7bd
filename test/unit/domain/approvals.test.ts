// A decision judged once more by whoever acts on it (B1, B2): nothing that a run carries is taken on trust.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ActingRun, type CheckedApproval, decisionProblems } from '../../../domain/approvals.ts';
import type { BreakGlass, DecisionRequest } from '../../../domain/break-glass.ts';
import { questionOf, sayOf } from '../../support/decisions.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const plan = ephemeralPlan('teardown');
const policy: BreakGlass = { approvals: 1, signatures: 'required', expiresMinutes: 240, remindMinutes: 60, approvers: ['alice', 'bob', 'ana'].map((name) => ({ name })) };
const AT = Date.UTC(2026, 10, 21, 9);
const request = questionOf({ ...plan, breakGlass: policy }, { now: AT });
const run: ActingRun = { workflowId: plan.target.workflowId, runId: 'run-1', cluster: plan.target.cluster, environment: 'dev', planHash: plan.hash };
const by = (approver: string, of: DecisionRequest = request): CheckedApproval => {
  const claims = sayOf(of, approver, 'leave');
  return { approval: { claims, at: AT + 5_000, jws: 'x' }, signature: { kind: 'valid', signer: approver }, signed: claims };
};
const problems = (changes: { request?: Partial<DecisionRequest>; checked?: CheckedApproval[]; policy?: Partial<BreakGlass>; run?: Partial<ActingRun>; decision?: 'leave' | 'repair' } = {}) =>
  decisionProblems({ ...request, ...changes.request }, changes.decision ?? 'leave', { checked: changes.checked ?? [by('alice')], policy: { ...policy, ...changes.policy }, run: { ...run, ...changes.run } });

describe('decisionProblems', () => {
  it('B1: what enough approvers decided for this run has none', () => { expect(problems()).toEqual([]); });

  it('B1: a decision of another run, plan, cluster or environment is named by its field', () => {
    for (const field of ['workflowId', 'runId', 'cluster', 'environment', 'planHash'] as const) expect(problems({ run: { [field]: 'other' } })).toEqual([`the decision is of ${field} ${request[field]}, not of other`]);
  });

  it('B1: another decision, or none, is not this one', () => {
    expect(problems({ decision: 'repair' })).toEqual(['1 different approvers have not decided repair']);
    expect(problems({ checked: [] })).toEqual(['1 different approvers have not decided leave']);
  });

  it('B1: lines that do not fit their hash are refused', () => {
    expect(problems({ request: { subject: ['something else'] } })).toEqual(['the lines of the decision are not the ones that were signed for']);
  });

  it('B2: a signature that is worth nothing now, or is of other claims, is refused', () => {
    const { approval } = by('alice');
    expect(problems({ checked: [{ ...by('alice'), signature: { kind: 'invalid', why: 'x' } }] })).toEqual(['the answer of alice: the signature is worth nothing: x']);
    expect(problems({ checked: [{ approval, signature: { kind: 'none' }, signed: null }] })).toEqual(['the answer of alice: dev takes signed decisions only: make one with `goldenpath approve --key` or `goldenpath sign`']);
    expect(problems({ checked: [{ ...by('alice'), signed: sayOf(request, 'alice', 'repair') }] })).toEqual(['the answer of alice: the signature is of other claims']);
  });

  it('B2: the stricter of request and policy counts', () => {
    expect(problems({ request: { approvals: 1 }, policy: { approvals: 2 } })).toEqual(['2 different approvers have not decided leave']);
    expect(problems({ request: { approvals: 2 } })).toEqual(['2 different approvers have not decided leave']);
    const unsigned = { ...by('alice'), signature: { kind: 'none' as const }, signed: null };
    expect(problems({ request: { signatures: 'optional' }, checked: [unsigned] })).toHaveLength(1);
    expect(problems({ request: { signatures: 'optional' }, policy: { signatures: 'optional' }, checked: [unsigned] })).toEqual([]);
  });

  it('B1: an answer before the question, after its end, by the requester, by a stranger, or twice by one is refused', () => {
    const at = (when: number) => ({ ...by('alice'), approval: { ...by('alice').approval, at: when } });
    expect(problems({ checked: [at(AT - 1)] })).toEqual(['the answer of alice: it came before the question']);
    expect(problems({ checked: [at(request.expiresAt)] })[0]).toMatch(/^the answer of alice: the request expired at/);
    expect(problems({ checked: [by('ana')] })).toEqual(['the answer of ana: ana asked for this run and may not approve it']);
    expect(problems({ checked: [by('mallory')] })[0]).toMatch(/^the answer of mallory: mallory is not an approver/);
    expect(problems({ policy: { approvals: 2 }, checked: [by('alice'), by('alice')] })).toEqual(['the answer of alice: alice has answered this request already', '2 different approvers have not decided leave']);
  });

  it('B1: by property, fewer than two good answers of two people never do where two are asked for', () => {
    const flaw = fc.constantFrom('none', 'none', 'forged', 'other claims', 'early', 'stranger');
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('alice', 'bob'), flaw), { maxLength: 4 }), (given) => {
      const checked = given.map(([who, wrong]): CheckedApproval => {
        const good = by(wrong === 'stranger' ? 'mallory' : who);
        if (wrong === 'forged') return { ...good, signature: { kind: 'invalid', why: 'x' } };
        if (wrong === 'other claims') return { ...good, signed: sayOf(request, who, 'abort') };
        return wrong === 'early' ? { ...good, approval: { ...good.approval, at: 0 } } : good;
      });
      const isSound = given.length === 2 && given.every(([, wrong]) => wrong === 'none') && given[0]?.[0] !== given[1]?.[0];
      expect(problems({ policy: { approvals: 2 }, checked }).length === 0).toBe(isSound);
    }), { numRuns: 2_000 });
  });
});
