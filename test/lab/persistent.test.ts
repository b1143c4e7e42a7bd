// A persistent platform from outside: what its foundation lacks comes back in one report, exit 5, before anything is written but a receipt; mended, it is raised to tier 3, as pinned; a build beside it has a Backstage that logs people in at its Keycloak; its teardown leaves the database, the zone and the foundation (F4, T1–T4, G1, X3).
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunReport } from '../../domain/report.ts';
import { accountOf, reachOf, recordsOf } from '../support/account.ts';
import { documentOf, raiseLab, type TestLab } from '../support/lab.ts';
import { standInAddress } from '../support/stand-ins.ts';
import { logsOf, toldBy } from '../support/told.ts';

const PERSISTENT = ['--env', 'dev', '--lifecycle', 'persistent'];
const BUILD_ID = '21-11-26-02';
const BUILD = ['--env', 'dev', '--build-id', BUILD_ID];
const BUILD_CLUSTER = `goldenpath-dev-eks-${BUILD_ID}`;
const BUILDS_SECRET = 'goldenpath/dev/oidc/backstage-builds';
const READ = /^(Get|List|Describe|Head|Simulate|BatchGet)/;
let lab: TestLab;
/** The environment with Backstage for builds (T4). */
let withBackstage: Record<string, string>;
beforeAll(async () => {
  lab = await raiseLab('persistent', { timeScale: 120 });
  withBackstage = { ...(await lab.environmentsWith('# backstage: { ephemeral: true }', 'backstage: { ephemeral: true }')) };
});
afterAll(async () => { await lab.down(); });

async function refused(): Promise<string[]> {
  const [before, since] = [await accountOf(reachOf(lab.env)), new Date().toISOString()];
  const ended = await lab.cli(['bootstrap', '--env', 'dev', '--lifecycle', 'persistent', '-o', 'json']);
  expect({ exit: ended.exit, stderr: ended.exit === 5 ? '' : ended.stderr }).toEqual({ exit: 5, stderr: '' });
  const report = documentOf(ended) as RunReport & { error: { type: string } };
  expect(report).toMatchObject({ state: 'failed', error: { type: 'PreflightFailed' } });
  expect(report.stages.map(({ id, status }) => `${id} ${status}`)).toEqual(['foundation failed', ...['claim', 'cluster', 'tier-0', 'argocd', 'tier-1', 'tier-1.5', 'tier-2', 'tier-3'].map((id) => `${id} pending`), 'receipt done']);
  const asked = await lab.requests({ since });
  expect(asked.filter(({ operation }) => !READ.test(operation)).map(({ operation }) => operation)).toEqual(['PutObject']); // the receipt
  expect(await accountOf(reachOf(lab.env))).toEqual(before);
  return report.stages[0]?.error?.problems ?? [];
}

test('F4: RDS missing, a secret without a key and the bucket gone come back together, each with what to run', async () => {
  const reach = reachOf(lab.env);
  await new SecretsManagerClient(reach).send(new PutSecretValueCommand({ SecretId: 'goldenpath/dev/oidc/clients', SecretString: '{"backstage":"x"}' }));
  const s3 = new S3Client({ ...reach, forcePathStyle: true });
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'goldenpath-dev-loki', VersioningConfiguration: { Status: 'Suspended' } }));
  await s3.send(new DeleteBucketCommand({ Bucket: 'goldenpath-dev-loki' }));
  const problems = await refused();
  expect(problems.map((problem) => problem.split(': ')[0])).toEqual(['secret:goldenpath/dev/oidc/clients', 'secret:goldenpath/dev/backstage/postgres', 'secret:goldenpath/dev/grafana/postgres', 'secret:goldenpath/dev/keycloak/postgres', 'rds', 'loki-bucket']);
  expect(problems.find((problem) => problem.startsWith('rds: '))).toBe('rds: RDS has no instance goldenpath-dev. Fix: run goldenpath database apply --env dev');
  expect(problems[0]).toContain('key grafana is missing');
  expect(problems[1]).toContain('Fix: run goldenpath database apply --env dev');
});

