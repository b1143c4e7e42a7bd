// Orphans on the lab, from outside: leave-behinds made through the AWS SDK are listed, nothing of it changes, then they go; a living platform's and a foreign environment's stay (X5, D4).
import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateNetworkInterfaceCommand, CreateSecurityGroupCommand, CreateVolumeCommand, DescribeSubnetsCommand, EC2Client, type ResourceType, type TagSpecification,
} from '@aws-sdk/client-ec2';
import { CreateClusterCommand, EKSClient } from '@aws-sdk/client-eks';
import { CreateListenerCommand, CreateLoadBalancerCommand, CreateTargetGroupCommand, ElasticLoadBalancingV2Client, ModifyLoadBalancerAttributesCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  AddRoleToInstanceProfileCommand, AttachRolePolicyCommand, CreateInstanceProfileCommand, CreateOpenIDConnectProviderCommand, CreatePolicyCommand, CreateRoleCommand, IAMClient, PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { CreateKeyCommand, KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import { ChangeResourceRecordSetsCommand, type ResourceRecordSet, Route53Client } from '@aws-sdk/client-route-53';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownershipTags, platformNames } from '../../domain/names.ts';
import type { OrphanReport } from '../../domain/orphans.ts';
import type { RunReport } from '../../domain/report.ts';
import { accountOf, type Reach, reachOf } from '../support/account.ts';
import { documentOf, type Ended, raiseLab, type TestLab } from '../support/lab.ts';

const ZONE = 'Z0427816GOLDENPATHDEV';
const [GONE, LIVE] = ['goldenpath-dev-eks-20-11-26-01', 'goldenpath-dev-eks-20-11-26-11'];
const WORKFLOW = `platform/dev/${GONE}`;
const WORKER = 'arn:aws:iam::111122223333:user/platform-engineer';
const CHANGES = /^(Create|Put|Update|Delete|Change|Tag|Untag|Attach|Detach|Add|Remove|Run|Terminate|Authorize|Revoke|Associate|Modify|Register|Schedule)/;
const TRUST = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: 'eks.amazonaws.com' }, Action: 'sts:AssumeRole' }] });
const GRANT = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'ec2:DescribeInstances', Resource: '*' }] });

let lab: TestLab;
let reach: Reach;
/** The account before anything was left behind in it: with the living platform and the foreign environment. */
let before: Record<string, string[]>;

beforeAll(async () => {
  lab = await raiseLab('orphans');
  reach = reachOf(lab.env);
  await giveLivingPlatform();
  await giveForeigners();
  before = await accountOf(reach);
  await leaveBehind();
});
afterAll(async () => { await lab.down(); });

const tagsOf = (environment: string, buildId: string) => {
  const identity = { environment, lifecycle: 'ephemeral' as const, buildId };
  return ownershipTags(identity, platformNames(identity, `${environment}.goldenpathidp.io`));
};
const asList = (tags: Record<string, string>) => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
const spec = (type: ResourceType, tags: Record<string, string>): TagSpecification[] => [{ ResourceType: type, Tags: asList(tags) }];

