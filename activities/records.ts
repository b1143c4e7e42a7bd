// Break-glass repair of the zone: deletes exactly the records that people decided on, as Route 53 lists them, each before the TXT that registers it (D4; failures 17, 41).
import { ChangeResourceRecordSetsCommand, GetChangeCommand, type ResourceRecordSet, type Route53Client } from '@aws-sdk/client-route-53';
import { Context } from '@temporalio/activity';
import type { AuditEvent } from '../domain/audit.ts';
import { subjectLine } from '../domain/break-glass.ts';
import { normaliseName } from '../domain/dns-names.ts';
import { type DnsRecord, type OwnedRecord, ownedRecords } from '../domain/dns-records.ts';
import { repairBatches, repairOf } from '../domain/dns-repair.ts';
import { GoldenpathError } from '../domain/errors.ts';
import type { Target } from '../domain/plan.ts';
import { CHANGE_WAIT } from '../domain/timings.ts';
import { readEntries, writeEntry } from './audit.ts';
import type { Clients } from './clients.ts';
import type { ZoneRepairs } from './contract.ts';
import { isNamed, notReady } from './errors.ts';
import { demandDecision, ownRun } from './guard.ts';
import { present } from './pages.ts';
import { zoneProtections } from './record-protections.ts';
import { listRecordSets, toDnsRecord } from './zone.ts';

type Repairing = Pick<Clients, 'route53' | 's3'>;
type RepairInput = Parameters<ZoneRepairs['repairRecords']>[0];

/** A record of the platform, and the set to delete it with: to the letter what Route 53 lists. */
interface Doomed {
  record: OwnedRecord;
  set: ResourceRecordSet;
}

export function zoneRepairs(clients: Repairing): Pick<ZoneRepairs, 'repairRecords'> {
  return { repairRecords: (input) => repairRecords(clients, input) };
}

/**
 * Every attempt judges the decision and lists the zone again. The audit trail tells it what earlier attempts of the same decision began and
 * which changes they made, so that it goes on where they stopped; it is NotReady while a change is on its way to the name servers.
 */
async function repairRecords(clients: Repairing, input: RepairInput): Promise<string[]> {
  const { target, request } = input;
  await demandDecision('repair', input);
  const before = await earlierAttempts(clients, input);
  const listed = ownedSets((await listRecordSets(clients.route53, target.hostedZoneId)).sets, input);
  const left = repairOf(listed, ({ record }) => record, { request, begun: before.begun, zone: target.zone });
  await demandUnprotected(clients.route53, target, listed);
  if (!before.begun) await put(clients, input, { kind: 'repair', request, approvals: input.approvals, records: request.subject }, request.id);
  const changes = await deleteSets(clients, input, left.records);
  await inSync(clients.route53, [...before.changes, ...changes]);
  const last = await deleteSets(clients, input, left.registry);
  await inSync(clients.route53, last);
  return evidence(request.subject, [...before.changes, ...changes, ...last]);
}

/** A change that was made for a decision, and what it deleted. */
type Deletion = Extract<AuditEvent, { kind: 'repaired' }>;

/** What the audit trail has of this decision: whether its repair was begun, and its changes. */
async function earlierAttempts({ s3 }: Repairing, { registry, target, request }: RepairInput): Promise<{ begun: boolean; changes: Deletion[] }> {
  const entries = await readEntries(s3, registry, { ...target, ...ownRun() }, ['repair', 'repaired']);
  const own = entries.filter((entry) => (entry.kind === 'repair' && entry.request.id === request.id) || (entry.kind === 'repaired' && entry.request === request.id));
  return { begun: own.some(({ kind }) => kind === 'repair'), changes: own.filter((entry) => entry.kind === 'repaired') };
}

async function put({ s3 }: Repairing, { registry, target }: RepairInput, event: AuditEvent, name: string): Promise<void> {
  const { environment, cluster } = target;
  await writeEntry(s3, registry, { schema: 1, at: Date.now(), environment, cluster, ...ownRun(), ...event }, name);
}

/** Name, type and set identifier name one set of a zone. */
function keyOf({ name, type, setIdentifier = '' }: DnsRecord): string {
  return `${normaliseName(name)} ${type} ${setIdentifier}`;
}

