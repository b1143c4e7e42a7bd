// What belongs to platforms that are gone: whose an object is, when its platform counts as gone, and what is listed (X5, D4; failures 16, 36, 39). Pure.
import { isWithin } from './dns-names.ts';
import { type DnsRecord, type OwnedRecord, ownedRecords, recordOwners } from './dns-records.ts';
import { platformNames, platformOfCluster, platformOfName, platformOfOwner, type Identity } from './names.ts';
import type { OwnedObject } from './report.ts';
import { whatToDo } from './what-to-do.ts';

/** Where orphans are looked for. */
export interface OrphanScope {
  environment: string;
  zone: string;
}

/** An object that its own service has, with whom it says it belongs to. */
export interface FoundObject extends OwnedObject {
  /** The clusters that its tags name; more than one is a dispute. */
  clusters: string[];
  /** The environment that its tags name, or null where they name none (what controllers make). */
  environment: string | null;
  /** By what it is known: its tags, a name that EKS reserves to one cluster, or a receipt that told of it as left behind. */
  by: 'tags' | 'reserved-name' | 'receipt';
}

/** A record of a platform, with everything that could make it another's as well. */
export interface ClaimedRecord extends OwnedRecord {
  /** Every owner that a registry TXT names for it. */
  owners: string[];
  /** The cluster of the ephemeral suffix that it lies in, or null. */
  inside: string | null;
}

export interface PlatformRecords {
  cluster: string;
  records: ClaimedRecord[];
}

/** What EKS and Temporal say of a platform now. */
export interface Sighting {
  cluster: string;
  /** False only by EKS's typed NotFound (failure 36). */
  exists: boolean;
  /** The run in flight under the platform's workflow id. */
  run: { type: string; runId: string } | null;
}

/** What the registry remembers of a platform. */
export interface Memory {
  cluster: string;
  claimed: boolean;
  last: { runId: string; operation: string; state: string; endedAt: number | null } | null;
  /** Objects that the last receipt tells of as left behind. */
  residue: OwnedObject[];
}

export interface Orphan extends OwnedObject {
  why: string;
  /** Whether `--remove` deletes it; the others are a person's to judge. */
  removable: boolean;
  whatToDo: string;
}

export interface GonePlatform {
  cluster: string;
  lifecycle: Identity['lifecycle'];
  buildId: string | null;
  workflowId: string;
  /** Why it counts as gone, and how it is known at all. */
  why: string[];
  objects: Orphan[];
  records: ClaimedRecord[];
}

export interface OrphanReport {
  schema: 1;
  environment: string;
  zone: string;
  /** When the look began, in milliseconds since the epoch. */
  at: number;
  platforms: GonePlatform[];
  /** What names a platform that is gone and something else besides: listed, and never removed here. */
  disputed: { what: string; why: string }[];
}

/** What is put together to the report. `living` are the clusters that EKS lists; what is theirs alone need not be in the rest. */
export interface Survey {
  scope: OrphanScope;
  at: number;
  living: readonly string[];
  objects: readonly FoundObject[];
  records: readonly PlatformRecords[];
  memories: readonly Memory[];
  sightings: readonly Sighting[];
}

/** Kinds of objects that a removal deletes. Listeners and rules go with their load balancer. */
const REMOVABLE = new Set([
  'elasticloadbalancing:loadbalancer', 'elasticloadbalancing:targetgroup', 'elasticloadbalancing:listener', 'elasticloadbalancing:listener-rule',
  'ec2:instance', 'ec2:network-interface', 'ec2:security-group', 'ec2:volume', 'iam:role', 'iam:instance-profile', 'iam:policy', 'iam:oidc-provider', 'logs:log-group',
]);

/**
 * The records of each platform that a zone's listing knows of, by exact owner or by an ephemeral suffix (D4); the same records that the DNS gate
 * of that platform would see. Platforms among `living` are left out.
 */
