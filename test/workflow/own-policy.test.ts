// A worker that holds the environment files, and a run whose plan brings approvers of its own (B1, B2; docs/decisions/0007).
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { decisionActivities } from '../../activities/break-glass.ts';
import type { Environment } from '../../domain/environment.ts';
import { ownPolicyProblems } from '../../domain/own-policy.ts';
import { clusterProtection } from '../../domain/protections.ts';
import type { TeardownPreview } from '../../domain/teardown-preview.ts';
import { abortUpdate, decideUpdate, PREVIEW, reportQuery, TASK_QUEUE } from '../../workflows/messages.ts';
import { makeApprovers } from '../support/approvers.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { environment, ephemeralPlan } from '../support/plans.ts';
import { type AnyHandle, withWorld } from '../support/runs.ts';
import { givePlatform, newWorld } from '../support/world.ts';

const newBuildId = buildIdsOf('own-policy');
const own = makeApprovers(['alice', 'bob', 'carol']);
const strangers = makeApprovers(['mallory', 'bob', 'trudy']);
const plan = (breakGlass = own.policy) => ephemeralPlan('teardown', newBuildId(), { timings: { scale: 1, lateSweeps: false }, breakGlass });
const CHANGING = /^(lift|freeze|delete|remove|start|repair)/;

/** A platform that asks at its very start, and a worker that holds `files`, which a test may deploy anew. */
function guardedWorld() {
  const files = new Map<string, Environment>([['dev', environment('dev', { breakGlass: own.policy })]]);
  const world = newWorld(() => ({
    readRegistry: ({ target, policy }) => Promise.resolve({ recordedZoneId: null, claimed: true, ledger: [], ...(policy === undefined ? {} : { policyProblems: ownPolicyProblems({ target, breakGlass: policy }, files) }) }),
    ...decisionActivities(files),
  }));
  givePlatform(world);
  world.protections = [clusterProtection('c')];
  return { world, files };
}

async function failureOf(handle: AnyHandle): Promise<string | undefined> {
  const error: unknown = await handle.result().catch((reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
  return error.cause.type ?? undefined;
}

test('B1: a plan with approvers of its own is stopped at its first stage, before anything is asked or changed; the preview says the same', async () => {
  const { world } = guardedWorld();
  const forged = plan(strangers.policy);
  await withWorld(world, async ({ client, teardownInRealTime, alsoReplay }) => {
    const previewed = await client.workflow.start<(input: { plan: typeof forged; requester: string }) => Promise<TeardownPreview>>(PREVIEW, { workflowId: `preview/${forged.target.cluster}`, taskQueue: TASK_QUEUE, args: [{ plan: forged, requester: 'ana' }] });
    alsoReplay(previewed.workflowId, previewed.firstExecutionRunId);
    const { blocks } = await previewed.result();

    const handle = await teardownInRealTime(forged);
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.reason, { timeout: 20_000 }).toMatch(/^The teardown cannot begin/);
    const { stages, waiting } = await handle.query(reportQuery);
    const problems = stages[0]?.error?.problems ?? [];
    expect(problems.map((problem) => problem.replace(/\. Fix: .*/, ''))).toEqual([
      'approvers: mallory is an approver in the plan, not in the worker\'s file',
      'approvers: bob has another public key in the plan than in the worker\'s file',
      'approvers: trudy is an approver in the plan, not in the worker\'s file',
      'approvers: alice is an approver in the worker\'s file, not in the plan',
      'approvers: carol is an approver in the worker\'s file, not in the plan',
    ]);
    expect(blocks).toEqual(problems);
    expect(waiting?.request).toBeUndefined();
    expect(world.calls.filter((call) => CHANGING.test(call))).toEqual([]);
    await handle.executeUpdate(abortUpdate, { args: [{ stage: 'inventory', by: 'ana', reason: 'anew' }] });
    expect(await failureOf(handle)).toBe('Aborted');
  });
});

test('B1, B2: a worker that is deployed with other approvers while a run waits takes no answer by the old ones; each is on record with the reason', async () => {
  const { world, files } = guardedWorld();
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request, { timeout: 20_000 }).toBeDefined();
    const request = (await handle.query(reportQuery)).waiting?.request;
    if (request === undefined) throw new Error('the run asks nothing');
    files.set('dev', environment('dev', { breakGlass: { ...own.policy, approvers: own.policy.approvers.slice(1) } }));

    const error: unknown = await handle.executeUpdate(decideUpdate, { args: [await own.sign('alice', request, 'lift')] }).catch((reason: unknown) => reason);
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    expect(error.cause).toMatchObject({ type: 'ApprovalDenied', message: expect.stringContaining('alice is an approver in the plan, not in the worker\'s file') as string });
    expect(world.audit.flatMap((entry) => (entry.kind === 'attempt' ? [entry.accepted] : []))).toEqual([false]);
    expect(world.protections).toHaveLength(1);

    files.set('dev', environment('dev', { breakGlass: own.policy }));
    await handle.executeUpdate(decideUpdate, { args: [await own.sign('alice', request, 'lift')] });
    expect((await handle.result()).state).toBe('clean');
  });
});
