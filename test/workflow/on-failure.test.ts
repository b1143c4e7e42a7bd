// A bootstrap from CI that is told to tear down what it made: it stays failed, and the same execution goes on as the teardown (U1, X6).
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { RunReport } from '../../domain/report.ts';
import { INTERRUPTED_MEMO, interruptUpdate, REPORT_MEMO, TEARDOWN } from '../../workflows/messages.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { runCli } from '../support/cli.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { type AnyHandle, type Runs, withWorld } from '../support/runs.ts';
import { temporalAddress } from '../support/server.ts';
import { failed, newWorld, type World } from '../support/world.ts';

const newBuildId = buildIdsOf('on-failure');
const quiet = { timings: { scale: 1, lateSweeps: false } };
const goldenpath = (...args: string[]) => runCli(args, { TEMPORAL_ADDRESS: temporalAddress(), GOLDENPATH_REQUESTER: 'ci' });
const acceptanceFails = () => newWorld(() => ({ probeTier0: () => Promise.reject(failed('AcceptanceFailed', 'no node is Ready')) }));

/** The report that the first run left, and that of the teardown which followed it. */
async function bothEnds({ client, alsoReplay }: Runs, first: AnyHandle): Promise<{ left: RunReport; status: string; next: RunReport }> {
  await expect.poll(async () => (await first.describe()).status.name, { timeout: 20_000, interval: 50 }).not.toBe('RUNNING');
  const { status, memo } = await first.describe();
  const follower = await client.workflow.getHandle(first.workflowId).describe();
  alsoReplay(follower.workflowId, follower.runId);
  expect({ type: follower.type, memo: follower.memo?.[INTERRUPTED_MEMO] }).toEqual({ type: TEARDOWN, memo: (await first.describe()).runId });
  return { left: memo?.[REPORT_MEMO] as RunReport, status: status.name, next: await client.workflow.getHandle<() => Promise<RunReport>>(follower.workflowId, follower.runId).result() };
}

const changesAfterInventory = ({ calls }: World) => calls.slice(calls.indexOf('readInventory')).filter((call) => /^(claim|ensure|start(?!Delete)|applyP|applyR|install)/.test(call));

test('U1: the failed bootstrap keeps its words and its receipt, and what it made is torn down', async () => {
  const world = acceptanceFails();
  await withWorld(world, async (runs) => {
    const plan = ephemeralPlan('bootstrap', newBuildId(), quiet);
    const first = await runs.bootstrap(plan, 'teardown');
    const { left, status, next } = await bothEnds(runs, first);
    expect(status).toBe('CONTINUED_AS_NEW');
    expect(left).toMatchObject({ operation: 'bootstrap', state: 'failed', teardown: { workflowId: plan.target.workflowId } });
    expect(left.interruption).toBeUndefined();
    expect(left.stages.map(({ id, status: how, error }) => `${id} ${how}${error === undefined ? '' : ` ${error.type}: ${error.message}`}`)).toEqual(['foundation done', 'claim done', 'cluster done', 'tier-0 failed AcceptanceFailed: no node is Ready', 'argocd pending', 'tier-1 pending', 'tier-1.5 pending', 'receipt done']);
    expect(world.receipts.get(left.runId)?.report).toMatchObject({ state: 'failed', teardown: { workflowId: plan.target.workflowId }, stages: expect.arrayContaining([expect.objectContaining({ id: 'tier-0', status: 'failed' })]) as unknown });

    expect(next).toMatchObject({ operation: 'teardown', state: 'clean', requester: 'ana', interrupted: left.runId, planHash: left.teardown?.planHash });
    expect(next.ledger).toEqual(expect.arrayContaining(left.ledger));
    expect(changesAfterInventory(world)).toEqual([]);
  });
});

test('F5, U1: a build id that somebody else holds is left alone: the bootstrap fails, and nothing is torn down', async () => {
  const world = newWorld(() => ({ claimBuild: () => Promise.reject(failed('InvalidInput', 'buildId: is in use already')) }));
  await withWorld(world, async (runs) => {
    const first = await runs.bootstrap(ephemeralPlan('bootstrap', newBuildId(), quiet), 'teardown');
    await expect(first.result()).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
    expect((await first.describe()).status.name).toBe('FAILED');
    expect(world.calls).not.toContain('readInventory');
  });
});

test('U1: a bootstrap that is cancelled is not torn down: whoever cancels it decides on that', async () => {
  const reached = Promise.withResolvers<void>();
  const world = newWorld(() => ({ probeTier0: () => { reached.resolve(); return Promise.reject(failed('NotReady', 'not yet', true)); } }));
  await withWorld(world, async (runs) => {
    const first = await runs.bootstrap(ephemeralPlan('bootstrap', newBuildId(), quiet), 'teardown');
    await reached.promise;
    await first.cancel();
    await expect(first.result()).rejects.toThrow('Workflow execution cancelled');
    expect((await first.describe()).status.name).toBe('CANCELLED');
    expect(world.calls).not.toContain('readInventory');
  });
});