function registered(name: string, owner: string): ResourceRecordSet[] {
  return [
    { Name: name, Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.1' }] },
    { Name: `a-xdns.${name}`, Type: 'TXT', TTL: 60, ResourceRecords: [{ Value: `"heritage=external-dns,external-dns/owner=${owner},external-dns/resource=ingress/kong/status"` }] },
  ];
}

async function makeRecords(records: ResourceRecordSet[]): Promise<void> {
  const Changes = records.map((record) => ({ Action: 'CREATE' as const, ResourceRecordSet: record }));
  await new Route53Client(reach).send(new ChangeResourceRecordSetsCommand({ HostedZoneId: ZONE, ChangeBatch: { Changes } }));
}

async function subnetsOf(environment: string): Promise<{ ids: string[]; vpcId: string }> {
  const { Subnets = [] } = await new EC2Client(reach).send(new DescribeSubnetsCommand({ Filters: [{ Name: 'tag:goldenpath.idp/environment', Values: [environment] }, { Name: 'tag:kubernetes.io/role/internal-elb', Values: ['1'] }] }));
  return { ids: Subnets.flatMap(({ SubnetId }) => SubnetId ?? []), vpcId: Subnets[0]?.VpcId ?? '' };
}

/** A cluster that EKS has, with a role, a log group and records; its build id begins like that of the one that is gone. */
async function giveLivingPlatform(): Promise<void> {
  const tags = tagsOf('dev', '20-11-26-11');
  const { Role } = await new IAMClient(reach).send(new CreateRoleCommand({ RoleName: `${LIVE}-cluster`, AssumeRolePolicyDocument: TRUST, Tags: asList(tags) }));
  await new EKSClient(reach).send(new CreateClusterCommand({ name: LIVE, roleArn: Role?.Arn, resourcesVpcConfig: { subnetIds: (await subnetsOf('dev')).ids }, tags }));
  await new CloudWatchLogsClient(reach).send(new CreateLogGroupCommand({ logGroupName: `/aws/eks/${LIVE}/cluster`, tags }));
  await makeRecords(registered('kong.b-20-11-26-11.dev.goldenpathidp.io', 'goldenpath-dev-20-11-26-11'));
}

/** What only looks like the platform's: another environment's, nobody's of the same beginning, the foundation's, a record of a longer build id. */
async function giveForeigners(): Promise<void> {
  const [iam, ec2] = [new IAMClient(reach), new EC2Client(reach)];
  const staging = tagsOf('staging', '20-11-26-01');
  await iam.send(new CreateRoleCommand({ RoleName: 'goldenpath-staging-eks-20-11-26-01-node', AssumeRolePolicyDocument: TRUST, Tags: asList(staging) }));
  await iam.send(new CreateRoleCommand({ RoleName: `${GONE}-of-somebody`, AssumeRolePolicyDocument: TRUST }));
  await iam.send(new CreateRoleCommand({ RoleName: `${GONE}1-node`, AssumeRolePolicyDocument: TRUST, Tags: [{ Key: 'goldenpath.idp/cluster', Value: `${GONE}1` }] }));
  await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-west-2a', Size: 1, TagSpecifications: spec('volume', staging) }));
  await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-west-2a', Size: 1, TagSpecifications: spec('volume', { [`kubernetes.io/cluster/${GONE}`]: 'shared' }) }));
  const { vpcId } = await subnetsOf('dev');
  await ec2.send(new CreateSecurityGroupCommand({ GroupName: 'shared-front', Description: 'the foundation’s', VpcId: vpcId, TagSpecifications: spec('security-group', { 'goldenpath.idp/plane': 'foundation', 'goldenpath.idp/environment': 'dev', [`kubernetes.io/cluster/${GONE}`]: 'owned' }) }));
  await makeRecords([...registered('kong.b-20-11-26-011.dev.goldenpathidp.io', 'goldenpath-dev-20-11-26-011'), { Name: 'app.dev.goldenpathidp.io', Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.9' }] }]);
}

/** What a platform can leave behind, by each hand that makes something for it. */
async function leaveBehind(): Promise<void> {
  const tags = tagsOf('dev', '20-11-26-01');
  const [iam, ec2, kms] = [new IAMClient(reach), new EC2Client(reach), new KMSClient(reach)];
  await makeRecords([
    ...registered('kong.b-20-11-26-01.dev.goldenpathidp.io', 'goldenpath-dev-20-11-26-01'),
    ...registered('old.dev.goldenpathidp.io', 'goldenpath-dev-20-11-26-01'),
    { Name: '_acme-challenge.b-20-11-26-01.dev.goldenpathidp.io', Type: 'TXT', TTL: 60, ResourceRecords: [{ Value: '"token"' }] },
  ]);
  await new CloudWatchLogsClient(reach).send(new CreateLogGroupCommand({ logGroupName: `/aws/eks/${GONE}/cluster` })); // as EKS makes it anew: without tags
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: `${GONE}-extra`, PolicyDocument: GRANT, Tags: asList(tags) }));
  await iam.send(new CreateRoleCommand({ RoleName: `${GONE}-node`, AssumeRolePolicyDocument: TRUST, Tags: asList(tags) }));
  await iam.send(new AttachRolePolicyCommand({ RoleName: `${GONE}-node`, PolicyArn: Policy?.Arn }));
  await iam.send(new PutRolePolicyCommand({ RoleName: `${GONE}-node`, PolicyName: 'inline', PolicyDocument: GRANT }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: `${GONE}-karpenter`, Tags: asList(tags) }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: `${GONE}-karpenter`, RoleName: `${GONE}-node` }));
  await iam.send(new CreateOpenIDConnectProviderCommand({ Url: 'https://oidc.eks.eu-west-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF', ClientIDList: ['sts.amazonaws.com'], ThumbprintList: ['9e99a48a9960b14926bb7f3b02e22da2b0ab7280'], Tags: asList(tags) }));
  await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-west-2a', Size: 1, TagSpecifications: spec('volume', { [`kubernetes.io/cluster/${GONE}`]: 'owned' }) }));
  await leaveLoadBalancers(ec2);
  await new SecretsManagerClient(reach).send(new CreateSecretCommand({ Name: `${GONE}/app`, SecretString: 'x', Tags: asList(tags) }));
  const keyTags = { Tags: asList(tags).map(({ Key, Value }) => ({ TagKey: Key, TagValue: Value })) };
  await kms.send(new CreateKeyCommand(keyTags));
  const { KeyMetadata } = await kms.send(new CreateKeyCommand(keyTags));
  await kms.send(new ScheduleKeyDeletionCommand({ KeyId: KeyMetadata?.KeyId, PendingWindowInDays: 7 }));
}

