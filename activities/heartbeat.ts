// Tells the server that the worker lives while an activity makes its many calls, so that a killed worker is noticed within the heartbeat time-out and a throttled one is not taken for dead (decision 1).
import { Context } from '@temporalio/activity';

/** Four beats fit into one heartbeat time-out: one may be lost, and one late. */
const BEATS = 4;

/** Heartbeats where the activity has a heartbeat time-out; Temporal forbids it where it has none. */
export function heartbeat(details: unknown): void {
  const context = Context.current();
  if (context.info.heartbeatTimeoutMs !== undefined) context.heartbeat(details);
}

/**
 * Wraps an activity so that it heartbeats while it runs, where its options give a heartbeat time-out. How long it may run
 * is bounded by its start-to-close time-out and by the time-out of each request. Not for activities that watch: those
 * heartbeat what they wait for, and a watch that hangs must be noticed.
 */
export function whileHeartbeating<In, Out>(run: (input: In) => Promise<Out>): (input: In) => Promise<Out> {
  return async (input) => {
    const context = Context.current();
    const { heartbeatTimeoutMs } = context.info;
    if (heartbeatTimeoutMs === undefined || heartbeatTimeoutMs === 0) return run(input);
    const beat = setInterval(() => { context.heartbeat(); }, heartbeatTimeoutMs / BEATS);
    try {
      return await run(input);
    } finally {
      clearInterval(beat);
    }
  };
}
