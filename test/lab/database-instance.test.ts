// The environment's instance against the lab's RDS and EC2: made in the foundation's network, waited for, and judged by the connectivity contract (R1, R3).
import { type AddressInfo, createServer } from 'node:net';
import { AuthorizeSecurityGroupIngressCommand, CreateSecurityGroupCommand, CreateSubnetCommand, CreateVpcCommand, DescribeSecurityGroupsCommand, EC2Client, RevokeSecurityGroupIngressCommand } from '@aws-sdk/client-ec2';
import { CreateDBInstanceCommand, CreateDBSubnetGroupCommand, type DBInstance, DescribeDBInstancesCommand, ListTagsForResourceCommand, ModifyDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { IAMClient } from '@aws-sdk/client-iam';
import { STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { DatabaseChanges, DatabaseProbes } from '../../activities/database-contract.ts';
import { databaseActivities } from '../../activities/databases.ts';
import { atEdge } from '../../activities/errors.ts';
import { mapPostgresError } from '../../activities/postgres.ts';
import { rdsActivities } from '../../activities/rds-instance.ts';
import { checkConnectivity } from '../../domain/connectivity.ts';
import { instanceWait } from '../../domain/database-report.ts';
import type { Databases } from '../../domain/databases.ts';
import { seedNetwork, type FoundationNetwork } from '../../lab/foundation-network.ts';
import { ACCOUNT } from '../support/moto.ts';
import { startRds, type TestRds } from '../support/rds.ts';

const SCALE = 120;
const SECTION: Databases = {
  instance: { identifier: 'goldenpath-dev', class: 'db.t4g.medium', engineVersion: '18.4', storageGib: 50, subnetGroup: 'goldenpath-dev-databases', securityGroup: 'goldenpath-dev-databases' },
  databases: [{ app: 'grafana', database: 'grafana', owner: 'grafana' }, { app: 'keycloak', database: 'keycloak', owner: 'keycloak' }],
};
const { instance, databases } = SECTION;
const FOUNDATION = { 'goldenpath.idp/environment': 'dev', 'goldenpath.idp/plane': 'foundation' };
let lab: TestRds;
let ec2: EC2Client;
let rds: RDSClient;
let network: FoundationNetwork;
let clients: Parameters<typeof rdsActivities>[0];
let activities: Pick<DatabaseProbes, 'probeInstance' | 'readConnectivity' | 'checkDatabases'> & Pick<DatabaseChanges, 'ensureInstance' | 'applyDatabases'>;

beforeAll(async () => {
  lab = await startRds({ timeScale: SCALE });
  const { client } = lab.aws;
  ec2 = new EC2Client(client);
  rds = new RDSClient(client);
  network = await seedNetwork(client, { name: 'dev', tags: FOUNDATION, block: '10.0' });
  clients = { ec2, rds, secrets: new SecretsManagerClient(client), sts: new STSClient(client), iam: new IAMClient(client), region: 'eu-west-2' };
  const plain = { ...rdsActivities(clients), ...databaseActivities(clients, { rdsCaFile: lab.caFile }) };
  activities = {
    ensureInstance: atEdge(plain.ensureInstance), probeInstance: atEdge(plain.probeInstance), readConnectivity: atEdge(plain.readConnectivity),
    applyDatabases: atEdge(plain.applyDatabases), checkDatabases: atEdge(plain.checkDatabases),
  };
});
afterAll(() => lab.stop());

const ensure = (accountId = ACCOUNT) => activities.ensureInstance({ environment: 'dev', instance, accountId });
const probe = () => activities.probeInstance({ environment: 'dev', identifier: instance.identifier, startedAt: Date.now(), wait: instanceWait(SCALE) });

async function broken(): Promise<string[]> {
  const readings = await activities.readConnectivity({ environment: 'dev', instance, databases });
  const findings = await activities.checkDatabases({ environment: 'dev', instance: instance.identifier, databases }).then((value) => ({ value }), (error: unknown) => ({ problem: String(error) }));
  return checkConnectivity(SECTION, readings, findings).filter(({ ok }) => !ok).map(({ id, found }) => `${id}: ${found}`);
}

async function group() {
  const { SecurityGroups: [only] = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'group-name', Values: [instance.securityGroup] }] }));
  return only;
}

it('F5: in another account nothing is made', async () => {
  await expect(ensure('999999999999')).rejects.toMatchObject({ type: 'PreflightFailed', message: `the worker's account is ${ACCOUNT}, the environment's is 999999999999` });
  expect(await group()).toBeUndefined();
});

it('R3: before anything is made every point that needs it is broken, and says so', async () => {
  expect((await broken()).map((line) => line.split(':')[0])).toEqual(['instance', 'subnets', 'security-group', 'guarded', 'administrator', 'secret goldenpath/dev/grafana/postgres', 'secret goldenpath/dev/keycloak/postgres', 'logins']);
});

