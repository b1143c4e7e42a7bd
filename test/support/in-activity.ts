// Calls activities as a worker does: each within an activity's context, with the heartbeat time-out of a change.
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

/** The run whose activities these are, unless a test says otherwise. */
export const RUN = { workflowId: 'platform/dev/goldenpath-dev-eks-21-11-26-01', runId: 'run-1' };

/** Activities that fail on purpose are not worth a page of log each. */
const logger = new DefaultLogger('ERROR');

/** The same activities, each run in a context of its own: type and id are its name, of this run. */
export function inActivity<A extends object>(activities: A, { attempt = 1, heartbeatDetails, ...run }: Partial<typeof RUN> & { attempt?: number; heartbeatDetails?: unknown } = {}): A {
  const wrapped = Object.entries(activities).map(([name, activity]) => {
    const info = { heartbeatTimeoutMs: 20_000, activityType: name, activityId: name, attempt, heartbeatDetails, workflowExecution: { ...RUN, ...run } };
    return [name, (input: unknown): unknown => new MockActivityEnvironment(info, { logger }).run(activity as (input: unknown) => Promise<unknown>, input)];
  });
  return Object.fromEntries(wrapped) as A;
}
