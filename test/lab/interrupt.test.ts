// A teardown takes over a bootstrap in flight, on real clusters: while EKS makes the control plane, and while Argo CD syncs tier 1. Whatever came to be is gone in the end (X6).
import { ListClustersCommand, EKSClient } from '@aws-sdk/client-eks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunReport } from '../../domain/report.ts';
import { accountOf, reachOf, recordsOf } from '../support/account.ts';
import { documentOf, eventually, raiseLab, type TestLab, type Watch } from '../support/lab.ts';

const WORKER = 'arn:aws:iam::111122223333:user/platform-engineer';
/** What the worker calls in AWS where it makes something. */
const CREATIONS = /^(Create|Run|Allocate|Register)/;

let lab: TestLab;
let before: Record<string, string[]>;

beforeAll(async () => {
  // The control plane takes half a minute: a command on a busy machine comes in time.
  lab = await raiseLab('e2e-interrupt', { timeScale: 20 });
  before = await accountOf(reachOf(lab.env));
});
afterAll(async () => { await lab.down(); });

function build(buildId: string) {
  const cluster = `goldenpath-dev-eks-${buildId}`;
  const target = ['--env', 'dev', '--build-id', buildId];
  const bootstrap = ['bootstrap', ...target, '-o', 'json'];
  const teardown = ['teardown', ...target, '--confirm', cluster, '--requester', 'bob', '--reason', 'the branch is merged', '-o', 'json'];
  return { cluster, suffix: `b-${buildId}.dev.goldenpathidp.io`, workflow: `platform/dev/${cluster}`, bootstrap, teardown };
}

/** Interrupts the bootstrap where `met` has come true, and sees from outside that nothing is left of its platform. */
async function interruptAt(stage: string, { cluster, suffix, workflow, bootstrap, teardown }: ReturnType<typeof build>, met: (watch: Watch) => Promise<unknown>): Promise<RunReport> {
  const { runId } = documentOf(await lab.cli([...bootstrap, '--detach'])) as { runId: string };
  const job = lab.cli(bootstrap);
  const watch = lab.watch(workflow);
  await met(watch);
  const [ended, second] = await Promise.all([lab.cli(teardown), lab.cli([...teardown, '--requester', 'eve'])]);

  // Of two teardowns one took over, and the other one followed it.
  expect([ended, second].map((each) => (documentOf(each) as RunReport).waiting)).toEqual([undefined, undefined]);
  const reports = [ended, second].map((each) => ({ exit: each.exit, ...(documentOf(each) as RunReport) }));
  expect(reports).toMatchObject([{ exit: 0, state: 'clean', interrupted: runId, residue: [] }, { exit: 0, state: 'clean', interrupted: runId }]);
  expect(new Set(reports.map((report) => report.runId)).size).toBe(1);
  const by = reports[0]?.requester;
  expect(['bob', 'eve']).toContain(by);

  // Whoever followed the bootstrap was told.
  const words = `${by} had the platform torn down while the bootstrap was at stage ${stage}: the branch is merged`;
  const jobEnded = await job;
  expect({ exit: jobEnded.exit, ...(documentOf(jobEnded) as RunReport) }).toMatchObject({ exit: 1, runId, operation: 'bootstrap', state: 'failed', error: { type: 'Interrupted', message: expect.stringContaining(words) as string } });
  const { exit, events } = await watch.ended;
  expect({ exit, last: events.at(-1) }).toMatchObject({ exit: 1, last: { event: 'end', status: 'CONTINUED_AS_NEW', exitCode: 1 } });

  // Nothing was made once the teardown had begun, and nothing is left.
  const since = new Date(reports[0]?.startedAt ?? 0).toISOString();
  expect((await lab.requests({ since, principal: WORKER })).filter(({ operation, status }) => CREATIONS.test(operation) && status < 300).map(({ operation, resource }) => `${operation} ${resource}`)).toEqual([]);
  expect((await new EKSClient(reachOf(lab.env)).send(new ListClustersCommand({}))).clusters).not.toContain(cluster);
  expect((await recordsOf(reachOf(lab.env))).filter((record) => record.includes(suffix))).toEqual([]);
  expect(await accountOf(reachOf(lab.env))).toEqual(before);
  return documentOf(ended) as RunReport;
}

test('X6: a teardown takes over while EKS makes the control plane, and nothing is left of it', async () => {
  const report = await interruptAt('cluster', build('21-11-26-04'), () => eventually('CreateCluster', 120, async () => ((await lab.requests({ operation: 'CreateCluster' })).length > 0 ? true : undefined)));
  expect(report.stages[0]?.evidence).toContain('cluster was CREATING');
}, 600_000);

test('X6: a teardown takes over while Argo CD syncs tier 1, and nothing is left of it', async () => {
  const report = await interruptAt('tier-1', build('21-11-26-05'), (watch) => watch.until('the wave of tier 1', ({ event, pending }) => event === 'awaits' && JSON.stringify(pending).includes('awaitTier')));
  expect(report.stages.map(({ status }) => status)).toEqual(report.stages.map(() => 'done'));
}, 600_000);

test('every execution of these tests replays', async () => {
  expect((await lab.replayAll()).toSorted()).toEqual(['bootstrapPlatform', 'bootstrapPlatform', 'teardownPlatform', 'teardownPlatform']);
});
