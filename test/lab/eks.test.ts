// EKS of the lab by the AWS SDK: its waiters, its errors, what it makes in EC2 and CloudWatch Logs (C1).
import { CloudWatchLogsClient, DeleteLogGroupCommand, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateSubnetCommand, CreateVpcCommand, DescribeInstancesCommand, DescribeNetworkInterfacesCommand, DescribeSecurityGroupsCommand, EC2Client,
} from '@aws-sdk/client-ec2';
import {
  CreateAddonCommand, CreateClusterCommand, CreateNodegroupCommand, DeleteAddonCommand, DeleteClusterCommand, DeleteNodegroupCommand,
  DescribeAccessEntryCommand, DescribeAddonCommand, DescribeClusterCommand, DescribeNodegroupCommand, DescribeUpdateCommand, EKSClient,
  ListAccessEntriesCommand, ListClustersCommand, ListTagsForResourceCommand, TagResourceCommand, UpdateClusterConfigCommand,
  UpdateNodegroupConfigCommand, waitUntilAddonActive, waitUntilAddonDeleted, waitUntilClusterActive, waitUntilClusterDeleted,
  waitUntilNodegroupActive, waitUntilNodegroupDeleted, type CreateClusterCommandInput,
} from '@aws-sdk/client-eks';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEks, type Eks } from '../../lab/aws/eks/index.ts';
import { rootPrincipal } from '../../lab/aws/principals.ts';
import { fakeKubernetes } from '../support/fake-kubernetes.ts';
import { ACCOUNT, startAws, type TestAws } from '../support/moto.ts';

const kubernetes = fakeKubernetes();
let aws: TestAws;
let eks: Eks;
let sdk: EKSClient;
let ec2: EC2Client;
let request: CreateClusterCommandInput;
let roleArn: string;
let subnetIds: string[];
const soon = () => ({ client: sdk, maxWaitTime: 60, minDelay: 1, maxDelay: 1 });

beforeAll(async () => {
  aws = await startAws({
    timeScale: 400,
    services: (world) => {
      eks = createEks({ world, provider: kubernetes, tokenWebhookUrl: (name) => `http://127.0.0.1:9/${name}` });
      return [eks.service];
    },
  });
  sdk = new EKSClient(aws.client);
  ec2 = new EC2Client(aws.client);
  const iam = new IAMClient(aws.client);
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'cluster', AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}' }));
  roleArn = Role?.Arn ?? '';
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  subnetIds = [];
  for (const [zone, block] of [['a', '10.0.0.0/20'], ['b', '10.0.16.0/20']] as const) {
    const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: block, AvailabilityZone: `eu-west-2${zone}` }));
    subnetIds.push(Subnet?.SubnetId ?? '');
  }
  request = {
    name: 'one', version: '1.36', roleArn, resourcesVpcConfig: { subnetIds }, tags: { owner: 'test' },
    logging: { clusterLogging: [{ types: ['api', 'audit'], enabled: true }] },
    accessConfig: { authenticationMode: 'API' },
  };
});

afterAll(async () => {
  await eks.close();
  await aws.stop();
});

