// Whose an AWS object is, and what of it is touched (failures 22–24, 39, 40).
import { describe, expect, it } from 'vitest';
import { objectOfArn } from '../../../activities/arns.ts';
import { irsaRoleArn, oidcProviderArn, partitionOf, roleNamesOf } from '../../../activities/iam.ts';
import { rulesAbout } from '../../../activities/leftovers.ts';
import { isMadeForCluster } from '../../../activities/load-balancers.ts';
import { isPlatformLogGroup } from '../../../activities/logs.ts';
import { balancerOfInterface, lingeringInterfaces } from '../../../activities/network.ts';
import { demandOwned, fromTagList, requestToken, toTagList } from '../../../activities/ownership.ts';
import { allPages, inGroups } from '../../../activities/pages.ts';
import { reading } from '../../../activities/reading.ts';
import { requiredActions } from '../../../activities/required-actions.ts';
import { GoldenpathError } from '../../../domain/errors.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const plan = ephemeralPlan();
const { target } = plan;

describe('ownership', () => {
  it('failure 39: only the exact tag makes an object ours; a longer name, another case or none does not', () => {
    expect(() => demandOwned('role x', target.tags, target)).not.toThrow();
    for (const tags of [undefined, {}, { 'goldenpath.idp/cluster': `${target.cluster}1` }, { 'goldenpath.idp/Cluster': target.cluster }]) {
      expect(() => demandOwned('role x', tags, target)).toThrow('role x exists, but its tags do not say that it belongs to goldenpath-dev-eks-21-11-26-01');
    }
    expect(fromTagList(toTagList(target.tags))).toEqual(target.tags);
  });

  it('failure 22: either controller tag counts, `shared` and a neighbour with a longer name do not', () => {
    const cluster = target.cluster;
    expect(isMadeForCluster({ 'elbv2.k8s.aws/cluster': cluster }, cluster)).toBe(true);
    expect(isMadeForCluster({ [`kubernetes.io/cluster/${cluster}`]: 'owned' }, cluster)).toBe(true);
    expect(isMadeForCluster({ [`kubernetes.io/cluster/${cluster}`]: 'shared' }, cluster)).toBe(false);
    expect(isMadeForCluster({ 'elbv2.k8s.aws/cluster': `${cluster}1`, [`kubernetes.io/cluster/${cluster}1`]: 'owned' }, cluster)).toBe(false);
  });

  it("failure 30: EKS's own untagged log group is the platform's, another owner's is not", () => {
    expect(isPlatformLogGroup({}, 'c')).toBe(true);
    expect(isPlatformLogGroup({ 'goldenpath.idp/cluster': 'c' }, 'c')).toBe(true);
    expect(isPlatformLogGroup({ 'goldenpath.idp/cluster': 'c1' }, 'c')).toBe(false);
    for (const foundation of [{ 'goldenpath.idp/plane': 'foundation' }, { 'goldenpath.idp/plane': 'foundation', 'goldenpath.idp/cluster': 'c' }]) expect(isPlatformLogGroup(foundation, 'c')).toBe(false);
  });

  it('C1: a request token is the same for the same stage and run, and another for any other', () => {
    const run = { workflowId: 'w', runId: 'r' };
    expect(requestToken(run, 'cluster')).toBe(requestToken(run, 'cluster'));
    // A persistent platform that is raised again has its workflow id still.
    const tokens = [requestToken(run, 'cluster'), requestToken(run, 'addon x'), requestToken({ ...run, workflowId: 'w2' }, 'cluster'), requestToken({ ...run, runId: 'r2' }, 'cluster')];
    expect(new Set(tokens).size).toBe(4);
    expect(tokens.every((token) => token.length === 64)).toBe(true);
  });
});

