// The Kubernetes activities against a real control plane and a real Argo CD (A1–A4, T1, failures 1–6, 10, 36).
import { mkdtemp, writeFile } from 'node:fs/promises';
import { EKSClient } from '@aws-sdk/client-eks';
import { CoreV1Api, CustomObjectsApi, KubernetesObjectApi, PatchStrategy, StorageV1Api } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubernetesActivities, kubernetesInventory } from '../../activities/kubernetes-activities.ts';
import { versionActivities } from '../../activities/versions.ts';
import { componentsUpTo } from '../../domain/components.ts';
import type { Tier } from '../../domain/tiers.ts';
import { lightRepository, recommit, startTestCluster, type TestCluster } from '../support/kubernetes-cluster.ts';
import { permitted, proofOf } from '../support/permits.ts';
import { ephemeralPlan } from '../support/plans.ts';

const plan = ephemeralPlan();
const { target, versions } = plan;
const waiting = { target, startedAt: 0, wait: plan.timings.argocd };
/** Argo CD is not told when a definition is established: its application stays Degraded until somebody asks. */
const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: things.example.org }
spec:
  group: example.org
  scope: Namespaced
  names: { plural: things, singular: thing, kind: Thing, listKind: ThingList }
  versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }]
`;
const childNames = (tier: Tier) => componentsUpTo(tier, 'ephemeral').map(({ name }) => name);
let world: TestCluster;
let activities: ReturnType<typeof createKubernetesActivities>;
let core: CoreV1Api;
let custom: CustomObjectsApi;
let gitops: { repoUrl: string; revision: string };

beforeAll(async () => {
  world = await startTestCluster();
  activities = createKubernetesActivities(world.deps);
  core = world.config.makeApiClient(CoreV1Api);
  custom = world.config.makeApiClient(CustomObjectsApi);
  gitops = await lightRepository(world.dir, { 'aws-load-balancer-controller': DEFINITION });
});

afterAll(() => world.stop());

const applications = { group: 'argoproj.io', version: 'v1alpha1', namespace: 'argocd', plural: 'applications' };
const applicationNames = async () => {
  const { items } = (await custom.listNamespacedCustomObject(applications)) as { items: { metadata: { name: string } }[] };
  return items.map(({ metadata }) => metadata.name).toSorted();
};
const raise = (maxTier: Tier, images = versions.images) =>
  world.run(activities.applyRootApplication, { target, maxTier, gitops, images, externalDns: { enabled: true }, roleArns: { 'external-dns': 'arn:aws:iam::111122223333:role/x' }, vpcId: 'vpc-1' });
const permit = () => permitted(plan);

describe('Argo CD from its pinned manifest to its end', () => {
  it('X5: a fresh cluster has no Argo CD and no application, by discovery', async () => {
    expect(await world.run(kubernetesInventory(world.deps), { target })).toEqual({ kubernetes: 'answers', argocd: false, applications: [], protections: [], inTheWay: { nodes: [], applications: [] } });
    expect(await world.run(activities.readApplications, { target })).toEqual([]);
    expect(await world.run(activities.listDnsSources, { target })).toEqual([]);
  });

  it('A1: prerequisites come before anything of their kind, and again change nothing', async () => {
    await world.config.makeApiClient(StorageV1Api).createStorageClass({ body: { metadata: { name: 'gp2', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'kubernetes.io/aws-ebs' } });
    const lines = await world.run(activities.applyPrerequisites, { target, manifests: versions.manifests });
    expect(lines).toContain('StorageClass gp2 is no longer the default');
    expect(await world.run(activities.applyPrerequisites, { target, manifests: versions.manifests })).toEqual(lines.filter((line) => !line.includes('gp2')));
    const { items } = await world.config.makeApiClient(StorageV1Api).listStorageClass();
    const [gp3, ...others] = items.filter(({ metadata }) => metadata?.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true');
    expect(others).toEqual([]);
    expect(gp3).toMatchObject({ metadata: { name: 'gp3' }, provisioner: 'ebs.csi.aws.com', volumeBindingMode: 'WaitForFirstConsumer', parameters: { tagSpecification_2: `goldenpath.idp/cluster=${target.cluster}` } });
  });

  it('A2: a manifest whose sha256 differs is refused, both hashes named, nothing applied', async () => {
    const { url, sha256 } = versions.manifests.argocd.files[0] ?? { url: '', sha256: '' };
    const mirror = await mkdtemp(`${world.dir}/mirror-`);
    await writeFile(`${mirror}/${sha256}.yaml`, 'apiVersion: v1\nkind: Namespace\nmetadata: { name: smuggled }\n');
    const broken = createKubernetesActivities({ ...world.deps, manifestMirror: mirror });
    await expect(world.run(broken.installArgoCd, { target, manifest: versions.manifests.argocd })).rejects.toMatchObject({ type: 'PreflightFailed', message: expect.stringContaining(`${url} has sha256 d553b9850f0b913291f27d1d3f5f639bb533c7925151a9628f42f05174ee7995, the version manifest pins a48ce0ab6ff5f7aac90a8bd0374434f4d15edeaa85f774672c8692c9819d2ae8`) as string, nonRetryable: true });
    expect((await core.listNamespace()).items.map(({ metadata }) => metadata?.name)).not.toContain('smuggled');
  });

  it('A2: installs, installs again, and becomes available', async () => {
    const lines = await world.run(activities.installArgoCd, { target, manifest: versions.manifests.argocd });
    expect(await world.run(activities.installArgoCd, { target, manifest: versions.manifests.argocd })).toEqual(lines);
    await expect.poll(() => world.run(activities.probeArgoCd, waiting).catch((error: unknown) => error), { timeout: 120_000, interval: 1_000 }).toEqual({ version: 'v3.2.11' });
    expect(await world.run(activities.readGate, { target })).toEqual({ maxTier: null });
  });

  it.for(['1', '1.5'] as const)('T1: tier %s settles with exactly the plan\'s applications', async (tier) => {
    await raise(tier);
    expect(await world.run(activities.readGate, { target })).toEqual({ maxTier: tier });
    const evidence = await world.run(activities.awaitTier, { target, tier, expected: componentsUpTo(tier, 'ephemeral') });
    expect(evidence.toSorted()).toEqual(componentsUpTo(tier, 'ephemeral').map((component) => `application ${component.name} (tier ${component.tier}): Synced, Healthy`).toSorted());
    expect(await applicationNames()).toEqual(['goldenpath', ...childNames(tier)].toSorted());
    const { data } = await core.readNamespacedConfigMap({ name: 'argocd-bootstrap-config', namespace: 'argocd' });
    expect(data).toMatchObject({ 'bootstrap.mode': 'ephemeral', 'bootstrap.maxTier': tier, 'dns.hostSuffix': 'b-21-11-26-01.dev.goldenpathidp.io', 'platform.storageClassReady': 'true' });
  });

  it('T1: at a gate that stands, a tier settles on the sources that applications have now, not on what was Synced and Healthy before', async () => {
    const { kong } = versions.images;
    if (kong === undefined) throw new Error('no image of kong is pinned');
    const settle = async (images: typeof versions.images): Promise<string[]> => {
      await raise('1.5', images);
      await world.run(activities.awaitTier, { target, tier: '1.5', expected: componentsUpTo('1.5', 'ephemeral') });
      const { items } = (await custom.listNamespacedCustomObject(applications)) as { items: { metadata: { name: string }; spec: { source: object }; status: { sync: { status: string; comparedTo: { source: object } } } }[] };
      for (const { metadata, spec, status } of items) expect({ name: metadata.name, sync: status.sync.status, compared: status.sync.comparedTo.source }).toEqual({ name: metadata.name, sync: 'Synced', compared: spec.source });
      return items.filter(({ spec }) => JSON.stringify(spec).includes(`@${images['kong']?.digest ?? ''}`)).map(({ metadata }) => metadata.name);
    };
    expect(await settle({ ...versions.images, kong: { ...kong, digest: `sha256:${'5'.repeat(64)}` } })).toEqual(['kong']);
    expect(await settle(versions.images)).toEqual(['kong']);
  });

  it('T1: at a gate that stands, a tier settles on the newest commit of the branch, not on the one that Argo CD looked at last', async () => {
    const commit = await recommit(gitops.repoUrl, 'kong', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: kong }\ndata: { suffix: newer }\n');
    await raise('1.5');
    await world.run(activities.awaitTier, { target, tier: '1.5', expected: componentsUpTo('1.5', 'ephemeral') });
    expect(new Set((await world.run(activities.readApplications, { target })).map(({ revision }) => revision))).toEqual(new Set([commit]));
    expect((await core.readNamespacedConfigMap({ name: 'kong', namespace: 'kong' })).data).toEqual({ suffix: 'newer' });
  });

  it('A3: what somebody added to the root application is gone with the next gate that is raised, at whatever gate', async () => {
    const read = versionActivities({ eks: new EKSClient({ region: 'eu-west-2' }) }, world.deps);
    const told = async () => (await world.run(read.readRunningVersions, { target })).applications.find(({ name }) => name === 'goldenpath');
    const before = await told();
    const objects = world.config.makeApiClient(KubernetesObjectApi);
    await objects.patch({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'goldenpath', namespace: 'argocd' }, spec: { source: { directory: { recurse: true }, helm: { fileParameters: [{ name: 'a', path: 'b' }], valuesObject: { miner: { on: true }, dns: { more: 'x' } } } } } } as never, undefined, undefined, 'somebody', undefined, PatchStrategy.MergePatch);
    expect(await told()).toMatchObject({ otherSettings: ['source.directory', 'source.helm.fileParameters'], values: { miner: { on: true }, dns: { more: 'x' } } });
    await raise('1.5');
    expect(await told()).toMatchObject({ otherSettings: [], values: before?.values });
    await world.run(activities.awaitTier, { target, tier: '1.5', expected: componentsUpTo('1.5', 'ephemeral') });
  });

  it('A2, C1, A4: as it was installed nothing differs from its pinned manifests; applications show their source, pods their images', async () => {
    const read = versionActivities({ eks: new EKSClient({ region: 'eu-west-2' }) }, world.deps);
    const argocd = await world.run(read.readPinnedManifest, { target, manifest: versions.manifests.argocd, ofArgoCd: true });
    expect(argocd).toEqual({ objects: 34, drifted: [], images: expect.arrayContaining(['quay.io/argoproj/argocd:v3.2.11']) as string[] });
    expect(await world.run(read.readPinnedManifest, { target, manifest: versions.manifests.externalSecretsCrds, ofArgoCd: false })).toMatchObject({ drifted: [], images: [] });
    expect(await world.run(read.readPinnedManifest, { target, manifest: versions.manifests.certManagerCrds, ofArgoCd: false })).toEqual({ objects: 6, drifted: [], images: [] });
    const running = await world.run(read.readRunningVersions, { target });
    expect(running.kubelets).toHaveLength(2);
    expect(running.images).toContainEqual({ namespace: 'argocd', workload: 'StatefulSet argocd/argocd-application-controller', image: 'quay.io/argoproj/argocd:v3.2.11' });
    const commits = new Set(running.applications.map(({ commit }) => commit));
    expect([...commits]).toEqual([expect.stringMatching(/^[0-9a-f]{40}$/)]);
    expect(new Set(running.applications.map(({ repoUrl, revision, sync }) => `${repoUrl} ${revision} ${sync}`))).toEqual(new Set([`${gitops.repoUrl} main Synced`]));
    expect(running.applications.filter(({ path, otherSettings, name }) => otherSettings.length > 0 || path !== (name === 'goldenpath' ? 'gitops/root' : `gitops/apps/${name}`))).toEqual([]);
    expect(running.applications.filter(({ values }) => values !== undefined)).toEqual([expect.objectContaining({ name: 'goldenpath', values: expect.objectContaining({ source: { repoURL: gitops.repoUrl, revision: 'main' }, bootstrap: { mode: 'ephemeral', env: 'dev', buildId: '21-11-26-01' } }) as unknown })]);
  });

  it('A2, C1: an image of Argo CD that was changed, a field of a CRD, and an object that is gone are told; nothing is put back', async () => {
    const read = versionActivities({ eks: new EKSClient({ region: 'eu-west-2' }) }, world.deps);
    const objects = world.config.makeApiClient(KubernetesObjectApi);
    const patched = (body: object) => objects.patch(body as never, undefined, undefined, 'somebody', undefined, PatchStrategy.MergePatch);
    const controller = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'argocd-applicationset-controller', namespace: 'argocd' } };
    await patched({ ...controller, spec: { replicas: 0, paused: true } });
    await patched({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'issuers.cert-manager.io' }, spec: { names: { categories: ['somebody'] } } });
    await core.deleteNamespacedConfigMap({ name: 'argocd-ssh-known-hosts-cm', namespace: 'argocd' });
    const look = async () => [
      ...(await world.run(read.readPinnedManifest, { target, manifest: versions.manifests.argocd, ofArgoCd: true })).drifted,
      ...(await world.run(read.readPinnedManifest, { target, manifest: versions.manifests.certManagerCrds, ofArgoCd: false })).drifted,
    ];
    const drifted = await look();
    expect(drifted).toContainEqual({ object: 'ConfigMap argocd/argocd-ssh-known-hosts-cm', differences: null });
    expect(drifted.map(({ object }) => object).toSorted()).toEqual(['ConfigMap argocd/argocd-ssh-known-hosts-cm', 'CustomResourceDefinition issuers.cert-manager.io']);
    await patched({ ...controller, spec: { template: { spec: { containers: [{ name: 'argocd-applicationset-controller', image: 'quay.io/argoproj/argocd:v3.2.10' }] } } } });
    expect(await look()).toContainEqual({ object: 'Deployment argocd/argocd-applicationset-controller', differences: expect.arrayContaining([{ path: 'spec.template.spec.containers[0].image', pinned: 'quay.io/argoproj/argocd:v3.2.11', found: 'quay.io/argoproj/argocd:v3.2.10' }]) as unknown });
    await world.run(activities.installArgoCd, { target, manifest: versions.manifests.argocd });
    await world.run(activities.applyPrerequisites, { target, manifests: versions.manifests });
    expect(await look()).toEqual([]);
  });

  it('failures 1, 2: frozen, nothing syncs by itself, every deletion cascades, and it stays so', async () => {
    await custom.patchNamespacedCustomObject({ ...applications, name: 'grafana', body: [{ op: 'remove', path: '/metadata/finalizers' }] });
    await world.run(activities.freezeGitOps, { target });
    await core.deleteNamespacedConfigMap({ name: 'kong', namespace: 'kong' });
    await new Promise((resolve) => { setTimeout(resolve, 5_000); });
    const states = await world.run(activities.readApplications, { target });
    expect(states.filter(({ automated }) => automated)).toEqual([]);
    expect(states.filter(({ finalizers }) => !finalizers.includes('resources-finalizer.argocd.argoproj.io'))).toEqual([]);
    expect((await core.listNamespacedConfigMap({ namespace: 'kong' })).items.map(({ metadata }) => metadata?.name)).not.toContain('kong');
    expect(await world.run(activities.freezeGitOps, { target })).toEqual([]);
  });

  it('failure 2: an Application outside the namespace of Argo CD is found in the inventory, and is none of the platform’s own', async () => {
    const elsewhere = { group: applications.group, version: applications.version, plural: applications.plural, namespace: 'default' };
    await custom.createNamespacedCustomObject({ ...elsewhere, body: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'shop', namespace: 'default', labels: { 'goldenpath.idp/tier': '1' } }, spec: { project: 'default', destination: { name: 'in-cluster' }, source: { repoURL: 'https://example.org/x.git' } } } });
    const { inTheWay, applications: own } = await world.run(kubernetesInventory(world.deps), { target });
    expect(inTheWay).toEqual({ nodes: [], applications: ['Application default/shop'] });
    expect(own.map(({ name }) => name)).not.toContain('shop');
    await custom.deleteNamespacedCustomObject({ ...elsewhere, name: 'shop' });
  });

  it('X1: workloads above tier 1 go with their objects, tier 1 stays', async () => {
    const names = ['grafana', 'alertmanager', 'prometheus'];
    const lines = await world.run(activities.deleteApplications, { target, names: names.toReversed() });
    expect(lines).toEqual(names.map((name) => `application ${name} is being deleted`));
    await world.run(activities.awaitApplicationsGone, { target, names });
    expect(await applicationNames()).toEqual(['goldenpath', ...childNames('1')].toSorted());
    expect((await core.listNamespacedConfigMap({ namespace: 'monitoring' })).items.map(({ metadata }) => metadata?.name)).toEqual(['kube-root-ca.crt']);
    expect(await world.run(activities.deleteApplications, { target, names })).toEqual([]);
  });

  it('failure 3: Argo CD is not removed before its applications', async () => {
    await expect(world.run(activities.removeArgoCd, { ...permit(), manifest: versions.manifests.argocd })).rejects.toMatchObject({ type: 'PreflightFailed', message: expect.stringContaining('application kong still exists') as string });
  });

  it('X1: without a fresh proof nothing is destroyed', async () => {
    await expect(world.run(activities.deleteControllers, { ...permit(), permit: proofOf(plan, { lastCleanAt: 0 }), names: childNames('1') })).rejects.toMatchObject({ type: 'ProofMissing' });
    expect(await applicationNames()).toEqual(['goldenpath', ...childNames('1')].toSorted());
  });

  it('failures 7, 12: controllers go wave by wave, the load balancer controller after the others, the root last', async () => {
    const lines = await world.run(activities.deleteControllers, { ...permit(), names: [...childNames('1'), 'goldenpath'] });
    expect(lines).toEqual(['cluster-autoscaler', 'kong', 'external-dns', 'external-secrets', 'cert-manager', 'aws-load-balancer-controller', 'goldenpath'].map((name) => `application ${name} is being deleted`));
    expect(await applicationNames()).toEqual([]);
    expect(await world.run(activities.deleteControllers, { ...permit(), names: childNames('1') })).toEqual([]);
  });

  it('failures 3, 4, 5: Argo CD goes with webhooks without a backend, until its pods have ended; again finds nothing', async () => {
    await world.config.makeApiClient(KubernetesObjectApi).create({ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'dead' }, webhooks: [{ name: 'dead.example.org', admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Fail', clientConfig: { service: { name: 'gone', namespace: 'cert-manager' } }, rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['namespaces'] }] }] } as never);
    const lines = await world.run(activities.removeArgoCd, { ...permit(), manifest: versions.manifests.argocd });
    expect(lines).toContain('ValidatingWebhookConfiguration dead deleted: its backend Service cert-manager/gone is gone');
    expect(lines.at(-1)).toBe('its pods have ended; namespace and CRDs go with the cluster');
    expect((await core.listNamespacedPod({ namespace: 'argocd' })).items).toEqual([]);
    expect(await world.run(kubernetesInventory(world.deps), { target })).toEqual({ kubernetes: 'answers', argocd: true, applications: [], protections: [], inTheWay: { nodes: [], applications: [] } });
    expect(await world.run(activities.removeArgoCd, { ...permit(), manifest: versions.manifests.argocd })).toEqual(['0 objects of Argo CD deleted', 'its pods have ended; namespace and CRDs go with the cluster']);
  });
});
