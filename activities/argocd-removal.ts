// Removing Applications and then Argo CD itself, each while what it needs still lives (teardown.md steps 4 and 9, failures 2–6).
import { Context } from '@temporalio/activity';
import type { KubernetesObject, V1MutatingWebhookConfiguration, V1ValidatingWebhookConfiguration } from '@kubernetes/client-node';
import { ARGOCD_NAMESPACE, LOAD_BALANCER_CONTROLLER, ROOT_APPLICATION } from '../domain/components.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { kindOf, namespacedKinds } from './argocd.ts';
import { type Application, applicationRef, APPLICATIONS_PATH, ARGOCD_API, CASCADE_FINALIZER, CONFIRMED_ANNOTATION, listApplications, remaining, stopSync, waveOf } from './argocd-applications.ts';
import { listApplicationSets } from './argocd-freeze.ts';
import { type ClusterClient, nameOf, type ObjectRef, refOf } from './kubernetes-client.ts';
import { awaitFinding, type Finding, Waker } from './kubernetes-watch.ts';
import { isDefinition } from './kubernetes.ts';
import { inGroups } from './pages.ts';

/** Source: Argo CD, user guide, sync options, "Resource Deletion With Confirmation". */
const APPROVED_ANNOTATION = 'argocd.argoproj.io/deletion-approved';
/** Argo CD takes a light application away in about a second. */
const REMOVAL_POLL_MS = 500;

/** Asks for the deletion of these Applications, highest wave first; each cascades to its objects. Returns what was asked. */
export async function deleteApplications(cluster: ClusterClient, names: readonly string[]): Promise<string[]> {
  const applications = (await listApplications(cluster)).filter(({ metadata }) => names.includes(metadata?.name ?? ''));
  const done: string[] = [];
  for (const application of applications.toSorted((a, b) => removalRank(b) - removalRank(a))) done.push(...(await deleteCascading(cluster, application)));
  return done;
}

/** Deletes these Applications wave by wave, highest first, each wave only when the one before it is gone; the load balancer controller after every other, the root last. */
export async function deleteControllers(cluster: ClusterClient, names: readonly string[]): Promise<string[]> {
  const done: string[] = [];
  const waker = new Waker(cluster, APPLICATIONS_PATH);
  const read = async (): Promise<Finding<undefined>> => {
    const left = (await listApplications(cluster)).filter(({ metadata }) => names.includes(metadata?.name ?? ''));
    if (left.length === 0) return { done: true, result: undefined };
    const highest = Math.max(...left.map(removalRank));
    const wave = left.filter((application) => removalRank(application) === highest);
    for (const application of wave) done.push(...(await deleteCascading(cluster, application)));
    return { done: false, waitingFor: wave.map((application) => (application.metadata?.deletionTimestamp === undefined ? `application ${application.metadata?.name ?? ''} is being deleted` : remaining(application))) };
  };
  try {
    await awaitFinding('the controllers to go', read, { waker });
  } finally {
    waker.close();
  }
  return done;
}

/** Higher goes earlier: the wave, but the load balancer controller and the root application after everything (failures 7, 12). */
export function removalRank(application: KubernetesObject): number {
  if (application.metadata?.name === ROOT_APPLICATION) return Number.NEGATIVE_INFINITY;
  return application.metadata?.name === LOAD_BALANCER_CONTROLLER.name ? Number.MIN_SAFE_INTEGER : waveOf(application);
}

/** Failure 2: the finalizer first, then the deletion, then its confirmation where Argo CD waits for one that people decided on. */
async function deleteCascading(cluster: ClusterClient, application: Application): Promise<string[]> {
  const { name = '', deletionTimestamp, finalizers = [], resourceVersion } = application.metadata ?? {};
  const confirm = () => confirmDeletion(cluster, application);
  if (deletionTimestamp !== undefined) await stopSync(cluster, application);
  if (deletionTimestamp !== undefined) return confirm();
  const cascades = finalizers.some((finalizer) => finalizer.startsWith(CASCADE_FINALIZER));
  if (!cascades) await cluster.patch(applicationRef(name), { metadata: { finalizers: [...finalizers, CASCADE_FINALIZER] } }, resourceVersion);
  return (await cluster.remove(applicationRef(name))) ? [`application ${name} is being deleted`, ...(await confirm())] : [];
}

/** Argo CD takes a confirmation only if it is no older than the deletion, by the API server's clock. Source: Argo CD 3.2 v1alpha1 `Application.IsDeletionConfirmed`. */
async function confirmDeletion(cluster: ClusterClient, { metadata }: Application): Promise<string[]> {
  const decision = metadata?.annotations?.[CONFIRMED_ANNOTATION];
  if (decision === undefined) return [];
  const now = await cluster.read<Application>(applicationRef(metadata?.name ?? ''));
  const { deletionTimestamp, annotations = {} } = now?.metadata ?? {};
  if (deletionTimestamp === undefined || annotations[APPROVED_ANNOTATION] !== undefined) return [];
  const at = new Date(deletionTimestamp).toISOString();
  await cluster.patch(applicationRef(metadata?.name ?? ''), { metadata: { annotations: { [APPROVED_ANNOTATION]: at } } });
  return [`application ${metadata?.name ?? ''}: its deletion is confirmed to Argo CD, by decision ${decision}`];
}

