// The database commands from outside, in a lab: what a person types, what is there afterwards, and that no password got anywhere but into Secrets Manager (R1–R3).
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectivityReport } from '../../domain/connectivity.ts';
import type { DatabaseLogin } from '../../domain/database-secret.ts';
import type { DatabaseReceipt, DatabaseReport } from '../../domain/database-report.ts';
import { reachOf } from '../support/account.ts';
import { documentOf, eventually, raiseLab, type TestLab } from '../support/lab.ts';
import { toldBy } from '../support/told.ts';
import type { RunReport } from '../../domain/report.ts';

let lab: TestLab;
beforeAll(async () => { lab = await raiseLab('databases', { timeScale: 120 }); });
afterAll(async () => { await lab.down(); });

async function secretText(app: string): Promise<string> {
  const { SecretString = '' } = await new SecretsManagerClient(reachOf(lab.env)).send(new GetSecretValueCommand({ SecretId: `goldenpath/dev/${app}/postgres` }));
  return SecretString;
}

async function canWork(app: string): Promise<DatabaseLogin> {
  const login = JSON.parse(await secretText(app)) as DatabaseLogin;
  const client = new pg.Client({ host: login.host, port: login.port, user: login.username, password: login.password, database: login.dbname, ssl: { ca: await readFile(lab.env['GOLDENPATH_RDS_CA'] ?? '', 'utf8') } });
  await client.connect();
  await client.query('CREATE TABLE IF NOT EXISTS proof (id int)');
  await client.end();
  return login;
}

/** What the registry holds of the instance's runs. */
async function receipts(): Promise<{ key: string; text: string }[]> {
  const [s3, Bucket] = [new S3Client({ ...reachOf(lab.env), forcePathStyle: true }), 'goldenpath-dev-registry'];
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'receipts/dev/goldenpath-dev/' }));
  return Promise.all(Contents.map(async ({ Key = '' }) => ({ key: Key, text: (await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()) ?? '' })));
}

const postgres = async () => (documentOf(await lab.cli(['lab', 'status', '-o', 'json'])) as { processes: { name: string }[] }).processes.filter(({ name }) => name.startsWith('postgres-'));

test('R3: before there is anything, check is broken and names every point; no server runs', async () => {
  const ended = await lab.cli(['database', 'check', '--env', 'dev', '-o', 'json']);
  expect(ended.exit).toBe(5);
  const { state, points } = documentOf(ended) as ConnectivityReport;
  expect(state).toBe('broken');
  expect(points.filter(({ ok }) => !ok).map(({ id }) => id)).toEqual(expect.arrayContaining(['instance', 'subnets', 'security-group', 'logins']));
  expect(await postgres()).toEqual([]);
});

test('R1: create without an instance says what to run; apply makes it with the declared databases', async () => {
  const early = await lab.cli(['database', 'create', '--env', 'dev', '--app', 'orders', '-o', 'json']);
  expect(early.exit).toBe(5);
  expect((documentOf(early) as { error: { message: string } }).error.message).toBe('RDS has no instance goldenpath-dev; make it with: goldenpath database apply --env dev');

  const ended = await lab.cli(['database', 'apply', '--env', 'dev', '-o', 'json']);
  expect({ exit: ended.exit, stderr: ended.exit === 0 ? '' : ended.stderr }).toEqual({ exit: 0, stderr: '' });
  const report = documentOf(ended) as DatabaseReport;
  expect(report).toMatchObject({ schema: 1, operation: 'apply', state: 'ready', instance: 'goldenpath-dev' });
  expect(report.databases.map(({ app, verdict }) => `${app} ${verdict}`)).toEqual(['backstage create', 'grafana create', 'keycloak create']);
  for (const app of ['backstage', 'grafana', 'keycloak']) await canWork(app);
  expect(await postgres()).toHaveLength(1);
}, 300_000);

test('R1: applied again it changes nothing; check is kept', async () => {
  const again = documentOf(await lab.cli(['database', 'apply', '--env', 'dev', '-o', 'json'])) as DatabaseReport;
  expect(again.databases.flatMap(({ did }) => did)).toEqual([]);
  const check = await lab.cli(['database', 'check', '--env', 'dev', '-o', 'json']);
  expect({ exit: check.exit, broken: (documentOf(check) as ConnectivityReport).points.filter(({ ok }) => !ok) }).toEqual({ exit: 0, broken: [] });
});

test('R1: create serves one application within seconds, and adopts it the second time', async () => {
  const before = Date.now();
  const made = await lab.cli(['database', 'create', '--env', 'dev', '--app', 'orders']);
  expect(made.exit).toBe(0);
  expect(made.stdout).toContain('goldenpath/dev/orders/postgres');
  expect(Date.now() - before).toBeLessThan(30_000);
  await canWork('orders');
  const again = documentOf(await lab.cli(['database', 'create', '--env', 'dev', '--app', 'orders', '-o', 'json'])) as DatabaseReport;
  expect(again.databases).toMatchObject([{ verdict: 'adopt', did: [] }]);
});

