// Freezing GitOps: nothing may put back what the teardown removes; parents first, then children (teardown.md step 3, failures 1, 2).
import type { KubernetesObject } from '@kubernetes/client-node';
import { ARGOCD_NAMESPACE, ROOT_APPLICATION } from '../domain/components.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { type Application, ARGOCD_API, applicationRef, CASCADE_FINALIZER, listApplications } from './argocd-applications.ts';
import { type ClusterClient, refOf } from './kubernetes-client.ts';
import { awaitFinding } from './kubernetes-watch.ts';

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

/** Freezes ApplicationSets and the root application, then every other Application, until a reading shows nothing that syncs. Returns what was changed. */
export async function freezeGitOps(cluster: ClusterClient): Promise<string[]> {
  const done: string[] = [];
  await awaitFinding('GitOps to be frozen', async () => {
    done.push(...(await freezeApplicationSets(cluster)));
    const applications = await listApplications(cluster);
    const roots = applications.filter(({ metadata }) => metadata?.name === ROOT_APPLICATION);
    // Children only once their parent can no longer put their sync policy back.
    for (const generation of [roots, applications]) {
      const waitingFor: string[] = [];
      for (const application of generation) {
        done.push(...(await freeze(cluster, application)));
        waitingFor.push(...freezingPatches(application).map(({ why }) => `application ${application.metadata?.name ?? ''}: ${why}`), ...terminating(application));
      }
      if (waitingFor.length > 0) return { done: false, waitingFor };
    }
    return { done: true, result: undefined };
  }, { everyMs: FREEZE_POLL_MS });
  return done;
}

/** What keeps an Application from standing still, each with the change that mends it; empty when it is frozen. */
export function freezingPatches({ metadata, spec, operation, status }: Application): FreezingPatch[] {
  const patches: FreezingPatch[] = [];
  if (spec?.syncPolicy?.automated !== undefined && spec.syncPolicy.automated !== null) patches.push({ why: 'syncs by itself', change: { spec: { syncPolicy: { automated: null } } }, exact: false });
  const finalizers = metadata?.finalizers ?? [];
  // Of an object that is being deleted, finalizers can only be taken away.
  if (metadata?.deletionTimestamp === undefined && !finalizers.some((finalizer) => finalizer.startsWith(CASCADE_FINALIZER))) {
    patches.push({ why: 'its deletion would not cascade', change: { metadata: { finalizers: [...finalizers, CASCADE_FINALIZER] } }, exact: true });
  }
  if (operation !== undefined) {
    const phase = status?.operationState?.phase;
    if (phase === 'Running') patches.push({ why: 'a sync is running', change: { status: { operationState: { phase: 'Terminating' } } }, exact: true });
    else if (phase !== 'Terminating') patches.push({ why: 'a sync is about to begin', change: { operation: null }, exact: true });
  }
  return patches;
}

function terminating({ metadata, operation, status }: Application): string[] {
  return operation !== undefined && status?.operationState?.phase === 'Terminating' ? [`application ${metadata?.name ?? ''}: its sync is being terminated`] : [];
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

/** The result, or undefined where another writer was faster. */
async function unlessConflict<T>(change: Promise<T>): Promise<T | undefined> {
  try {
    return await change;
  } catch (error) {
    if (error instanceof GoldenpathError && error.type === 'Conflict') return undefined;
    throw error;
  }
}