test('F4: with the databases applied, only what people must mend is left', async () => {
  const applied = await lab.cli(['database', 'apply', '--env', 'dev', '-o', 'json']);
  expect({ exit: applied.exit, stderr: applied.exit === 0 ? '' : applied.stderr }).toEqual({ exit: 0, stderr: '' });
  expect((await refused()).map((problem) => problem.split(': ')[0])).toEqual(['secret:goldenpath/dev/oidc/clients', 'loki-bucket']);
}, 400_000);

test('F4: an ephemeral platform of the same environment is planned without any of it, and RDS is not asked', async () => {
  const env = await lab.environmentsWith('hostedZoneId: Z0427816GOLDENPATHDEV', 'hostedZoneId: Z0427815GOLDENPATHIDP'); // fails at its foundation, so that nothing is made
  const since = new Date().toISOString();
  const ended = await lab.cli(['bootstrap', '--env', 'dev', '--build-id', '21-11-26-01', '-o', 'json'], env);
  expect(ended.exit).toBe(5);
  const problems = (documentOf(ended) as RunReport).stages[0]?.error?.problems ?? [];
  expect(problems.filter((problem) => /^(rds|login|loki|issuer|components|secret:)/.test(problem))).toEqual([]);
  const asked = await lab.requests({ since });
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.filter(({ service }) => service === 'rds')).toEqual([]);
});

/** The account without a platform. */
let before: Record<string, string[]>;
/** What the cluster showed while it stood, its Secrets left out: objects, and the logs of its pods. */
let shown: { where: string; text: string }[];

