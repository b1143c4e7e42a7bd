// Managed node groups: instances in EC2, nodes in Kubernetes (requirement C1; teardown.md, failure 26).
import type {
  CreateNodegroupCommandInput, DeleteNodegroupCommandInput, DescribeNodegroupCommandInput, ListNodegroupsCommandInput,
  Nodegroup, NodegroupScalingConfig, Taint, Update, UpdateNodegroupConfigCommandInput,
} from '@aws-sdk/client-eks';
import { awsError, type Call } from '../service.ts';
import { grantNodeRole } from './access.ts';
import { capacityOf, isKnownInstanceType, type KnownInstanceType } from './catalogue.ts';
import { refuseUnlessActive } from './lifecycle.ts';
import { runInstances, terminateInstances, type Instance } from './network.ts';
import type { NodeSpec } from './provider.ts';
import { clusterOf, eksArn, newId, nodegroupOf, type ClusterRecord, type EksState, type NodegroupRecord } from './state.ts';
import { openUpdate } from './updates.ts';
import { accept, checkRole, checkSubnets, invalid, isReplay, pageOf } from './validation.ts';
import { born, describe, during, meanwhile, move, shownStatus } from './work.ts';

/** Kubernetes' names of the taint effects that the EKS API spells in capitals. */
const EFFECTS: Record<string, string> = { NO_SCHEDULE: 'NoSchedule', NO_EXECUTE: 'NoExecute', PREFER_NO_SCHEDULE: 'PreferNoSchedule' };
/** EKS's own default size (CreateNodegroup in the API reference). */
const DEFAULT_SCALING = { minSize: 1, maxSize: 2, desiredSize: 2 };

/** Accepts a node group; its nodes join while it reads CREATING. */
export async function createNodegroup({ state, now }: Call<EksState>, input: CreateNodegroupCommandInput): Promise<{ nodegroup: Nodegroup }> {
  const cluster = clusterOf(state, input.clusterName);
  const name = input.nodegroupName ?? '';
  const existing = (): NodegroupRecord | undefined => {
    const found = cluster.nodegroups.get(name);
    if (found === undefined || isReplay(state, 'CreateNodegroup', input)) return found;
    return awsError('ResourceInUseException', `NodeGroup already exists with name ${name} and cluster name ${cluster.detail.name}`, 409, { clusterName: cluster.detail.name, nodegroupName: name });
  };
  const earlier = existing();
  if (earlier !== undefined) return { nodegroup: shown(earlier) };
  if (!/^[0-9A-Za-z][0-9A-Za-z_-]{0,62}$/.test(name)) invalid('The nodegroup name must start with a letter or digit, and can contain up to 63 letters, digits, hyphens and underscores');
  requireActive(cluster);
  checkScaling(input.scalingConfig ?? DEFAULT_SCALING);
  for (const type of input.instanceTypes ?? []) {
    if (!isKnownInstanceType(type)) invalid(`The lab does not know the instance type ${type}`);
  }
  if (input.version !== undefined && input.version !== cluster.detail.version) invalid(`Requested Nodegroup version ${input.version} is not the cluster's ${cluster.detail.version}`);
  await checkRole(state.backdoor, input.nodeRole);
  const { vpcId } = await checkSubnets(state.backdoor, input.subnets);
  if (vpcId !== cluster.detail.resourcesVpcConfig?.vpcId) invalid("Subnets must be in the cluster's VPC");

  const twin = existing();
  if (twin !== undefined) return { nodegroup: shown(twin) };
  requireActive(cluster);
  const nodegroup: NodegroupRecord = { life: born('nodegroup', 'CREATING'), detail: newDetail(state, cluster, input, now), nodes: [] };
  cluster.nodegroups.set(name, nodegroup);
  accept(state, 'CreateNodegroup', input);
  grantNodeRole(state, cluster, input.nodeRole ?? '', now);
  during(nodegroup.life, {
    async run(current) {
      await meanwhile(state.world.clock, state.durations.nodegroupCreate, async () => {
        if (current()) await scale(state, cluster, nodegroup);
      });
      return 'done';
    },
    failed: (cause) => reportIssue(nodegroup, cause),
  });
  return { nodegroup: shown(nodegroup) };
}

function requireActive({ life, detail: { name } }: ClusterRecord): void {
  const refusal = refuseUnlessActive({ name, status: life.status });
  if (refusal !== undefined) awsError(refusal.code, refusal.message, undefined, { clusterName: name });
}

function checkScaling({ minSize = 0, desiredSize = minSize, maxSize = desiredSize }: NodegroupScalingConfig): void {
  if (minSize > maxSize) invalid(`Minimum capacity ${minSize} can't be greater than maximum size ${maxSize}`);
  if (desiredSize < minSize) invalid(`Minimum capacity ${minSize} can't be greater than desired size ${desiredSize}`);
  if (desiredSize > maxSize) invalid(`desired capacity ${desiredSize} can't be greater than max size ${maxSize}`);
}

