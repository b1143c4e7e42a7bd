// The network of an environment's foundation: a VPC with public and private subnets in three zones (F4).
// Source of the subnets' role tags: EKS User Guide, subnet requirements of the load balancer controller.
import {
  AllocateAddressCommand, AssociateRouteTableCommand, AttachInternetGatewayCommand, CreateInternetGatewayCommand, CreateNatGatewayCommand,
  CreateRouteCommand, CreateRouteTableCommand, CreateSubnetCommand, CreateVpcCommand, EC2Client, ModifySubnetAttributeCommand,
  ModifyVpcAttributeCommand, type EC2ClientConfig, type ResourceType, type TagSpecification,
} from '@aws-sdk/client-ec2';
import { toTags } from './aws/ec2/interfaces.ts';

export interface FoundationNetwork {
  vpcId: string;
  publicSubnetIds: string[];
  privateSubnetIds: string[];
}

interface NetworkSpec {
  /** The environment. */
  name: string;
  tags: Record<string, string>;
  /** The first two octets of its /16, e.g. `10.0`. */
  block: string;
}

/** Two public /24 and three private /20; pods of the lab take addresses from the upper half of the /16. */
const SUBNETS = [
  { zone: 'a', cidr: '0.0/24', kind: 'public' },
  { zone: 'b', cidr: '1.0/24', kind: 'public' },
  { zone: 'a', cidr: '16.0/20', kind: 'private' },
  { zone: 'b', cidr: '32.0/20', kind: 'private' },
  { zone: 'c', cidr: '48.0/20', kind: 'private' },
] as const;

/** Creates the network: DNS support and host names on, an internet gateway for the public, a NAT gateway for the private subnets. */
export async function seedNetwork(client: EC2ClientConfig, spec: NetworkSpec): Promise<FoundationNetwork> {
  const ec2 = new EC2Client(client);
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: `${spec.block}.0.0/16`, TagSpecifications: tagged('vpc', spec, `goldenpath-${spec.name}`) }));
  const vpcId = idOf(Vpc?.VpcId);
  await ec2.send(new ModifyVpcAttributeCommand({ VpcId: vpcId, EnableDnsSupport: { Value: true } }));
  await ec2.send(new ModifyVpcAttributeCommand({ VpcId: vpcId, EnableDnsHostnames: { Value: true } }));
  const publicSubnetIds: string[] = [];
  const privateSubnetIds: string[] = [];
  for (const subnet of SUBNETS) {
    const id = await seedSubnet(ec2, vpcId, spec, subnet);
    (subnet.kind === 'public' ? publicSubnetIds : privateSubnetIds).push(id);
  }
  await seedRoutes(ec2, spec, { vpcId, publicSubnetIds, privateSubnetIds });
  ec2.destroy();
  return { vpcId, publicSubnetIds, privateSubnetIds };
}

async function seedSubnet(ec2: EC2Client, VpcId: string, spec: NetworkSpec, { zone, cidr, kind }: (typeof SUBNETS)[number]): Promise<string> {
  const role = kind === 'public' ? 'kubernetes.io/role/elb' : 'kubernetes.io/role/internal-elb';
  const { Subnet } = await ec2.send(new CreateSubnetCommand({
    VpcId, CidrBlock: `${spec.block}.${cidr}`, AvailabilityZone: `${await ec2.config.region()}${zone}`,
    TagSpecifications: tagged('subnet', { ...spec, tags: { ...spec.tags, [role]: '1' } }, `goldenpath-${spec.name}-${kind}-${zone}`),
  }));
  const id = idOf(Subnet?.SubnetId);
  if (kind === 'public') await ec2.send(new ModifySubnetAttributeCommand({ SubnetId: id, MapPublicIpOnLaunch: { Value: true } }));
  return id;
}

async function seedRoutes(ec2: EC2Client, spec: NetworkSpec, { vpcId, publicSubnetIds, privateSubnetIds }: FoundationNetwork): Promise<void> {
  const name = `goldenpath-${spec.name}`;
  const { InternetGateway } = await ec2.send(new CreateInternetGatewayCommand({ TagSpecifications: tagged('internet-gateway', spec, name) }));
  const GatewayId = idOf(InternetGateway?.InternetGatewayId);
  await ec2.send(new AttachInternetGatewayCommand({ VpcId: vpcId, InternetGatewayId: GatewayId }));
  const { AllocationId } = await ec2.send(new AllocateAddressCommand({ Domain: 'vpc', TagSpecifications: tagged('elastic-ip', spec, name) }));
  const { NatGateway } = await ec2.send(new CreateNatGatewayCommand({ SubnetId: publicSubnetIds[0], AllocationId, TagSpecifications: tagged('natgateway', spec, name) }));
  await seedRouteTable(ec2, spec, { vpcId, name: `${name}-public`, subnetIds: publicSubnetIds, target: { GatewayId } });
  await seedRouteTable(ec2, spec, { vpcId, name: `${name}-private`, subnetIds: privateSubnetIds, target: { NatGatewayId: idOf(NatGateway?.NatGatewayId) } });
}

async function seedRouteTable(
  ec2: EC2Client, spec: NetworkSpec,
  { vpcId, name, subnetIds, target }: { vpcId: string; name: string; subnetIds: readonly string[]; target: { GatewayId: string } | { NatGatewayId: string } },
): Promise<void> {
  const { RouteTable } = await ec2.send(new CreateRouteTableCommand({ VpcId: vpcId, TagSpecifications: tagged('route-table', spec, name) }));
  const RouteTableId = idOf(RouteTable?.RouteTableId);
  await ec2.send(new CreateRouteCommand({ RouteTableId, DestinationCidrBlock: '0.0.0.0/0', ...target }));
  for (const SubnetId of subnetIds) await ec2.send(new AssociateRouteTableCommand({ RouteTableId, SubnetId }));
}

function tagged(ResourceType: ResourceType, { tags }: Pick<NetworkSpec, 'tags'>, Name: string): TagSpecification[] {
  return [{ ResourceType, Tags: toTags({ ...tags, Name }) }];
}

/** Every EC2 answer's id is optional in the SDK's types; moto always gives one. */
function idOf(id: string | undefined): string {
  if (id === undefined) throw new Error('EC2 gave no id');
  return id;
}
