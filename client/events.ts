// What happened between two views of a run, as events with a schema version: the lines of `watch -o json` and of a terminal-less run.
import { z } from 'zod';
import { DECISIONS } from '../domain/break-glass.ts';
import type { RunReport, StageReport, Waiting } from '../domain/report.ts';
import { OPERATIONS } from '../domain/stages.ts';
import { approvalSchema, requestSchema } from './decision-request.ts';
import type { RunView } from './watch.ts';

const base = { schema: z.literal(1), at: z.number(), workflowId: z.string(), runId: z.string() };
const error = z.object({ type: z.string(), message: z.string(), problems: z.array(z.string()) });

/** The events of `watch -o json`, one JSON object a line. Fields may be added under the same version; none changes its meaning or goes. Times are ms since the epoch. */
export const eventSchema = z.discriminatedUnion('event', [
  z.object({ ...base, event: z.literal('run'), operation: z.enum(OPERATIONS), cluster: z.string().nullable(), environment: z.string().nullable(), requester: z.string().nullable(), startedAt: z.number() }),
  z.object({ ...base, event: z.literal('stage'), stage: z.string(), title: z.string(), status: z.enum(['running', 'waiting', 'done', 'failed']), attempt: z.number(), durationMs: z.number().optional(), evidence: z.array(z.string()), error: error.optional() }),
  /** What the run waits for by itself: activities under way and their last word. */
  z.object({ ...base, event: z.literal('awaits'), stage: z.string().nullable(), pending: z.array(z.object({ activity: z.string(), attempt: z.number(), says: z.string().optional() })) }),
  /** What the run waits for a person to decide; again whenever the request or who answered it changes. `request`: what approvers may decide, as `goldenpath sign` takes it. */
  z.object({ ...base, event: z.literal('decision-needed'), stage: z.string(), reason: z.string(), records: z.array(z.unknown()), answers: z.array(z.enum(['retry', 'abort'])), request: requestSchema.optional(), approvals: z.array(approvalSchema) }),
  z.object({ ...base, event: z.literal('decision'), stage: z.string(), decision: z.enum(['retry', ...DECISIONS]), by: z.string(), reason: z.string() }),
  /** Nobody answers: `worker` (the run goes on, what it does cannot be seen) or `server`; `none` when both answer again. */
  z.object({ ...base, event: z.literal('silent'), who: z.enum(['worker', 'server', 'none']) }),
  /** Nothing could be watched: the only event then. */
  z.object({ schema: z.literal(1), at: z.number(), event: z.literal('error'), error: z.object({ type: z.string(), message: z.string(), problems: z.array(z.unknown()) }) }),
  z.object({ ...base, event: z.literal('end'), status: z.string(), state: z.string(), exitCode: z.number(), error: z.object({ type: z.string(), message: z.string() }).optional(), report: z.unknown() }),
]);
/** An event of a run that is watched. */
export type RunEvent = Exclude<z.infer<typeof eventSchema>, { event: 'error' }>;

/** The events that lead from one view to the next; `before` is undefined for the first. `exitCode` is the one the command ends with. */
export function eventsBetween(before: RunView | undefined, after: RunView, at: number, exitCode: number): RunEvent[] {
  const { run, outcome } = after;
  const fields = { schema: 1 as const, at, workflowId: run.workflowId, runId: run.runId };
  const same = before?.run.runId === run.runId ? before : undefined;
  const events: RunEvent[] = [];
  if (same === undefined) events.push({ ...fields, event: 'run', operation: run.operation, cluster: run.cluster, environment: run.environment, requester: run.requester, startedAt: run.startedAt });
  if (same?.silent !== after.silent) events.push({ ...fields, event: 'silent', who: after.silent ?? 'none' });
  if (after.report !== undefined) events.push(...reportEvents(same?.report, after.report, fields));
  if (outcome === undefined && wordsOf(same?.pending) !== wordsOf(after.pending)) events.push({ ...fields, event: 'awaits', stage: run.phase, pending: after.pending });
  if (outcome !== undefined) events.push({ ...fields, event: 'end', status: outcome.status, state: after.report?.state ?? 'failed', exitCode, ...(outcome.error === undefined ? {} : { error: outcome.error }), report: after.report ?? null });
  return events;
}

/** Another attempt that says the same is no event. */
function wordsOf(pending: RunView['pending'] = []): string {
  return JSON.stringify(pending.map(({ activity, says }) => [activity, says]));
}

type Fields = Pick<RunEvent, 'schema' | 'at' | 'workflowId' | 'runId'>;

function reportEvents(before: RunReport | undefined, after: RunReport, fields: Fields): RunEvent[] {
  const events: RunEvent[] = [];
  for (const decision of after.decisions.slice(before?.decisions.length ?? 0)) events.push({ ...fields, event: 'decision', stage: decision.stage, decision: decision.decision, by: decision.by, reason: decision.reason });
  for (const [index, stage] of after.stages.entries()) {
    const earlier = before?.stages[index];
    if (stage.status !== 'pending' && (earlier?.status !== stage.status || earlier.attempts !== stage.attempts)) events.push(stageEvent(stage, stage.status, fields));
  }
  const { waiting } = after;
  if (waiting !== undefined && (before?.waiting === undefined || questionOf(before.waiting) !== questionOf(waiting))) events.push({ ...fields, event: 'decision-needed', ...needed(waiting) });
  return events;
}

function questionOf({ since, request, approvals }: Waiting): string {
  return JSON.stringify([since, request?.id, approvals.length]);
}

function needed({ stage, reason, records, answers, request, approvals }: Waiting) {
  return { stage, reason, records, answers, ...(request === undefined ? {} : { request }), approvals };
}

function stageEvent({ id, title, attempts, startedAt, endedAt, evidence, error: problem }: StageReport, status: Exclude<StageReport['status'], 'pending'>, fields: Fields): RunEvent {
  const durationMs = startedAt === undefined || endedAt === undefined || status === 'running' ? {} : { durationMs: endedAt - startedAt };
  return { ...fields, event: 'stage', stage: id, title, status, attempt: attempts, ...durationMs, evidence, ...(problem === undefined ? {} : { error: problem }) };
}
