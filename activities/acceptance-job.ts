// Acceptance that only a pod can do (T3): a Job of this product's own image runs `goldenpath accept` inside the cluster, its verdict is the pod's last word, and all of it goes again.
import { Context } from '@temporalio/activity';
import type { KubernetesObject, V1Job, V1Pod, V1PodSpec, V1Role, V1RoleBinding, V1ServiceAccount } from '@kubernetes/client-node';
import type { CheckResult } from '../domain/checks.ts';
import { PART_OF } from '../domain/components.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { TIER_LABEL } from '../domain/manifests/places.ts';
import { type SyncedSecret, syncedSecrets } from '../domain/platform-secrets.ts';
import { acceptanceUrls, checksOfMessage } from '../domain/probes.ts';
import type { Tier } from '../domain/tiers.ts';
import type { Waits } from './contract.ts';
import type { ClusterClient, ObjectRef } from './kubernetes-client.ts';
import { awaitFinding, type Finding } from './kubernetes-watch.ts';

/** The product's own namespace in a platform. It stays, empty, until the cluster goes. */
export const SYSTEM_NAMESPACE = 'goldenpath-system';
const NAME = 'goldenpath-acceptance';
/** Which activity of which run made the Job: the verdict of another one proves nothing. */
const TOKEN = 'goldenpath.idp/asked-by';
/** Where the worker does not come back: whatever is left goes by itself, the account with the Job that owns it. */
const KEPT_SECONDS = 600;
/** An application that was Healthy may still fail its first question: three pods, 10 and 20 s apart. */
const RETRIES = 2;
const POLL_MS = 1_000;
/** Of the time there is: the Job ends before the activity that waits for it, and says why. */
const SHARE = 0.8;
/** Exit code of bad input: asking again gives the same. */
const BAD_INPUT = 2;

type Input = Parameters<Waits['awaitAcceptanceJob']>[0];

/** Runs the tier's Job to its end. Every check it made, passed or not; a Job without a verdict is a failed check. */
export async function awaitAcceptanceJob(cluster: ClusterClient, { tier, image, deadlineMs }: Input): Promise<CheckResult[]> {
  if (image === undefined) throw new GoldenpathError('PreflightFailed', 'the version manifest names no image goldenpath: nothing can check the tier from inside');
  const { workflowExecution, activityId } = Context.current().info;
  const token = `${workflowExecution?.runId ?? 'none'}.${activityId}`;
  const job = jobOf({ tier, image, token, deadlineMs });
  const ref: ObjectRef = { apiVersion: 'batch/v1', kind: 'Job', name: job.metadata.name, namespace: SYSTEM_NAMESPACE };
  await cluster.apply(systemNamespace());
  await startJob(cluster, ref, job, { tier, token });
  const checks = await awaitFinding(`Job ${SYSTEM_NAMESPACE}/${ref.name}`, verdictReader(cluster, ref), { everyMs: POLL_MS });
  await cluster.remove(ref, 'Foreground');
  for (const { apiVersion, kind, metadata } of accessOf(tier)) await cluster.remove({ apiVersion: apiVersion ?? '', kind: kind ?? '', name: metadata?.name ?? '', namespace: metadata?.namespace });
  return checks;
}

/** A Job of this activity goes on as it is; one that was left by another is removed first. It begins suspended: its account must be there, and go with it. */
async function startJob(cluster: ClusterClient, ref: ObjectRef, job: ReturnType<typeof jobOf>, { tier, token }: { tier: Tier; token: string }): Promise<void> {
  const made = await awaitFinding(`earlier Job ${SYSTEM_NAMESPACE}/${ref.name}`, async (): Promise<Finding<V1Job>> => {
    const found = await cluster.read<V1Job>(ref);
    if (found === undefined) return { done: true, result: await cluster.apply<V1Job>(job) };
    if (found.metadata?.deletionTimestamp === undefined && found.metadata?.annotations?.[TOKEN] === token) return { done: true, result: found };
    await cluster.remove(ref, 'Foreground');
    return { done: false, waitingFor: [`Job ${SYSTEM_NAMESPACE}/${ref.name} of another run to go`] };
  }, { everyMs: POLL_MS });
  await cluster.apply(accountOf(made));
  for (const object of accessOf(tier)) await cluster.apply(object);
  await cluster.patch(ref, { spec: { suspend: false } });
}

/** Reads a Job until it has ended, and remembers what its pods were at: one that is over time takes them with it. */
function verdictReader(cluster: ClusterClient, ref: ObjectRef): () => Promise<Finding<CheckResult[]>> {
  let seen = 'no pod was seen';
  return async () => {
    const pods = await cluster.list<V1Pod>('v1', 'Pod', { namespace: SYSTEM_NAMESPACE, labels: `batch.kubernetes.io/job-name=${ref.name}` });
    if (pods.length > 0) seen = podWords(pods);
    return verdictOf(ref, await cluster.read<V1Job>(ref), pods, seen);
  };
}

