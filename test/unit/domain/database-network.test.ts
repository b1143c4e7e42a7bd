// Why an instance gives no answer: its VPC and its port (R3, F4).
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { portProblems, vpcProblems, wayProblems } from '../../../domain/database-network.ts';

const SUBNETS = [{ id: 'subnet-a', cidr: '10.0.16.0/20' }, { id: 'subnet-b', cidr: '10.0.32.0/20' }];
const way = { identifier: 'goldenpath-dev', vpcId: 'vpc-1', vpcIds: ['vpc-1'], openTo: ['10.0.0.0/16'], subnets: SUBNETS };

it('R3: nothing is wrong with the foundation’s VPC and an open port', () => {
  expect(wayProblems(way, 'dev')).toEqual([]);
});

it('R3: another VPC and each closed subnet are named, with what mends them', () => {
  expect(wayProblems({ ...way, vpcId: 'vpc-9', openTo: ['10.0.32.0/20'] }, 'dev')).toEqual([
    "goldenpath-dev is in vpc-9, the foundation's VPC is vpc-1: restore a snapshot of goldenpath-dev into the foundation's VPC, or make a new instance there (another databases.instance.identifier, then goldenpath database apply --env dev): RDS moves none between VPCs by itself",
    'port 5432 is closed to subnet subnet-a (10.0.16.0/20): open it in the security groups that goldenpath-dev uses; goldenpath database apply --env dev opens the environment\'s own, and says how an instance comes to use that',
  ]);
});

it('R3: a foundation without VPC or private subnets is no way to an instance', () => {
  expect(vpcProblems({ ...way, vpcIds: [] })).toEqual(["goldenpath-dev is in vpc-1, the foundation's VPC is absent"]);
  expect(portProblems({ openTo: ['0.0.0.0/0'], subnets: [] })).toEqual(['the foundation has no private subnet']);
});

it('R3: a subnet is named exactly when no open block holds it', () => {
  const subnets = fc.uniqueArray(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 6 }).map((thirds) => thirds.map((third) => ({ id: `subnet-${third}`, cidr: `10.0.${third}.0/24` })));
  fc.assert(fc.property(subnets, fc.func(fc.boolean()), (all, isOpen) => {
    const open = all.filter(({ id }) => isOpen(id));
    const named = portProblems({ openTo: open.map(({ cidr }) => cidr), subnets: all }).map((line) => /subnet-\d+/.exec(line)?.[0]);
    expect(named).toEqual(all.filter((subnet) => !open.includes(subnet)).map(({ id }) => id));
  }));
});
