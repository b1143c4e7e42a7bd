// What a gate and a drain read and remove, against a real control plane and the lab's IAM (T2, T3, D1, failures 1, 10, 12, 13, 36).
import { DeleteRolePolicyCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { AppsV1Api, CoreV1Api, CustomObjectsApi, KubernetesObjectApi, NetworkingV1Api, PatchStrategy } from '@kubernetes/client-node';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClients } from '../../activities/clients.ts';
import { roleActivities } from '../../activities/iam.ts';
import { createKubernetesActivities } from '../../activities/kubernetes-activities.ts';
import { openCluster, withCluster } from '../../activities/kubernetes-client.ts';
import { loadManifest } from '../../activities/manifests.ts';
import { componentsUpTo } from '../../domain/components.ts';
import type { CheckResult } from '../../domain/foundation.ts';
import { seedAdmin } from '../../lab/aws/admin.ts';
import { freePort } from '../../lab/ports.ts';
import { runActivity, startTestCluster, type TestCluster } from '../support/kubernetes-cluster.ts';
import { startAws, type TestAws } from '../support/moto.ts';
import { permitted } from '../support/permits.ts';
import { ephemeralPlan } from '../support/plans.ts';

const plan = ephemeralPlan();
const { target, versions } = plan;
const SUFFIX = 'b-21-11-26-01.dev.goldenpathidp.io';
const ROLE = 'goldenpath-dev-eks-21-11-26-01-external-dns';
const ROLE_ARN = `arn:aws:iam::111122223333:role/${ROLE}`;
let aws: TestAws;
let world: TestCluster;
let clients: ReturnType<typeof createClients>;
let activities: ReturnType<typeof createKubernetesActivities>;
let core: CoreV1Api;
let objects: KubernetesObjectApi;

beforeAll(async () => {
  aws = await startAws();
  const admin = await seedAdmin(aws.gateway.world);
  process.env['AWS_ENDPOINT_URL'] = aws.gateway.url;
  process.env['AWS_ACCESS_KEY_ID'] = admin.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = admin.secretAccessKey;
  clients = createClients(target.region);
  world = await startTestCluster({ iam: clients.iam });
  activities = createKubernetesActivities(world.deps);
  core = world.config.makeApiClient(CoreV1Api);
  objects = world.config.makeApiClient(KubernetesObjectApi);
});

afterAll(async () => {
  await world.stop();
  await aws.stop();
});

const create = (object: object) => objects.create(object);
const failed = (checks: CheckResult[]) => checks.filter(({ ok }) => !ok).map(({ id, found }) => `${id}: ${found}`);
const preflight = async (tier: '1' | '1.5', desiredNodes = 2) => failed(await world.run(activities.preflightTier, { target, tier, desiredNodes }));
const setStatus = (object: object) => objects.patch(object, undefined, undefined, 'test', undefined, PatchStrategy.MergePatch);

describe('preflights', () => {
  it('T2: without roles and with too few nodes tier 1 is refused, everything named at once', async () => {
    const problems = await preflight('1', 3);
    expect(problems).toEqual(['nodes: 2 of 3 nodes have joined', expect.stringContaining(`role ${ROLE} does not exist`) as string, 'dns-scope: may not change a host of the platform; may not change a wildcard of the platform']);
  });

  it('T2, D1: with the roles of iam/ in place tier 1 may be raised', async () => {
    await roleActivities(clients).ensureIrsaRoles({ target, oidcIssuer: 'https://oidc.eks.eu-west-2.amazonaws.com/id/ABC', secrets: plan.secrets });
    expect(await preflight('1')).toEqual([]);
    expect(await preflight('1', 3)).toEqual(['nodes: 2 of 3 nodes have joined']);
  });

  it('D1: a role that could write the base name or a neighbour is refused', async () => {
    const policy = (names: string[]) => clients.iam.send(new PutRolePolicyCommand({ RoleName: ROLE, PolicyName: 'more', PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'route53:ChangeResourceRecordSets', Resource: '*', Condition: { 'ForAllValues:StringLike': { 'route53:ChangeResourceRecordSetsNormalizedRecordNames': names } } }] }) }));
    await policy(['*.dev.goldenpathidp.io']);
    expect(await preflight('1')).toEqual([expect.stringContaining('dns-scope: may change the name xb-21-11-26-01.dev.goldenpathidp.io; may change the name kong.b-00-00-00-00.dev.goldenpathidp.io; may change the name kong.dev.goldenpathidp.io') as string]);
    await policy(['dev.goldenpathidp.io']);
    expect(await preflight('1')).toEqual(['dns-scope: may change the name dev.goldenpathidp.io']);
    await clients.iam.send(new DeleteRolePolicyCommand({ RoleName: ROLE, PolicyName: 'more' }));
    expect(await preflight('1')).toEqual([]);
  });

  it('T2: tier 1.5 wants one default StorageClass whose driver is registered', async () => {
    expect(await preflight('1.5')).toEqual(['storage: no StorageClass is the default']);
    await world.run(activities.applyPrerequisites, { target, manifests: versions.manifests });
    expect(await preflight('1.5')).toEqual(['storage: the driver ebs.csi.aws.com of StorageClass gp3 is not registered']);
    await create({ apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: 'ebs.csi.aws.com' }, spec: { attachRequired: true } });
    expect(await preflight('1.5')).toEqual([]);
  });
});

