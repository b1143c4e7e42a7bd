// Whoever dies, a run ends the same: the Temporal server in a bootstrap, workers and server in a teardown (X4, architecture.md § How a run flows).
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accountOf, reachOf } from '../support/account.ts';
import { documentOf, raiseLab, type TestLab, type Watch } from '../support/lab.ts';

const CLUSTER = 'goldenpath-dev-eks-21-11-26-02';
const WORKFLOW = 'platform/dev/goldenpath-dev-eks-21-11-26-02';
const TARGET = ['--env', 'dev', '--build-id', '21-11-26-02'];

let lab: TestLab;
let before: Record<string, string[]>;

beforeAll(async () => {
  lab = await raiseLab('e2e-restarts');
  before = await accountOf(reachOf(lab.env));
});
afterAll(async () => { await lab.down(); });

/** Starts the run, lets it go, and watches it. */
async function begin(args: readonly string[]): Promise<{ runId: string; watch: Watch }> {
  const { runId } = documentOf(await lab.cli([...args, '--detach', '-o', 'json'])) as { runId: string };
  return { runId, watch: lab.watch(WORKFLOW) };
}

/** Kills the process once the stage has begun. */
async function killIn(watch: Watch, stage: string, process: 'worker' | 'temporal'): Promise<void> {
  await watch.until(`stage ${stage}`, (event) => event.event === 'stage' && event['stage'] === stage);
  await lab.kill(process);
}

test('A bootstrap goes on when the Temporal server is killed in it and started again', async () => {
  const { runId, watch } = await begin(['bootstrap', ...TARGET]);
  await killIn(watch, 'cluster', 'temporal');
  await killIn(watch, 'argocd', 'temporal');
  const { exit, events } = await watch.ended;
  expect(exit).toBe(0);
  expect(events.at(-1)).toMatchObject({ event: 'end', status: 'COMPLETED', state: 'ready', runId });
}, 600_000);

test('X4: a teardown ends clean, and nothing of the platform is left, with workers killed while it drains, removes controllers and destroys', async () => {
  const { runId, watch } = await begin(['teardown', ...TARGET, '--confirm', CLUSTER]);
  await killIn(watch, 'dns-sources', 'worker');
  await killIn(watch, 'dns-gate', 'temporal');
  await killIn(watch, 'controllers', 'worker');
  await killIn(watch, 'destroy', 'worker');
  const { exit, events } = await watch.ended;
  expect(exit).toBe(0);
  expect(events.at(-1)).toMatchObject({ event: 'end', status: 'COMPLETED', state: 'clean', runId, report: { residue: [], stages: Array.from({ length: 13 }, () => ({ status: 'done' })) } });
  expect(await accountOf(reachOf(lab.env))).toEqual(before);
}, 600_000);

test('every execution of these tests replays', async () => {
  expect((await lab.replayAll()).toSorted()).toEqual(['bootstrapPlatform', 'teardownPlatform']);
});