function newDetail({ world }: EksState, cluster: ClusterRecord, input: CreateNodegroupCommandInput, now: Date): NodegroupRecord['detail'] {
  const name = input.nodegroupName ?? '';
  const id = newId();
  return {
    nodegroupName: name,
    nodegroupArn: eksArn(world, 'nodegroup', cluster.detail.name, name, id),
    clusterName: cluster.detail.name,
    version: cluster.detail.version,
    releaseVersion: input.releaseVersion ?? `${cluster.detail.version}.3-20261101`,
    createdAt: now,
    modifiedAt: now,
    capacityType: input.capacityType ?? 'ON_DEMAND',
    scalingConfig: { ...DEFAULT_SCALING, ...input.scalingConfig },
    instanceTypes: input.instanceTypes ?? ['t3.medium'],
    subnets: input.subnets ?? [],
    amiType: input.amiType ?? 'AL2023_x86_64_STANDARD',
    nodeRole: input.nodeRole,
    labels: { ...input.labels },
    taints: input.taints ?? [],
    resources: { autoScalingGroups: [{ name: `eks-${name}-${id}` }] },
    diskSize: input.diskSize ?? 20,
    health: { issues: [] },
    updateConfig: input.updateConfig ?? { maxUnavailable: 1 },
    tags: { ...input.tags },
  };
}

/** Adds or removes instances and nodes until the desired size stands. */
async function scale(state: EksState, cluster: ClusterRecord, nodegroup: NodegroupRecord): Promise<void> {
  const { kubernetes } = cluster;
  if (kubernetes === undefined) throw new Error(`cluster ${cluster.detail.name} has no control plane`);
  const missing = (nodegroup.detail.scalingConfig?.desiredSize ?? 0) - nodegroup.nodes.length;
  if (missing < 0) return shed(state, cluster, nodegroup, -missing);
  const { detail } = nodegroup;
  const instanceType = detail.instanceTypes?.[0] ?? '';
  if (!isKnownInstanceType(instanceType)) throw new Error(`instance type ${instanceType} was not refused`);
  const instances = await runInstances(state, {
    subnetIds: detail.subnets ?? [], instanceType, count: missing, securityGroupId: cluster.securityGroupId ?? '',
    tags: {
      ...detail.tags,
      Name: `${cluster.detail.name}-${detail.nodegroupName}-Node`,
      [`kubernetes.io/cluster/${cluster.detail.name}`]: 'owned',
      'eks:cluster-name': cluster.detail.name,
      'eks:nodegroup-name': detail.nodegroupName,
      'aws:autoscaling:groupName': detail.resources?.autoScalingGroups?.[0]?.name ?? '',
    },
  });
  const nodes = instances.map((instance) => nodeOf(state, detail, instance, instanceType));
  nodegroup.nodes.push(...nodes.map(({ name }, index) => ({ name, instanceId: instances[index]?.instanceId ?? '' })));
  await kubernetes.addNodes(nodes);
}

async function shed(state: EksState, cluster: ClusterRecord, nodegroup: NodegroupRecord, count: number): Promise<void> {
  const leaving = nodegroup.nodes.slice(-count);
  await cluster.kubernetes?.removeNodes(leaving.map((node) => node.name));
  await terminateInstances(state, leaving.map((node) => node.instanceId));
  nodegroup.nodes = nodegroup.nodes.slice(0, -count);
}

/** The node as EKS's bootstrap registers it: name, provider id, labels. */
function nodeOf({ world }: EksState, detail: NodegroupRecord['detail'], instance: Instance, instanceType: KnownInstanceType): NodeSpec {
  const name = `ip-${instance.address.replaceAll('.', '-')}.${world.region}.compute.internal`;
  return {
    name,
    providerId: `aws:///${instance.zone}/${instance.instanceId}`,
    address: instance.address,
    labels: {
      ...detail.labels,
      'kubernetes.io/hostname': name,
      'kubernetes.io/arch': 'amd64',
      'kubernetes.io/os': 'linux',
      'node.kubernetes.io/instance-type': instanceType,
      'topology.kubernetes.io/region': world.region,
      'topology.kubernetes.io/zone': instance.zone,
      'topology.ebs.csi.aws.com/zone': instance.zone,
      'eks.amazonaws.com/nodegroup': detail.nodegroupName,
      'eks.amazonaws.com/nodegroup-image': 'ami-0e6b5d3c1a2f49870',
      'eks.amazonaws.com/capacityType': detail.capacityType ?? 'ON_DEMAND',
    },
    taints: (detail.taints ?? []).map((taint) => kubernetesTaint(taint)),
    capacity: capacityOf(instanceType),
    // A release is named after its kubelet and its day.
    kubeletVersion: `v${detail.releaseVersion?.split('-')[0] ?? detail.version}-eks-4096722`,
  };
}

