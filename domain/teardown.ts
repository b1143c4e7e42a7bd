// What a teardown decides from what it reads: whether it may begin, what belongs to which step (teardown.md § Order).
import type { ApplicationState } from './applications.ts';
import { ARGOCD_NAMESPACE, COMPONENTS, LOAD_BALANCER_CONTROLLER, ROOT_APPLICATION } from './components.ts';
import { checkZone, type FoundationReadings, type Reading } from './foundation.ts';
import { OWN_POLICY_FIX } from './own-policy.ts';
import type { Plan, Target } from './plan.ts';
import type { OwnedObject } from './report.ts';
import { compareTiers, type Tier, TIERS } from './tiers.ts';

/** Cluster states that pass by themselves, and in which EKS takes no deletion. Source: EKS API, Cluster.status; DeleteCluster: ResourceInUseException. */
const IN_MOTION = new Set(['PENDING', 'CREATING', 'UPDATING']);
/** Cluster states in which EKS takes a deletion. */
const DELETABLE = new Set(['ACTIVE', 'FAILED', 'DELETING']);

/** Whether a cluster in this state is to be waited for before a teardown looks at it. */
export function isInMotion(status: string): boolean {
  return IN_MOTION.has(status);
}

/**
 * What must be gone before a teardown begins, since it would outlive its controller: Karpenter's nodes, and Applications of another namespace than Argo CD's;
 * and what waits for a load balancer controller that does not run, which is absent where it runs or nothing waits.
 */
export interface InTheWay {
  nodes: string[];
  applications: string[];
  balancing?: { problem: string; waiting: string[] } | undefined;
}

/** What of the readings says whether a teardown may begin. `policyProblems`: how the plan's approvers differ from the worker's own. */
interface BeginReadings {
  platform: { cluster: { status: string } | null; inTheWay?: InTheWay | undefined };
  zone: FoundationReadings['zone'];
  recordedZoneId: string | null;
  policyProblems?: string[] | undefined;
}

/**
 * Why a teardown cannot begin, one line each, before anything is drained (steps 1–2). F3: in another zone no record of the platform would be found, and
 * that would read as gone. Protections are people's to decide on: domain/protections.ts.
 */
export function beginProblems(plan: Plan, { platform: { cluster, inTheWay }, zone, recordedZoneId, policyProblems = [] }: BeginReadings): string[] {
  const settled = cluster === null || DELETABLE.has(cluster.status);
  return [
    ...(settled ? [] : [`the cluster is ${cluster.status}: EKS deletes it only once that has ended. Fix: wait for it: aws eks describe-cluster --name ${plan.target.cluster} --query cluster.status`]),
    ...(inTheWay === undefined ? [] : inTheWayProblems(inTheWay)),
    ...checkZone(plan, { zone, recordedZoneId: { value: recordedZoneId } }).filter(({ ok }) => !ok).map(({ id, found, fix }) => `${id}: ${found}. Fix: ${fix}`),
    ...undecidable(policyProblems),
  ];
}

/** A run whose approvers the worker does not know could ask, and never be answered: better that it does not begin. One line each, and what to do about it. */
export function undecidable(policyProblems: readonly string[]): string[] {
  return policyProblems.map((problem) => `approvers: ${problem}. Fix: ${OWN_POLICY_FIX}`);
}

/** Failure 12: what only the load balancer controller lets go of. Failure 9: an instance of Karpenter's has nobody who ends it once Karpenter is gone. Failure 2: an Application elsewhere is not frozen, and puts back what is removed. */
function inTheWayProblems({ nodes, applications, balancing }: InTheWay): string[] {
  return [
    ...(balancing === undefined ? [] : [`the load balancer controller ${balancing.problem}, and without it nobody takes ${balancing.waiting.join(', ')} away: the drain would wait for it in vain. Fix: kubectl -n ${LOAD_BALANCER_CONTROLLER.namespace} get deployment ${LOAD_BALANCER_CONTROLLER.name}; scale it up, or see its pods and its role`]),
    ...(nodes.length === 0 ? [] : [`Karpenter still has ${nodes.join(', ')}: instances that it started would outlive it. Fix: while Karpenter runs: kubectl delete nodepools.karpenter.sh,nodeclaims.karpenter.sh --all`]),
    ...(applications.length === 0 ? [] : [`Argo CD applications outside its namespace ${ARGOCD_NAMESPACE} would not be frozen: ${applications.join(', ')}. Fix: delete them with their objects, or move them: kubectl get applications.argoproj.io -A`]),
  ];
}

