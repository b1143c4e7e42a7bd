// What a stage threw, in the words of the one error list: type, message and every finding (domain/errors.ts).
import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import { type Decision, subjectOf } from '../domain/break-glass.ts';
import { type OwnedRecord, ownedLine } from '../domain/dns-records.ts';
import { type ErrorType, GoldenpathError } from '../domain/errors.ts';

/** Errors that the outside world or a gate causes; everything else is a bug. */
export function isOperational(error: unknown): boolean {
  return error instanceof ActivityFailure || error instanceof ApplicationFailure || error instanceof GoldenpathError;
}

/** What people may decide about a failure, and about what exactly. */
export interface Offer {
  decisions: Decision[];
  subject: string[];
  /** The records among it, for the report. */
  records: OwnedRecord[];
}

/** A failure that only people can decide on (B1): it carries what they decide about. */
export class NeedsDecision extends GoldenpathError {
  readonly offer: Offer;

  constructor(type: ErrorType, message: string, problems: string[], offer: Offer) {
    super(type, message, problems);
    this.offer = offer;
  }
}

/** The DNS gate's refusal, with the records in the way (X2). Without a record there is nothing to decide on, only to look again. */
export function recordsRemain(message: string, records: OwnedRecord[]): GoldenpathError {
  const problems = records.map(ownedLine);
  if (records.length === 0) return new GoldenpathError('DnsRecordsRemain', message, problems);
  return new NeedsDecision('DnsRecordsRemain', message, problems, { decisions: ['wait', 'repair', 'leave', 'abort'], subject: subjectOf(records), records });
}

/** What each failed call was for, as the Temporal UI shows it. */
const summaries = new WeakMap<object, string>();

/** Keeps what a call was for beside what it failed with: of an activity that never answered nothing else tells on what it spent its time. */
export function rememberSummary(error: unknown, summary: string): void {
  if (typeof error === 'object' && error !== null) summaries.set(error, summary);
}

/** What an activity's attempts said last, the outermost first. Read from the failure as the server keeps it: of a time-out the SDK (1.24) makes an error without its cause. */
export function heard(error: ActivityFailure): { type: string; message: string }[] {
  const said: { type: string; message: string }[] = [];
  for (let failure = error.failure; failure !== undefined; failure = failure.cause ?? undefined) {
    const type = failure.applicationFailureInfo?.type ?? '';
    if (type !== '') said.push({ type, message: failure.message ?? '' });
  }
  return said;
}

/** Type, message and findings of what a stage threw; of an activity's failure, the cause that the last attempt gave. */
export function describe(error: unknown): { type: string; message: string; problems: string[] } {
  if (isCancellation(error)) return { type: 'Aborted', message: 'the run was cancelled', problems: [] }; // first: of an activity it comes as an ActivityFailure
  if (error instanceof GoldenpathError) return { type: error.type, message: error.message, problems: error.problems };
  if (error instanceof ActivityFailure) {
    const { cause, activityType } = error;
    if (cause instanceof TimeoutFailure) return { type: 'DeadlineExceeded', message: `${summaries.get(error) ?? activityType}: ${activityType} did not end in time (${cause.timeoutType})`, problems: heard(error).slice(0, 1).map(({ message }) => message) };
    if (cause instanceof ApplicationFailure) {
      const [problems] = cause.details ?? [];
      const late = cause.type === 'NotReady' ? 'the deadline passed: ' : '';
      return { type: late === '' ? (cause.type ?? 'Error') : 'DeadlineExceeded', message: `${late}${cause.message}`, problems: Array.isArray(problems) ? problems.map(String) : [] };
    }
    return { type: 'Error', message: cause?.message ?? error.message, problems: [] };
  }
  if (error instanceof ApplicationFailure) return { type: error.type ?? 'Error', message: error.message, problems: [] };
  return { type: 'Error', message: error instanceof Error ? error.message : String(error), problems: [] };
}