test('T1, T3, G1: mended, it is raised to tier 3 and accepted from inside, and runs as the version manifest pins', async () => {
  const reach = reachOf(lab.env);
  const secrets = new SecretsManagerClient(reach);
  await secrets.send(new PutSecretValueCommand({ SecretId: 'goldenpath/dev/oidc/clients', SecretString: '{"backstage":"the secret of backstage","grafana":"the secret of grafana"}' }));
  await secrets.send(new CreateSecretCommand({ Name: BUILDS_SECRET, SecretString: '{"secret":"of all builds"}' }));
  await new S3Client({ ...reach, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'goldenpath-dev-loki', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
  before = await accountOf(reach);
  const up = await lab.cli(['bootstrap', ...PERSISTENT, '-o', 'json'], withBackstage);
  expect({ exit: up.exit, stderr: up.exit === 0 ? '' : up.stderr }).toEqual({ exit: 0, stderr: '' });
  const evidence = (documentOf(up) as RunReport).stages.flatMap((stage) => stage.evidence);
  for (const line of [/^✔ backstage answers: /, /^✔ grafana-postgresql answers: .* its database is ok$/, /^✔ loki answers: /, /^✔ realm answers: /, /^✔ Login to the database keycloak: .*TLSv1\.3$/, /^✔ OIDC client grafana: enabled/, /^✔ Certificates: .*Ready$/]) expect(evidence).toContainEqual(expect.stringMatching(line));
  expect(await recordsOf(reach)).toContainEqual(expect.stringMatching(/^keycloak\.dev\.goldenpathidp\.io\. A /));
  const logs = await logsOf(lab);
  const objects = await Promise.all(['pods', 'jobs', 'events', 'configmaps', 'applications.argoproj.io'].map(async (kind) => ({ where: `${kind} of the cluster`, text: await lab.kubectl('goldenpath-dev-eks', 'get', kind, '-A', '-o', 'json') })));
  shown = [...logs, ...objects];
  const pinned = await lab.cli(['versions', 'verify', ...PERSISTENT, '-o', 'json'], withBackstage);
  expect({ exit: pinned.exit, ...(documentOf(pinned) as object) }).toMatchObject({ exit: 0, state: 'as-pinned' });
}, 600_000);

test('T1, G1: bootstrapped again with another image pinned, it ends when that image runs, not when what ran before still reads Healthy', async () => {
  const folder = join(lab.status.folder, 'environments-upgrade');
  await cp(withBackstage['GOLDENPATH_ENVIRONMENTS'] ?? '', folder, { recursive: true });
  const text = await readFile(join(folder, 'versions.yaml'), 'utf8');
  const pinned = /repository: quay\.io\/keycloak\/keycloak\n.*\n\s+digest: (sha256:[0-9a-f]{64})/.exec(text)?.[1] ?? '';
  const newer = `sha256:${'5'.repeat(64)}`;
  expect(pinned).not.toBe('');
  await writeFile(join(folder, 'versions.yaml'), text.replaceAll(pinned, newer));
  const upgraded = { ...withBackstage, GOLDENPATH_ENVIRONMENTS: folder };
  const imageThatRuns = () => lab.kubectl('goldenpath-dev-eks', '-n', 'keycloak', 'get', 'pods', '-l', 'app.kubernetes.io/name=keycloak', '-o', 'jsonpath={range .items[?(@.status.phase=="Running")]}{.spec.containers[0].image} {end}');
  expect(await imageThatRuns()).toContain(pinned);
  const up = await lab.cli(['bootstrap', ...PERSISTENT, '-o', 'json'], upgraded);
  expect({ exit: up.exit, stderr: up.exit === 0 ? '' : up.stderr }).toEqual({ exit: 0, stderr: '' });
  expect((await imageThatRuns()).trim().split('@')).toEqual([expect.stringContaining('keycloak'), newer]);
  const verified = await lab.cli(['versions', 'verify', ...PERSISTENT, '-o', 'json'], upgraded);
  expect({ exit: verified.exit, ...(documentOf(verified) as object) }).toMatchObject({ exit: 0, state: 'as-pinned' });
  expect((await lab.cli(['versions', 'verify', ...PERSISTENT, '-o', 'json'], withBackstage)).exit).not.toBe(0); // it is told apart
  withBackstage = upgraded;
}, 600_000);

test('T4: a build beside it has a Backstage in tier 1.5 that logs people in at the persistent Keycloak, once its address is allowed there; its teardown leaves the persistent platform as it was', async () => {
  const reach = reachOf(lab.env);
  const beside = await accountOf(reach);
  const up = await lab.cli(['bootstrap', ...BUILD, '-o', 'json'], withBackstage);
  expect({ exit: up.exit, stderr: up.exit === 0 ? '' : up.stderr }).toEqual({ exit: 0, stderr: '' });
  const applications = await lab.kubectl(BUILD_CLUSTER, '-n', 'argocd', 'get', 'applications.argoproj.io', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.metadata.labels.goldenpath\\.idp/tier} {.status.sync.status} {.status.health.status}{"\\n"}{end}');
  expect(applications.split('\n').filter((line) => /backstage|keycloak|oidc/.test(line))).toEqual(['backstage 1.5 Synced Healthy']);
  expect(await recordsOf(reach)).toContainEqual(expect.stringMatching(/^backstage\.b-21-11-26-02\.dev\.goldenpathidp\.io\. A /));
  expect(await lab.kubectl(BUILD_CLUSTER, '-n', 'backstage', 'get', 'configmap', 'backstage', '-o', 'yaml')).toContain('metadataUrl: https://keycloak.dev.goldenpathidp.io/realms/goldenpath/');
  expect(Buffer.from(await lab.kubectl(BUILD_CLUSTER, '-n', 'backstage', 'get', 'secret', 'backstage-oidc', '-o', 'jsonpath={.data.backstage}'), 'base64').toString()).toBe('of all builds');

  // The Keycloak that the persistent platform runs, which made the client in its sync and knows no address yet.
  const { SecretString = '' } = await new SecretsManagerClient(reach).send(new GetSecretValueCommand({ SecretId: 'goldenpath/dev/keycloak/admin' }));
  const { username = '', password = '' } = JSON.parse(SecretString) as Record<string, string>;
  const keycloak = { ...withBackstage, KEYCLOAK_URL: await standInAddress(join(lab.status.folder, 'processes.json'), 'keycloak'), KEYCLOAK_ADMIN_USERNAME: username, KEYCLOAK_ADMIN_PASSWORD: password };
  const allow = async (...more: string[]) => documentOf(await lab.cli(['oidc', 'allow', '--env', 'dev', '--build-id', BUILD_ID, ...more, '-o', 'json'], keycloak));
  expect(await allow()).toMatchObject({ state: 'allowed', client: 'backstage-builds', redirectUri: `https://backstage.b-${BUILD_ID}.dev.goldenpathidp.io/api/auth/oidc/handler/frame`, done: 'added' });
  expect(await allow()).toMatchObject({ done: 'unchanged' });

  const down = await lab.cli(['teardown', ...BUILD, '--confirm', BUILD_CLUSTER, '-o', 'json'], withBackstage);
  expect({ exit: down.exit, ...(documentOf(down) as RunReport) }).toMatchObject({ exit: 0, state: 'clean', residue: [] });
  expect(await accountOf(reach)).toEqual(beside);
  expect(await allow('--remove')).toMatchObject({ state: 'removed', done: 'removed' });
}, 600_000);

test('X3: its teardown leaves the database, the zone and the foundation as they were', async () => {
  const down = await lab.cli(['teardown', ...PERSISTENT, '--confirm', 'goldenpath-dev-eks', '-o', 'json'], withBackstage);
  expect({ exit: down.exit, ...(documentOf(down) as RunReport) }).toMatchObject({ exit: 0, state: 'clean', residue: [] });
  expect(await accountOf(reachOf(lab.env))).toEqual(before);
  expect((await lab.cli(['database', 'check', '--env', 'dev', '-o', 'json'])).exit).toBe(0);
}, 600_000);

test('R2: no password and no client secret is in a history, a log, a receipt, or what the cluster showed', async () => {
  const secrets = new SecretsManagerClient(reachOf(lab.env));
  const texts = await Promise.all(['backstage/postgres', 'grafana/postgres', 'keycloak/postgres', 'keycloak/admin', 'grafana/admin', 'oidc/clients', 'oidc/backstage-builds'].map(async (name) => (await secrets.send(new GetSecretValueCommand({ SecretId: `goldenpath/dev/${name}` }))).SecretString ?? ''));
  const values = texts.flatMap((text) => Object.entries(JSON.parse(text) as Record<string, string>).filter(([key]) => !['username', 'host', 'port', 'dbname'].includes(key)).map(([, value]) => value));
  expect(values.length).toBe(8);
  const told = [...(await toldBy(lab)), ...shown];
  for (const part of ['history of platform/dev/goldenpath-dev-eks', 'worker/worker.log', '/logs/oidc-config', 's3://goldenpath-dev-registry/receipts/', 'pods of the cluster']) expect(told.map(({ where }) => where)).toContainEqual(expect.stringContaining(part));
  expect(told.some(({ where, text }) => where.startsWith('history of ') && text.includes('goldenpath/dev/keycloak/admin'))).toBe(true); // what a history holds is read
  expect(told.filter(({ text }) => values.some((value) => text.includes(value))).map(({ where }) => where)).toEqual([]);
});

test('every execution of these tests replays', async () => {
  expect((await lab.replayAll()).toSorted()).toEqual([...Array.from({ length: 6 }, () => 'bootstrapPlatform'), 'databaseApply', 'databaseCheck', 'teardownPlatform', 'teardownPlatform', 'verifyVersions', 'verifyVersions', 'verifyVersions']);
});
