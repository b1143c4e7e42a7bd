// What protects objects in the cluster: settings of load balancers, Argo CD's options, finalizers, disruption budgets (item 9; failures 2, 8, 21).
import type { KubernetesObject, V1PodDisruptionBudget } from '@kubernetes/client-node';
import {
  asksForProtection, budgetProtection, confirmationProtection, DELETION_PROTECTION, type Fate, keptProtection, settingProtection, syncOption, uncascadingProtection, unprunedProtection, withoutProtection,
} from '../domain/protections.ts';
import { type Application, applicationRef, CASCADE_FINALIZER, CONFIRMED_ANNOTATION, listApplications, type ManagedObject, SYNC_OPTIONS } from './argocd-applications.ts';
import { isDnsSource } from './dns-sources.ts';
import { type ClusterClient, nameOf, refOf } from './kubernetes-client.ts';
import { inGroups } from './pages.ts';
import type { Found } from './protections.ts';

/** Annotations that the load balancer controller reads attributes from. Source: aws-load-balancer-controller, docs/guide, annotations of Service and Ingress. */
const ATTRIBUTE_ANNOTATIONS = ['service.beta.kubernetes.io/aws-load-balancer-attributes', 'alb.ingress.kubernetes.io/load-balancer-attributes'];
/** Kinds whose `spec.loadBalancerAttributes` say the same for many, where they are served. Source: its CRDs; LoadBalancerConfiguration is the Gateway API's. */
const ATTRIBUTE_KINDS = [{ apiVersion: 'elbv2.k8s.aws/v1beta1', kind: 'IngressClassParams' }, { apiVersion: 'gateway.k8s.aws/v1beta1', kind: 'LoadBalancerConfiguration' }];
/** Argo CD heeds Helm's own word for `Delete=false`. Source: Argo CD 3.2 controller/appcontroller.go, `shouldBeDeleted`. */
const HELM_POLICY = 'helm.sh/resource-policy';

interface WithAttributes extends KubernetesObject {
  spec?: { loadBalancerAttributes?: { key?: string; value?: string }[] };
}

/** Everything in the cluster that protects something, each with how it is taken off where people may decide that. */
export async function kubernetesProtections(cluster: ClusterClient): Promise<Found[]> {
  const applications = await listApplications(cluster);
  return [
    ...(await settings(cluster)),
    ...applications.flatMap((application) => [...confirmation(cluster, application), ...uncascading(application), ...optionsOfAll(application)]),
    ...(await optionsOfEach(cluster, applications)),
    ...(await budgets(cluster)),
  ];
}

/** The objects that an Application manages, as people read their addresses. */
export function managedNames({ status }: Application): string[] {
  return (status?.resources ?? []).map(({ kind = '', namespace, name = '' }) => nameOf({ kind, namespace, name }));
}

async function settings(cluster: ClusterClient): Promise<Found[]> {
  const annotated: KubernetesObject[] = [...(await cluster.list('v1', 'Service')), ...(await cluster.list('networking.k8s.io/v1', 'Ingress'))];
  const found = annotated.flatMap((object) => ATTRIBUTE_ANNOTATIONS.flatMap((annotation): Found[] => {
    const attributes = object.metadata?.annotations?.[annotation];
    if (attributes === undefined || !asksForProtection(attributes)) return [];
    const change = { metadata: { annotations: { [annotation]: withoutProtection(attributes) } } };
    return [{ protection: settingProtection(nameOf(refOf(object)), `annotation ${annotation}`), lift: async () => { await cluster.patch(refOf(object), change, object.metadata?.resourceVersion); } }];
  }));
  for (const { apiVersion, kind } of ATTRIBUTE_KINDS) {
    if (!(await cluster.serves(apiVersion, kind))) continue;
    for (const object of await cluster.list<WithAttributes>(apiVersion, kind)) found.push(...ofKind(cluster, object));
  }
  return found;
}

function ofKind(cluster: ClusterClient, object: WithAttributes): Found[] {
  const attributes = object.spec?.loadBalancerAttributes ?? [];
  if (!attributes.some(({ key, value }) => key === DELETION_PROTECTION && value?.toLowerCase() === 'true')) return [];
  const loadBalancerAttributes = attributes.map((attribute) => (attribute.key === DELETION_PROTECTION ? { ...attribute, value: 'false' } : attribute));
  return [{ protection: settingProtection(nameOf(refOf(object)), 'spec.loadBalancerAttributes'), lift: async () => { await cluster.patch(refOf(object), { spec: { loadBalancerAttributes } }, object.metadata?.resourceVersion); } }];
}

