// What EKS makes in the VPC: the cluster security group, the control plane's interfaces, the node groups' instances (C1).
import {
  AuthorizeSecurityGroupIngressCommand, CreateSecurityGroupCommand, DeleteSecurityGroupCommand, DescribeInstancesCommand,
  RunInstancesCommand, TerminateInstancesCommand, type Subnet, type _InstanceType,
} from '@aws-sdk/client-ec2';
import { dependentsOfGroup } from '../ec2/dependencies.ts';
import { toTags } from '../ec2/interfaces.ts';
import type { ClusterRecord, EksState } from './state.ts';

/** AWS's own text of the cluster security group. */
const GROUP_DESCRIPTION = 'EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed workloads.';

/** Creates the cluster security group `eks-cluster-sg-<name>-<number>`, open to itself. */
export async function createClusterGroup({ backdoor: { ec2 } }: EksState, cluster: ClusterRecord): Promise<string> {
  const name = `eks-cluster-sg-${cluster.detail.name}-${Math.floor(Math.random() * 2 ** 31)}`;
  const { GroupId: id } = await ec2.send(new CreateSecurityGroupCommand({
    GroupName: name,
    Description: GROUP_DESCRIPTION,
    VpcId: cluster.detail.resourcesVpcConfig?.vpcId,
    TagSpecifications: [{
      ResourceType: 'security-group',
      Tags: toTags({ Name: name, [`kubernetes.io/cluster/${cluster.detail.name}`]: 'owned', 'aws:eks:cluster-name': cluster.detail.name }),
    }],
  }));
  if (id === undefined) throw new Error(`EC2 made no security group ${name}`);
  await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: id, IpPermissions: [{ IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: id }] }] }));
  return id;
}

/** Puts the control plane's interfaces into two zones: description `Amazon EKS <name>`, in use by AWS's account. */
export async function createControlPlaneInterfaces({ interfaces }: EksState, cluster: ClusterRecord, subnets: readonly Subnet[]): Promise<string[]> {
  const first = subnets[0];
  const other = subnets.find((subnet) => subnet.AvailabilityZone !== first?.AvailabilityZone);
  const ids: string[] = [];
  for (const subnet of [first, other]) {
    if (subnet?.SubnetId === undefined) continue;
    ids.push(await interfaces.create({
      subnetId: subnet.SubnetId,
      securityGroupIds: [cluster.securityGroupId ?? '', ...(cluster.detail.resourcesVpcConfig?.securityGroupIds ?? [])],
      description: `Amazon EKS ${cluster.detail.name}`,
      requesterId: 'amazon-eks',
      requesterManaged: true,
      interfaceType: 'interface',
      attachmentOwner: 'amazon-eks',
    }));
  }
  return ids;
}

/**
 * Removes what the cluster made. A security group that something else still uses stays behind, as with AWS.
 */
export async function removeClusterNetwork({ backdoor: { ec2 }, interfaces }: EksState, cluster: ClusterRecord): Promise<void> {
  for (const id of cluster.interfaceIds) await interfaces.remove(id);
  cluster.interfaceIds = [];
  if (cluster.securityGroupId === undefined || (await dependentsOfGroup(ec2, cluster.securityGroupId)).length > 0) return;
  try {
    await ec2.send(new DeleteSecurityGroupCommand({ GroupId: cluster.securityGroupId }));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'InvalidGroup.NotFound') throw error;
  }
}

export interface Instance { instanceId: string; address: string; zone: string; subnetId: string }

export interface InstanceSpec {
  subnetIds: readonly string[];
  instanceType: _InstanceType;
  securityGroupId: string;
  count: number;
  tags: Readonly<Record<string, string>>;
}

/** Runs instances, spread over the subnets in turn. */
export async function runInstances({ backdoor: { ec2 } }: EksState, spec: InstanceSpec): Promise<Instance[]> {
  const made: Instance[] = [];
  for (let index = 0; index < spec.count; index += 1) {
    const subnetId = spec.subnetIds[index % spec.subnetIds.length];
    const { Instances: [instance] = [] } = await ec2.send(new RunInstancesCommand({
      ImageId: 'ami-0e6b5d3c1a2f49870', MinCount: 1, MaxCount: 1,
      InstanceType: spec.instanceType,
      NetworkInterfaces: [{ DeviceIndex: 0, SubnetId: subnetId, Groups: [spec.securityGroupId], DeleteOnTermination: true }],
      TagSpecifications: [{ ResourceType: 'instance', Tags: toTags(spec.tags) }],
    }));
    const { InstanceId: instanceId, PrivateIpAddress: address, Placement: placement } = instance ?? {};
    if (instanceId === undefined || address === undefined || subnetId === undefined) throw new Error('EC2 ran no instance');
    made.push({ instanceId, address, zone: placement?.AvailabilityZone ?? '', subnetId });
  }
  return made;
}

/** Terminates instances; those that are gone are no error. */
export async function terminateInstances({ backdoor: { ec2 } }: EksState, ids: readonly string[]): Promise<void> {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: 'instance-id', Values: [...ids] }] }));
  const present = Reservations.flatMap(({ Instances = [] }) => Instances.flatMap((instance) => instance.InstanceId ?? []));
  if (ids.length > 0 && present.length > 0) await ec2.send(new TerminateInstancesCommand({ InstanceIds: present }));
}
