// RDS instances as AWS treats them, on top of moto's: they take their time, a real PostgreSQL answers at their endpoint, and
// protection and final snapshots are obeyed (requirements R1, R4).
import { randomBytes } from 'node:crypto';
import * as sdk from '@aws-sdk/client-rds';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { awsError, type Call } from '../service.ts';
import { refuseDelete, refuseUnless, showsEndpoint, type InstanceStatus, type Refusal } from './lifecycle.ts';
import type { InstanceRecord, RdsState } from './state.ts';

type Rds = Call<RdsState>;
type Answer<Output> = () => Promise<Output>;

/** Creates an instance: `creating`, then `backing-up`, then `available`. Its server is started meanwhile. */
export async function createInstance({ state }: Rds, input: sdk.CreateDBInstanceCommandInput, answer: Answer<sdk.CreateDBInstanceResult>): Promise<sdk.CreateDBInstanceResult> {
  checkCreation(input);
  const { DBInstance: made } = await answer();
  const identifier = made?.DBInstanceIdentifier ?? '';
  const managed = input.ManageMasterUserPassword === true;
  const master = { user: input.MasterUsername ?? '', password: managed ? randomBytes(21).toString('base64url') : (input.MasterUserPassword ?? '') };
  const secretId = made?.MasterUserSecret?.SecretArn;
  if (managed && secretId !== undefined) await state.secrets.send(new PutSecretValueCommand({ SecretId: secretId, SecretString: JSON.stringify({ username: master.user, password: master.password }) }));
  const record: InstanceRecord = { identifier, status: 'creating', master };
  state.instances.set(identifier, record);
  const started = input.Engine === 'postgres' ? startServer(state, record) : Promise.resolve();
  after(state, state.durations.create, record, 'creating', async () => {
    await started;
    if (record.status !== 'creating') return;
    record.status = 'backing-up';
    after(state, state.durations.firstBackup, record, 'backing-up', () => { record.status = 'available'; });
  });
  return { DBInstance: made && shown(state, made) };
}

/** What moto lets through and AWS does not. */
function checkCreation(input: sdk.CreateDBInstanceCommandInput): void {
  if (input.ManageMasterUserPassword === true && input.MasterUserPassword !== undefined) awsError('InvalidParameterCombination', 'You can\'t specify MasterUserPassword for a DB instance with ManageMasterUserPassword enabled.');
  if (input.Engine !== 'postgres') return;
  if (input.MasterUsername === undefined) awsError('InvalidParameterValue', 'The parameter MasterUsername must be provided and must not be blank.');
  if (input.ManageMasterUserPassword !== true && (input.MasterUserPassword ?? '').length < 8) awsError('InvalidParameterValue', 'The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.');
  if (input.AllocatedStorage === undefined) awsError('InvalidParameterValue', 'Invalid storage size for engine name postgres and storage type gp2: 0');
}

/** Runs a step once the time has passed, unless the instance has another status by then. */
function after(state: RdsState, seconds: number, record: InstanceRecord, status: InstanceStatus, step: () => void | Promise<void>): void {
  state.clock.after(seconds, async () => {
    if (record.status === status && state.instances.get(record.identifier) === record) await step();
  });
}

/** Starts the server. What goes wrong behind an API is a status there, not a crash. */
function startServer(state: RdsState, record: InstanceRecord): Promise<void> {
  const { servers } = state;
  if (servers === undefined) return Promise.resolve();
  const work = (async () => {
    try {
      const server = await servers.start(record.identifier, record.master);
      record.server = server;
      if (record.status === 'deleting') await server.stop();
    } catch (error) {
      state.onProblem(`RDS: the server of ${record.identifier} did not start: ${error instanceof Error ? error.message : String(error)}`);
      record.status = 'failed';
    }
  })();
  state.working.add(work);
  return work.finally(() => state.working.delete(work));
}