/**
 * Removes Argo CD: ApplicationSets and projects while their controllers live, webhooks without a backend (failure 4), the objects of
 * its manifest, and waits until its pods have ended, so that nothing acts any more. Throws PreflightFailed while an Application is
 * left (failure 3). Its namespace and the CRDs stay for the cluster's own deletion: they hold no cloud object, and the API server
 * takes some twenty seconds to let go of them.
 */
export async function removeArgoCd(cluster: ClusterClient, manifest: readonly KubernetesObject[]): Promise<string[]> {
  const left = (await listApplications(cluster)).map(({ metadata }) => `application ${metadata?.name ?? ''} still exists`);
  if (left.length > 0) throw new GoldenpathError('PreflightFailed', `Argo CD is not removed before its applications: ${left.join('; ')}`, left);
  const giveUpAt = Date.now() + Context.current().info.startToCloseTimeoutMs / 2;
  const done = [...(await removeParents(cluster)), ...(await removeDeadWebhooks(cluster))];
  const objects = manifest.filter((object) => !isDefinition(object));
  const scopes = await namespacedKinds(cluster, objects);
  const removed = await removeAll(cluster, objects.toReversed().map((object) => (scopes.has(kindOf(object)) ? { ...refOf(object), namespace: ARGOCD_NAMESPACE } : refOf(object))));
  done.push(`${removed} objects of Argo CD deleted`);
  return [...done, ...(await awaitFinding("Argo CD's pods to end", () => podsGone(cluster, giveUpAt), { everyMs: REMOVAL_POLL_MS }))];
}

/** Asks for the deletion of each, a few at a time in the order given. Returns how many existed. */
async function removeAll(cluster: ClusterClient, refs: readonly ObjectRef[]): Promise<number> {
  let removed = 0;
  for (const group of inGroups(refs, 4)) removed += (await Promise.all(group.map((ref) => cluster.remove(ref)))).filter(Boolean).length;
  return removed;
}

/** ApplicationSets and AppProjects go while Argo CD can still release their finalizers. */
async function removeParents(cluster: ClusterClient): Promise<string[]> {
  const done: string[] = [];
  await awaitFinding('ApplicationSets and projects to go', async () => {
    const projects = (await cluster.serves(ARGOCD_API, 'AppProject')) ? await cluster.list(ARGOCD_API, 'AppProject', { namespace: ARGOCD_NAMESPACE }) : [];
    const parents = [...(await listApplicationSets(cluster)), ...projects];
    for (const parent of parents) if (parent.metadata?.deletionTimestamp === undefined && (await cluster.remove(refOf(parent)))) done.push(`${nameOf(refOf(parent))} deleted`);
    const stuck = parents.filter(({ metadata }) => (metadata?.finalizers ?? []).length > 0);
    return stuck.length === 0 ? { done: true, result: undefined } : { done: false, waitingFor: stuck.map((parent) => `${nameOf(refOf(parent))} holds finalizers ${(parent.metadata?.finalizers ?? []).join(', ')}`) };
  }, { everyMs: REMOVAL_POLL_MS });
  return done;
}

/** Failure 4: an admission webhook whose Service is gone blocks every deletion. */
async function removeDeadWebhooks(cluster: ClusterClient): Promise<string[]> {
  const api = 'admissionregistration.k8s.io/v1';
  const configurations = [
    ...(await cluster.list<V1ValidatingWebhookConfiguration>(api, 'ValidatingWebhookConfiguration')),
    ...(await cluster.list<V1MutatingWebhookConfiguration>(api, 'MutatingWebhookConfiguration')),
  ];
  const done: string[] = [];
  for (const configuration of configurations) {
    const services = (configuration.webhooks ?? []).flatMap(({ clientConfig }) => (clientConfig.service === undefined ? [] : [clientConfig.service]));
    for (const { name, namespace } of services) {
      if ((await cluster.read({ apiVersion: 'v1', kind: 'Service', name, namespace })) !== undefined) continue;
      if (await cluster.remove(refOf(configuration))) done.push(`${nameOf(refOf(configuration))} deleted: its backend Service ${namespace}/${name} is gone`);
      break;
    }
  }
  return done;
}

/** A pod that does not end in time is named and left to the cluster's deletion: its nodes go next. */
async function podsGone(cluster: ClusterClient, giveUpAt: number): Promise<Finding<string[]>> {
  const pods = (await cluster.list('v1', 'Pod', { namespace: ARGOCD_NAMESPACE })).map((pod) => nameOf(refOf(pod)));
  if (pods.length === 0) return { done: true, result: ['its pods have ended; namespace and CRDs go with the cluster'] };
  return Date.now() < giveUpAt ? { done: false, waitingFor: pods } : { done: true, result: pods.map((pod) => `left to the cluster's deletion: ${pod}`) };
}