describe('names and ARNs', () => {
  it('C1: role and provider ARNs follow from the target', () => {
    expect(irsaRoleArn(target, 'external-dns')).toBe('arn:aws:iam::111122223333:role/goldenpath-dev-eks-21-11-26-01-external-dns');
    expect(oidcProviderArn(target, 'https://oidc.eks.eu-west-2.amazonaws.com/id/AB')).toBe('arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-2.amazonaws.com/id/AB');
    expect(roleNamesOf(target)).toHaveLength(8);
    expect([partitionOf('eu-west-2'), partitionOf('cn-north-1'), partitionOf('us-gov-west-1')]).toEqual(['aws', 'aws-cn', 'aws-us-gov']);
  });

  it.each([
    ['arn:aws:ec2:eu-west-2:1:volume/vol-1', { kind: 'ec2:volume', id: 'vol-1', name: 'vol-1' }],
    ['arn:aws:eks:eu-west-2:1:nodegroup/c/n/uuid', { kind: 'eks:nodegroup', id: 'arn:aws:eks:eu-west-2:1:nodegroup/c/n/uuid', name: 'c/n/uuid' }],
    ['arn:aws:logs:eu-west-2:1:log-group:/aws/eks/c/cluster', { kind: 'logs:log-group', id: 'arn:aws:logs:eu-west-2:1:log-group:/aws/eks/c/cluster', name: '/aws/eks/c/cluster' }],
    ['arn:aws:s3:::bucket', { kind: 's3:bucket', id: 'arn:aws:s3:::bucket', name: 'arn:aws:s3:::bucket' }],
  ])('failure 40: %s as an object', (arn, object) => {
    expect(objectOfArn(arn)).toEqual(object);
  });

  it('F4: what the run needs is asked on this platform alone, and reading secrets needs no other secret', () => {
    const all = requiredActions(plan);
    expect(all.find(({ actions }) => actions.includes('iam:CreateRole'))?.resources).toEqual(['arn:aws:iam::111122223333:role/goldenpath-dev-eks-21-11-26-01-*']);
    expect(all.find(({ actions }) => actions.includes('secretsmanager:GetSecretValue'))?.resources).toEqual(['arn:aws:secretsmanager:eu-west-2:111122223333:secret:goldenpath/dev/grafana/admin-??????']);
    expect(all.flatMap(({ actions }) => actions).some((action) => action.startsWith('rds:'))).toBe(false);
  });

  it('D4: of changes to records the worker needs deletions alone, and in its own zone alone', () => {
    expect(requiredActions(plan).filter(({ actions }) => actions.includes('route53:ChangeResourceRecordSets'))).toEqual([
      { why: 'repairRecords', resources: [`arn:aws:route53:::hostedzone/${plan.target.hostedZoneId}`], actions: ['route53:ChangeResourceRecordSets'], conditions: { 'route53:ChangeResourceRecordSetsActions': ['DELETE'] } },
    ]);
  });
});

describe('network', () => {
  const eni = (description: string, groups: string[] = []) => ({ NetworkInterfaceId: description, Description: description, Groups: groups.map((GroupId) => ({ GroupId })) });

  it('failure 23: interfaces of load balancers that are gone, or in our groups, are waited for; nodes and neighbours are not', () => {
    const interfaces = [eni('ELB app/k8s-a/0123456789abcdef', ['sg-ours']), eni('ELB net/gone/0123456789abcdef'), eni('ELB net/alive/0123456789abcdef'), eni('ELB app/alive/0123456789abcdef', ['sg-theirs']), eni('Amazon EKS c', ['sg-ours']), eni('aws-K8S-i-1')];
    const left = lingeringInterfaces(interfaces, new Set(['sg-ours']), new Set(['alive', 'k8s-a']));
    expect(left.map(({ Description }) => Description)).toEqual(['ELB app/k8s-a/0123456789abcdef', 'ELB net/gone/0123456789abcdef']);
    expect(balancerOfInterface('ELB app/x/y')).toBeUndefined();
  });

  it('failure 24: of a rule only the part that names our group is revoked', () => {
    const rules = [{ IpProtocol: 'tcp', FromPort: 80, ToPort: 80, IpRanges: [{ CidrIp: '10.0.0.0/8' }], UserIdGroupPairs: [{ GroupId: 'sg-ours', UserId: '1' }, { GroupId: 'sg-theirs' }] }, { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
    expect(rulesAbout(rules, new Set(['sg-ours']))).toEqual([{ IpProtocol: 'tcp', FromPort: 80, ToPort: 80, UserIdGroupPairs: [{ GroupId: 'sg-ours', UserId: '1' }] }]);
    expect(rulesAbout(undefined, new Set(['sg-ours']))).toEqual([]);
  });
});

describe('listings and readings', () => {
  async function* pages(): AsyncGenerator<{ items?: number[] }> {
    yield { items: [1, 2] };
    yield {};
    yield { items: [3] };
  }

  it('failure 36: a listing is every page, or the error of the page that failed', async () => {
    expect(await allPages(pages(), (page) => page.items)).toEqual([1, 2, 3]);
    async function* broken(): AsyncGenerator<{ items?: number[] }> {
      yield { items: [1] };
      throw new Error('page 2 did not answer');
    }
    await expect(allPages(broken(), (page) => page.items)).rejects.toThrow('page 2 did not answer');
    expect(inGroups([1, 2, 3], 2)).toEqual([[1, 2], [3]]);
    expect(inGroups([], 2)).toEqual([]);
  });

  it('F4: a refusal is a problem for the report, an AWS that does not answer and a bug are not', async () => {
    const answered = (name: string, status: number) => Object.assign(new Error('why'), { name, $metadata: { httpStatusCode: status } });
    expect(await reading(Promise.resolve(1))).toEqual({ value: 1 });
    expect(await reading(Promise.reject(answered('AccessDenied', 403)))).toEqual({ problem: 'AccessDenied: why' });
    expect(await reading(Promise.reject(answered('ResourceNotFoundException', 404)))).toEqual({ problem: 'ResourceNotFoundException: why' });
    expect(await reading(Promise.reject(new GoldenpathError('PreflightFailed', 'is binary')))).toEqual({ problem: 'is binary' });
    await expect(reading(Promise.reject(answered('Throttling', 400)))).rejects.toThrow('why');
    await expect(reading(Promise.reject(new TypeError('bug')))).rejects.toThrow(TypeError);
  });
});
