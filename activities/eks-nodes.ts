// Managed node groups and Fargate profiles: start, look, delete (C1; failures 8, 26).
import { paginateDescribeInstances } from '@aws-sdk/client-ec2';
import {
  CreateNodegroupCommand, DeleteFargateProfileCommand, DeleteNodegroupCommand, DescribeFargateProfileCommand, DescribeNodegroupCommand,
  type EKSClient, type FargateProfile, type Nodegroup, paginateListFargateProfiles, paginateListNodegroups,
} from '@aws-sdk/client-eks';
import type { Target } from '../domain/plan.ts';
import type { OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import type { Changes, Destroyers, Destroying, Probes, Waiting } from './contract.ts';
import { afterRolePropagates, describeOwnCluster, issuesOf, terminal } from './eks.ts';
import { NOT_FOUND, notReady, orAbsent } from './errors.ts';
import { foundationSubnets } from './foundation.ts';
import { destroyer, ownRun } from './guard.ts';
import { demandOwned, requestToken } from './ownership.ts';
import { allPages, present } from './pages.ts';

/** The one node group that a platform starts with; cluster-autoscaler sizes it. */
export const NODE_GROUP = 'system';

/** One Fargate profile of a cluster is deleted at a time (EKS API, DeleteFargateProfile); each takes a minute or two. */
const FARGATE_WAIT = { expectedMs: 0, denseMs: 5_000, deadlineMs: 0 };

export function nodeActivities(clients: Clients): Pick<Probes, 'probeNodeGroup' | 'probeNodeGroupsGone'> & Pick<Changes, 'startNodeGroup'> & Pick<Destroyers, 'startDeleteNodeGroups'> {
  return {
    probeNodeGroup: (input) => probeNodeGroup(clients, input),
    probeNodeGroupsGone: (input) => probeNodeGroupsGone(clients.eks, input),
    startNodeGroup: (input) => startNodeGroup(clients, input),
    startDeleteNodeGroups: destroyer(clients.s3, (input) => startDeleteNodeGroups(clients.eks, input)),
  };
}

/** Names of the cluster's node groups; none where EKS says that there is no such cluster. */
export async function listNodeGroups(eks: EKSClient, cluster: string): Promise<string[]> {
  return (await orAbsent(allPages(paginateListNodegroups({ client: eks }, { clusterName: cluster }), (page) => page.nodegroups), NOT_FOUND.eks)) ?? [];
}

/** Names of the cluster's Fargate profiles; none where EKS says that there is no such cluster. */
export async function listFargateProfiles(eks: EKSClient, cluster: string): Promise<string[]> {
  return (await orAbsent(allPages(paginateListFargateProfiles({ client: eks }, { clusterName: cluster }), (page) => page.fargateProfileNames), NOT_FOUND.eks)) ?? [];
}

/** The node group, or undefined by typed NotFound. */
export async function describeNodeGroup(eks: EKSClient, cluster: string, name: string): Promise<Nodegroup | undefined> {
  const answer = await orAbsent(eks.send(new DescribeNodegroupCommand({ clusterName: cluster, nodegroupName: name })), NOT_FOUND.eks);
  return answer === undefined ? undefined : present(answer.nodegroup, 'a node group');
}

async function describeFargateProfile(eks: EKSClient, cluster: string, name: string): Promise<FargateProfile | undefined> {
  const answer = await orAbsent(eks.send(new DescribeFargateProfileCommand({ clusterName: cluster, fargateProfileName: name })), NOT_FOUND.eks);
  return answer === undefined ? undefined : present(answer.fargateProfile, 'a Fargate profile');
}

async function probeNodeGroup({ eks, ec2 }: Clients, input: Waiting & { desired: number }): Promise<{ arn: string; instances: number }> {
  const { cluster } = input.target;
  const group = await describeNodeGroup(eks, cluster, NODE_GROUP);
  if (group === undefined) throw notReady(`node group ${NODE_GROUP} is not listed yet`, input);
  const issues = issuesOf(group.health);
  if (group.status === 'CREATE_FAILED' || group.status === 'DELETING' || group.status === 'DELETE_FAILED') terminal(`node group ${NODE_GROUP}`, group.status, issues);
  if (group.status !== 'ACTIVE') throw notReady(`node group ${NODE_GROUP} is ${group.status}`, input, issues);
  const reservations = await allPages(
    paginateDescribeInstances({ client: ec2 }, {
      Filters: [
        { Name: 'tag:eks:cluster-name', Values: [cluster] },
        { Name: 'tag:eks:nodegroup-name', Values: [NODE_GROUP] },
        { Name: 'instance-state-name', Values: ['running'] },
      ],
    }),
    (page) => page.Reservations,
  );
  const instances = reservations.reduce((sum, reservation) => sum + (reservation.Instances?.length ?? 0), 0);
  // Of a platform that stands already, the autoscaler has decided on the size since.
  const desired = Math.min(input.desired, group.scalingConfig?.desiredSize ?? input.desired);
  if (instances < desired) throw notReady(`node group ${NODE_GROUP} has ${instances} of ${desired} instances running`, input);
  return { arn: present(group.nodegroupArn, "the node group's ARN"), instances };
}

async function startNodeGroup({ eks, ec2 }: Clients, input: Parameters<Changes['startNodeGroup']>[0]): Promise<OwnedObject[]> {
  const { target } = input;
  const existing = await describeNodeGroup(eks, target.cluster, NODE_GROUP);
  if (existing !== undefined) demandOwned(`node group ${NODE_GROUP} of ${target.cluster}`, existing.tags, target);
  const group = existing ?? (await createNodeGroup(eks, input, await nodeSubnets(ec2, target)));
  return [{ kind: 'eks:nodegroup', id: present(group.nodegroupArn, "the node group's ARN"), name: NODE_GROUP }];
}

/** Nodes live in the private subnets; the role tag says which those are. */
async function nodeSubnets(ec2: Clients['ec2'], target: Target): Promise<string[]> {
  const subnets = await foundationSubnets(ec2, target);
  return subnets.filter(({ tags }) => tags['kubernetes.io/role/internal-elb'] === '1').map(({ id }) => id);
}

async function createNodeGroup(eks: EKSClient, { target, nodeGroup, nodeRoleArn }: Parameters<Changes['startNodeGroup']>[0], subnets: string[]): Promise<Nodegroup> {
  const { instanceTypes, capacityType, minSize, maxSize, desiredSize, diskSizeGib } = nodeGroup;
  const command = new CreateNodegroupCommand({
    clusterName: target.cluster,
    nodegroupName: NODE_GROUP,
    clientRequestToken: requestToken(ownRun(), `node-group ${NODE_GROUP}`),
    nodeRole: nodeRoleArn,
    subnets,
    amiType: 'AL2023_x86_64_STANDARD',
    instanceTypes,
    capacityType,
    diskSize: diskSizeGib,
    scalingConfig: { minSize, maxSize, desiredSize },
    tags: target.tags,
  });
  const { nodegroup } = await afterRolePropagates(eks.send(command));
  return present(nodegroup, 'the new node group');
}

/** Starts all node groups' deletion at once and one Fargate profile's; while further profiles wait for their turn it throws NotReady, so that the server calls it again. */
async function startDeleteNodeGroups(eks: EKSClient, { target }: Destroying): Promise<string[]> {
  if ((await describeOwnCluster(eks, target)) === undefined) return [];
  const started: string[] = [];
  for (const name of await listNodeGroups(eks, target.cluster)) {
    const group = await describeNodeGroup(eks, target.cluster, name);
    if (group === undefined || group.status === 'DELETING') continue;
    const answer = await orAbsent(eks.send(new DeleteNodegroupCommand({ clusterName: target.cluster, nodegroupName: name })), NOT_FOUND.eks);
    if (answer !== undefined) started.push(`node group ${name}`);
  }
  return [...started, ...(await startDeleteFargateProfiles(eks, target.cluster))];
}

async function startDeleteFargateProfiles(eks: EKSClient, cluster: string): Promise<string[]> {
  const names = await listFargateProfiles(eks, cluster);
  const profiles = (await Promise.all(names.map((name) => describeFargateProfile(eks, cluster, name)))).filter((profile) => profile !== undefined);
  const failed = profiles.find(({ status }) => status === 'DELETE_FAILED');
  const waiting = profiles.filter(({ status }) => status !== 'DELETING').map(({ fargateProfileName }) => present(fargateProfileName, "a Fargate profile's name"));
  if (failed !== undefined) terminal(`Fargate profile ${failed.fargateProfileName}`, failed.status, issuesOf(failed.health));
  const [next, ...others] = waiting;
  if (next === undefined) return [];
  const turn = { startedAt: Date.now(), wait: FARGATE_WAIT };
  if (waiting.length < profiles.length) throw notReady(`Fargate profiles are deleted one at a time; waiting: ${waiting.join(', ')}`, turn);
  await orAbsent(eks.send(new DeleteFargateProfileCommand({ clusterName: cluster, fargateProfileName: next })), NOT_FOUND.eks);
  if (others.length > 0) throw notReady(`Fargate profiles are deleted one at a time; waiting: ${others.join(', ')}`, turn);
  return [`Fargate profile ${next}`];
}

async function probeNodeGroupsGone(eks: EKSClient, input: Waiting): Promise<void> {
  const { cluster } = input.target;
  const [groups, profiles] = await Promise.all([listNodeGroups(eks, cluster), listFargateProfiles(eks, cluster)]);
  const left: string[] = profiles.map((name) => `Fargate profile ${name}`);
  for (const name of groups) {
    const group = await describeNodeGroup(eks, cluster, name);
    if (group === undefined) continue;
    const issues = issuesOf(group.health);
    if (group.status === 'DELETE_FAILED') terminal(`node group ${name}`, group.status, issues);
    left.push(`node group ${name} is ${group.status}`);
  }
  if (left.length > 0) throw notReady(`left: ${left.join(', ')}`, input, left);
}
