// Asks a worker what a teardown would do: a read-only workflow of its own, beside whatever run the platform has (X5, item 8).
import { randomUUID } from 'node:crypto';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import { GoldenpathError, isErrorType } from '../domain/errors.ts';
import type { TeardownPreview } from '../domain/teardown-preview.ts';
import { PREVIEW, type PreviewInput, searchAttribute, TASK_QUEUE } from '../workflows/messages.ts';
import type { Prepared } from './request.ts';

/** A preview takes seconds, or two minutes where the Kubernetes API does not answer. A person should not wait longer than this for a worker that is not there. */
const PREVIEW_MINUTES = 5;

/** The preview of the prepared teardown. Throws the error of the one list that a reading ended with, Unavailable where no worker makes it. */
export async function previewTeardown(client: Client, { plan, request }: Prepared): Promise<TeardownPreview> {
  const { environment, cluster, lifecycle } = plan.target;
  const input: PreviewInput = { plan, requester: request.requester };
  try {
    return await client.workflow.execute<(given: PreviewInput) => Promise<TeardownPreview>>(PREVIEW, {
      workflowId: `preview/${environment}/${cluster}/${randomUUID()}`,
      taskQueue: TASK_QUEUE,
      args: [input],
      workflowExecutionTimeout: `${PREVIEW_MINUTES} minutes`,
      typedSearchAttributes: [
        { key: searchAttribute.environment, value: environment },
        { key: searchAttribute.cluster, value: cluster },
        { key: searchAttribute.lifecycle, value: lifecycle },
        { key: searchAttribute.requester, value: request.requester },
      ],
      staticSummary: `Preview of a teardown of ${cluster}; changes nothing`,
    });
  } catch (error) {
    throw previewProblem(error) ?? error;
  }
}

function previewProblem(error: unknown): GoldenpathError | undefined {
  if (!(error instanceof WorkflowFailedError)) return undefined;
  const { cause } = error;
  if (cause instanceof TimeoutFailure) return new GoldenpathError('Unavailable', `No worker made the preview within ${PREVIEW_MINUTES} minutes`, ['start a worker (goldenpath worker) and ask again'], { cause: error });
  if (!(cause instanceof ApplicationFailure) || !isErrorType(cause.type)) return undefined;
  const [problems] = cause.details ?? [];
  return new GoldenpathError(cause.type, cause.message, Array.isArray(problems) ? problems.map(String) : [], { cause: error });
}
