// What a run refuses before its first change: every problem at once, seen from outside by the gateway's log, Temporal and the exit code (F3–F5).
import { DeleteTagsCommand, DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accountOf, reachOf } from '../support/account.ts';
import { documentOf, type Ended, raiseLab, type TestLab } from '../support/lab.ts';

interface Refusal {
  state: string;
  error: { type: string; problems: { field: string; given?: string; problem: string; allowed?: string; fix: string }[] };
}

const READ = /^(Get|List|Describe|Head|Simulate|BatchGet)/;
let lab: TestLab;

beforeAll(async () => { lab = await raiseLab('e2e-refusals'); });
afterAll(async () => { await lab.down(); });

/** What `ask` is refused with. Nothing was asked of AWS meanwhile, and Temporal was told nothing. */
async function refusalOf(ask: () => Promise<Ended>): Promise<Refusal> {
  const since = new Date().toISOString();
  const ended = await ask();
  expect({ exit: ended.exit, requests: await lab.requests({ since }), runs: (await lab.temporal.workflow.count()).count }).toEqual({ exit: 2, requests: [], runs: 0 });
  const refusal = documentOf(ended) as Refusal & Record<string, unknown>;
  expect(refusal).toMatchObject({ schema: 1, state: 'refused', error: { type: 'InvalidInput' } });
  return refusal;
}

const fieldsOf = ({ error }: Refusal) => error.problems.map(({ field, given }) => `${field} ${given}`);

test('F5: unknown environment, unknown lifecycle and malformed build id are refused together, before anything is asked of AWS or Temporal', async () => {
  const { error } = await refusalOf(() => lab.cli(['bootstrap', '--env', 'qa', '--lifecycle', 'eternal', '--build-id', '31-02-26-01', '-o', 'json']));
  expect(error.problems.map(({ field, given }) => `${field} ${given}`)).toEqual(['--env qa', '--lifecycle eternal', '--build-id 31-02-26-01']);
  expect(error.problems[0]).toMatchObject({ allowed: 'dev, prod, staging' });
  for (const { problem, fix } of error.problems) expect([problem, fix].every((text) => text.length > 10)).toBe(true);
});

test.each([
  ['F5: a build id that is no date', ['bootstrap', '--env', 'dev', '--build-id', '2026-11-21'], ['--build-id 2026-11-21']],
  ['F5: a persistent platform with a build id', ['bootstrap', '--env', 'dev', '--lifecycle', 'persistent', '--build-id', '21-11-26-01'], ['--build-id 21-11-26-01']],
  ['X1: a teardown that is confirmed with another cluster’s name', ['teardown', '--env', 'dev', '--build-id', '21-11-26-01', '--confirm', 'goldenpath-dev-eks-21-11-26-011'], ['--confirm goldenpath-dev-eks-21-11-26-011']],
  ['X1: a teardown without confirmation, of an environment that is none', ['teardown', '--env', 'qa', '--build-id', '21-11-26-01'], ['--env qa', '--confirm undefined']],
])('%s is refused', async (_, args, fields) => {
  expect(fieldsOf(await refusalOf(() => lab.cli([...args, '-o', 'json'])))).toEqual(fields);
});

test('D1: an environment whose zone, and with it the host suffix, leaves the parent zone is refused', async () => {
  const env = await lab.environmentsWith('zone: dev.goldenpathidp.io', 'zone: dev.example.org');
  const refusal = await refusalOf(() => lab.cli(['bootstrap', '--env', 'dev', '--build-id', '21-11-26-01', '-o', 'json'], env));
  expect(refusal.error.problems.map(({ problem }) => problem)).toEqual(['must lie below dns.parentZone goldenpathidp.io']);
  expect(refusal.error.problems[0]?.given).toContain('dev.example.org');
  expect(refusal.error.problems[0]?.field).toContain('dev.yaml: dns.zone');
});

test('D1: a zone id of another zone than the host suffix lies in fails the foundation check; nothing is created', async () => {
  const before = await accountOf(reachOf(lab.env));
  const env = await lab.environmentsWith('hostedZoneId: Z0427816GOLDENPATHDEV', 'hostedZoneId: Z0427815GOLDENPATHIDP');
  const ended = await lab.cli(['bootstrap', '--env', 'dev', '--build-id', '21-11-26-01', '-o', 'json'], env);
  expect(ended.exit).toBe(5);
  expect((documentOf(ended) as { stages: { error?: { problems: string[] } }[] }).stages[0]?.error?.problems.join('\n')).toMatch(/Z0427815GOLDENPATHIDP is goldenpathidp\.io, not dev\.goldenpathidp\.io/);
  expect(await accountOf(reachOf(lab.env))).toEqual(before);
});

test('F3, F4: a zone id that differs from the recorded one and missing subnets come back in one report, exit 5, nothing created', async () => {
  const reach = reachOf(lab.env);
  const recorded = { schema: 1, hostedZoneId: 'Z0000000RECORDEDONCE', recordedAt: '2026-01-01T00:00:00.000Z', recordedBy: 'ana' };
  await new S3Client({ ...reach, forcePathStyle: true }).send(new PutObjectCommand({ Bucket: 'goldenpath-staging-registry', Key: 'zones/staging.json', Body: JSON.stringify(recorded) }));
  const ec2 = new EC2Client(reach);
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ Filters: [{ Name: 'tag:goldenpath.idp/environment', Values: ['staging'] }] }));
  expect(Subnets).toHaveLength(5);
  await ec2.send(new DeleteTagsCommand({ Resources: Subnets.map(({ SubnetId = '' }) => SubnetId), Tags: [{ Key: 'goldenpath.idp/plane' }] }));
  const [before, since] = [await accountOf(reach), new Date().toISOString()];

  const ended = await lab.cli(['bootstrap', '--env', 'staging', '--build-id', '21-11-26-01', '-o', 'json']);

  expect(ended.exit).toBe(5);
  const report = (documentOf(ended) as { state: string; stages: { id: string; status: string; error?: { type: string; problems: string[] } }[]; error: { type: string } });
  expect(report).toMatchObject({ state: 'failed', error: { type: 'PreflightFailed' } });
  expect(report.stages.map(({ status }) => status)).toEqual(['failed', ...report.stages.slice(2).map(() => 'pending'), 'done']); // O2: the receipt
  const problems = report.stages[0]?.error?.problems ?? [];
  expect(problems).toHaveLength(2);
  expect(problems.find((problem) => problem.startsWith('subnets: '))).toMatch(/Fix: /);
  const zone = problems.find((problem) => problem.startsWith('zone-recorded: '));
  for (const id of ['Z0000000RECORDEDONCE', 'Z0427817GOLDENPATHSTG']) expect(zone).toContain(id);
  const asked = await lab.requests({ since });
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.filter(({ operation }) => !READ.test(operation)).map(({ operation }) => operation)).toEqual(['PutObject']); // the receipt
  expect(await accountOf(reach)).toEqual(before);
});

test('every execution of these tests replays', async () => {
  expect(await lab.replayAll()).toEqual(['bootstrapPlatform', 'bootstrapPlatform']);
});
