// Triage at the activity's edge: expected errors of domain code and of AWS become Temporal failures of the list in domain/errors.ts; bugs keep their stack (architecture.md § Temporal conventions, failure 36).
import { ApplicationFailure, ApplicationFailureCategory, TemporalFailure } from '@temporalio/common';
import { ERRORS, type ErrorType, GoldenpathError, isErrorType } from '../domain/errors.ts';
import { nextProbeMs } from '../domain/timings.ts';
import type { Waiting } from './contract.ts';

/** Recognises errors of one system; undefined for what it does not know. */
export type Mapper = (error: unknown) => GoldenpathError | undefined;

/** What a service answers for a thing that does not exist: exact names of the errors, the only proof of absence (failure 36). */
export const NOT_FOUND = {
  eks: ['ResourceNotFoundException'],
  iam: ['NoSuchEntityException', 'NoSuchEntity'],
  logs: ['ResourceNotFoundException'],
  secretsManager: ['ResourceNotFoundException'],
  securityGroup: ['InvalidGroup.NotFound'],
  networkInterface: ['InvalidNetworkInterfaceID.NotFound'],
  volume: ['InvalidVolume.NotFound'],
  instance: ['InvalidInstanceID.NotFound'],
  snapshot: ['InvalidSnapshot.NotFound'],
  address: ['InvalidAllocationID.NotFound'],
  launchTemplate: ['InvalidLaunchTemplateId.NotFound', 'InvalidLaunchTemplateId.NotFoundException'],
  loadBalancer: ['LoadBalancerNotFoundException', 'LoadBalancerNotFound'],
  targetGroup: ['TargetGroupNotFoundException', 'TargetGroupNotFound'],
  listener: ['ListenerNotFoundException', 'ListenerNotFound'],
  rule: ['RuleNotFoundException', 'RuleNotFound'],
  object: ['NoSuchKey'],
  bucket: ['NoSuchBucket'],
  kms: ['NotFoundException'],
  databaseSnapshot: ['DBSnapshotNotFound', 'DBSnapshotNotFoundFault'],
  databaseInstance: ['DBInstanceNotFound', 'DBInstanceNotFoundFault'],
} as const;

/**
 * The type of an AWS error by its code. Sources: the services' "Common errors" pages and the SDK's own throttling list.
 * Codes that are not here stay what they are: an unknown error is never taken for an expected one.
 */
const AWS_CODES: Partial<Record<ErrorType, readonly string[]>> = {
  Throttled: [
    'BandwidthLimitExceeded', 'EC2ThrottledException', 'PriorRequestNotComplete', 'RequestLimitExceeded', 'RequestThrottled',
    'RequestThrottledException', 'SlowDown', 'ThrottledException', 'Throttling', 'ThrottlingException', 'TooManyRequestsException',
  ],
  Unavailable: ['InternalError', 'InternalFailure', 'InternalServerError', 'RequestTimeout', 'RequestTimeoutException', 'ServerException', 'ServiceException', 'ServiceFailureException', 'ServiceUnavailable', 'ServiceUnavailableException', 'TimeoutError'],
  AccessDenied: [
    'AccessDenied', 'AccessDeniedException', 'AuthFailure', 'CredentialsProviderError', 'ExpiredToken', 'ExpiredTokenException', 'InvalidAccessKeyId', 'InvalidClientTokenId',
    'InvalidIdentityToken', 'NotAuthorized', 'OptInRequired', 'SignatureDoesNotMatch', 'TokenProviderError', 'UnauthorizedOperation', 'UnrecognizedClientException',
  ],
  QuotaExceeded: ['AddressLimitExceeded', 'LimitExceeded', 'LimitExceededException', 'ResourceLimitExceededException', 'RulesPerSecurityGroupLimitExceeded', 'SecurityGroupLimitExceeded', 'ServiceQuotaExceededException'],
  Conflict: [
    'ConcurrentModification', 'ConcurrentModificationException', 'ConditionalRequestConflict', 'DeleteConflict', 'DeleteConflictException', 'DependencyViolation', 'EntityAlreadyExists', 'EntityAlreadyExistsException',
    'InvalidRequestException', 'InvalidResourceRecordSetProtectionBatch', 'OperationAborted', 'OperationAbortedException', 'ResourceInUseException',
  ],
  // What AWS refuses in the middle of a run is no bad input of a person: exit 2 promises that nothing has happened yet.
  TerminalState: ['InvalidParameter', 'InvalidParameterException', 'InvalidParameterValue', 'MalformedPolicyDocument', 'MalformedPolicyDocumentException', 'NoSuchBucket', 'ValidationError', 'ValidationException'],
};

