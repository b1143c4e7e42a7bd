// The EKS control plane: start, look, delete (C1, teardown.md step 11). Node groups and add-ons have files of their own.
import { type Cluster, CreateClusterCommand, DeleteClusterCommand, DescribeClusterCommand, type EKSClient } from '@aws-sdk/client-eks';
import { GoldenpathError } from '../domain/errors.ts';
import type { Target } from '../domain/plan.ts';
import type { OwnedObject } from '../domain/report.ts';
import { isInMotion } from '../domain/teardown.ts';
import type { Clients } from './clients.ts';
import type { Changes, ClusterFacts, Destroyers, Destroying, Probes, Waiting } from './contract.ts';
import { isNamed, NOT_FOUND, notReady, orAbsent } from './errors.ts';
import { foundationSubnets } from './foundation.ts';
import { destroyer, ownRun } from './guard.ts';
import { demandOwned, requestToken } from './ownership.ts';
import { present } from './pages.ts';

export function clusterActivities(clients: Clients): Pick<Probes, 'probeCluster' | 'probeClusterSettled' | 'probeClusterGone'> & Pick<Changes, 'startCluster'> & Pick<Destroyers, 'startDeleteCluster'> {
  return {
    probeCluster: (input) => probeCluster(clients.eks, input),
    probeClusterSettled: (input) => probeClusterSettled(clients.eks, input),
    probeClusterGone: (input) => probeClusterGone(clients.eks, input),
    startCluster: (input) => startCluster(clients, input),
    startDeleteCluster: destroyer(clients.s3, (input) => startDeleteCluster(clients.eks, input)),
  };
}

/** The cluster, or undefined by EKS's typed NotFound alone. Throws NotOwned where it is another's. */
export async function describeOwnCluster(eks: EKSClient, target: Pick<Target, 'cluster'>): Promise<Cluster | undefined> {
  const answer = await orAbsent(eks.send(new DescribeClusterCommand({ name: target.cluster })), NOT_FOUND.eks);
  if (answer === undefined) return undefined;
  const cluster = present(answer.cluster, 'a cluster');
  demandOwned(`cluster ${target.cluster}`, cluster.tags, target);
  return cluster;
}

/** In these states the Kubernetes API answers, or ought to: then no answer is an error, not an absence. */
const API_STATES: readonly (string | undefined)[] = ['ACTIVE', 'UPDATING'];

export function apiAnswers(cluster: Pick<Cluster, 'status'> | undefined): boolean {
  return API_STATES.includes(cluster?.status);
}

/** Throws Conflict while EKS still has the cluster: `why` says what may go only after it. */
export async function demandClusterGone(eks: EKSClient, target: Pick<Target, 'cluster'>, why: string): Promise<void> {
  const cluster = await describeOwnCluster(eks, target);
  if (cluster !== undefined) throw new GoldenpathError('Conflict', `cluster ${target.cluster} still exists (${cluster.status ?? 'no status'}); ${why}`);
}

/** EKS's own words on what is wrong, one line an issue. */
export function issuesOf(health: { issues?: { code?: string | undefined; message?: string | undefined; resourceIds?: string[] | undefined }[] | undefined } | undefined): string[] {
  return (health?.issues ?? []).map(({ code, message, resourceIds = [] }) => `${code ?? 'unknown'}: ${message ?? 'no message'}${resourceIds.length === 0 ? '' : ` (${resourceIds.join(', ')})`}`);
}

/** Throws TerminalState: the object ended in a state that it cannot leave, with the service's reasons. */
export function terminal(what: string, status: string | undefined, issues: string[]): never {
  const message = `${what} is ${status ?? 'without a status'}${issues.length === 0 ? '' : `: ${issues.join('; ')}`}`;
  throw new GoldenpathError('TerminalState', message, issues.length === 0 ? [message] : issues);
}

