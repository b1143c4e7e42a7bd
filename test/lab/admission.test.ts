// The admission policies on a real API server: the check's verdicts on the corpus, and what a tenant tries (G1, D1, A4, D2).
import { ApiException, CoreV1Api, KubeConfig, type KubernetesObject, KubernetesObjectApi, PatchStrategy, RbacAuthorizationV1Api, type V1CustomResourceDefinition } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyAdmissionPolicies } from '../../activities/admission.ts';
import { applyDefinitions } from '../../activities/kubernetes.ts';
import { type ClusterClient, withCluster } from '../../activities/kubernetes-client.ts';
import { isNotFound, statusOf } from '../../activities/kubernetes-errors.ts';
import { admissionPolicies } from '../../domain/manifests/admission.ts';
import { CERTIFICATE_REQUEST_PLACE, NAME_PLACES, SECRET_PLACE } from '../../domain/manifests/places.ts';
import { breaches } from '../../domain/manifests/rules.ts';
import type { Lifecycle } from '../../domain/tiers.ts';
import { corpusObjects, scopeOf } from '../support/corpus.ts';
import { startTestCluster, type TestCluster } from '../support/kubernetes-cluster.ts';
import { eventually } from '../support/lab.ts';
import { ephemeralPlan, versions } from '../support/plans.ts';

const SUFFIX = 'b-21-11-26-01.dev.goldenpathidp.io';
const { repository, digest } = versions().images['kong'] ?? { repository: '', digest: '' };
const PINNED = `${repository}@${digest}`;
const WAIT = { timeout: 30_000, interval: 200 };
/** An object as a person writes it. */
interface Given {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; finalizers?: string[] };
  [field: string]: unknown;
}

let world: TestCluster;
let admin: KubernetesObjectApi;

