// A persistent bootstrap from outside, before it may begin: what its foundation lacks comes back in one report, exit 5, and nothing but a receipt is written; an ephemeral one is asked for none of it (F4).
import { DeleteBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunReport } from '../../domain/report.ts';
import { accountOf, reachOf } from '../support/account.ts';
import { documentOf, raiseLab, type TestLab } from '../support/lab.ts';

const READ = /^(Get|List|Describe|Head|Simulate|BatchGet)/;
let lab: TestLab;
beforeAll(async () => { lab = await raiseLab('persistent-foundation', { timeScale: 120 }); });
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

test('every execution of these tests replays', async () => {
  expect((await lab.replayAll()).toSorted()).toEqual(['bootstrapPlatform', 'bootstrapPlatform', 'bootstrapPlatform', 'databaseApply']);
});
