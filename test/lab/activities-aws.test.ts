// The AWS activities against the lab's gateway: one platform's AWS half from claim to sweep, and what must be refused (F, C, X).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AuthorizeSecurityGroupIngressCommand, CreateNetworkInterfaceCommand, CreateSecurityGroupCommand, CreateVolumeCommand, DeleteVolumeCommand, DescribeSecurityGroupsCommand, EC2Client,
} from '@aws-sdk/client-ec2';
import { CreateLoadBalancerCommand, CreateTargetGroupCommand, DeleteLoadBalancerCommand, DeleteTargetGroupCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { CreateRoleCommand, DeleteRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateLogGroupCommand, CloudWatchLogsClient, DeleteLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ChangeResourceRecordSetsCommand, Route53Client, type ResourceRecordSet } from '@aws-sdk/client-route-53';
import { UpdateClusterConfigCommand } from '@aws-sdk/client-eks';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClients } from '../../activities/clients.ts';
import type { Destroying, PlatformActivities, Waiting, ZoneProbes } from '../../activities/contract.ts';
import { clusterAccess } from '../../activities/eks-token.ts';
import { createActivities, createZoneActivities } from '../../activities/index.ts';
import { readInventory } from '../../activities/inventory.ts';
import { checkFoundation } from '../../domain/foundation.ts';
import type { DnsProof } from '../../domain/dns-gate.ts';
import type { Plan } from '../../domain/plan.ts';
import { clusterProtection } from '../../domain/protections.ts';
import { newReport, receiptOf } from '../../domain/report.ts';
import type { Wait } from '../../domain/timings.ts';
import { seedAdmin } from '../../lab/aws/admin.ts';
import { createPlatformServices, type PlatformServices } from '../../lab/aws/platform-services.ts';
import { ensureTools } from '../../lab/tools.ts';
import { verifyEksToken } from '../../lab/aws/sts/eks-token.ts';
import { inActivity } from '../support/in-activity.ts';
import { fakeKubernetes } from '../support/fake-kubernetes.ts';
import { seedFoundation, type TestFoundation } from '../support/foundation.ts';
import { startAws, type TestAws } from '../support/moto.ts';
import { manifestMirror } from '../support/manifest-mirror.ts';
import { permitted } from '../support/permits.ts';
import { environment, ephemeralPlan } from '../support/plans.ts';

const CLUSTER = 'goldenpath-dev-eks-21-11-26-01';
let aws: TestAws;
let dir: string;
let equipment: { manifestMirror: string };
let lab: PlatformServices;
let foundation: TestFoundation;
let plan: Plan;
let activities: PlatformActivities;
let zone: ZoneProbes;
let clients: ReturnType<typeof createClients>;
let ec2: EC2Client;
let elb: ElasticLoadBalancingV2Client;
let oidcIssuer: string;

beforeAll(async () => {
  aws = await startAws({
    timeScale: 300,
    services: (world) => {
      lab = createPlatformServices(world, { provider: fakeKubernetes(), tokenWebhookUrl: () => '' });
      return lab.services;
    },
  });
  foundation = await seedFoundation(aws);
  const admin = await seedAdmin(aws.gateway.world);
  process.env['AWS_ENDPOINT_URL'] = aws.gateway.url;
  process.env['AWS_ACCESS_KEY_ID'] = admin.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = admin.secretAccessKey;
  const { dns, timings } = environment();
  plan = ephemeralPlan('bootstrap', '21-11-26-01', { dns: { ...dns, hostedZoneId: foundation.hostedZoneId }, timings: { ...timings, scale: 300 } });
  clients = createClients(plan.target.region);
  dir = await mkdtemp(join(tmpdir(), 'goldenpath-activities-'));
  equipment = { manifestMirror: await manifestMirror(dir, await ensureTools()) };
  activities = inActivity(createActivities(clients, equipment));
  zone = inActivity(createZoneActivities(clients));
  ec2 = new EC2Client(aws.client);
  elb = new ElasticLoadBalancingV2Client(aws.client);
});

afterEach(() => {
  aws.gateway.faults.clear();
});

