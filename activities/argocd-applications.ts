// Argo CD Applications as the product reads and awaits them (T1, A4, failures 1–3).
import type { KubernetesObject } from '@kubernetes/client-node';
import { type ApplicationState, MAX_TIER_PARAMETER, ofOtherCommit, tierVerdict } from '../domain/applications.ts';
import { ARGOCD_NAMESPACE, type Component, isPlatformObject, ROOT_APPLICATION } from '../domain/components.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { canonicalJson } from '../domain/hash.ts';
import { TIER_LABEL } from '../domain/manifests/places.ts';
import type { Tier } from '../domain/tiers.ts';
import type { ClusterClient, ObjectRef } from './kubernetes-client.ts';
import { awaitFinding, type Finding, Waker } from './kubernetes-watch.ts';

export const ARGOCD_API = 'argoproj.io/v1alpha1';
/** Deletion cascades to the application's objects, highest wave first. Source: https://argo-cd.readthedocs.io/en/release-3.2/user-guide/app_deletion/ */
export const CASCADE_FINALIZER = 'resources-finalizer.argocd.argoproj.io';
export const WAVE_ANNOTATION = 'argocd.argoproj.io/sync-wave';
/** By which a run that may do so confirms a deletion that Argo CD asks about; its value is the id of the decision. */
export const CONFIRMED_ANNOTATION = 'goldenpath.idp/deletion-confirmed-by';
/** Asks Argo CD to compare the application anew; it takes the annotation away when it has. */
export const REFRESH_ANNOTATION = 'argocd.argoproj.io/refresh';
/** Of one object: `Delete=false`, `Prune=confirm` and the like, with commas between them. */
export const SYNC_OPTIONS = 'argocd.argoproj.io/sync-options';
export const APPLICATIONS_PATH = `/apis/${ARGOCD_API}/namespaces/${ARGOCD_NAMESPACE}/applications`;

/** The parts of an Application that the product reads. Source: Argo CD 3.2 pkg/apis/application/v1alpha1. */
export interface Application extends KubernetesObject {
  spec?: {
    project?: string;
    destination?: { server?: string; namespace?: string };
    source?: ApplicationSource;
    syncPolicy?: { automated?: object | null; syncOptions?: string[]; retry?: object };
  };
  /** A sync that was asked for and has not begun, or that is going on. */
  operation?: object;
  status?: {
    sync?: { status?: string; revision?: string; comparedTo?: { source?: ApplicationSource } };
    health?: { status?: string; message?: string };
    operationState?: { phase?: string; message?: string };
    conditions?: { type?: string; message?: string }[];
    /** The objects it manages. */
    resources?: ManagedObject[];
  };
}

export interface ManagedObject {
  group?: string;
  version?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  /** `Delete=confirm` or `Prune=confirm`. */
  requiresDeletionConfirmation?: boolean;
}

export interface ApplicationSource {
  repoURL?: string;
  targetRevision?: string;
  path?: string;
  helm?: { parameters?: { name?: string; value?: string; forceString?: boolean }[]; valuesObject?: object };
}

/** Address of an Application by name. */
export function applicationRef(name: string): ObjectRef & { namespace: string } {
  return { apiVersion: ARGOCD_API, kind: 'Application', name, namespace: ARGOCD_NAMESPACE };
}

/** Every Application; an empty list only where the API server serves no such kind or says that there is none. */
export async function listApplications(cluster: ClusterClient): Promise<Application[]> {
  if (!(await cluster.serves(ARGOCD_API, 'Application'))) return [];
  return cluster.list<Application>(ARGOCD_API, 'Application', { namespace: ARGOCD_NAMESPACE });
}

