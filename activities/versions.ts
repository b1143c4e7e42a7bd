// What runs on a platform, for the comparison with the version manifest: EKS, the objects of pinned manifests, nodes, applications, images (C1, G1, A2).
import { DescribeAddonCommand, type EKSClient } from '@aws-sdk/client-eks';
import { Context } from '@temporalio/activity';
import type { KubernetesObject, V1Node } from '@kubernetes/client-node';
import { GoldenpathError } from '../domain/errors.ts';
import { CONTAINER_LISTS, fieldOf, isOfPlace, POD_PLACES, valuesAt, VOLUMES } from '../domain/manifests/places.ts';
import { ROOT_APPLICATION } from '../domain/components.ts';
import type { Target } from '../domain/plan.ts';
import { type Difference, differencesOf, type EksVersions, type ImageUse, type ManifestReading, type RunningVersions } from '../domain/version-drift.ts';
import { irsaRolesOf } from '../iam/index.ts';
import { argocdObjects, kindOf, namespacedKinds } from './argocd.ts';
import { type Application, isEmpty, listApplications } from './argocd-applications.ts';
import type { Clients } from './clients.ts';
import { apiAnswers, describeOwnCluster, terminal } from './eks.ts';
import { listAddons } from './eks-addons.ts';
import { describeNodeGroup, listNodeGroups } from './eks-nodes.ts';
import { irsaRoleArn } from './iam.ts';
import { type ClusterClient, type KubernetesDeps, nameOf, refOf, withCluster } from './kubernetes-client.ts';
import { isDefinition } from './kubernetes.ts';
import { loadManifest } from './manifests.ts';
import { inGroups, present } from './pages.ts';
import type { VersionProbes } from './versions-contract.ts';

export function versionActivities({ eks }: Pick<Clients, 'eks'>, deps: KubernetesDeps): VersionProbes {
  return {
    readEksVersions: ({ target }) => readEksVersions(eks, target),
    readPinnedManifest: async ({ target, manifest, ofArgoCd }) => {
      const objects = await pinned(loadManifest(manifest, { mirror: deps.manifestMirror, signal: Context.current().cancellationSignal }));
      return withCluster(deps, target, (cluster) => readPinnedManifest(cluster, objects, ofArgoCd));
    },
    readRunningVersions: ({ target }) => withCluster(deps, target, (cluster) => readRunningVersions(cluster, target)),
  };
}

/** A pinned file that is not to be had as pinned leaves nothing to compare with: the look fails, and is no drift of the platform. */
async function pinned(objects: Promise<KubernetesObject[]>): Promise<KubernetesObject[]> {
  try {
    return await objects;
  } catch (error) {
    if (error instanceof GoldenpathError && error.type === 'PreflightFailed') throw new GoldenpathError('TerminalState', error.message, error.problems, { cause: error });
    throw error;
  }
}

async function readEksVersions(eks: EKSClient, target: Target): Promise<EksVersions> {
  const name = target.cluster;
  const cluster = await describeOwnCluster(eks, target);
  if (cluster === undefined) throw new GoldenpathError('InvalidInput', `there is no platform ${name}: EKS has no such cluster`, ['name a platform that runs: --env, --lifecycle and --build-id; goldenpath status lists the latest runs']);
  if (!apiAnswers(cluster)) terminal(`cluster ${name}`, cluster.status, ['its versions can be compared once it is ACTIVE']);
  const [addons, groups] = await Promise.all([listAddons(eks, name), listNodeGroups(eks, name)]);
  return {
    kubernetes: present(cluster.version, "the cluster's version"),
    vpcId: present(cluster.resourcesVpcConfig?.vpcId, "the cluster's VPC"),
    addons: await Promise.all(addons.map(async (addonName) => {
      const { addon } = await eks.send(new DescribeAddonCommand({ clusterName: name, addonName }));
      return { name: addonName, version: present(addon?.addonVersion, "an add-on's version") };
    })),
    nodeGroups: await Promise.all(groups.map(async (group) => {
      const { version, releaseVersion } = present(await describeNodeGroup(eks, name, group), `node group ${group}`);
      return { name: group, version: present(version, "a node group's version"), releaseVersion: present(releaseVersion, "a node group's release") };
    })),
  };
}

/** How many objects are asked about at once. */
const AT_ONCE = 4;

async function readPinnedManifest(cluster: ClusterClient, all: readonly KubernetesObject[], ofArgoCd: boolean): Promise<ManifestReading> {
  const objects = ofArgoCd ? await placed(cluster, all) : all.filter(isDefinition);
  const drifted: ManifestReading['drifted'] = [];
  for (const group of inGroups(objects, AT_ONCE)) {
    const compared = await Promise.all(group.map(async (object) => ({ object: nameOf(refOf(object)), differences: await driftOf(cluster, object) })));
    drifted.push(...compared.filter(({ differences }) => differences === null || differences.length > 0));
  }
  return { objects: objects.length, drifted, images: [...new Set(objects.flatMap((object) => imagesOf(object)))] };
}

/** As `installArgoCd` applies them. */
async function placed(cluster: ClusterClient, all: readonly KubernetesObject[]): Promise<KubernetesObject[]> {
  const rest = all.filter((object) => !isDefinition(object));
  const scopes = await namespacedKinds(cluster, rest);
  return [...all.filter(isDefinition), ...argocdObjects(rest, (candidate) => scopes.has(kindOf(candidate)))];
}

