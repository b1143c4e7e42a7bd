// Calls activities as a worker does: each within an activity's context, with the heartbeat time-out of a change.
import { MockActivityEnvironment } from '@temporalio/testing';

/** The same activities, each run in a context of its own. */
export function inActivity<A extends object>(activities: A): A {
  const wrapped = Object.entries(activities).map(([name, activity]) => [name, (input: unknown): unknown => new MockActivityEnvironment({ heartbeatTimeoutMs: 20_000 }).run(activity as (input: unknown) => Promise<unknown>, input)]);
  return Object.fromEntries(wrapped) as A;
}
