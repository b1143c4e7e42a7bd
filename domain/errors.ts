// The one list of errors, with what a second attempt could bring and the exit code a person's shell sees (architecture.md § Temporal conventions).

/** retry: a later attempt may succeed. benign: an expected miss of a poll, retried and not logged as an error. exit: the CLI's exit code (issue 3 § 8). */
interface ErrorKind {
  retry: boolean;
  benign?: true;
  exit: number;
}

export const ERRORS = {
  /** A request or file that cannot be meant: refused before the first change (F5). */
  InvalidInput: { retry: false, exit: 2 },
  /** A gate said no: foundation check, preflight, acceptance (T1). */
  PreflightFailed: { retry: false, exit: 5 },
  AcceptanceFailed: { retry: false, exit: 5 },
  /** Route 53 still holds records of the platform when the gate's deadline passed (X2). */
  DnsRecordsRemain: { retry: false, exit: 5 },
  /** A destroying call without a valid proof (teardown.md § The invariant). */
  ProofMissing: { retry: false, exit: 5 },
  /** AWS or Kubernetes refused the caller. */
  AccessDenied: { retry: false, exit: 4 },
  ApprovalDenied: { retry: false, exit: 4 },
  QuotaExceeded: { retry: false, exit: 5 },
  /** An object of that name exists and carries another owner's tag, or none (failure 39). */
  NotOwned: { retry: false, exit: 5 },
  /** The secret of a database has a password that PostgreSQL refuses, or none: replaced only when asked (R2). */
  PasswordWrong: { retry: false, exit: 5 },
  /** A cloud object ended in a state that it cannot leave: CREATE_FAILED and the like. */
  TerminalState: { retry: false, exit: 1 },
  /** An operator ended the run. */
  Aborted: { retry: false, exit: 1 },
  /** A teardown took a bootstrap over (X6). */
  Interrupted: { retry: false, exit: 1 },
  /** A deadline of the plan passed. */
  DeadlineExceeded: { retry: false, exit: 1 },
  /** The other side asked for slower calls. */
  Throttled: { retry: true, exit: 1 },
  /** No answer, or a 5xx: nothing is known. Never read as absence (failure 36). */
  Unavailable: { retry: true, exit: 1 },
  /** The same of a cluster's own API: then nothing can be drained, and nothing there counts as gone. */
  KubernetesUnavailable: { retry: true, exit: 1 },
  /** Not there yet: the expected miss of a poll. */
  NotReady: { retry: true, benign: true, exit: 1 },
  /** Two writers met; read again and decide anew. */
  Conflict: { retry: true, exit: 1 },
} as const satisfies Record<string, ErrorKind>;

export type ErrorType = keyof typeof ERRORS;

/** The types that no retry can mend: `nonRetryableErrorTypes` of every activity. */
export const PERMANENT: ErrorType[] = Object.keys(ERRORS).filter(isErrorType).filter((type) => !ERRORS[type].retry);

export function isErrorType(type: string | null | undefined): type is ErrorType {
  return type !== null && type !== undefined && Object.hasOwn(ERRORS, type);
}

/** The exit code that an error of this type gives to the shell; 1 for what the list does not know. */
export function exitCodeOf(type: string | null | undefined): number {
  return isErrorType(type) ? ERRORS[type].exit : 1;
}

/**
 * An error that domain code or an activity throws on purpose. `problems` holds every finding, one line each, so that
 * a person mends them all at once. Activities turn it into Temporal's ApplicationFailure at their edge.
 */
export class GoldenpathError extends Error {
  readonly type: ErrorType;
  readonly problems: string[];

  constructor(type: ErrorType, message: string, problems: string[] = [], options?: ErrorOptions) {
    super(message, options);
    this.name = type;
    this.type = type;
    this.problems = problems;
  }
}
