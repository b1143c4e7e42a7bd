// Destroys the environment's RDS instance: two people's decision, a snapshot that is available, protection off last (R4; failure 33).
import { CreateDBSnapshotCommand, type DBInstance, DeleteDBInstanceCommand, DescribeDBSnapshotsCommand, ModifyDBInstanceCommand } from '@aws-sdk/client-rds';
import { Context } from '@temporalio/activity';
import { canonicalJson } from '../domain/hash.ts';
import { doomedSubject, PROTECTION, type Snapshots } from '../domain/database-destroy.ts';
import { databaseTags } from '../domain/databases.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { writeEntry } from './audit.ts';
import type { Clients } from './clients.ts';
import type { DatabaseChanges, DatabaseDestroyers, DatabaseProbes, Doomed } from './database-contract.ts';
import { listDatabases } from './databases.ts';
import { isNamed, mapAwsError, NOT_FOUND, notReady, orAbsent } from './errors.ts';
import { demandDecision, ownRun } from './guard.ts';
import { toTagList } from './ownership.ts';
import { present } from './pages.ts';
import { demandOfEnvironment, describeInstance } from './rds.ts';

type Needs = Pick<Clients, 'rds' | 'ec2' | 'secrets' | 's3'>;
type Destroyers = Pick<DatabaseProbes, 'readDoomed' | 'probeSnapshot' | 'probeInstanceGone'> & Pick<DatabaseChanges, 'snapshotInstance'> & DatabaseDestroyers;

/** `rdsCaFile`: the authorities of RDS, PEM. */
export function rdsDestroyers(clients: Needs, { rdsCaFile }: { rdsCaFile?: string | undefined }): Destroyers {
  const read = (input: Parameters<DatabaseProbes['readDoomed']>[0]) => readDoomed(clients, rdsCaFile, input);
  return {
    readDoomed: read,
    probeSnapshot: (input) => probeSnapshot(clients, input),
    probeInstanceGone: (input) => probeInstanceGone(clients, input),
    snapshotInstance: (input) => snapshotInstance(clients, input),
    destroyInstance: (input) => destroyInstance(clients, read, input),
  };
}

async function readDoomed(clients: Needs, rdsCaFile: string | undefined, { environment, identifier, snapshots }: Parameters<DatabaseProbes['readDoomed']>[0]): Promise<Doomed | null> {
  const instance = await describeInstance(clients, identifier);
  if (isGoing(instance)) return null;
  const databases = await listDatabases(clients, rdsCaFile, { environment, instance: identifier }); // throws where it is not the environment's, or does not serve
  const arn = present(instance?.DBInstanceArn, "an instance's ARN");
  return { arn, subject: doomedSubject({ arn, createdAt: instance?.InstanceCreateTime?.toISOString() ?? 'an unknown time', databases, isProtected: instance?.DeletionProtection === true }, snapshots) };
}

function isGoing(instance: DBInstance | undefined): boolean {
  return instance === undefined || instance.DBInstanceStatus === 'deleting';
}

async function snapshotInstance({ rds }: Needs, { environment, identifier, snapshot }: Parameters<DatabaseChanges['snapshotInstance']>[0]): Promise<string[]> {
  demandOfEnvironment(`RDS instance ${identifier}`, (await describeInstance({ rds }, identifier))?.TagList, environment);
  try {
    await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: identifier, DBSnapshotIdentifier: snapshot, Tags: toTagList(databaseTags(environment)) }));
    return [`started snapshot ${snapshot}`];
  } catch (error) {
    if (!isNamed(error, ['DBSnapshotAlreadyExistsFault', 'DBSnapshotAlreadyExists'])) throw error;
    return [`snapshot ${snapshot} was begun before`]; // the name is this run's own
  }
}

/** The state of a snapshot of this instance, or undefined where there is none. */
async function snapshotStatus({ rds }: Pick<Clients, 'rds'>, { identifier, snapshot }: { identifier: string; snapshot: string }): Promise<string | undefined> {
  const answer = await orAbsent(rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshot })), NOT_FOUND.databaseSnapshot);
  const found = answer?.DBSnapshots?.[0];
  return found?.DBInstanceIdentifier === identifier ? (found.Status ?? 'unknown') : undefined;
}

async function probeSnapshot(clients: Needs, { identifier, snapshot, startedAt, wait }: Parameters<DatabaseProbes['probeSnapshot']>[0]): Promise<string[]> {
  const status = await snapshotStatus(clients, { identifier, snapshot });
  if (status === 'available') return [`snapshot ${snapshot} is available`];
  if (status === 'failed') throw new GoldenpathError('TerminalState', `snapshot ${snapshot} failed`, [`snapshot ${snapshot} of ${identifier} failed: see RDS's events of it`]);
  throw notReady(`snapshot ${snapshot} is ${status ?? 'not there yet'}`, { startedAt, wait });
}

