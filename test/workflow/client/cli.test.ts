// The CLI as a process against a real Temporal server and the real workflows; only the world behind the activities is in memory.
import { expect, test } from 'vitest';
import { z } from 'zod';
import { eventSchema } from '../../../client/events.ts';
import { prepare } from '../../../client/request.ts';
import { startRun } from '../../../client/runs.ts';
import { buildIdsOf } from '../../support/build-ids.ts';
import { runCli, startCli } from '../../support/cli.ts';
import { type Runs, withWorld } from '../../support/runs.ts';
import { temporalAddress } from '../../support/server.ts';
import { failed, givePlatform, goodZone, newWorld } from '../../support/world.ts';

const newBuildId = buildIdsOf('cli');

/** Each test has a build of its own, so that all may share one server. */
function newBuild() {
  const buildId = newBuildId();
  const cluster = `goldenpath-dev-eks-${buildId}`;
  return { buildId, cluster, workflowId: `platform/dev/${cluster}`, target: ['--env', 'dev', '--build-id', buildId], confirm: ['--confirm', cluster] };
}
const goldenpath = (...args: string[]) => runCli(args, { TEMPORAL_ADDRESS: temporalAddress(), GOLDENPATH_REQUESTER: 'ana' });
const document = (text: string) => z.looseObject({ schema: z.literal(1) }).parse(JSON.parse(text));

async function replayLater({ client, alsoReplay }: Runs, workflowId: string): Promise<void> {
  const { runId } = await client.workflow.getHandle(workflowId).describe();
  alsoReplay(workflowId, runId);
}

test('U1, F5: bootstrap follows its run to the end; the build id serves once', async () => {
  await withWorld(newWorld(), async (runs) => {
    const build = newBuild();
    const first = await goldenpath('bootstrap', ...build.target, '-o', 'json');
    expect(first.code).toBe(0);
    expect(document(first.stdout)).toMatchObject({ operation: 'bootstrap', state: 'ready', cluster: build.cluster, requester: 'ana' });
    expect(first.stderr).toContain('✔ Raise the gate to tier 1.5 and accept it');
    await replayLater(runs, build.workflowId);

    const second = await goldenpath('bootstrap', ...build.target, '-o', 'json');
    expect(second.code).toBe(2);
    expect(document(second.stdout)).toMatchObject({ state: 'refused', error: { problems: [{ field: '--build-id', problem: expect.stringContaining('was used before') as string }] } });
  });
});

test('F4, F5: a foundation that fails gives 5 and every finding; the build id is free again', async () => {
  let sound = false;
  const world = newWorld(() => ({ readZone: () => Promise.resolve(sound ? goodZone : { ...goodZone, delegation: { value: ['ns-of-someone-else'] }, recordsInScope: { problem: 'was not answered' } }) }));
  await withWorld(world, async (runs) => {
    const build = newBuild();
    const refused = await goldenpath('bootstrap', ...build.target, '-o', 'json');
    expect(refused.code).toBe(5);
    expect(document(refused.stdout)).toMatchObject({ state: 'failed', error: { type: 'PreflightFailed' } });
    for (const found of ['ns-of-someone-else', 'was not answered']) expect(refused.stderr).toContain(found);
    expect(world.calls).not.toContain('claimBuild');
    await replayLater(runs, build.workflowId);

    sound = true;
    expect((await goldenpath('bootstrap', ...build.target)).code).toBe(0);
    await replayLater(runs, build.workflowId);
  });
});

test('X6, U1: one cluster has one run; the same request attaches, Ctrl-C and a timeout let go', async () => {
  const gate = Promise.withResolvers<void>();
  const world = newWorld(() => ({ startNodeGroup: async () => { await gate.promise; return []; } }));
  await withWorld(world, async (runs) => {
    const build = newBuild();
    const started = await goldenpath('bootstrap', ...build.target, '--detach', '-o', 'json');
    expect(started.code).toBe(0);
    const { runId } = z.object({ runId: z.string() }).parse(JSON.parse(started.stdout));

    const again = await goldenpath('bootstrap', ...build.target, '--detach', '-o', 'json');
    expect(document(again.stdout)).toMatchObject({ attached: true, runId, workflowId: build.workflowId });

    const late = await goldenpath('watch', build.cluster, '--timeout', '2');
    expect(late.code).toBe(124);
    expect(late.stderr).toContain(`goldenpath watch ${build.workflowId}`);

    const { child, done, output } = startCli(['watch', build.workflowId, '-o', 'json'], { TEMPORAL_ADDRESS: temporalAddress() });
    await expect.poll(() => output.stdout, { timeout: 10_000 }).toContain('"status":"running"');
    child.kill('SIGINT');
    const detached = await done;
    expect(detached.code).toBe(130);
    expect(detached.stderr).toContain(`Resume with: goldenpath watch ${build.workflowId}`);

    expect((await goldenpath('status', ...build.target)).stdout).toContain('▶ Create the EKS cluster with its nodes, add-ons, roles and CRDs');
    gate.resolve();
    const end = await goldenpath('watch', build.workflowId, '-o', 'json');
    const events = end.stdout.trimEnd().split('\n').map((line) => eventSchema.parse(JSON.parse(line)));
    expect([end.code, events[0]?.event, events.at(-1)]).toMatchObject([0, 'run', { event: 'end', state: 'ready', exitCode: 0 }]);
    await replayLater(runs, build.workflowId);
  });
});

