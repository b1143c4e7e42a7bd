// Raises a platform: foundation check → EKS → Argo CD → tier waves, each gated by a preflight and an acceptance (C, A, T).
import { hostsOf } from '../domain/components.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { checkFoundation, type CheckResult } from '../domain/foundation.ts';
import { checkTier2Foundation } from '../domain/foundation-tier-2.ts';
import { ownTeardown } from '../domain/own-teardown.ts';
import { applicationsUpTo, needsTier2, type Plan } from '../domain/plan.ts';
import type { RunReport } from '../domain/report.ts';
import { signatureChecks, signatureDemands } from '../domain/signatures.ts';
import { compareTiers, type Tier } from '../domain/tiers.ts';
import type { Wait } from '../domain/timings.ts';
import { interruptible } from './interrupt.ts';
import type { BootstrapInput } from './messages.ts';
import { type Policies, policies } from './policies.ts';
import { closeRun, type Note, openRun, recordFailure, type Run } from './run.ts';

/** Bootstraps the platform of the plan. Ends with the report, or fails with an ApplicationFailure whose first detail is the report, or goes on as the teardown that takes it over (X6) or that it was told to end with. */
export async function bootstrapPlatform({ plan, request }: BootstrapInput): Promise<RunReport> {
  const run = openRun(plan, request);
  return interruptible(run, plan, () => raise(run, plan), { failed: (error) => recordFailure(run, plan, error), ownTeardown: () => ownTeardown(plan, request, run.report) });
}

async function raise(run: Run, plan: Plan): Promise<RunReport> {
  const call = policies(plan.timings);
  // Persistent runs wait for an operator as a rule; here there is nothing to keep, and a shell wants to know (F4).
  await run.stage('foundation', { act: (note) => foundation(plan, call, note), failsAtOnce: plan.target.lifecycle === 'persistent' });
  await run.stage('claim', { act: (note) => claim(run, plan, call, note) });
  const cluster = await run.stage('cluster', { act: (note) => createCluster(run, plan, call, note) });
  await run.stage('tier-0', { act: (note) => acceptTier0(plan, cluster, call, note) });
  const standing = await run.stage('argocd', { act: (note) => installArgoCd(plan, call, note) });
  for (const { tier } of plan.tiers) {
    await run.stage(`tier-${tier}`, {
      precheck: async (note) => { passed('PreflightFailed', `Preflight of tier ${tier}`, await call.probe.preflightTier(`Preflight of tier ${tier}`, { target: plan.target, tier, desiredNodes: cluster.nodes, ...(needsTier2(tier) ? { needs: { databases: plan.databases, objectStorage: plan.objectStorage } } : {}) }), note); },
      act: (note) => raiseGate(plan, higher(tier, standing), cluster, call, note),
      verify: (_, note) => acceptTier(plan, tier, call, note),
    });
  }
  return closeRun(run, plan);
}

interface ClusterRoles {
  vpcId: string;
  roleArns: Record<string, string>;
  /** How many nodes there must be: those of the plan, or what the autoscaler has left of them on a platform that stands already. */
  nodes: number;
}

async function foundation(plan: Plan, { probe, zone, signatures }: Policies, note: Note): Promise<void> {
  const demands = signatureDemands(plan.versions);
  const [core, dns, tier2, signed] = await Promise.all([
    probe.readCore('Read account, network, secrets, quota', { plan }),
    zone.readZone('Read the hosted zone and its delegation', { target: plan.target }),
    // F4: a platform without tier 2 is never asked for a database.
    needsTier2(plan.maxTier) ? probe.readTier2Foundation('Read the database, its logins, the bucket', { plan }) : undefined,
    // Nothing is asked where no key is named, which is a run's history as it always was.
    demands.length === 0 ? [] : signatures.verifySignatures(`Signatures of what the version manifest names a key for (${demands.length})`, { demands }),
  ]);
  passed('PreflightFailed', 'The foundation check', [...checkFoundation(plan, { ...core, ...dns }), ...checkTier2Foundation(plan, core.vpcs, tier2), ...signatureChecks(signed)], note);
}

async function claim(run: Run, plan: Plan, { change }: Policies, note: Note): Promise<void> {
  const { runId, requester } = run.report;
  const { key } = await change.claimBuild(plan.target.buildId === null ? 'Record the hosted zone id in the registry' : 'Claim the build id in the registry', { target: plan.target, registry: plan.registry, planHash: plan.hash, runId, requester });
  note(`s3://${plan.registry.bucket}/${key}`);
}

