// A teardown has the bootstrap in flight give way, and finds the run that follows it (X6).
import { type Client, type WorkflowExecutionDescription, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { GoldenpathError } from '../domain/errors.ts';
import { teardownRequestSchema } from '../domain/request.ts';
import { type Interrupted, interruptUpdate } from '../workflows/messages.ts';
import { isSilence } from './grpc.ts';
import { InputRefused } from './problems.ts';
import type { Prepared } from './request.ts';

/** How long a worker may take to answer; it answers within a second where one is there. */
const ANSWER_MS = 15_000;
/** The safe point comes within seconds as a rule: with the end of the one change that is under way. */
const LOOK_EVERY_MS = 500;

export interface TakenOver {
  /** False where another teardown was first: then it is that one which follows. */
  accepted: boolean;
  /** The teardown that follows. */
  next: WorkflowExecutionDescription;
}

/**
 * Asks the bootstrap to give way, and waits until the teardown has followed it; `say` is told what is waited for. undefined where the bootstrap ended by itself
 * meanwhile: then nothing is in flight any more, or another's teardown. Throws InputRefused where the bootstrap does not give way to this plan, Unavailable where no
 * worker answers, and DeadlineExceeded where the safe point does not come: the teardown then follows without anybody's help.
 */
export async function takeOver(client: Client, bootstrap: { workflowId: string; runId: string }, prepared: Prepared, say: (line: string) => void): Promise<TakenOver | undefined> {
  const answer = await askToGiveWay(client, bootstrap, prepared);
  if (answer === undefined) return undefined;
  say(answer.accepted ? `Interrupted the bootstrap in flight (run ${bootstrap.runId}); the teardown follows once what it changes just now has ended` : `${answer.by} was first to interrupt the bootstrap in flight (run ${bootstrap.runId}); waiting for that teardown`);
  // An attempt at a change is bounded; then the receipt is written, which S3 may hold up.
  const { changeMs, totalMs } = prepared.plan.timings;
  const next = await follower(client, bootstrap, Date.now() + changeMs + totalMs);
  return next === undefined ? undefined : { accepted: answer.accepted, next };
}

async function askToGiveWay(client: Client, { workflowId, runId }: { workflowId: string; runId: string }, { plan, request }: Prepared): Promise<Interrupted | undefined> {
  const handle = client.workflow.getHandle(workflowId, runId);
  try {
    return await client.withDeadline(Date.now() + ANSWER_MS, () => handle.executeUpdate(interruptUpdate, { args: [{ plan, request: teardownRequestSchema.parse(request) }] }));
  } catch (error) {
    if ((await handle.describe()).status.name !== 'RUNNING') return undefined; // whatever was answered, it is of a run that is over
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
      throw new InputRefused([{ field: 'platform', given: workflowId, problem: `its bootstrap (run ${runId}) does not give way: ${error.cause.message.replace(/^Refused: /, '')}`, fix: `follow it with \`goldenpath watch ${workflowId}\`, and ask again when it has ended` }]);
    }
    if (!isSilence(error)) throw error;
    throw new GoldenpathError('Unavailable', `No worker took the interrupt within ${ANSWER_MS / 1_000} s: the bootstrap (run ${runId}) is in flight still`, ['start a worker (goldenpath worker) and ask again'], { cause: error });
  }
}

/** The run that is the latest once the bootstrap no longer is; undefined where the bootstrap ended, and nothing followed. */
async function follower(client: Client, { workflowId, runId }: { workflowId: string; runId: string }, deadline: number): Promise<WorkflowExecutionDescription | undefined> {
  for (;;) {
    const latest = await client.workflow.getHandle(workflowId).describe();
    if (latest.runId !== runId) return latest;
    if (latest.status.name !== 'RUNNING' && latest.status.name !== 'CONTINUED_AS_NEW') return undefined;
    if (Date.now() > deadline) throw new GoldenpathError('DeadlineExceeded', `The bootstrap (run ${runId}) took the interrupt, and has not come to its safe point yet`, [`the teardown follows by itself; see \`goldenpath watch ${workflowId}\``]);
    await sleep(LOOK_EVERY_MS);
  }
}
