// Fault rules: which calls they strike.
import { expect, it } from 'vitest';
import { createFaults, type FaultRule } from '../../../../lab/aws/faults.ts';

const call = { service: 'route53', operation: 'ListResourceRecordSets', resource: 'hostedzone/Z1', principal: 'arn:aws:iam::1:user/a', answered: true };

function strikes(rule: FaultRule, calls: number): boolean[] {
  const faults = createFaults();
  faults.add(rule);
  return Array.from({ length: calls }, () => faults.screen(call).length === 1);
}

it('X4: a rule strikes the calls that all its patterns match', () => {
  expect(strikes({ service: 'route53', answer: 503 }, 1)).toEqual([true]);
  expect(strikes({ operation: 'List*', resource: '*/Z1', principal: '*user/a', answer: 503 }, 1)).toEqual([true]);
  expect(strikes({ service: 'eks', answer: 503 }, 1)).toEqual([false]);
  expect(strikes({ operation: 'List', answer: 503 }, 1)).toEqual([false]);
  expect(strikes({ resource: '*/Z2', answer: 503 }, 1)).toEqual([false]);
});

it('X4: nth strikes one call, times the first ones', () => {
  expect(strikes({ nth: 2, answer: 'throttle' }, 4)).toEqual([false, true, false, false]);
  expect(strikes({ times: 2, answer: 'throttle' }, 4)).toEqual([true, true, false, false]);
});

it('X4: a probability draws the same from the same seed, near its value', () => {
  const rule: FaultRule = { probability: 0.25, seed: 7, answer: 'stale' };
  const drawn = strikes(rule, 2000);
  expect(strikes(rule, 2000)).toEqual(drawn);
  expect(drawn.filter(Boolean).length).toBeGreaterThan(420);
  expect(drawn.filter(Boolean).length).toBeLessThan(580);
});

it('X4: a rule that could never strike is refused, a removed one strikes no more', () => {
  const faults = createFaults();
  expect(() => faults.add({ nth: 0, answer: 503 })).toThrow(RangeError);
  expect(() => faults.add({ probability: 2, answer: 503 })).toThrow(RangeError);
  expect(() => faults.add({ nth: 2, probability: 0.5, answer: 503 })).toThrow(RangeError);
  const id = faults.add({ answer: 503 });
  expect(faults.screen(call)).toMatchObject([{ id, matched: 1, fired: 1 }]);
  expect(faults.remove(id)).toBe(true);
  expect(faults.screen(call)).toEqual([]);
});

it('X4: a call that one rule settled is not spent on a younger one: which strikes the next', () => {
  const faults = createFaults();
  faults.add({ times: 1, answer: { latencyMs: 1 } });
  faults.add({ times: 1, answer: 'throttle' });
  faults.add({ nth: 1, answer: 'reset-after' });
  const struck = () => faults.screen(call).map(({ answer }) => answer);
  expect(struck()).toEqual([{ latencyMs: 1 }, 'throttle']);
  expect(struck()).toEqual(['reset-after']);
  expect(struck()).toEqual([]);
});

it('X4: stale strikes only where there is an answer to repeat; elsewhere it is not spent, and a younger rule strikes', () => {
  const faults = createFaults();
  faults.add({ times: 1, answer: 'stale' });
  faults.add({ times: 1, answer: 'throttle' });
  const struck = (answered: boolean) => faults.screen({ ...call, answered }).map(({ answer }) => answer);
  expect([struck(false), struck(true), struck(true)]).toEqual([['throttle'], ['stale'], []]);
});