export function recordsByPlatform(listing: readonly DnsRecord[], { environment, zone }: OrphanScope, living: readonly string[]): PlatformRecords[] {
  const claims = recordOwners(listing);
  const ownersOf = new Map(claims.map(({ record, owners }) => [keyOf(record), owners]));
  const identities = claims.flatMap(({ record, owners }) => [...owners.map((owner) => platformOfOwner(owner, environment)), platformOfName(record.name, { environment, zone })]);
  const platforms = new Map(identities.flatMap((identity) => (identity === undefined ? [] : [[platformNames(identity, zone).cluster, identity] as const])));
  return [...platforms]
    .filter(([cluster]) => !living.includes(cluster))
    .map(([cluster, identity]) => ({
      cluster,
      records: ownedRecords(listing, { ...platformNames(identity, zone), lifecycle: identity.lifecycle }).map((record) => ({ ...record, owners: ownersOf.get(keyOf(record)) ?? [], inside: clusterOfName(record.name, { environment, zone }) })),
    }))
    .filter(({ records }) => records.length > 0);
}

/** The clusters of the environment that EKS and Temporal must be asked about before anything is said of them. */
export function suspects({ scope, living, objects, records }: Omit<Survey, 'sightings' | 'memories' | 'at'>): string[] {
  const named = [
    ...objects.filter(({ environment }) => isOf(environment, scope)).flatMap(({ clusters }) => clusters),
    ...records.flatMap((platform) => [platform.cluster, ...platform.records.flatMap((record) => namedBy(record, scope))]),
  ];
  return [...new Set(named)].filter((cluster) => platformOfCluster(cluster, scope.environment) !== undefined && !living.includes(cluster)).toSorted();
}

/** The workflow type of a removal: a run of it neither makes a platform nor needs one. */
export const REMOVAL_TYPE = 'removeOrphans';

/** Whether a platform is gone: EKS has no such cluster, and no run is about to make or unmake one; one that removes its orphans is none such. */
export function isGone({ exists, run }: Pick<Sighting, 'exists' | 'run'>): boolean {
  return !exists && (run === null || run.type === REMOVAL_TYPE);
}

/** Everything of platforms that are gone. Throws TypeError where a suspect was not asked about. */
export function orphanReport(survey: Survey): OrphanReport {
  const { scope, at, objects, records } = survey;
  const sighted = new Map(survey.sightings.map((sighting) => [sighting.cluster, sighting]));
  const gone = suspects(survey).filter((cluster) => {
    const sighting = sighted.get(cluster);
    if (sighting === undefined) throw new TypeError(`nobody asked whether ${cluster} is gone`);
    return isGone(sighting);
  });
  const isGoneCluster = (cluster: string) => gone.includes(cluster);
  const platforms = gone.map((cluster): GonePlatform => gonePlatform(cluster, survey, isGoneCluster));
  const disputedObjects = objects
    .filter(({ clusters, environment }) => isOf(environment, scope) && clusters.length > 1 && clusters.every(isGoneCluster))
    .map(({ kind, id, clusters }) => ({ what: `${kind} ${id}`, why: `its tags name ${clusters.join(' and ')}` }));
  const disputedRecords = records.filter(({ cluster }) => isGoneCluster(cluster)).flatMap(({ cluster, records: claimed }) =>
    claimed.flatMap((record) => {
      const contest = contestOf(record, cluster, scope, isGoneCluster);
      return contest?.kind === 'stranger' ? [{ what: `record ${record.name} ${record.type}`, why: contest.why }] : [];
    }));
  return { schema: 1, environment: scope.environment, zone: scope.zone, at, platforms: platforms.filter((platform) => platform.objects.length + platform.records.length > 0), disputed: [...disputedObjects, ...disputedRecords] };
}

/** Why a record of a gone platform is not that platform's alone, or undefined: what a living platform has part in is not listed, what a stranger has part in is disputed. */
export function contestOf({ owners, inside }: Pick<ClaimedRecord, 'owners' | 'inside'>, cluster: string, { environment, zone }: OrphanScope, gone: (cluster: string) => boolean): { kind: 'living' | 'stranger'; why: string } | undefined {
  if (inside !== null && inside !== cluster && !gone(inside)) return { kind: 'living', why: `it lies in the suffix of ${inside}` };
  for (const owner of owners) {
    const identity = platformOfOwner(owner, environment);
    if (identity === undefined) return { kind: 'stranger', why: `it lies in the suffix of ${cluster}, and its registry names owner ${owner}, which is no platform of ${environment}` };
    const named = platformNames(identity, zone).cluster;
    if (named !== cluster && !gone(named)) return { kind: 'living', why: `its registry names owner ${owner}` };
  }
  return undefined;
}