test('X6: of several starts at the same moment one starts the run, the others say that they attached to it', async () => {
  await withWorld(newWorld(), async (runs) => {
    const build = newBuild();
    const prepared = await prepare({ operation: 'bootstrap', environment: 'dev', buildId: build.buildId, requester: 'ana' }, {});
    const started = await Promise.all([1, 2, 3].map(() => startRun(runs.client, prepared, () => {})));
    expect(new Set(started.map(({ runId }) => runId)).size).toBe(1);
    expect(started.filter(({ attached }) => attached)).toHaveLength(2);
    await runs.client.workflow.getHandle(build.workflowId).result();
    await replayLater(runs, build.workflowId);
  });
});

test('U1: who attaches with another --on-failure is told that the run in flight keeps its own', async () => {
  const gate = Promise.withResolvers<void>();
  const world = newWorld(() => ({ readCore: async (input) => { await gate.promise; return newWorld().activities.readCore(input); } }));
  await withWorld(world, async (runs) => {
    const build = newBuild();
    const ask = async (onFailure?: string) => prepare({ operation: 'bootstrap', environment: 'dev', buildId: build.buildId, requester: 'ana', onFailure }, {});
    const said: string[] = [];
    await startRun(runs.client, await ask(), (line) => { said.push(line); });
    for (const onFailure of ['fail', 'teardown']) expect(await startRun(runs.client, await ask(onFailure), (line) => { said.push(line); })).toMatchObject({ attached: true });
    expect(said).toEqual(['Note: the run in flight was started with --on-failure fail, and keeps it']);
    gate.resolve();
    await runs.client.workflow.getHandle(build.workflowId).result();
    await replayLater(runs, build.workflowId);
  });
});

test('X2, U1: a teardown that waits ends with 3 and takes retry and abort from the command line', async () => {
  const world = newWorld(() => ({ freezeGitOps: () => Promise.reject(failed('AccessDenied', 'may not patch applications')) }));
  givePlatform(world);
  await withWorld(world, async (runs) => {
    const build = newBuild();
    const blocked = await goldenpath('teardown', ...build.target, ...build.confirm);
    expect(blocked.code).toBe(3);
    expect(blocked.stdout).toContain(`goldenpath retry ${build.workflowId} --reason`);
    expect((await goldenpath('bootstrap', ...build.target)).stderr).toContain('a teardown of it is in flight');
    await expect.poll(async () => (await goldenpath('status', '--env', 'dev', '-o', 'json')).stdout, { timeout: 20_000 }).toContain('"gate": "freeze-gitops"');

    const elsewhere = await goldenpath('retry', ...build.target, '--stage', 'dns-gate', '--reason', 'x');
    expect([elsewhere.code, elsewhere.stderr]).toMatchObject([2, expect.stringContaining('waits at stage freeze-gitops')]);
    expect((await goldenpath('retry', build.workflowId, '--reason', 'once more')).code).toBe(0);
    expect((await goldenpath('watch', build.workflowId)).code).toBe(3);

    expect((await goldenpath('abort', build.cluster, '--reason', 'enough')).code).toBe(0);
    const end = await goldenpath('watch', build.cluster);
    expect(end.code).toBe(1);
    expect(end.stdout).toContain('abort at freeze-gitops by');
    expect(world.calls.filter((call) => call.startsWith('delete'))).toEqual([]);
    await replayLater(runs, build.workflowId);
    expect((await goldenpath('abort', build.cluster, '--reason', 'again')).code).toBe(2);
  });
});

test('U1: a run that was cancelled in the Temporal UI ends the command with 1, says so, and still has its report', async () => {
  const world = newWorld(() => ({ startNodeGroup: () => Promise.reject(failed('QuotaExceeded', 'no m6i.large left')) }));
  await withWorld(world, async (runs) => {
    const build = newBuild();
    expect((await goldenpath('bootstrap', ...build.target, '--on-failure', 'wait')).code).toBe(3);
    await runs.client.workflow.getHandle(build.workflowId).cancel();

    const end = await goldenpath('watch', build.cluster, '-o', 'json');
    const last = eventSchema.parse(JSON.parse(end.stdout.trimEnd().split('\n').at(-1) ?? ''));
    expect([end.code, last]).toMatchObject([1, { event: 'end', status: 'CANCELLED', state: 'failed', exitCode: 1, error: { type: 'Aborted', message: 'the run was cancelled' }, report: { cluster: build.cluster } }]);
    const shown = await goldenpath('status', build.cluster);
    expect(shown.stdout).toContain('Aborted: the run was cancelled, after: no m6i.large left');
    expect(shown.stdout).toMatch(new RegExp(`\\d AWS objects of the platform exist.*\n +goldenpath teardown ${[...build.target, ...build.confirm].join(' ')}`));
    await replayLater(runs, build.workflowId);
  });
});

test('F5: the teardown of a platform that never was ends with 2 and says what was looked for', async () => {
  await withWorld(newWorld(), async (runs) => {
    const build = newBuild();
    const refused = await goldenpath('teardown', ...build.target, ...build.confirm, '-o', 'json');
    expect(refused.code).toBe(2);
    expect(document(refused.stdout)).toMatchObject({ state: 'failed', error: { type: 'InvalidInput', message: expect.stringContaining(`no cluster ${build.cluster}`) as string } });
    await replayLater(runs, build.workflowId);
  });
});
