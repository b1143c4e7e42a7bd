import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashOf } from '../../../domain/hash.ts';
import { interruptionLine, interruptionProblem } from '../../../domain/interruption.ts';
import type { Plan } from '../../../domain/plan.ts';
import type { TeardownRequest } from '../../../domain/request.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const bootstrap = ephemeralPlan('bootstrap');
const teardown = ephemeralPlan('teardown');
const request: TeardownRequest = { environment: 'dev', lifecycle: 'ephemeral', buildId: '21-11-26-01', requester: 'bob', onFailure: 'wait' };
/** A plan as somebody else would have made it: its hash fits. */
function made(changes: Partial<Plan>): Plan {
  const { hash: _, ...rest } = { ...teardown, ...changes };
  return { ...rest, hash: hashOf(rest) };
}

describe('interruptionProblem', () => {
  it('X6: a teardown of the same platform takes the bootstrap over, also one of another release that tags otherwise or takes its time', () => {
    expect(interruptionProblem(bootstrap, { plan: teardown, request })).toBeUndefined();
    expect(interruptionProblem(bootstrap, { plan: made({ target: { ...teardown.target, tags: { more: 'tags' } }, timings: { ...teardown.timings, changeMs: 1 } }), request: { ...request, reason: 'the branch is merged', commit: 'abc' } })).toBeUndefined();
  });

  it('X6: whatever names the platform must be the same, each field that differs is told', () => {
    const fields = ['environment', 'lifecycle', 'buildId', 'cluster', 'region', 'accountId', 'zone', 'hostedZoneId', 'hostSuffix', 'ownerId', 'workflowId'] as const;
    fc.assert(fc.property(fc.subarray([...fields], { minLength: 1 }), (changed) => {
      const target = { ...teardown.target, ...Object.fromEntries(changed.map((field) => [field, 'other'])) };
      const problem = interruptionProblem(bootstrap, { plan: made({ target }), request }) ?? '';
      expect(fields.filter((field) => problem.includes(`${field} is other, here it is `))).toEqual(fields.filter((field) => changed.includes(field)));
    }));
  });

  it('X6: no JSON value takes a bootstrap over, nor makes the check throw', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (one, two) => {
      for (const given of [one, { plan: one, request: two }, { plan: teardown, request: one }]) expect(interruptionProblem(bootstrap, given as unknown as { plan: Plan; request: TeardownRequest })).toMatch(/^this is not the plan and the request of a teardown: /);
    }));
  });

  it('F1, X6: a plan of a bootstrap, one that lacks a field, and one that was changed are refused', () => {
    expect(interruptionProblem(bootstrap, { plan: bootstrap, request })).toBe('the plan is of a bootstrap; only a teardown takes a bootstrap over');
    const { timings: _, ...less } = teardown;
    expect(interruptionProblem(bootstrap, { plan: less as Plan, request })).toBe('the plan lacks timings');
    expect(interruptionProblem(bootstrap, { plan: { ...teardown, maxTier: '3' }, request })).toMatch(/^plan hash is .*: the plan was changed after it was made$/);
  });
});

describe('interruptionLine', () => {
  it('X6: says who, why and what it met', () => {
    const met = { by: 'bob', reason: 'the branch is merged', at: 1, stage: 'tier-1' };
    expect(interruptionLine(met)).toBe('bob had the platform torn down while the bootstrap was at stage tier-1: the branch is merged');
    expect(interruptionLine({ ...met, stage: null })).toBe('bob had the platform torn down as the bootstrap ended: the branch is merged');
  });
});
