// Where the environment's instance lives: the foundation's private subnets, a subnet group over them, a security group that is open to them (R1, R3).
import {
  AuthorizeSecurityGroupIngressCommand, CreateSecurityGroupCommand, DescribeSecurityGroupsCommand, type EC2Client, paginateDescribeSubnets, type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { CreateDBSubnetGroupCommand, type DBSubnetGroup, DescribeDBSubnetGroupsCommand, ListTagsForResourceCommand, type RDSClient } from '@aws-sdk/client-rds';
import { POSTGRES_PORT } from '../domain/database-network.ts';
import { databaseTags } from '../domain/databases.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { isNamed, orAbsent } from './errors.ts';
import { foundationFilters, foundationVpcIds } from './foundation.ts';
import { toTagList } from './ownership.ts';
import { allPages, present } from './pages.ts';
import { demandOfEnvironment } from './rds.ts';

export interface PrivateSubnet {
  id: string;
  zone: string;
  cidr: string;
}

/** The one VPC of the foundation. Throws PreflightFailed where there is none, or more. */
export async function foundationVpc(ec2: EC2Client, environment: string): Promise<string> {
  const ids = await foundationVpcIds(ec2, environment);
  const [only] = ids;
  if (only !== undefined && ids.length === 1) return only;
  const problem = `the foundation of ${environment} has ${ids.length} VPCs, by its tags: ${ids.join(', ') || 'none'}`;
  throw new GoldenpathError('PreflightFailed', problem, [problem]);
}

/** The private subnets of the foundation, by the tag that the load balancer controller reads as well. */
export async function privateSubnets(ec2: EC2Client, environment: string): Promise<PrivateSubnet[]> {
  const Filters = [...foundationFilters(environment), { Name: 'tag:kubernetes.io/role/internal-elb', Values: ['1'] }];
  const subnets = await allPages(paginateDescribeSubnets({ client: ec2 }, { Filters }), (page) => page.Subnets);
  return subnets.map(({ SubnetId, AvailabilityZone, CidrBlock }) => ({ id: present(SubnetId, "a subnet's id"), zone: present(AvailabilityZone, "a subnet's zone"), cidr: present(CidrBlock, "a subnet's addresses") }));
}

/** The subnet group, or undefined where RDS has none of that name. */
export async function describeSubnetGroup(rds: RDSClient, name: string): Promise<DBSubnetGroup | undefined> {
  const answer = await orAbsent(rds.send(new DescribeDBSubnetGroupsCommand({ DBSubnetGroupName: name })), ['DBSubnetGroupNotFoundFault', 'DBSubnetGroupNotFound']);
  return answer?.DBSubnetGroups?.[0];
}

/** The network of an instance: whose it is, where, and under which names. */
export interface InstanceNetwork {
  environment: string;
  vpcId: string;
  subnets: PrivateSubnet[];
  subnetGroup: string;
  securityGroup: string;
}

/**
 * Subnet group and security group, made where they are missing. Both are looked at before either is made: what is there must be the environment's.
 * The group's id, and a line for each. Throws NotOwned.
 */
export async function ensureNetwork({ rds, ec2 }: { rds: RDSClient; ec2: EC2Client }, network: InstanceNetwork): Promise<{ securityGroupId: string; lines: string[] }> {
  const { environment, vpcId } = network;
  const [subnetGroup, securityGroup] = [await describeSubnetGroup(rds, network.subnetGroup), await findSecurityGroup(ec2, { vpcId, name: network.securityGroup })];
  if (securityGroup !== undefined) demandOfEnvironment(`security group ${network.securityGroup}`, securityGroup.Tags, environment);
  if (subnetGroup !== undefined) {
    const { TagList } = await rds.send(new ListTagsForResourceCommand({ ResourceName: present(subnetGroup.DBSubnetGroupArn, "a subnet group's ARN") }));
    demandOfEnvironment(`DB subnet group ${network.subnetGroup}`, TagList, environment);
  }
  const first = subnetGroup === undefined ? await createSubnetGroup(rds, network) : `subnet group ${network.subnetGroup} is there`;
  const { id, line } = await openSecurityGroup(ec2, network, securityGroup);
  return { securityGroupId: id, lines: [first, line] };
}

async function createSubnetGroup(rds: RDSClient, { environment, subnetGroup, subnets }: InstanceNetwork): Promise<string> {
  const SubnetIds = subnets.map(({ id }) => id);
  await rds.send(new CreateDBSubnetGroupCommand({ DBSubnetGroupName: subnetGroup, DBSubnetGroupDescription: `Databases of ${environment} (goldenpath)`, SubnetIds, Tags: toTagList(databaseTags(environment)) }));
  return `made subnet group ${subnetGroup}: ${SubnetIds.join(', ')}`;
}

/** Security groups of that name in the VPC: one or none. */
async function findSecurityGroup(ec2: EC2Client, { vpcId, name }: { vpcId: string; name: string }): Promise<SecurityGroup | undefined> {
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'vpc-id', Values: [vpcId] }, { Name: 'group-name', Values: [name] }] }));
  return SecurityGroups[0];
}