/** What the workflows need of an Application. */
export function applicationState({ metadata, spec, status }: Application): ApplicationState {
  const parameters = status?.sync?.comparedTo?.source?.helm?.parameters ?? [];
  return {
    name: metadata?.name ?? '',
    tier: metadata?.labels?.[TIER_LABEL],
    sync: status?.sync?.status || 'Unknown', // Argo CD writes an empty status first
    health: status?.health?.status || 'Unknown',
    healthMessage: status?.health?.message,
    comparedParameters: Object.fromEntries(parameters.map(({ name, value }) => [name ?? '', value ?? ''])),
    sourceCompared: metadata?.annotations?.[REFRESH_ANNOTATION] === undefined && canonicalJson(asArgocdWrites(spec?.source)) === canonicalJson(asArgocdWrites(status?.sync?.comparedTo?.source)),
    revision: status?.sync?.revision,
    operation: status?.operationState?.phase,
    operationMessage: status?.operationState?.message,
    conditions: (status?.conditions ?? []).flatMap(({ type, message }) => (type === undefined || !isProblem(type) ? [] : [`${type}: ${message ?? ''}`])),
    automated: spec?.syncPolicy?.automated !== undefined && spec.syncPolicy.automated !== null,
    finalizers: metadata?.finalizers ?? [],
  };
}

/** Argo CD copies the source that it compared, but leaves out what is empty or false; Helm's values it copies as they are. Source: v1alpha1 `ApplicationSource`, its `omitempty`. */
function asArgocdWrites(source: ApplicationSource | undefined): unknown {
  return source === undefined ? null : withoutEmpty(source);
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, key === 'valuesObject' ? each : withoutEmpty(each)] as const);
  return Object.fromEntries(entries.filter(([, each]) => !isEmpty(each)));
}

/** Whether a setting of an application sets nothing. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === false || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** Argo CD's conditions that name errors end in Error; the others are warnings about orphans, exclusions and repeats. Source: v1alpha1 `ApplicationCondition.IsError`. */
function isProblem(type: string): boolean {
  return type.endsWith('Error');
}

/** The wave of an Application, 0 where it has none. */
export function waveOf({ metadata }: KubernetesObject): number {
  return Number(metadata?.annotations?.[WAVE_ANNOTATION] ?? 0);
}

/** Until the tier has settled, by the domain's verdict; one line of evidence an application. */
export async function awaitTier(cluster: ClusterClient, { tier, expected }: { tier: Tier; expected: Component[] }): Promise<string[]> {
  const waker = new Waker(cluster, APPLICATIONS_PATH);
  const nudges = new Map<string, Nudge>();
  const read = async (): Promise<Finding<string[]>> => {
    // A tenant's own are none of the plan's, and no reason to wait.
    const names = new Set([ROOT_APPLICATION, ...expected.map(({ name }) => name)]);
    const states = (await listApplications(cluster)).filter((each) => isPlatformObject(each) || names.has(each.metadata?.name ?? '')).map(applicationState);
    const root = states.find(({ name }) => name === ROOT_APPLICATION);
    const children = states.filter(({ name }) => name !== ROOT_APPLICATION);
    const verdict = tierVerdict(root, children, expected, tier);
    if (verdict.settled) return { done: true, result: children.map(evidence) };
    for (const name of dueForRefresh(nudges, states.filter((state) => isStale(state, tier, root)).map(({ name: stale }) => stale), Date.now())) {
      await cluster.patch(applicationRef(name), { metadata: { annotations: { [REFRESH_ANNOTATION]: name === ROOT_APPLICATION ? 'hard' : 'normal' } } });
    }
    return { done: false, waitingFor: verdict.waitingFor };
  };
  try {
    return await awaitFinding(`tier ${tier}`, read, { waker });
  } finally {
    waker.close();
  }
}

/** When an application is next asked to compare anew, and how long after that again. */
export interface Nudge {
  at: number;
  pauseMs: number;
}

/** Argo CD compares a changed application within a second (facts.md). Asking again costs a comparison, so the pauses grow. */
const FIRST_NUDGE_MS = 2_000;
const LONGEST_NUDGE_MS = 30_000;

/**
 * Whether an application may be showing what is no longer so: compared with another source, at another gate or commit than the root, or a finished sync without health.
 * Argo CD is not told of some changes (a custom resource definition that was established), and looks by itself only every two minutes.
 */