async function stopServer(record: InstanceRecord): Promise<void> {
  const { server } = record;
  delete record.server;
  await server?.stop();
}

/** Instances as they are now. @throws AwsError DBInstanceNotFound (moto's) */
export async function describeInstances({ state }: Rds, _input: sdk.DescribeDBInstancesCommandInput, answer: Answer<sdk.DBInstanceMessage>): Promise<sdk.DBInstanceMessage> {
  const output = await answer();
  return { ...output, DBInstances: output.DBInstances?.map((instance) => shown(state, instance)) };
}

/** An instance of moto as AWS shows it: status and endpoint by its life. moto marks a managed secret ready at its first look. */
function shown(state: RdsState, instance: sdk.DBInstance): sdk.DBInstance {
  const record = state.instances.get(instance.DBInstanceIdentifier ?? '');
  if (record === undefined) return instance;
  const { Endpoint, MasterUserSecret, ...rest } = instance;
  const { server, status } = record;
  const secret = MasterUserSecret && { ...MasterUserSecret, SecretStatus: status === 'creating' ? 'creating' : 'active' };
  const endpoint = showsEndpoint(status) ? (server ? { Address: server.host, Port: server.port, HostedZoneId: Endpoint?.HostedZoneId } : Endpoint) : undefined;
  return { ...rest, DBInstanceStatus: status, ...(secret && { MasterUserSecret: secret }), ...(endpoint && { Endpoint: endpoint }) };
}

async function describeOne(state: RdsState, identifier: string | undefined): Promise<{ instance: sdk.DBInstance; status: InstanceStatus; identifier: string }> {
  const { DBInstances: [instance] = [] } = await refused(state.rds.send(new sdk.DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier })));
  if (instance === undefined) throw new Error(`moto described no instance ${identifier ?? ''}`);
  return { instance, status: state.instances.get(instance.DBInstanceIdentifier ?? '')?.status ?? 'available', identifier: instance.DBInstanceIdentifier ?? '' };
}

/** moto's refusal of a call that the gateway makes itself, passed on as it is. */
export async function refused<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof sdk.RDSServiceException)) throw error;
    return awsError(error.name.replace(/Fault$/, ''), error.message, error.$metadata.httpStatusCode);
  }
}

export function refuse(refusal: Refusal | undefined): void {
  if (refusal !== undefined) awsError(refusal.code, refusal.message);
}

/** Changes take effect at once (README.md). @throws AwsError InvalidDBInstanceState */
export async function modifyInstance({ state }: Rds, input: sdk.ModifyDBInstanceCommandInput, answer: Answer<sdk.ModifyDBInstanceResult>): Promise<sdk.ModifyDBInstanceResult> {
  refuse(refuseUnless(['available', 'stopped', 'backing-up'], await describeOne(state, input.DBInstanceIdentifier)));
  if (input.MasterUserPassword !== undefined || input.RotateMasterUserPassword === true || input.NewDBInstanceIdentifier !== undefined) awsError('NotImplemented', 'The lab changes neither the master password nor the name of an instance', 501);
  const { DBInstance } = await answer();
  return { DBInstance: DBInstance && shown(state, DBInstance) };
}

/** Deletes an instance that is not protected, after its final snapshot; it reads `deleting` until it is gone. */
export async function deleteInstance({ state }: Rds, input: sdk.DeleteDBInstanceCommandInput): Promise<sdk.DeleteDBInstanceResult> {
  const { instance, status, identifier } = await describeOne(state, input.DBInstanceIdentifier);
  const finalSnapshot = input.FinalDBSnapshotIdentifier;
  refuse(refuseDelete({ identifier, status, isProtected: instance.DeletionProtection === true }, { skipFinalSnapshot: input.SkipFinalSnapshot === true, finalSnapshot }));
  const record = state.instances.get(identifier) ?? { identifier, status, master: { user: '', password: '' } };
  if (finalSnapshot !== undefined) await snapshot(state, { DBInstanceIdentifier: identifier, DBSnapshotIdentifier: finalSnapshot });
  state.instances.set(identifier, record);
  record.status = 'deleting';
  state.clock.after(state.durations.delete, async () => {
    await stopServer(record);
    await state.servers?.remove(identifier);
    await state.rds.send(new sdk.DeleteDBInstanceCommand({ DBInstanceIdentifier: identifier, SkipFinalSnapshot: true }));
    state.instances.delete(identifier);
  });
  return { DBInstance: shown(state, instance) };
}

