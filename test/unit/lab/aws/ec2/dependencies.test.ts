// What keeps a security group alive (teardown.md, failure 24), and EC2's filter values.
import { expect, it } from 'vitest';
import { groupsNaming } from '../../../../../lab/aws/ec2/dependencies.ts';
import { like } from '../../../../../lab/aws/ec2/index.ts';

const naming = (id: string) => [{ IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: id }] }];

it('failure 24: a rule in either direction of another group counts, a group\'s own rule does not', () => {
  const groups = [
    { GroupId: 'sg-1', IpPermissions: naming('sg-1') },
    { GroupId: 'sg-2', IpPermissions: naming('sg-1') },
    { GroupId: 'sg-3', IpPermissionsEgress: naming('sg-1') },
    { GroupId: 'sg-4', IpPermissions: naming('sg-2') },
  ];
  expect(groupsNaming(groups, 'sg-1')).toEqual(['sg-2', 'sg-3']);
});

it('failure 23: filter values know * and ?, and nothing else is special', () => {
  expect(like('ELB net/kong/1', 'ELB net/*')).toBe(true);
  expect(like('ELB net/kong/1', 'ELB app/*')).toBe(false);
  expect(like('axb', 'a.b')).toBe(false);
  expect(like('in-use', 'in?use')).toBe(true);
});