test('X6: a teardown that comes while the failed bootstrap writes its receipt is told whose teardown follows, and there is one', async () => {
  const [writing, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const world = acceptanceFails();
  const { writeReceipt } = world.activities;
  let held = false;
  world.activities.writeReceipt = async (input) => {
    if (!held) { held = true; writing.resolve(); await goOn.promise; }
    return writeReceipt(input);
  };
  await withWorld(world, async (runs) => {
    const buildId = newBuildId();
    const first = await runs.bootstrap(ephemeralPlan('bootstrap', buildId, quiet), 'teardown');
    await writing.promise;
    const answer = await first.executeUpdate(interruptUpdate, { args: [{ plan: ephemeralPlan('teardown', buildId, quiet), request: { environment: 'dev', lifecycle: 'ephemeral', buildId, requester: 'bob', onFailure: 'wait', reason: 'the branch is merged' } }] });
    expect(answer).toMatchObject({ accepted: false, by: 'ana', reason: expect.stringContaining('failed at stage tier-0: no node is Ready, and was asked to tear down what it made') as string });
    goOn.resolve();
    const { left, next } = await bothEnds(runs, first);
    expect(left.interruption).toBeUndefined();
    expect(next).toMatchObject({ state: 'clean', requester: 'ana' });
  });
});

test('X6: a teardown that takes over before the failure wins: there is one teardown, and it is that person’s', async () => {
  const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const world = newWorld(() => ({ startNodeGroup: async () => { reached.resolve(); await goOn.promise; throw failed('QuotaExceeded', 'no m6i.large left'); } }));
  await withWorld(world, async (runs) => {
    const buildId = newBuildId();
    const first = await runs.bootstrap(ephemeralPlan('bootstrap', buildId, quiet), 'teardown');
    await reached.promise;
    const answer = await first.executeUpdate(interruptUpdate, { args: [{ plan: ephemeralPlan('teardown', buildId, quiet), request: { environment: 'dev', lifecycle: 'ephemeral', buildId, requester: 'bob', onFailure: 'wait', reason: 'the branch is merged' } }] });
    expect(answer).toMatchObject({ accepted: true, by: 'bob' });
    goOn.resolve();
    const { left, next } = await bothEnds(runs, first);
    expect(left).toMatchObject({ interruption: { by: 'bob' } });
    expect(left.teardown).toBeUndefined();
    expect(next).toMatchObject({ state: 'clean', requester: 'bob' });
  });
});

test('U1: the receipt that cannot be written does not hold the teardown up', async () => {
  const world = acceptanceFails();
  const { writeReceipt } = world.activities;
  world.activities.writeReceipt = (input) => (input.receipt.report.operation === 'bootstrap' ? Promise.reject(failed('AccessDenied', 'may not write receipts')) : writeReceipt(input));
  await withWorld(world, async (runs) => {
    const { left, next } = await bothEnds(runs, await runs.bootstrap(ephemeralPlan('bootstrap', newBuildId(), quiet), 'teardown'));
    expect(left.stages.at(-1)?.error).toMatchObject({ type: 'AccessDenied', message: 'the receipt could not be written: may not write receipts' });
    expect(next).toMatchObject({ state: 'clean' });
  });
});

test('U1: one command tells both: the bootstrap’s failure by its exit code, and how the teardown ended', async () => {
  const world = acceptanceFails();
  await withWorld(world, async (runs) => {
    const buildId = newBuildId();
    const workflowId = `platform/dev/goldenpath-dev-eks-${buildId}`;
    const ended = await goldenpath('bootstrap', '--env', 'dev', '--build-id', buildId, '--on-failure', 'teardown', '-o', 'json');
    expect(ended.code).toBe(5);
    const shape = z.looseObject({ runId: z.string(), teardown: z.looseObject({ runId: z.string() }) });
    const told = shape.parse(JSON.parse(ended.stdout));
    expect(told).toMatchObject({ operation: 'bootstrap', state: 'failed', error: { type: 'AcceptanceFailed' }, teardown: { workflowId, operation: 'teardown', state: 'clean' } });
    expect(told.teardown.runId).not.toBe(told.runId);
    expect(ended.stderr).toContain(`The bootstrap failed, and tears down what it made (workflow ${workflowId}, run ${told.teardown.runId})`);
    runs.alsoReplay(workflowId, told.teardown.runId);
    runs.alsoReplay(workflowId, told.runId);

    const watched = await goldenpath('status', '--env', 'dev', '--build-id', buildId);
    expect(watched.stdout).toContain(`took over the bootstrap run ${told.runId}`);
    await expect.poll(async () => {
      const { runs: listed } = z.looseObject({ runs: z.array(z.looseObject({ runId: z.string(), status: z.string(), tornDownByItself: z.boolean() })) }).parse(JSON.parse((await goldenpath('status', '--env', 'dev', '-o', 'json')).stdout));
      return listed.find(({ runId }) => runId === told.runId);
    }, { timeout: 20_000 }).toMatchObject({ status: 'CONTINUED_AS_NEW', tornDownByItself: true });
    expect((await goldenpath('bootstrap', '--env', 'dev', '--build-id', buildId)).code).toBe(2);
  });
});
