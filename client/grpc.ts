// What a failed call to Temporal means: someone is silent, or the call itself was wrong.
import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';

/** No worker answers: the deadline passed, the server gave the call up (CANCELLED), or no worker has asked the task queue for work lately (FAILED_PRECONDITION). */
export function isSilence(error: unknown): boolean {
  return error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || hasCode(error, status.DEADLINE_EXCEEDED, status.CANCELLED, status.FAILED_PRECONDITION);
}

/** No server answers, or one that is starting or stopping. */
export function isAway(error: unknown): boolean {
  return hasCode(error, status.UNAVAILABLE, status.CANCELLED, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED);
}

/** The server's words for a call that it refused. */
export function grpcDetails(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (isGrpcServiceError(cause)) return cause.details;
  return undefined;
}

function hasCode(error: unknown, ...codes: status[]): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (isGrpcServiceError(cause) && codes.includes(cause.code)) return true;
  return false;
}