it('R1: a security group of somebody else is not taken', async () => {
  await ec2.send(new CreateSecurityGroupCommand({ GroupName: 'theirs', Description: 'theirs', VpcId: network.vpcId }));
  await expect(activities.ensureInstance({ environment: 'dev', instance: { ...instance, securityGroup: 'theirs' }, accountId: ACCOUNT })).rejects.toMatchObject({ type: 'NotOwned' });
  expect(await broken()).toContain('subnets: RDS has no subnet group goldenpath-dev-databases'); // nothing half-done
});

it('R1: made in the foundation\'s private subnets, protected, encrypted, with the environment\'s tags; a second attempt finds it', async () => {
  const made = await ensure();
  expect(made).toEqual([
    `made subnet group goldenpath-dev-databases: ${network.privateSubnetIds.join(', ')}`,
    expect.stringMatching(/^made security group goldenpath-dev-databases \(sg-\w+\): opened to 10\.0\.16\.0\/20, 10\.0\.32\.0\/20, 10\.0\.48\.0\/20$/) as string,
    'started the creation of RDS instance goldenpath-dev: db.t4g.medium, PostgreSQL 18.4, 50 GiB',
  ]);
  await expect(probe()).rejects.toMatchObject({ type: 'NotReady', message: 'RDS instance goldenpath-dev is creating' });
  expect((await ensure())[2]).toBe('RDS instance goldenpath-dev is there');
  await vi.waitFor(async () => { await probe(); }, { timeout: 30_000, interval: 250 });
  expect(await probe()).toEqual([expect.stringMatching(/^arn:aws:rds:eu-west-2:111122223333:db:goldenpath-dev is available at 127\.0\.0\.1:\d+$/) as string]);
  const { DBInstances: [described] = [] } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: instance.identifier }));
  expect(described).toMatchObject({ DeletionProtection: true, StorageEncrypted: true, PubliclyAccessible: false, BackupRetentionPeriod: 7, MasterUsername: 'goldenpath_admin', DBSubnetGroup: { VpcId: network.vpcId } });
  const { TagList = [] } = await rds.send(new ListTagsForResourceCommand({ ResourceName: described?.DBInstanceArn }));
  expect(Object.fromEntries(TagList.map(({ Key = '', Value = '' }) => [Key, Value]))).toEqual(FOUNDATION);
});

it('R1: what differs from the file is told, not changed', async () => {
  const lines = await activities.ensureInstance({ environment: 'dev', instance: { ...instance, class: 'db.m7g.large', storageGib: 100, engineVersion: '17.2' }, accountId: ACCOUNT });
  expect(lines.slice(3)).toEqual([
    'differs from the file: its class is db.t4g.medium, not db.m7g.large; nothing was changed', 'differs from the file: it has 50 GiB, not 100; nothing was changed', 'differs from the file: it is PostgreSQL 18.4, not 17.2; nothing was changed',
  ]);
});

it('R3: with its databases made, the contract is kept', async () => {
  await activities.applyDatabases({ environment: 'dev', instance: instance.identifier, databases, rotate: false });
  expect(await broken()).toEqual([]);
});

it('R3, F4: a closed or wide security group, and an unprotected instance, break it by name; applying it again opens what is closed', async () => {
  const GroupId = (await group())?.GroupId;
  const rule = (CidrIp: string) => ({ GroupId, IpPermissions: [{ IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, IpRanges: [{ CidrIp }] }] });
  await ec2.send(new RevokeSecurityGroupIngressCommand(rule('10.0.32.0/20')));
  await ec2.send(new AuthorizeSecurityGroupIngressCommand(rule('0.0.0.0/0')));
  await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: instance.identifier, DeletionProtection: false }));
  expect(await broken()).toEqual([
    expect.stringMatching(/^security-group: closed to subnet subnet-\w+ \(10\.0\.32\.0\/20\); open to 0\.0\.0\.0\/0, which is no private subnet$/) as string, 'guarded: its deletion protection is off',
  ]);
  expect((await ensure())[1]).toMatch(/opened to 10\.0\.32\.0\/20$/);
});

/** The database activities where nothing comes back from the instance's port: the lab enforces no security group, so the endpoint that RDS names is one that takes connections and never speaks. */
async function unanswered(): Promise<unknown> {
  const mute = createServer(() => {});
  await new Promise<void>((done) => { mute.listen(0, '127.0.0.1', done); });
  const deaf = new RDSClient(lab.aws.client);
  deaf.middlewareStack.add((next) => async (args) => {
    const answer = await next(args);
    for (const { Endpoint } of (answer.output as { DBInstances?: DBInstance[] }).DBInstances ?? []) if (Endpoint !== undefined) Endpoint.Port = (mute.address() as AddressInfo).port;
    return answer;
  }, { step: 'initialize' });
  const { applyDatabases } = databaseActivities({ ...clients, rds: deaf }, { rdsCaFile: lab.caFile });
  try {
    return await atEdge(applyDatabases, mapPostgresError)({ environment: 'dev', instance: instance.identifier, databases, rotate: false });
  } finally {
    mute.close();
  }
}