/** The platform's records, each with its set. */
function ownedSets(sets: readonly ResourceRecordSet[], { target, known }: Pick<RepairInput, 'target' | 'known'>): Doomed[] {
  const records = sets.map((set) => ({ set, record: toDnsRecord(set) }));
  const byKey = new Map(records.map(({ set, record }) => [keyOf(record), set]));
  return ownedRecords(records.map(({ record }) => record), target, known).map((record) => ({ record, set: present(byKey.get(keyOf(record)), `the set of ${record.name}`) }));
}

/** Failure 41: one protected name fails its whole batch. Throws PreflightFailed and names each; a protection is never lifted here. */
async function demandUnprotected(route53: Route53Client, { hostedZoneId, zone }: Target, doomed: readonly Doomed[]): Promise<void> {
  if (doomed.length === 0) return;
  const protections = await zoneProtections(route53, hostedZoneId);
  const comments = new Map(protections.map(({ name, type, comment }) => [`${normaliseName(name)} ${type}`, comment]));
  const problems = doomed.flatMap(({ record }) => {
    const key = `${record.name} ${record.type}`;
    if (!comments.has(key)) return [];
    const comment = comments.get(key);
    return [`${key} is protected in Route 53${comment === undefined ? '' : ` (${comment})`}`];
  });
  if (problems.length > 0) throw new GoldenpathError('PreflightFailed', `Nothing was deleted in ${zone}: ${problems.length} of the records are protected against changes`, [...new Set(problems)]);
}

/** Deletes the sets in batches, and puts each change on record as soon as Route 53 took it. */
async function deleteSets(clients: Repairing, input: RepairInput, doomed: readonly Doomed[]): Promise<Deletion[]> {
  const made: Deletion[] = [];
  for (const batch of repairBatches(doomed, ({ set }) => (set.ResourceRecords ?? []).map(({ Value = '' }) => Value))) {
    const change = await deleteBatch(clients.route53, input, batch);
    const deletion: Deletion = { kind: 'repaired', request: input.request.id, change, records: batch.map(({ record }) => subjectLine(record)) };
    await put(clients, input, deletion, `${input.request.id}-${change}`);
    made.push(deletion);
  }
  return made;
}

/** One transactional change; its id. Conflict where a set is not any more what was listed: then the next attempt lists again. */
async function deleteBatch(route53: Route53Client, { target, request }: RepairInput, batch: readonly Doomed[]): Promise<string> {
  try {
    const Changes = batch.map(({ set }) => ({ Action: 'DELETE' as const, ResourceRecordSet: set }));
    const { ChangeInfo } = await route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: target.hostedZoneId, ChangeBatch: { Comment: `goldenpath decision ${request.id}`, Changes } }));
    return present(ChangeInfo?.Id, "the change's id").replace(/^\/change\//, '');
  } catch (error) {
    if (isNamed(error, ['InvalidChangeBatch'])) throw new GoldenpathError('Conflict', `Route 53 refused to delete the records as listed: ${error instanceof Error ? error.message : ''}`, [], { cause: error });
    throw error;
  }
}

/** Waits a little until every change is at all name servers. Throws NotReady where it takes longer; the next attempt finds the changes in the audit trail. */
async function inSync(route53: Route53Client, changes: readonly Deletion[]): Promise<void> {
  const until = Date.now() + CHANGE_WAIT.deadlineMs;
  for (const { change } of changes) {
    while (!(await isInSync(route53, change))) {
      if (Date.now() >= until) throw notReady(`change ${change} is not yet at all name servers of Route 53`, { startedAt: Date.now(), wait: CHANGE_WAIT });
      await Context.current().sleep(CHANGE_WAIT.denseMs);
    }
  }
}

async function isInSync(route53: Route53Client, id: string): Promise<boolean> {
  const { ChangeInfo } = await route53.send(new GetChangeCommand({ Id: id }));
  return present(ChangeInfo, 'a change').Status === 'INSYNC';
}

/** One line a change; and what went without a change of ours on record: an attempt that died in between, or someone else. */
function evidence(subject: readonly string[], changes: readonly Deletion[]): string[] {
  const known = new Set(changes.flatMap(({ records }) => records));
  const unknown = subject.filter((line) => !known.has(line));
  return [
    ...changes.flatMap(({ change, records }) => records.map((line) => `deleted ${line} (change ${change}, INSYNC)`)),
    ...unknown.map((line) => `gone ${line} (no change on record; Route 53 lists it no more)`),
  ];
}