function kubernetesTaint({ key = '', value, effect = 'NO_SCHEDULE' }: Taint): NodeSpec['taints'][number] {
  return { key, ...(value !== undefined && { value }), effect: EFFECTS[effect] ?? effect };
}

function reportIssue(nodegroup: NodegroupRecord, cause: unknown): void {
  nodegroup.detail.health = { issues: [{ code: 'InternalFailure', message: describe(cause), resourceIds: nodegroup.nodes.map((node) => node.instanceId) }] };
}

/** @throws AwsError ResourceNotFoundException */
export function describeNodegroup({ state }: Call<EksState>, input: DescribeNodegroupCommandInput): { nodegroup: Nodegroup } {
  return { nodegroup: shown(nodegroupOf(clusterOf(state, input.clusterName), input.nodegroupName)) };
}

/** Names only, a page at a time. */
export function listNodegroups({ state }: Call<EksState>, input: ListNodegroupsCommandInput): { nodegroups: string[]; nextToken?: string } {
  const { items, ...rest } = pageOf(clusterOf(state, input.clusterName).nodegroups.keys(), (name) => name, input);
  return { nodegroups: items, ...rest };
}

/** Changes size, labels or taints; nodes that join later get the labels and taints. */
export function updateNodegroupConfig({ state, now }: Call<EksState>, input: UpdateNodegroupConfigCommandInput): { update: Update } {
  const cluster = clusterOf(state, input.clusterName);
  const nodegroup = nodegroupOf(cluster, input.nodegroupName);
  const { detail } = nodegroup;
  const scaling = { ...detail.scalingConfig, ...input.scalingConfig };
  checkScaling(scaling);
  if (!move(nodegroup.life, 'update')) {
    awsError('ResourceInUseException', `Nodegroup cannot be updated as it is currently not in Active State`, 409, { clusterName: cluster.detail.name, nodegroupName: detail.nodegroupName });
  }
  const labels = Object.entries({ ...detail.labels, ...input.labels?.addOrUpdateLabels }).filter(([key]) => !(input.labels?.removeLabels ?? []).includes(key));
  const gone = new Set([...(input.taints?.removeTaints ?? []), ...(input.taints?.addOrUpdateTaints ?? [])].map((taint) => taint.key));
  Object.assign(detail, {
    scalingConfig: scaling,
    labels: Object.fromEntries(labels),
    taints: [...(detail.taints ?? []).filter((taint) => !gone.has(taint.key)), ...(input.taints?.addOrUpdateTaints ?? [])],
    updateConfig: input.updateConfig ?? detail.updateConfig,
    modifiedAt: now,
  });
  const params = Object.entries(input.scalingConfig ?? {}).map(([key, value]) => ({ type: key === 'minSize' ? 'MinSize' as const : key === 'maxSize' ? 'MaxSize' as const : 'DesiredSize' as const, value: String(value) }));
  const { update, close } = openUpdate(cluster, { type: 'ConfigUpdate', params, of: { nodegroup: detail.nodegroupName }, now });
  during(nodegroup.life, {
    async run() {
      await meanwhile(state.world.clock, state.durations.nodegroupUpdate, () => scale(state, cluster, nodegroup));
      return 'done';
    },
    ended: close,
    failed: (cause) => reportIssue(nodegroup, cause),
  });
  return { update: update() };
}

/** Starts the deletion: nodes leave Kubernetes, then their instances go. */
export function deleteNodegroup({ state }: Call<EksState>, input: DeleteNodegroupCommandInput): { nodegroup: Nodegroup } {
  const cluster = clusterOf(state, input.clusterName);
  const nodegroup = nodegroupOf(cluster, input.nodegroupName);
  if (!move(nodegroup.life, 'delete')) {
    awsError('ResourceInUseException', `Nodegroup cannot be deleted while it is ${nodegroup.life.status}`, 409, { clusterName: cluster.detail.name, nodegroupName: nodegroup.detail.nodegroupName });
  }
  during(nodegroup.life, {
    async run() {
      await meanwhile(state.world.clock, state.durations.nodegroupDelete, () => shed(state, cluster, nodegroup, nodegroup.nodes.length));
      return 'done';
    },
    ended(event) {
      if (event === 'done') cluster.nodegroups.delete(nodegroup.detail.nodegroupName);
    },
    failed: (cause) => reportIssue(nodegroup, cause),
  });
  return { nodegroup: shown(nodegroup) };
}

/** A node group as the API shows it now. */
function shown({ life, detail }: NodegroupRecord): Nodegroup {
  return { ...detail, status: shownStatus(life) };
}