/** What applying the object again would change, which is what somebody else has changed; null where it does not exist. The API server itself brings both to its one form, defaults and units included. */
async function driftOf(cluster: ClusterClient, object: KubernetesObject): Promise<Difference[] | null> {
  const found = await cluster.read(refOf(object));
  if (found === undefined) return null;
  const differences = differencesOf(comparable(await cluster.wouldApply(object)), comparable(found));
  return object.kind === 'Secret' ? differences.map(({ path }) => ({ path, pinned: '(hidden)', found: '(hidden)' })) : differences;
}

/** The object without what the API server keeps for itself. */
function comparable(object: KubernetesObject): unknown {
  const plain: unknown = JSON.parse(JSON.stringify(object));
  if (typeof plain !== 'object' || plain === null) return plain;
  const metadata = fieldOf(plain, 'metadata');
  return { ...plain, status: undefined, metadata: { ...(typeof metadata === 'object' ? metadata : {}), managedFields: undefined, resourceVersion: undefined, generation: undefined } };
}

/** What holds pods, by apiVersion and kind. Jobs and ReplicaSets show in their pods, or run nothing any more. */
const WORKLOADS: readonly [apiVersion: string, kind: string][] = [['apps/v1', 'Deployment'], ['apps/v1', 'StatefulSet'], ['apps/v1', 'DaemonSet'], ['batch/v1', 'CronJob']];

async function readRunningVersions(cluster: ClusterClient, target: Target): Promise<RunningVersions> {
  const [nodes, applications, pods, ...workloads] = await Promise.all([
    cluster.list<V1Node>('v1', 'Node'),
    listApplications(cluster),
    cluster.list('v1', 'Pod'),
    ...WORKLOADS.map(([apiVersion, kind]) => cluster.list(apiVersion, kind)),
  ]);
  const templates = workloads.flat();
  return {
    kubelets: nodes.map(({ metadata, status }) => ({ node: present(metadata?.name, "a node's name"), version: present(status?.nodeInfo?.kubeletVersion, "a kubelet's version") })),
    applications: applications.map(({ metadata, spec, status }) => ({
      name: present(metadata?.name, "an application's name"),
      repoUrl: spec?.source?.repoURL ?? '',
      revision: spec?.source?.targetRevision ?? '',
      commit: status?.sync?.revision ?? '',
      sync: status?.sync?.status || 'Unknown',
      path: spec?.source?.path ?? '',
      parameters: Object.fromEntries((spec?.source?.helm?.parameters ?? []).map(({ name = '', value = '' }) => [name, value])),
      otherSettings: otherSettings(spec),
      ...(metadata?.name === ROOT_APPLICATION ? { values: spec?.source?.helm?.valuesObject } : {}),
    })),
    roleArns: Object.fromEntries(irsaRolesOf(target.lifecycle).map(({ key }) => [key, irsaRoleArn(target, key)])),
    images: [...templates.flatMap((workload) => usesOf(workload, nameOf(refOf(workload)))), ...pods.filter(runs).flatMap((pod) => usesOf(pod, holderOf(pod)))],
  };
}

/** What an application is told that this product never tells one, by its path in the spec; empty settings set nothing. `sources` and `sourceHydrator` would come before `source`. */
function otherSettings(spec: Application['spec'] = {}): string[] {
  const { source = {} } = spec;
  return [
    ...othersIn(spec, ['project', 'destination', 'source', 'syncPolicy', 'ignoreDifferences']),
    ...othersIn(source, ['repoURL', 'targetRevision', 'path', 'helm']).map((key) => `source.${key}`),
    ...othersIn(source.helm ?? {}, ['parameters', 'valuesObject', 'releaseName']).map((key) => `source.helm.${key}`),
  ];
}

function othersIn(object: object, known: readonly string[]): string[] {
  return Object.entries(object).filter(([key, value]) => !known.includes(key) && !isEmpty(value)).map(([key]) => key);
}

/** A pod that has ended runs nothing. */
function runs(pod: KubernetesObject): boolean {
  const phase = fieldOf(fieldOf(pod, 'status'), 'phase');
  return phase !== 'Succeeded' && phase !== 'Failed';
}

/** The Deployment, StatefulSet or DaemonSet of a pod, or the pod itself. A ReplicaSet has its Deployment's name and a hash behind it. */
function holderOf(pod: KubernetesObject): string {
  const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller === true);
  const namespace = pod.metadata?.namespace;
  if (owner?.kind === 'ReplicaSet') return nameOf({ kind: 'Deployment', name: owner.name.replace(/-[^-]+$/, ''), namespace });
  return owner?.kind === 'StatefulSet' || owner?.kind === 'DaemonSet' ? nameOf({ kind: owner.kind, name: owner.name, namespace }) : nameOf(refOf(pod));
}

function usesOf(object: KubernetesObject, workload: string): ImageUse[] {
  return imagesOf(object).map((image) => ({ namespace: object.metadata?.namespace ?? '', workload, image }));
}

/** The images of an object's containers and volumes; none of what holds no pod. */
function imagesOf(object: KubernetesObject): string[] {
  const place = POD_PLACES.find((candidate) => isOfPlace(object, candidate));
  if (place === undefined) return [];
  return [...CONTAINER_LISTS.map((list) => `${list}[].image`), `${VOLUMES}[].image.reference`].flatMap((path) => valuesAt(object, `${place.podSpec}.${path}`)).flatMap(({ value }) => (typeof value === 'string' ? [value] : []));
}
