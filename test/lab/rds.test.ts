// RDS of the lab by the AWS SDK: its waiters, its errors, and the PostgreSQL that answers at the endpoint (R1, R4).
import { CreateVpcCommand, CreateSubnetCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  AddTagsToResourceCommand, CreateDBInstanceCommand, CreateDBSnapshotCommand, CreateDBSubnetGroupCommand, DeleteDBInstanceCommand, DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand, DescribeDBSubnetGroupsCommand, ListTagsForResourceCommand, ModifyDBInstanceCommand, RDSClient, StartDBInstanceCommand, StopDBInstanceCommand,
  waitUntilDBInstanceAvailable, waitUntilDBInstanceDeleted, waitUntilDBSnapshotAvailable, type CreateDBInstanceCommandInput, type DBInstance,
} from '@aws-sdk/client-rds';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startRds, type TestRds } from '../support/rds.ts';

let lab: TestRds;
let sdk: RDSClient;
const SubnetIds: string[] = [];
let request: CreateDBInstanceCommandInput;
const soon = () => ({ client: sdk, maxWaitTime: 60, minDelay: 1, maxDelay: 1 });
const ONE = { DBInstanceIdentifier: 'one' };

async function described(): Promise<DBInstance> {
  const { DBInstances: [instance] = [] } = await sdk.send(new DescribeDBInstancesCommand(ONE));
  if (instance === undefined) throw new Error('described nothing');
  return instance;
}

async function master(): Promise<{ username: string; password: string }> {
  const secrets = new SecretsManagerClient(lab.aws.client);
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: (await described()).MasterUserSecret?.SecretArn }));
  return JSON.parse(SecretString) as { username: string; password: string };
}

async function login() {
  const { username: user, password } = await master();
  return { user, password, port: (await described()).Endpoint?.Port ?? 0 };
}

beforeAll(async () => {
  lab = await startRds({ timeScale: 120 }); // 420 s of creation in 3.5 s
  sdk = new RDSClient(lab.aws.client);
  const ec2 = new EC2Client(lab.aws.client);
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  for (const [zone, CidrBlock] of [['a', '10.0.0.0/20'], ['b', '10.0.16.0/20']] as const) {
    const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock, AvailabilityZone: `eu-west-2${zone}` }));
    SubnetIds.push(Subnet?.SubnetId ?? '');
  }
  await sdk.send(new CreateDBSubnetGroupCommand({ DBSubnetGroupName: 'databases', DBSubnetGroupDescription: 'of the test', SubnetIds, Tags: [{ Key: 'owner', Value: 'test' }] }));
  request = {
    ...ONE, DBInstanceClass: 'db.t4g.medium', Engine: 'postgres', EngineVersion: '18.4', AllocatedStorage: 50, StorageType: 'gp3', StorageEncrypted: true, MasterUsername: 'goldenpath_admin',
    ManageMasterUserPassword: true, DBSubnetGroupName: 'databases', DeletionProtection: true, PubliclyAccessible: false, Tags: [{ Key: 'owner', Value: 'test' }],
  };
});

afterAll(() => lab.stop());

