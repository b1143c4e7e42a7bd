// Destroying the environment's instance against the lab's RDS: nothing without two people, a snapshot, and exactly what they decided on (R4; failure 33).
import { EC2Client } from '@aws-sdk/client-ec2';
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { CreateDBInstanceCommand, CreateDBSnapshotCommand, DeleteDBSnapshotCommand, DescribeDBInstancesCommand, DescribeDBSnapshotsCommand, ModifyDBInstanceCommand, RDSClient, waitUntilDBInstanceAvailable } from '@aws-sdk/client-rds';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { DatabaseDestroyers } from '../../activities/database-contract.ts';
import { databaseActivities } from '../../activities/databases.ts';
import { atEdge } from '../../activities/errors.ts';
import { rdsDestroyers } from '../../activities/rds-destroy.ts';
import { type BreakGlass, claimsFor, makeDecisionRequest } from '../../domain/break-glass.ts';
import { goneWait, makeDestructionPlan, snapshotsOf, snapshotWait } from '../../domain/database-destroy.ts';
import { databaseOf, databaseTags } from '../../domain/databases.ts';
import type { Plan } from '../../domain/plan.ts';
import { inActivity } from '../support/in-activity.ts';
import { environment, versions } from '../support/plans.ts';
import { startRds, type TestRds } from '../support/rds.ts';

const SCALE = 240;
const IDENTIFIER = 'goldenpath-dev';
const breakGlass: BreakGlass = { approvals: 1, signatures: 'optional', expiresMinutes: 240, remindMinutes: 60, approvers: [{ name: 'alice' }, { name: 'bob' }] };
const plan: Plan = makeDestructionPlan(environment('dev', { breakGlass, registry: { bucket: 'registry' } }), versions());
const run = { workflowId: plan.target.workflowId, runId: 'run-1' };
const snapshots = snapshotsOf(IDENTIFIER, run.runId);
const on = { environment: 'dev', identifier: IDENTIFIER };
let lab: TestRds;
let rds: RDSClient;
let s3: S3Client;
let clients: { rds: RDSClient; ec2: EC2Client; s3: S3Client; secrets: SecretsManagerClient };
let activities: ReturnType<typeof rdsDestroyers>;

beforeAll(async () => {
  lab = await startRds({ timeScale: SCALE });
  const { client } = lab.aws;
  rds = new RDSClient(client);
  s3 = new S3Client({ ...client, forcePathStyle: true });
  clients = { rds, ec2: new EC2Client(client), s3, secrets: new SecretsManagerClient(client) };
  await s3.send(new CreateBucketCommand({ Bucket: 'registry', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
  await rds.send(new CreateDBInstanceCommand({
    DBInstanceIdentifier: IDENTIFIER, DBInstanceClass: 'db.t4g.medium', Engine: 'postgres', AllocatedStorage: 20, MasterUsername: 'goldenpath_admin', ManageMasterUserPassword: true, DeletionProtection: true,
    Tags: Object.entries(databaseTags('dev')).map(([Key, Value]) => ({ Key, Value })),
  }));
  await waitUntilDBInstanceAvailable({ client: rds, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { DBInstanceIdentifier: IDENTIFIER });
  await databaseActivities(clients, { rdsCaFile: lab.caFile }).applyDatabases({ environment: 'dev', instance: IDENTIFIER, databases: [databaseOf('orders')], rotate: false });
  const { destroyInstance, ...rest } = rdsDestroyers(clients, { rdsCaFile: lab.caFile });
  activities = { ...rest, ...inActivity<DatabaseDestroyers>({ destroyInstance: atEdge(destroyInstance) }, run) };
});
afterAll(() => lab.stop());

async function subject(): Promise<string[]> {
  const doomed = await activities.readDoomed({ ...on, snapshots });
  if (doomed === null) throw new Error('it goes already');
  return doomed.subject;
}

function decidedBy(approvers: string[], lines: string[]) {
  const request = makeDecisionRequest(plan, { runId: run.runId, requester: 'ana', gate: 'approval', subject: lines, decisions: ['destroy', 'abort'], sequence: 1, now: Date.now() });
  const approvals = approvers.map((approver) => ({ claims: claimsFor(request, { decision: 'destroy', approver, reason: 'moved', ticket: 'OPS-1' }), at: Date.now() }));
  return { target: plan.target, request, approvals, breakGlass, registry: plan.registry, planHash: plan.hash, snapshots };
}

async function untouched(): Promise<void> {
  const { DBInstances: [instance] = [] } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: IDENTIFIER }));
  expect(instance).toMatchObject({ DBInstanceStatus: 'available', DeletionProtection: true });
  expect((await s3.send(new ListObjectsV2Command({ Bucket: 'registry' }))).KeyCount ?? 0).toBe(0);
}

it('R4: people are asked about the instance with every database on it', async () => {
  expect(await subject()).toEqual([
    expect.stringMatching(/^RDS instance arn:aws:rds:eu-west-2:111122223333:db:goldenpath-dev, made at 2.*: deleted for good$/) as string,
    'database orders on it: only in snapshots from then on',
    'deletion protection is on: turned off last, when the first snapshot is available',
    `snapshots ${snapshots.before} and ${snapshots.last} stay`,
  ]);
});

it('R4: nothing happens without two people, before the snapshot, or for another list', async () => {
  await expect(activities.destroyInstance(decidedBy(['alice'], await subject()))).rejects.toMatchObject({ type: 'ProofMissing', message: expect.stringContaining('2 different approvers have not decided destroy') as string });
  await expect(activities.destroyInstance(decidedBy(['alice', 'bob'], ['RDS instance something else']))).rejects.toMatchObject({ type: 'ProofMissing', message: expect.stringContaining('what is there now is not what was decided on') as string });
  await expect(activities.destroyInstance(decidedBy(['alice', 'bob'], await subject()))).rejects.toMatchObject({ type: 'ProofMissing', message: `Refused to destroy goldenpath-dev: snapshot ${snapshots.before} is not there` });
  await untouched();
});

it('R4: the first snapshot is taken once, and waited for', async () => {
  const input = { ...on, snapshot: snapshots.before };
  expect(await activities.snapshotInstance(input)).toEqual([`started snapshot ${snapshots.before}`]);
  expect(await activities.snapshotInstance(input)).toEqual([`snapshot ${snapshots.before} was begun before`]);
  const probe = () => activities.probeSnapshot({ ...input, startedAt: Date.now(), wait: snapshotWait(SCALE) });
  await expect(probe()).rejects.toMatchObject({ type: 'NotReady', message: `snapshot ${snapshots.before} is creating` });
  await vi.waitFor(probe, { timeout: 10_000, interval: 200 });
  await untouched();
});

it('R4: a database that came since voids the decision', async () => {
  const before = decidedBy(['alice', 'bob'], await subject());
  await databaseActivities(clients, { rdsCaFile: lab.caFile }).applyDatabases({ environment: 'dev', instance: IDENTIFIER, databases: [databaseOf('late')], rotate: false });
  await expect(activities.destroyInstance(before)).rejects.toMatchObject({ type: 'ProofMissing', message: expect.stringContaining('database late on it') as string });
  await untouched();
});

it('R4: where RDS refuses the deletion, protection is on again, and the failure says so', async () => {
  await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: IDENTIFIER, DBSnapshotIdentifier: snapshots.last }));
  await vi.waitFor(async () => { expect((await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshots.last }))).DBSnapshots?.[0]?.Status).toBe('available'); }, { timeout: 60_000, interval: 500 });
  await expect(activities.destroyInstance(decidedBy(['alice', 'bob'], await subject()))).rejects.toMatchObject({ message: expect.stringMatching(/^RDS did not delete goldenpath-dev: .*; deletion protection is on again$/) as string });
  expect((await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: IDENTIFIER }))).DBInstances?.[0]).toMatchObject({ DBInstanceStatus: 'available', DeletionProtection: true });
  await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: snapshots.last }));
});

