// A teardown and the bootstrap in flight, from the client's side: taken over, attached to, never lost and never two at once (X6).
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Prepared } from '../../../client/request.ts';
import { startRun } from '../../../client/runs.ts';
import type { RunReport } from '../../../domain/report.ts';
import type { Operation } from '../../../domain/stages.ts';
import { buildIdsOf } from '../../support/build-ids.ts';
import { runCli, startCli } from '../../support/cli.ts';
import { ephemeralPlan } from '../../support/plans.ts';
import { type Runs, withWorld } from '../../support/runs.ts';
import { temporalAddress } from '../../support/server.ts';
import { newWorld, type World } from '../../support/world.ts';

const newBuild = buildIdsOf('takeover');

function prepared(operation: Operation, buildId: string, requester = 'ana'): Prepared {
  const plan = ephemeralPlan(operation, buildId, { timings: { scale: 1, lateSweeps: false } });
  return { plan, request: { environment: 'dev', lifecycle: 'ephemeral', buildId, requester, onFailure: 'wait' } };
}

/** A world that stops in one activity, each time anew, until it is let go on. */
function stoppingIn(activity: 'startCluster' | 'writeReceipt') {
  let [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const world = newWorld();
  const { readInventory, [activity]: stopped } = world.activities;
  Object.assign(world.activities, {
    readInventory: (input: never) => {
      if (world.clusterStatus === 'CREATING') world.clusterStatus = 'ACTIVE'; // EKS goes on by itself
      return readInventory(input);
    },
    [activity]: async (input: never): Promise<unknown> => {
      reached.resolve();
      await goOn.promise;
      return stopped(input);
    },
  });
  return {
    world,
    reached: () => reached.promise,
    goOn: () => { goOn.resolve(); },
    arm: () => { [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]; },
  };
}

const quiet = () => { /* nobody reads along */ };
const sleep = (ms: number) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** The runs there were of a workflow id, in order, each replayed in the end. */
async function runsOf({ client, alsoReplay }: Runs, workflowId: string): Promise<{ type: string; status: string; runId: string }[]> {
  const found = [];
  for await (const { type, status, runId, startTime } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) found.push({ type, status: status.name, runId, startTime });
  for (const { runId } of found) alsoReplay(workflowId, runId);
  return found.toSorted((a, b) => a.startTime.getTime() - b.startTime.getTime()).map(({ type, status, runId }) => ({ type, status, runId }));
}

/** How the latest run ended. */
async function reportOf({ client }: Runs, workflowId: string): Promise<RunReport> {
  return client.workflow.getHandle<() => Promise<RunReport>>(workflowId).result();
}

const writes = ({ calls }: World) => calls.filter((call) => call === 'writeReceipt').length;

test('X6: an interrupt that races the end of the bootstrap either wins or starts the teardown anew; it is never lost', async () => {
  const stop = stoppingIn('writeReceipt');
  await withWorld(stop.world, async (runs) => {
    const how: string[] = [];
    for (const delayMs of [-30, -10, 0, 5, 15, 40]) {
      stop.arm();
      const buildId = newBuild();
      const bootstrap = await startRun(runs.client, prepared('bootstrap', buildId), quiet);
      await stop.reached();
      const before = writes(stop.world);
      const letGo = sleep(Math.max(0, -delayMs)).then(stop.goOn);
      const [teardown] = await Promise.all([sleep(Math.max(0, delayMs)).then(() => startRun(runs.client, prepared('teardown', buildId, 'bob'), quiet)), letGo]);
      expect(teardown).toMatchObject({ operation: 'teardown', attached: false });
      expect(await reportOf(runs, teardown.workflowId)).toMatchObject({ state: 'clean', requester: 'bob' });
      how.push(teardown.interrupted === undefined ? 'followed' : 'interrupted');
      await expect.poll(async () => (await runsOf(runs, bootstrap.workflowId)).map(({ type, status }) => `${type} ${status}`), { timeout: 20_000 }).toEqual([
        `bootstrapPlatform ${teardown.interrupted === undefined ? 'COMPLETED' : 'CONTINUED_AS_NEW'}`,
        'teardownPlatform COMPLETED',
      ]);
      expect(writes(stop.world) - before).toBe(teardown.interrupted === undefined ? 2 : 3);
    }
    expect(new Set(how)).toEqual(new Set(['interrupted', 'followed']));
  });
}, 180_000);

test('X6: of teardowns that are asked for at once one runs, and the others attach to it; with a bootstrap in flight and without', async () => {
  const stop = stoppingIn('startCluster');
  await withWorld(stop.world, async (runs) => {
    const buildId = newBuild();
    const bootstrap = await startRun(runs.client, prepared('bootstrap', buildId), quiet);
    await stop.reached();
    setTimeout(stop.goOn, 300);
    const askThrice = () => Promise.all(['bob', 'eve', 'kim'].map((requester) => startRun(runs.client, prepared('teardown', buildId, requester), quiet)));
    const taking = await askThrice();
    const [taker, ...others] = taking.filter(({ attached }) => !attached);
    expect({ interrupted: taker?.interrupted, others, runs: new Set(taking.map(({ runId }) => runId)) }).toEqual({ interrupted: bootstrap.runId, others: [], runs: new Set([taker?.runId]) });
    expect(await reportOf(runs, bootstrap.workflowId)).toMatchObject({ state: 'clean', interrupted: bootstrap.runId });

    stop.world.clusterStatus = 'ACTIVE';
    const anew = await askThrice();
    const [starter, ...rest] = anew.filter(({ attached }) => !attached);
    expect({ interrupted: starter?.interrupted, rest, runs: new Set(anew.map(({ runId }) => runId)) }).toEqual({ interrupted: undefined, rest: [], runs: new Set([starter?.runId]) });
    const last = await reportOf(runs, bootstrap.workflowId);
    expect(last).toMatchObject({ state: 'clean', runId: starter?.runId });
    expect(last.interrupted).toBeUndefined();
    await runsOf(runs, bootstrap.workflowId);
  });
});

test('X6, U1: the job that followed the bootstrap ends with 1 and is told who interrupted it and why; the teardown names what it interrupted', async () => {
  const stop = stoppingIn('startCluster');
  const env = (requester: string) => ({ TEMPORAL_ADDRESS: temporalAddress(), GOLDENPATH_REQUESTER: requester });
  await withWorld(stop.world, async (runs) => {
    const target = ['--env', 'dev', '--build-id', newBuild()];
    const cluster = `goldenpath-dev-eks-${target.at(-1) ?? ''}`;
    const workflowId = `platform/dev/${cluster}`;
    const job = startCli(['bootstrap', ...target, '-o', 'json'], env('ci'));
    await stop.reached();
    const watching = startCli(['watch', workflowId, '-o', 'json'], env('ana'));
    await expect.poll(() => watching.output.stdout, { timeout: 20_000 }).toContain('"status":"running"');

    setTimeout(stop.goOn, 2_000);
    const interrupting = await runCli(['teardown', ...target, '--confirm', cluster, '--reason', 'the branch is merged', '--detach', '-o', 'json'], env('bob'));
    expect(interrupting.code).toBe(0);
    const started = z.object({ state: z.literal('running'), operation: z.literal('teardown'), attached: z.literal(false), runId: z.string(), interrupted: z.string() }).parse(JSON.parse(interrupting.stdout));
    expect(interrupting.stderr).toContain(`Interrupted the bootstrap in flight (run ${started.interrupted})`);

    const ended = await job.done;
    const words = 'bob had the platform torn down while the bootstrap was at stage cluster: the branch is merged';
    expect({ code: ended.code, document: JSON.parse(ended.stdout) as unknown }).toMatchObject({ code: 1, document: { operation: 'bootstrap', state: 'failed', runId: started.interrupted, error: { type: 'Interrupted', message: expect.stringContaining(words) as string } } });
    const watched = await watching.done;
    expect({ code: watched.code, last: JSON.parse(watched.stdout.trimEnd().split('\n').at(-1) ?? '') as unknown }).toMatchObject({ code: 1, last: { event: 'end', status: 'CONTINUED_AS_NEW', state: 'failed', exitCode: 1, error: { type: 'Interrupted' } } });

    const end = await runCli(['watch', workflowId], env('ana'));
    expect({ code: end.code, stdout: end.stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining(`took over the bootstrap run ${started.interrupted}`) as string });
    expect((await runCli(['bootstrap', ...target], env('ci'))).stderr).toContain('was used before');
    await runsOf(runs, workflowId);
  });
});
