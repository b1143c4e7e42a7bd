// What tiers 2 and 3 need of the foundation, read from the lab's RDS with a real PostgreSQL, EC2, S3 and Secrets Manager, and each way in which it can be wrong (F4).
import { CreateSubnetCommand, CreateVpcCommand, EC2Client, DescribeSecurityGroupsCommand, RevokeSecurityGroupIngressCommand } from '@aws-sdk/client-ec2';
import { IAMClient } from '@aws-sdk/client-iam';
import { CreateDBInstanceCommand, CreateDBSubnetGroupCommand, RDSClient, StopDBInstanceCommand } from '@aws-sdk/client-rds';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { DeleteSecretCommand, GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { databaseActivities } from '../../activities/databases.ts';
import { readSecretKeys } from '../../activities/foundation.ts';
import { tier2FoundationActivities } from '../../activities/foundation-tier-2.ts';
import { rdsActivities } from '../../activities/rds-instance.ts';
import { reading } from '../../activities/reading.ts';
import { instanceWait } from '../../domain/database-report.ts';
import { checkTier2Foundation } from '../../domain/foundation-tier-2.ts';
import { makePlan, type Plan } from '../../domain/plan.ts';
import { seedNetwork, type FoundationNetwork } from '../../lab/foundation-network.ts';
import { ACCOUNT } from '../support/moto.ts';
import { environment, versions } from '../support/plans.ts';
import { startRds, type TestRds } from '../support/rds.ts';

const SCALE = 120;
const FOUNDATION = { 'goldenpath.idp/environment': 'dev', 'goldenpath.idp/plane': 'foundation' };
const plan = makePlan({ operation: 'bootstrap', environment: environment(), lifecycle: 'persistent', buildId: null, versions: versions() });
let lab: TestRds;
let ec2: EC2Client;
let rds: RDSClient;
let s3: S3Client;
let secrets: SecretsManagerClient;
let network: FoundationNetwork;

beforeAll(async () => {
  lab = await startRds({ timeScale: SCALE });
  const { client } = lab.aws;
  [ec2, rds, s3, secrets] = [new EC2Client(client), new RDSClient(client), new S3Client({ ...client, forcePathStyle: true }), new SecretsManagerClient(client)];
  network = await seedNetwork(client, { name: 'dev', tags: FOUNDATION, block: '10.0' });
});
afterAll(() => lab.stop());

/** What fails but for the applications, which are not the foundation's. */
async function broken(changes: Partial<Plan> = {}, caFile: string | undefined = lab.caFile): Promise<string[]> {
  const asked = { ...plan, ...changes };
  const readings = await tier2FoundationActivities({ rds, ec2, s3, secrets }, { rdsCaFile: caFile }).readTier2Foundation({ plan: asked });
  expect(JSON.stringify(readings)).not.toMatch(/"password":/);
  const vpcs = { value: [{ id: network.vpcId, dnsSupport: true, dnsHostnames: true }] };
  return checkTier2Foundation(asked, vpcs, readings).filter(({ ok, id }) => !ok && id !== 'components').map(({ id, found, fix }) => `${id}: ${found} → ${fix}`);
}

async function applyDatabases(): Promise<void> {
  const { databases } = plan;
  if (databases === undefined) throw new Error('dev declares no databases');
  const clients = { region: 'eu-west-2', ec2, rds, secrets, iam: new IAMClient(lab.aws.client), sts: new STSClient(lab.aws.client) };
  await rdsActivities(clients).ensureInstance({ environment: 'dev', instance: databases.instance, accountId: ACCOUNT });
  await vi.waitFor(async () => { await rdsActivities(clients).probeInstance({ environment: 'dev', identifier: databases.instance.identifier, startedAt: Date.now(), wait: instanceWait(SCALE) }); }, { timeout: 30_000, interval: 250 });
  await databaseActivities(clients, { rdsCaFile: lab.caFile }).applyDatabases({ environment: 'dev', instance: databases.instance.identifier, databases: databases.databases, rotate: false });
}

async function loginOf(app: string): Promise<Record<string, unknown>> {
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: `goldenpath/dev/${app}/postgres` }));
  return JSON.parse(SecretString) as Record<string, unknown>;
}
const putLogin = (app: string, login: Record<string, unknown>) => secrets.send(new PutSecretValueCommand({ SecretId: `goldenpath/dev/${app}/postgres`, SecretString: JSON.stringify(login) }));