test('O2: every run that changed something, or tried, left its receipt, and none was written twice', async () => {
  const left = await receipts();
  const runs: string[] = [];
  for await (const { type, runId } of lab.temporal.workflow.list()) if (['databaseApply', 'databaseCreate'].includes(type)) runs.push(runId);
  expect(left.map(({ key }) => key).toSorted()).toEqual(runs.map((runId) => `receipts/dev/goldenpath-dev/${runId}.json`).toSorted());
  expect(left.map(({ text }) => (JSON.parse(text) as DatabaseReceipt).report).map(({ operation, state }) => `${operation} ${state}`).toSorted()).toEqual(['apply ready', 'apply ready', 'create failed', 'create ready', 'create ready']);
});

test('F5: what cannot be meant is refused before anything, every problem at once', async () => {
  const ended = await lab.cli(['database', 'create', '--env', 'nowhere', '--app', 'Or"ders', '-o', 'json']);
  expect(ended.exit).toBe(2);
  expect((documentOf(ended) as { error: { problems: { field: string }[] } }).error.problems.map(({ field }) => field)).toEqual(['--env', '--app']);
});

test('R2: no password is in a history, in the gateway\'s log, in the lab\'s logs, or in what a command printed', async () => {
  const passwords = await Promise.all(['backstage', 'grafana', 'keycloak', 'orders'].map(async (app) => (await canWork(app)).password));
  const { stdout, stderr } = await lab.cli(['database', 'check', '--env', 'dev']);
  const told = [...(await toldBy(lab)), { where: 'what a command printed', text: `${stdout}${stderr}` }];
  for (const part of ['history of database/dev/goldenpath-dev', 'worker/worker.log', 'databases/goldenpath-dev/postgres.log', 's3://goldenpath-dev-registry/receipts/']) expect(told.map(({ where }) => where)).toContainEqual(expect.stringContaining(part));
  expect(told.some(({ where, text }) => where.startsWith('history of ') && text.includes('goldenpath/dev/orders/postgres'))).toBe(true);
  expect(told.filter(({ text }) => passwords.some((password) => text.includes(password))).map(({ where }) => where)).toEqual([]);
  await lab.replayAll();
});

test('R4: destroy asks two people and waits; while it waits nothing else begins; then it goes, with two snapshots and on record', async () => {
  const run = 'database/dev/goldenpath-dev';
  const unconfirmed = await lab.cli(['database', 'destroy', '--env', 'dev', '--requester', 'ana', '-o', 'json']);
  expect(unconfirmed.exit).toBe(2);
  const asked = await lab.cli(['database', 'destroy', '--env', 'dev', '--confirm', 'goldenpath-dev', '--requester', 'ana', '-o', 'json']);
  expect({ exit: asked.exit, stderr: asked.exit === 3 ? '' : asked.stderr }).toEqual({ exit: 3, stderr: '' });
  expect((documentOf(asked) as RunReport).waiting?.request).toMatchObject({ approvals: 2, decisions: ['destroy', 'abort'], cluster: 'goldenpath-dev' });
  expect((await lab.cli(['database', 'apply', '--env', 'dev'])).exit).toBe(1);

  const approve = (who: string) => lab.cli(['approve', run, '--decision', 'destroy', '--reason', 'moved', '--ticket', 'OPS-1', '--key', join(lab.status.folder, 'keys', `${who}.key`)]);
  for (const who of ['alice', 'bob']) {
    const said = await approve(who);
    expect({ who, exit: said.exit, stderr: said.exit === 0 ? '' : said.stderr }).toEqual({ who, exit: 0, stderr: '' });
  }
  const { report } = await eventually('the instance is gone', 120, async () => {
    const view = documentOf(await lab.cli(['status', run, '-o', 'json'])) as { run: { status: string }; report: RunReport };
    return view.run.status === 'RUNNING' ? undefined : view;
  });
  expect(report).toMatchObject({ state: 'clean', operation: 'destroy-database' });
  expect(await postgres()).toEqual([]);
  const audit = documentOf(await lab.cli(['audit', run, '-o', 'json'])) as { entries: { kind: string }[]; unreadable: unknown[] };
  expect(audit.unreadable).toEqual([]);
  expect(audit.entries.map(({ kind }) => kind)).toEqual(['request', 'attempt', 'attempt', 'decision', 'database']);
  expect(JSON.parse(await secretText('orders'))).toMatchObject({ username: 'orders' }); // secrets stay
}, 300_000);