/** The other platforms that a record names. */
export function namedBy({ owners, inside }: Pick<ClaimedRecord, 'owners' | 'inside'>, { environment, zone }: OrphanScope): string[] {
  const owning = owners.flatMap((owner) => {
    const identity = platformOfOwner(owner, environment);
    return identity === undefined ? [] : [platformNames(identity, zone).cluster];
  });
  return inside === null ? owning : [...owning, inside];
}

function gonePlatform(cluster: string, { scope, objects, records, memories, sightings }: Survey, gone: (cluster: string) => boolean): GonePlatform {
  const identity = platformOfCluster(cluster, scope.environment);
  if (identity === undefined) throw new TypeError(`${cluster} is no platform of ${scope.environment}`);
  const { workflowId } = platformNames(identity, scope.zone);
  const memory = memories.find((each) => each.cluster === cluster);
  return {
    cluster,
    lifecycle: identity.lifecycle,
    buildId: identity.buildId,
    workflowId,
    why: [`EKS has no cluster ${cluster} (ResourceNotFoundException)`, runLine(workflowId, sightings.find((sighting) => sighting.cluster === cluster)?.run ?? null), ...memoryLines(memory)],
    objects: objects.filter((object) => isOf(object.environment, scope) && object.clusters.length === 1 && object.clusters[0] === cluster).map((object) => orphanOf(object, keptVolumes(memory))),
    records: (records.find((platform) => platform.cluster === cluster)?.records ?? []).filter((record) => contestOf(record, cluster, scope, gone) === undefined),
  };
}

/** Volumes that the platform's last receipt tells of as left behind: some are kept on purpose (reclaim policy Retain), and their data is a person's to judge. */
export function keptVolumes(memory: Pick<Memory, 'residue'> | undefined): string[] {
  return (memory?.residue ?? []).filter(({ kind }) => kind === 'ec2:volume').map(({ id }) => id);
}

function orphanOf({ kind, id, name, by }: FoundObject, kept: readonly string[]): Orphan {
  const object = { kind, id, name };
  if (kept.includes(id)) return { ...object, why: 'the last receipt tells of it as left behind, perhaps on purpose', removable: false, whatToDo: whatToDo(object) };
  const why = { tags: 'its tags name the platform', 'reserved-name': 'EKS reserves its name to this cluster', receipt: 'the last receipt tells of it as left behind; its tags name nobody' }[by];
  return { ...object, why, removable: by !== 'receipt' && REMOVABLE.has(kind), whatToDo: whatToDo(object) };
}

function runLine(workflowId: string, run: Sighting['run']): string {
  return run === null ? `Temporal has no run in flight under ${workflowId}` : `a removal of its orphans is in flight (run ${run.runId})`;
}

function memoryLines(memory: Memory | undefined): string[] {
  if (memory === undefined) return ['the registry remembers no run of it'];
  const { claimed, last } = memory;
  if (last === null) return claimed ? ['its build id was claimed, and no run of it left a receipt'] : [];
  return [`its last receipt: ${last.operation}, ${last.state}${last.endedAt === null ? '' : ` at ${new Date(last.endedAt).toISOString()}`} (run ${last.runId})`];
}

/** Another environment's objects are never listed; what controllers make names none, and its cluster's name decides. */
function isOf(environment: string | null, scope: OrphanScope): boolean {
  return environment === null || environment === scope.environment;
}

function clusterOfName(name: string, { environment, zone }: OrphanScope): string | null {
  const identity = isWithin(name, zone) ? platformOfName(name, { environment, zone }) : undefined;
  return identity === undefined ? null : platformNames(identity, zone).cluster;
}

function keyOf({ name, type, setIdentifier }: DnsRecord): string {
  return `${name} ${type} ${setIdentifier ?? ''}`;
}
