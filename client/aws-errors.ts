// What AWS refused to a person's own credentials, in words and exit codes of the CLI.
import { GoldenpathError } from '../domain/errors.ts';

interface AwsError extends Error {
  $metadata?: { httpStatusCode?: number };
}

/** Errors of the SDK's own credential providers: there was nobody to ask as. */
const NO_CREDENTIALS = ['CredentialsProviderError', 'TokenProviderError'];
/** S3 answers 400 to these, not 403 (API reference § Error responses). */
const WORTHLESS_CREDENTIALS = ['ExpiredToken', 'ExpiredTokenException', 'InvalidToken', 'TokenRefreshRequired'];
const NETWORK = ['ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'];

/** The error as the CLI tells it, or undefined for what is no answer of AWS and no lack of one. `doing` completes "…, while". */
export function awsProblem(error: unknown, doing: string): GoldenpathError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message, $metadata }: AwsError = error;
  const status = $metadata?.httpStatusCode;
  const because = `${name}: ${message || 'no message'}, while ${doing}`;
  if (NO_CREDENTIALS.includes(name)) return new GoldenpathError('AccessDenied', `There are no AWS credentials: ${because}`, ['name yours: AWS_PROFILE, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY'], { cause: error });
  if (status === 401 || status === 403 || (status !== undefined && WORTHLESS_CREDENTIALS.includes(name))) return new GoldenpathError('AccessDenied', `AWS refused your credentials: ${because}`, ['take credentials that may read the registry bucket of the environment: s3:ListBucket and s3:GetObject'], { cause: error });
  const isSilent = name === 'TimeoutError' || ('code' in error && typeof error.code === 'string' && NETWORK.includes(error.code));
  if (isSilent || status === 429 || (status !== undefined && status >= 500)) return new GoldenpathError('Unavailable', `AWS does not answer: ${because}`, ['ask again'], { cause: error });
  return status === undefined ? undefined : new GoldenpathError('TerminalState', `AWS refused: ${because}`, [], { cause: error });
}