/** The verdict of a Job that has ended, from the pod that ended last. */
function verdictOf(ref: ObjectRef, job: V1Job | undefined, pods: readonly V1Pod[], seen: string): Finding<CheckResult[]> {
  if (job === undefined) return { done: true, result: [noVerdict('somebody removed the Job while it ran')] };
  const ended = (job.status?.conditions ?? []).find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
  if (ended === undefined) return { done: false, waitingFor: [`Job ${SYSTEM_NAMESPACE}/${ref.name}: ${seen}`] };
  const last = pods.flatMap(endOf).toSorted((a, b) => b.finishedAt - a.finishedAt)[0];
  const checks = last === undefined ? undefined : checksOfMessage(last.message);
  // A Job that failed with nothing but passed checks has not said why.
  if (checks !== undefined && (ended.type === 'Complete' || checks.some(({ ok }) => !ok))) return { done: true, result: checks };
  return { done: true, result: [noVerdict(`the Job ended as ${ended.type}${ended.reason === undefined ? '' : ` (${ended.reason})`}; ${last === undefined ? seen : `its pod ended with ${last.exitCode} and said: ${last.message.slice(0, 200) || 'nothing'}`}`)] };
}

function endOf({ status }: V1Pod): { message: string; exitCode: number; finishedAt: number }[] {
  const terminated = status?.containerStatuses?.[0]?.state?.terminated;
  return terminated === undefined ? [] : [{ message: terminated.message ?? '', exitCode: terminated.exitCode, finishedAt: terminated.finishedAt === undefined ? 0 : new Date(terminated.finishedAt).getTime() }];
}

/** What its pods are at, with the kubelet's reason where one cannot start. */
function podWords(pods: readonly V1Pod[]): string {
  const words = pods.map(({ metadata, status }) => {
    const waiting = status?.containerStatuses?.[0]?.state?.waiting;
    return `pod ${metadata?.name ?? ''} is ${status?.phase ?? 'Pending'}${waiting?.reason === undefined ? '' : ` (${waiting.reason}${waiting.message === undefined ? '' : `: ${waiting.message}`})`}`;
  });
  return words.join(', ');
}

function noVerdict(found: string): CheckResult {
  return { id: 'acceptance-job', title: 'Checks inside the cluster', ok: false, found, fix: `look at the events of namespace ${SYSTEM_NAMESPACE}, and whether the image goldenpath of environments/versions.yaml can be pulled` };
}

/** Pods of no other standard than `restricted` (Kubernetes, "Pod Security Standards"). */
function systemNamespace(): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM_NAMESPACE, labels: { ...LABELS, 'pod-security.kubernetes.io/enforce': 'restricted' } } };
}

const LABELS = { [PART_OF.label]: PART_OF.platform };

function jobOf({ tier, image, token, deadlineMs }: Pick<Input, 'tier' | 'deadlineMs'> & { image: string; token: string }): V1Job & { metadata: { name: string } } {
  const name = `${NAME}-${tier}`;
  const labels = { ...LABELS, [TIER_LABEL]: tier, 'app.kubernetes.io/name': name };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: SYSTEM_NAMESPACE, labels, annotations: { [TOKEN]: token } },
    spec: {
      suspend: true,
      backoffLimit: RETRIES,
      activeDeadlineSeconds: Math.ceil((deadlineMs * SHARE) / 1_000),
      ttlSecondsAfterFinished: KEPT_SECONDS,
      podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { containerName: 'accept', operator: 'In', values: [BAD_INPUT] } }] },
      template: { metadata: { labels }, spec: podOf(tier, image) },
    },
  };
}

function podOf(tier: Tier, image: string): V1PodSpec {
  return {
    restartPolicy: 'Never',
    serviceAccountName: NAME,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [{
      name: 'accept',
      image,
      command: ['node', 'client/cli/main.ts'],
      args: ['accept', '--tier', tier],
      env: [{ name: 'GOLDENPATH_URLS', value: acceptanceUrls(tier).map(({ name, url }) => `${name}=${url}`).join(',') }],
      resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    }],
  };
}

/** The account of the Job, which owns it. */
function accountOf({ metadata }: V1Job): V1ServiceAccount {
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: metadata?.name ?? '', uid: metadata?.uid ?? '' };
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: NAME, namespace: SYSTEM_NAMESPACE, labels: LABELS, ownerReferences: [owner] } };
}

/** It may read the synced Secrets that it uses, each by its name, and nothing else. */
function accessOf(tier: Tier): (V1Role | V1RoleBinding)[] {
  const byNamespace = Map.groupBy(syncedSecrets(tier).filter(({ use }) => use !== 'none'), ({ namespace }: SyncedSecret) => namespace);
  return [...byNamespace].flatMap(([namespace, secrets]) => [
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: NAME, namespace, labels: LABELS }, rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: secrets.map(({ name }) => name), verbs: ['get'] }] },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: NAME, namespace, labels: LABELS },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: NAME }, subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: SYSTEM_NAMESPACE }],
    },
  ]);
}
