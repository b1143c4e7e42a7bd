// An operator's answer to a run that waits: retry or abort, as an update that is answered at once (U1).
import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { decided } from '../domain/break-glass.ts';
import { GoldenpathError } from '../domain/errors.ts';
import type { RunReport } from '../domain/report.ts';
import { abortUpdate, type Answer, reportQuery, retryUpdate } from '../workflows/messages.ts';
import { isSilence } from './grpc.ts';
import { InputRefused } from './problems.ts';
import { describeRun, type RunRef } from './runs.ts';

/** How long a worker may take to answer; it answers within a second where one is there. */
const ANSWER_MS = 15_000;

export type Decision = 'retry' | 'abort';

/**
 * Answers the run that waits. Without `stage` the stage that waits now is meant. Returns the report as the run has it then.
 * Throws InputRefused where the run does not wait there, Unavailable where no worker takes the answer.
 */
export async function answerRun(client: Client, run: RunRef, decision: Decision, answer: Omit<Answer, 'stage'> & { stage?: string | undefined }): Promise<RunReport> {
  const { workflowId, runId } = await runningRun(client, run);
  const handle = client.workflow.getHandle(workflowId, runId);
  const silent = { message: `No worker took the answer within ${ANSWER_MS / 1_000} s: the run waits on`, todo: `start a worker (goldenpath worker) and ask again, or leave a signal for it: temporal workflow signal --workflow-id ${workflowId} --name ${decision}-by-hand` };
  return withWorker(client, workflowId, { ms: ANSWER_MS, silent }, async () => {
    const stage = answer.stage ?? (await handle.query(reportQuery)).waiting?.stage;
    if (stage === undefined) throw refusal(workflowId, 'the run does not wait for a decision now');
    return handle.executeUpdate(decision === 'retry' ? retryUpdate : abortUpdate, { args: [{ stage, by: answer.by, reason: answer.reason }] });
  });
}

/** Whether a run still shows a question that it has an answer to: it puts the answer on record before it goes on. */
export function isAnswered({ waiting, decisions }: RunReport): boolean {
  if (waiting === undefined) return false;
  const byApprovers = waiting.request !== undefined && decided(waiting.request, waiting.approvals) !== undefined;
  return byApprovers || decisions.some(({ stage, decision, at }) => stage === waiting.stage && at >= waiting.since && (decision === 'retry' || decision === 'abort'));
}

/** The run that is in flight. Throws InputRefused where there is none, or it has ended. */
export async function runningRun(client: Client, run: RunRef): Promise<Required<RunRef>> {
  const { workflowId, runId, status } = await describeRun(client, run);
  if (status.name !== 'RUNNING') throw refusal(workflowId, `it has ended (${status.name})`);
  return { workflowId, runId };
}

/** Asks something that only a worker can answer. Throws ApprovalDenied and InputRefused with the run's own reason, Unavailable with the words of `silent` where no worker answers within `ms`. */
export async function withWorker<T>(client: Client, workflowId: string, { ms, silent }: { ms: number; silent: { message: string; todo: string } }, ask: () => Promise<T>): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + ms, ask);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw refusal(workflowId, 'it has ended in the meantime');
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) throw refusedByRun(workflowId, error.cause);
    if (!isSilence(error)) throw error;
    throw new GoldenpathError('Unavailable', silent.message, [silent.todo], { cause: error });
  }
}

function refusedByRun(workflowId: string, { type, message }: ApplicationFailure): GoldenpathError {
  const reason = message.replace(/^Refused: /, '');
  return type === 'ApprovalDenied' ? new GoldenpathError('ApprovalDenied', `The run refused the decision: ${reason}`) : refusal(workflowId, reason);
}

export function refusal(workflowId: string, problem: string): InputRefused {
  return new InputRefused([{ field: 'run', given: workflowId, problem, fix: `\`goldenpath status ${workflowId}\` shows what it does` }]);
}
