// Freezing GitOps: nothing may put back what the teardown removes; parents first, then children (teardown.md step 3, failures 1, 2).
import type { KubernetesObject, V1StatefulSet } from '@kubernetes/client-node';
import { ARGOCD_NAMESPACE, ROOT_APPLICATION } from '../domain/components.ts';
import { type Application, ARGOCD_API, applicationRef, CASCADE_FINALIZER, listApplications, REFRESH_ANNOTATION, stoppingPatch, unlessConflict } from './argocd-applications.ts';
import { keepClaims } from './argocd-volumes.ts';
import { type ClusterClient, refOf } from './kubernetes-client.ts';
import { awaitFinding } from './kubernetes-watch.ts';
import { inGroups } from './pages.ts';

/** Where a frozen ApplicationSet keeps its generators, so that a person can put them back. */
const FROZEN_GENERATORS = 'goldenpath.idp/frozen-generators';
/** A controller answers a change of an application within a second. */
const FREEZE_POLL_MS = 500;

/** The parts of an ApplicationSet that freezing changes. Source: Argo CD 3.2 pkg/apis/application/v1alpha1. */
export interface ApplicationSet extends KubernetesObject {
  spec?: { generators?: unknown[]; syncPolicy?: { applicationsSync?: string } };
}

/** One change that freezes, and whether it rests on the version that was read. */
interface FreezingPatch {
  why: string;
  change: Record<string, unknown>;
  exact: boolean;
}

/** Freezes ApplicationSets and the root application, then every other Application, until a reading shows nothing that syncs; then sees to it that their deletion takes no disk along. Returns what was changed. */
export async function freezeGitOps(cluster: ClusterClient): Promise<string[]> {
  const done: string[] = [];
  await awaitFinding('GitOps to be frozen', async () => {
    done.push(...(await freezeApplicationSets(cluster)));
    const applications = await listApplications(cluster);
    const roots = applications.filter(({ metadata }) => metadata?.name === ROOT_APPLICATION);
    // Children only once their parent can no longer put their sync policy back.
    for (const generation of [roots, applications]) {
      for (const group of inGroups(generation, 4)) done.push(...(await Promise.all(group.map((application) => freeze(cluster, application)))).flat());
      const waitingFor = generation.flatMap((application) => [...freezingPatches(application).map(({ why }) => `application ${application.metadata?.name ?? ''}: ${why}`), ...terminating(application)]);
      const unseen = generation.flatMap(uncompared);
      if (unseen.length > 0 && (await argoCdRuns(cluster))) waitingFor.push(...unseen);
      if (waitingFor.length > 0) return { done: false, waitingFor };
    }
    return { done: true, result: undefined };
  }, { everyMs: FREEZE_POLL_MS });
  return [...done, ...(await keepClaims(cluster, await listApplications(cluster)))];
}

/** What keeps an Application from standing still, each with the change that mends it; empty when it is frozen. */
export function freezingPatches(application: Application): FreezingPatch[] {
  const { metadata, spec } = application;
  const patches: FreezingPatch[] = [];
  if (spec?.syncPolicy?.automated !== undefined && spec.syncPolicy.automated !== null) patches.push({ why: 'syncs by itself', change: { metadata: { annotations: { [REFRESH_ANNOTATION]: 'normal' } }, spec: { syncPolicy: { automated: null } } }, exact: false });
  const finalizers = metadata?.finalizers ?? [];
  // Of an object that is being deleted, finalizers can only be taken away.
  if (metadata?.deletionTimestamp === undefined && !finalizers.some((finalizer) => finalizer.startsWith(CASCADE_FINALIZER))) {
    patches.push({ why: 'its deletion would not cascade', change: { metadata: { finalizers: [...finalizers, CASCADE_FINALIZER] } }, exact: true });
  }
  const stopping = stoppingPatch(application);
  return stopping === undefined ? patches : [...patches, { ...stopping, exact: true }];
}

function terminating({ metadata, operation, status }: Application): string[] {
  return operation !== undefined && status?.operationState?.phase === 'Terminating' ? [`application ${metadata?.name ?? ''}: its sync is being terminated`] : [];
}

/**
 * A comparison that began before the freeze may start a sync after it, minutes later where the repository is slow. Argo CD compares an application once at a time, and
 * starts the sync before it takes the annotation away: when that is gone, nothing is decided any more on what was there before. Source: Argo CD 3.2
 * controller/appcontroller.go, processAppRefreshQueueItem.
 */
export function uncompared({ metadata }: Application): string[] {
  const due = metadata?.deletionTimestamp === undefined && metadata?.annotations?.[REFRESH_ANNOTATION] !== undefined;
  return due ? [`application ${metadata.name ?? ''}: Argo CD has not compared it since it was frozen`] : [];
}

/** One that does not run starts no sync, and begins afresh when it does. */
async function argoCdRuns(cluster: ClusterClient): Promise<boolean> {
  const controller = await cluster.read<V1StatefulSet>({ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'argocd-application-controller', namespace: ARGOCD_NAMESPACE });
  return (controller?.status?.readyReplicas ?? 0) > 0;
}

async function freeze(cluster: ClusterClient, application: Application): Promise<string[]> {
  const name = application.metadata?.name ?? '';
  const done: string[] = [];
  let version = application.metadata?.resourceVersion;
  for (const { why, change, exact } of freezingPatches(application)) {
    const changed = await unlessConflict(cluster.patch(applicationRef(name), change, exact ? version : undefined));
    if (changed === undefined) break; // another writer was faster, or it is gone: the next reading decides
    version = changed.metadata?.resourceVersion;
    done.push(`application ${name}: ${why}: stopped`);
  }
  return done;
}

/** An ApplicationSet without generators that may only create: it neither makes nor reverts nor deletes an Application. */
async function freezeApplicationSets(cluster: ClusterClient): Promise<string[]> {
  const done: string[] = [];
  for (const set of await listApplicationSets(cluster)) {
    const { generators = [], syncPolicy } = set.spec ?? {};
    if (generators.length === 0 && syncPolicy?.applicationsSync === 'create-only') continue;
    const change = { metadata: { annotations: { [FROZEN_GENERATORS]: JSON.stringify(generators) } }, spec: { generators: [], syncPolicy: { applicationsSync: 'create-only' } } };
    if ((await unlessConflict(cluster.patch(refOf(set), change, set.metadata?.resourceVersion))) !== undefined) done.push(`ApplicationSet ${set.metadata?.name ?? ''}: frozen`);
  }
  return done;
}

/** Every ApplicationSet of Argo CD's namespace. */
export async function listApplicationSets(cluster: ClusterClient): Promise<ApplicationSet[]> {
  if (!(await cluster.serves(ARGOCD_API, 'ApplicationSet'))) return [];
  return cluster.list<ApplicationSet>(ARGOCD_API, 'ApplicationSet', { namespace: ARGOCD_NAMESPACE });
}

