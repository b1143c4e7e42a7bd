// Starts database runs and waits for them; attaches where the same run is in flight, and refuses beside another one (R1, R3).
import { ApplicationFailure, CancelledFailure, type Client, WorkflowExecutionAlreadyStartedError, WorkflowFailedError, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client';
import { randomUUID } from 'node:crypto';
import type { ConnectivityReport } from '../domain/connectivity.ts';
import { approvalsFor } from '../domain/break-glass.ts';
import { makeDestructionPlan } from '../domain/database-destroy.ts';
import { type DatabaseReport, databaseWorkflowId, instanceWait } from '../domain/database-report.ts';
import type { Databases, DatabaseSpec } from '../domain/databases.ts';
import type { Environment } from '../domain/environment.ts';
import { GoldenpathError, isErrorType } from '../domain/errors.ts';
import { hashOf } from '../domain/hash.ts';
import { timings } from '../domain/timings.ts';
import type { Versions } from '../domain/versions.ts';
import { DATABASE_APPLY, DATABASE_CHECK, DATABASE_CREATE, type DatabaseApplyInput, type DatabaseCheckInput, type DatabaseCreateInput, searchAttribute, TASK_QUEUE } from '../workflows/messages.ts';
import { isSilence } from './grpc.ts';
import { InputRefused } from './problems.ts';
import type { Prepared } from './request.ts';
import { pendingOf } from './watch.ts';

/** An environment with databases, and who asks. */
export interface DatabaseRequest {
  environment: string;
  accountId: string;
  databases: Databases;
  registry: Environment['registry'];
  scale: number;
  rotate: boolean;
  requester: string;
}

type Say = (line: string) => void;

/** How long one question for the result is held open, and how long no worker may take the work up before that is said. */
const HOLD_MS = 10_000;
/** The events of a workflow that no worker has touched: started, task scheduled. */
const UNTOUCHED = 2;
/** What a run was asked, so that the same request attaches to it (U1). */
const ASKED_MEMO = 'asked';

/** Makes the environment's instance and its declared databases. The report, also of a run that failed. Throws Conflict where another run is at this instance. */
export async function applyDatabases(client: Client, { environment, accountId, databases, registry, scale, rotate, requester }: DatabaseRequest, say: Say): Promise<DatabaseReport> {
  const input: DatabaseApplyInput = { environment, accountId, databases, registry, rotate, requester, timings: timings(scale), available: instanceWait(scale) };
  const { identifier: instance } = databases.instance;
  const started = await start(client, { type: DATABASE_APPLY, workflowId: databaseWorkflowId({ environment, instance }), input, asked: { databases, rotate }, summary: `Databases of ${environment}: ${instance}` }, say);
  return reportOf(client, started, say);
}

/** Makes one application's database on the instance. As {@link applyDatabases}. */
export async function createDatabase(client: Client, { environment, databases, registry, scale, rotate, requester }: DatabaseRequest, database: DatabaseSpec, say: Say): Promise<DatabaseReport> {
  const { identifier: instance } = databases.instance;
  const input: DatabaseCreateInput = { environment, instance, database, registry, rotate, requester, timings: timings(scale) };
  const workflowId = databaseWorkflowId({ environment, instance, app: database.app });
  const started = await start(client, { type: DATABASE_CREATE, workflowId, input, asked: { database, rotate }, summary: `Database of ${database.app} on ${instance}` }, say);
  return reportOf(client, started, say);
}

/** The plan and the request of a destruction, for `startAndFollow`. Throws InputRefused where too few approvers are left besides whoever asks: nobody could ever decide it. */
export function prepareDestruction(environment: Environment, versions: Versions, { requester, commit, reason }: { requester: string; commit?: string | undefined; reason?: string | undefined }): Prepared {
  const plan = makeDestructionPlan(environment, versions);
  const { approvers } = environment.breakGlass;
  const needed = approvalsFor(['destroy'], environment.breakGlass);
  const others = approvers.filter(({ name }) => name.toLowerCase() !== requester.toLowerCase());
  if (others.length < needed) {
    throw new InputRefused([{ field: `environments/${environment.name}.yaml: breakGlass.approvers`, given: approvers.map(({ name }) => name).join(', '), problem: `${needed} must agree that a database is destroyed, and ${requester}, who asks, may not be one of them`, allowed: `${needed} approvers besides ${requester}`, fix: 'let somebody else ask, or name another approver in the file' }]);
  }
  return { plan, request: { environment: environment.name, lifecycle: 'persistent', buildId: null, requester, onFailure: 'wait', ...(commit === undefined ? {} : { commit }), ...(reason === undefined ? {} : { reason }) } };
}

/** Judges the connectivity contract now; changes nothing. Throws what a reading ended with. */
export async function checkDatabases(client: Client, { environment, databases, scale }: DatabaseRequest, say: Say): Promise<ConnectivityReport> {
  const input: DatabaseCheckInput = { environment, databases, timings: timings(scale) };
  const { identifier } = databases.instance;
  const started = await start(client, { type: DATABASE_CHECK, workflowId: `check/${databaseWorkflowId({ environment, instance: identifier })}/${randomUUID()}`, input, asked: {}, summary: `Connectivity of ${identifier}; changes nothing` }, say);
  return resultOf<ConnectivityReport>(client, started, say);
}

interface Started {
  workflowId: string;
  runId: string;
}

interface ToStart {
  type: string;
  workflowId: string;
  input: { environment: string; requester?: string };
  asked: unknown;
  summary: string;
}

/** Starts the run, or attaches to the one that was asked the same. */
async function start(client: Client, { type, workflowId, input, asked, summary }: ToStart, say: Say): Promise<Started> {
  try {
    const handle = await client.workflow.start(type, {
      workflowId, taskQueue: TASK_QUEUE, args: [input], memo: { [ASKED_MEMO]: hashOf(asked) },
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE, workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
      typedSearchAttributes: [{ key: searchAttribute.environment, value: input.environment }, ...(input.requester === undefined ? [] : [{ key: searchAttribute.requester, value: input.requester }])],
      staticSummary: summary,
    });
    return { workflowId, runId: handle.firstExecutionRunId };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const { type: running, runId, memo } = await client.workflow.getHandle(workflowId).describe();
    if (running !== type || memo?.[ASKED_MEMO] !== hashOf(asked)) throw new GoldenpathError('Conflict', `Another run is at ${workflowId} just now: ${running}, run ${runId}, asked for something else`, ['ask again when it has ended; the Temporal UI shows what it does']);
    say(`the same run is in flight already (${runId}); following it`);
    return { workflowId, runId };
  }
}

/** The report of a run that is done, or that failed with one. */
async function reportOf(client: Client, run: Started, say: Say): Promise<DatabaseReport> {
  try {
    return await resultOf<DatabaseReport>(client, run, say);
  } catch (error) {
    const left: unknown = error instanceof GoldenpathError && error.cause instanceof WorkflowFailedError && error.cause.cause instanceof ApplicationFailure ? error.cause.cause.details?.[0] : undefined;
    if (isReport(left)) return left;
    throw error;
  }
}

function isReport(value: unknown): value is DatabaseReport {
  return typeof value === 'object' && value !== null && 'steps' in value && 'operation' in value;
}

async function resultOf<T>(client: Client, { workflowId, runId }: Started, say: Say): Promise<T> {
  const handle = client.workflow.getHandle<() => Promise<T>>(workflowId, runId);
  for (;;) {
    try {
      return await client.withDeadline(Date.now() + HOLD_MS, () => handle.result());
    } catch (error) {
      if (error instanceof WorkflowFailedError) throw failureOf(error);
      if (!isSilence(error)) throw error;
    }
    const description = await handle.describe();
    for (const { activity, attempt, says } of pendingOf(description)) say(`${activity}, attempt ${attempt}${says === undefined ? '' : `: ${says}`}`);
    if (description.historyLength <= UNTOUCHED) throw new GoldenpathError('Unavailable', `No worker took up ${workflowId} within ${HOLD_MS / 1_000} s`, ['start a worker (goldenpath worker) and ask again: the run goes on where it is']);
  }
}

function failureOf(error: WorkflowFailedError): GoldenpathError {
  const { cause } = error;
  if (cause instanceof CancelledFailure) return new GoldenpathError('Aborted', 'The run was cancelled; what it had made stays, and another run goes on from there', [], { cause: error });
  if (!(cause instanceof ApplicationFailure)) return new GoldenpathError('TerminalState', `The run ended without an answer: ${cause?.message ?? error.message}`, [], { cause: error });
  const [problems] = cause.details ?? [];
  return new GoldenpathError(isErrorType(cause.type) ? cause.type : 'TerminalState', cause.message, Array.isArray(problems) ? problems.map(String) : [], { cause: error });
}