async function probeInstanceGone(clients: Needs, { identifier, startedAt, wait }: Parameters<DatabaseProbes['probeInstanceGone']>[0]): Promise<string[]> {
  const instance = await describeInstance(clients, identifier);
  if (instance === undefined) return [`RDS has no instance ${identifier} any more`];
  throw notReady(`RDS instance ${identifier} is ${instance.DBInstanceStatus ?? 'unknown'}`, { startedAt, wait });
}

/** What people decided on must be what is there, to the letter. Each attempt is judged and recorded anew. */
async function destroyInstance(clients: Needs, read: (input: Parameters<DatabaseProbes['readDoomed']>[0]) => Promise<Doomed | null>, input: Parameters<DatabaseDestroyers['destroyInstance']>[0]): Promise<string[]> {
  const { target: { environment, cluster: identifier }, request, approvals, registry, snapshots } = input;
  await demandDecision('destroy', input);
  const doomed = await read({ environment, identifier, snapshots });
  if (doomed === null) return [`RDS instance ${identifier} goes already`];
  const problem = notDecidedOn(withoutProtectionLine(request.subject), withoutProtectionLine(doomed.subject)) ?? await snapshotProblem(clients, { identifier, snapshot: snapshots.before });
  if (problem !== undefined) throw refused(identifier, [problem, ...(await protectionBack(clients, identifier, request.subject, doomed.subject))].join('; '));
  const { activityId, attempt } = Context.current().info;
  await writeEntry(clients.s3, registry, { schema: 1, at: Date.now(), environment, cluster: identifier, ...ownRun(), kind: 'database', request, approvals, instance: doomed.arn, snapshots: [snapshots.before, snapshots.last] }, `${activityId}-${attempt}`);
  return deleteInstance(clients, { identifier, snapshots });
}

/** Protection goes last, and is not waited for: the deletion follows at once. Where RDS refuses it, protection comes back, so that no database stays behind that anybody could delete by mistake. */
async function deleteInstance({ rds }: Needs, { identifier, snapshots }: { identifier: string; snapshots: Snapshots }): Promise<string[]> {
  await protect(rds, identifier, false);
  try {
    await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: identifier, SkipFinalSnapshot: false, FinalDBSnapshotIdentifier: snapshots.last, DeleteAutomatedBackups: false }));
  } catch (error) {
    // Of a deletion that RDS began, only the answer may have been lost.
    const isGoingNow = await describeInstance({ rds }, identifier).then(isGoing, () => false); // where nobody says, protection comes back
    if (isGoingNow) return [`turned deletion protection of ${identifier} off`, `RDS deletes ${identifier}, with last snapshot ${snapshots.last}`];
    const word = await protectAgain(rds, identifier);
    const problem = `RDS did not delete ${identifier}: ${error instanceof Error ? error.message : String(error)}; deletion protection is ${word}`;
    throw new GoldenpathError(mapAwsError(error)?.type ?? 'TerminalState', problem, [problem], { cause: error });
  }
  return [`turned deletion protection of ${identifier} off`, `started the deletion of ${identifier}, with last snapshot ${snapshots.last}`];
}

/** Whether protection is on is the one thing that an earlier attempt of this call may have changed. */
function withoutProtectionLine(subject: readonly string[]): string[] {
  return subject.filter((line) => !line.startsWith(PROTECTION));
}

function notDecidedOn(decided: readonly string[], found: readonly string[]): string | undefined {
  if (canonicalJson(decided) === canonicalJson(found)) return undefined;
  return `what is there now is not what was decided on: ${found.filter((line) => !decided.includes(line)).join('; ') || 'something is gone'}`;
}

async function snapshotProblem(clients: Needs, { identifier, snapshot }: { identifier: string; snapshot: string }): Promise<string | undefined> {
  const status = await snapshotStatus(clients, { identifier, snapshot });
  return status === 'available' ? undefined : `snapshot ${snapshot} is ${status ?? 'not there'}`;
}

/** An attempt that died between the two calls left the instance unprotected. Where this one may not go on, protection comes back; people decided about a protected instance. */
async function protectionBack({ rds }: Needs, identifier: string, decided: readonly string[], found: readonly string[]): Promise<string[]> {
  if (!isOn(decided) || isOn(found)) return [];
  return [`deletion protection, which an earlier attempt had turned off, is ${await protectAgain(rds, identifier)}`];
}

/** Never throws: that it is off, and how it is turned on, must be told beside what went wrong first. */
async function protectAgain(rds: Clients['rds'], identifier: string): Promise<string> {
  return protect(rds, identifier, true).then(() => 'on again', () => `OFF: aws rds modify-db-instance --db-instance-identifier ${identifier} --deletion-protection`);
}

function isOn(subject: readonly string[]): boolean {
  return subject.some((line) => line.startsWith(`${PROTECTION}on`));
}

function protect(rds: Clients['rds'], identifier: string, on: boolean): Promise<unknown> {
  return rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: identifier, DeletionProtection: on, ApplyImmediately: true }));
}

function refused(identifier: string, problem: string): GoldenpathError {
  return new GoldenpathError('ProofMissing', `Refused to destroy ${identifier}: ${problem}`, [problem]);
}