it('R1, R3: an instance from which nothing comes back is tried again while its network is as it must be or is not known, and named with what closes it where it is not', async () => {
  await expect(unanswered()).rejects.toMatchObject({ type: 'Unavailable', nonRetryable: false, message: 'PostgreSQL: timeout expired' });

  const GroupId = (await group())?.GroupId;
  const close = (CidrIp: string) => ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: [{ IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, IpRanges: [{ CidrIp }] }] }));
  await close('0.0.0.0/0'); // of the test before
  await close('10.0.48.0/20');
  await expect(unanswered()).rejects.toMatchObject({
    type: 'PreflightFailed', nonRetryable: true,
    message: expect.stringMatching(/^goldenpath-dev does not answer: port 5432 is closed to subnet subnet-\w+ \(10\.0\.48\.0\/20\): open it in the security groups that goldenpath-dev uses/) as string,
  });
  const { faults } = lab.aws.gateway;
  const fault = faults.add({ service: 'ec2', operation: 'DescribeSecurityGroups', answer: 'throttle' });
  try {
    await expect(unanswered()).rejects.toMatchObject({ type: 'Unavailable', nonRetryable: false, message: 'PostgreSQL: timeout expired', details: [['PostgreSQL: timeout expired', expect.stringMatching(/^why is not known: /)]] });
  } finally {
    faults.remove(fault);
  }
  await ensure();
}, 120_000);

it('R1, F4: an instance in another VPC is named before anything is made beside it; one that does not use the environment’s security group is told', async () => {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.9.0.0/16' }));
  const SubnetIds = await Promise.all(['a', 'b'].map(async (zone, index) => (await ec2.send(new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: `10.9.${index}.0/24`, AvailabilityZone: `eu-west-2${zone}` }))).Subnet?.SubnetId ?? ''));
  await rds.send(new CreateDBSubnetGroupCommand({ DBSubnetGroupName: 'elsewhere', DBSubnetGroupDescription: 'elsewhere', SubnetIds }));
  const Tags = Object.entries(FOUNDATION).map(([Key, Value]) => ({ Key, Value }));
  const made = { DBInstanceClass: 'db.t4g.medium', Engine: 'postgres', AllocatedStorage: 50, MasterUsername: 'goldenpath_admin', ManageMasterUserPassword: true, Tags };
  await rds.send(new CreateDBInstanceCommand({ ...made, DBInstanceIdentifier: 'goldenpath-elsewhere', DBSubnetGroupName: 'elsewhere' }));
  const elsewhere = { ...instance, identifier: 'goldenpath-elsewhere', securityGroup: 'goldenpath-elsewhere-databases' };
  const problem = `goldenpath-elsewhere is in ${Vpc?.VpcId ?? ''}, the foundation's VPC is ${network.vpcId}`;
  await expect(activities.ensureInstance({ environment: 'dev', instance: elsewhere, accountId: ACCOUNT })).rejects.toMatchObject({ type: 'PreflightFailed', message: problem, details: [[expect.stringContaining('restore a snapshot of goldenpath-elsewhere into the foundation\'s VPC')]] });
  expect((await ec2.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'group-name', Values: [elsewhere.securityGroup] }] }))).SecurityGroups).toEqual([]);

  const { GroupId: theirs = '' } = await ec2.send(new CreateSecurityGroupCommand({ GroupName: 'closed', Description: 'closed', VpcId: network.vpcId }));
  await rds.send(new CreateDBInstanceCommand({ ...made, DBInstanceIdentifier: 'goldenpath-closed', DBSubnetGroupName: instance.subnetGroup, VpcSecurityGroupIds: [theirs] }));
  const lines = await activities.ensureInstance({ environment: 'dev', instance: { ...instance, identifier: 'goldenpath-closed' }, accountId: ACCOUNT });
  expect(lines).toContain(`differs from the file: it does not use security group ${instance.securityGroup} (${(await group())?.GroupId ?? ''}), but ${theirs}; nothing was changed. To have it use that one: aws rds modify-db-instance --db-instance-identifier goldenpath-closed --vpc-security-group-ids ${(await group())?.GroupId ?? ''}`);
});

it('F4: another environment finds neither network nor instance of its own', async () => {
  await expect(activities.ensureInstance({ environment: 'staging', instance: { ...instance, identifier: 'goldenpath-staging' }, accountId: ACCOUNT })).rejects.toMatchObject({ type: 'PreflightFailed', message: 'the foundation of staging has 0 VPCs, by its tags: none' });
  await expect(activities.ensureInstance({ environment: 'staging', instance, accountId: ACCOUNT })).rejects.toMatchObject({ type: 'NotOwned' });
  await expect(activities.checkDatabases({ environment: 'staging', instance: instance.identifier, databases })).rejects.toMatchObject({ type: 'NotOwned' });
});