/** No answer came: node's own codes of a socket that failed. */
const NETWORK_CODES: readonly string[] = ['ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'];

const TYPE_OF_CODE = new Map(Object.entries(AWS_CODES).flatMap(([type, codes]) => (isErrorType(type) ? codes.map((code) => [code, type] as const) : [])));

/** An error of the AWS SDK: an answer of a service, no answer, or no credentials. */
export const mapAwsError: Mapper = (error) => {
  if (!(error instanceof Error)) return undefined;
  const type = awsType(error);
  if (type === undefined) return undefined;
  const text = `${error.name}: ${error.message || 'no message'}${requestOf(error)}`;
  return new GoldenpathError(type, text, [text], { cause: error });
};

function awsType(error: Error): ErrorType | undefined {
  if ('code' in error && typeof error.code === 'string' && NETWORK_CODES.includes(error.code)) return 'Unavailable';
  const known = TYPE_OF_CODE.get(error.name);
  const status = metadataOf(error).httpStatusCode;
  // Names are only trusted on errors that an SDK client made: those have its metadata, or are its own providers' errors.
  if (known !== undefined && (status !== undefined || ['TimeoutError', 'CredentialsProviderError', 'TokenProviderError'].includes(error.name))) return known;
  if (status === 429) return 'Throttled';
  return status !== undefined && status >= 500 ? 'Unavailable' : undefined;
}

interface Metadata {
  httpStatusCode?: number;
  requestId?: string;
}

function metadataOf(error: Error & { $metadata?: Metadata }): Metadata {
  return error.$metadata ?? {};
}

function requestOf(error: Error): string {
  const { requestId } = metadataOf(error);
  return requestId === undefined ? '' : ` (request ${requestId})`;
}

/** Whether the error is exactly one of these, by name. */
export function isNamed(error: unknown, names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

/** The answer, or undefined where the service says by one of these names that the thing does not exist; every other error is thrown on. */
export async function orAbsent<T>(call: Promise<T>, names: readonly string[]): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNamed(error, names)) return undefined;
    throw error;
  }
}

/** The expected miss of a probe: retried by the server when `nextProbeMs` says, and not logged as an error. One problem a line. */
export function notReady(message: string, { startedAt, wait }: Pick<Waiting, 'startedAt' | 'wait'>, problems: string[] = [message]): ApplicationFailure {
  return failureOf('NotReady', message, problems, { nextRetryDelay: nextProbeMs(Date.now() - startedAt, wait) });
}

/** A failure as Temporal keeps it. `details` holds one element: the list of problems. */
export function toFailure(error: GoldenpathError): ApplicationFailure {
  return failureOf(error.type, error.message, error.problems, { cause: error.cause instanceof Error ? error.cause : error });
}

function failureOf(type: ErrorType, message: string, problems: string[], extra: { nextRetryDelay?: number; cause?: Error }): ApplicationFailure {
  const kind: { retry: boolean; benign?: true } = ERRORS[type];
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: !kind.retry,
    details: [problems],
    ...(kind.benign === undefined ? {} : { category: ApplicationFailureCategory.BENIGN }),
    ...extra,
  });
}

/** What an activity throws in place of the error: Temporal's own failures (cancellation among them), aborts and unknown errors stay as they are. */
export function triage(error: unknown, mappers: readonly Mapper[]): unknown {
  const known = knownError(error, mappers);
  return known === undefined ? error : toFailure(known);
}

/** The expected error that this is; undefined for Temporal's own failures (cancellation among them), aborts and unknown errors. */
export function knownError(error: unknown, mappers: readonly Mapper[]): GoldenpathError | undefined {
  if (error instanceof TemporalFailure || isNamed(error, ['AbortError'])) return undefined;
  if (error instanceof GoldenpathError) return error;
  for (const map of mappers) {
    const mapped = map(error);
    if (mapped !== undefined) return mapped;
  }
  return undefined;
}

/** Wraps an activity so that its errors are triaged once, here: by the given mappers first, then by AWS's. */
export function atEdge<In, Out>(activity: (input: In) => Promise<Out>, ...mappers: Mapper[]): (input: In) => Promise<Out> {
  return async (input) => {
    try {
      return await activity(input);
    } catch (error) {
      throw triage(error, [...mappers, mapAwsError]);
    }
  };
}
