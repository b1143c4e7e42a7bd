// Starts workflows on the test server against a world in memory, and replays every execution that a test started.
import { Client, Connection, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { Worker, NativeConnection } from '@temporalio/worker';
import { inject } from 'vitest';
import type { PlatformActivities, ZoneProbes } from '../../activities/contract.ts';
import type { Plan } from '../../domain/plan.ts';
import type { RunReport } from '../../domain/report.ts';
import type { BootstrapRequest } from '../../domain/request.ts';
import { BOOTSTRAP, DATABASE_DESTROY, REMOVE_ORPHANS, reportQuery, ROUTE53_TASK_QUEUE, TASK_QUEUE, TEARDOWN } from '../../workflows/messages.ts';
import { temporalAddress } from './server.ts';
import { timeSkipping } from './time-skipping.ts';
import type { World } from './world.ts';

export type AnyHandle = WorkflowHandle<() => Promise<RunReport>>;

/** Runs `test` with workers for both queues; then replays every execution. */
export async function withWorld(world: World & { activities: PlatformActivities & ZoneProbes }, test: (runs: Runs) => Promise<void>): Promise<void> {
  const address = temporalAddress();
  const bundle = { codePath: inject('bundlePath') };
  const connection = await Connection.connect({ address, interceptors: [timeSkipping] });
  const plain = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  try {
    const common = { connection: native, workflowBundle: bundle, activities: { ...world.activities } };
    const workers = await Promise.all([Worker.create({ ...common, taskQueue: TASK_QUEUE }), Worker.create({ connection: native, activities: common.activities, taskQueue: ROUTE53_TASK_QUEUE })]);
    const running = Promise.all(workers.map((worker) => worker.run()));
    const started: { workflowId: string; runId: string }[] = [];
    const client = new Client({ connection });
    try {
      await test(runsOf(client, new Client({ connection: plain }), started));
      await replayAll(client, started, bundle);
    } finally {
      for (const worker of workers) worker.shutdown();
      await running;
    }
  } finally {
    await native.close();
    await connection.close();
    await plain.close();
  }
}

export type Runs = ReturnType<typeof runsOf>;

function runsOf(client: Client, plain: Client, started: { workflowId: string; runId: string }[]) {
  async function start(type: string, plan: Plan, onFailure: BootstrapRequest['onFailure'], by = client): Promise<AnyHandle> {
    const { environment, lifecycle, buildId, workflowId } = plan.target;
    const request = { environment, lifecycle, buildId, requester: 'ana', onFailure };
    const handle = await by.workflow.start(type, { workflowId, taskQueue: TASK_QUEUE, args: [{ plan, request }] });
    started.push({ workflowId, runId: handle.firstExecutionRunId });
    return client.workflow.getHandle(workflowId, handle.firstExecutionRunId);
  }
  return {
    client,
    bootstrap: (plan: Plan, onFailure: BootstrapRequest['onFailure'] = 'fail') => start(BOOTSTRAP, plan, onFailure),
    teardown: (plan: Plan, onFailure: 'fail' | 'wait' = 'wait') => start(TEARDOWN, plan, onFailure),
    /** Without time skipping: what waits for people with an end to it would end before the test could answer. */
    teardownInRealTime: (plan: Plan) => start(TEARDOWN, plan, 'wait', plain),
    destroyDatabaseInRealTime: (plan: Plan) => start(DATABASE_DESTROY, plan, 'wait', plain),
    removeOrphans: (plan: Plan, onFailure: 'fail' | 'wait' = 'wait') => start(REMOVE_ORPHANS, plan, onFailure),
    removeOrphansInRealTime: (plan: Plan) => start(REMOVE_ORPHANS, plan, 'wait', plain),
    /** Adds an execution that a workflow started itself to those that are replayed. */
    alsoReplay: (workflowId: string, runId: string) => { started.push({ workflowId, runId }); },
  };
}

/** Waits until the run waits for an operator, by its own query. */
export async function untilWaiting(handle: AnyHandle): Promise<RunReport> {
  for (let look = 0; look < 200; look += 1) {
    const report = await handle.query(reportQuery);
    if (report.waiting !== undefined) return report;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  throw new Error('the run never came to wait for a decision');
}

/** The answer of a workflow that only reads; it is replayed as all are. */
export async function answerOf<Out>({ client, alsoReplay }: Runs, { type, workflowId, input }: { type: string; workflowId: string; input: unknown }): Promise<Out> {
  const handle = await client.workflow.start<(input: unknown) => Promise<Out>>(type, { workflowId, taskQueue: TASK_QUEUE, args: [input] });
  alsoReplay(handle.workflowId, handle.firstExecutionRunId);
  return handle.result();
}

/** What a workflow failed with. Throws where it did not, or not by its own word. */
export async function causeOf(result: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await result.then(() => { throw new Error('it did not fail'); }, (reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
  return error.cause;
}

async function replayAll(client: Client, started: { workflowId: string; runId: string }[], workflowBundle: { codePath: string }): Promise<void> {
  for (const { workflowId, runId } of started) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    await Worker.runReplayHistory({ workflowBundle, replayName: workflowId }, history, workflowId);
  }
}
