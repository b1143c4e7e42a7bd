// Which runs are in flight, asked of Temporal itself (X5, X6).
import { Context } from '@temporalio/activity';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Surveys } from './contract.ts';

export const runActivities: Pick<Surveys, 'readRuns'> = {
  readRuns: async ({ workflowIds }) => {
    const { client } = Context.current();
    const seen: Awaited<ReturnType<Surveys['readRuns']>> = [];
    for (const workflowId of workflowIds) seen.push({ workflowId, run: await runInFlight(client, workflowId) });
    return seen;
  },
};

/** Temporal's words for a run that has ended. Any other word, also one that this SDK does not know, is a run in flight. */
const ENDED: readonly string[] = ['COMPLETED', 'FAILED', 'CANCELLED', 'TERMINATED', 'TIMED_OUT'];

/** The latest run of the workflow id where it has not ended. Only Temporal's typed NotFound says that there never was one. */
async function runInFlight(client: Client, workflowId: string): Promise<{ type: string; runId: string } | null> {
  try {
    const { status, type, runId } = await client.workflow.getHandle(workflowId).describe();
    return ENDED.includes(status.name) ? null : { type, runId };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