afterAll(async () => {
  await lab.close();
  await aws.stop();
  await rm(dir, { recursive: true, force: true });
});

/** The failure that an activity ends with. */
async function failure(call: Promise<unknown>): Promise<ApplicationFailure> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ApplicationFailure) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** Tries again while the failure is one that Temporal's server would retry. */
async function again<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 5; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ApplicationFailure) || error.nonRetryable === true || left === 0) throw error;
    }
  }
}

/** Asks again while the probe says NotReady, as Temporal's server does. */
async function until<T>(wait: Wait, probe: (waiting: Waiting) => Promise<T>): Promise<T> {
  const waiting = { target: plan.target, startedAt: Date.now(), wait };
  while (Date.now() - waiting.startedAt < 60_000) {
    try {
      return await probe(waiting);
    } catch (error) {
      if (!(error instanceof ApplicationFailure) || error.type !== 'NotReady') throw error;
      await new Promise((resolve) => { setTimeout(resolve, Math.min(Number(error.nextRetryDelay), 1_000)); });
    }
  }
  throw new Error('not ready within a minute');
}

const permit = (changes: Partial<DnsProof> = {}) => permitted(plan, changes);

async function changeRecords(action: 'CREATE' | 'DELETE', records: ResourceRecordSet[]): Promise<void> {
  await new Route53Client(aws.client).send(new ChangeResourceRecordSetsCommand({ HostedZoneId: foundation.hostedZoneId, ChangeBatch: { Changes: records.map((ResourceRecordSet) => ({ Action: action, ResourceRecordSet })) } }));
}

const startedNow = (wait: Wait): Waiting => ({ target: plan.target, startedAt: Date.now(), wait });

describe('the foundation', () => {
  it('F4: a whole foundation passes every check, with an administrator who is no root', async () => {
    const [core, dns] = [await activities.readCore({ plan }), await zone.readZone({ target: plan.target })];
    expect(core.caller).toEqual({ value: { account: '111122223333', arn: 'arn:aws:iam::111122223333:user/lab-admin' } });
    expect(core.secrets).toEqual({ 'goldenpath/dev/grafana/admin': { value: ['username', 'password'] } });
    expect(checkFoundation(plan, { ...core, ...dns }).filter(({ ok }) => !ok)).toEqual([]);
    expect(aws.gateway.requests({ service: 'route53' }).filter(({ principal }) => principal.endsWith('user/lab-admin'))).toHaveLength(4);
  });

  it('F4: what is missing is named, all of it in one reading', async () => {
    const wrong = { ...plan, registry: { bucket: 'no-such-bucket-here' }, secrets: [{ name: 'goldenpath/dev/absent', keys: ['x'] }], target: { ...plan.target, hostedZoneId: 'Z00000000000000000000', environment: 'nowhere' } };
    const [core, dns] = [await activities.readCore({ plan: wrong }), await zone.readZone({ target: wrong.target })];
    const failed = checkFoundation(wrong, { ...core, ...dns }).filter(({ ok }) => !ok);
    expect(failed.map(({ id }) => id)).toEqual(['vpc', 'subnets', 'zone', 'zone-recorded', 'delegation', 'secret:goldenpath/dev/absent', 'registry', 'scope-empty']);
  });

  it('failure 36: an AWS that does not answer is an error, never an empty reading', async () => {
    aws.gateway.faults.add({ service: 'ec2', operation: 'DescribeSubnets', answer: 503 });
    const error = await failure(activities.readCore({ plan }));
    expect(error).toMatchObject({ type: 'Unavailable', nonRetryable: false });
  });

  it('F4, R3: a caller without permissions is told which actions it lacks', async () => {
    await new IAMClient(aws.client).send(new CreateRoleCommand({ RoleName: 'powerless', AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '111122223333' }, Action: 'sts:AssumeRole' }] }) }));
    const { Credentials } = await clients.sts.send(new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::111122223333:role/powerless', RoleSessionName: 'test' }));
    const sts = new STSClient({ ...aws.client, credentials: { accessKeyId: Credentials?.AccessKeyId ?? '', secretAccessKey: Credentials?.SecretAccessKey ?? '', sessionToken: Credentials?.SessionToken ?? '' } });
    const { deniedActions } = await inActivity(createActivities({ ...clients, sts }, equipment)).readCore({ plan });
    expect('value' in deniedActions ? deniedActions.value : []).toContain(`eks:CreateCluster on arn:aws:eks:eu-west-2:111122223333:cluster/${CLUSTER} (startCluster, liftProtections, startDeleteCluster)`);
    const { databases } = environment();
    if (databases === undefined) throw new Error('dev declares no databases');
    const connectivity = await inActivity(createActivities({ ...clients, sts })).readConnectivity({ environment: 'dev', ...databases });
    const denied = 'value' in connectivity.deniedActions ? connectivity.deniedActions.value : [];
    expect(denied).toContain('rds:CreateDBInstance on arn:aws:rds:eu-west-2:111122223333:db:goldenpath-dev (readConnectivity, probeInstance, ensureInstance)');
    expect(denied).toContain('secretsmanager:PutSecretValue on arn:aws:secretsmanager:eu-west-2:111122223333:secret:goldenpath/dev/grafana/postgres-?????? (applyDatabases, checkDatabases)');
    expect((await inActivity(createActivities(clients)).readConnectivity({ environment: 'dev', ...databases })).deniedActions).toEqual({ value: [] });
  });
});