/** Takes a snapshot: `creating` for its time. @throws AwsError DBSnapshotAlreadyExists (moto's) */
export async function snapshot(state: RdsState, input: sdk.CreateDBSnapshotCommandInput): Promise<sdk.DBSnapshot | undefined> {
  const { DBSnapshot } = await refused(state.rds.send(new sdk.CreateDBSnapshotCommand(input)));
  const name = DBSnapshot?.DBSnapshotIdentifier ?? '';
  state.snapshotting.add(name);
  state.clock.after(state.durations.snapshot, () => { state.snapshotting.delete(name); });
  return DBSnapshot && shownSnapshot(state, DBSnapshot);
}

export async function createSnapshot({ state }: Rds, input: sdk.CreateDBSnapshotCommandInput): Promise<sdk.CreateDBSnapshotResult> {
  refuse(refuseUnless(['available', 'stopped'], await describeOne(state, input.DBInstanceIdentifier)));
  return { DBSnapshot: await snapshot(state, input) };
}

/** Snapshots as they are now. @throws AwsError DBSnapshotNotFound (moto's) */
export async function describeSnapshots({ state }: Rds, _input: sdk.DescribeDBSnapshotsCommandInput, answer: Answer<sdk.DBSnapshotMessage>): Promise<sdk.DBSnapshotMessage> {
  const output = await answer();
  return { ...output, DBSnapshots: output.DBSnapshots?.map((one) => shownSnapshot(state, one)) };
}

function shownSnapshot(state: RdsState, one: sdk.DBSnapshot): sdk.DBSnapshot {
  const making = state.snapshotting.has(one.DBSnapshotIdentifier ?? '');
  return { ...one, Status: making ? 'creating' : 'available', PercentProgress: making ? 0 : 100 };
}

/** Stops an instance: its endpoint stays, and nobody answers there. @throws AwsError InvalidDBInstanceState */
export async function stopInstance({ state }: Rds, input: sdk.StopDBInstanceCommandInput): Promise<sdk.StopDBInstanceResult> {
  const found = await describeOne(state, input.DBInstanceIdentifier);
  refuse(refuseUnless(['available'], found));
  const record = recordOf(state, found.identifier);
  record.status = 'stopping';
  await record.server?.stop();
  after(state, state.durations.stop, record, 'stopping', () => { record.status = 'stopped'; });
  return { DBInstance: shown(state, found.instance) };
}

/** Starts a stopped instance; its port is another one then (README.md). @throws AwsError InvalidDBInstanceState */
export async function startInstance({ state }: Rds, input: sdk.StartDBInstanceCommandInput): Promise<sdk.StartDBInstanceResult> {
  const found = await describeOne(state, input.DBInstanceIdentifier);
  refuse(refuseUnless(['stopped'], found));
  const record = recordOf(state, found.identifier);
  record.status = 'starting';
  const started = record.server === undefined ? Promise.resolve() : startServer(state, record);
  after(state, state.durations.start, record, 'starting', async () => {
    await started;
    if (record.status === 'starting') record.status = 'available';
  });
  return { DBInstance: shown(state, found.instance) };
}

function recordOf(state: RdsState, identifier: string): InstanceRecord {
  return state.instances.get(identifier) ?? awsError('NotImplemented', `instance ${identifier} was not made through the gateway`, 501);
}
