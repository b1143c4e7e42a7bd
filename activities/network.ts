// Network interfaces and security groups that a cluster and its load balancers leave in the VPC (failures 23, 24, teardown.md steps 10 and 11).
import { type EC2Client, type Filter, type NetworkInterface, paginateDescribeNetworkInterfaces, paginateDescribeSecurityGroups, type SecurityGroup } from '@aws-sdk/client-ec2';
import { paginateDescribeLoadBalancers } from '@aws-sdk/client-elastic-load-balancing-v2';
import { GoldenpathError } from '../domain/errors.ts';
import { clustersOf, TAG } from '../domain/names.ts';
import type { OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import type { Probes, Waiting } from './contract.ts';
import { describeOwnCluster } from './eks.ts';
import { notReady } from './errors.ts';
import { foundationVpcIds } from './foundation.ts';
import { fromTagList, kubernetesClusterTag, type TaggedObject } from './ownership.ts';
import { allPages, present } from './pages.ts';

export function networkActivities(clients: Clients): Pick<Probes, 'probeNetworkGone'> {
  return { probeNetworkGone: (input) => probeNetworkGone(clients, input) };
}

/** The tags that say of an EC2 object that it was made for the cluster; EC2 can only ask for one at a time. */
function clusterFilters(cluster: string): Filter[] {
  return [
    { Name: 'tag:elbv2.k8s.aws/cluster', Values: [cluster] },
    { Name: `tag:${kubernetesClusterTag(cluster)}`, Values: ['owned'] },
    { Name: `tag:${TAG.cluster}`, Values: [cluster] },
    // The VPC CNI's own tag of the interfaces it makes.
    { Name: 'tag:cluster.k8s.amazonaws.com/name', Values: [cluster] },
  ];
}

/** Security groups made for the cluster, by tag. */
export async function clusterSecurityGroups(ec2: EC2Client, cluster: string): Promise<SecurityGroup[]> {
  const found = await Promise.all(clusterFilters(cluster).map((filter) => allPages(paginateDescribeSecurityGroups({ client: ec2 }, { Filters: [filter] }), (page) => page.SecurityGroups)));
  return uniqueBy(found.flat().filter(({ Tags }) => clustersOf(fromTagList(Tags)).includes(cluster)), ({ GroupId }) => present(GroupId, "a security group's id"));
}

/** Network interfaces tagged for the cluster. */
export async function clusterInterfaces(ec2: EC2Client, cluster: string): Promise<NetworkInterface[]> {
  const found = await Promise.all(clusterFilters(cluster).map((filter) => allPages(paginateDescribeNetworkInterfaces({ client: ec2 }, { Filters: [filter] }), (page) => page.NetworkInterfaces)));
  return uniqueBy(found.flat().filter(({ TagSet }) => clustersOf(fromTagList(TagSet)).includes(cluster)), ({ NetworkInterfaceId }) => present(NetworkInterfaceId, "an interface's id"));
}

/** All security groups and network interfaces of the region, with their tags. */
export async function networkObjects(ec2: EC2Client): Promise<TaggedObject[]> {
  const [groups, interfaces] = await Promise.all([
    allPages(paginateDescribeSecurityGroups({ client: ec2 }, {}), (page) => page.SecurityGroups),
    allPages(paginateDescribeNetworkInterfaces({ client: ec2 }, {}), (page) => page.NetworkInterfaces),
  ]);
  return [...groups.map((group) => ({ object: securityGroupObject(group), tags: fromTagList(group.Tags) })), ...interfaces.map((item) => ({ object: interfaceObject(item), tags: fromTagList(item.TagSet) }))];
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}

export function describeInterface({ NetworkInterfaceId, Status, Description, RequesterId }: NetworkInterface): string {
  return `network interface ${NetworkInterfaceId} (${Status ?? 'no status'}, ${Description ?? ''}${RequesterId === undefined ? '' : `, by ${RequesterId}`})`;
}

export function securityGroupObject({ GroupId, GroupName }: SecurityGroup): OwnedObject {
  return { kind: 'ec2:security-group', id: present(GroupId, "a security group's id"), name: GroupName ?? '' };
}

export function interfaceObject({ NetworkInterfaceId, Description }: NetworkInterface): OwnedObject {
  return { kind: 'ec2:network-interface', id: present(NetworkInterfaceId, "an interface's id"), name: Description ?? '' };
}

/** The name in the description that ELB gives its interfaces: `ELB app/<name>/<id>`, `ELB net/<name>/<id>`. Source: ELB User Guide, IP addresses of a load balancer. */
export function balancerOfInterface(description: string | undefined): string | undefined {
  return /^ELB (?:app|net|gwy)\/([^/]+)\/[0-9a-f]+$/.exec(description ?? '')?.[1];
}

/**
 * Load balancers' interfaces to wait for: those in a security group of the cluster, and those whose load balancer is no
 * longer there. The latter cannot be told apart by owner; ELB removes them within minutes, so waiting for a neighbour's
 * costs little and overlooks none. `living` are the names of all load balancers that exist.
 */
export function lingeringInterfaces(interfaces: readonly NetworkInterface[], groupIds: ReadonlySet<string>, living: ReadonlySet<string>): NetworkInterface[] {
  return interfaces.filter(({ Description, Groups = [] }) => {
    const balancer = balancerOfInterface(Description);
    return balancer !== undefined && (!living.has(balancer) || Groups.some(({ GroupId }) => GroupId !== undefined && groupIds.has(GroupId)));
  });
}

/**
 * While the cluster lives: the interfaces of its load balancers. Once it is gone: also its own interfaces and security
 * groups, which `deleteLeftovers` removes.
 */
async function probeNetworkGone({ ec2, elb, eks }: Clients, input: Waiting): Promise<void> {
  const { cluster, environment } = input.target;
  const [live, groups, interfaces, balancers] = await Promise.all([
    describeOwnCluster(eks, input.target),
    clusterSecurityGroups(ec2, cluster),
    balancerInterfaces(ec2, environment),
    allPages(paginateDescribeLoadBalancers({ client: elb }, {}), (page) => page.LoadBalancers),
  ]);
  const groupIds = new Set(groups.flatMap(({ GroupId }) => GroupId ?? []));
  const living = new Set(balancers.flatMap(({ LoadBalancerName }) => LoadBalancerName ?? []));
  const left = lingeringInterfaces(interfaces, groupIds, living).map((item) => describeInterface(item));
  if (live === undefined) {
    left.push(...(await clusterInterfaces(ec2, cluster)).map((item) => describeInterface(item)));
    left.push(...groups.map(({ GroupId, GroupName }) => `security group ${GroupId} (${GroupName})`));
  }
  if (left.length > 0) throw notReady(`left in the VPC: ${left.join(', ')}`, input, left);
}

async function balancerInterfaces(ec2: EC2Client, environment: string): Promise<NetworkInterface[]> {
  const vpcs = await foundationVpcIds(ec2, environment);
  if (vpcs.length === 0) throw new GoldenpathError('PreflightFailed', `no VPC has the foundation tags of ${environment}: its network interfaces cannot be looked for`);
  const filters = [{ Name: 'vpc-id', Values: vpcs }, { Name: 'description', Values: ['ELB *'] }];
  return allPages(paginateDescribeNetworkInterfaces({ client: ec2 }, { Filters: filters }), (page) => page.NetworkInterfaces);
}
