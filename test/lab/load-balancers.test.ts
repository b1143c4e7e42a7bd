// Load balancers, their interfaces and what depends on what, by the AWS SDK (teardown.md, failures 20–25).
import {
  AuthorizeSecurityGroupIngressCommand, CreateSecurityGroupCommand, CreateSubnetCommand, CreateVpcCommand, DeleteNetworkInterfaceCommand,
  DeleteSecurityGroupCommand, DeleteSubnetCommand, DescribeNetworkInterfacesCommand, EC2Client, RevokeSecurityGroupIngressCommand, type NetworkInterface,
} from '@aws-sdk/client-ec2';
import {
  CreateListenerCommand, CreateLoadBalancerCommand, CreateTargetGroupCommand, DeleteLoadBalancerCommand, DeleteTargetGroupCommand,
  DescribeListenersCommand, DescribeLoadBalancersCommand, DescribeTagsCommand, DescribeTargetGroupsCommand, ElasticLoadBalancingV2Client,
  ModifyLoadBalancerAttributesCommand, type CreateLoadBalancerCommandInput, waitUntilLoadBalancerAvailable, waitUntilLoadBalancersDeleted,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetResourcesCommand, ResourceGroupsTaggingAPIClient } from '@aws-sdk/client-resource-groups-tagging-api';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPlatformServices, type PlatformServices } from '../../lab/aws/platform-services.ts';
import { fakeKubernetes } from '../support/fake-kubernetes.ts';
import { startAws, type TestAws } from '../support/moto.ts';

let aws: TestAws;
let platform: PlatformServices;
let ec2: EC2Client;
let elb: ElasticLoadBalancingV2Client;
let vpcId: string;
let groupId: string;
const subnets: string[] = [];
const soon = () => ({ client: elb, maxWaitTime: 30, minDelay: 1, maxDelay: 1 });

beforeAll(async () => {
  aws = await startAws({
    timeScale: 60, // 150 s of provisioning in 2.5 s, 90 s of lingering in 1.5 s
    services: (world) => {
      platform = createPlatformServices(world, { provider: fakeKubernetes(), tokenWebhookUrl: () => '' });
      return platform.services;
    },
  });
  ec2 = new EC2Client(aws.client);
  elb = new ElasticLoadBalancingV2Client(aws.client);
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  vpcId = Vpc?.VpcId ?? '';
  for (const [zone, CidrBlock] of [['a', '10.0.0.0/20'], ['b', '10.0.16.0/20']] as const) {
    const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: vpcId, CidrBlock, AvailabilityZone: `eu-west-2${zone}` }));
    subnets.push(Subnet?.SubnetId ?? '');
  }
  groupId = await newGroup('of-the-balancer');
});

afterAll(async () => {
  await platform.close();
  await aws.stop();
});

