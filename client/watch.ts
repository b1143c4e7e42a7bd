// Follows a run: a view about once a second, from the report that the workflow answers with and from what the server knows without it (U1).
import {
  ApplicationFailure, CancelledFailure, type Client, defaultPayloadConverter, type WorkflowExecutionDescription, WorkflowFailedError,
} from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { interruptionLine } from '../domain/interruption.ts';
import type { RunReport } from '../domain/report.ts';
import { REPORT_MEMO, reportQuery } from '../workflows/messages.ts';
import { isAway, isSilence } from './grpc.ts';
import { describeRun, type RunRef, type RunSummary, summaryOf } from './runs.ts';

/** An activity that is under way, and what its last attempt or heartbeat said. */
export interface Pending {
  activity: string;
  attempt: number;
  says?: string | undefined;
}

/** How a run ended: the report it left, and its error where it failed. */
export interface Outcome {
  status: string;
  report?: RunReport;
  error?: { type: string; message: string };
}

export interface RunView {
  run: RunSummary;
  /** The last report that a worker answered with; none before the first answer. */
  report?: RunReport;
  pending: Pending[];
  /** Who is silent, if anyone: then the view is older than it looks. */
  silent?: 'worker' | 'server';
  outcome?: Outcome;
}

/** How often a person wants to see something new, and how long one look may take. */
const LOOK_EVERY_MS = 1_000;
const LOOK_MS = 5_000;

/**
 * Views of the run until it has ended, the last one with its outcome. Ends early, without one, when the signal aborts.
 * Throws InputRefused where there is no such run.
 */
export async function* watchRun(client: Client, ref: RunRef, signal: AbortSignal): AsyncGenerator<RunView, void, undefined> {
  let at: RunRef = ref;
  let view: RunView | undefined;
  while (!signal.aborted) {
    try {
      view = await client.withAbortSignal(signal, () => look(client, at, view));
    } catch (error) {
      if (signal.aborted) return;
      // A server that restarts: runs go on without it, and so does the watch. The first look has nothing to fall back on.
      if (view === undefined || !isAway(error)) throw error;
      view = { ...view, silent: 'server' };
    }
    if (signal.aborted) return; // a call that was let go of looks like silence
    at = { workflowId: at.workflowId, runId: view.run.runId };
    yield view;
    if (view.outcome !== undefined) return;
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch((error: unknown) => { if (!signal.aborted) throw error; });
  }
}

/** One look at the run. */
export async function look(client: Client, ref: RunRef, before?: RunView): Promise<RunView> {
  const description = await client.withDeadline(Date.now() + LOOK_MS, () => describeRun(client, ref));
  const run = summaryOf(description);
  const seen = before?.report !== undefined && before.run.runId === run.runId ? { report: before.report } : {};
  if (run.status !== 'RUNNING') {
    const left = description.memo?.[REPORT_MEMO];
    const outcome = run.status === 'CONTINUED_AS_NEW' ? goneOn(run, left) : await outcomeOf(client, run, left);
    return { run, pending: [], ...seen, ...(outcome.report === undefined ? {} : { report: outcome.report }), outcome };
  }
  const report = await askReport(client, run);
  return { run, pending: pendingOf(description), ...(report === undefined ? { ...seen, silent: 'worker' as const } : { report }) };
}

async function askReport(client: Client, { workflowId, runId }: RunSummary): Promise<RunReport | undefined> {
  try {
    return await client.withDeadline(Date.now() + LOOK_MS, () => client.workflow.getHandle(workflowId, runId).query(reportQuery));
  } catch (error) {
    if (isSilence(error)) return undefined;
    throw error;
  }
}

/** `left`: what the run left in its memo, the place of a cancelled run's report. */
async function outcomeOf(client: Client, { workflowId, runId, status }: RunSummary, left: unknown): Promise<Outcome> {
  try {
    const result: unknown = await client.workflow.result(workflowId, runId, { followRuns: false });
    return isReport(result) ? { status, report: result } : { status, error: { type: 'TerminalState', message: 'the run left no report' } };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    if (cause instanceof CancelledFailure) return failedOutcome(status, 'Aborted', 'the run was cancelled', left);
    const message = cause?.message ?? error.message;
    if (!(cause instanceof ApplicationFailure)) return failedOutcome(status, status, message, undefined);
    return failedOutcome(status, cause.type ?? 'Error', message, cause.details?.[0]);
  }
}

function failedOutcome(status: string, type: string, message: string, report: unknown): Outcome {
  return { status, error: { type, message }, ...(isReport(report) ? { report } : {}) };
}

/** A bootstrap that goes on as a teardown has ended, taken over (X6) or failed by itself: whoever followed it is told so, and not how the teardown fares. */
function goneOn({ status, workflowId }: RunSummary, left: unknown): Outcome {
  const report = isReport(left) ? left : undefined;
  const failed = report?.teardown === undefined ? undefined : report.stages.find(({ error }) => error !== undefined);
  if (report !== undefined && failed?.error !== undefined) return failedOutcome(status, failed.error.type, `${failed.title}: ${failed.error.message}`, report);
  const who = report?.interruption === undefined ? 'a teardown took it over' : interruptionLine(report.interruption);
  return { status, error: { type: 'Interrupted', message: `The bootstrap was interrupted: ${who}. The teardown: goldenpath watch ${workflowId}` }, ...(report === undefined ? {} : { report }) };
}

function isReport(value: unknown): value is RunReport {
  return typeof value === 'object' && value !== null && 'schema' in value && value.schema === 1 && 'stages' in value && Array.isArray(value.stages);
}

/** What the server knows of activities under way, and of a workflow task that keeps failing: a bug that the worker's log explains. */
export function pendingOf({ raw }: WorkflowExecutionDescription): Pending[] {
  const activities = (raw.pendingActivities ?? []).map((activity): Pending => {
    const says = lastWord(activity.heartbeatDetails?.payloads?.[0]) ?? activity.lastFailure?.message ?? undefined;
    return { activity: activity.activityType?.name ?? 'activity', attempt: activity.attempt ?? 1, ...(says === undefined || says === '' ? {} : { says }) };
  });
  const attempt = raw.pendingWorkflowTask?.attempt ?? 1;
  return attempt > 1 ? [...activities, { activity: 'workflow', attempt, says: 'the workflow task fails; the worker’s log has the error' }] : activities;
}

type Payload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];

/** Heartbeats say what is awaited: a text, or `waitingFor` with a line for each thing (activities/kubernetes-watch.ts); any other form is no word. */
const heartbeatSchema = z.union([z.string(), z.object({ waitingFor: z.array(z.string()) }).transform(({ waitingFor }) => waitingFor.join('; '))]);

function lastWord(payload: Payload | null | undefined): string | undefined {
  if (payload === null || payload === undefined) return undefined;
  return heartbeatSchema.safeParse(defaultPayloadConverter.fromPayload(payload)).data;
}
