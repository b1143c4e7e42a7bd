// Protections are asked about once, all together, before anything is drained; lifted only as decided (item 9, B1).
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { claimsFor, type Decision, type DecisionRequest } from '../../domain/break-glass.ts';
import { balancerProtection, budgetProtection, clusterProtection, liftSubject, type Protection, recordProtection } from '../../domain/protections.ts';
import type { RunReport } from '../../domain/report.ts';
import type { TeardownPreview } from '../../domain/teardown-preview.ts';
import { decideUpdate, PREVIEW, reportQuery, retryUpdate, TASK_QUEUE } from '../../workflows/messages.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { people, sayOf, signed } from '../support/decisions.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { type AnyHandle, untilWaiting, withWorld } from '../support/runs.ts';
import { failed, givePlatform, newWorld, type World } from '../support/world.ts';

const newBuildId = buildIdsOf('protections');
const { keys, policy } = people();
const [cluster, balancer, record, budget] = [clusterProtection('c'), balancerProtection({ name: 'lb', arn: 'arn:lb' }), recordProtection({ name: 'kong.b.dev', type: 'A' }), budgetProtection('PodDisruptionBudget kong/kong')];
/** Whatever changes something outside Temporal and the audit trail. */
const CHANGING = /^(lift|freeze|delete|remove|start|repair)/;
const changes = (world: World) => world.calls.filter((call) => CHANGING.test(call));
const plan = (approvals = 1) => ephemeralPlan('teardown', newBuildId(), { timings: { scale: 1, lateSweeps: false }, breakGlass: policy({ approvals }) });

function protectedWorld(overrides: Parameters<typeof newWorld>[0] = () => ({})) {
  const world = newWorld(overrides);
  givePlatform(world);
  world.protections = [cluster, balancer, budget];
  world.recordProtections = [record];
  return world;
}

async function asked(handle: AnyHandle, before?: string): Promise<DecisionRequest> {
  for (let look = 0; look < 200; look += 1) {
    const { request } = (await untilWaiting(handle)).waiting ?? {};
    if (request !== undefined && request.id !== before) return request;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  throw new Error('the run never asked');
}

async function say(handle: AnyHandle, request: DecisionRequest, approver: 'alice' | 'bob', decision: Decision): Promise<RunReport> {
  return handle.executeUpdate(decideUpdate, { args: [{ jws: await signed(keys[approver], sayOf(request, approver, decision)) }] });
}

async function failureOf(handle: AnyHandle): Promise<{ type: string | undefined; report: RunReport }> {
  const error: unknown = await handle.result().then(() => { throw new Error('the run did not fail'); }, (reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
  return { type: error.cause.type ?? undefined, report: error.cause.details?.[0] as RunReport };
}

test('failures 21, 27, 41: all that needs approval is asked once, before anything changes; lifted as decided, the teardown ends clean', async () => {
  const world = protectedWorld();
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan(2));
    const request = await asked(handle);
    expect(request).toMatchObject({ gate: 'inventory', decisions: ['lift', 'abort'], approvals: 2, subject: liftSubject([cluster, balancer, record]) });
    expect(changes(world)).toEqual([]);

    await say(handle, request, 'alice', 'lift');
    expect((await handle.query(reportQuery)).waiting?.request?.id).toBe(request.id); // two approvers are needed
    expect(changes(world)).toEqual([]);
    await say(handle, request, 'bob', 'lift');
    const report = await handle.result();

    expect(report.state).toBe('clean');
    expect(changes(world).slice(0, 3)).toEqual(['liftRecordProtections', 'liftProtections', 'freezeGitOps']);
    expect([world.protections, world.recordProtections]).toEqual([[budget], []]);
    expect(world.calls.filter((call) => call === 'readInventory')).toHaveLength(3); // to ask, to lift, and once more after it
    expect(world.audit.flatMap((entry) => (entry.kind === 'request' ? [entry.request.id] : []))).toEqual([request.id]);
    expect(world.audit.flatMap((entry) => (entry.kind === 'lift' ? [`${entry.activity}: ${entry.protections.length}`] : []))).toEqual(['liftRecordProtections: 1', 'liftProtections: 2']);
    const [inventory] = report.stages;
    expect(inventory?.evidence).toContain('disruption-budget: PodDisruptionBudget kong/kong allows no disruption now; stays: the run drains no node itself, and EKS terminates a node by force that is not drained within 5 minutes');
  });
});

test('B1: abort ends the run with every protection in place and nothing changed', async () => {
  const world = protectedWorld();
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    await say(handle, await asked(handle), 'alice', 'abort');
    const { type, report } = await failureOf(handle);
    expect([type, report.state]).toEqual(['Aborted', 'failed']);
    expect(changes(world)).toEqual([]);
    expect([world.protections, world.recordProtections]).toEqual([[cluster, balancer, budget], [record]]);
  });
});

test('B1: a protection that comes between approval and lifting voids the approval: asked anew, nothing was lifted', async () => {
  const world = protectedWorld();
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const first = await asked(handle);
    const late: Protection = balancerProtection({ name: 'late', arn: 'arn:late' });
    world.protections = [...world.protections, late];
    await say(handle, first, 'alice', 'lift');

    const second = await asked(handle, first.id);
    expect(second.subject).toEqual(liftSubject([cluster, balancer, late, record]));
    expect(changes(world)).toEqual([]);
    await expect(handle.executeUpdate(decideUpdate, { args: [{ jws: await signed(keys.bob, claimsFor(first, { approver: 'bob', decision: 'lift', reason: 'old', ticket: 'OPS-1' })) }] })).rejects.toThrow(WorkflowUpdateFailedError);
    await say(handle, second, 'bob', 'lift');
    expect((await handle.result()).state).toBe('clean');
  });
});

