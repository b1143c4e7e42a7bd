// The security groups of the load balancer controller: one for each load balancer, one that all share towards the nodes
// (teardown failure 24: the shared one is referenced by the cluster's own group until its rule is taken back).
import {
  AuthorizeSecurityGroupIngressCommand, CreateSecurityGroupCommand, DeleteSecurityGroupCommand, DescribeSecurityGroupsCommand,
  type EC2Client, RevokeSecurityGroupIngressCommand, type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { backendGroup, type ControllerSettings, type StackModel, TAG } from './model.ts';

const ANYWHERE = '0.0.0.0/0';
const SHARED_RULE = 'elbv2.k8s.aws/targetGroupBinding=shared';

export function tagList(tags: Record<string, string>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** Groups of the controller with all of these tags. */
async function find(ec2: EC2Client, vpcId: string, tags: Record<string, string>): Promise<SecurityGroup[]> {
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({
    Filters: [{ Name: 'vpc-id', Values: [vpcId] }, ...Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }))],
  }));
  return SecurityGroups;
}

/** Finds or makes the group of a load balancer, open on its ports, and the shared one, which the cluster's group lets in. Returns both ids. */
export async function ensureGroups(ec2: EC2Client, settings: ControllerSettings, model: StackModel): Promise<string[]> {
  const own = await ensure(ec2, settings, model.securityGroup, '[k8s] Managed SecurityGroup for LoadBalancer', { [TAG.cluster]: settings.clusterName, [TAG.stack]: model.stack });
  for (const { port } of model.ports) {
    if (own.IpPermissions?.some((rule) => rule.FromPort === port)) continue;
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: own.GroupId, IpPermissions: [{ IpProtocol: 'tcp', FromPort: port, ToPort: port, IpRanges: [{ CidrIp: ANYWHERE }] }] }));
  }
  const shared = backendGroup(settings);
  const backend = await ensure(ec2, settings, shared, '[k8s] Shared Backend SecurityGroup for LoadBalancer', { [TAG.cluster]: settings.clusterName, [TAG.backend]: 'backend-sg' });
  const nodes = await clusterGroup(ec2, settings);
  if (nodes !== undefined && !refersTo(nodes, backend.GroupId)) {
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: nodes.GroupId, IpPermissions: [{ IpProtocol: 'tcp', FromPort: 0, ToPort: 65_535, UserIdGroupPairs: [{ GroupId: backend.GroupId, Description: SHARED_RULE }] }] }));
  }
  return [own.GroupId ?? '', backend.GroupId ?? ''];
}

async function ensure(ec2: EC2Client, { vpcId }: ControllerSettings, wanted: { name: string; tags: Record<string, string> }, description: string, by: Record<string, string>): Promise<SecurityGroup> {
  const [present] = await find(ec2, vpcId, by);
  if (present !== undefined) return present;
  const { GroupId } = await ec2.send(new CreateSecurityGroupCommand({ GroupName: wanted.name, Description: description, VpcId: vpcId, TagSpecifications: [{ ResourceType: 'security-group', Tags: tagList(wanted.tags) }] }));
  return { GroupId, IpPermissions: [] };
}

/** The group that EKS puts on nodes. */
async function clusterGroup(ec2: EC2Client, { clusterName, vpcId }: ControllerSettings): Promise<SecurityGroup | undefined> {
  return (await find(ec2, vpcId, { [`kubernetes.io/cluster/${clusterName}`]: 'owned' }))[0];
}

function refersTo({ IpPermissions = [] }: SecurityGroup, groupId: string | undefined): boolean {
  return IpPermissions.some(({ UserIdGroupPairs = [] }) => UserIdGroupPairs.some((pair) => pair.GroupId === groupId));
}

/** Deletes the group of a load balancer. Throws EC2's DependencyViolation while its interfaces linger. */
export async function deleteOwnGroup(ec2: EC2Client, { clusterName, vpcId }: ControllerSettings, stack: string): Promise<void> {
  for (const { GroupId } of await find(ec2, vpcId, { [TAG.cluster]: clusterName, [TAG.stack]: stack })) await ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
}

/** Takes the shared group's rule back from the nodes' group, then deletes it: once no load balancer is left. */
export async function deleteSharedGroup(ec2: EC2Client, settings: ControllerSettings): Promise<void> {
  for (const { GroupId } of await find(ec2, settings.vpcId, { [TAG.cluster]: settings.clusterName, [TAG.backend]: 'backend-sg' })) {
    const nodes = await clusterGroup(ec2, settings);
    if (nodes !== undefined && refersTo(nodes, GroupId)) {
      await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: nodes.GroupId, IpPermissions: [{ IpProtocol: 'tcp', FromPort: 0, ToPort: 65_535, UserIdGroupPairs: [{ GroupId, Description: SHARED_RULE }] }] }));
    }
    await ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
  }
}
