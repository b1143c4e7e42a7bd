// Protections as the API server and Route 53 hold them: each found with what becomes of it, taken off only as signed for, on record first (item 9; failures 2, 8, 21, 41).
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateHostedZoneCommand, CreateResourceRecordSetProtectionsCommand, ListResourceRecordSetProtectionsCommand, Route53Client } from '@aws-sdk/client-route-53';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { ApiException, type KubernetesObject, KubernetesObjectApi } from '@kubernetes/client-node';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, applicationRef } from '../../activities/argocd-applications.ts';
import { deleteApplications } from '../../activities/argocd-removal.ts';
import { readEntries } from '../../activities/audit.ts';
import { createClients } from '../../activities/clients.ts';
import type { Deciding } from '../../activities/contract.ts';
import { createZoneActivities } from '../../activities/index.ts';
import { type ClusterClient, withCluster } from '../../activities/kubernetes-client.ts';
import { kubernetesProtections } from '../../activities/kubernetes-protections.ts';
import { applyDefinitions, isDefinition } from '../../activities/kubernetes.ts';
import { loadManifest } from '../../activities/manifests.ts';
import { liftSubject } from '../../domain/protections.ts';
import { approvalOf, people, questionOf } from '../support/decisions.ts';
import { inActivity, RUN } from '../support/in-activity.ts';
import { runActivity, startTestCluster, type TestCluster } from '../support/kubernetes-cluster.ts';
import { startAws, type TestAws } from '../support/moto.ts';
import { environment, ephemeralPlan } from '../support/plans.ts';

const { keys, policy } = people();
const { target, versions } = ephemeralPlan('teardown');

describe('in the cluster', () => {
  let world: TestCluster;
  let objects: KubernetesObjectApi;
  const inCluster = <Out>(use: (cluster: ClusterClient) => Promise<Out>) => runActivity(() => withCluster(world.deps, target, use), undefined);
  const found = () => inCluster(async (cluster) => (await kubernetesProtections(cluster)).map(({ protection: { kind, what, willDo } }) => `${kind}: ${what.split(':')[0] ?? ''}; ${willDo}`).toSorted());

  beforeAll(async () => {
    world = await startTestCluster({ nodes: 0 });
    objects = world.config.makeApiClient(KubernetesObjectApi);
    const [file] = versions.manifests.argocd.files;
    const argocd = await loadManifest({ version: '', files: file === undefined ? [] : [file] }, { mirror: world.deps.manifestMirror, signal: AbortSignal.timeout(10_000) });
    await inCluster((cluster) => applyDefinitions(cluster, argocd.filter(isDefinition)));
    await inCluster((cluster) => applyDefinitions(cluster, [definition('IngressClassParams', 'ingressclassparams')]));
    for (const object of OBJECTS) await created(object);
  });
  afterAll(() => world.stop());

  /** A new kind's storage answers 429 for a moment. */
  async function created(object: object): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await objects.create(object);
        return;
      } catch (error) {
        if (!(error instanceof ApiException) || error.code !== 429 || attempt === 30) throw error;
        await sleep(1_000);
      }
    }
  }

  it('failures 2, 21: each protection is found, with what becomes of it; the rest is none', async () => {
    expect(await found()).toEqual([
      'application-not-cascading: application loose has no finalizer by which its deletion takes its objects along; gets the finalizer when GitOps is frozen, before anything is deleted',
      'argocd-confirmation: Argo CD asks for confirmation before it deletes application kept, for Namespace default; confirmed to Argo CD when the application is deleted',
      'argocd-kept: Application argocd/child has Delete=false; deleted by the run itself, by name',
      'argocd-kept: ConfigMap default/settings has helm.sh/resource-policy; goes with the cluster',
      'argocd-kept: Ingress default/alb has Delete=false; deleted by the run itself with the other DNS sources, before the DNS gate',
      'argocd-kept: PersistentVolumeClaim default/data has Delete=false; deleted by the run itself with the other volumes, after the DNS gate',
      'argocd-kept: every object of application loose has Delete=false; deleted by the run itself where it is a DNS source or a volume; else it goes with the cluster',
      'argocd-unpruned: PersistentVolumeClaim default/data has Prune=false; goes with its application all the same',
      'load-balancer-setting: Ingress default/alb asks for deletion_protection.enabled in annotation alb.ingress.kubernetes.io/load-balancer-attributes; set to false, once GitOps is frozen and cannot put it back',
      'load-balancer-setting: IngressClassParams protected asks for deletion_protection.enabled in spec.loadBalancerAttributes; set to false, once GitOps is frozen and cannot put it back',
      'load-balancer-setting: Service default/nlb asks for deletion_protection.enabled in annotation service.beta.kubernetes.io/aws-load-balancer-attributes; set to false, once GitOps is frozen and cannot put it back',
    ].map((line) => line.replace(/(argocd-unpruned.*)$/, '$1: deleting an application is no pruning')));
  });

  it('failure 21: lifting changes the one attribute and nothing beside it', async () => {
    const request = questionOf(ephemeralPlan('teardown'), { decisions: ['lift', 'abort'] });
    await inCluster(async (cluster) => {
      for (const { protection, lift } of await kubernetesProtections(cluster)) if (protection.needsApproval) await lift?.({ request });
    });
    const read = (apiVersion: string, kind: string, name: string, namespace?: string) => inCluster((cluster) => cluster.read<KubernetesObject & { spec?: unknown }>({ apiVersion, kind, name, namespace }));
    expect((await read('v1', 'Service', 'nlb', 'default'))?.metadata?.annotations).toEqual({ 'service.beta.kubernetes.io/aws-load-balancer-attributes': 'load_balancing.cross_zone.enabled=true,deletion_protection.enabled=false', other: 'stays' });
    expect((await read('elbv2.k8s.aws/v1beta1', 'IngressClassParams', 'protected'))?.spec).toEqual({ group: { name: 'one' }, loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '60' }, { key: 'deletion_protection.enabled', value: 'false' }] });
    expect((await found()).filter((line) => /^(load-balancer-setting|argocd-confirmation)/.test(line))).toEqual([]);
  });

  it('B1: a deletion that was decided on is confirmed to Argo CD, no earlier than it was asked for, and once', async () => {
    expect(await inCluster((cluster) => deleteApplications(cluster, ['kept']))).toEqual(['application kept is being deleted', expect.stringMatching(/^application kept: its deletion is confirmed to Argo CD, by decision \w+$/)]);
    const { metadata } = (await inCluster((cluster) => cluster.read<Application>(applicationRef('kept')))) ?? {};
    expect(metadata?.annotations?.['argocd.argoproj.io/deletion-approved']).toBe(new Date(metadata?.deletionTimestamp ?? '').toISOString());
    expect(await inCluster((cluster) => deleteApplications(cluster, ['kept']))).toEqual([]);
  });
});

