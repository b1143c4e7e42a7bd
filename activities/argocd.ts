// Argo CD as the single orchestrator: installed from its pinned manifest, told the bootstrap values, its gate raised through the root application (A1–A4, T1).
import type { KubernetesObject, V1ConfigMap, V1Deployment, V1Namespace, V1StatefulSet, V1StorageClass } from '@kubernetes/client-node';
import { MAX_TIER_PARAMETER } from '../domain/applications.ts';
import { ARGOCD_NAMESPACE, BOOTSTRAP_CONFIG, PART_OF, ROOT_APPLICATION } from '../domain/components.ts';
import { TIER_LABEL } from '../domain/manifests/places.ts';
import { manifestScope } from '../domain/manifests/scope.ts';
import { added, type BootstrapValues, contractOf, type Offers, ROOT_PATH, rootValues } from '../domain/root-application.ts';
import { type Tier, TIERS } from '../domain/tiers.ts';
import { applyAdmissionPolicies } from './admission.ts';
import { type Application, applicationRef, ARGOCD_API, CASCADE_FINALIZER, REFRESH_ANNOTATION } from './argocd-applications.ts';
import type { Waiting } from './contract.ts';
import { notReady } from './errors.ts';
import { type ClusterClient, nameOf, refOf } from './kubernetes-client.ts';
import { applyDefinitions, defaultStorageClasses, isDefinition, workloadProblem } from './kubernetes.ts';

/** A child that reads Degraded for a moment fails the root's sync: it is tried again soon, and for as long as the tier's own deadline allows. */
const RETRY = { limit: -1, backoff: { duration: '1s', factor: 2, maxDuration: '15s' } };

/**
 * Health of an Application as a child of another: without it the waves of an app of apps do not wait (lab.md).
 * Source: https://argo-cd.readthedocs.io/en/release-3.2/operator-manual/health/#argocd-app
 */
const APPLICATION_HEALTH = `hs = {}
hs.status = "Progressing"
hs.message = ""
if obj.status ~= nil then
  if obj.status.health ~= nil then
    hs.status = obj.status.health.status
    if obj.status.health.message ~= nil then
      hs.message = obj.status.health.message
    end
  end
end
return hs
`;

/**
 * What the product adds to Argo CD's own ConfigMaps. The pause after each wave (2 s by default) is for objects whose health is not
 * yet that of the new spec; a new Application reads Progressing at once, and the tier's verdict judges every application anew.
 */
const SETTINGS: Readonly<Record<string, Record<string, string>>> = {
  'argocd-cm': { 'resource.customizations.health.argoproj.io_Application': APPLICATION_HEALTH },
  'argocd-cmd-params-cm': { 'controller.sync.wave.delay.seconds': '0' },
};

/** Argo CD's own default project, which core-install leaves out. Source: Argo CD 3.2, `InitializeSettings` and v1alpha1 `DefaultAppProjectName`. */
const DEFAULT_PROJECT = {
  apiVersion: ARGOCD_API,
  kind: 'AppProject',
  metadata: { name: 'default', namespace: ARGOCD_NAMESPACE },
  spec: { sourceRepos: ['*'], destinations: [{ namespace: '*', server: '*' }], clusterResourceWhitelist: [{ group: '*', kind: '*' }] },
};

/** The namespace of Argo CD, once and first (A1). */
export function argocdNamespace(): V1Namespace {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ARGOCD_NAMESPACE, labels: { [PART_OF.label]: PART_OF.platform } } };
}

/** The manifest's objects as they are applied: namespaced ones in namespace argocd, ConfigMaps with the product's settings. `namespaced` says which kinds have a namespace. */
export function argocdObjects(objects: readonly KubernetesObject[], namespaced: (object: KubernetesObject) => boolean): KubernetesObject[] {
  return objects.map((object) => {
    const placed = namespaced(object) ? { ...object, metadata: Object.assign({}, object.metadata, { namespace: ARGOCD_NAMESPACE }) } : object;
    const settings = object.kind === 'ConfigMap' ? SETTINGS[object.metadata?.name ?? ''] : undefined;
    if (settings === undefined) return placed;
    const { data }: V1ConfigMap = object;
    const config: V1ConfigMap = { ...placed, data: { ...data, ...settings } };
    return config;
  });
}

/** Applies the manifest server-side: namespace, CRDs until they are served, the rest in the manifest's order, the default project last (A1, A2). */
export async function installArgoCd(cluster: ClusterClient, objects: readonly KubernetesObject[]): Promise<string[]> {
  await cluster.apply(argocdNamespace());
  const definitions = await applyDefinitions(cluster, objects.filter(isDefinition));
  const rest = objects.filter((object) => !isDefinition(object));
  const scopes = await namespacedKinds(cluster, rest);
  for (const object of argocdObjects(rest, (candidate) => scopes.has(kindOf(candidate)))) await cluster.apply(object);
  await cluster.apply(DEFAULT_PROJECT);
  return [`${definitions.length} CRDs and ${rest.length} objects of Argo CD applied`, `project ${DEFAULT_PROJECT.metadata.name} applied`];
}

/** The kinds among these objects that live in namespaces, by discovery. */
export async function namespacedKinds(cluster: ClusterClient, objects: readonly KubernetesObject[]): Promise<Set<string>> {
  const kinds = new Set<string>();
  for (const { apiVersion = '', kind = '' } of new Map(objects.map((object) => [kindOf(object), object])).values()) {
    if ((await cluster.resource(apiVersion, kind))?.namespaced === true) kinds.add(`${apiVersion} ${kind}`);
  }
  return kinds;
}