async function probeCluster(eks: EKSClient, input: Waiting): Promise<ClusterFacts> {
  const name = input.target.cluster;
  const cluster = await describeOwnCluster(eks, input.target);
  if (cluster === undefined) throw notReady(`cluster ${name} is not listed yet`, input);
  const { status, health } = cluster;
  if (status === 'FAILED' || status === 'DELETING') terminal(`cluster ${name}`, status, issuesOf(health));
  if (status !== 'ACTIVE') throw notReady(`cluster ${name} is ${status}`, input);
  return {
    arn: present(cluster.arn, "the cluster's ARN"),
    version: present(cluster.version, "the cluster's version"),
    endpoint: present(cluster.endpoint, "the cluster's endpoint"),
    oidcIssuer: present(cluster.identity?.oidc?.issuer, "the cluster's OIDC issuer"),
    vpcId: present(cluster.resourcesVpcConfig?.vpcId, "the cluster's VPC"),
    clusterSecurityGroupId: present(cluster.resourcesVpcConfig?.clusterSecurityGroupId, "the cluster's security group"),
  };
}

async function probeClusterSettled(eks: EKSClient, input: Waiting): Promise<void> {
  const cluster = await describeOwnCluster(eks, input.target);
  if (cluster?.status !== undefined && isInMotion(cluster.status)) throw notReady(`cluster ${input.target.cluster} is ${cluster.status}`, input);
}

async function startCluster({ eks, ec2 }: Clients, { target, version, clusterRoleArn }: Parameters<Changes['startCluster']>[0]): Promise<OwnedObject[]> {
  const existing = await describeOwnCluster(eks, target);
  const cluster = existing ?? (await createCluster(eks, { target, version, clusterRoleArn, subnetIds: (await foundationSubnets(ec2, target)).map(({ id }) => id) }));
  return [{ kind: 'eks:cluster', id: present(cluster.arn, "the cluster's ARN"), name: target.cluster }];
}

async function createCluster(eks: EKSClient, { target, version, clusterRoleArn, subnetIds }: { target: Target; version: string; clusterRoleArn: string; subnetIds: string[] }): Promise<Cluster> {
  const command = new CreateClusterCommand({
    name: target.cluster,
    version,
    roleArn: clusterRoleArn,
    clientRequestToken: requestToken(ownRun(), 'cluster'),
    resourcesVpcConfig: { subnetIds, endpointPublicAccess: true, endpointPrivateAccess: true },
    // The worker that creates the cluster is the one that installs Argo CD in it.
    accessConfig: { authenticationMode: 'API_AND_CONFIG_MAP', bootstrapClusterCreatorAdminPermissions: true },
    // CNI, kube-proxy and CoreDNS come as managed add-ons of the version manifest, not as EKS's unmanaged defaults.
    bootstrapSelfManagedAddons: false,
    logging: { clusterLogging: [{ enabled: true, types: ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'] }] },
    tags: target.tags,
  });
  const { cluster } = await afterRolePropagates(eks.send(command));
  return present(cluster, 'the new cluster');
}

/**
 * A role that was just made is unknown to EKS for some seconds; EKS has no type for that, only InvalidParameterException
 * with this text. Throws Conflict, which is retried. Source: IAM is eventually consistent (IAM User Guide, troubleshooting).
 */
export async function afterRolePropagates<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (isNamed(error, ['InvalidParameterException']) && error instanceof Error && /could not be assumed|role .*(does not exist|is not authorized)/i.test(error.message)) {
      throw new GoldenpathError('Conflict', `EKS does not see the role yet: ${error.message}`, [error.message], { cause: error });
    }
    throw error;
  }
}

async function startDeleteCluster(eks: EKSClient, { target }: Destroying): Promise<string[]> {
  const cluster = await describeOwnCluster(eks, target);
  if (cluster === undefined || cluster.status === 'DELETING') return [];
  const answer = await orAbsent(eks.send(new DeleteClusterCommand({ name: target.cluster })), NOT_FOUND.eks);
  return answer === undefined ? [] : [`cluster ${target.cluster}`];
}

async function probeClusterGone(eks: EKSClient, input: Waiting): Promise<void> {
  const cluster = await describeOwnCluster(eks, input.target);
  if (cluster === undefined) return;
  const issues = issuesOf(cluster.health);
  if (cluster.status === 'FAILED') terminal(`cluster ${input.target.cluster}`, cluster.status, issues);
  throw notReady(`cluster ${input.target.cluster} is ${cluster.status ?? 'without a status'}`, input);
}