describe('ExternalDNS before a drain', () => {
  it('failure 13: absence is told as absence, arguments and environment as flags, the role by IAM', async () => {
    expect(await world.run(activities.readExternalDns, { target })).toEqual({ state: {}, expectedRoleArn: ROLE_ARN, roleProblems: [] });
    await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'external-dns' } });
    await create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'external-dns', namespace: 'external-dns', annotations: { 'eks.amazonaws.com/role-arn': ROLE_ARN } } });
    const container = { name: 'external-dns', image: 'example.org/not-run:1', args: ['--policy=sync', `--domain-filter=${SUFFIX}`], env: [{ name: 'EXTERNAL_DNS_DRY_RUN', value: '1' }, { name: 'AWS_REGION', value: 'eu-west-2' }] };
    await create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'external-dns', namespace: 'external-dns' }, spec: { replicas: 1, selector: { matchLabels: { app: 'x' } }, template: { metadata: { labels: { app: 'x' } }, spec: { serviceAccountName: 'external-dns', containers: [container] } } } });
    await expect.poll(() => world.run(activities.readExternalDns, { target }), { timeout: 30_000 }).toEqual({
      state: { deployment: { args: ['--policy=sync', `--domain-filter=${SUFFIX}`, '--dry-run=1'], replicas: 1, available: 1, serviceAccountRoleArn: ROLE_ARN } },
      expectedRoleArn: ROLE_ARN,
      roleProblems: [],
    });
  });

  it('failure 13: a role that lost its policy cannot delete the records', async () => {
    await clients.iam.send(new DeleteRolePolicyCommand({ RoleName: ROLE, PolicyName: 'dns-scope' }));
    const { roleProblems } = await world.run(activities.readExternalDns, { target });
    const fix = `Fix: compare its policy with iam/external-dns.ts: aws iam list-role-policies --role-name ${ROLE}`;
    expect(roleProblems).toEqual([
      `the role ${ROLE_ARN} may not change a host of the platform (kong.${SUFFIX}, a-xdns.kong.${SUFFIX}) in zone ${target.hostedZoneId}. ${fix}`,
      `the role ${ROLE_ARN} may not change a wildcard of the platform (\\052.apps.${SUFFIX}, aaaa-xdns.wildcard.apps.${SUFFIX}) in zone ${target.hostedZoneId}. ${fix}`,
    ]);
  });
});