export function kindOf({ apiVersion, kind }: KubernetesObject): string {
  return `${apiVersion ?? ''} ${kind ?? ''}`;
}

/** Every Deployment and StatefulSet of Argo CD available at its latest generation. NotReady with those that are not. */
export async function probeArgoCd(cluster: ClusterClient, waiting: Waiting): Promise<{ version: string }> {
  const deployments = await cluster.list<V1Deployment>('apps/v1', 'Deployment', { namespace: ARGOCD_NAMESPACE });
  const statefulSets = await cluster.list<V1StatefulSet>('apps/v1', 'StatefulSet', { namespace: ARGOCD_NAMESPACE });
  const problems = [...deployments, ...statefulSets].flatMap((workload) => {
    const problem = workloadProblem(workload);
    return problem === undefined ? [] : [`${nameOf(refOf(workload))}: ${problem}`];
  });
  const controller = statefulSets.find(({ metadata }) => metadata?.name === 'argocd-application-controller');
  if (controller === undefined) problems.push('StatefulSet argocd/argocd-application-controller does not exist');
  if (problems.length > 0) throw notReady(`Argo CD is not available: ${problems.join('; ')}`, waiting, problems);
  const image = controller?.spec?.template.spec?.containers[0]?.image ?? '';
  return { version: image.slice(image.lastIndexOf(':') + 1) };
}

/** Applies the admission policies, the bootstrap contract's ConfigMap and the root application at this gate: nothing of a tier comes before its guards (G1, A3, A4). Idempotent. */
export async function applyRootApplication(cluster: ClusterClient, offers: Offers, input: Omit<BootstrapValues, 'storageClassReady' | 'offers'>): Promise<string[]> {
  const defaults = defaultStorageClasses(await cluster.list<V1StorageClass>('storage.k8s.io/v1', 'StorageClass'));
  const values: BootstrapValues = { ...input, offers, storageClassReady: defaults.length === 1 };
  const guards = await applyAdmissionPolicies(cluster, manifestScope(input.target, input.images));
  await cluster.apply(bootstrapConfig(values));
  await applyWhole(cluster, rootApplication(values));
  return [...guards, `ConfigMap ${ARGOCD_NAMESPACE}/${BOOTSTRAP_CONFIG} and application ${ROOT_APPLICATION} at tier ${input.maxTier}`];
}

/** Applies the root application, and takes away what others added to its source: an apply leaves those fields, and Argo CD renders them. */
async function applyWhole(cluster: ClusterClient, root: Application): Promise<void> {
  const source = added(root.spec?.source, (await cluster.apply(root)).spec?.source);
  if (source !== undefined) await cluster.patch(refOf(root), { spec: { source } });
}

/** The gate at which the root application stands, or null where there is none: who goes over a standing platform must not lower it, since Argo CD would prune every tier above. */
export async function readGate(cluster: ClusterClient): Promise<{ maxTier: Tier | null }> {
  const root = await cluster.read<Application>(applicationRef(ROOT_APPLICATION));
  const value = root?.spec?.source?.helm?.parameters?.find(({ name }) => name === MAX_TIER_PARAMETER)?.value;
  return { maxTier: TIERS.find((tier) => tier === value) ?? null };
}

/** The contract of A3 as a ConfigMap: what people and hooks read in the cluster. */
export function bootstrapConfig(values: BootstrapValues): V1ConfigMap {
  const { bootstrap, platform, dns } = contractOf(values);
  const data = { ...prefixed('bootstrap', { ...bootstrap, maxTier: values.maxTier }), ...prefixed('platform', platform), ...prefixed('dns', dns) };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: BOOTSTRAP_CONFIG, namespace: ARGOCD_NAMESPACE, labels: { [PART_OF.label]: PART_OF.platform } }, data };
}

/** The root application: the contract as Helm values, and the gate as the one Helm parameter that raising it changes (T1, gitops/root/values.yaml). */
export function rootApplication(values: BootstrapValues): Application {
  const { gitops, maxTier } = values;
  return {
    apiVersion: ARGOCD_API,
    kind: 'Application',
    metadata: {
      name: ROOT_APPLICATION, namespace: ARGOCD_NAMESPACE, labels: { [TIER_LABEL]: '0', [PART_OF.label]: PART_OF.platform }, finalizers: [CASCADE_FINALIZER],
      // A branch may have moved since Argo CD looked: it looks again now, and takes this away when it has.
      annotations: { [REFRESH_ANNOTATION]: 'normal' },
    },
    spec: {
      project: 'default',
      destination: { server: 'https://kubernetes.default.svc', namespace: ARGOCD_NAMESPACE },
      source: { repoURL: gitops.repoUrl, targetRevision: gitops.revision, path: ROOT_PATH, helm: { valuesObject: rootValues(values), parameters: [{ name: MAX_TIER_PARAMETER, value: maxTier, forceString: true }] } },
      // Raising the gate touches only what is new, not every wave below it.
      syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['ApplyOutOfSyncOnly=true'], retry: RETRY },
    },
  };
}

function prefixed(prefix: string, values: Record<string, string | boolean>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, String(value)]));
}