const OPTIONS = 'argocd.argoproj.io/sync-options';
const CASCADE = ['resources-finalizer.argocd.argoproj.io'];
const resource = (group: string, version: string, kind: string, name: string, namespace?: string) => ({ group, version, kind, name, ...(namespace === undefined ? {} : { namespace }) });

function application(name: string, { finalizers = CASCADE, syncOptions = [] as string[], resources = [] as object[], annotations = {} } = {}) {
  const spec = { project: 'default', destination: { name: 'in-cluster' }, source: { repoURL: 'https://example.org/x.git' }, syncPolicy: { syncOptions } };
  return { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name, namespace: 'argocd', finalizers, annotations }, spec, status: { resources } };
}

const OBJECTS: object[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } },
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'nlb', namespace: 'default', annotations: { 'service.beta.kubernetes.io/aws-load-balancer-attributes': 'load_balancing.cross_zone.enabled=true,deletion_protection.enabled=true', other: 'stays' } }, spec: { ports: [{ port: 80 }] } },
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'open', namespace: 'default', annotations: { 'service.beta.kubernetes.io/aws-load-balancer-attributes': 'deletion_protection.enabled=false', [OPTIONS]: 'Delete=false' } }, spec: { ports: [{ port: 80 }] } }, // of no application: Argo CD never deletes it
  { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'alb', namespace: 'default', annotations: { 'alb.ingress.kubernetes.io/load-balancer-attributes': 'deletion_protection.enabled=true', [OPTIONS]: 'Delete=false' } }, spec: { defaultBackend: { service: { name: 'open', port: { number: 80 } } } } },
  { apiVersion: 'elbv2.k8s.aws/v1beta1', kind: 'IngressClassParams', metadata: { name: 'protected' }, spec: { group: { name: 'one' }, loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '60' }, { key: 'deletion_protection.enabled', value: 'true' }] } },
  { apiVersion: 'elbv2.k8s.aws/v1beta1', kind: 'IngressClassParams', metadata: { name: 'open' }, spec: {} },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default', annotations: { 'helm.sh/resource-policy': 'keep' } } },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default', annotations: { [OPTIONS]: 'Prune=false, Delete=false' } }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  // It covers no pod, and so blocks none.
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'none', namespace: 'default' }, spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'none' } } } },
  application('child', { annotations: { [OPTIONS]: 'Delete=false' } }),
  application('loose', { finalizers: [], syncOptions: ['CreateNamespace=true', 'Delete=false'] }),
  application('kept', {
    resources: [
      { ...resource('', 'v1', 'Namespace', 'default'), requiresDeletionConfirmation: true }, resource('networking.k8s.io', 'v1', 'Ingress', 'alb', 'default'), resource('', 'v1', 'ConfigMap', 'settings', 'default'),
      resource('', 'v1', 'PersistentVolumeClaim', 'data', 'default'), resource('argoproj.io', 'v1alpha1', 'Application', 'child', 'argocd'), resource('gone.example.org', 'v1', 'Gone', 'gone', 'default'),
    ],
  }),
];

