// Asks a worker for the orphans of an environment, and waits for the answer (X5).
import { ApplicationFailure, type Client, WorkflowFailedError, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client';
import type { Environment } from '../domain/environment.ts';
import { GoldenpathError, isErrorType } from '../domain/errors.ts';
import type { OrphanReport } from '../domain/orphans.ts';
import { timings } from '../domain/timings.ts';
import { FIND_ORPHANS, type FindOrphansInput, searchAttribute, TASK_QUEUE } from '../workflows/messages.ts';
import { isSilence } from './grpc.ts';
import { pendingOf } from './watch.ts';

/** How long one question for the result is held open, and how long no worker may take the work up before that is said. */
const HOLD_MS = 10_000;
/** The events of a workflow that no worker has touched: started, task scheduled. */
const UNTOUCHED = 2;

/**
 * The orphans of the environment, looked for now; attaches to a look in flight. Changes nothing. Throws GoldenpathError where the look failed
 * (then nothing is known, failure 36), Unavailable where no worker takes it up. `say` is told what a look that lasts waits for.
 */
export async function findOrphans(client: Client, { name, accountId, dns, registry, timings: { scale } }: Environment, say: (line: string) => void): Promise<OrphanReport> {
  const input: FindOrphansInput = { scope: { environment: name, zone: dns.zone }, accountId, hostedZoneId: dns.hostedZoneId, registry, timings: timings(scale) };
  const { workflowId, firstExecutionRunId } = await client.workflow.start(FIND_ORPHANS, {
    workflowId: `orphans/${name}`,
    taskQueue: TASK_QUEUE,
    args: [input],
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    typedSearchAttributes: [{ key: searchAttribute.environment, value: name }],
    staticSummary: `Orphans of ${name}`,
  });
  for (;;) {
    const report = await resultOf(client, workflowId, firstExecutionRunId);
    if (report !== undefined) return report;
    const description = await client.workflow.getHandle(workflowId, firstExecutionRunId).describe();
    for (const { activity, attempt, says } of pendingOf(description)) say(`${activity}, attempt ${attempt}${says === undefined ? '' : `: ${says}`}`);
    if (description.historyLength <= UNTOUCHED) throw new GoldenpathError('Unavailable', `No worker took up the look for orphans within ${HOLD_MS / 1_000} s`, ['start a worker (goldenpath worker) and ask again: the look goes on where it is']);
  }
}

/** The result, or undefined where there is none yet. */
async function resultOf(client: Client, workflowId: string, runId: string): Promise<OrphanReport | undefined> {
  try {
    return await client.withDeadline(Date.now() + HOLD_MS, () => client.workflow.getHandle<() => Promise<OrphanReport>>(workflowId, runId).result());
  } catch (error) {
    if (error instanceof WorkflowFailedError) throw failureOf(error);
    if (isSilence(error)) return undefined;
    throw error;
  }
}

function failureOf(error: WorkflowFailedError): GoldenpathError {
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) return new GoldenpathError('TerminalState', `The look for orphans ended without an answer: ${cause?.message ?? error.message}`, [], { cause: error });
  const [problems] = cause.details ?? [];
  const type = isErrorType(cause.type) ? cause.type : 'TerminalState';
  return new GoldenpathError(type, `The look for orphans failed, so nothing is known of them: ${cause.message}`, Array.isArray(problems) ? problems.map(String) : [], { cause: error });
}
