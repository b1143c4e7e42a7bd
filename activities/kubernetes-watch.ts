// Waiting on the Kubernetes API: a watch only wakes, what holds is always read afresh, and each reading is a heartbeat (architecture.md § How a run flows).
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { Watch } from '@kubernetes/client-node';
import { GoldenpathError } from '../domain/errors.ts';
import { heartbeat } from './heartbeat.ts';
import type { ClusterClient } from './kubernetes-client.ts';

/** Heartbeat time-out that is assumed where an activity has none. */
const DEFAULT_HEARTBEAT_MS = 20_000;
/** Controllers write status several times in a row; one reading answers for all of them. */
const SETTLE_MS = 250;

/** What one reading found: done with a result, or still waiting, and for what. */
export type Finding<T> = { done: true; result: T } | { done: false; waitingFor: string[] };

/** How long a waiting activity may go without a new reading: five readings fit into one heartbeat time-out. */
export function relistMs(): number {
  return (Context.current().info.heartbeatTimeoutMs ?? DEFAULT_HEARTBEAT_MS) / 5;
}

/**
 * Reads until done. Heartbeats what is awaited, so that the Temporal UI shows it. Ends with the activity's cancellation, or shortly
 * before the activity's own time-out with what is still awaited: NotReady where another attempt may follow, DeadlineExceeded where not.
 */
export async function awaitFinding<T>(what: string, read: () => Promise<Finding<T>>, { waker, everyMs = relistMs() }: { waker?: Waker; everyMs?: number } = {}): Promise<T> {
  const { at, last } = attemptEnd();
  for (;;) {
    const finding = await read();
    if (finding.done) return finding.result;
    const { waitingFor } = finding;
    if (Date.now() >= at) throw new GoldenpathError(last ? 'DeadlineExceeded' : 'NotReady', `${what}: still waiting for ${waitingFor.join('; ')}`, waitingFor);
    heartbeat({ waitingFor });
    await Promise.race([waker === undefined ? Context.current().sleep(everyMs) : waker.next(everyMs), Context.current().cancelled]);
  }
}

/** When this attempt should give up by itself, two readings before Temporal does, and whether it is the last one. */
function attemptEnd(): { at: number; last: boolean } {
  const { startToCloseTimeoutMs, scheduleToCloseTimeoutMs, scheduledTimestampMs } = Context.current().info;
  const attempt = Date.now() + startToCloseTimeoutMs;
  const total = scheduleToCloseTimeoutMs > 0 ? scheduledTimestampMs + scheduleToCloseTimeoutMs : Number.POSITIVE_INFINITY; // 0: no such limit
  return { at: Math.min(attempt, total) - 2 * relistMs(), last: total - relistMs() <= attempt };
}

/** Wakes a reader when something under a path changes. */
export class Waker {
  private readonly cluster: ClusterClient;
  private readonly path: string;
  private controller: AbortController | undefined;
  private changed = Promise.withResolvers<void>();
  private closed = false;

  constructor(cluster: ClusterClient, path: string) {
    this.cluster = cluster;
    this.path = path;
  }

  /** Resolves a little after the next change, or after `ms`. A watch that ended is opened again here; it begins with every object as it is, so that nothing falls between reading and watching. */
  async next(ms: number): Promise<void> {
    const { promise } = this.changed;
    if (this.controller === undefined && !this.closed) await this.open();
    const woken = new AbortController();
    await Promise.race([promise.then(() => sleep(SETTLE_MS)), sleep(ms, undefined, { signal: woken.signal }).catch(ignoreAbort)]);
    woken.abort();
  }

  close(): void {
    this.closed = true;
    this.controller?.abort();
  }

  private async open(): Promise<void> {
    const watch = new Watch(await this.cluster.watchConfig());
    // An ended watch (idle for 30 s, API server restarted, token expired) is no finding: the reader lists again and opens the next.
    const ended = () => { this.controller = undefined; };
    const controller = await watch.watch(this.path, {}, () => this.wake(), ended);
    this.controller = controller.signal.aborted ? undefined : controller;
  }

  private wake(): void {
    this.changed.resolve();
    this.changed = Promise.withResolvers<void>();
  }
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}
