// Lists what belongs to platforms that are gone: looks, asks whether they are gone, and changes nothing (X5, D4).
import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { type OrphanReport, orphanReport, type Sighting, suspects } from '../domain/orphans.ts';
import { platformNames, platformOfCluster } from '../domain/names.ts';
import { describe } from './failures.ts';
import type { FindOrphansInput } from './messages.ts';
import { type Policies, policies } from './policies.ts';

/** The orphans of an environment. Fails where anything could not be read: "none" is said of a complete look only (failure 36). */
export async function findOrphans(input: FindOrphansInput): Promise<OrphanReport> {
  try {
    return await look(input);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error; // a bug in workflow code: it fails the task and waits for a fixed worker
    const { type, message, problems } = describe(error);
    throw ApplicationFailure.create({ type, message, nonRetryable: true, details: [problems] });
  }
}

async function look({ scope, accountId, hostedZoneId, registry, timings }: FindOrphansInput): Promise<OrphanReport> {
  const call = policies(timings);
  const at = Date.now();
  const memories = await call.survey.readMemories('Read what the registry remembers', { environment: scope.environment, registry });
  const remembered = memories.filter(({ residue }) => residue.length > 0).map(({ cluster, residue }) => ({ cluster, objects: residue }));
  const { living, objects } = await call.survey.surveyAccount('Read what every service has', { environment: scope.environment, accountId, remembered });
  const records = await call.zoneSurvey.surveyZone(`Read the records of ${scope.zone}`, { scope, hostedZoneId, living });
  // Asked last: what came to life since the look is not gone.
  const sightings = await sight(call, suspects({ scope, living, objects, records }), scope);
  return orphanReport({ scope, at, living, objects, records, memories, sightings });
}

/** What EKS and Temporal say of these platforms now. Temporal is asked after EKS: a bootstrap that began in between is seen in flight. */
export async function sight({ survey }: Policies, clusters: readonly string[], { environment, zone }: FindOrphansInput['scope']): Promise<Sighting[]> {
  const platforms = clusters.flatMap((cluster) => {
    const identity = platformOfCluster(cluster, environment);
    return identity === undefined ? [] : [platformNames(identity, zone)];
  });
  if (platforms.length === 0) return [];
  const seen = await survey.readClusters('Ask EKS for their clusters', { clusters: platforms.map(({ cluster }) => cluster) });
  const runs = await survey.readRuns('Ask Temporal for their runs', { workflowIds: platforms.map(({ workflowId }) => workflowId) });
  return platforms.map(({ cluster, workflowId }) => {
    const [known, asked] = [seen.find((each) => each.cluster === cluster), runs.find((each) => each.workflowId === workflowId)];
    if (known === undefined || asked === undefined) throw new TypeError(`${cluster} was asked about and not answered`);
    return { cluster, exists: known.exists, run: asked.run };
  });
}