/** Lifted is what a run may confirm: Argo CD takes the confirmation itself only once the deletion was asked for (argocd-removal.ts). */
function confirmation(cluster: ClusterClient, { metadata, status }: Application): Found[] {
  const asking = (status?.resources ?? []).filter(({ requiresDeletionConfirmation }) => requiresDeletionConfirmation === true);
  if (asking.length === 0 || metadata?.annotations?.[CONFIRMED_ANNOTATION] !== undefined) return [];
  const name = metadata?.name ?? '';
  return [{
    protection: confirmationProtection(name, managedNames({ status: { resources: asking } })),
    lift: async ({ request }) => { await cluster.patch(applicationRef(name), { metadata: { annotations: { [CONFIRMED_ANNOTATION]: request.id } } }); },
  }];
}

function uncascading({ metadata }: Application): Found[] {
  const cascades = (metadata?.finalizers ?? []).some((finalizer) => finalizer.startsWith(CASCADE_FINALIZER));
  return cascades ? [] : [{ protection: uncascadingProtection(metadata?.name ?? '') }];
}

/** Options that an Application gives for all its objects. */
function optionsOfAll({ metadata, spec }: Application): Found[] {
  const options = spec?.syncPolicy?.syncOptions;
  const object = `every object of application ${metadata?.name ?? ''}`;
  return [
    ...(syncOption(options, 'Delete') === 'false' ? [{ protection: keptProtection(object, 'Delete=false', 'by-kind') }] : []),
    ...(syncOption(options, 'Prune') === 'false' ? [{ protection: unprunedProtection(object) }] : []),
  ];
}

/** Options that stand at the managed objects themselves, Applications among them. One list a kind, a few at a time. */
async function optionsOfEach(cluster: ClusterClient, applications: readonly Application[]): Promise<Found[]> {
  const resources = applications.flatMap(({ status }) => status?.resources ?? []);
  const served = new Map<string, string[]>();
  for (const group of new Set(resources.map(({ group: name = '' }) => name))) if (group !== '') served.set(group, await cluster.servedVersions(group));
  // A CRD is never deleted with its application, whatever it says; a kind that is not served any more has no object.
  const living = resources.filter(({ group = '', version = '', kind }) => kind !== 'CustomResourceDefinition' && (group === '' || served.get(group)?.includes(version) === true));
  const found: Found[] = [];
  for (const group of inGroups([...Map.groupBy(living, apiOf).values()], 4)) found.push(...(await Promise.all(group.map((managed) => optionsOfKind(cluster, managed)))).flat());
  return found;
}

function apiOf({ group = '', version = '', kind = '' }: ManagedObject): string {
  return `${group === '' ? version : `${group}/${version}`} ${kind}`;
}

async function optionsOfKind(cluster: ClusterClient, managed: readonly ManagedObject[]): Promise<Found[]> {
  const [apiVersion = '', kind = ''] = (managed[0] === undefined ? '' : apiOf(managed[0])).split(' ');
  if ((await cluster.resource(apiVersion, kind)) === undefined) return [];
  const names = new Set(managed.map(({ namespace = '', name = '' }) => `${namespace}/${name}`));
  const objects = (await cluster.list(apiVersion, kind)).filter(({ metadata }) => names.has(`${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`));
  return objects.flatMap((object) => optionsOf(object));
}

function optionsOf(object: KubernetesObject): Found[] {
  const annotations = object.metadata?.annotations ?? {};
  const keep = syncOption(annotations[SYNC_OPTIONS], 'Delete') === 'false' ? 'Delete=false' : annotations[HELM_POLICY] === 'keep' ? `${HELM_POLICY}: keep` : undefined;
  return [
    ...(keep === undefined ? [] : [{ protection: keptProtection(nameOf(refOf(object)), keep, fateOf(object)) }]),
    ...(syncOption(annotations[SYNC_OPTIONS], 'Prune') === 'false' ? [{ protection: unprunedProtection(nameOf(refOf(object))) }] : []),
  ];
}

function fateOf(object: KubernetesObject): Fate {
  if (isDnsSource(object)) return 'dns-source';
  if (object.kind === 'PersistentVolumeClaim') return 'volume';
  return object.kind === 'Application' ? 'application' : 'with-cluster';
}

/** One that covers no pod blocks none. */
async function budgets(cluster: ClusterClient): Promise<Found[]> {
  const all = await cluster.list<V1PodDisruptionBudget>('policy/v1', 'PodDisruptionBudget');
  return all.filter(({ status }) => status?.disruptionsAllowed === 0 && (status.expectedPods ?? 0) > 0).map((budget) => ({ protection: budgetProtection(nameOf(refOf(budget))) }));
}