describe('acceptance', () => {
  const waiting = { target, startedAt: 0, wait: plan.timings.acceptance };
  const application = (name: string, health = 'Healthy') => ({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name, namespace: 'argocd' }, spec: { project: 'default', destination: { name: 'in-cluster' }, source: { repoURL: 'https://example.org/x.git' } }, status: { sync: { status: 'Synced', comparedTo: { destination: {}, source: { repoURL: 'https://example.org/x.git' } } }, health: { status: health } } });
  const problemsOf = (tier: '1' | '1.5') => world.run(activities.probeAcceptance, { ...waiting, tier }).then(() => [], (error: { type: string; details: [string[]] }) => [error.type, ...error.details[0]]);

  it('T3: tier 1 names everything that is missing, then gives the address to which the names must point', async () => {
    const [file] = versions.manifests.argocd.files;
    const definitions = (await loadManifest({ version: '', files: file === undefined ? [] : [file] }, { mirror: world.deps.manifestMirror, signal: AbortSignal.timeout(10_000) })).filter(({ kind }) => kind === 'CustomResourceDefinition');
    for (const definition of definitions) await objects.create(definition);
    // A new kind's storage answers 429 for a moment.
    await expect.poll(() => problemsOf('1'), { timeout: 10_000 }).toEqual(['NotReady', 'Argo CD applications: goldenpath does not exist', 'Ingress addresses: there is no Ingress of the platform', 'ClusterSecretStore: there is no ClusterSecretStore of the platform', 'Certificates: there is no Certificate of the platform']);

    for (const name of ['goldenpath', ...componentsUpTo('1', 'ephemeral').map((component) => component.name)]) await create(application(name, name === 'kong' ? 'Degraded' : 'Healthy'));
    const labels = { 'app.kubernetes.io/part-of': 'goldenpath' };
    await core.createNamespace({ body: { metadata: { name: 'kong' } } });
    await create({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'kong', namespace: 'kong', labels }, spec: { defaultBackend: { service: { name: 'x', port: { number: 80 } } }, rules: [{ host: `kong.${SUFFIX}` }] } });
    // A tenant's own, which never becomes ready, holds nothing up.
    await create({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'theirs', namespace: 'default', labels }, spec: { defaultBackend: { service: { name: 'x', port: { number: 80 } } } } });
    await create({ apiVersion: 'external-secrets.io/v1', kind: 'ClusterSecretStore', metadata: { name: 'theirs' }, spec: { provider: { aws: { service: 'SecretsManager', region: 'eu-west-2' } } } });
    await create({ apiVersion: 'external-secrets.io/v1', kind: 'ClusterSecretStore', metadata: { name: 'aws-secrets-manager', labels }, spec: { provider: { aws: { service: 'SecretsManager', region: 'eu-west-2' } } } });
    const certificates = { group: 'cert-manager.io', version: 'v1', plural: 'certificates', namespace: 'kong', name: 'platform' };
    const certified = (observedGeneration: number) => world.config.makeApiClient(CustomObjectsApi).patchNamespacedCustomObjectStatus({ ...certificates, body: [{ op: 'add', path: '/status', value: { conditions: [{ type: 'Ready', status: 'True', observedGeneration }] } }] });
    await create({ apiVersion: 'cert-manager.io/v1', kind: 'Certificate', metadata: { name: 'platform', namespace: 'kong', labels }, spec: { secretName: 'platform-tls', dnsNames: [`*.${SUFFIX}`], issuerRef: { kind: 'ClusterIssuer', name: 'letsencrypt' } } });
    await certified(0);
    expect(await problemsOf('1')).toEqual(['NotReady', 'Argo CD applications: kong is Synced, Degraded', 'Ingress addresses: without an address: Ingress kong/kong', 'ClusterSecretStore: ClusterSecretStore aws-secrets-manager is not Ready', 'Certificates: Certificate kong/platform was changed since it became Ready']);
    await certified(1);

    await setStatus(application('kong'));
    await world.config.makeApiClient(NetworkingV1Api).patchNamespacedIngressStatus({ name: 'kong', namespace: 'kong', body: [{ op: 'add', path: '/status', value: { loadBalancer: { ingress: [{ hostname: 'lb-1.example.org' }] } } }] });
    const stores = { group: 'external-secrets.io', version: 'v1', plural: 'clustersecretstores', name: 'aws-secrets-manager' };
    await world.config.makeApiClient(CustomObjectsApi).patchClusterCustomObjectStatus({ ...stores, body: [{ op: 'add', path: '/status', value: { conditions: [{ type: 'Ready', status: 'True' }] } }] });
    const { checks, ingressAddress } = await world.run(activities.probeAcceptance, { ...waiting, tier: '1' });
    expect(ingressAddress).toBe('lb-1.example.org');
    expect(checks.map(({ id, ok, found }) => `${id} ${ok}: ${found}`)).toEqual([
      'applications true: 7 Synced and Healthy', 'ingress true: 1 Ingresses at lb-1.example.org', 'secret-store true: ClusterSecretStore aws-secrets-manager Ready', 'certificates true: Certificate kong/platform Ready', 'external-dns true: 1 replicas available',
    ]);
    await world.config.makeApiClient(NetworkingV1Api).deleteNamespacedIngress({ name: 'theirs', namespace: 'default' });
  });

  it('T3: tier 1.5 wants Prometheus with its volume and Grafana with its login', async () => {
    const problems = await problemsOf('1.5');
    expect(problems).toEqual(['NotReady', 'Prometheus: its Deployment does not exist', "Prometheus's volume: its claim is absent", 'Grafana: its Deployment does not exist', "Grafana's login: ExternalSecret monitoring/grafana-admin does not exist; Secret monitoring/grafana-admin does not exist"]);
  });
});