function definition(kind: string, plural: string) {
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', x_kubernetes_preserve_unknown_fields: true } } } };
  return { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.elbv2.k8s.aws` }, spec: { group: 'elbv2.k8s.aws', scope: 'Cluster', names: { kind, plural, singular: plural }, versions: [{ name: 'v1beta1', served: true, storage: true, schema }] } };
}

describe('in Route 53', () => {
  let aws: TestAws;
  let clients: ReturnType<typeof createClients>;
  let zone: ReturnType<typeof createZoneActivities>;
  let plan = ephemeralPlan('teardown');
  const SUFFIX = 'b-21-11-26-01.dev.goldenpathidp.io';
  const protect = (...names: string[]) => clients.route53.send(new CreateResourceRecordSetProtectionsCommand({ HostedZoneId: plan.target.hostedZoneId, Protections: names.map((RecordName) => ({ RecordName, RecordType: 'A' })) }));
  const held = async () => (await clients.route53.send(new ListResourceRecordSetProtectionsCommand({ HostedZoneId: plan.target.hostedZoneId }))).ResourceRecordSetProtections?.map(({ RecordName }) => RecordName);
  const trail = () => readEntries(clients.s3, plan.registry, { ...plan.target, runId: RUN.runId }, ['lift']);

  beforeAll(async () => {
    aws = await startAws({ timeScale: 300 });
    process.env['AWS_ENDPOINT_URL'] = aws.gateway.url;
    process.env['AWS_ACCESS_KEY_ID'] = aws.client.credentials.accessKeyId;
    process.env['AWS_SECRET_ACCESS_KEY'] = aws.client.credentials.secretAccessKey;
    clients = createClients('eu-west-2');
    await new S3Client({ ...aws.client, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'goldenpath-dev-registry', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
    const { HostedZone } = await new Route53Client(aws.client).send(new CreateHostedZoneCommand({ Name: 'dev.goldenpathidp.io', CallerReference: '1' }));
    plan = ephemeralPlan('teardown', '21-11-26-01', { dns: { ...environment().dns, hostedZoneId: (HostedZone?.Id ?? '').replace('/hostedzone/', '') }, breakGlass: policy() });
    zone = inActivity(createZoneActivities(clients));
  });
  afterAll(() => aws.stop());

  async function decided(decision: 'lift' | 'abort' = 'lift'): Promise<Deciding> {
    const request = questionOf(plan, { gate: 'inventory', decisions: ['lift', 'abort'], subject: liftSubject(await zone.listRecordProtections({ target: plan.target })) });
    return { target: plan.target, request, approvals: [await approvalOf(keys, request, 'alice', decision)], breakGlass: plan.breakGlass, registry: plan.registry, planHash: plan.hash };
  }
  async function failure(call: Promise<unknown>): Promise<string | null | undefined> {
    const error: unknown = await call.then(() => new Error('it did not fail'), (reason: unknown) => reason);
    if (error instanceof ApplicationFailure) return error.type;
    throw error;
  }

  it('failure 41: the platform’s protections are listed, in all their pages; a neighbour’s are not', async () => {
    const many = Array.from({ length: 305 }, (_, index) => `h${String(index).padStart(3, '0')}.${SUFFIX}`);
    for (let at = 0; at < many.length; at += 100) await protect(...many.slice(at, at + 100));
    await protect('www.dev.goldenpathidp.io', `*.apps.${SUFFIX}`);
    const found = await zone.listRecordProtections({ target: plan.target });
    expect(found).toHaveLength(306);
    expect(found.map(({ what }) => what)).toContain(`Route 53 protects every record set *.apps.${SUFFIX} A`);
  });

  it('B1: without a decision to lift, or with one too many, nothing is lifted', async () => {
    expect(await failure(zone.liftRecordProtections(await decided('abort')))).toBe('ProofMissing');
    const input = await decided();
    await protect(`late.${SUFFIX}`);
    expect(await failure(zone.liftRecordProtections(input))).toBe('PreflightFailed');
    expect((await zone.listRecordProtections({ target: plan.target }))).toHaveLength(307);
    expect(await trail()).toEqual([]);
  });

  it('B2: what cannot be put on record is not lifted', async () => {
    aws.gateway.faults.add({ service: 's3', operation: 'PutObject', answer: 503 });
    expect(await failure(zone.liftRecordProtections(await decided()))).toBe('Unavailable');
    aws.gateway.faults.clear();
    expect((await zone.listRecordProtections({ target: plan.target }))).toHaveLength(307);
  });

  it('failure 41: all that were decided on go, however many; an attempt whose answer was lost is finished by the next', async () => {
    const input = await decided();
    // Done, and the answer lost: the SDK sends the batch again, and Route 53 knows none of it.
    aws.gateway.faults.add({ service: 'route53', operation: 'DeleteResourceRecordSetProtections', nth: 1, answer: 'reset-after' });
    expect(await failure(zone.liftRecordProtections(input))).toBe('Conflict');
    expect(await zone.liftRecordProtections(input)).toHaveLength(207);
    aws.gateway.faults.clear();
    expect(await held()).toEqual(['www.dev.goldenpathidp.io.']);
    expect(await zone.liftRecordProtections(input)).toEqual([]);
    const [entry] = await trail();
    expect(entry).toMatchObject({ kind: 'lift', activity: 'liftRecordProtections', protections: input.request.subject });
  });
});
