// Load balancers, target groups and listeners of the load balancer controller, found by its tags and by nothing else.
import { DescribeSubnetsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateListenerCommand, CreateLoadBalancerCommand, CreateTargetGroupCommand, DeleteListenerCommand, DeleteLoadBalancerCommand, DeleteTargetGroupCommand,
  DescribeListenersCommand, DescribeLoadBalancerAttributesCommand, DescribeTagsCommand, type ElasticLoadBalancingV2Client, type LoadBalancer, ModifyLoadBalancerAttributesCommand,
  paginateDescribeLoadBalancers, paginateDescribeTargetGroups, type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { type ControllerSettings, DELETION_PROTECTION, type PortModel, type StackModel, TAG } from './model.ts';
import { tagList } from './security-groups.ts';

/** DescribeTags takes at most 20 resources. */
const TAGS_PER_CALL = 20;

/** Finds or makes the load balancer with its target groups and listeners; answers its DNS name, which AWS knows at once. */
export async function ensureBalancer(elb: ElasticLoadBalancingV2Client, ec2: EC2Client, settings: ControllerSettings, model: StackModel, securityGroups: string[]): Promise<string> {
  const [present] = await balancersOf(elb, settings, model.stack);
  const balancer = present ?? (await create(elb, await subnetsFor(ec2, settings, model), model, securityGroups));
  const arn = balancer.LoadBalancerArn ?? '';
  await ensureAttributes(elb, arn, model.attributes);
  const { Listeners = [] } = await elb.send(new DescribeListenersCommand({ LoadBalancerArn: arn }));
  for (const port of model.ports) {
    if (Listeners.some((listener) => listener.Port === port.port)) continue;
    const targetGroup = await ensureTargetGroup(elb, settings, model, port);
    await elb.send(new CreateListenerCommand({ LoadBalancerArn: arn, Port: port.port, Protocol: port.protocol, Tags: tagList(port.listenerTags), DefaultActions: [{ Type: 'forward', TargetGroupArn: targetGroup }] }));
  }
  for (const listener of Listeners) {
    if (!model.ports.some(({ port }) => port === listener.Port)) await elb.send(new DeleteListenerCommand({ ListenerArn: listener.ListenerArn }));
  }
  return balancer.DNSName ?? '';
}

async function create(elb: ElasticLoadBalancingV2Client, subnets: string[], model: StackModel, securityGroups: string[]): Promise<LoadBalancer> {
  const { LoadBalancers: [made] = [] } = await elb.send(new CreateLoadBalancerCommand({
    Name: model.name, Type: 'network', Scheme: model.scheme, Subnets: subnets, SecurityGroups: securityGroups, IpAddressType: 'ipv4', Tags: tagList(model.tags),
  }));
  if (made === undefined) throw new Error(`no load balancer came of ${model.name}`);
  return made;
}

/** Sets what the Service asks for and AWS says otherwise; what it does not speak of stays. Source: pkg/deploy/elbv2/load_balancer_attributes_reconciler.go. */
async function ensureAttributes(elb: ElasticLoadBalancingV2Client, arn: string, wanted: Readonly<Record<string, string>>): Promise<void> {
  if (Object.keys(wanted).length === 0) return;
  const { Attributes: present = [] } = await elb.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn }));
  const Attributes = Object.entries(wanted).filter(([key, value]) => present.find(({ Key }) => Key === key)?.Value !== value).map(([Key, Value]) => ({ Key, Value }));
  if (Attributes.length > 0) await elb.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: arn, Attributes }));
}

/** One subnet a zone with the role's tag, and of this cluster or of no one. */
async function subnetsFor(ec2: EC2Client, { clusterName, vpcId }: ControllerSettings, { subnetRole }: StackModel): Promise<string[]> {
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ Filters: [{ Name: 'vpc-id', Values: [vpcId] }, { Name: `tag:${subnetRole}`, Values: ['1', ''] }] }));
  const zones = new Map<string, string>();
  for (const { AvailabilityZone: zone = '', SubnetId: id = '', Tags = [] } of Subnets) {
    const clusters = Tags.filter(({ Key }) => Key?.startsWith('kubernetes.io/cluster/'));
    if (clusters.length > 0 && !clusters.some(({ Key }) => Key === `kubernetes.io/cluster/${clusterName}`)) continue;
    if (!zones.has(zone)) zones.set(zone, id);
  }
  if (zones.size === 0) throw new Error(`couldn't auto-discover subnets: unable to resolve at least one subnet with tag ${subnetRole}`);
  return [...zones.values()];
}

