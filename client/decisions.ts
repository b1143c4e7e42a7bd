// An approver's decision, sent to the run that asks for it: as an update, which is answered when the decision counts or was refused (B1).
import type { Client } from '@temporalio/client';
import type { DecisionInput } from '../domain/break-glass.ts';
import type { RunReport, Waiting } from '../domain/report.ts';
import { decideUpdate, reportQuery } from '../workflows/messages.ts';
import { refusal, runningRun, withWorker } from './answers.ts';
import { type Asked, checkAsked, expired, isExpired } from './decision-request.ts';
import { InputRefused } from './problems.ts';
import type { RunRef } from './runs.ts';

/** How long a run may take to show its request: a worker answers within a second where one is there. */
const ASK_MS = 15_000;
/** How long it may take to check a decision and to put it on record in S3, which is tried again for a while. */
const DECIDE_MS = 60_000;

/** What the run asks now, checked to be what it shows. Throws InputRefused where it asks nothing or the request is over, Unavailable where no worker answers. */
export async function readAsked(client: Client, run: RunRef): Promise<Asked & { ref: Required<RunRef> }> {
  const ref = await runningRun(client, run);
  const silent = { message: `No worker answers within ${ASK_MS / 1_000} s: what the run asks cannot be seen`, todo: 'start a worker (goldenpath worker) and ask again' };
  const { waiting } = await withWorker(client, ref.workflowId, { ms: ASK_MS, silent }, () => client.workflow.getHandle(ref.workflowId, ref.runId).query(reportQuery));
  if (waiting === undefined) throw refusal(ref.workflowId, 'the run does not wait for a decision now');
  const { request, approvals } = waiting;
  if (request === undefined) throw nothingAsked(ref.workflowId, waiting);
  checkAsked({ request, approvals }, { field: 'run', now: Date.now() });
  return { ref, request, approvals };
}

/**
 * Sends a decision. Returns the report as the run has it then. Throws ApprovalDenied with the run's reason where the decision does not
 * count, Unavailable where nobody says whether it does.
 */
export async function sendDecision(client: Client, { workflowId, runId }: RunRef, decision: DecisionInput): Promise<RunReport> {
  const silent = { message: `The run has not answered within ${DECIDE_MS / 1_000} s: whether the decision counts is not known`, todo: `\`goldenpath status ${workflowId}\` shows what counted; where no worker runs, start one (goldenpath worker) and send it again: one that counted already is refused and harmless` };
  return withWorker(client, workflowId, { ms: DECIDE_MS, silent }, () => client.workflow.getHandle(workflowId, runId).executeUpdate(decideUpdate, { args: [decision] }));
}

function nothingAsked(workflowId: string, waiting: Waiting): InputRefused {
  if (isExpired(waiting, Date.now())) return new InputRefused([expired('run', workflowId, { workflowId })]);
  return new InputRefused([{ field: 'run', given: workflowId, problem: `waits at stage ${waiting.stage} and asks approvers nothing`, allowed: waiting.answers.join(', '), fix: `answer it with ${waiting.answers.map((answer) => `\`goldenpath ${answer} ${workflowId} --reason '…'\``).join(' or ')}` }]);
}
