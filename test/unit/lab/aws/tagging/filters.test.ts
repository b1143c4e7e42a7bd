// The tagging API's view of EKS resources (X5; teardown.md, step 12).
import { expect, it } from 'vitest';
import { isOfType, matches } from '../../../../../lab/aws/tagging/index.ts';

const CLUSTER = 'arn:aws:eks:eu-west-2:111122223333:cluster/one';

it('X5: resource types are a service, or a service and a kind', () => {
  expect(['eks', 'eks:cluster', 'eks:nodegroup', 'ec2', 'ec2:cluster'].filter((type) => isOfType(CLUSTER, type))).toEqual(['eks', 'eks:cluster']);
});

it('failure 39: a tag matches by its whole key and one of the named values', () => {
  const tags = { 'goldenpath.idp/cluster': 'b-1' };
  expect(matches(tags, { Key: 'goldenpath.idp/cluster' })).toBe(true);
  expect(matches(tags, { Key: 'goldenpath.idp/cluster', Values: ['b-1', 'b-2'] })).toBe(true);
  expect(matches(tags, { Key: 'goldenpath.idp/cluster', Values: ['b-11', 'xb-1'] })).toBe(false);
  expect(matches(tags, { Key: 'goldenpath.idp' })).toBe(false);
});
