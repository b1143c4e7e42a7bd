// Recorded histories of real runs on the lab are replayed against today's workflows; a changed copy of a workflow must fail (the negative test).
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { expect, inject, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
/** Of the recorded runs: a run refuses another id than its plan's (X6). */
const WORKFLOW_ID = 'platform/dev/goldenpath-dev-eks-21-11-26-01';
const directory = path.join(import.meta.dirname, 'histories');
const files = (await readdir(directory)).filter((file) => file.endsWith('.json'));

async function historyOf(file: string) {
  return historyFromJSON(JSON.parse(await readFile(path.join(directory, file), 'utf8')));
}

test('histories of both workflows are recorded', () => {
  expect(files).toEqual(expect.arrayContaining([expect.stringContaining('bootstrap'), expect.stringContaining('teardown')]));
});

test.each(files)('%s replays on today’s workflows', async (file) => {
  await expect(Worker.runReplayHistory({ workflowBundle: { codePath: inject('bundlePath') }, replayName: file }, await historyOf(file), WORKFLOW_ID)).resolves.toBeUndefined();
});

/** A bundle of the workflows with one text of one file replaced, built beside the real one so that packages resolve. */
async function changedBundle(file: string, from: string, to: string): Promise<{ code: string }> {
  await mkdir(path.join(root, 'build'), { recursive: true });
  const copy = await mkdtemp(path.join(root, 'build', 'changed-'));
  try {
    for (const folder of ['domain', 'workflows', 'activities']) await cp(path.join(root, folder), path.join(copy, folder), { recursive: true });
    const target = path.join(copy, 'workflows', file);
    const source = await readFile(target, 'utf8');
    expect(source).toContain(from);
    await writeFile(target, source.replace(from, to));
    return await bundleWorkflowCode({ workflowsPath: path.join(copy, 'workflows/index.ts'), logger: new DefaultLogger('ERROR') });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

test.each([
  ['bootstrap', 'bootstrap-platform.ts', "await run.stage('argocd', { act: (note) => installArgoCd(plan, call, note) });", "await call.probe.readInventory('A call that was not there', { target: plan.target });"],
  ['teardown', 'teardown-platform.ts', "await run.stage('load-balancers', { act: (note) => loadBalancersGone(plan, now(), call, note) });", ''],
])('a %s whose steps changed fails the replay', async (kind, file, from, to) => {
  const history = files.find((name) => name.includes(kind));
  expect(history).toBeDefined();
  const workflowBundle = await changedBundle(file, from, to);
  await expect(Worker.runReplayHistory({ workflowBundle, replayName: kind }, await historyOf(history ?? ''), WORKFLOW_ID)).rejects.toThrow(DeterminismViolationError);
});
