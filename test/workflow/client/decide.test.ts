// Approvers at the command line against the real workflows: what a run asks, who may answer, what the run says to it.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { RunReport } from '../../../domain/report.ts';
import { decideSignal } from '../../../workflows/messages.ts';
import { type ApproverFiles, approverFiles } from '../../support/approver-files.ts';
import { buildIdsOf } from '../../support/build-ids.ts';
import { runCli } from '../../support/cli.ts';
import { type Runs, withWorld } from '../../support/runs.ts';
import { temporalAddress } from '../../support/server.ts';
import { failed, givePlatform, newWorld, type World } from '../../support/world.ts';

const newBuildId = buildIdsOf('decide');

let files: ApproverFiles;
beforeAll(async () => { files = await approverFiles(['alice', 'bob', 'carol'], { approvals: 2 }); });
afterAll(async () => { await files.remove(); });

/** Each test has a build of its own, so that all may share one server. */
function newBuild() {
  const buildId = newBuildId();
  const cluster = `goldenpath-dev-eks-${buildId}`;
  return { cluster, workflowId: `platform/dev/${cluster}`, target: ['--env', 'dev', '--build-id', buildId], confirm: ['--confirm', cluster] };
}
const goldenpath = (...args: string[]) => runCli(args, { TEMPORAL_ADDRESS: temporalAddress(), GOLDENPATH_REQUESTER: 'alice', GOLDENPATH_ENVIRONMENTS: files.environments });
const said = (decision?: string) => [...(decision === undefined ? [] : ['--decision', decision]), '--reason', 'ExternalDNS is gone', '--ticket', 'OPS-7'];
const by = (name: string) => ['--key', files.keyOf(name)];
const reportOf = (stdout: string) => z.looseObject({ schema: z.literal(1), stages: z.array(z.unknown()) }).parse(JSON.parse(stdout)) as unknown as RunReport;

/** A platform whose records stay when their sources are gone. */
function blockedWorld(): ReturnType<typeof newWorld> {
  const world = newWorld(() => ({ deleteDnsSources: () => { world.sources = []; return Promise.resolve(['Ingress kong/status']); } }));
  givePlatform(world);
  return world;
}

async function replayLater({ client, alsoReplay }: Runs, workflowId: string): Promise<void> {
  const { runId } = await client.workflow.getHandle(workflowId).describe();
  alsoReplay(workflowId, runId);
}

/** Tears down until the run asks; the request is there a moment after the run says that it waits. */
async function untilAsked({ target, confirm, workflowId }: ReturnType<typeof newBuild>): Promise<void> {
  expect((await goldenpath('teardown', ...target, ...confirm)).code).toBe(3);
  await expect.poll(async () => (await goldenpath('status', workflowId)).stdout, { timeout: 20_000 }).toContain('goldenpath approve');
}

const refusals = (world: World) => world.audit.flatMap((entry) => (entry.kind === 'attempt' && !entry.accepted ? [entry.reason ?? ''] : []));

