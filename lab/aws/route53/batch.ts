// One transactional batch of changes to a zone: either all problems, or the next state; the zone itself is not touched.
// Source: API_ChangeResourceRecordSets; texts as Route 53 answers them (InvalidChangeBatch lists every one).
import type { Change, ResourceRecordSetProtection, RRType } from '@aws-sdk/client-route-53';
import { aliasProblems } from './alias.ts';
import { atName, find, put, remove } from './entries.ts';
import { isInZone } from './names.ts';
import { protectionProblems } from './protections.ts';
import { described, isSame, kept, keyOf, nameOf, routingOf, type Entry, type RecordSet, type Routing } from './record-set.ts';
import { valueProblem } from './values.ts';

/** What a batch is applied to. */
export interface BatchZone {
  id: string;
  name: string;
  records: readonly Entry[];
  protections?: readonly ResourceRecordSetProtection[];
}

/** The outcome: with problems, `records` is the state as it was. */
export interface BatchResult {
  records: readonly Entry[];
  problems: string[];
}

/** "A request can't contain more than 1,000 ResourceRecord elements"; an UPSERT counts twice. */
const MOST_RECORDS = 1000;
/** "The sum of the number of characters in all Value elements can't exceed 32,000"; an UPSERT counts twice. */
const MOST_CHARACTERS = 32_000;

/** Applies a batch of changes, each well formed (`formProblem`), in their order. */
export function applyBatch(zone: BatchZone, changes: readonly Change[]): BatchResult {
  const draft = [...zone.records];
  const problems = [...sizeProblems(changes), ...repetitionProblems(changes), ...protectionProblems(zone.protections ?? [], changes)];
  for (const change of changes) problems.push(...applyChange(zone, draft, change));
  for (const change of changes) problems.push(...targetProblems(zone, draft, change));
  problems.push(...requiredProblems(zone, draft));
  return problems.length > 0 ? { records: zone.records, problems: [...new Set(problems)] } : { records: draft, problems: [] };
}

function sizeProblems(changes: readonly Change[]): string[] {
  let [records, characters] = [0, 0];
  for (const { Action, ResourceRecordSet } of changes) {
    const times = Action === 'UPSERT' ? 2 : 1;
    const values = ResourceRecordSet?.ResourceRecords ?? [];
    records += times * Math.max(values.length, 1);
    characters += times * values.reduce((sum, { Value = '' }) => sum + Value.length, 0);
  }
  return [
    ...(records > MOST_RECORDS ? [`Number of records limit of ${MOST_RECORDS} exceeded.`] : []),
    ...(characters > MOST_CHARACTERS ? [`RDATA character limit of ${MOST_CHARACTERS} exceeded.`] : []),
  ];
}

/** A record set may be changed once in a batch, or deleted and then created again. */
function repetitionProblems(changes: readonly Change[]): string[] {
  const seen = new Map<string, string>();
  const problems: string[] = [];
  for (const change of changes) {
    const [verdict, set, action = ''] = [nameOf(change), change.ResourceRecordSet, change.Action];
    if ('problem' in verdict || set === undefined) continue;
    const key = keyOf(verdict.name, set.Type ?? '', set.SetIdentifier);
    const before = seen.get(key);
    if (before !== undefined && !(before === 'DELETE' && action !== 'DELETE')) {
      problems.push(`The request contains an invalid set of changes for a resource record set '${set.Type} ${verdict.name}'`);
    }
    seen.set(key, before === undefined ? action : `${before},${action}`);
  }
  return problems;
}

function applyChange(zone: BatchZone, draft: Entry[], change: Change): string[] {
  const [verdict, given] = [nameOf(change), change.ResourceRecordSet];
  if (given?.Type === undefined) return [];
  if ('problem' in verdict) return [verdict.problem];
  const set = kept(given, verdict.name, given.Type);
  const current = find(draft, keyOf(set.Name, set.Type, set.SetIdentifier));
  if (change.Action === 'DELETE') return applyDelete(draft, set, current);

  if (!isInZone(set.Name, zone.name)) return [`RRSet with DNS name ${set.Name} is not permitted in zone ${zone.name}`];
  if (change.Action === 'CREATE' && current !== undefined) return [`Tried to create resource record set ${described(set)} but it already exists`];
  const problems = [...contentProblems(set), ...conflictProblems(zone, draft, set, current)];
  if (problems.length === 0) put(draft, set);
  return problems;
}