/** Control plane first; what needs its OIDC issuer or its API follows in parallel (C1). */
async function createCluster(run: Run, plan: Plan, { change, until }: Policies, note: Note): Promise<ClusterRoles> {
  const { target, versions, timings } = plan;
  // Each notes what it made by itself: where the other one fails or is cancelled, the ledger is whole all the same.
  const ensureRoles = async () => {
    const made = await change.ensureClusterRoles('Roles of control plane and nodes', { target });
    run.own(made.owned);
    return made;
  };
  const ensureLogs = async () => { run.own(await change.ensureLogGroup('Log group of the control plane', { target })); };
  const [roles] = await settled([ensureRoles(), ensureLogs()]);
  run.own(await change.startCluster(`Create EKS ${versions.kubernetes} cluster ${target.cluster}`, { target, version: versions.kubernetes, clusterRoleArn: roles.clusterRoleArn }));
  const facts = await until(timings.cluster).probeCluster(`Wait for the control plane, about ${minutes(timings.cluster)}`, { target, startedAt: Date.now(), wait: timings.cluster });
  note(`control plane ${facts.version} at ${facts.endpoint}`);
  if (facts.version !== versions.kubernetes) note(`the version manifest has Kubernetes ${versions.kubernetes}: a bootstrap upgrades no control plane that stands already`);

  const nodes = async () => {
    run.own(await change.startNodeGroup(`Create the node group, ${plan.nodeGroup.desiredSize} nodes`, { target, nodeGroup: plan.nodeGroup, nodeRoleArn: roles.nodeRoleArn }));
    const { instances } = await until(timings.nodeGroup).probeNodeGroup(`Wait for the nodes, about ${minutes(timings.nodeGroup)}`, { target, startedAt: Date.now(), wait: timings.nodeGroup, desired: plan.nodeGroup.desiredSize });
    note(`${instances} nodes in the node group`);
    return Math.min(instances, plan.nodeGroup.desiredSize);
  };
  const identities = async () => {
    const { roleArns, owned } = await change.ensureIrsaRoles('OIDC provider and roles of the controllers', { target, oidcIssuer: facts.oidcIssuer, secrets: plan.secrets, objectStorage: plan.objectStorage });
    run.own(owned);
    run.own(await change.ensureAddon('Add-on aws-ebs-csi-driver', { target, addon: 'aws-ebs-csi-driver', version: versions.addons['aws-ebs-csi-driver'], roleArn: roleArns['aws-ebs-csi-driver'] }));
    return roleArns;
  };
  const addon = async (name: 'vpc-cni' | 'kube-proxy' | 'coredns') => { run.own(await change.ensureAddon(`Add-on ${name}`, { target, addon: name, version: versions.addons[name] })); };
  // A1: namespaces and CRDs before anything of their kind. They need the API only, so the nodes' minutes pay for them.
  const groundwork = async () => { note(...(await change.applyPrerequisites('Namespaces, default StorageClass, CRDs', { target, manifests: versions.manifests }))); };
  const [roleArns, joined] = await settled([identities(), nodes(), groundwork(), addon('vpc-cni'), addon('kube-proxy'), addon('coredns')]);
  // Core DNS and the CSI driver become active once there are nodes, which is now.
  const due = { ...timings.addon, expectedMs: 0 };
  const addons = await until(due).probeAddons('Wait for the add-ons', { target, startedAt: Date.now(), wait: due, addons: ['vpc-cni', 'kube-proxy', 'coredns', 'aws-ebs-csi-driver'] });
  note(`add-ons ${addons.map(({ name }) => name).join(', ')}`);
  return { vpcId: facts.vpcId, roleArns, nodes: joined };
}

async function acceptTier0(plan: Plan, { nodes }: ClusterRoles, { until }: Policies, note: Note): Promise<void> {
  const { target, timings } = plan;
  passed('AcceptanceFailed', 'Acceptance of tier 0', await until(timings.acceptance).probeTier0('Nodes Ready, CNI and DNS available', { target, startedAt: Date.now(), wait: timings.acceptance, nodes }), note);
}

/** Gives the gate at which a persistent platform stands already. A build's id serves once: nothing can stand there. */
async function installArgoCd(plan: Plan, { change, probe, until }: Policies, note: Note): Promise<Tier | null> {
  const { target, versions, timings } = plan;
  note(...(await change.installArgoCd(`Apply Argo CD ${versions.manifests.argocd.version}`, { target, manifest: versions.manifests.argocd })));
  const { version } = await until(timings.argocd).probeArgoCd('Wait for Argo CD to be available', { target, startedAt: Date.now(), wait: timings.argocd });
  note(`Argo CD ${version} is available`);
  if (target.lifecycle === 'ephemeral') return null;
  const { maxTier } = await probe.readGate('Read at which gate the platform stands', { target });
  if (maxTier !== null) note(`the gate stands at tier ${maxTier}; it is not lowered, since Argo CD would remove what lies above`);
  return maxTier;
}

