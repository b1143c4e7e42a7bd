// Protections of a platform: found by reading, taken off only where people decided so, after it was put on record (item 9, B1, B2; failures 21, 27).
import { UpdateClusterConfigCommand } from '@aws-sdk/client-eks';
import { DescribeLoadBalancerAttributesCommand, type ElasticLoadBalancingV2Client, ModifyLoadBalancerAttributesCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { S3Client } from '@aws-sdk/client-s3';
import { Context } from '@temporalio/activity';
import type { DecisionRequest } from '../domain/break-glass.ts';
import { balancerProtection, clusterProtection, demandDecidedOn, DELETION_PROTECTION, liftSubject, type Protection } from '../domain/protections.ts';
import type { Target } from '../domain/plan.ts';
import type { OwnedObject } from '../domain/report.ts';
import { freezeGitOps } from './argocd-freeze.ts';
import { writeEntry } from './audit.ts';
import type { Clients } from './clients.ts';
import type { Deciding } from './contract.ts';
import { apiAnswers, describeOwnCluster } from './eks.ts';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { demandDecision, ownRun } from './guard.ts';
import type { ClusterClient } from './kubernetes-client.ts';
import { kubernetesProtections } from './kubernetes-protections.ts';
import { clusterLoadBalancers } from './load-balancers.ts';

/** A protection, and how it is taken off where people may decide that. */
export interface Found {
  protection: Protection;
  lift?: (decided: { request: DecisionRequest }) => Promise<void>;
}

/** Opens a client of the target's cluster for as long as it is used. */
export type InCluster = <T>(use: (cluster: ClusterClient) => Promise<T>) => Promise<T>;

/** What EKS and ELBv2 protect. `objects` are the platform's. */
export async function awsProtections({ eks, elb }: Pick<Clients, 'eks' | 'elb'>, target: Target, objects: readonly OwnedObject[]): Promise<Found[]> {
  const cluster = await describeOwnCluster(eks, target);
  const balancers = objects.filter(({ kind }) => kind === 'elasticloadbalancing:loadbalancer');
  const found = await Promise.all(balancers.map((balancer) => balancerProtections(elb, balancer)));
  if (cluster?.deletionProtection !== true) return found.flat();
  const lift = async () => { await eks.send(new UpdateClusterConfigCommand({ name: target.cluster, deletionProtection: false })); };
  return [{ protection: clusterProtection(target.cluster), lift }, ...found.flat()];
}

/** One that is gone by now is protected by nothing. */
async function balancerProtections(elb: ElasticLoadBalancingV2Client, { id, name }: OwnedObject): Promise<Found[]> {
  const answer = await orAbsent(elb.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: id })), NOT_FOUND.loadBalancer);
  if (answer?.Attributes?.some(({ Key, Value }) => Key === DELETION_PROTECTION && Value === 'true') !== true) return [];
  const lift = async () => { await orAbsent(elb.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: id, Attributes: [{ Key: DELETION_PROTECTION, Value: 'false' }] })), NOT_FOUND.loadBalancer); };
  return [{ protection: balancerProtection({ name, arn: id }), lift }];
}

/**
 * Takes off what people decided on, but for Route 53's (record-protections.ts). What is in the cluster comes first, with GitOps frozen where it could put a
 * setting back: a load balancer's attribute is turned on again as long as a setting asks for it. EKS comes last, because its change takes a minute. Without `inCluster`, which people may have given up, AWS's alone are looked at.
 */
export async function liftProtections(clients: Clients, input: Deciding, inCluster: InCluster | undefined): Promise<string[]> {
  const { target } = input;
  const cluster = await describeOwnCluster(clients.eks, target);
  const lift = async (client?: ClusterClient) => {
    const own = client === undefined ? [] : await kubernetesProtections(client);
    const aws = await awsProtections(clients, target, await clusterLoadBalancers(clients.elb, target.cluster));
    const lifting = await decidedOn(clients.s3, input, [...own, ...aws.toReversed()]);
    const frozen = client !== undefined && lifting.some(({ protection }) => protection.kind === 'load-balancer-setting') ? await freezeGitOps(client) : [];
    for (const found of lifting) await found.lift?.(input);
    return [...frozen, ...lifting.map(({ protection }) => liftedLine(protection))];
  };
  return inCluster !== undefined && apiAnswers(cluster) ? inCluster(lift) : lift();
}

export function liftedLine({ what }: Protection): string {
  return `lifted: ${what}`;
}

/**
 * Of what is there now, what people decided to take off. Judges the decision, compares it with what was found, and puts it on record that it is acted on;
 * nothing may be taken off before. Throws ProofMissing, PreflightFailed, and S3's own errors.
 */
export async function decidedOn<F extends Found>(s3: S3Client, input: Deciding, found: readonly F[]): Promise<F[]> {
  const { target, request, approvals, registry } = input;
  await demandDecision('lift', input);
  const lifting = found.filter(({ protection }) => protection.needsApproval);
  const protections = lifting.map(({ protection }) => protection);
  demandDecidedOn(protections, request);
  if (lifting.length === 0) return [];
  const { activityType, activityId, attempt } = Context.current().info;
  const { environment, cluster } = target;
  await writeEntry(s3, registry, { schema: 1, at: Date.now(), environment, cluster, ...ownRun(), kind: 'lift', activity: activityType, request, approvals, protections: liftSubject(protections) }, `${activityId}-${attempt}`);
  return lifting;
}