describe('DNS sources', () => {
  const service = (name: string, type: string, annotations = {}) => create({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default', annotations }, spec: { type, ports: [{ port: 80 }] } });

  it('failures 1, 12: sources are found by what they are, in groups that the cluster serves', async () => {
    await service('public', 'LoadBalancer');
    await service('named', 'ClusterIP', { 'external-dns.alpha.kubernetes.io/hostname': `x.${SUFFIX}` });
    await service('plain', 'ClusterIP');
    await create({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'dnsendpoints.externaldns.k8s.io', annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/external-dns/pull/2007' } }, spec: { group: 'externaldns.k8s.io', scope: 'Namespaced', names: { plural: 'dnsendpoints', singular: 'dnsendpoint', kind: 'DNSEndpoint', listKind: 'DNSEndpointList' }, versions: [{ name: 'v1alpha1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }] } });
    await expect.poll(() => create({ apiVersion: 'externaldns.k8s.io/v1alpha1', kind: 'DNSEndpoint', metadata: { name: 'extra', namespace: 'default' } }).then(() => 'created', () => 'refused'), { timeout: 10_000 }).toBe('created');
    expect((await world.run(activities.listDnsSources, { target })).toSorted()).toEqual(['DNSEndpoint default/extra', 'Ingress kong/kong', 'Service default/named', 'Service default/public']);
  });

  it('failure 1: one that comes back is deleted again; two empty readings end the wait', async () => {
    expect((await world.run(activities.deleteDnsSources, { target })).length).toBe(4);
    const waiting = world.run(activities.awaitDnsSourcesGone, { target });
    await service('again', 'LoadBalancer');
    expect((await waiting).at(-1)).toBe('no DNS source in 4 readings in a row');
    expect(await world.run(activities.listDnsSources, { target })).toEqual([]);
    expect((await core.listNamespacedService({ namespace: 'default' })).items.map(({ metadata }) => metadata?.name)).toEqual(['kubernetes', 'plain']);
  });

  it('failure 20: a source that a finalizer holds is named when the time is over', async () => {
    await create({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'held', namespace: 'default', finalizers: ['ingress.k8s.aws/resources'] }, spec: { defaultBackend: { service: { name: 'x', port: { number: 80 } } } } });
    await world.run(activities.deleteDnsSources, { target });
    await expect(world.run(activities.awaitDnsSourcesGone, { target }, { startToCloseMs: 10_000 })).rejects.toMatchObject({ type: 'NotReady', message: 'the DNS sources to go: still waiting for Ingress default/held (finalizers ingress.k8s.aws/resources)' });
    const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 180_000, scheduleToCloseTimeoutMs: 0, heartbeatTimeoutMs: 20_000 });
    const waiting = environment.run(activities.awaitDnsSourcesGone, { target });
    setTimeout(() => { environment.cancel(); }, 500);
    await expect(waiting).rejects.toMatchObject({ name: 'CancelledFailure' });
    await world.config.makeApiClient(NetworkingV1Api).patchNamespacedIngress({ name: 'held', namespace: 'default', body: [{ op: 'remove', path: '/metadata/finalizers' }] });
    await world.run(activities.awaitDnsSourcesGone, { target });
  });
});

describe('a webhook without a backend', () => {
  it('failure 4: a webhook without a backend that refuses the deletion of a source is named; the source is none the less there', async () => {
    const rules = [{ apiGroups: ['networking.k8s.io'], apiVersions: ['v1'], operations: ['DELETE'], resources: ['ingresses'] }];
    const webhook = { name: 'dead.example.org', admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Fail', clientConfig: { service: { name: 'gone', namespace: 'default' } }, rules };
    const configuration = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'dead' } };
    await create({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'guarded', namespace: 'default' }, spec: { defaultBackend: { service: { name: 'x', port: { number: 80 } } } } });
    await create({ ...configuration, webhooks: [webhook] });
    const refusal = () => world.run(activities.deleteDnsSources, { target }).then(() => undefined, (error: Error) => error);
    await expect.poll(refusal, { timeout: 20_000 }).toMatchObject({ type: 'Unavailable', message: expect.stringContaining('failed calling webhook "dead.example.org"') as string });
    expect(await world.run(activities.listDnsSources, { target })).toEqual(['Ingress default/guarded']);
    await objects.delete(configuration);
    await expect.poll(refusal, { timeout: 20_000 }).toBeUndefined();
    await world.run(activities.awaitDnsSourcesGone, { target });
  });
});