describe('a cluster from creation to its end', () => {
  it('C1: reads CREATING without an endpoint, then ACTIVE with one; its parts in EC2 and its log group exist', async () => {
    const { cluster } = await sdk.send(new CreateClusterCommand(request));
    expect(cluster).toMatchObject({ status: 'CREATING', arn: 'arn:aws:eks:eu-west-2:111122223333:cluster/one', tags: { owner: 'test' } });
    expect(cluster?.endpoint).toBeUndefined();
    expect(cluster?.createdAt).toBeInstanceOf(Date);
    await waitUntilClusterActive(soon(), { name: 'one' });

    const { cluster: active } = await sdk.send(new DescribeClusterCommand({ name: 'one' }));
    expect(active?.endpoint).toBe('https://127.0.0.1:6443');
    expect(Buffer.from(active?.certificateAuthority?.data ?? '', 'base64').toString()).toContain('BEGIN CERTIFICATE');
    expect(active?.identity?.oidc?.issuer).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/id\/[0-9A-F]{32}$/);
    expect(kubernetes.clusters.get('one')?.spec.oidc.issuer).toBe(active?.identity?.oidc?.issuer);
    const { SecurityGroups: [group] = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [active?.resourcesVpcConfig?.clusterSecurityGroupId ?? ''] }));
    expect(group?.GroupName).toMatch(/^eks-cluster-sg-one-\d+$/);
    const { NetworkInterfaces = [] } = await ec2.send(new DescribeNetworkInterfacesCommand({ Filters: [{ Name: 'description', Values: ['Amazon EKS one'] }] }));
    expect(new Set(NetworkInterfaces.map((eni) => eni.SubnetId))).toEqual(new Set(subnetIds));
    const { logGroups = [] } = await new CloudWatchLogsClient(aws.client).send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/aws/eks/one/' }));
    expect(logGroups.map((found) => found.logGroupName)).toEqual(['/aws/eks/one/cluster']);
  });

  it('C1: its creator has an access entry as administrator', async () => {
    const { accessEntries = [] } = await sdk.send(new ListAccessEntriesCommand({ clusterName: 'one' }));
    expect(accessEntries).toEqual(['arn:aws:iam::111122223333:root']);
    const { accessEntry } = await sdk.send(new DescribeAccessEntryCommand({ clusterName: 'one', principalArn: accessEntries[0] }));
    expect(accessEntry?.type).toBe('STANDARD');
    const identity = aws.gateway.world.clusters.get('one')?.identify(rootPrincipal(ACCOUNT));
    expect(identity?.groups).toEqual(['system:masters']);
  });

  it('C1: coredns waits for nodes, vpc-cni does not; a node group brings nodes and instances', async () => {
    for (const addonName of ['vpc-cni', 'coredns']) await sdk.send(new CreateAddonCommand({ clusterName: 'one', addonName }));
    await waitUntilAddonActive(soon(), { clusterName: 'one', addonName: 'vpc-cni' });
    const waiting = await sdk.send(new DescribeAddonCommand({ clusterName: 'one', addonName: 'coredns' }));
    expect(waiting.addon?.status).not.toBe('ACTIVE');

    await sdk.send(new CreateNodegroupCommand({
      clusterName: 'one', nodegroupName: 'general', subnets: subnetIds, nodeRole: roleArn, instanceTypes: ['m6i.large'],
      scalingConfig: { minSize: 1, maxSize: 3, desiredSize: 2 }, tags: { 'goldenpath.idp/cluster': 'one' },
    }));
    await waitUntilNodegroupActive(soon(), { clusterName: 'one', nodegroupName: 'general' });
    await vi.waitFor(async () => {
      const { addon } = await sdk.send(new DescribeAddonCommand({ clusterName: 'one', addonName: 'coredns' }));
      expect(addon).toMatchObject({ status: 'ACTIVE', health: { issues: [] } });
    }, { timeout: 10_000, interval: 200 });

    const nodes = [...(kubernetes.clusters.get('one')?.nodes.values() ?? [])];
    expect(new Set(nodes.map((node) => node.labels['topology.kubernetes.io/zone']))).toEqual(new Set(['eu-west-2a', 'eu-west-2b']));
    expect(nodes[0]?.labels).toMatchObject({ 'eks.amazonaws.com/nodegroup': 'general', 'node.kubernetes.io/instance-type': 'm6i.large' });
    expect(await runningInstances()).toHaveLength(2);
  });

  it('C1: scaling a node group adds a node and its instance', async () => {
    const { update } = await sdk.send(new UpdateNodegroupConfigCommand({ clusterName: 'one', nodegroupName: 'general', scalingConfig: { desiredSize: 3 } }));
    expect(update?.status).toBe('InProgress');
    await waitUntilNodegroupActive(soon(), { clusterName: 'one', nodegroupName: 'general' });
    expect(kubernetes.clusters.get('one')?.nodes.size).toBe(3);
    const done = await sdk.send(new DescribeUpdateCommand({ name: 'one', nodegroupName: 'general', updateId: update?.id }));
    expect(done.update?.status).toBe('Successful');
  });

  it('failure 26: a cluster with node groups is in use', async () => {
    await expect(sdk.send(new DeleteClusterCommand({ name: 'one' }))).rejects.toMatchObject({
      name: 'ResourceInUseException', message: 'Cluster has nodegroups attached', clusterName: 'one', $metadata: { httpStatusCode: 409 },
    });
  });

  it('failure 27: a protected cluster cannot be deleted until an update lifts it', async () => {
    const change = async (deletionProtection: boolean) => {
      const { update } = await sdk.send(new UpdateClusterConfigCommand({ name: 'one', deletionProtection }));
      await waitUntilClusterActive(soon(), { name: 'one' });
      return update?.type;
    };
    expect(await change(true)).toBe('DeletionProtectionUpdate');
    await expect(sdk.send(new DeleteClusterCommand({ name: 'one' }))).rejects.toMatchObject({ name: 'InvalidRequestException' });
    await change(false);
  });

  it('C1: goes in order, and leaves no instance, interface, security group; failure 30: but a log group, created anew', async () => {
    await sdk.send(new DeleteAddonCommand({ clusterName: 'one', addonName: 'coredns' }));
    await waitUntilAddonDeleted(soon(), { clusterName: 'one', addonName: 'coredns' });
    const deletion = await sdk.send(new DeleteNodegroupCommand({ clusterName: 'one', nodegroupName: 'general' }));
    expect(deletion.nodegroup?.status).toBe('DELETING');
    await waitUntilNodegroupDeleted(soon(), { clusterName: 'one', nodegroupName: 'general' });
    expect(await runningInstances()).toEqual([]);
    const { cluster } = await sdk.send(new DeleteClusterCommand({ name: 'one' }));
    expect(cluster?.status).toBe('DELETING');
    const logs = new CloudWatchLogsClient(aws.client);
    await logs.send(new DeleteLogGroupCommand({ logGroupName: '/aws/eks/one/cluster' }));
    await waitUntilClusterDeleted(soon(), { name: 'one' });

    expect(kubernetes.clusters.get('one')?.stopped).toBe(true);
    const { NetworkInterfaces } = await ec2.send(new DescribeNetworkInterfacesCommand({}));
    expect(NetworkInterfaces).toEqual([]);
    const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'tag:kubernetes.io/cluster/one', Values: ['owned'] }] }));
    expect(SecurityGroups).toEqual([]);
    const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/aws/eks/one/' }));
    expect(logGroups).toHaveLength(1);
    await expect(sdk.send(new DescribeClusterCommand({ name: 'one' }))).rejects.toMatchObject({ name: 'ResourceNotFoundException', message: 'No cluster found for name: one.' });
  });
});

