// Failure modes that need an answer the lab cannot force, or hours that it cannot wait (docs/reference/failure-modes.md).
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, TerminatedFailure } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { expect, test } from 'vitest';
import type { Inventory } from '../../activities/contract.ts';
import { exitOfView } from '../../client/cli/exit.ts';
import type { RunReport } from '../../domain/report.ts';
import type { InTheWay } from '../../domain/teardown.ts';
import { retryUpdate } from '../../workflows/messages.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { type AnyHandle, untilWaiting, withWorld } from '../support/runs.ts';
import { givePlatform, newWorld, type World } from '../support/world.ts';

const newBuildId = buildIdsOf('failure-modes');
const CHANGING = /^(lift|freeze|delete|remove|start|repair)/;
const changes = (world: World) => world.calls.filter((call) => CHANGING.test(call));
const plan = () => ephemeralPlan('teardown', newBuildId(), { timings: { scale: 1, lateSweeps: false } });

/** The miss of a probe, as activities/errors.ts gives it. */
function notReady(message: string, nextRetryDelayMs: number, problems: string[] = []): ApplicationFailure {
  return ApplicationFailure.create({ type: 'NotReady', message, nextRetryDelay: nextRetryDelayMs, details: [problems] });
}

async function failureOf(handle: AnyHandle): Promise<unknown> {
  const error: unknown = await handle.result().then(() => { throw new Error('the run did not fail'); }, (reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError)) throw error;
  return error.cause;
}

test('failure 9: nodes of Karpenter stop the run before anything is drained, with the command that removes them; once they are gone it ends clean', async () => {
  let inTheWay: InTheWay | undefined = { nodes: ['NodePool default', 'NodeClaim default-x7k2 (instance i-0123)'], applications: ['Application team-a/shop'] };
  const world = newWorld();
  const { readInventory } = world.activities;
  world.activities.readInventory = async (input): Promise<Inventory> => ({ ...(await readInventory(input)), ...(inTheWay === undefined ? {} : { inTheWay }) });
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const handle = await teardown(plan());
    const { waiting, stages } = await untilWaiting(handle);
    expect(waiting).toMatchObject({ stage: 'inventory', answers: ['retry', 'abort'] });
    expect(stages[0]?.error?.problems).toEqual([
      'Karpenter still has NodePool default, NodeClaim default-x7k2 (instance i-0123): instances that it started would outlive it. Fix: while Karpenter runs: kubectl delete nodepools.karpenter.sh,nodeclaims.karpenter.sh --all',
      'Argo CD applications outside its namespace argocd would not be frozen: Application team-a/shop. Fix: delete them with their objects, or move them: kubectl get applications.argoproj.io -A',
    ]);
    expect(changes(world)).toEqual([]);

    inTheWay = undefined;
    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'inventory', by: 'bob', reason: 'the nodes are gone' }] });
    expect((await handle.result()).state).toBe('clean');
  });
});

test('failure 35: a run that is killed leaves no lock: the next one starts at once from what it finds; while one lives there is no second', async () => {
  const held = Promise.withResolvers<void>();
  const world = newWorld((self) => ({ probeLoadBalancersGone: async () => { if (self.calls.filter((call) => call === 'probeLoadBalancersGone').length === 1) await held.promise; } }));
  givePlatform(world);
  await withWorld(world, async ({ teardown, client }) => {
    const asked = plan();
    const killed = await teardown(asked);
    await expect.poll(() => world.calls, { timeout: 30_000 }).toContain('probeLoadBalancersGone');
    await expect(teardown(asked)).rejects.toThrow(WorkflowExecutionAlreadyStartedError);
    await client.workflow.getHandle(asked.target.workflowId).terminate('killed from outside');
    expect(await failureOf(killed)).toBeInstanceOf(TerminatedFailure);
    held.resolve();
    const report = await (await teardown(asked)).result();
    expect(report.state).toBe('clean');
    expect(report.stages[0]?.attempts).toBe(1);
  });
});

test('failure 37: what does not go in time is named and waited on; the run neither ends clean nor exits 0', async () => {
  const left = ['network interface eni-1 (in-use, ELB net/k8s-kong/1)'];
  const world = newWorld(() => ({ probeNetworkGone: () => Promise.reject(notReady('left in the VPC: eni-1', 60_000, left)) }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const waiting = await untilWaiting(await teardown(plan()));
    expect(waiting).toMatchObject({ state: 'waiting', waiting: { stage: 'final-proof', reason: expect.stringContaining('left in the VPC: eni-1') as string } });
    expect(waiting.stages.find(({ id }) => id === 'final-proof')?.error?.problems).toEqual(left);
    expect(waiting.stages.find(({ id }) => id === 'destroy')?.status).toBe('pending');
    expect(world.clusterStatus).toBe('ACTIVE');
    expect(exitOfView({ run: {} as Parameters<typeof exitOfView>[0]['run'], pending: [], report: waiting })).toBe(3);

    const cause = await failureOf(await teardown(plan(), 'fail'));
    if (!(cause instanceof ApplicationFailure)) throw cause;
    const [last] = (cause.details ?? []) as [RunReport];
    expect(last.state).toBe('failed');
    expect([...world.receipts.values()].map(({ report }) => report.state)).toEqual(['failed']);
  });
});

test('failure 38: a deletion that takes twenty minutes is started by one short call and looked after to its end; it is never started again', async () => {
  let looks = 0;
  const world = newWorld(() => ({ probeClusterGone: () => { looks += 1; return looks <= 20 ? Promise.reject(notReady('the cluster is DELETING', 60_000)) : Promise.resolve(); } }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const asked = plan();
    const handle = await teardown(asked);
    expect((await handle.result()).state).toBe('clean');
    expect(world.calls.filter((call) => call === 'startDeleteCluster')).toHaveLength(1);
    const { events } = await handle.fetchHistory();
    const of = (type: temporal.api.enums.v1.EventType) => (events ?? []).filter(({ eventType }) => eventType === type);
    const scheduled = of(temporal.api.enums.v1.EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED).find(({ activityTaskScheduledEventAttributes: attributes }) => attributes?.activityType?.name === 'probeClusterGone');
    const completed = of(temporal.api.enums.v1.EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED).find(({ activityTaskCompletedEventAttributes: attributes }) => attributes?.scheduledEventId?.eq(scheduled?.eventId ?? 0));
    const seconds = Number(completed?.eventTime?.seconds) - Number(scheduled?.eventTime?.seconds);
    expect(seconds).toBeGreaterThanOrEqual(20 * 60);
    expect(seconds * 1_000).toBeGreaterThan(asked.timings.changeMs); // longer than any one attempt may take
  });
});