function higher(tier: Tier, standing: Tier | null): Tier {
  return standing !== null && compareTiers(standing, tier) > 0 ? standing : tier;
}

/** T1: the gate is a Helm parameter of the root application; then exactly the plan's applications, each Synced and Healthy. */
async function raiseGate(plan: Plan, tier: Tier, { vpcId, roleArns }: ClusterRoles, { change, watch }: Policies, note: Note): Promise<void> {
  const { target, timings, gitops, versions, databases, objectStorage, tls, backstage } = plan;
  await change.applyRootApplication(`Raise the root application's gate to tier ${tier}`, { target, maxTier: tier, gitops, images: versions.images, externalDns: plan.externalDns, roleArns, vpcId, databases, objectStorage, tls, backstage });
  note(...(await watch(timings.tier).awaitTier(`Watch the applications of tier ${tier}`, { target, tier, expected: applicationsUpTo(plan, tier) })));
}

/** T3: what the tier promises, seen in the cluster and in Route 53. */
async function acceptTier(plan: Plan, tier: Tier, call: Policies, note: Note): Promise<void> {
  const { target, timings } = plan;
  const { checks, ingressAddress } = await call.until(timings.acceptance).probeAcceptance(`Acceptance of tier ${tier}`, { target, startedAt: Date.now(), wait: timings.acceptance, tier });
  passed('AcceptanceFailed', `Acceptance of tier ${tier}`, checks, note);
  if (needsTier2(tier)) await acceptFromInside(plan, tier, call, note);
  const names = hostNames(plan, tier, ingressAddress, call);
  // Every tier's names lead to the load balancer that came with tier 1. AWS takes minutes to make it take traffic, and no tier needs it to be raised: so the last one waits.
  const isLast = tier === plan.tiers.at(-1)?.tier;
  const active = isLast ? call.until(timings.loadBalancer).probeLoadBalancerActive('Wait for the load balancer to take traffic', { target, startedAt: Date.now(), wait: timings.loadBalancer, address: ingressAddress }) : [];
  const [records, balancer] = await settled([names, Promise.resolve(active)]);
  passed('AcceptanceFailed', `Addresses of tier ${tier}`, [...records, ...balancer], note);
}

/** T3: what only a pod can ask: logins with the synced secrets, what the applications say of themselves, OIDC clients. */
async function acceptFromInside({ target, timings, versions }: Plan, tier: Tier, { watch }: Policies, note: Note): Promise<void> {
  const own = versions.images['goldenpath'];
  const image = own === undefined ? undefined : `${own.repository}@${own.digest}`;
  passed('AcceptanceFailed', `Acceptance of tier ${tier} from inside`, await watch(timings.acceptance).awaitAcceptanceJob(`Acceptance of tier ${tier} by a Job in the cluster`, { target, tier, image, deadlineMs: timings.acceptance.deadlineMs }), note);
}

/** The tier's host names in Route 53, which ExternalDNS writes. */
async function hostNames(plan: Plan, tier: Tier, ingressAddress: string, { zoneUntil }: Policies): Promise<CheckResult[]> {
  const { target, timings } = plan;
  if (!plan.externalDns.enabled) return [];
  const hosts = plan.tiers.filter((each) => each.tier === tier).flatMap(({ components }) => hostsOf(components)).map((host) => `${host}.${target.hostSuffix}`);
  return zoneUntil(timings.acceptance).probeHostRecords(`Find the host names of tier ${tier} in Route 53`, { target, startedAt: Date.now(), wait: timings.acceptance, hosts, ingressAddress });
}

/** Notes every check; throws with all that failed, each with its fix (F4, T1). */
function passed(type: 'PreflightFailed' | 'AcceptanceFailed', what: string, checks: CheckResult[], note: Note): void {
  note(...checks.map(({ ok, title, found }) => `${ok ? '✔' : '✘'} ${title}: ${found}`));
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length > 0) throw new GoldenpathError(type, `${what} found ${failed.length} problem${failed.length === 1 ? '' : 's'}`, failed.map(({ id, found, fix }) => `${id}: ${found}. Fix: ${fix}`));
}

/** Like Promise.all, but a failure waits for its siblings: nothing is created after the stage has ended, and the ledger holds what they made. */
async function settled<T extends readonly Promise<unknown>[]>(branches: [...T]): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(branches);
  return Promise.all(branches);
}

function minutes({ expectedMs }: Wait): string {
  return expectedMs < 60_000 ? `${Math.round(expectedMs / 1_000)} s` : `${Math.round(expectedMs / 60_000)} min`;
}
