// Follows a run for a person or a script, until it ends, waits for a decision, or is let go of (U1).
import { OPERATION_NOUN } from '../../domain/stages.ts';
import { eventsBetween, type RunEvent } from '../events.ts';
import type { Contact } from '../connection.ts';
import { type RunView, watchRun } from '../watch.ts';
import type { RunRef } from '../runs.ts';
import { EXIT, exitOfView } from './exit.ts';
import type { Paint, Printer } from './print.ts';
import { errorLines, pendingLines, silentLine, stageLine, summaryLines } from './render.ts';
import { duration } from './render-words.ts';
import { type StageList, stageList } from './stage-list.ts';

export interface Followed {
  exit: number;
  /** The last view; none where the run was let go of before the first. */
  view?: RunView;
}

/** How the run is shown: `events` prints NDJSON on stdout; otherwise progress goes to stderr, redrawn or line by line. */
export interface FollowOptions {
  events?: boolean;
  timeoutMs?: number | undefined;
}

/** Follows the run and prints its progress. Ctrl-C lets go of it (exit 130), a timeout too (124); the run goes on either way. */
export async function follow(contact: Contact, ref: RunRef, printer: Printer, { events = false, timeoutMs }: FollowOptions = {}): Promise<Followed> {
  const letGo = new AbortController();
  const interrupt = () => { letGo.abort('interrupted'); };
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => { letGo.abort('timed out'); }, timeoutMs);
  process.on('SIGINT', interrupt); // `on`: where a library sees itself alone with a signal (signal-exit), it kills the process
  try {
    const { view, exit } = await followUntil(contact, ref, printer, { events, signal: letGo.signal });
    const late = letGo.signal.reason === 'timed out';
    if (exit === undefined) printer.message(`${late ? 'The time to watch is over' : 'Detached'}: the run goes on. Resume with: goldenpath watch ${ref.workflowId}`);
    return { exit: exit ?? (late ? EXIT.timedOut : EXIT.interrupted), ...(view === undefined ? {} : { view }) };
  } finally {
    process.off('SIGINT', interrupt);
    clearTimeout(timer);
  }
}

/** Follows the run until it ends, waits for a decision, or the signal aborts: then there is no exit code. */
export async function followUntil({ client }: Contact, ref: RunRef, printer: Printer, { events, signal }: { events: boolean; signal: AbortSignal }): Promise<{ view?: RunView; exit?: number }> {
  const progress = events ? eventProgress(printer) : printer.live ? liveProgress(printer) : lineProgress(printer);
  let view: RunView | undefined;
  try {
    for await (const next of watchRun(client, ref, signal)) {
      const exit = exitOfView(next);
      progress.show(view, next, exit);
      view = next;
      if (exit !== undefined) return { view, exit };
    }
    return view === undefined ? {} : { view };
  } finally {
    await progress.end();
  }
}

/** Prints how a followed run stands now: the report as one JSON document, or a summary. `teardown`: the one that followed a failed bootstrap, by its own request. */
export function printEnd({ view, exit }: Followed, printer: Printer, teardown?: Followed): number {
  const { report, outcome } = view ?? {};
  if (printer.format === 'json') printer.document({ ...documentOf(view), ...(teardown === undefined ? {} : { teardown: { ...report?.teardown, ...documentOf(teardown.view) } }) });
  else {
    if (report !== undefined) printer.data(...summaryLines(report, printer.paint));
    if (teardown?.view?.report !== undefined) printer.data(...summaryLines(teardown.view.report, printer.paint));
  }
  if (outcome?.error !== undefined && report?.state !== 'failed') printer.message(`${outcome.error.type}: ${outcome.error.message}`);
  return exit;
}

function documentOf({ report, run, outcome }: Partial<RunView> = {}): object {
  const error = outcome?.error === undefined ? {} : { error: outcome.error };
  return report === undefined ? { schema: 1, state: outcome === undefined ? 'running' : 'failed', workflowId: run?.workflowId ?? null, runId: run?.runId ?? null, ...error } : { ...report, ...error };
}

interface Progress {
  show(before: RunView | undefined, after: RunView, exit: number | undefined): void;
  end(): Promise<void>;
}

function eventProgress(printer: Printer): Progress {
  return { show: (before, after, exit) => { for (const event of eventsBetween(before, after, Date.now(), exit ?? EXIT.ok)) printer.line(event); }, end: () => Promise.resolve() };
}

function lineProgress(printer: Printer): Progress {
  return { show: (before, after, exit) => { for (const event of eventsBetween(before, after, Date.now(), exit ?? EXIT.ok)) printer.message(...progressLines(event, printer)); }, end: () => Promise.resolve() };
}

function liveProgress(printer: Printer): Progress {
  let list: StageList | undefined;
  return {
    show: (before, after) => {
      if (after.report !== undefined) list ??= stageList(after.report.stages);
      else if (after.silent !== undefined && before?.silent !== after.silent) printer.message(silentLine(after.silent));
      list?.show(after);
    },
    end: async () => { await list?.end(); },
  };
}

/** An event as the lines of a log; activities that have nothing to say get none. */
function progressLines(event: RunEvent, { paintMessage: paint }: Printer): string[] {
  const time = paint('dim', new Date(event.at).toISOString().slice(11, 19));
  return linesOf(event, paint).map((line) => `${time} ${line}`);
}

function linesOf(event: RunEvent, paint: Paint): string[] {
  if (event.event === 'run') return [`${OPERATION_NOUN[event.operation]} of ${event.cluster ?? event.workflowId}, by ${event.requester ?? 'unknown'}, running for ${duration(event.at - event.startedAt)}`];
  if (event.event === 'stage') {
    const ended = event.durationMs === undefined ? {} : { startedAt: 0, endedAt: event.durationMs };
    return [stageLine({ title: event.title, status: event.status, attempts: event.attempt, ...ended }, paint), ...errorLines(event, paint).map((line) => `    ${line}`)];
  }
  if (event.event === 'awaits') return pendingLines(event.pending.filter(({ says }) => says !== undefined)).map((line) => `  … ${line}`);
  if (event.event === 'decision-needed') return [`the run waits for a decision at ${event.stage}: ${event.reason}`];
  if (event.event === 'decision') return [`${event.decision} at ${event.stage} by ${event.by}: ${event.reason}`];
  if (event.event === 'silent') return [event.who === 'none' ? 'worker and server answer again' : silentLine(event.who)];
  return []; // the end is the command's own last word
}