async function leaveLoadBalancers(ec2: EC2Client): Promise<void> {
  const elb = new ElasticLoadBalancingV2Client(reach);
  const [controller, { ids, vpcId }] = [{ 'elbv2.k8s.aws/cluster': GONE }, await subnetsOf('dev')];
  const { GroupId = '' } = await ec2.send(new CreateSecurityGroupCommand({ GroupName: 'k8s-kong', Description: 'front', VpcId: vpcId, TagSpecifications: spec('security-group', controller) }));
  const make = async (name: string) => (await elb.send(new CreateLoadBalancerCommand({ Name: name, Subnets: ids, SecurityGroups: [GroupId], Tags: asList(controller) }))).LoadBalancers?.[0]?.LoadBalancerArn;
  const arn = await make('k8s-kong');
  const { TargetGroups: [group] = [] } = await elb.send(new CreateTargetGroupCommand({ Name: 'k8s-kong-proxy', Protocol: 'HTTP', Port: 80, VpcId: vpcId, TargetType: 'ip', Tags: asList(controller) }));
  await elb.send(new CreateListenerCommand({ LoadBalancerArn: arn, Protocol: 'HTTP', Port: 80, DefaultActions: [{ Type: 'forward', TargetGroupArn: group?.TargetGroupArn }] }));
  await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: ids[0], Description: 'aws-K8S', TagSpecifications: spec('network-interface', { 'cluster.k8s.amazonaws.com/name': GONE }) }));
}

/** Runs the command, and sees that the account is as it was and that the worker changed nothing in it, the registry's audit trail left out. */
async function unchanged(command: () => Promise<Ended>): Promise<Ended> {
  const [account, since] = [await accountOf(reach), new Date().toISOString()];
  const ended = await command();
  expect((await lab.requests({ since, principal: WORKER })).filter(({ operation, service }) => service !== 's3' && CHANGES.test(operation))).toEqual([]);
  expect(await accountOf(reach)).toEqual(account);
  return ended;
}

