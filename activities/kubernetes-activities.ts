// The Kubernetes and Argo CD half of the activities, each with a client of its own and its errors triaged at the edge (contract.ts).
import { Context } from '@temporalio/activity';
import { preflightTier, probeAcceptance } from './acceptance.ts';
import { awaitAcceptanceJob } from './acceptance-job.ts';
import { applyRootApplication, argocdNamespace, installArgoCd, probeArgoCd, readGate } from './argocd.ts';
import { applicationState, awaitApplicationsGone, awaitTier, listApplications } from './argocd-applications.ts';
import { freezeGitOps } from './argocd-freeze.ts';
import { deleteApplications, deleteControllers, removeArgoCd } from './argocd-removal.ts';
import type { Destroying, PlatformActivities } from './contract.ts';
import { awaitDnsSourcesGone, deleteDnsSources, listDnsSources } from './dns-sources.ts';
import { atEdge } from './errors.ts';
import { readExternalDns } from './external-dns.ts';
import { destroyer } from './guard.ts';
import { whileHeartbeating } from './heartbeat.ts';
import { applyDefinitions, applyStorageClass, isDefinition, type KubernetesInventory, probeTier0, readKubernetesInventory } from './kubernetes.ts';
import { type ClusterClient, type KubernetesDeps, nameOf, refOf, withCluster } from './kubernetes-client.ts';
import { mapKubernetesError } from './kubernetes-errors.ts';
import { managedNames } from './kubernetes-protections.ts';
import { deleteVolumes, readVolumes } from './kubernetes-volumes.ts';
import { loadManifest, type Manifest } from './manifests.ts';
import type { Target } from '../domain/plan.ts';

type KubernetesActivities = Pick<
  PlatformActivities,
  | 'probeTier0' | 'probeArgoCd' | 'readGate' | 'preflightTier' | 'probeAcceptance' | 'readExternalDns' | 'readApplications' | 'readDrainObjects' | 'listDnsSources'
  | 'awaitTier' | 'awaitAcceptanceJob' | 'awaitApplicationsGone' | 'awaitDnsSourcesGone'
  | 'applyPrerequisites' | 'installArgoCd' | 'applyRootApplication' | 'freezeGitOps' | 'deleteApplications' | 'deleteDnsSources'
  | 'deleteVolumes' | 'deleteControllers' | 'removeArgoCd'
>;

/** What every one of them gets: the platform it is about. */
interface Aimed {
  target: Target;
}

/** The activities that speak to the cluster's API server. */
export function createKubernetesActivities(deps: KubernetesDeps): KubernetesActivities {
  const { iam, rds, s3 } = deps;
  const inCluster = <In extends Aimed, Out>(activity: (cluster: ClusterClient, input: In) => Promise<Out>) =>
    atEdge(whileHeartbeating((input: In) => withCluster(deps, input.target, (cluster) => activity(cluster, input))), mapKubernetesError);
  const watching = <In extends Aimed, Out>(activity: (cluster: ClusterClient, input: In) => Promise<Out>) =>
    atEdge((input: In) => withCluster(deps, input.target, (cluster) => activity(cluster, input)), mapKubernetesError);
  const destroying = <In extends Destroying, Out>(activity: (cluster: ClusterClient, input: In) => Promise<Out>) =>
    atEdge(whileHeartbeating(destroyer(s3, (input: In) => withCluster(deps, input.target, (cluster) => activity(cluster, input)))), mapKubernetesError);
  const manifest = (pinned: Manifest) => loadManifest(pinned, { mirror: deps.manifestMirror, signal: Context.current().cancellationSignal });

  return {
    probeTier0: inCluster(probeTier0),
    probeArgoCd: inCluster(probeArgoCd),
    readGate: inCluster(readGate),
    preflightTier: inCluster((cluster, input) => preflightTier(cluster, { iam, rds, s3 }, input)),
    probeAcceptance: inCluster(probeAcceptance),
    readExternalDns: inCluster((cluster, { target }) => readExternalDns(cluster, iam, target)),
    readApplications: inCluster(async (cluster) => (await listApplications(cluster)).map(applicationState)),
    readDrainObjects: inCluster(async (cluster) => ({
      managed: Object.fromEntries((await listApplications(cluster)).map((application) => [application.metadata?.name ?? '', managedNames(application)])),
      ...(await readVolumes(cluster)),
    })),
    listDnsSources: inCluster(async (cluster) => (await listDnsSources(cluster)).map((source) => nameOf(refOf(source)))),

    awaitTier: watching((cluster, { tier, expected }) => awaitTier(cluster, { tier, expected })),
    awaitAcceptanceJob: watching(awaitAcceptanceJob),
    awaitApplicationsGone: watching((cluster, { names }) => awaitApplicationsGone(cluster, names)),
    awaitDnsSourcesGone: watching(awaitDnsSourcesGone),

    applyPrerequisites: inCluster(async (cluster, { target, manifests }) => {
      const definitions = [...(await manifest(manifests.externalSecretsCrds)), ...(await manifest(manifests.certManagerCrds))].filter(isDefinition);
      await cluster.apply(argocdNamespace());
      const names = await applyDefinitions(cluster, definitions);
      return ['namespace argocd', ...(await applyStorageClass(cluster, target)), `${names.length} CRDs of External Secrets ${manifests.externalSecretsCrds.version} and cert-manager ${manifests.certManagerCrds.version}`];
    }),
    installArgoCd: inCluster(async (cluster, { manifest: pinned }) => installArgoCd(cluster, await manifest(pinned))),
    applyRootApplication: inCluster(async (cluster, input) => applyRootApplication(cluster, await deps.offers(input), input)),
    freezeGitOps: inCluster(freezeGitOps),
    deleteApplications: inCluster((cluster, { names }) => deleteApplications(cluster, names)),
    deleteDnsSources: inCluster(deleteDnsSources),

    deleteVolumes: destroying(deleteVolumes),
    deleteControllers: destroying((cluster, { names }) => deleteControllers(cluster, names)),
    removeArgoCd: destroying(async (cluster, { manifest: pinned }) => removeArgoCd(cluster, await manifest(pinned))),
  };
}

/** The cluster's half of `readInventory` in inventory.ts; its errors are of the one list already. */
export function kubernetesInventory(deps: KubernetesDeps): (input: Aimed) => Promise<KubernetesInventory> {
  return ({ target }) => withCluster(deps, target, readKubernetesInventory);
}