async function ensureTargetGroup(elb: ElasticLoadBalancingV2Client, settings: ControllerSettings, model: StackModel, port: PortModel): Promise<string> {
  const present = (await targetGroupsOf(elb, settings, model.stack)).find(({ TargetGroupName }) => TargetGroupName === port.targetGroupName);
  if (present?.TargetGroupArn !== undefined) return present.TargetGroupArn;
  const { TargetGroups: [made] = [] } = await elb.send(new CreateTargetGroupCommand({
    Name: port.targetGroupName, Protocol: port.protocol, Port: port.targetPort, VpcId: settings.vpcId, TargetType: model.targetType, Tags: tagList(port.tags),
    HealthCheckProtocol: model.health.protocol, HealthCheckPort: model.health.port, ...(model.health.path !== undefined && { HealthCheckPath: model.health.path }),
  }));
  if (made?.TargetGroupArn === undefined) throw new Error(`no target group came of ${port.targetGroupName}`);
  return made.TargetGroupArn;
}

/** Deletes listeners, load balancer, target groups, in the order that AWS allows (teardown failure 22). */
export async function deleteBalancer(elb: ElasticLoadBalancingV2Client, settings: ControllerSettings, stack: string): Promise<void> {
  for (const { LoadBalancerArn = '' } of await balancersOf(elb, settings, stack)) {
    // A protection that no annotation asks for is no obstacle to the real controller: it takes it off (its issues 2940 and 4325).
    await ensureAttributes(elb, LoadBalancerArn, { [DELETION_PROTECTION]: 'false' });
    const { Listeners = [] } = await elb.send(new DescribeListenersCommand({ LoadBalancerArn }));
    for (const { ListenerArn } of Listeners) await elb.send(new DeleteListenerCommand({ ListenerArn }));
    await elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn }));
  }
  for (const { TargetGroupArn } of await targetGroupsOf(elb, settings, stack)) await elb.send(new DeleteTargetGroupCommand({ TargetGroupArn }));
}

/** Load balancers of the cluster, or of one stack in it. */
export async function balancersOf(elb: ElasticLoadBalancingV2Client, settings: ControllerSettings, stack?: string): Promise<LoadBalancer[]> {
  const all: LoadBalancer[] = [];
  for await (const page of paginateDescribeLoadBalancers({ client: elb }, {})) all.push(...(page.LoadBalancers ?? []));
  return withTags(elb, all.filter(({ VpcId }) => VpcId === settings.vpcId), ({ LoadBalancerArn }) => LoadBalancerArn, settings, stack);
}

async function targetGroupsOf(elb: ElasticLoadBalancingV2Client, settings: ControllerSettings, stack: string): Promise<TargetGroup[]> {
  const all: TargetGroup[] = [];
  for await (const page of paginateDescribeTargetGroups({ client: elb }, {})) all.push(...(page.TargetGroups ?? []));
  return withTags(elb, all, ({ TargetGroupArn }) => TargetGroupArn, settings, stack);
}

async function withTags<T>(elb: ElasticLoadBalancingV2Client, resources: T[], arnOf: (resource: T) => string | undefined, { clusterName }: ControllerSettings, stack: string | undefined): Promise<T[]> {
  const ours = new Set<string>();
  for (let first = 0; first < resources.length; first += TAGS_PER_CALL) {
    const arns = resources.slice(first, first + TAGS_PER_CALL).flatMap((resource) => arnOf(resource) ?? []);
    const { TagDescriptions = [] } = await elb.send(new DescribeTagsCommand({ ResourceArns: arns }));
    for (const { ResourceArn = '', Tags = [] } of TagDescriptions) {
      const valueOf = (key: string) => Tags.find(({ Key }) => Key === key)?.Value;
      if (valueOf(TAG.cluster) === clusterName && (stack === undefined || valueOf(TAG.stack) === stack)) ours.add(ResourceArn);
    }
  }
  return resources.filter((resource) => ours.has(arnOf(resource) ?? ''));
}
