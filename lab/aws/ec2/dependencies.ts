// What still needs a security group or a subnet: moto deletes either without asking (teardown.md, failures 23 and 24).
import {
  DescribeNetworkInterfacesCommand, paginateDescribeSecurityGroups,
  type EC2Client, type IpPermission, type SecurityGroup,
} from '@aws-sdk/client-ec2';

/** Ids of the interfaces that wear a security group and of the other groups whose rules name it; empty for an unknown group. */
export async function dependentsOfGroup(ec2: EC2Client, groupId: string): Promise<string[]> {
  const { NetworkInterfaces = [] } = await ec2.send(new DescribeNetworkInterfacesCommand({ Filters: [{ Name: 'group-id', Values: [groupId] }] }));
  const groups: SecurityGroup[] = [];
  for await (const { SecurityGroups = [] } of paginateDescribeSecurityGroups({ client: ec2 }, {})) groups.push(...SecurityGroups);
  return [...NetworkInterfaces.flatMap((eni) => eni.NetworkInterfaceId ?? []), ...groupsNaming(groups, groupId)];
}

/** Ids of the groups, but the group itself, whose rules in either direction name the group. */
export function groupsNaming(groups: readonly SecurityGroup[], groupId: string): string[] {
  const names = (rules: IpPermission[] | undefined): boolean =>
    (rules ?? []).some((rule) => (rule.UserIdGroupPairs ?? []).some((pair) => pair.GroupId === groupId));
  return groups
    .filter((group) => group.GroupId !== groupId && (names(group.IpPermissions) || names(group.IpPermissionsEgress)))
    .flatMap((group) => group.GroupId ?? []);
}

/** Ids of the interfaces in a subnet. */
export async function dependentsOfSubnet(ec2: EC2Client, subnetId: string): Promise<string[]> {
  const { NetworkInterfaces = [] } = await ec2.send(new DescribeNetworkInterfacesCommand({ Filters: [{ Name: 'subnet-id', Values: [subnetId] }] }));
  return NetworkInterfaces.flatMap((eni) => eni.NetworkInterfaceId ?? []);
}
