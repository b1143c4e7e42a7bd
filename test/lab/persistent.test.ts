// A persistent platform from outside: what its foundation lacks comes back in one report, exit 5, before anything is written but a receipt; mended, it is raised to tier 3, as pinned; its teardown leaves the database, the zone and the foundation (F4, T1-T3, G1, X3).
import { CreateBucketCommand, DeleteBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunReport } from '../../domain/report.ts';
import { accountOf, reachOf, recordsOf } from '../support/account.ts';
import { documentOf, raiseLab, type TestLab } from '../support/lab.ts';

const READ = /^(Get|List|Describe|Head|Simulate|BatchGet)/;
let lab: TestLab;
beforeAll(async () => { lab = await raiseLab('persistent', { timeScale: 120 }); });
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

test('T1, T3, G1: mended, it is raised to tier 3 and accepted from inside, and runs as the version manifest pins; its teardown leaves everything else as it was (X3)', async () => {
  const reach = reachOf(lab.env);
  await new SecretsManagerClient(reach).send(new PutSecretValueCommand({ SecretId: 'goldenpath/dev/oidc/clients', SecretString: '{"backstage":"x","grafana":"y"}' }));
  await new S3Client({ ...reach, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'goldenpath-dev-loki', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
  const before = await accountOf(reach);
  const up = await lab.cli(['bootstrap', '--env', 'dev', '--lifecycle', 'persistent', '-o', 'json']);
  expect({ exit: up.exit, stderr: up.exit === 0 ? '' : up.stderr }).toEqual({ exit: 0, stderr: '' });
  const evidence = (documentOf(up) as RunReport).stages.flatMap((stage) => stage.evidence);
  for (const line of [/^✔ backstage answers: /, /^✔ grafana-postgresql answers: .* its database is ok$/, /^✔ loki answers: /, /^✔ realm answers: /, /^✔ Login to the database keycloak: .*TLSv1\.3$/, /^✔ OIDC client grafana: enabled/, /^✔ Certificates: .*Ready$/]) expect(evidence).toContainEqual(expect.stringMatching(line));
  expect(await recordsOf(reach)).toContainEqual(expect.stringMatching(/^keycloak\.dev\.goldenpathidp\.io\. A /));
  const pinned = await lab.cli(['versions', 'verify', '--env', 'dev', '--lifecycle', 'persistent', '-o', 'json']);
  expect({ exit: pinned.exit, ...(documentOf(pinned) as object) }).toMatchObject({ exit: 0, state: 'as-pinned' });

  const down = await lab.cli(['teardown', '--env', 'dev', '--lifecycle', 'persistent', '--confirm', 'goldenpath-dev-eks', '-o', 'json']);
  expect({ exit: down.exit, ...(documentOf(down) as RunReport) }).toMatchObject({ exit: 0, state: 'clean', residue: [] });
  expect(await accountOf(reach)).toEqual(before);
  expect((await lab.cli(['database', 'check', '--env', 'dev', '-o', 'json'])).exit).toBe(0);
}, 600_000);

test('every execution of these tests replays', async () => {
  expect((await lab.replayAll()).toSorted()).toEqual(['bootstrapPlatform', 'bootstrapPlatform', 'bootstrapPlatform', 'bootstrapPlatform', 'databaseApply', 'databaseCheck', 'teardownPlatform', 'verifyVersions']);
});