function applyDelete(draft: Entry[], set: RecordSet, current: Entry | undefined): string[] {
  if (current === undefined) return [`Tried to delete resource record set ${described(set)} but it was not found`];
  if (!isSame(current.set, set)) return [`Tried to delete resource record set ${described(set)} but the values provided do not match the current values`];
  remove(draft, current.key);
  return [];
}

function contentProblems(set: RecordSet): string[] {
  const values = (set.ResourceRecords ?? []).map(({ Value = '' }) => Value);
  const problems = values.map((value) => valueProblem(set.Type, value)).filter((problem) => problem !== undefined);
  const repeated = values.filter((value, index) => values.indexOf(value) !== index);
  const single: RRType[] = ['CNAME', 'SOA'];
  return [
    ...problems,
    ...[...new Set(repeated)].map((value) => `Duplicate Resource Record: '${value}'`),
    ...(single.includes(set.Type) && values.length > 1 ? [`RRSet of type ${set.Type} with DNS name ${set.Name} must contain exactly one resource record`] : []),
  ];
}

function conflictProblems(zone: BatchZone, draft: readonly Entry[], set: RecordSet, current: Entry | undefined): string[] {
  const others = atName(draft, set.Name).filter((entry) => entry !== current);
  if (set.Type === 'CNAME' && set.Name === zone.name) return [`RRSet of type CNAME with DNS name ${set.Name} is not permitted at apex in zone ${zone.name}`];
  if (set.Type === 'CNAME' && others.some((entry) => entry.set.Type !== 'CNAME')) {
    return [`RRSet of type CNAME with DNS name ${set.Name} is not permitted as it conflicts with other records with the same DNS name in zone ${zone.name}`];
  }
  if (set.Type !== 'CNAME' && others.some((entry) => entry.set.Type === 'CNAME')) {
    return [`RRSet of type ${set.Type} with DNS name ${set.Name} is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone ${zone.name}`];
  }
  return routingProblems(others.filter((entry) => entry.set.Type === set.Type).map((entry) => entry.set), set);
}

const SETS: Record<Routing, string> = {
  Weight: 'weighted', Region: 'latency', Failover: 'failover', GeoLocation: 'geolocation', MultiValueAnswer: 'multivalue answer',
  CidrRoutingConfig: 'IP-based', GeoProximityLocation: 'geoproximity',
};

/** Record sets of one name and type use one routing policy; weighted ones also one TTL. */
function routingProblems(others: readonly RecordSet[], set: RecordSet): string[] {
  const routing = routingOf(set);
  const stranger = others.find((other) => routingOf(other) !== routing);
  const subject = `RRSet with DNS name ${set.Name}, type ${set.Type}`;
  if (stranger !== undefined && routing === undefined) return [`${subject} cannot be created as ${SETS[routingOf(stranger) ?? 'Weight']} sets exist with the same name and type.`];
  if (stranger !== undefined && routing === 'MultiValueAnswer') {
    return [`${subject}, SetIdentifier ${set.SetIdentifier} cannot be created because a non multivalue answer rrset exists with the same name and type.`];
  }
  if (stranger !== undefined && routing !== undefined) return [`${subject}, SetIdentifier ${set.SetIdentifier} cannot be created as a non-${SETS[routing]} set exists with the same name and type.`];
  if (routing === 'Weight' && others.some((other) => other.TTL !== set.TTL)) {
    return [`RRSet with DNS name ${set.Name} and type ${set.Type}, SetIdentifier ${set.SetIdentifier} cannot be created as weighted sets must contain the same TTL.`];
  }
  return [];
}

/** Targets are looked for in the outcome: an alias may come with its target in one batch. */
function targetProblems(zone: BatchZone, draft: readonly Entry[], change: Change): string[] {
  const [verdict, given] = [nameOf(change), change.ResourceRecordSet];
  if (change.Action === 'DELETE' || given?.AliasTarget === undefined || given.Type === undefined || 'problem' in verdict) return [];
  const set = kept(given, verdict.name, given.Type);
  return aliasProblems(set.AliasTarget ?? given.AliasTarget, set.Type, zone, (name) => atName(draft, name).some((entry) => entry.set.Type === set.Type && entry.set.Name !== set.Name));
}

function requiredProblems(zone: BatchZone, draft: readonly Entry[]): string[] {
  return [
    ...(find(draft, keyOf(zone.name, 'SOA')) === undefined ? ['A HostedZone must contain exactly one SOA record.'] : []),
    ...(find(draft, keyOf(zone.name, 'NS')) === undefined ? ['A HostedZone must contain at least one NS record for the zone itself.'] : []),
  ];
}