it('F4: without instance and bucket both are named, with what to run', async () => {
  expect(await broken()).toEqual([
    'rds: RDS has no instance goldenpath-dev → run goldenpath database apply --env dev',
    'loki-bucket: S3 has no bucket goldenpath-dev-loki → create the bucket goldenpath-dev-loki in eu-west-2, or correct objectStorage.lokiBucket in environments/dev.yaml',
  ]);
});

it('F4: applied and with its bucket, nothing is broken; every login was tried', async () => {
  await applyDatabases();
  await s3.send(new CreateBucketCommand({ Bucket: 'goldenpath-dev-loki', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
  expect(await broken()).toEqual([]);
  const { logins } = await tier2FoundationActivities({ rds, ec2, s3, secrets }, { rdsCaFile: lab.caFile }).readTier2Foundation({ plan });
  expect(Object.keys(logins)).toEqual(['backstage', 'grafana', 'keycloak']);
  expect(logins['grafana']).toEqual({ value: expect.stringMatching(/^PostgreSQL 18\.\d at 127\.0\.0\.1:\d+ lets grafana into grafana, TLSv1\.3$/) as string });
});

it('F4: a bucket in another region is named with both regions', async () => {
  await new S3Client({ ...lab.aws.client, region: 'us-east-2', forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'loki-abroad', CreateBucketConfiguration: { LocationConstraint: 'us-east-2' } }));
  expect(await broken({ objectStorage: { lokiBucket: 'loki-abroad' } })).toEqual([expect.stringMatching(/^loki-bucket: bucket loki-abroad is in us-east-2, not in eu-west-2 → create the bucket/) as string]);
});

it('F4: a bucket that S3 does not let the caller see is told as that, not as one to be made', async () => {
  lab.aws.gateway.faults.add({ service: 's3', operation: 'HeadBucket', answer: 403 });
  expect(await broken()).toEqual([expect.stringMatching(/^loki-bucket: S3 has a bucket goldenpath-dev-loki and does not let the caller see it: .* → let the worker's role have s3:ListBucket on the bucket; names are global, so where another account has it, name one of your own/) as string]);
  lab.aws.gateway.faults.clear();
});

it('F4, R2: a password that no longer works is named, and shown nowhere', async () => {
  const login = await loginOf('grafana');
  await putLogin('grafana', { ...login, password: 'stale-pa55' });
  const [only, ...others] = await broken();
  expect(others).toEqual([]);
  expect(only).toMatch(/^login:grafana: PostgreSQL at 127\.0\.0\.1:\d+ refuses user grafana with this password: .* → run goldenpath database apply --env dev; where its password is refused, goldenpath database apply --env dev --rotate/);
  expect(only).not.toContain('stale-pa55');
  await putLogin('grafana', login);
});

it('F4, R2: a login for another host is not tried there', async () => {
  const login = await loginOf('grafana');
  await putLogin('grafana', { ...login, host: 'db.example.org' });
  expect(await broken()).toEqual([expect.stringMatching(/^login:grafana: its secret names host db\.example\.org, not 127\.0\.0\.1/) as string]);
  await putLogin('grafana', login);
});

it('F4, R2: a login of another application, for another database, or at another port is named, and not tried', async () => {
  const [own, other] = [await loginOf('keycloak'), await loginOf('grafana')];
  await putLogin('keycloak', other);
  expect(await broken()).toEqual([expect.stringMatching(/^login:keycloak: its secret names username grafana, not keycloak; dbname grafana, not keycloak → /) as string]);
  for (const port of ['', 'abc', 70_000]) {
    await putLogin('keycloak', { ...own, port });
    expect(await broken()).toEqual([expect.stringMatching(/^login:keycloak: its secret names port (\(empty\)|abc|70000), not \d+ → /) as string]);
  }
  await putLogin('keycloak', { ...own, port: String(own['port']) });
  expect(await broken()).toEqual([]);
  await putLogin('keycloak', own);
});

it('F4, R2: a login whose password is no text is named by its key; that its secret has the key is no login', async () => {
  const login = await loginOf('grafana');
  await putLogin('grafana', { ...login, password: null });
  expect(await broken()).toEqual([expect.stringMatching(/^login:grafana: its secret has no usable password → run goldenpath database apply --env dev/) as string]);
  await putLogin('grafana', login);
});

it('F4: a secret without a key, and one that is being deleted, are the secrets’ own checks; their logins are not tried', async () => {
  const login = await loginOf('keycloak');
  await putLogin('keycloak', Object.fromEntries(Object.entries(login).filter(([key]) => key !== 'dbname')));
  expect(await broken()).toEqual([]);
  expect(await reading(readSecretKeys(secrets, 'goldenpath/dev/keycloak/postgres'))).toEqual({ value: ['username', 'password', 'host', 'port'] });
  await putLogin('keycloak', login);
  await secrets.send(new DeleteSecretCommand({ SecretId: 'goldenpath/dev/keycloak/postgres', RecoveryWindowInDays: 7 }));
  expect(await broken()).toEqual([]);
  expect(await reading(readSecretKeys(secrets, 'goldenpath/dev/keycloak/postgres'))).toMatchObject({ problem: expect.stringContaining('InvalidRequestException') as string });
});

it('F4: a worker without the authorities of RDS says which variable it lacks, for each login', async () => {
  const lines = await tier2FoundationActivities({ rds, ec2, s3, secrets }, {}).readTier2Foundation({ plan });
  expect(lines.logins['backstage']).toMatchObject({ problem: expect.stringContaining('GOLDENPATH_RDS_CA') as string });
});

it('F4: a closed security group is named with the subnet that it shuts out', async () => {
  const { SecurityGroups: [group] = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'group-name', Values: ['goldenpath-dev-databases'] }] }));
  await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: group?.GroupId, IpPermissions: [{ IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, IpRanges: [{ CidrIp: '10.0.32.0/20' }] }] }));
  expect(await broken()).toEqual([expect.stringMatching(/^rds-network: port 5432 is closed to subnet subnet-\w+ \(10\.0\.32\.0\/20\) → run goldenpath database apply --env dev/) as string]);
  await applyDatabases().catch(() => undefined); // keycloak's secret is being deleted; the group is opened before that
  expect(await broken()).toEqual([]);
});