describe('the registry', () => {
  const claim = () => ({ target: plan.target, registry: plan.registry, planHash: plan.hash, runId: 'run-1', requester: 'maria' });

  it('F5: a build id serves once, and the same run may claim it again; the registry remembers the claim', async () => {
    const remembered = async () => (await activities.readRegistry({ target: plan.target, registry: plan.registry })).claimed;
    expect(await remembered()).toBe(false);
    expect(await activities.claimBuild(claim())).toEqual({ key: 'builds/dev/21-11-26-01.json' });
    expect(await activities.claimBuild(claim())).toEqual({ key: 'builds/dev/21-11-26-01.json' });
    const error = await failure(activities.claimBuild({ ...claim(), runId: 'run-2', requester: 'jan' }));
    expect(error).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    expect(error.message).toMatch(/21-11-26-01 is in use already: maria claimed it at 20.*run-1/);
    expect(await remembered()).toBe(true);
  });

  it('F3: the zone id never changes once recorded; both ids are named', async () => {
    expect((await activities.readCore({ plan })).recordedZoneId).toEqual({ value: foundation.hostedZoneId });
    const error = await failure(activities.claimBuild({ ...claim(), target: { ...plan.target, buildId: '21-11-26-02', hostedZoneId: 'Z0OTHER000' } }));
    expect(error.type).toBe('InvalidInput');
    expect(error.message).toContain(`is Z0OTHER000, but ${foundation.hostedZoneId} was recorded`);
  });

  it('O2: a receipt is written once; the same again is fine, another is refused', async () => {
    const report = newReport(plan, { runId: 'run-1', requester: 'maria', startedAt: 1 });
    const write = (startedAt: number) => activities.writeReceipt({ target: plan.target, registry: plan.registry, name: 'run-1', receipt: receiptOf({ ...report, startedAt }) });
    expect(await write(1)).toEqual({ key: `receipts/dev/${CLUSTER}/run-1.json` });
    expect(await write(1)).toEqual({ key: `receipts/dev/${CLUSTER}/run-1.json` });
    expect(await failure(write(2))).toMatchObject({ type: 'InvalidInput' });
  });

  it('F5: a connection lost after the claim was written does not lose the claim', async () => {
    aws.gateway.faults.add({ service: 's3', operation: 'PutObject', resource: '*builds/dev/22-11-26-01.json', times: 1, answer: 'reset-after' });
    const target = { ...plan.target, buildId: '22-11-26-01' };
    expect(await activities.claimBuild({ ...claim(), target })).toEqual({ key: 'builds/dev/22-11-26-01.json' });
  });
});