test('B1, B2: two approvers repair; the requester’s key, an unsigned answer and a second one of the same person are refused', async () => {
  const world = blockedWorld();
  await withWorld(world, async (runs) => {
    const build = newBuild();
    await untilAsked(build);

    const own = await goldenpath('approve', ...build.target, ...said('repair'), ...by('alice'), '-o', 'json');
    expect(own.code).toBe(4);
    expect(JSON.parse(own.stdout)).toMatchObject({ schema: 1, state: 'refused', error: { type: 'ApprovalDenied', message: expect.stringContaining('alice asked for this run and may not approve it') as string } });

    const unsigned = await goldenpath('approve', build.cluster, ...said('repair'), '--approver', 'bob');
    expect([unsigned.code, unsigned.stderr]).toEqual([2, expect.stringContaining('--key: is missing: dev takes signed decisions only')]);

    const first = await goldenpath('approve', build.cluster, ...said('repair'), ...by('bob'));
    expect(first.code).toBe(0);
    for (const part of ['kong.b-21-11-26-01.dev.goldenpathidp.io A ALIAS lb', 'dns-gate', '2 approvers of dev other than alice', 'bob decides repair', '1 more approver must say repair']) expect(first.stderr).toContain(part);
    const again = await goldenpath('approve', build.cluster, ...said('repair'), ...by('bob'));
    expect([again.code, again.stderr]).toEqual([4, expect.stringContaining('bob has answered this request already')]);
    expect((await goldenpath('status', build.workflowId)).stdout).toContain('✔ bob said repair');

    const second = await goldenpath('approve', build.workflowId, ...said('repair'), ...by('carol'), '-o', 'json');
    expect([second.code, second.stderr]).toEqual([0, expect.stringContaining('It is decided: repair')]);
    expect(reportOf(second.stdout).cluster).toBe(build.cluster);
    const end = await goldenpath('watch', build.workflowId, '-o', 'json');
    expect([end.code, end.stdout]).toEqual([0, expect.stringContaining('"state":"clean"')]);
    expect(refusals(world)).toEqual(['alice asked for this run and may not approve it', 'bob has answered this request already']);

    const late = await goldenpath('approve', build.workflowId, ...said('repair'), ...by('bob'));
    expect([late.code, late.stderr]).toEqual([2, expect.stringContaining('it has ended')]);
    await replayLater(runs, build.workflowId);
  });
}, 120_000);

test('B1, B2: signed on another machine, sent from here or as a signal; a decision for another run is refused there', async () => {
  await withWorld(blockedWorld(), async (runs) => {
    const [build, other] = [newBuild(), newBuild()];
    await untilAsked(build);
    await untilAsked(other);
    const request = await files.write('request.json', (await goldenpath('status', build.workflowId, '-o', 'json')).stdout);
    const sign = (name: string, ...more: string[]) => runCli(['sign', '--request', request, ...said('leave'), ...by(name), '--approver', name, ...more], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    const decision = await files.write('decision.jws', (await sign('bob')).stdout);

    const elsewhere = await goldenpath('approve', ...other.target, '--jws', decision);
    expect([elsewhere.code, elsewhere.stderr]).toEqual([4, expect.stringContaining('it was given for run')]);
    expect((await goldenpath('approve', '--jws', decision)).code).toBe(0);
    const replayed = await goldenpath('approve', '--jws', (await readFile(decision, 'utf8')).trim());
    expect([replayed.code, replayed.stderr]).toEqual([4, expect.stringContaining('bob has answered this request already')]);

    const payload = JSON.parse((await sign('carol', '-o', 'json')).stdout) as { jws: string };
    await runs.client.workflow.getHandle(build.workflowId).signal(decideSignal, payload);
    const end = await goldenpath('watch', build.workflowId);
    expect([end.code, end.stdout]).toEqual([1, expect.stringContaining('clean-with-residue')]);

    const denied = await goldenpath('deny', other.cluster, ...said(), ...by('carol'));
    expect([denied.code, denied.stderr]).toEqual([0, expect.stringContaining('It is decided: abort')]);
    expect((await goldenpath('watch', other.workflowId)).code).toBe(1);
    for (const { workflowId } of [build, other]) await replayLater(runs, workflowId);
  });
}, 120_000);

test('B1, U1: a run that asks approvers nothing says how to answer it', async () => {
  const world = newWorld(() => ({ freezeGitOps: () => Promise.reject(failed('AccessDenied', 'may not patch')) }));
  givePlatform(world);
  await withWorld(world, async (runs) => {
    const build = newBuild();
    expect((await goldenpath('teardown', ...build.target, ...build.confirm)).code).toBe(3);
    const { code, stderr } = await goldenpath('approve', ...build.target, ...said('wait'), ...by('bob'));
    expect([code, stderr]).toEqual([2, expect.stringContaining(`goldenpath retry ${build.workflowId}`)]);
    expect((await goldenpath('abort', ...build.target, '--reason', 'enough')).code).toBe(0);
    expect((await goldenpath('watch', ...build.target)).code).toBe(1);
    await replayLater(runs, build.workflowId);
  });
});