it('F4: a stopped instance is named, with the command that starts it', async () => {
  await rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'goldenpath-dev' }));
  const lines = await vi.waitFor(async () => {
    const found = await broken();
    expect(found.join()).toContain('is stopped');
    return found;
  }, { timeout: 30_000, interval: 250 });
  expect(lines).toEqual(['rds: goldenpath-dev is stopped → start it: aws rds start-db-instance --db-instance-identifier goldenpath-dev']);
});

it('F4: an instance in another VPC is named with both VPCs, and somebody else’s is not taken', async () => {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.9.0.0/16' }));
  const SubnetIds = await Promise.all(['a', 'b'].map(async (zone, index) => {
    const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: `10.9.${index * 16}.0/20`, AvailabilityZone: `eu-west-2${zone}` }));
    return Subnet?.SubnetId ?? '';
  }));
  await rds.send(new CreateDBSubnetGroupCommand({ DBSubnetGroupName: 'elsewhere', DBSubnetGroupDescription: 'elsewhere', SubnetIds }));
  await rds.send(new CreateDBInstanceCommand({ DBInstanceIdentifier: 'elsewhere', DBInstanceClass: 'db.t4g.medium', Engine: 'postgres', EngineVersion: '18.4', AllocatedStorage: 20, MasterUsername: 'x', ManageMasterUserPassword: true, DBSubnetGroupName: 'elsewhere' }));
  const { databases } = plan;
  if (databases === undefined) throw new Error('dev declares no databases');
  const lines = await broken({ databases: { ...databases, instance: { ...databases.instance, identifier: 'elsewhere' } } });
  expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^rds-vpc: elsewhere is in ${Vpc?.VpcId}, the foundation's VPC is ${network.vpcId} → `)));
  expect(lines).toContainEqual(expect.stringMatching(/^rds: elsewhere does not carry the environment's tags/));
});