it('R4: where an attempt died with protection off, and a database came since, protection is on again', async () => {
  const before = decidedBy(['alice', 'bob'], await subject());
  await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: IDENTIFIER, DeletionProtection: false })); // as the attempt that died left it
  await databaseActivities(clients, { rdsCaFile: lab.caFile }).applyDatabases({ environment: 'dev', instance: IDENTIFIER, databases: [databaseOf('later')], rotate: false });
  await expect(activities.destroyInstance(before)).rejects.toMatchObject({ type: 'ProofMissing', message: expect.stringMatching(/database later on it.*; deletion protection, which an earlier attempt had turned off, is on again$/) as string });
  expect((await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: IDENTIFIER }))).DBInstances?.[0]).toMatchObject({ DBInstanceStatus: 'available', DeletionProtection: true });
});

it('R4: with all of it, the answer to the deletion lost: on record first, protection off, then gone; both snapshots stay, and a second attempt is content', async () => {
  const decided = decidedBy(['alice', 'bob'], await subject());
  const since = new Date().toISOString();
  lab.aws.gateway.faults.add({ service: 'rds', operation: 'DeleteDBInstance', nth: 1, answer: 'reset-after' });
  expect(await activities.destroyInstance(decided)).toEqual(['turned deletion protection of goldenpath-dev off', `RDS deletes goldenpath-dev, with last snapshot ${snapshots.last}`]);
  const asked = lab.aws.gateway.requests({ since }).map(({ operation }) => operation).filter((operation) => /^(?:PutObject|Modify|Delete)/.test(operation));
  expect(asked).toEqual(['PutObject', 'ModifyDBInstance', 'DeleteDBInstance', 'DeleteDBInstance']); // the SDK asks again
  expect(await activities.destroyInstance(decided)).toEqual(['RDS instance goldenpath-dev goes already']);
  const gone = () => activities.probeInstanceGone({ identifier: IDENTIFIER, startedAt: Date.now(), wait: goneWait(SCALE) });
  await expect(gone()).rejects.toMatchObject({ type: 'NotReady' });
  await vi.waitFor(gone, { timeout: 15_000, interval: 200 });
  const { DBSnapshots = [] } = await rds.send(new DescribeDBSnapshotsCommand({}));
  expect(DBSnapshots.map(({ DBSnapshotIdentifier, Status }) => `${DBSnapshotIdentifier} ${Status}`).filter((line) => line.startsWith('goldenpath-dev-')).toSorted()).toEqual([`${snapshots.before} available`, `${snapshots.last} available`]);
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'registry' }));
  // One of the refused attempt, one of this.
  expect(Contents.map(({ Key }) => Key)).toEqual(Array.from({ length: 2 }, () => expect.stringMatching(/^audit\/dev\/goldenpath-dev\/run-1\/.*-database-destroyInstance-1\.json$/) as string));
  expect(await activities.readDoomed({ ...on, snapshots })).toBeNull();
  expect(lab.processes()).toEqual([]);
});
