// Kubernetes before Argo CD: tier 0's acceptance, and what must exist before anything of its kind (C3, A1).
import type { KubernetesObject, V1CustomResourceDefinition, V1DaemonSet, V1Deployment, V1Node, V1StatefulSet, V1StorageClass } from '@kubernetes/client-node';
import type { ApplicationState } from '../domain/applications.ts';
import { ARGOCD_NAMESPACE, PART_OF } from '../domain/components.ts';
import type { CheckResult } from '../domain/foundation.ts';
import type { Target } from '../domain/plan.ts';
import type { Protection } from '../domain/protections.ts';
import type { InTheWay } from '../domain/teardown.ts';
import { applicationState, ARGOCD_API, listApplications } from './argocd-applications.ts';
import type { Waiting } from './contract.ts';
import { notReady } from './errors.ts';
import type { ClusterClient } from './kubernetes-client.ts';
import { readInTheWay } from './kubernetes-in-the-way.ts';
import { kubernetesProtections } from './kubernetes-protections.ts';
import { awaitFinding } from './kubernetes-watch.ts';
import { inGroups } from './pages.ts';

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';
export const EBS_DRIVER = 'ebs.csi.aws.com';
const UNSEEN = 'its controller has not seen its latest change';
const CRD = 'CustomResourceDefinition';
/** The API server serves an accepted CRD within a second. */
const ESTABLISHED_POLL_MS = 250;

/** What tier 0 is judged by. */
export interface Tier0Readings {
  version: string;
  nodes: V1Node[];
  cni: V1DaemonSet | undefined;
  dns: V1Deployment | undefined;
}

/** What the API server shows of the platform; the cluster itself is EKS's to know. */
export interface KubernetesInventory {
  kubernetes: 'answers';
  argocd: boolean;
  applications: ApplicationState[];
  protections: Protection[];
  inTheWay: InTheWay;
}

/** C3: API answers, all nodes Ready, CNI and CoreDNS available. NotReady with every point that fails. */
export async function probeTier0(cluster: ClusterClient, waiting: Waiting & { nodes: number }): Promise<CheckResult[]> {
  const checks = tier0Checks(
    {
      version: await cluster.version(),
      nodes: await cluster.list<V1Node>('v1', 'Node'),
      cni: await cluster.read<V1DaemonSet>({ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'aws-node', namespace: 'kube-system' }),
      dns: await cluster.read<V1Deployment>({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'coredns', namespace: 'kube-system' }),
    },
    waiting.nodes,
  );
  demandChecks('tier 0', checks, waiting);
  return checks;
}

/** Throws NotReady with every check that fails, until the wait's deadline. */
export function demandChecks(what: string, checks: readonly CheckResult[], waiting: Waiting): void {
  const failed = checks.filter(({ ok }) => !ok).map(({ title, found }) => `${title}: ${found}`);
  if (failed.length > 0) throw notReady(`${what} is not accepted yet: ${failed.join('; ')}`, waiting, failed);
}

/** The verdicts of tier 0's acceptance. */
export function tier0Checks({ version, nodes, cni, dns }: Tier0Readings, desired: number): CheckResult[] {
  return [
    { id: 'api', title: 'Kubernetes API', ok: true, found: `answers, ${version}`, fix: '' },
    nodesCheck(nodes, desired),
    check('cni', 'VPC CNI', daemonProblem(cni), cniFound(cni), 'look at the pods of DaemonSet kube-system/aws-node and the add-on vpc-cni'),
    check('dns', 'CoreDNS', workloadProblem(dns), `${dns?.status?.availableReplicas ?? 0} replicas available`, 'look at the pods of Deployment kube-system/coredns and the add-on coredns'),
  ];
}