describe('a network load balancer', () => {
  let arn: string;
  let targetGroup: string;

  it('T3: is provisioning for its time, then active, under the names that AWS gives', async () => {
    const tags = [{ Key: 'elbv2.k8s.aws/cluster', Value: 'one' }];
    const { LoadBalancers: [made] = [] } = await elb.send(new CreateLoadBalancerCommand({ Name: 'kong', Type: 'network', Scheme: 'internal', Subnets: subnets, SecurityGroups: [groupId], Tags: tags }));
    arn = made?.LoadBalancerArn ?? '';
    expect(arn).toMatch(/:loadbalancer\/net\/kong\/[0-9a-f]{16}$/);
    expect(made).toMatchObject({ State: { Code: 'provisioning' }, CanonicalHostedZoneId: 'ZD4D7Y8KGAS4G', Type: 'network' });
    expect(made?.DNSName).toBe(`kong-${arn.slice(-16)}.elb.eu-west-2.amazonaws.com`);
    const { LoadBalancers: [still] = [] } = await elb.send(new DescribeLoadBalancersCommand({ Names: ['kong'] }));
    expect(still?.State?.Code).toBe('provisioning');
    await waitUntilLoadBalancerAvailable(soon(), { LoadBalancerArns: [arn] });
    expect((await elb.send(new DescribeTagsCommand({ ResourceArns: [arn] }))).TagDescriptions).toEqual([{ ResourceArn: arn, Tags: tags }]);
    expect(await taggedArns('elbv2.k8s.aws/cluster')).toContain(arn);
  });

  it('C1: asked for again it is the same one; with other settings its name is taken', async () => {
    const again = { Name: 'kong', Type: 'network', Scheme: 'internal', Subnets: subnets.toReversed(), SecurityGroups: [groupId] } satisfies CreateLoadBalancerCommandInput;
    const { LoadBalancers: [same] = [] } = await elb.send(new CreateLoadBalancerCommand(again));
    expect(same?.LoadBalancerArn).toBe(arn);
    await expect(elb.send(new CreateLoadBalancerCommand({ ...again, Scheme: 'internet-facing' }))).rejects.toMatchObject({ name: 'DuplicateLoadBalancerNameException' });
  });

  it('failure 23: has an interface per subnet that belongs to AWS', async () => {
    const enis = await interfaces({ Name: 'description', Values: [`ELB net/kong/${arn.slice(-16)}`] }, { Name: 'requester-managed', Values: ['true'] }, { Name: 'status', Values: ['in-use'] });
    expect(new Set(enis.map((eni) => eni.SubnetId))).toEqual(new Set(subnets));
    expect(enis[0]).toMatchObject({ RequesterManaged: true, RequesterId: 'amazon-elb', InterfaceType: 'network_load_balancer', VpcId: vpcId, Groups: [{ GroupId: groupId }] });
    expect(await interfaces({ Name: 'status', Values: ['available'] })).toEqual([]);
    await expect(ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: enis[0]?.NetworkInterfaceId }))).rejects.toMatchObject({ name: 'InvalidParameterValue', message: expect.stringContaining('is currently in use') as string });
  });

  it('failure 22: a target group that a listener uses is in use', async () => {
    const { TargetGroups: [group] = [] } = await elb.send(new CreateTargetGroupCommand({ Name: 'kong', Protocol: 'TCP', Port: 443, VpcId: vpcId, TargetType: 'ip' }));
    targetGroup = group?.TargetGroupArn ?? '';
    await elb.send(new CreateListenerCommand({ LoadBalancerArn: arn, Protocol: 'TCP', Port: 443, DefaultActions: [{ Type: 'forward', TargetGroupArn: targetGroup }] }));
    const { Listeners: [listener] = [] } = await elb.send(new DescribeListenersCommand({ LoadBalancerArn: arn }));
    expect(listener?.ListenerArn).toContain(':listener/net/kong/');
    const { TargetGroups: [used] = [] } = await elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [targetGroup] }));
    expect(used?.LoadBalancerArns).toEqual([arn]);
    await expect(elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: targetGroup }))).rejects.toMatchObject({ name: 'ResourceInUseException' });
  });

  it('failure 21: a protected one stays', async () => {
    const protect = (Value: string) => elb.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: arn, Attributes: [{ Key: 'deletion_protection.enabled', Value }] }));
    await protect('true');
    await expect(elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: arn }))).rejects.toMatchObject({ name: 'OperationNotPermittedException', message: `Load balancer '${arn}' cannot be deleted because deletion protection is enabled` });
    await protect('false');
  });

  it('failure 23, 24: deleted, its interfaces linger and hold the security group and the subnet', async () => {
    await elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: arn }));
    await waitUntilLoadBalancersDeleted(soon(), { LoadBalancerArns: [arn] });
    expect(await interfaces()).toHaveLength(2);
    await expect(ec2.send(new DeleteSecurityGroupCommand({ GroupId: groupId }))).rejects.toMatchObject({ name: 'DependencyViolation', message: `resource ${groupId} has a dependent object` });
    await expect(ec2.send(new DeleteSubnetCommand({ SubnetId: subnets[0] }))).rejects.toMatchObject({ name: 'DependencyViolation' });
    await vi.waitFor(async () => expect(await interfaces()).toEqual([]), { timeout: 10_000, interval: 200 });
    await elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: targetGroup }));
    await elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: targetGroup })); // absent is success
    await ec2.send(new DeleteSecurityGroupCommand({ GroupId: groupId }));
  });

  it('failure 36: what is gone is a typed not found', async () => {
    await expect(elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] }))).rejects.toMatchObject({ name: 'LoadBalancerNotFoundException' });
    expect((await elb.send(new DescribeLoadBalancersCommand({}))).LoadBalancers).toEqual([]);
  });
});

it('C1: an application load balancer needs two zones', async () => {
  await expect(elb.send(new CreateLoadBalancerCommand({ Name: 'small', Subnets: subnets.slice(0, 1) }))).rejects.toMatchObject({ name: 'ValidationError' });
});

it('failure 24: a security group that another one\'s rule names stays until the rule goes', async () => {
  const [named, naming] = [await newGroup('named'), await newGroup('naming')];
  const rule = { GroupId: naming, IpPermissions: [{ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, UserIdGroupPairs: [{ GroupId: named }] }] };
  await ec2.send(new AuthorizeSecurityGroupIngressCommand(rule));
  await expect(ec2.send(new DeleteSecurityGroupCommand({ GroupId: named }))).rejects.toMatchObject({ name: 'DependencyViolation' });
  await ec2.send(new RevokeSecurityGroupIngressCommand(rule));
  await ec2.send(new DeleteSecurityGroupCommand({ GroupId: named }));
});

async function newGroup(name: string): Promise<string> {
  const { GroupId } = await ec2.send(new CreateSecurityGroupCommand({ GroupName: name, Description: name, VpcId: vpcId }));
  return GroupId ?? '';
}

async function interfaces(...Filters: { Name: string; Values: string[] }[]): Promise<NetworkInterface[]> {
  const { NetworkInterfaces = [] } = await ec2.send(new DescribeNetworkInterfacesCommand({ Filters: [...Filters, { Name: 'vpc-id', Values: [vpcId] }] }));
  return NetworkInterfaces;
}

async function taggedArns(Key: string): Promise<string[]> {
  const { ResourceTagMappingList = [] } = await new ResourceGroupsTaggingAPIClient(aws.client).send(new GetResourcesCommand({ TagFilters: [{ Key }] }));
  return ResourceTagMappingList.map((mapping) => mapping.ResourceARN ?? '');
}