describe('volumes', () => {
  const volume = (name: string, claim: string, policy: string) => ({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'gp3', persistentVolumeReclaimPolicy: policy, csi: { driver: 'ebs.csi.aws.com', volumeHandle: `vol-${name}` }, claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: claim, namespace: 'default' } } });
  const permit = () => permitted(plan);

  it('failure 10: what runs on a claim goes first, then the claim, then its driver takes the disk; a retained one is named', async () => {
    const template = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'gp3', resources: { requests: { storage: '1Gi' } } } };
    for (const [name, claim, policy] of [['one', 'data-db-0', 'Delete'], ['kept', 'kept', 'Retain']] as const) await create(volume(name, claim, policy));
    await create({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'kept', namespace: 'default' }, spec: { ...template.spec, volumeName: 'kept' } });
    await create({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'default' }, spec: { replicas: 1, serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'db', image: 'example.org/db:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] } }, volumeClaimTemplates: [template] } });
    await expect.poll(async () => (await core.listNamespacedPod({ namespace: 'default' })).items.map(({ status }) => status?.phase), { timeout: 30_000 }).toEqual(['Running']);
    // The driver's own work: it takes a released volume away once its disk is gone.
    const driver = setInterval(() => void core.readPersistentVolume({ name: 'one' }).then(({ status }) => (status?.phase === 'Released' ? core.deletePersistentVolume({ name: 'one' }) : undefined), () => undefined), 300);
    const { done: lines, kept } = await world.run(activities.deleteVolumes, permit());
    clearInterval(driver);
    expect(lines).toContain('StatefulSet default/db, which runs on PersistentVolumeClaim default/data-db-0, is being deleted');
    expect(lines).toContain('PersistentVolume kept keeps its disk vol-kept: its reclaim policy is Retain');
    expect(kept).toEqual([{ kind: 'ec2:volume', id: 'vol-kept', name: 'kept', why: 'the reclaim policy of its PersistentVolume kept is Retain: its data is kept on purpose' }]);
    expect(lines.at(-1)).toBe('no claim of a cloud volume and no volume to reclaim is left');
    expect((await core.listPersistentVolumeClaimForAllNamespaces()).items).toEqual([]);
    expect((await core.listPersistentVolume()).items.map(({ metadata }) => metadata?.name)).toEqual(['kept']);
    await expect.poll(async () => (await world.config.makeApiClient(AppsV1Api).listStatefulSetForAllNamespaces()).items.length, { timeout: 10_000 }).toBe(0);
  });
});

describe('the client', () => {
  const opened = async (token: string, mint: () => Promise<string>, endpoint = world.cluster.endpoint) => openCluster({ endpoint, caPem: world.cluster.caPem, token }, mint, new AbortController().signal);

  it('failure 29: a token that is not accepted is minted anew once', async () => {
    const good = world.config.getCurrentUser()?.token ?? '';
    let minted = 0;
    const mended = await opened('k8s-aws-v1.stale', () => { minted += 1; return Promise.resolve(good); });
    expect(await mended.version()).toBe('v1.36.3');
    expect(minted).toBe(1);
    const refused = await opened('k8s-aws-v1.stale', () => Promise.resolve('k8s-aws-v1.stale-too'));
    await expect(refused.version()).rejects.toMatchObject({ type: 'AccessDenied' });
    await Promise.all([mended.close(), refused.close()]);
  });

  it('failure 36: no answer, an absent group and an absent kind are never an absent object', async () => {
    const dead = await opened('x', () => Promise.resolve('x'), `https://127.0.0.1:${await freePort()}`);
    await expect(dead.read({ apiVersion: 'v1', kind: 'Namespace', name: 'argocd' })).rejects.toMatchObject({ type: 'KubernetesUnavailable', message: 'Kubernetes API: no answer (ECONNREFUSED)' });
    await dead.close();
    const read = (apiVersion: string, kind: string) => runActivity(() => withCluster(world.deps, target, (cluster) => cluster.read({ apiVersion, kind, name: 'x', namespace: 'default' })), undefined);
    await expect(read('gateway.networking.k8s.io/v1', 'Gateway')).rejects.toMatchObject({ type: 'Unavailable' });
    await expect(read('apps/v1', 'Gateway')).rejects.toMatchObject({ type: 'Unavailable', message: 'Kubernetes API: Unrecognized API version and kind: apps/v1 Gateway' });
    expect(await read('apps/v1', 'Deployment')).toBeUndefined();
  });
});
