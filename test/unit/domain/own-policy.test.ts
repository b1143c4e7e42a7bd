// A plan's approvers against the worker's own file (B1, B2): whatever differs is told, and nothing but the order of the approvers may.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BreakGlass } from '../../../domain/break-glass.ts';
import { type HeldEnvironments, ownPolicyProblems, type Planned } from '../../../domain/own-policy.ts';
import { people } from '../../support/decisions.ts';
import { environment, ephemeralPlan } from '../../support/plans.ts';

const { policy } = people();
const own = policy();
const { target } = ephemeralPlan('teardown');
const held: HeldEnvironments = new Map([['dev', { ...environment(), breakGlass: own }], ['prod', environment('prod')]]);
const problems = (breakGlass: BreakGlass, changes: Partial<Planned['target']> = {}) => ownPolicyProblems({ target: { ...target, ...changes }, breakGlass }, held);
const [alice, bob, carol] = own.approvers;
if (alice === undefined || bob === undefined || carol === undefined) throw new TypeError('there are three people');
const mallory = { ...people().policy().approvers[0], name: 'mallory' };

describe('ownPolicyProblems', () => {
  it('B1: the worker’s own list, in any order, is no problem; and where the worker holds no files no list is', () => {
    expect(problems({ ...own, approvers: own.approvers.toReversed() })).toEqual([]);
    expect(ownPolicyProblems({ target, breakGlass: { ...own, approvers: [mallory] } }, undefined)).toEqual([]);
  });

  it('B1, B2: who is more, who is missing, whose key is another, and every other field are told, each in its line', () => {
    expect(problems({ ...own, approvers: [alice, { ...bob, publicKey: mallory.publicKey }, mallory] })).toEqual([
      'bob has another public key in the plan than in the worker\'s file',
      'mallory is an approver in the plan, not in the worker\'s file',
      'carol is an approver in the worker\'s file, not in the plan',
    ]);
    expect(problems({ ...own, approvals: 2, signatures: 'optional', expiresMinutes: 9_999, remindMinutes: 0 })).toEqual([
      'breakGlass.approvals is 2 in the plan, 1 in the worker\'s file',
      'breakGlass.signatures is optional in the plan, required in the worker\'s file',
      'breakGlass.expiresMinutes is 9999 in the plan, 240 in the worker\'s file',
      'breakGlass.remindMinutes is 0 in the plan, 60 in the worker\'s file',
    ]);
  });

  it('B2: a second entry of a name cannot hide behind the right one, whichever comes first', () => {
    const forged = { ...alice, publicKey: mallory.publicKey };
    for (const approvers of [[forged, ...own.approvers], [...own.approvers, forged]]) {
      expect(problems({ ...own, approvers })).toEqual(['alice has another public key in the plan than in the worker\'s file', 'alice stands more than once among the plan\'s approvers']);
    }
    expect(problems({ ...own, approvers: [...own.approvers, alice] })).toEqual(['alice stands more than once among the plan\'s approvers']);
    expect(problems({ ...own, approvers: [{ name: 'alice' }, bob, carol] })).toEqual(['alice has another public key in the plan than in the worker\'s file']);
  });

  it('B1: a plan that calls a platform of prod one of dev, or dev’s another zone, does not get dev’s approvers', () => {
    expect(problems(own, { cluster: 'goldenpath-prod-eks' })).toEqual(['cluster goldenpath-prod-eks is none of environment dev']);
    expect(problems(own, { cluster: 'goldenpath-dev-eks' })).toEqual([]); // the persistent one
    expect(problems(own, { hostedZoneId: 'Z0PROD' })).toEqual([`the hosted zone is Z0PROD in the plan, ${environment().dns.hostedZoneId} in the worker's file of dev`]);
    expect(problems(own, { zone: 'prod.goldenpathidp.io' })).toEqual([`the zone is prod.goldenpathidp.io in the plan, ${environment().dns.zone} in the worker's file of dev`]);
  });

  it('B1: an environment that the worker has no file of is told with those it has', () => {
    expect(problems(own, { environment: 'qa' })).toEqual(['the worker holds no file of environment qa, only of dev, prod']);
  });

  it('B1: a field that the file has not is a difference too', () => {
    expect(problems({ ...own, extra: true } as BreakGlass)).toEqual(['the plan has fields of breakGlass that the worker\'s file has not']);
  });

  it('B1, B2: by property, a plan passes exactly where it says the same as the file', () => {
    const approver = fc.record({ name: fc.constantFrom('alice', 'bob', 'carol', 'mallory'), publicKey: fc.constantFrom(alice.publicKey ?? '', bob.publicKey ?? '', carol.publicKey ?? '') }, { requiredKeys: ['name'] });
    const list = fc.oneof(fc.shuffledSubarray(own.approvers), fc.shuffledSubarray(own.approvers, { minLength: own.approvers.length }), fc.array(approver, { maxLength: 4 }));
    const given: fc.Arbitrary<BreakGlass> = fc.record({
      approvals: fc.constantFrom(1, 1, 2), signatures: fc.constantFrom('required' as const, 'required' as const, 'optional' as const),
      expiresMinutes: fc.constantFrom(240, 240, 60), remindMinutes: fc.constantFrom(60, 60, 0), approvers: list,
    });
    let [same, other] = [0, 0];
    fc.assert(fc.property(given, (breakGlass) => {
      const asText = ({ approvers, ...rest }: BreakGlass) => JSON.stringify([rest.approvals, rest.signatures, rest.expiresMinutes, rest.remindMinutes, approvers.map(({ name, publicKey }) => `${name} ${publicKey}`).toSorted()]);
      const isSame = asText(breakGlass) === asText(own);
      expect(problems(breakGlass).length === 0).toBe(isSame);
      if (isSame) same += 1;
      else other += 1;
    }), { numRuns: 2_000 });
    expect(Math.min(same, other)).toBeGreaterThan(50);
  });
});
