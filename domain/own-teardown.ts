// A bootstrap that failed and was told to tear down what it made: whether there is anything, and as which request (issue 5 § 9). Pure.
import { type Plan, teardownOf } from './plan.ts';
import { hasCreated, type RunReport } from './report.ts';
import type { BootstrapRequest, TeardownRequest } from './request.ts';

/**
 * The teardown that a failed bootstrap goes on as, or undefined where it was told otherwise, or came to create nothing: what it was refused for may be
 * somebody else's platform of the same build id. That teardown waits for people where it cannot go on, as every other does.
 */
export function ownTeardown(plan: Plan, { environment, lifecycle, buildId, requester, commit, onFailure }: BootstrapRequest, report: RunReport): { plan: Plan; request: TeardownRequest } | undefined {
  // The client refuses it of a persistent platform (domain/request.ts); who starts the workflow by other means is not obeyed either.
  if (onFailure !== 'teardown' || plan.target.lifecycle === 'persistent' || !hasCreated(report)) return undefined;
  const request = { environment, lifecycle, buildId, requester, onFailure: 'wait' as const, reason: ownTeardownReason(report) };
  return { plan: teardownOf(plan), request: commit === undefined ? request : { ...request, commit } };
}

/** Why it goes, in one sentence: the stage that failed and what it said. */
function ownTeardownReason({ stages, runId }: RunReport): string {
  const failed = stages.find(({ error }) => error !== undefined);
  return `the bootstrap (run ${runId}) failed${failed === undefined ? '' : ` at stage ${failed.id}: ${failed.error?.message ?? ''}`}, and was asked to tear down what it made`;
}