describe('a platform', () => {
  it('failure 39: objects of the right name and another owner are refused, not adopted', async () => {
    const [iam, logs] = [new IAMClient(aws.client), new CloudWatchLogsClient(aws.client)];
    await iam.send(new CreateRoleCommand({ RoleName: `${CLUSTER}-cluster`, AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}' }));
    await logs.send(new CreateLogGroupCommand({ logGroupName: `/aws/eks/${CLUSTER}/cluster`, tags: { 'goldenpath.idp/cluster': 'another' } }));
    expect(await failure(activities.ensureClusterRoles({ target: plan.target }))).toMatchObject({ type: 'NotOwned', nonRetryable: true });
    expect(await failure(activities.ensureLogGroup({ target: plan.target }))).toMatchObject({ type: 'NotOwned' });
    await iam.send(new DeleteRoleCommand({ RoleName: `${CLUSTER}-cluster` }));
    await logs.send(new DeleteLogGroupCommand({ logGroupName: `/aws/eks/${CLUSTER}/cluster` }));
  });

  it('C1: every step done twice, and each first answer lost after the change was made, leaves one cluster with its parts, all tagged', async () => {
    const { target, versions, nodeGroup, timings, secrets } = plan;
    for (const operation of ['CreateLogGroup', 'CreateRole', 'CreateOpenIDConnectProvider', 'CreateCluster', 'CreateNodegroup', 'CreateAddon']) aws.gateway.faults.add({ operation, times: 1, answer: 'reset-after' });
    await again(() => activities.ensureLogGroup({ target }));
    expect(await activities.ensureLogGroup({ target })).toMatchObject([{ kind: 'logs:log-group', name: `/aws/eks/${CLUSTER}/cluster` }]);
    const roles = await again(() => activities.ensureClusterRoles({ target }));
    expect(await activities.ensureClusterRoles({ target })).toEqual(roles);
    const start = { target, version: versions.kubernetes, clusterRoleArn: roles.clusterRoleArn };
    const [first, second] = [await again(() => activities.startCluster(start)), await activities.startCluster(start)];
    expect(second).toEqual(first);
    expect(await failure(activities.probeCluster(startedNow(timings.cluster)))).toMatchObject({ type: 'NotReady', category: 'BENIGN', nonRetryable: false });
    expect(await failure(activities.probeClusterSettled(startedNow(timings.cluster)))).toMatchObject({ type: 'NotReady', message: `cluster ${CLUSTER} is CREATING` });
    const facts = await until(timings.cluster, activities.probeCluster);
    await activities.probeClusterSettled(startedNow(timings.cluster));
    expect(facts).toMatchObject({ arn: `arn:aws:eks:eu-west-2:111122223333:cluster/${CLUSTER}`, version: '1.36', vpcId: foundation.vpcId });
    ({ oidcIssuer } = facts);

    const irsa = await again(() => activities.ensureIrsaRoles({ target, oidcIssuer, secrets }));
    expect(await activities.ensureIrsaRoles({ target, oidcIssuer, secrets })).toEqual(irsa);
    expect(irsa.roleArns['external-dns']).toBe(`arn:aws:iam::111122223333:role/${CLUSTER}-external-dns`);
    const nodes = { target, nodeGroup, nodeRoleArn: roles.nodeRoleArn };
    expect(await again(() => activities.startNodeGroup(nodes))).toEqual(await activities.startNodeGroup(nodes));
    expect(await failure(activities.probeNodeGroup({ ...startedNow(timings.nodeGroup), desired: 3 }))).toMatchObject({ message: 'node group system is CREATING', details: [[]] });
    const addons = ['vpc-cni', 'kube-proxy', 'coredns', 'aws-ebs-csi-driver'] as const;
    for (const addon of [...addons, ...addons]) await again(() => activities.ensureAddon({ target, addon, version: versions.addons[addon], ...(addon === 'aws-ebs-csi-driver' ? { roleArn: irsa.roleArns[addon] } : {}) }));
    expect(await until(timings.nodeGroup, (waiting) => activities.probeNodeGroup({ ...waiting, desired: 3 }))).toMatchObject({ instances: 3 });
    expect(await until(timings.addon, (waiting) => activities.probeAddons({ ...waiting, addons: [...addons] }))).toHaveLength(4);
    expect(aws.gateway.faults.list().map(({ fired }) => fired)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('X5: the inventory names all that is tagged, from live state alone', async () => {
    const inventory = await readInventory(clients, plan.target, () => Promise.resolve({ kubernetes: 'answers', argocd: false, applications: [], protections: [] }));
    expect(inventory.cluster).toMatchObject({ status: 'ACTIVE', oidcIssuer, nodeGroups: ['system'], fargateProfiles: [], deletionProtection: false });
    const count = Map.groupBy(inventory.objects, ({ kind }) => kind);
    expect(Object.fromEntries([...count].map(([kind, objects]) => [kind, objects.length]))).toEqual({
      'eks:cluster': 1, 'eks:nodegroup': 1, 'eks:addon': 4, 'ec2:instance': 3, 'ec2:security-group': 1, 'iam:role': 8, 'iam:oidc-provider': 1, 'logs:log-group': 1,
    });
    expect(inventory.protections).toEqual([]);
  });

  it('C1: versions are EKS’s own; a platform that is not there is named, and what may not be read is an error', async () => {
    const { readEksVersions } = inActivity(createActivities(clients));
    const { kubernetes, addons, nodeGroups } = await readEksVersions({ target: plan.target });
    expect(kubernetes).toBe('1.36');
    expect(Object.fromEntries(addons.map(({ name, version }) => [name, version]))).toEqual(plan.versions.addons);
    expect(nodeGroups).toEqual([{ name: 'system', version: '1.36', releaseVersion: expect.stringMatching(/^1\.36\./) as string }]);
    const missing = ephemeralPlan('bootstrap', '01-01-26-01').target;
    await expect(readEksVersions({ target: missing })).rejects.toMatchObject({ type: 'InvalidInput', message: `there is no platform ${missing.cluster}: EKS has no such cluster` });
    aws.gateway.faults.add({ service: 'eks', operation: 'DescribeAddon', answer: { code: 'AccessDeniedException', message: 'no', status: 403 }, times: 1 });
    await expect(readEksVersions({ target: plan.target })).rejects.toMatchObject({ type: 'AccessDenied' });
  });

  it('failure 27: deletion protection of the cluster is named', async () => {
    const protect = (deletionProtection: boolean) => clients.eks.send(new UpdateClusterConfigCommand({ name: CLUSTER, deletionProtection }));
    await protect(true);
    await until(plan.timings.cluster, activities.probeCluster);
    const { protections } = await readInventory(clients, plan.target, () => Promise.resolve({ kubernetes: 'answers', argocd: false, applications: [], protections: [] }));
    expect(protections).toEqual([clusterProtection(CLUSTER)]);
    await protect(false);
    await until(plan.timings.cluster, activities.probeCluster);
  });

  it('failure 29: the token minted from STS speaks for the caller on this cluster and no other', async () => {
    const access = await clusterAccess(clients, plan.target);
    expect(access.caPem).toContain('BEGIN CERTIFICATE');
    expect(verifyEksToken(aws.gateway.world, access.token, CLUSTER)).toMatchObject({ principal: { arn: 'arn:aws:iam::111122223333:user/lab-admin' } });
    expect(verifyEksToken(aws.gateway.world, access.token, 'another')).toHaveProperty('reason');
  });

  it('T3: host names count once they have an owned record that points at the ingress', async () => {
    const { hostSuffix, ownerId } = plan.target;
    const probe = () => zone.probeHostRecords({ ...startedNow(plan.timings.acceptance), hosts: [`kong.${hostSuffix}`, `*.apps.${hostSuffix}`], ingressAddress: 'k8s-kong.elb.eu-west-2.amazonaws.com' });
    expect((await failure(probe())).details).toEqual([[`DNS record kong.${hostSuffix}: does not exist`, `DNS record *.apps.${hostSuffix}: does not exist`]]);
    const records = ['kong', '*.apps'].flatMap((host): ResourceRecordSet[] => [
      { Name: `${host}.${hostSuffix}`, Type: 'CNAME', TTL: 300, ResourceRecords: [{ Value: 'k8s-kong.elb.eu-west-2.amazonaws.com' }] },
      { Name: `cname-xdns.${host.replace('*', 'wildcard')}.${hostSuffix}`, Type: 'TXT', TTL: 300, ResourceRecords: [{ Value: `"heritage=external-dns,external-dns/owner=${ownerId},external-dns/resource=ingress/kong/kong"` }] },
    ]);
    await changeRecords('CREATE', records);
    expect((await probe()).every(({ ok }) => ok)).toBe(true);
    const { owned, pages } = await zone.listZone({ target: plan.target });
    expect(pages).toBe(1);
    expect(owned.map(({ name }) => name).toSorted()).toEqual([`*.apps.${hostSuffix}`, `cname-xdns.kong.${hostSuffix}`, `cname-xdns.wildcard.apps.${hostSuffix}`, `kong.${hostSuffix}`]);
    await changeRecords('DELETE', records);
    expect((await zone.listZone({ target: plan.target })).owned).toEqual([]);
  });

  it('failure 36: a listing that breaks off in the middle is an error', async () => {
    const records = Array.from({ length: 320 }, (_, index): ResourceRecordSet => ({ Name: `n${index}.other.dev.goldenpathidp.io`, Type: 'TXT', TTL: 60, ResourceRecords: [{ Value: '"x"' }] }));
    await changeRecords('CREATE', records);
    expect(await zone.listZone({ target: plan.target })).toMatchObject({ pages: 2, recordCount: 322, owned: [] });
    aws.gateway.faults.add({ service: 'route53', operation: 'ListResourceRecordSets', answer: 'throttle' });
    expect(await failure(zone.listZone({ target: plan.target }))).toMatchObject({ type: 'Throttled', nonRetryable: false });
    aws.gateway.faults.clear();
    await changeRecords('DELETE', records);
  });
});

describe('its end', () => {
  it('the invariant: without a proof nothing destroying reaches AWS', async () => {
    const before = aws.gateway.requests({ service: 'eks' }).length;
    const stale = permit({ firstCleanAt: 0, lastCleanAt: Date.now() - 6 * 60_000 });
    for (const name of ['startDeleteNodeGroups', 'startDeleteCluster', 'deleteIdentity', 'deleteLeftovers', 'deleteVolumes', 'deleteControllers', 'removeArgoCd'] as const) {
      const destroy = activities[name] as (input: Destroying) => Promise<unknown>;
      for (const input of [stale, permit({ cluster: 'another' }), permit({ cleanListings: 2 }), { ...permit(), planHash: 'changed' }]) {
        expect(await failure(destroy(input))).toMatchObject({ type: 'ProofMissing', nonRetryable: true });
      }
    }
    expect(aws.gateway.requests({ service: 'eks' })).toHaveLength(before);
  });

  it('failure 22: load balancers are found by either tag of their controllers; their interfaces are waited for', async () => {
    const tags = [{ Key: 'elbv2.k8s.aws/cluster', Value: CLUSTER }];
    const group = await ec2.send(new CreateSecurityGroupCommand({ GroupName: 'k8s-kong', Description: 'front', VpcId: foundation.vpcId, TagSpecifications: [{ ResourceType: 'security-group', Tags: tags }] }));
    const { LoadBalancers: [alb] = [] } = await elb.send(new CreateLoadBalancerCommand({ Name: 'k8s-kong', Subnets: foundation.privateSubnets, SecurityGroups: [group.GroupId ?? ''], Tags: tags }));
    const { LoadBalancers: [nlb] = [] } = await elb.send(new CreateLoadBalancerCommand({ Name: 'a-service', Type: 'network', Subnets: foundation.privateSubnets, Tags: [{ Key: `kubernetes.io/cluster/${CLUSTER}`, Value: 'owned' }] }));
    await elb.send(new CreateLoadBalancerCommand({ Name: 'neighbour', Type: 'network', Subnets: foundation.privateSubnets, Tags: [{ Key: 'elbv2.k8s.aws/cluster', Value: `${CLUSTER}1` }] }));
    const { TargetGroups: [target] = [] } = await elb.send(new CreateTargetGroupCommand({ Name: 'k8s-kong-proxy', Protocol: 'HTTP', Port: 80, VpcId: foundation.vpcId, TargetType: 'ip', Tags: tags }));
    const active = (address: string) => activities.probeLoadBalancerActive({ ...startedNow(plan.timings.loadBalancer), address });
    expect(await failure(active('nothing.elb.eu-west-2.amazonaws.com'))).toMatchObject({ type: 'NotReady', message: 'no load balancer has the address nothing.elb.eu-west-2.amazonaws.com' });
    expect(await until(plan.timings.loadBalancer, () => active((alb?.DNSName ?? '').toUpperCase()))).toMatchObject([{ ok: true, found: 'k8s-kong is active' }]);
    const left = await failure(activities.probeLoadBalancersGone(startedNow(plan.timings.loadBalancersGone)));
    expect(left.message).toBe('3 left in ELBv2: k8s-kong, a-service, k8s-kong-proxy');

    for (const balancer of [alb, nlb]) await elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: balancer?.LoadBalancerArn }));
    await elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: target?.TargetGroupArn }));
    await until(plan.timings.loadBalancersGone, activities.probeLoadBalancersGone);
    await until(plan.timings.networkGone, activities.probeNetworkGone);
    expect(aws.gateway.requests({ service: 'ec2', operation: 'DescribeNetworkInterfaces' }).length).toBeGreaterThan(0);
  });

  it('failure 10: volumes of the CSI driver are waited for by tag', async () => {
    const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-west-2a', Size: 1, TagSpecifications: [{ ResourceType: 'volume', Tags: [{ Key: `kubernetes.io/cluster/${CLUSTER}`, Value: 'owned' }, { Key: 'kubernetes.io/created-for/pvc/name', Value: 'prometheus' }] }] }));
    expect(await failure(activities.probeVolumesGone({ ...startedNow(plan.timings.volumesGone), kept: [] }))).toMatchObject({ type: 'NotReady', details: [[`volume ${VolumeId} (prometheus)`]] });
    await activities.probeVolumesGone({ ...startedNow(plan.timings.volumesGone), kept: [VolumeId ?? ''] });
    await ec2.send(new DeleteVolumeCommand({ VolumeId }));
    await activities.probeVolumesGone({ ...startedNow(plan.timings.volumesGone), kept: [] });
  });

  it('failure 26, 28: the cluster outlives its nodes, and its roles outlive it', async () => {
    expect(await failure(activities.deleteIdentity({ ...permit(), oidcIssuer }))).toMatchObject({ type: 'Conflict', nonRetryable: false });
    expect(await failure(activities.deleteLeftovers(permit()))).toMatchObject({ type: 'Conflict' });
    expect(await failure(activities.startDeleteCluster(permit()))).toMatchObject({ type: 'Conflict' });
    expect(await activities.startDeleteNodeGroups(permit())).toEqual(['node group system']);
    expect(await activities.startDeleteNodeGroups(permit())).toEqual([]);
    await until(plan.timings.nodeGroupGone, activities.probeNodeGroupsGone);
    expect(await activities.startDeleteCluster(permit())).toEqual([`cluster ${CLUSTER}`]);
    expect(await activities.startDeleteCluster(permit())).toEqual([]);
    await until(plan.timings.clusterGone, activities.probeClusterGone);
    await activities.probeNodeGroupsGone(startedNow(plan.timings.nodeGroupGone));
  });

  it('X5: the sweep names every object that is left, each with what to do', async () => {
    const residue = await activities.sweep({ target: plan.target, ledger: [{ kind: 'eks:cluster', id: `arn:aws:eks:eu-west-2:111122223333:cluster/${CLUSTER}`, name: CLUSTER }], oidcIssuer });
    const kinds = new Set(residue.map(({ kind }) => kind));
    expect([...kinds].toSorted()).toEqual(['ec2:security-group', 'iam:oidc-provider', 'iam:role', 'logs:log-group']);
    expect(residue.filter(({ kind }) => kind === 'iam:role')).toHaveLength(8);
    expect(residue.every(({ why, whatToDo }) => why !== '' && whatToDo !== '')).toBe(true);
  });

  it('failures 23, 24, 30: leftovers go by tag, also security groups that name one another', async () => {
    const { SecurityGroups: [front] = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'group-name', Values: ['k8s-kong'] }] }));
    const back = await ec2.send(new CreateSecurityGroupCommand({ GroupName: 'k8s-traffic', Description: 'back', VpcId: foundation.vpcId, TagSpecifications: [{ ResourceType: 'security-group', Tags: [{ Key: `kubernetes.io/cluster/${CLUSTER}`, Value: 'owned' }] }] }));
    const foreign = await ec2.send(new CreateSecurityGroupCommand({ GroupName: 'database', Description: 'not of the cluster', VpcId: foundation.vpcId }));
    const allow = (to: string | undefined, from: string | undefined) => ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: to, IpPermissions: [{ IpProtocol: 'tcp', FromPort: 1, ToPort: 2, UserIdGroupPairs: [{ GroupId: from }], IpRanges: to === foreign.GroupId ? [{ CidrIp: '10.9.0.0/16' }] : [] }] }));
    await allow(front?.GroupId, back.GroupId);
    await allow(back.GroupId, front?.GroupId);
    await allow(foreign.GroupId, back.GroupId);
    await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: foundation.privateSubnets[0], TagSpecifications: [{ ResourceType: 'network-interface', Tags: [{ Key: 'cluster.k8s.amazonaws.com/name', Value: CLUSTER }] }] }));

    const deleted = await activities.deleteLeftovers(permit());
    expect(deleted.map((line) => line.replace(/(eni|sg)-\w+/, '$1'))).toEqual(expect.arrayContaining(['network interface eni', 'security group sg (k8s-kong)', 'security group sg (k8s-traffic)', `log group /aws/eks/${CLUSTER}/cluster`]));
    expect(await activities.deleteLeftovers(permit())).toEqual([]);
    const { SecurityGroups: [database] = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [foreign.GroupId ?? ''] }));
    expect(database?.IpPermissions).toMatchObject([{ IpRanges: [{ CidrIp: '10.9.0.0/16' }], UserIdGroupPairs: [] }]);
    await activities.probeNetworkGone(startedNow(plan.timings.networkGone));
  });

  it('X4: roles and provider go by tag, a role of the same beginning stays, and the sweep finds nothing', async () => {
    await new IAMClient(aws.client).send(new CreateRoleCommand({ RoleName: `${CLUSTER}-of-somebody`, AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}' }));
    const deleted = await activities.deleteIdentity({ ...permit(), oidcIssuer });
    expect(deleted).toHaveLength(9);
    expect(await activities.deleteIdentity({ ...permit(), oidcIssuer })).toEqual([]);
    expect(await activities.sweep({ target: plan.target, ledger: [{ kind: 'iam:role', id: `arn:aws:iam::111122223333:role/${CLUSTER}-node`, name: `${CLUSTER}-node` }], oidcIssuer })).toEqual([]);
    expect(await activities.readInventory({ target: plan.target })).toEqual({ cluster: null, kubernetes: 'none', argocd: false, applications: [], objects: [], protections: [] });
  });

  it('failure 30: a log group that EKS makes again is found by the late sweep', async () => {
    await new CloudWatchLogsClient(aws.client).send(new CreateLogGroupCommand({ logGroupName: `/aws/eks/${CLUSTER}/cluster` }));
    expect(await activities.sweep({ target: plan.target, ledger: [] })).toMatchObject([{ kind: 'logs:log-group', whatToDo: `aws logs delete-log-group --log-group-name /aws/eks/${CLUSTER}/cluster` }]);
    expect(await activities.deleteLeftovers(permit())).toEqual([`log group /aws/eks/${CLUSTER}/cluster`]);
  });
});
