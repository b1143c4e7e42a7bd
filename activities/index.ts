// All activities of a worker, put together (architecture.md § The house). Errors are triaged here for AWS's half, and in kubernetes-activities.ts for the other.
import type { HeldEnvironments } from '../domain/own-policy.ts';
import type { Target } from '../domain/plan.ts';
import { auditActivities } from './audit.ts';
import { decisionActivities } from './break-glass.ts';
import type { Clients } from './clients.ts';
import type { DatabaseChanges, DatabaseDestroyers, DatabaseProbes } from './database-contract.ts';
import { databaseActivities } from './databases.ts';
import type { Deciding, PlatformActivities, Surveys, ZoneProbes, ZoneRepairs, ZoneSurveys } from './contract.ts';
import { clusterActivities } from './eks.ts';
import { addonActivities } from './eks-addons.ts';
import { nodeActivities } from './eks-nodes.ts';
import { clusterAccess, mintToken } from './eks-token.ts';
import { externalDnsRoleActivities } from './external-dns-role.ts';
import { atEdge, type Mapper } from './errors.ts';
import { foundationActivities } from './foundation.ts';
import { tier2FoundationActivities } from './foundation-tier-2.ts';
import { withOwnPolicy } from './guard.ts';
import { roleActivities } from './iam.ts';
import { whileHeartbeating } from './heartbeat.ts';
import { identityActivities } from './identity.ts';
import { instanceActivities } from './instances.ts';
import { readInventory } from './inventory.ts';
import { createKubernetesActivities, kubernetesInventory } from './kubernetes-activities.ts';
import { type KubernetesDeps, withCluster } from './kubernetes-client.ts';
import { mapKubernetesError } from './kubernetes-errors.ts';
import { leftoverActivities } from './leftovers.ts';
import { loadBalancerActivities } from './load-balancers.ts';
import { logActivities } from './logs.ts';
import { memoryActivities } from './memories.ts';
import { networkActivities } from './network.ts';
import { readOffers } from './offers.ts';
import { mapPostgresError } from './postgres.ts';
import { liftProtections } from './protections.ts';
import { rdsDestroyers } from './rds-destroy.ts';
import { rdsActivities } from './rds-instance.ts';
import { recordProtectionActivities } from './record-protections.ts';
import { zoneRepairs } from './records.ts';
import { registryActivities } from './registry.ts';
import { runActivities } from './runs.ts';
import { signatureActivities } from './signatures.ts';
import { surveyActivities } from './survey.ts';
import { sweepActivities } from './sweep.ts';
import { versionActivities } from './versions.ts';
import type { SignatureProbes, VersionProbes } from './versions-contract.ts';
import { volumeActivities } from './volumes.ts';
import { zoneProbes } from './zone.ts';
import { zoneSurveys } from './zone-survey.ts';

type Activity = (input: never) => Promise<unknown>;

/** What a worker has of its own, beside its clients. */
export interface Equipment {
  /** A folder of pinned manifests named `<sha256>.yaml`, where the internet is not to be had. */
  manifestMirror?: string | undefined;
  /** The authorities that sign the certificates of RDS, PEM; only databases need it. */
  rdsCaFile?: string | undefined;
  /** The environment files that plans are held to; without them the list of approvers in a plan is taken as it is. */
  environments?: HeldEnvironments | undefined;
}

/** The activities of the main task queue. */
export function createActivities(clients: Clients, { manifestMirror, rdsCaFile, environments }: Equipment = {}): PlatformActivities & Surveys & VersionProbes & SignatureProbes & DatabaseProbes & DatabaseChanges & DatabaseDestroyers {
  const kubernetes: KubernetesDeps = {
    clusterAccess: (target) => clusterAccess(clients, target),
    mintToken: ({ cluster }) => mintToken(clients.sts, cluster),
    iam: clients.iam,
    rds: clients.rds,
    s3: clients.s3,
    offers: (needs) => readOffers(clients, needs),
    manifestMirror,
  };
  return allHeldTo(environments, {
    ...allAtEdge({
      ...foundationActivities(clients, { manifestMirror }),
      ...tier2FoundationActivities(clients, { rdsCaFile }),
      ...registryActivities(clients, environments),
      ...auditActivities(clients),
      ...logActivities(clients),
      ...roleActivities(clients),
      ...clusterActivities(clients),
      ...nodeActivities(clients),
      ...addonActivities(clients),
      ...loadBalancerActivities(clients),
      ...volumeActivities(clients),
      ...networkActivities(clients),
      ...identityActivities(clients),
      ...leftoverActivities(clients),
      ...externalDnsRoleActivities(clients),
      ...sweepActivities(clients),
      ...instanceActivities(clients),
      ...memoryActivities(clients),
      ...surveyActivities(clients),
      ...runActivities,
      ...signatureActivities({ manifestMirror }),
      ...decisionActivities(environments),
      liftProtections: (input: Deciding & { withoutKubernetes?: boolean }) => liftProtections(clients, input, input.withoutKubernetes === true ? undefined : (use) => withCluster(kubernetes, input.target, use)),
      readInventory: ({ target, withoutKubernetes = false }: { target: Target; withoutKubernetes?: boolean }) => readInventory(clients, target, withoutKubernetes ? undefined : kubernetesInventory(kubernetes)),
    }, mapKubernetesError), // the inventory asks both
    ...createKubernetesActivities(kubernetes),
    ...allAtEdge(versionActivities(clients, kubernetes), mapKubernetesError),
    ...allAtEdge({ ...databaseActivities(clients, { rdsCaFile }), ...rdsActivities(clients), ...rdsDestroyers(clients, { rdsCaFile }) }, mapPostgresError),
  });
}

/** The activities of the Route 53 task queue. */
export function createZoneActivities(clients: Pick<Clients, 'route53' | 's3'>, { environments }: Pick<Equipment, 'environments'> = {}): ZoneProbes & ZoneRepairs & ZoneSurveys {
  return allHeldTo(environments, allAtEdge({ ...zoneProbes(clients), ...zoneRepairs(clients), ...recordProtectionActivities(clients), ...zoneSurveys(clients) }, mapKubernetesError));
}

/** Heartbeats and triage around each of them: by these mappers first, then by AWS's. A socket's error means another thing on the way to another system. */
function allAtEdge<A extends Record<keyof A, Activity>>(activities: A, ...mappers: Mapper[]): A {
  return each(activities, (activity) => atEdge(whileHeartbeating(activity), ...mappers));
}

/** None acts on a decision of others than the worker's own approvers. */
function allHeldTo<A extends Record<keyof A, Activity>>(environments: HeldEnvironments | undefined, activities: A): A {
  return each(activities, (activity) => atEdge(withOwnPolicy(environments, activity)));
}

function each<A extends Record<keyof A, Activity>>(activities: A, wrap: (activity: Activity) => Activity): A {
  const wrapped = Object.entries<Activity>(activities).map(([name, activity]) => [name, wrap(activity)]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same keys, each with its own function wrapped
  return Object.fromEntries(wrapped) as A;
}
