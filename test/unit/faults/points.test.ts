import { expect, test } from 'vitest';
import type { Line } from '../../faults/orders.ts';
import { differences } from '../../faults/outside.ts';
import { pointsOf } from '../../faults/points.ts';

/** One execution of an activity: it begins, asks, ends. */
function executed(activity: string, activityId: string, calls: string[]): Line[] {
  const about = { runId: 'run', activityId, activity, attempt: 1 };
  return [{ what: 'begun', ...about }, { what: 'ended', ...about, calls }];
}

test('Faults: every call of an activity is a point three times, the first calls of each activity first', () => {
  const points = pointsOf([...executed('readZone', '1', ['route53 GET']), ...executed('readZone', '2', ['route53 GET']), ...executed('sweep', '3', ['ec2 DescribeVolumes'])]);
  expect(points.map(({ id }) => id)).toEqual([
    'readZone#1 in route53 GET', 'sweep#1 in ec2 DescribeVolumes', 'readZone#1 after', 'sweep#1 after', 'readZone#1 before', 'sweep#1 before',
    'readZone#2 in route53 GET', 'readZone#2 after', 'readZone#2 before',
  ]);
});

test('Faults: the call whose answer is lost is the first that changes something beside the record of it', () => {
  const callOf = (calls: string[]) => pointsOf(executed('x', '1', calls)).find(({ order }) => order.moment === 'in')?.order.call;
  expect(callOf(['sts GET', 'eks GET', 's3 PUT', 'eks DELETE', 'kubernetes DELETE'])).toBe('eks DELETE');
  expect(callOf(['s3 GET', 's3 PUT'])).toBe('s3 PUT');
  expect(callOf(['ec2 DescribeVolumes', 'logs DescribeLogGroups'])).toBe('ec2 DescribeVolumes');
  expect(callOf([])).toBeUndefined();
});

test('Faults: a probe that looked twice is one call, with what both attempts asked', () => {
  const [first, second] = [executed('probe', '7', ['eks GET']), executed('probe', '7', ['eks DELETE'])];
  expect(pointsOf([...first, ...second]).map(({ id }) => id)).toEqual(['probe#1 in eks DELETE', 'probe#1 after', 'probe#1 before']);
});

test('Faults: what only one of two outside states has is told, also a line that comes twice', () => {
  expect(differences({ roles: ['a', 'b'], volumes: [] }, { roles: ['b', 'b'], volumes: ['vol'], new: ['x'] })).toEqual(['- roles: a', '+ roles: b', '+ volumes: vol', '+ new: x']);
  expect(differences({ roles: ['a', 'b'] }, { roles: ['b', 'a'] })).toEqual([]);
});
