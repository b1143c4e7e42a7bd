// Asks a worker to look at a platform: a read-only workflow of its own, beside whatever run the platform has (X5, C1).
import { randomUUID } from 'node:crypto';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import { GoldenpathError, isErrorType } from '../domain/errors.ts';
import { searchAttribute, TASK_QUEUE } from '../workflows/messages.ts';
import type { Prepared } from './request.ts';

/** A look takes seconds, or two minutes where the Kubernetes API does not answer. A person should not wait longer than this for a worker that is not there. */
const LOOK_MINUTES = 5;

/** `noun`: what a person would call it; `kind`: the first part of its workflow id. */
export interface Look<In> {
  type: string;
  kind: string;
  noun: string;
  input: In;
  summary: string;
}

/** What the workflow of the look returns. Throws the error of the one list that a reading ended with, Unavailable where no worker makes it. */
export async function look<In, Out>(client: Client, { plan: { target }, request }: Prepared, { type, kind, noun, input, summary }: Look<In>): Promise<Out> {
  const { environment, cluster, lifecycle } = target;
  try {
    return await client.workflow.execute<(given: In) => Promise<Out>>(type, {
      workflowId: `${kind}/${environment}/${cluster}/${randomUUID()}`,
      taskQueue: TASK_QUEUE,
      args: [input],
      workflowExecutionTimeout: `${LOOK_MINUTES} minutes`,
      typedSearchAttributes: [
        { key: searchAttribute.environment, value: environment },
        { key: searchAttribute.cluster, value: cluster },
        { key: searchAttribute.lifecycle, value: lifecycle },
        { key: searchAttribute.requester, value: request.requester },
      ],
      staticSummary: summary,
    });
  } catch (error) {
    throw lookProblem(error, noun) ?? error;
  }
}

function lookProblem(error: unknown, noun: string): GoldenpathError | undefined {
  if (!(error instanceof WorkflowFailedError)) return undefined;
  const { cause } = error;
  if (cause instanceof TimeoutFailure) return new GoldenpathError('Unavailable', `No worker made the ${noun} within ${LOOK_MINUTES} minutes`, ['start a worker (goldenpath worker) and ask again'], { cause: error });
  if (!(cause instanceof ApplicationFailure) || !isErrorType(cause.type)) return undefined;
  const [problems] = cause.details ?? [];
  return new GoldenpathError(cause.type, cause.message, Array.isArray(problems) ? problems.map(String) : [], { cause: error });
}