export function isStale(state: ApplicationState, tier: Tier, root: ApplicationState | undefined): boolean {
  const { name, sync, health, operation, comparedParameters, sourceCompared, revision } = state;
  if (name === ROOT_APPLICATION) return !sourceCompared || comparedParameters[MAX_TIER_PARAMETER] !== tier;
  if (revision === undefined) return false; // new: Argo CD compares it at once
  if (!sourceCompared || (root !== undefined && ofOtherCommit(state, root).length > 0)) return true;
  return sync === 'Synced' && operation === 'Succeeded' && health !== 'Healthy';
}

/** Which of the stale applications are due; keeps `nudges`, and forgets those that are not stale any more. */
export function dueForRefresh(nudges: Map<string, Nudge>, stale: readonly string[], now: number): string[] {
  for (const name of nudges.keys()) if (!stale.includes(name)) nudges.delete(name);
  return stale.filter((name) => {
    const nudge = nudges.get(name) ?? { at: now + FIRST_NUDGE_MS, pauseMs: FIRST_NUDGE_MS };
    const due = now >= nudge.at;
    const pauseMs = due ? Math.min(2 * nudge.pauseMs, LONGEST_NUDGE_MS) : nudge.pauseMs;
    nudges.set(name, due ? { at: now + pauseMs, pauseMs } : nudge);
    return due;
  });
}

function evidence({ name, tier, sync, health }: ApplicationState): string {
  return `application ${name} (tier ${tier ?? 'none'}): ${sync}, ${health}`;
}

/** What stops a sync: one that is going on is terminated, one that has not begun is taken back. undefined where there is none, or where it ends already. */
export function stoppingPatch({ operation, status }: Application): { why: string; change: Record<string, unknown> } | undefined {
  const phase = status?.operationState?.phase;
  if (operation === undefined || phase === 'Terminating') return undefined;
  return phase === 'Running' ? { why: 'a sync is running', change: { status: { operationState: { phase: 'Terminating' } } } } : { why: 'a sync is about to begin', change: { operation: null } };
}

/**
 * Stops the sync of an Application that is to go: while one is set, Argo CD does not finish the deletion, and one that waits for the health of what was deleted
 * never ends. Source: Argo CD 3.2 controller/appcontroller.go, processAppOperationQueueItem.
 */
export async function stopSync(cluster: ClusterClient, application: Application): Promise<void> {
  const stopping = stoppingPatch(application);
  if (stopping !== undefined) await unlessConflict(cluster.patch(applicationRef(application.metadata?.name ?? ''), stopping.change, application.metadata?.resourceVersion));
}

/** The result, or undefined where another writer was faster: the next reading decides. */
export async function unlessConflict<T>(change: Promise<T>): Promise<T | undefined> {
  try {
    return await change;
  } catch (error) {
    if (error instanceof GoldenpathError && error.type === 'Conflict') return undefined;
    throw error;
  }
}

/** Until none of these Applications exists. A retry reads afresh. */
export async function awaitApplicationsGone(cluster: ClusterClient, names: readonly string[]): Promise<string[]> {
  const waker = new Waker(cluster, APPLICATIONS_PATH);
  const read = async (): Promise<Finding<string[]>> => {
    const left = (await listApplications(cluster)).filter(({ metadata }) => names.includes(metadata?.name ?? ''));
    for (const application of left) await stopSync(cluster, application);
    return left.length === 0 ? { done: true, result: names.map((name) => `application ${name} is gone`) } : { done: false, waitingFor: left.map(remaining) };
  };
  try {
    return await awaitFinding('the applications to go', read, { waker });
  } finally {
    waker.close();
  }
}

/** What an Application that should be gone still waits for. */
export function remaining(application: Application): string {
  const { metadata, status } = application;
  const problems = (status?.conditions ?? []).flatMap(({ type, message }) => (type === 'DeletionError' ? [message ?? type] : []));
  const state = metadata?.deletionTimestamp === undefined ? 'is not being deleted' : `is being deleted, finalizers ${(metadata.finalizers ?? []).join(', ') || 'none'}`;
  return `application ${metadata?.name ?? ''} ${state}${problems.length === 0 ? '' : `: ${problems.join('; ')}`}`;
}