describe('an instance from creation to its end', () => {
  it('R1: nobody pays for a database that nobody asked for', () => {
    expect(lab.processes()).toEqual([]);
  });

  it('R1: a subnet group is described with its VPC and its subnets', async () => {
    const { DBSubnetGroups: [group] = [] } = await sdk.send(new DescribeDBSubnetGroupsCommand({ DBSubnetGroupName: 'databases' }));
    expect(group).toMatchObject({ VpcId: expect.stringMatching(/^vpc-/) as string, SubnetGroupStatus: 'Complete' });
    expect(group?.Subnets?.map(({ SubnetIdentifier }) => SubnetIdentifier).toSorted()).toEqual(SubnetIds.toSorted());
    await expect(sdk.send(new DescribeDBSubnetGroupsCommand({ DBSubnetGroupName: 'nowhere' }))).rejects.toMatchObject({ name: 'DBSubnetGroupNotFoundFault' });
  });

  it('R1: an instance that is not there is a typed not found', async () => {
    await expect(described()).rejects.toMatchObject({ name: 'DBInstanceNotFoundFault' });
    await expect(sdk.send(new CreateDBInstanceCommand({ ...request, DBSubnetGroupName: 'nowhere' }))).rejects.toMatchObject({ name: 'DBSubnetGroupNotFoundFault' });
  });

  it('R1: reads creating without an endpoint, then available with one', async () => {
    const { DBInstance } = await sdk.send(new CreateDBInstanceCommand(request));
    expect(DBInstance).toMatchObject({ DBInstanceStatus: 'creating', DBInstanceArn: 'arn:aws:rds:eu-west-2:111122223333:db:one', DeletionProtection: true, MasterUserSecret: { SecretStatus: 'creating' } });
    expect(DBInstance?.Endpoint).toBeUndefined();
    await expect(sdk.send(new CreateDBInstanceCommand(request))).rejects.toMatchObject({ name: 'DBInstanceAlreadyExistsFault' });
    await waitUntilDBInstanceAvailable(soon(), ONE);
    const instance = await described();
    expect(instance).toMatchObject({ DBInstanceStatus: 'available', Engine: 'postgres', Endpoint: { Address: '127.0.0.1' }, MasterUserSecret: { SecretStatus: 'active' }, DBSubnetGroup: { DBSubnetGroupName: 'databases' } });
    expect(lab.processes()).toEqual(['postgres-one']);
  });

  it('R1: behind the endpoint is a PostgreSQL, over TLS with a verified certificate and SCRAM, and the master is no superuser', async () => {
    const client = await lab.connect(await login());
    const { rows } = await client.query('SELECT current_setting(\'server_version_num\')::int >= 180000 AS new, (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user');
    expect(rows).toEqual([{ new: true, tls: 'TLSv1.3', rolsuper: false, rolcreatedb: true, rolcreaterole: true }]);
    await client.end();
  });

  it('R1: without TLS, with another authority, or with another password nobody gets in', async () => {
    const { port, user, password } = await login();
    const at = { host: '127.0.0.1', port, user, password, database: 'postgres' };
    await expect(new pg.Client({ ...at, ssl: false }).connect()).rejects.toMatchObject({ code: '28000' });
    await expect(new pg.Client({ ...at, ssl: true }).connect()).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    await expect(lab.connect({ port, user, password: 'wrong' })).rejects.toMatchObject({ code: '28P01' });
  });

  it('R1: tags are kept', async () => {
    const ResourceName = (await described()).DBInstanceArn;
    await sdk.send(new AddTagsToResourceCommand({ ResourceName, Tags: [{ Key: 'more', Value: 'yes' }] }));
    expect((await sdk.send(new ListTagsForResourceCommand({ ResourceName }))).TagList).toEqual(expect.arrayContaining([{ Key: 'owner', Value: 'test' }, { Key: 'more', Value: 'yes' }]));
  });

  it('R4: a protected instance is not deleted, with a final snapshot or without', async () => {
    for (const how of [{ SkipFinalSnapshot: true }, { FinalDBSnapshotIdentifier: 'last' }]) {
      await expect(sdk.send(new DeleteDBInstanceCommand({ ...ONE, ...how }))).rejects.toMatchObject({ name: 'InvalidParameterCombination', message: 'Cannot delete protected DB Instance, please disable deletion protection and try again.' });
    }
    expect((await described()).DBInstanceStatus).toBe('available');
  });

  it('R4: a snapshot takes its time; its name is taken then', async () => {
    await sdk.send(new CreateDBSnapshotCommand({ ...ONE, DBSnapshotIdentifier: 'first' }));
    const { DBSnapshots: [making] = [] } = await sdk.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: 'first' }));
    expect(making).toMatchObject({ Status: 'creating', DBInstanceIdentifier: 'one' });
    await waitUntilDBSnapshotAvailable(soon(), { DBSnapshotIdentifier: 'first' });
    await expect(sdk.send(new CreateDBSnapshotCommand({ ...ONE, DBSnapshotIdentifier: 'first' }))).rejects.toMatchObject({ name: 'DBSnapshotAlreadyExistsFault' });
    await expect(sdk.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: 'never' }))).rejects.toMatchObject({ name: 'DBSnapshotNotFoundFault' });
  });

  it('F4: stopped, nobody answers at its endpoint; started, its data is there', async () => {
    const before = await lab.connect(await login());
    await before.query('CREATE DATABASE kept');
    await before.end();
    const { port, user, password } = await login();
    await sdk.send(new StopDBInstanceCommand(ONE));
    await vi.waitFor(async () => expect((await described()).DBInstanceStatus).toBe('stopped'), { timeout: 10_000, interval: 200 });
    await expect(lab.connect({ port, user, password })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await sdk.send(new StartDBInstanceCommand(ONE));
    await waitUntilDBInstanceAvailable(soon(), ONE);
    await (await lab.connect({ ...(await login()), database: 'kept' })).end();
  });

  it('R4: unprotected it is deleted, after a final snapshot, and then gone with its server', async () => {
    const { DBInstance } = await sdk.send(new ModifyDBInstanceCommand({ ...ONE, DeletionProtection: false, ApplyImmediately: true }));
    expect(DBInstance?.DeletionProtection).toBe(false);
    await expect(sdk.send(new DeleteDBInstanceCommand(ONE))).rejects.toMatchObject({ name: 'InvalidParameterCombination', message: 'FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.' });
    const { DBInstance: going } = await sdk.send(new DeleteDBInstanceCommand({ ...ONE, FinalDBSnapshotIdentifier: 'last' }));
    expect(going?.DBInstanceStatus).toBe('deleting');
    await expect(sdk.send(new DeleteDBInstanceCommand({ ...ONE, SkipFinalSnapshot: true }))).rejects.toMatchObject({ name: 'InvalidDBInstanceStateFault' });
    await waitUntilDBInstanceDeleted(soon(), ONE);
    await waitUntilDBSnapshotAvailable(soon(), { DBSnapshotIdentifier: 'last' });
    expect(lab.processes()).toEqual([]);
  });
});