/** All nodes Ready, and as many as the plan wants. */
export function nodesCheck(nodes: readonly V1Node[], desired: number): CheckResult {
  const unready = nodes.filter(({ status }) => !(status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True')).map(({ metadata }) => metadata?.name ?? '');
  const problem = nodes.length < desired ? `${nodes.length} of ${desired} nodes have joined` : unready.length > 0 ? `not Ready: ${unready.join(', ')}` : undefined;
  return check('nodes', 'Nodes', problem, `${nodes.length} nodes, all Ready`, 'look at the node group in EKS and at the conditions of the nodes');
}

/** A check from its problem, if any. */
export function check(id: string, title: string, problem: string | undefined, found: string, fix: string): CheckResult {
  return problem === undefined ? { id, title, ok: true, found, fix: '' } : { id, title, ok: false, found: problem, fix };
}

/** Why a Deployment or StatefulSet is not available as its spec wants it; undefined when it is. One that wants no replica is not available either. */
export function workloadProblem(workload: V1Deployment | V1StatefulSet | undefined, kind = 'Deployment'): string | undefined {
  if (workload === undefined) return `its ${kind} does not exist`;
  const { metadata, spec, status } = workload;
  const [wanted, available, updated] = [spec?.replicas ?? 1, status?.availableReplicas ?? 0, status?.updatedReplicas ?? 0];
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return UNSEEN;
  if (wanted < 1) return 'it is scaled to 0';
  return available < wanted || updated < wanted ? `${available} of ${wanted} replicas are available, ${updated} up to date` : undefined;
}

function daemonProblem(daemon: V1DaemonSet | undefined): string | undefined {
  if (daemon === undefined) return 'its DaemonSet does not exist';
  const { metadata, status } = daemon;
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return UNSEEN;
  const wanted = status?.desiredNumberScheduled ?? 0;
  const available = status?.numberAvailable ?? 0;
  return wanted < 1 || available < wanted ? `available on ${available} of ${wanted} nodes` : undefined;
}

function cniFound(daemon: V1DaemonSet | undefined): string {
  return `available on ${daemon?.status?.numberAvailable ?? 0} nodes`;
}

/** The default StorageClass; its volumes carry the platform's tags, so that a sweep finds each (C1, X5). Source: aws-ebs-csi-driver docs/parameters.md and docs/tagging.md. */
export function defaultStorageClass({ tags }: Pick<Target, 'tags'>): V1StorageClass {
  const specifications: Record<string, string> = {};
  for (const [index, [key, value]] of Object.entries(tags).entries()) specifications[`tagSpecification_${index + 1}`] = `${key}=${value}`;
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'gp3', annotations: { [DEFAULT_CLASS]: 'true' }, labels: { [PART_OF.label]: PART_OF.platform } },
    provisioner: EBS_DRIVER,
    parameters: { type: 'gp3', encrypted: 'true', ...specifications },
    reclaimPolicy: 'Delete',
    allowVolumeExpansion: true,
    volumeBindingMode: 'WaitForFirstConsumer',
  };
}

/** The StorageClasses marked as default; a platform has exactly one. */
export function defaultStorageClasses(classes: readonly V1StorageClass[]): V1StorageClass[] {
  return classes.filter(({ metadata }) => metadata?.annotations?.[DEFAULT_CLASS] === 'true');
}

/** Makes gp3 the one default StorageClass; older clusters come with another default. */
export async function applyStorageClass(cluster: ClusterClient, target: Target): Promise<string[]> {
  const wanted = defaultStorageClass(target);
  const others = defaultStorageClasses(await cluster.list<V1StorageClass>('storage.k8s.io/v1', 'StorageClass')).flatMap(({ metadata }) => (metadata?.name === undefined || metadata.name === 'gp3' ? [] : [metadata.name]));
  for (const name of others) await cluster.patch({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', name }, { metadata: { annotations: { [DEFAULT_CLASS]: 'false' } } });
  await cluster.apply(wanted);
  return [`default StorageClass gp3 (${EBS_DRIVER})`, ...others.map((name) => `StorageClass ${name} is no longer the default`)];
}

/** Whether the object defines a kind of its own. */
export function isDefinition(object: KubernetesObject): object is V1CustomResourceDefinition {
  return object.kind === CRD;
}

/** Applies CRDs and waits until the API server has accepted each and serves its kind. Returns their names. */
export async function applyDefinitions(cluster: ClusterClient, definitions: readonly V1CustomResourceDefinition[]): Promise<string[]> {
  // The API server takes a CRD's schema apart for a tenth of a second; a few at a time keep it busy.
  for (const group of inGroups(definitions, 4)) await Promise.all(group.map((definition) => cluster.apply(definition)));
  const waiting = new Map(definitions.map((definition) => [definition.metadata?.name ?? '', definition]));
  await awaitFinding('CRDs to be served', async () => {
    for (const [name, { spec }] of waiting) {
      const { conditions } = (await cluster.read<V1CustomResourceDefinition>({ apiVersion: 'apiextensions.k8s.io/v1', kind: CRD, name }))?.status ?? {};
      const established = (conditions ?? []).some(({ type, status }) => type === 'Established' && status === 'True');
      const version = spec.versions.find(({ served }) => served)?.name ?? '';
      if (established && (await cluster.serves(`${spec.group}/${version}`, spec.names.kind))) waiting.delete(name);
    }
    return waiting.size === 0 ? { done: true, result: undefined } : { done: false, waitingFor: [...waiting.keys()].map((name) => `CRD ${name} to be served`) };
  }, { everyMs: ESTABLISHED_POLL_MS });
  return definitions.map(({ metadata }) => metadata?.name ?? '');
}

/** Whether Argo CD is there, its Applications, what protects any object, and what must be gone first. The API server's own answers only. */
export async function readKubernetesInventory(cluster: ClusterClient): Promise<KubernetesInventory> {
  const installed = await cluster.serves(ARGOCD_API, 'Application');
  const namespace = await cluster.read({ apiVersion: 'v1', kind: 'Namespace', name: ARGOCD_NAMESPACE });
  const protections = (await kubernetesProtections(cluster)).map(({ protection }) => protection);
  return { kubernetes: 'answers', argocd: installed || namespace !== undefined, applications: (await listApplications(cluster)).map(applicationState), protections, inTheWay: await readInTheWay(cluster) };
}