const orphans = (...args: string[]) => lab.cli(['orphans', '--env', 'dev', ...args]);

test('X5, D4: the dry run lists what the platform that is gone left, all of it and nothing else, and changes nothing', async () => {
  const { exit, stdout } = await unchanged(() => orphans('-o', 'json'));
  expect(exit).toBe(0);
  const { platforms, disputed } = JSON.parse(stdout) as OrphanReport;
  expect(disputed).toEqual([]);
  expect(platforms.map(({ cluster, buildId, workflowId }) => ({ cluster, buildId, workflowId }))).toEqual([{ cluster: GONE, buildId: '20-11-26-01', workflowId: WORKFLOW }]);
  const [platform] = platforms;
  expect(platform?.objects.map(({ kind, removable }) => `${kind} ${removable ? 'goes' : 'stays'}`).toSorted()).toEqual([
    'ec2:network-interface goes', 'ec2:security-group goes', 'ec2:volume goes', 'elasticloadbalancing:loadbalancer goes', 'elasticloadbalancing:targetgroup goes',
    'iam:instance-profile goes', 'iam:oidc-provider goes', 'iam:policy goes', 'iam:role goes', 'kms:key stays', 'logs:log-group goes', 'secretsmanager:secret stays', // a key that waits for its deletion is no garbage (failure 32)
  ]);
  expect(platform?.records.map(({ name, type, because }) => `${name} ${type} ${because}`).toSorted()).toEqual([
    '_acme-challenge.b-20-11-26-01.dev.goldenpathidp.io TXT inside-scope', 'a-xdns.kong.b-20-11-26-01.dev.goldenpathidp.io TXT registry-txt', 'a-xdns.old.dev.goldenpathidp.io TXT registry-txt',
    'kong.b-20-11-26-01.dev.goldenpathidp.io A owner-txt', 'old.dev.goldenpathidp.io A owner-txt',
  ]);
});

test('X5: the same for a person, with why each counts and the command that removes them', async () => {
  const { exit, stdout } = await unchanged(() => orphans());
  expect(exit).toBe(0);
  expect(stdout).toContain(`${GONE} is gone: EKS has no cluster ${GONE} (ResourceNotFoundException); Temporal has no run in flight under ${WORKFLOW}`);
  expect(stdout).toContain(`goldenpath orphans --env dev --remove --confirm ${GONE}`);
  expect(stdout).toContain('12 objects and 5 records of 1 platform that is gone; nothing was changed');
  for (const other of [LIVE, 'staging', 'of-somebody', 'b-20-11-26-011', `${GONE}1`]) expect(stdout).not.toContain(other);
});

test('failure 36: a service that refuses to answer fails the look; it never says none', async () => {
  for (const [service, operation] of [['iam', 'ListRoles'], ['route53', 'ListResourceRecordSets'], ['eks', 'DescribeCluster'], ['tagging', 'GetResources']] as const) {
    const { exit, stdout } = await unchanged(async () => {
      await lab.addFault({ principal: WORKER, service, operation, answer: { code: 'AccessDenied', message: 'no', status: 403 } });
      const ended = await orphans('-o', 'json');
      await lab.liftFaults();
      return ended;
    });
    expect({ operation, exit, ...(JSON.parse(stdout) as object) }).toMatchObject({ operation, exit: 4, state: 'failed', error: { type: 'AccessDenied' } });
    expect(stdout).not.toContain('platforms');
  }
});

test('X5: nothing is removed without the name of one platform that is gone, typed out', async () => {
  const wrong = [['--remove'], ['--remove', '--confirm', LIVE], ['--remove', '--confirm', `${GONE}1`], ['--remove', '--confirm', 'goldenpath-staging-eks-20-11-26-01'], ['--confirm', GONE]];
  for (const args of wrong) {
    const refused = await unchanged(() => orphans(...args, '-o', 'json'));
    expect({ args, exit: refused.exit }).toEqual({ args, exit: 2 });
    expect(documentOf(refused)).toMatchObject({ state: 'refused', error: { problems: [{ field: args.includes('--remove') ? '--confirm' : '--remove' }] } });
  }
});

