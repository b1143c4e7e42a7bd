// `goldenpath preflight` and `accept` as a Job runs them: the command as a process, a real PostgreSQL with TLS, S3 in moto, addresses that answer or do not (T2, T3).
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EC2Client } from '@aws-sdk/client-ec2';
import { CreateDBInstanceCommand, RDSClient, waitUntilDBInstanceAvailable } from '@aws-sdk/client-rds';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseActivities } from '../../activities/databases.ts';
import type { DatabaseLogin } from '../../domain/database-secret.ts';
import { databaseOf, databaseTags } from '../../domain/databases.ts';
import type { ProbeReport } from '../../domain/probes.ts';
import { selfSigned } from '../../lab/aws/eks/certificate.ts';
import { freePort } from '../../lab/ports.ts';
import { removeTree } from '../../lab/remove-tree.ts';
import { runCli } from '../support/cli.ts';
import { startRds, type TestRds } from '../support/rds.ts';

let lab: TestRds;
let web: Server;
let origin: string;
let folder: string;
let database: Record<string, string>;
let aws: Record<string, string>;

beforeAll(async () => {
  lab = await startRds({ timeScale: 400 });
  folder = await mkdtemp(join(tmpdir(), 'goldenpath-probe-'));
  const { client } = lab.aws;
  const [rds, ec2, secrets] = [new RDSClient(client), new EC2Client(client), new SecretsManagerClient(client)];
  const instance = { DBInstanceIdentifier: 'goldenpath-dev' };
  await rds.send(new CreateDBInstanceCommand({ ...instance, DBInstanceClass: 'db.t4g.medium', Engine: 'postgres', AllocatedStorage: 20, MasterUsername: 'goldenpath_admin', ManageMasterUserPassword: true, Tags: Object.entries(databaseTags('dev')).map(([Key, Value]) => ({ Key, Value })) }));
  await waitUntilDBInstanceAvailable({ client: rds, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, instance);
  await databaseActivities({ rds, ec2, secrets }, { rdsCaFile: lab.caFile }).applyDatabases({ environment: 'dev', instance: 'goldenpath-dev', databases: [databaseOf('backstage')], rotate: false });
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: 'goldenpath/dev/backstage/postgres' }));
  const { host, port, username, password, dbname } = JSON.parse(SecretString) as DatabaseLogin;
  database = { POSTGRES_HOST: host, POSTGRES_PORT: String(port), POSTGRES_USER: username, POSTGRES_PASSWORD: password, POSTGRES_DB: dbname, GOLDENPATH_RDS_CA: lab.caFile };
  aws = { AWS_REGION: 'eu-west-2', AWS_ENDPOINT_URL: client.endpoint, AWS_ACCESS_KEY_ID: client.credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: client.credentials.secretAccessKey };
  await new S3Client({ ...client, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'chunks', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
  await new S3Client({ ...client, region: 'us-east-2', forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'abroad', CreateBucketConfiguration: { LocationConstraint: 'us-east-2' } }));
  web = createServer(({ url = '' }, answer) => {
    answer.statusCode = url === '/moved' ? 302 : url === '/down' ? 503 : 200;
    if (url === '/moved') answer.setHeader('location', '/fine');
    answer.end('fine');
  });
  await new Promise<void>((resolve) => { web.listen(0, '127.0.0.1', resolve); });
  origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
});
afterAll(async () => {
  web.close();
  await lab.stop();
  await removeTree(folder);
});

/** Runs the command; its document, and its last word where a file for it is given. */
async function run(args: string[], env: Record<string, string>): Promise<{ code: number | null; report: ProbeReport; stderr: string; lastWord: string }> {
  const log = join(folder, 'termination-log');
  await writeFile(log, '');
  const { code, stdout, stderr } = await runCli(args, { ...env, GOLDENPATH_TERMINATION_LOG: log });
  expect(stdout + stderr).not.toContain(database['POSTGRES_PASSWORD']);
  return { code, report: JSON.parse(stdout) as ProbeReport, stderr, lastWord: await readFile(log, 'utf8') };
}
const failedOf = ({ checks }: ProbeReport) => checks.filter(({ ok }) => !ok).map(({ id, found }) => `${id}: ${found}`);