beforeAll(async () => {
  world = await startTestCluster({ nodes: 1 });
  await inCluster((cluster) => applyDefinitions(cluster, definitions()));
  admin = world.config.makeApiClient(KubernetesObjectApi);
  const core = world.config.makeApiClient(CoreV1Api);
  for (const name of ['argocd', 'backstage', 'cert-manager', 'external-dns', 'grafana', 'keycloak', 'kong', 'monitoring', 'team-a']) await core.createNamespace({ body: { metadata: { name } } });
  await world.config.makeApiClient(RbacAuthorizationV1Api).createClusterRoleBinding({ body: { metadata: { name: 'cert-manager' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' }, subjects: [{ kind: 'ServiceAccount', name: 'cert-manager', namespace: 'cert-manager' }] } });
  for (const namespace of ['default', 'kube-system', 'argocd', 'team-a']) await eventually(`service account ${namespace}/default`, 60, () => core.readNamespacedServiceAccount({ name: 'default', namespace }).catch(notFound));
  for (const object of [ingress('old', ['old.dev.goldenpathidp.io']), deployment('old', 'nginx:1'), application('old'), brought('old', [FOREIGN], [{ find: PATTERN }])]) await admin.create(object);
});

afterAll(async () => {
  await world.stop();
});

/** Kinds that this API server does not know by itself, with any content. */
function definitions(): V1CustomResourceDefinition[] {
  const kinds = [...[...NAME_PLACES, CERTIFICATE_REQUEST_PLACE, SECRET_PLACE].flatMap((place) => place.kinds), { group: 'argoproj.io', kind: 'Application', resources: ['applications'] }].filter(({ group }) => group !== '' && group !== 'networking.k8s.io');
  const version = (group: string) => ({ 'gateway.networking.k8s.io': 'v1', 'external-secrets.io': 'v1', 'cert-manager.io': 'v1', 'acme.cert-manager.io': 'v1' })[group] ?? 'v1alpha1';
  return kinds.map(({ group, kind, resources: [plural = ''] }) => ({
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, annotations: { 'api-approved.kubernetes.io': 'unapproved, a test' } },
    spec: { group, scope: 'Namespaced', names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` }, versions: [{ name: version(group), served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', x_kubernetes_preserve_unknown_fields: true } } }] },
  }));
}

function ingress(name: string, hosts: string[]): Given {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, namespace: 'team-a' }, spec: { rules: hosts.map((host) => ({ host })) } };
}

function deployment(name: string, image: string): Given {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'team-a' }, spec: { selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image }] } } } };
}

function application(name: string, labels: Record<string, string> = {}): Given {
  return { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name, namespace: 'argocd', labels }, spec: { project: 'default' } };
}

const FOREIGN = 'goldenpath/dev/keycloak/admin';
/** Tags in two orders are the same pattern. */
const PATTERN = { name: { regexp: 'admin' }, tags: { a: '1', b: '2', c: '3' } };
function brought(name: string, keys: string[], dataFrom: object[] = []): Given {
  return { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name, namespace: 'team-a' }, spec: { secretStoreRef: { kind: 'ClusterSecretStore', name: 'aws-secrets-manager' }, data: keys.map((key, index) => ({ secretKey: `key-${index}`, remoteRef: { key, property: 'password' } })), dataFrom } };
}

/** The API as somebody else, or as the administrator in somebody's name. */
function as(user: { name: string; token?: string; impersonateUser?: string }): KubernetesObjectApi {
  const [config, cluster, self] = [new KubeConfig(), world.config.getCurrentCluster(), world.config.getCurrentUser()];
  if (cluster === null || self === null) throw new TypeError('the test cluster has no configuration');
  config.loadFromClusterAndUser(cluster, user.token === undefined ? { ...self, ...user } : user);
  return config.makeApiClient(KubernetesObjectApi);
}

function notFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

function conflict(error: unknown): undefined {
  if (!(error instanceof ApiException) || error.code !== 409) throw error;
}

const inCluster = <Out>(use: (cluster: ClusterClient) => Promise<Out>) => world.run(() => withCluster(world.deps, ephemeralPlan().target, use), {});
const apply = (lifecycle: Lifecycle) => inCluster((cluster) => applyAdmissionPolicies(cluster, scopeOf(lifecycle)));
/** A merge patch that is tried and not kept. */
const trial = (object: Given) => admin.patch(object, undefined, 'All', 'test', undefined, PatchStrategy.MergePatch);

/** `accepted`, or the rule by which one of the policies refused; any other answer is a failure of the test. */
async function verdict(ask: () => Promise<unknown>): Promise<string> {
  try {
    await ask();
    return 'accepted';
  } catch (error) {
    const message = statusOf(error)?.message ?? '';
    const [, rule] = /ValidatingAdmissionPolicy 'goldenpath-[a-z-]+' with binding 'goldenpath-[a-z-]+' denied request: ([a-z-]+) \([A-Z]\d\): /.exec(message) ?? [];
    if (rule === undefined || !(error instanceof ApiException) || error.code !== 422) throw error;
    return rule;
  }
}

/** Objects of the corpus about which admission says something else than the check; of several rules that are broken it names one. */
async function disagreements(lifecycle: Lifecycle): Promise<object[]> {
  const found: object[] = [];
  for (const { name, object } of corpusObjects().filter((each) => each.lifecycle === lifecycle)) {
    const check = breaches(object, scopeOf(lifecycle)).map(({ rule }) => rule);
    const admission = await verdict(() => admin.create(object, undefined, 'All'));
    const agreed = check.length === 0 ? admission === 'accepted' : check.some((rule) => rule === admission);
    if (!agreed) found.push({ name, check, admission });
  }
  return found;
}

describe('an ephemeral platform', () => {
  it('G1: the policies are enforced when their activity ends, and again change nothing', async () => {
    const lines = await apply('ephemeral');
    expect(lines).toEqual([`13 admission policies hold names to ${SUFFIX}, tiers to 1.5, images to the version manifest`]);
    expect(await apply('ephemeral')).toEqual(lines);
  });

  it('G1: the API server finds no fault in their expressions', async () => {
    interface Checked extends KubernetesObject { status?: { observedGeneration?: number; typeChecking?: { expressionWarnings?: unknown[] } } }
    for (const { policy } of admissionPolicies(scopeOf('ephemeral'))) {
      const read = () => admin.read<Checked>({ apiVersion: policy.apiVersion, kind: policy.kind, metadata: { name: policy.metadata.name } });
      await expect.poll(async () => (await read()).status?.observedGeneration, WAIT).toBeGreaterThan(0);
      expect([policy.metadata.name, (await read()).status?.typeChecking?.expressionWarnings ?? []]).toEqual([policy.metadata.name, []]);
    }
  });

  it('D1: admission and check give the same verdict on every object of the corpus', async () => { expect(await disagreements('ephemeral')).toEqual([]); });

  it('G1: a refusal says what was given, what is allowed and what to do', async () => {
    const refused = admin.create(ingress('base', ['shop.dev.goldenpathidp.io', `shop.${SUFFIX}`]), undefined, 'All');
    await expect(refused).rejects.toThrow(/given: shop\.dev\.goldenpathidp\.io; allowed: names below b-21-11-26-01\.dev\.goldenpathidp\.io, .*; derive the name from the host suffix/);
  });

  it('G1: what was there before the guards can still be labelled, ended and mended, and gets no worse', async () => {
    const old = { ...ingress('old', []), spec: {} };
    expect(await verdict(() => trial({ ...old, metadata: { ...old.metadata, labels: { a: 'b' }, finalizers: ['example.org/x'] }, spec: {} }))).toBe('accepted');
    expect(await verdict(() => trial(ingress('old', [`old.${SUFFIX}`])))).toBe('accepted');
    expect(await verdict(() => trial(ingress('old', ['old.dev.goldenpathidp.io', 'more.dev.goldenpathidp.io'])))).toBe('host-name');
    expect(await verdict(() => trial({ ...deployment('old', ''), spec: { replicas: 3 } }))).toBe('accepted');
    expect(await verdict(() => trial(deployment('old', 'nginx:2')))).toBe('image-digest');
    expect(await verdict(() => trial({ ...application('old'), status: { health: { status: 'Healthy' } } }))).toBe('accepted');
    expect(await verdict(() => trial(application('old', { 'goldenpath.idp/tier': '2' })))).toBe('application-tier');
    const secret = brought('old', [FOREIGN], [{ find: { ...PATTERN, tags: { c: '3', b: '2', a: '1' } } }]);
    expect(await verdict(() => trial({ ...secret, metadata: { ...secret.metadata, finalizers: ['example.org/x'] } }))).toBe('accepted');
    expect(await verdict(() => trial(brought('old', ['goldenpath/dev/team-a/postgres'])))).toBe('accepted');
    expect(await verdict(() => trial(brought('old', [FOREIGN, 'goldenpath/dev/oidc/clients'])))).toBe('secret-key');
    expect(await verdict(() => trial(brought('old', [FOREIGN], [{ find: { name: { regexp: 'postgres' } } }])))).toBe('secret-key');
  });

  it('G1: a debugging container is held to the version manifest', async () => {
    const core = world.config.makeApiClient(CoreV1Api);
    await core.createNamespacedPod({ namespace: 'team-a', body: { metadata: { name: 'pinned' }, spec: { containers: [{ name: 'main', image: PINNED }] } } });
    const debug = async (image: string) => {
      const pod = await core.readNamespacedPod({ name: 'pinned', namespace: 'team-a' });
      if (pod.spec !== undefined) pod.spec.ephemeralContainers = [{ name: 'debug', image }];
      await core.replaceNamespacedPodEphemeralcontainers({ name: 'pinned', namespace: 'team-a', dryRun: 'All', body: pod });
    };
    // The kubelet writes the pod's status at any moment: then the change was made to an older pod.
    const tried = (image: string) => eventually(`the verdict on ${image}`, 10, () => verdict(() => debug(image)).catch(conflict));
    expect(await tried('busybox')).toBe('image-digest');
    expect(await tried(PINNED)).toBe('accepted');
  });
});

describe('a tenant, who may edit everything in a namespace', () => {
  let tenant: KubernetesObjectApi;

  beforeAll(async () => {
    const [core, rbac] = [world.config.makeApiClient(CoreV1Api), world.config.makeApiClient(RbacAuthorizationV1Api)];
    await core.createNamespacedServiceAccount({ namespace: 'team-a', body: { metadata: { name: 'tenant' } } });
    await rbac.createNamespacedRoleBinding({ namespace: 'team-a', body: { metadata: { name: 'tenant' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' }, subjects: [{ kind: 'ServiceAccount', name: 'tenant', namespace: 'team-a' }] } });
    // The bundled role knows no kind of External Secrets or cert-manager; an operator who lets a team have secrets and certificates adds them.
    await rbac.createNamespacedRole({ namespace: 'team-a', body: { metadata: { name: 'secrets' }, rules: [{ apiGroups: ['external-secrets.io', 'cert-manager.io', 'acme.cert-manager.io'], resources: ['*'], verbs: ['*'] }] } });
    await rbac.createNamespacedRoleBinding({ namespace: 'team-a', body: { metadata: { name: 'secrets' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'secrets' }, subjects: [{ kind: 'ServiceAccount', name: 'tenant', namespace: 'team-a' }] } });
    const { status } = await core.createNamespacedServiceAccountToken({ name: 'tenant', namespace: 'team-a', body: { spec: { audiences: [] } } });
    tenant = as({ name: 'tenant', token: status?.token ?? '' });
  });

  it('D1: writes names of the platform, and neither the base name nor a neighbour’s', async () => {
    const asks = (host: string) => verdict(() => tenant.create(ingress('mine', [host]), undefined, 'All'));
    expect(await asks(`mine.${SUFFIX}`)).toBe('accepted');
    for (const host of ['mine.dev.goldenpathidp.io', '*.dev.goldenpathidp.io', 'mine.b-21-11-26-011.dev.goldenpathidp.io']) expect(await asks(host)).toBe('host-name');
  });

  it('D1: does not get a base name in by an update of what is being deleted', async () => {
    await tenant.create({ ...ingress('held', [`held.${SUFFIX}`]), metadata: { name: 'held', namespace: 'team-a', finalizers: ['example.org/held'] } });
    await tenant.delete({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'held', namespace: 'team-a' } });
    const patch = (object: Given) => tenant.patch(object, undefined, undefined, 'test', undefined, PatchStrategy.MergePatch);
    expect(await verdict(() => patch(ingress('held', ['dev.goldenpathidp.io'])))).toBe('host-name');
    expect(await verdict(() => patch({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'held', namespace: 'team-a', finalizers: [] } }))).toBe('accepted');
  });

  it('G1: runs only what the version manifest pins, whatever it is wrapped in', async () => {
    const asks = (object: KubernetesObject) => verdict(() => tenant.create(object, undefined, 'All'));
    expect(await asks(deployment('mine', PINNED))).toBe('accepted');
    expect(await asks(deployment('mine', `${repository}:latest`))).toBe('image-digest');
    expect(await asks({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'mine', namespace: 'team-a' }, spec: { containers: [{ name: 'main', image: 'busybox' }] } } as Given)).toBe('image-digest');
  });

  it('D2: runs no ExternalDNS of its own with other arguments, under whatever name', async () => {
    const { externalDns } = scopeOf('ephemeral');
    const own = deployment('innocent', `mirror.example.org/innocent@${externalDns.digest}`);
    expect(await verdict(() => tenant.create(own, undefined, 'All'))).toBe('external-dns-arguments');
  });

  it('G1: gets the secrets of the application of its namespace, and neither the platform’s nor a neighbour’s, whole or in halves', async () => {
    const asks = (object: Given) => verdict(() => tenant.create(object, undefined, 'All'));
    const store = (prefix: string): Given => ({ apiVersion: 'external-secrets.io/v1', kind: 'SecretStore', metadata: { name: 'mine', namespace: 'team-a' }, spec: { provider: { aws: { service: 'SecretsManager', region: 'eu-west-2', prefix } } } });
    expect(await asks(brought('mine', ['goldenpath/dev/team-a/postgres']))).toBe('accepted');
    for (const key of [FOREIGN, 'goldenpath/dev/orders/postgres', 'goldenpath/dev/team-ab/postgres', 'goldenpath/prod/team-a/postgres', `arn:aws:secretsmanager:eu-west-2:111122223333:secret:${FOREIGN}-AbC123`]) {
      expect(await asks(brought('mine', ['goldenpath/dev/team-a/postgres', key]))).toBe('secret-key');
      expect(await asks(brought('mine', [], [{ extract: { key } }]))).toBe('secret-key');
    }
    expect(await asks(brought('mine', [], [{ find: { name: { regexp: '.*' } } }]))).toBe('secret-key');
    for (const half of ['goldenpath/dev/keycloak/', 'golden', 'g']) expect(await asks(store(half))).toBe('secret-key');
    await tenant.create(brought('mine', ['goldenpath/dev/team-a/postgres']));
    expect(await verdict(() => tenant.patch(brought('mine', [FOREIGN]), undefined, 'All', 'test', undefined, PatchStrategy.MergePatch))).toBe('secret-key');
    const elsewhere = brought('mine', [FOREIGN]);
    await expect(tenant.create({ ...elsewhere, metadata: { ...elsewhere.metadata, namespace: 'keycloak' } }, undefined, 'All')).rejects.toMatchObject({ code: 403 });
    await expect(tenant.create(brought('mine', [FOREIGN]), undefined, 'All')).rejects.toThrow(/given: goldenpath\/dev\/keycloak\/admin; allowed: keys that begin with goldenpath\/dev\/\S+namespace of the object\S+\/, /);
  });

  it('D1: asks for no certificate but by a Certificate, whose names are judged; cert-manager makes the rest of it there', async () => {
    const request: Given = { apiVersion: 'cert-manager.io/v1', kind: 'CertificateRequest', metadata: { name: 'mine', namespace: 'team-a' }, spec: { request: 'bm90IHNpZ25lZA==', issuerRef: { name: 'letsencrypt', kind: 'ClusterIssuer' } } };
    const asked = [request, ...['Order', 'Challenge'].map((kind): Given => ({ ...request, apiVersion: 'acme.cert-manager.io/v1', kind }))];
    for (const object of asked) expect(await verdict(() => tenant.create(object, undefined, 'All'))).toBe('host-name');
    const maker = as({ name: 'cert-manager', impersonateUser: 'system:serviceaccount:cert-manager:cert-manager' });
    for (const object of asked) expect(await verdict(() => maker.create(object, undefined, 'All'))).toBe('accepted');
    await maker.create(request);
    expect(await verdict(() => tenant.patch({ ...request, metadata: { ...request.metadata, labels: { a: 'b' } } }, undefined, 'All', 'test', undefined, PatchStrategy.MergePatch))).toBe('accepted');
    expect(await verdict(() => tenant.patch({ ...request, spec: { request: 'YW5vdGhlcg==' } }, undefined, 'All', 'test', undefined, PatchStrategy.MergePatch))).toBe('host-name');
  });

  it('D1: takes no traffic of another host at the platform’s proxy, and writes no name of a pod’s', async () => {
    const open = { ...ingress('mine', []), spec: { ingressClassName: 'kong', defaultBackend: { service: { name: 'x', port: { number: 80 } } } } };
    expect(await verdict(() => tenant.create(open, undefined, 'All'))).toBe('host-name');
    expect(await verdict(() => tenant.create({ ...open, spec: { ...open.spec, ingressClassName: 'alb' } }, undefined, 'All'))).toBe('accepted');
    const headless = (clusterIP: string): Given => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'mine', namespace: 'team-a', annotations: { 'external-dns.alpha.kubernetes.io/hostname': `mine.${SUFFIX}` } } as Given['metadata'], spec: { clusterIP, ports: [{ port: 80 }] } });
    expect(await verdict(() => tenant.create(headless('None'), undefined, 'All'))).toBe('host-name');
    expect(await verdict(() => tenant.create(headless(''), undefined, 'All'))).toBe('accepted');
  });

  it('G1: cannot take a guard away', async () => {
    for (const kind of ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']) {
      await expect(tenant.delete({ apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name: 'goldenpath-ingresses' } })).rejects.toMatchObject({ code: 403 });
    }
  });
});

describe('a persistent platform', () => {
  it('D1: admission and check give the same verdict on every object of the corpus', async () => {
    await apply('persistent');
    await expect.poll(() => verdict(() => admin.create(ingress('base', ['shop.dev.goldenpathidp.io']), undefined, 'All')), WAIT).toBe('accepted');
    // Each policy takes the place of the ephemeral one for itself, some a moment after the first.
    await expect.poll(() => disagreements('persistent'), WAIT).toEqual([]);
  });
});
