// What a deleted cluster leaves behind and nobody removes: log group, CNI interfaces, security groups (teardown.md step 11; failures 23, 24, 30).
import {
  DeleteNetworkInterfaceCommand, DeleteSecurityGroupCommand, type EC2Client, type IpPermission, paginateDescribeSecurityGroups,
  RevokeSecurityGroupEgressCommand, RevokeSecurityGroupIngressCommand, type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { isSolelyOf } from '../domain/names.ts';
import { joinRemovals, type Removal } from '../domain/removal.ts';
import type { Clients } from './clients.ts';
import type { Destroyers, Destroying } from './contract.ts';
import { demandClusterGone } from './eks.ts';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { destroyer } from './guard.ts';
import { deleteLogGroup } from './logs.ts';
import { clusterInterfaces, clusterSecurityGroups, interfaceObject, securityGroupObject } from './network.ts';
import { fromTagList } from './ownership.ts';
import { allPages, present } from './pages.ts';
import { demandAll, removeEach } from './removal.ts';

export function leftoverActivities(clients: Clients): Pick<Destroyers, 'deleteLeftovers' | 'deleteOrphanNetwork'> {
  return {
    deleteLeftovers: destroyer(clients.s3, async (input) => demandAll(await deleteLeftovers(clients, input))),
    deleteOrphanNetwork: destroyer(clients.s3, (input) => deleteLeftovers(clients, input)),
  };
}

async function deleteLeftovers({ ec2, eks, logs }: Clients, { target }: Destroying): Promise<Removal> {
  await demandClusterGone(eks, target, 'what it uses goes after it');
  const interfaces = await deleteInterfaces(ec2, target.cluster);
  const groups = await deleteSecurityGroups(ec2, target.cluster);
  return joinRemovals([interfaces, groups, { deleted: await deleteLogGroup(logs, target), refused: [] }]);
}

/** Only interfaces tagged for the cluster that nothing uses: one in use, or managed by an AWS service, is that one's to remove (failure 23). */
async function deleteInterfaces(ec2: EC2Client, cluster: string): Promise<Removal> {
  const free = (await clusterInterfaces(ec2, cluster)).filter(({ Status, RequesterManaged, TagSet }) => Status === 'available' && RequesterManaged !== true && isSolelyOf(fromTagList(TagSet), cluster));
  return removeEach(free.map((item) => interfaceObject(item)), ({ id }) => `network interface ${id}`, ({ id }) => orAbsent(ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: id })), NOT_FOUND.networkInterface));
}

/** Security groups that name one another cannot be deleted in any order: first every rule about them goes, then they (failure 24). */
async function deleteSecurityGroups(ec2: EC2Client, cluster: string): Promise<Removal> {
  const groups = (await clusterSecurityGroups(ec2, cluster)).filter(({ Tags }) => isSolelyOf(fromTagList(Tags), cluster));
  if (groups.length === 0) return { deleted: [], refused: [] };
  const ids = new Set(groups.map(({ GroupId }) => present(GroupId, "a security group's id")));
  for (const group of uniqueGroups([...groups, ...(await groupsNaming(ec2, [...ids]))])) await revokeRulesAbout(ec2, group, ids);
  return removeEach(groups.map((group) => securityGroupObject(group)), ({ id, name }) => `security group ${id} (${name})`, ({ id }) => orAbsent(ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })), NOT_FOUND.securityGroup));
}

function uniqueGroups(groups: readonly SecurityGroup[]): SecurityGroup[] {
  return [...new Map(groups.map((group) => [group.GroupId, group])).values()];
}

/** Groups, of whomever, with a rule that names one of these. */
async function groupsNaming(ec2: EC2Client, ids: string[]): Promise<SecurityGroup[]> {
  const found = await Promise.all(
    ['ip-permission.group-id', 'egress.ip-permission.group-id'].map((Name) => allPages(paginateDescribeSecurityGroups({ client: ec2 }, { Filters: [{ Name, Values: ids }] }), (page) => page.SecurityGroups)),
  );
  return found.flat();
}

async function revokeRulesAbout(ec2: EC2Client, { GroupId, IpPermissions, IpPermissionsEgress }: SecurityGroup, ids: ReadonlySet<string>): Promise<void> {
  const [ingress, egress] = [rulesAbout(IpPermissions, ids), rulesAbout(IpPermissionsEgress, ids)];
  if (ingress.length > 0) await orAbsent(ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: ingress })), [...NOT_FOUND.securityGroup, 'InvalidPermission.NotFound']);
  if (egress.length > 0) await orAbsent(ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: egress })), [...NOT_FOUND.securityGroup, 'InvalidPermission.NotFound']);
}

/** The part of each rule that names one of the groups; the rest of a rule (addresses, other groups) stays. */
export function rulesAbout(rules: readonly IpPermission[] | undefined, ids: ReadonlySet<string>): IpPermission[] {
  return (rules ?? []).flatMap(({ IpProtocol, FromPort, ToPort, UserIdGroupPairs = [] }) => {
    const pairs = UserIdGroupPairs.filter(({ GroupId }) => GroupId !== undefined && ids.has(GroupId)).map(({ GroupId, UserId }) => ({ GroupId, UserId }));
    return pairs.length === 0 ? [] : [{ IpProtocol, FromPort, ToPort, UserIdGroupPairs: pairs }];
  });
}