describe('goldenpath preflight', () => {
  it('T2: login over TLS, bucket in its region, addresses answered: exit 0, the same document as the last word', async () => {
    const { code, report, stderr, lastWord } = await run(['preflight', '--tier', '2'], { ...database, ...aws, GOLDENPATH_BUCKET: 'chunks', GOLDENPATH_URLS: `web=${origin}/fine` });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(report).toMatchObject({ schema: 1, operation: 'preflight', tier: '2', state: 'passed' });
    expect(report.checks.map(({ id, ok }) => `${id} ${ok}`)).toEqual(['login:postgres true', 'url:web true', 'bucket true']);
    expect(report.checks[0]?.found).toMatch(/^PostgreSQL 18\.\d at 127\.0\.0\.1:\d+ lets backstage into backstage, TLSv1\.3$/);
    expect(JSON.parse(lastWord)).toEqual(report);
  });

  it('T2: every failure has its own check, and what to do; exit 5', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}/`;
    const { code, report, lastWord } = await run(['preflight', '--tier', '2'], { ...database, ...aws, POSTGRES_PASSWORD: 'stale', GOLDENPATH_BUCKET: 'abroad', GOLDENPATH_URLS: `down=${origin}/down,moved=${origin}/moved,nobody=${nobody}` });
    expect(code).toBe(5);
    expect(failedOf(report)).toEqual([
      expect.stringMatching(/^login:postgres: PostgreSQL at 127\.0\.0\.1:\d+ refuses user backstage with this password: password authentication failed/) as string,
      `url:down: ${origin}/down answered 503`, `url:moved: ${origin}/moved answered 302`, `url:nobody: ${nobody}: no answer (ECONNREFUSED)`, 'bucket: it is in us-east-2, not in eu-west-2',
    ]);
    for (const { fix } of report.checks) expect(fix.length).toBeGreaterThan(20);
    expect(JSON.parse(lastWord)).toEqual(report);
  });

  it('T2: a server whose certificate RDS’s authorities did not sign is not talked to', async () => {
    const other = join(folder, 'other.pem');
    await writeFile(other, selfSigned('somebody else').cert);
    const { code, report } = await run(['preflight', '--tier', '3'], { ...database, GOLDENPATH_RDS_CA: other });
    expect(code).toBe(5);
    expect(failedOf(report)[0]).toMatch(/certificate/);
  });

  it('T2: no database, and a database that is not there, are failures; a bucket that is not there too', async () => {
    expect(failedOf((await run(['preflight', '--tier', '2'], { ...database, POSTGRES_DB: 'orders' })).report)).toEqual([expect.stringMatching(/database "orders" does not exist$/)]);
    expect(failedOf((await run(['preflight', '--tier', '2'], { ...database, POSTGRES_PORT: '1' })).report)).toEqual([expect.stringMatching(/ECONNREFUSED/)]);
    expect(failedOf((await run(['preflight', '--tier', '2'], { ...aws, GOLDENPATH_BUCKET: 'nowhere' })).report)).toEqual(['bucket: S3 has no bucket nowhere']);
  });

  it('F5: asked wrongly it ends with 2, every problem at once, in the last word as well', async () => {
    const { code, report, lastWord } = await run(['preflight', '--tier', '4'], { POSTGRES_HOST: 'db', GOLDENPATH_URLS: 'nothing' });
    expect(code).toBe(2);
    expect(report).toMatchObject({ state: 'refused', checks: [], error: { type: 'InvalidInput' } });
    expect(report.error?.problems.map((line) => line.split(/[ :]/)[0])).toEqual(['--tier', 'POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB', 'GOLDENPATH_URLS']);
    expect(JSON.parse(lastWord)).toMatchObject({ state: 'refused' });
    expect((await run(['preflight', '--tier', '2'], {})).report.error?.problems[0]).toContain('there is nothing to check of tier 2');
    expect((await run(['accept', '--tier', '2'], {})).report.error?.problems[0]).toContain('has no backstage, no loki, no grafana-postgresql');
  });

  it('failure 36: what could not be asked is neither passed nor failed: exit 1', async () => {
    const { code, report } = await run(['preflight', '--tier', '1.5'], {});
    expect([code, report.state]).toEqual([1, 'unknown']);
    expect(report.error?.message).toContain('KUBECONFIG');
    expect((await run(['preflight', '--tier', '2'], { ...database, GOLDENPATH_RDS_CA: '' })).report).toMatchObject({ state: 'unknown', error: { message: expect.stringContaining('GOLDENPATH_RDS_CA') as string } });
  });

  it('T2: a last word that cannot be written is told', async () => {
    const { code, stderr } = await runCli(['preflight', '--tier', '2'], { GOLDENPATH_URLS: `web=${origin}/fine`, GOLDENPATH_TERMINATION_LOG: join(folder, 'no/such/folder') });
    expect(code).toBe(0);
    expect(stderr).toContain('The termination message could not be written: ENOENT');
  });
});