test('B1: one that comes at the very moment of lifting is refused by whoever lifts; the run then asks about all of it', async () => {
  const late = recordProtection({ name: 'late.b.dev', type: 'TXT' });
  let raced = false;
  const world = protectedWorld();
  const { liftRecordProtections } = world.activities;
  world.activities.liftRecordProtections = (input) => {
    if (!raced) world.recordProtections = [record, late];
    raced = true;
    return liftRecordProtections(input);
  };
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const first = await asked(handle);
    await say(handle, first, 'alice', 'lift');
    const waiting = await eventuallyWithoutRequest(handle);
    expect(waiting.waiting?.reason).toBe('Nothing was lifted: there are protections that nobody decided on; retry asks about all of them');
    expect(world.recordProtections).toEqual([record, late]);

    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'inventory', by: 'carol', reason: 'look again' }] });
    const second = await asked(handle, first.id);
    expect(second.subject).toEqual(liftSubject([cluster, balancer, record, late]));
    await say(handle, second, 'bob', 'lift');
    expect((await handle.result()).state).toBe('clean');
  });
});

async function eventuallyWithoutRequest(handle: AnyHandle): Promise<RunReport> {
  for (let look = 0; look < 200; look += 1) {
    const report = await handle.query(reportQuery);
    if (report.waiting?.reason.startsWith('Nothing was lifted') === true) return report;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  throw new Error('the lift was never refused');
}

test('B1: a setting that comes back after it was lifted is a new question, not a loop', async () => {
  const world = protectedWorld();
  const { liftProtections } = world.activities;
  let times = 0;
  world.activities.liftProtections = async (input) => {
    const lines = await liftProtections(input);
    times += 1;
    if (times === 1) world.protections = [...world.protections, balancer];
    return lines;
  };
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const first = await asked(handle);
    await say(handle, first, 'alice', 'lift');
    const second = await asked(handle, first.id);
    expect(second.subject).toEqual(liftSubject([balancer]));
    expect(times).toBe(1);
    await say(handle, second, 'alice', 'abort');
    const { report } = await failureOf(handle);
    expect([...world.receipts.keys()]).toEqual([report.runId]); // something had been lifted, and the receipt says so
    expect(world.calls).not.toContain('freezeGitOps');
  });
});

test('failure 27: a cluster whose API was given up is still protected: that is asked too, and lifted without the API', async () => {
  let lifting: unknown;
  const world = newWorld();
  givePlatform(world);
  world.records = [];
  world.protections = [cluster];
  const { readInventory, liftProtections } = world.activities;
  world.activities.readInventory = (input) => (input.withoutKubernetes === true ? readInventory(input) : Promise.reject(failed('KubernetesUnavailable', 'no answer (ECONNREFUSED)')));
  world.activities.liftProtections = (input) => { lifting = input.withoutKubernetes; return liftProtections(input); };
  await withWorld(world, async ({ client, teardownInRealTime, alsoReplay }) => {
    const platform = plan();
    const handle = await teardownInRealTime(platform);
    const gone = await asked(handle);
    expect(gone.decisions).toEqual(['leave', 'abort']);

    const previewed = await client.workflow.start<(input: { plan: typeof platform; requester: string }) => Promise<TeardownPreview>>(PREVIEW, { workflowId: `preview/${platform.target.cluster}`, taskQueue: TASK_QUEUE, args: [{ plan: platform, requester: 'ana' }] });
    alsoReplay(previewed.workflowId, previewed.firstExecutionRunId);
    const { approvals, blocks } = await previewed.result();
    expect(blocks).toEqual(['the Kubernetes API does not answer: no answer (ECONNREFUSED)']);
    expect(approvals.map(({ decisions, about }) => [decisions, about])).toEqual([[['leave', 'abort'], gone.subject], [['lift', 'abort'], liftSubject([cluster])]]);

    await say(handle, gone, 'alice', 'leave');
    const lift = await asked(handle, gone.id);
    expect(lift.subject).toEqual(liftSubject([cluster]));
    await say(handle, lift, 'bob', 'lift');
    expect((await handle.result()).state).toBe('clean');
    expect(lifting).toBe(true);
  });
});

test('X5: a preview beside a teardown that waits names what would go and changes nothing', async () => {
  const world = protectedWorld();
  const [platform, other] = [plan(), plan()];
  await withWorld(world, async ({ client, teardownInRealTime, alsoReplay }) => {
    const handle = await teardownInRealTime(platform);
    const request = await asked(handle);
    const workflowId = `preview/${other.target.cluster}`;
    const started = await client.workflow.start<(input: { plan: typeof other; requester: string }) => Promise<TeardownPreview>>(PREVIEW, { workflowId, taskQueue: TASK_QUEUE, args: [{ plan: platform, requester: 'alice' }] });
    alsoReplay(workflowId, started.firstExecutionRunId);
    const preview = await started.result();

    expect(changes(world)).toEqual([]);
    expect(preview).toMatchObject({ schema: 1, exists: true, cluster: platform.target.cluster, planHash: platform.hash, blocks: [] });
    expect(preview.approvals).toEqual([{ decisions: ['lift', 'abort'], about: request.subject, approvals: 1, approvers: ['bob', 'carol'], requester: 'alice', signatures: 'required' }]);
    expect(preview.steps.find(({ stage }) => stage === 'dns-sources')?.objects.map(({ id }) => id)).toEqual(['Ingress kong/status']);
    await say(handle, request, 'alice', 'abort');
    await failureOf(handle);
  });
});