describe('what EKS refuses', () => {
  it.each([
    ['a role that is not there', { roleArn: 'arn:aws:iam::111122223333:role/nobody' }, /does not exist or the trusted entity/],
    ['a version it does not offer', { version: '1.12' }, /^unsupported Kubernetes version$/],
    ['a name with a dot', { name: 'a.b' }, /cluster name must start/],
  ])('C1: %s is an InvalidParameterException', async (_what, change, message) => {
    await expect(sdk.send(new CreateClusterCommand({ ...request, ...change, clientRequestToken: crypto.randomUUID() })))
      .rejects.toMatchObject({ name: 'InvalidParameterException', message: expect.stringMatching(message) as string });
  });

  it('C1: one zone is not enough', async () => {
    await expect(sdk.send(new CreateClusterCommand({ ...request, resourcesVpcConfig: { subnetIds: subnetIds.slice(0, 1) } })))
      .rejects.toMatchObject({ name: 'InvalidParameterException', message: 'Subnets specified must be in at least two different AZs' });
  });

  it('C1: a missing subnet is named', async () => {
    await expect(sdk.send(new CreateClusterCommand({ ...request, resourcesVpcConfig: { subnetIds: ['subnet-0000000000000000f'] } })))
      .rejects.toMatchObject({ name: 'InvalidParameterException', message: expect.stringContaining('subnet-0000000000000000f') as string });
  });

  it('C1: a control plane that does not start ends FAILED with the reason, and can be deleted', async () => {
    kubernetes.failNext = new Error('no port left');
    await sdk.send(new CreateClusterCommand({ ...request, name: 'broken' }));
    await expect(waitUntilClusterActive(soon(), { name: 'broken' })).rejects.toThrow(/FAILED|FAILURE/);
    const { cluster } = await sdk.send(new DescribeClusterCommand({ name: 'broken' }));
    expect(cluster).toMatchObject({ status: 'FAILED', health: { issues: [{ code: 'InternalFailure', message: 'Error: no port left' }] } });
    await sdk.send(new DeleteClusterCommand({ name: 'broken' }));
    await waitUntilClusterDeleted(soon(), { name: 'broken' });
  });
});