/** The IPv4 blocks to which a group opens PostgreSQL's port. */
export function openBlocks({ IpPermissions = [] }: SecurityGroup): string[] {
  const matching = IpPermissions.filter(({ IpProtocol, FromPort = 0, ToPort = 65_535 }) => IpProtocol === '-1' || (IpProtocol === 'tcp' && FromPort <= POSTGRES_PORT && POSTGRES_PORT <= ToPort));
  return [...new Set(matching.flatMap(({ IpRanges = [], Ipv6Ranges = [] }) => [...IpRanges.map(({ CidrIp }) => CidrIp ?? ''), ...Ipv6Ranges.map(({ CidrIpv6 }) => CidrIpv6 ?? '')]))];
}

/** Makes the security group where it is missing, and opens it to each private subnet; wider rules are left for people to judge. */
async function openSecurityGroup(ec2: EC2Client, { environment, vpcId, securityGroup: name, subnets }: InstanceNetwork, found: SecurityGroup | undefined): Promise<{ id: string; line: string }> {
  const id = found?.GroupId ?? await createSecurityGroup(ec2, { environment, vpcId, name });
  const closed = subnets.filter(({ cidr }) => found === undefined || !openBlocks(found).includes(cidr));
  for (const { id: subnet, cidr } of closed) await open(ec2, id, { cidr, subnet });
  const opened = closed.length === 0 ? 'is open to every private subnet' : `opened to ${closed.map(({ cidr }) => cidr).join(', ')}`;
  return { id, line: `${found === undefined ? 'made ' : ''}security group ${name} (${id}): ${opened}` };
}

async function createSecurityGroup(ec2: EC2Client, { environment, vpcId, name }: { environment: string; vpcId: string; name: string }): Promise<string> {
  const TagSpecifications = [{ ResourceType: 'security-group' as const, Tags: toTagList({ ...databaseTags(environment), Name: name }) }];
  const { GroupId } = await ec2.send(new CreateSecurityGroupCommand({ GroupName: name, Description: `Databases of ${environment} (goldenpath)`, VpcId: vpcId, TagSpecifications }));
  return present(GroupId, "a security group's id");
}

/** A rule that is there already is as good. */
async function open(ec2: EC2Client, GroupId: string, { cidr, subnet }: { cidr: string; subnet: string }): Promise<void> {
  const rule = { IpProtocol: 'tcp', FromPort: POSTGRES_PORT, ToPort: POSTGRES_PORT, IpRanges: [{ CidrIp: cidr, Description: `PostgreSQL from ${subnet}` }] };
  try {
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [rule] }));
  } catch (error) {
    if (!isNamed(error, ['InvalidPermission.Duplicate'])) throw error;
  }
}