test('D4: the removal asks about the records before it removes anything, and holds the platform’s lock meanwhile', async () => {
  const asked = await unchanged(() => orphans('--remove', '--confirm', GONE, '-o', 'json'));
  expect(asked.exit).toBe(3);
  const { waiting } = documentOf(asked) as RunReport;
  expect(waiting).toMatchObject({ stage: 'dns-gate', request: { decisions: ['repair', 'abort'] } });
  expect(waiting?.records).toHaveLength(5);
  const bootstrap = await lab.cli(['bootstrap', '--env', 'dev', '--build-id', '20-11-26-01', '-o', 'json']);
  expect({ exit: bootstrap.exit, said: bootstrap.stdout }).toMatchObject({ exit: 2, said: expect.stringContaining('a removal of the orphans of it is in flight') as string });
  expect((await orphans()).stdout).toContain('a removal of its orphans is in flight');
});

test('X5, X4: once approvers decided repair everything goes; secret and key are residue; the living platform and the foreigners are as they were', async () => {
  const key = join(lab.status.folder, 'keys', 'bob.key');
  const approved = await lab.cli(['approve', WORKFLOW, '--decision', 'repair', '--reason', 'the build is long gone', '--ticket', 'OPS-7', '--key', key, '-o', 'json']);
  expect({ exit: approved.exit, said: approved.stderr }).toMatchObject({ exit: 0 });
  const watched = await lab.watch(WORKFLOW).ended;
  const report = watched.events.at(-1)?.['report'] as RunReport;
  expect({ exit: watched.exit, state: report.state, residue: report.residue.map(({ kind }) => kind).toSorted() }).toEqual({ exit: 1, state: 'clean-with-residue', residue: ['kms:key', 'secretsmanager:secret'] });
  const account = await accountOf(reach);
  expect(account['secrets']).toHaveLength((before['secrets']?.length ?? 0) + 1);
  expect({ ...account, secrets: [] }).toEqual({ ...before, secrets: [] });

  const { platforms } = JSON.parse((await orphans('-o', 'json')).stdout) as OrphanReport;
  expect(platforms.map(({ cluster, objects, records }) => ({ cluster, objects: objects.map(({ kind, removable }) => `${kind} ${removable}`).toSorted(), records }))).toEqual([{ cluster: GONE, objects: ['kms:key false', 'secretsmanager:secret false'], records: [] }]);
});

test('failure 21: deletion protection is respected: the load balancer stays as residue with its ARN and the reason', async () => {
  const elb = new ElasticLoadBalancingV2Client(reach);
  const { LoadBalancers: [balancer] = [] } = await elb.send(new CreateLoadBalancerCommand({ Name: 'k8s-kept', Type: 'network', Subnets: (await subnetsOf('dev')).ids, Tags: [{ Key: `kubernetes.io/cluster/${GONE}`, Value: 'owned' }] }));
  await elb.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: balancer?.LoadBalancerArn, Attributes: [{ Key: 'deletion_protection.enabled', Value: 'true' }] }));
  const ended = await orphans('--remove', '--confirm', GONE, '-o', 'json');
  const { residue } = documentOf(ended) as RunReport;
  expect(residue.map(({ id }) => id)).toContain(balancer?.LoadBalancerArn);
  expect(residue.find(({ id }) => id === balancer?.LoadBalancerArn)?.why).toContain('OperationNotPermitted');
  expect(ended.exit).toBe(1);
});

test('every execution of these tests replays', async () => {
  expect(new Set(await lab.replayAll())).toEqual(new Set(['findOrphans', 'removeOrphans']));
});