describe('requests again', () => {
  it('C1: the same token and parameters answer the same cluster, also at once; other parameters are refused', async () => {
    const again = { ...request, name: 'two', clientRequestToken: 'b2b7c2e5-0000-4000-8000-000000000001' };
    const answers = await Promise.all([sdk.send(new CreateClusterCommand(again)), sdk.send(new CreateClusterCommand(again))]);
    expect(new Set(answers.map(({ cluster }) => cluster?.identity?.oidc?.issuer)).size).toBe(1);
    await expect(sdk.send(new CreateClusterCommand({ ...again, tags: {} }))).rejects.toMatchObject({ name: 'InvalidParameterException' });
    await expect(sdk.send(new CreateClusterCommand({ ...again, clientRequestToken: crypto.randomUUID() })))
      .rejects.toMatchObject({ name: 'ResourceInUseException', message: 'Cluster already exists with name: two' });
    await waitUntilClusterActive(soon(), { name: 'two' });
  });

  it('C1: nothing joins a cluster that is not ACTIVE', async () => {
    await sdk.send(new CreateClusterCommand({ ...request, name: 'three' }));
    await expect(sdk.send(new CreateNodegroupCommand({ clusterName: 'three', nodegroupName: 'g', subnets: subnetIds, nodeRole: roleArn })))
      .rejects.toMatchObject({ name: 'InvalidRequestException', message: "Cluster 'three' is not in ACTIVE status" });
    await expect(sdk.send(new DeleteClusterCommand({ name: 'three' }))).rejects.toMatchObject({ name: 'ResourceInUseException' });
    await waitUntilClusterActive(soon(), { name: 'three' });
  });

  it('C1: lists come in pages', async () => {
    const first = await sdk.send(new ListClustersCommand({ maxResults: 1 }));
    const second = await sdk.send(new ListClustersCommand({ maxResults: 1, nextToken: first.nextToken }));
    expect([first.clusters, second.clusters, second.nextToken]).toEqual([['three'], ['two'], undefined]);
  });

  it('X5: tags of a cluster can be changed and read by its ARN', async () => {
    const resourceArn = 'arn:aws:eks:eu-west-2:111122223333:cluster/two';
    await sdk.send(new TagResourceCommand({ resourceArn, tags: { added: 'later' } }));
    expect((await sdk.send(new ListTagsForResourceCommand({ resourceArn }))).tags).toEqual({ owner: 'test', added: 'later' });
    await expect(sdk.send(new ListTagsForResourceCommand({ resourceArn: `${resourceArn}x` }))).rejects.toMatchObject({ name: 'NotFoundException' });
  });

  it('C1: what is not there is named in AWS\'s words', async () => {
    await expect(sdk.send(new DescribeNodegroupCommand({ clusterName: 'two', nodegroupName: 'x' }))).rejects.toMatchObject({ name: 'ResourceNotFoundException', message: 'No node group found for name: x.' });
    await expect(sdk.send(new DescribeAddonCommand({ clusterName: 'two', addonName: 'x' }))).rejects.toMatchObject({ name: 'ResourceNotFoundException', message: 'No addon: x found in cluster: two' });
  });
});

async function runningInstances(): Promise<string[]> {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: 'instance-state-name', Values: ['running'] }] }));
  return Reservations.flatMap(({ Instances = [] }) => Instances.map((instance) => instance.InstanceId ?? ''));
}