/** How the run goes on once a person has mended what stopped it before the drain. */
export function afterMending({ workflowId }: Pick<Target, 'workflowId'>): string {
  return `mend this, then: goldenpath retry ${workflowId} --reason '…' (where the run has ended: the teardown again)`;
}

/** Where a platform would have left a trace: live, in Route 53 (unread counts as one), in the registry. */
export interface Traces {
  cluster: object | null;
  objects: readonly OwnedObject[];
  records: Reading<string[]>;
  claimed: boolean;
  /** What the receipts of its runs name. The receipt of a run that was refused names nothing. */
  ledger: readonly OwnedObject[];
}

/** Says that the platform never was, with all that was looked for; undefined where there is a trace of it. A typing error in a build id must not read as a clean teardown. */
export function neverExisted({ buildId, environment, cluster, hostSuffix, ownerId, zone }: Pick<Target, 'buildId' | 'environment' | 'cluster' | 'hostSuffix' | 'ownerId' | 'zone'>, { cluster: live, objects, records, claimed, ledger }: Traces): string | undefined {
  if (live !== null || objects.length > 0 || claimed || ledger.length > 0 || 'problem' in records || records.value.length > 0) return undefined;
  if (buildId === null) {
    return [
      `lifecycle: ${environment} has no persistent platform, and never had one: there is no cluster ${cluster}, no AWS object with its tag,`,
      `no record of owner ${ownerId} in ${zone}, and no receipt that names an object.`,
      `Fix: name the environment whose platform is meant; \`goldenpath status --env ${environment}\` lists the runs`,
    ].join(' ');
  }
  return [
    `buildId: ${buildId} names no platform of ${environment} that ever was: there is no cluster ${cluster}, no AWS object with its tag,`,
    `no record of it under ${hostSuffix} in ${zone}, no claim of the build id and no receipt that names an object.`,
    `Fix: correct the build id; \`goldenpath status --env ${environment}\` lists the runs`,
  ].join(' ');
}

/** Applications above tier 1: removed first, while tier 1 keeps their load balancers and records in order (step 4). Highest tier first. */
export function workloadApplications(applications: readonly ApplicationState[]): string[] {
  return applications
    .filter((application) => application.name !== ROOT_APPLICATION && compareTiers(tierOf(application), '1') > 0)
    .toSorted((a, b) => compareTiers(tierOf(b), tierOf(a)))
    .map(({ name }) => name);
}

/** The same, tier by tier: an upper tier goes before the one that it needs (step 4). */
export function workloadTiers(applications: readonly ApplicationState[]): { tier: Tier; names: string[] }[] {
  const names = workloadApplications(applications);
  return TIERS.toReversed()
    .map((tier) => ({ tier, names: names.filter((name) => applications.some((application) => application.name === name && tierOf(application) === tier)) }))
    .filter((each) => each.names.length > 0);
}

/** What is left once the workloads are gone: tier 1, highest wave first, the root application last (step 9, failures 2, 3). */
export function controllerApplications(applications: readonly ApplicationState[]): string[] {
  const rest = applications.filter(({ name }) => name !== ROOT_APPLICATION && !workloadApplications(applications).includes(name));
  return [...rest.toSorted((a, b) => waveOf(b) - waveOf(a)).map(({ name }) => name), ...(applications.some(({ name }) => name === ROOT_APPLICATION) ? [ROOT_APPLICATION] : [])];
}

/** An application without a readable tier label counts as a workload: it is removed while the controllers live. */
function tierOf({ tier }: ApplicationState): Tier {
  return TIERS.find((known) => known === tier) ?? '3';
}

/** The wave of a component, by its tier where it has one in each lifecycle (T4); 0 for what is none. */
export function waveOf({ name, tier }: Pick<ApplicationState, 'name' | 'tier'>): number {
  const named = COMPONENTS.filter((component) => component.name === name);
  return (named.find((component) => component.tier === tier) ?? named[0])?.wave ?? 0;
}
