// Runs what a transitional status waits for, in the lab's time (requirement C1).
import type { Clock } from '../clock.ts';
import { after, type Event, type Kind, type Statuses } from './lifecycle.ts';
import type { Life } from './state.ts';

/** A life at its start. */
export function born<K extends Kind>(kind: K, status: Statuses[K]): Life<K> {
  return { kind, status, round: 0 };
}

/** Moves a life by an event; false, and nothing changes, where the event is not possible. */
export function move<K extends Kind>(life: Life<K>, event: Event): boolean {
  const next = after(life.kind, life.status, event);
  if (next === undefined) return false;
  life.status = next;
  life.round += 1;
  return true;
}

/** The status as the API shows it. @throws Error for a thing that is gone, which nobody can have found */
export function shownStatus<Status extends string>({ status }: { status: Status }): Exclude<Status, 'GONE'> {
  if (isHere(status)) return status;
  throw new Error('a thing that is gone was found');
}

/** Resolves when `seconds` of AWS have passed; never, if the lab's clock is closed before. */
export function pass(clock: Clock, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(seconds, resolve);
  });
}

function isHere<Status extends string>(status: Status): status is Exclude<Status, 'GONE'> {
  return status !== 'GONE';
}

/**
 * What takes `seconds` of AWS and does something real meanwhile: `work` begins at half time, and the whole ends when both
 * are over, so that the real work adds nothing as long as it fits.
 */
export async function meanwhile(clock: Clock, seconds: number, work: () => Promise<void>): Promise<void> {
  const half = pass(clock, seconds / 2);
  await Promise.all([pass(clock, seconds), half.then(work)]);
}

export interface Work {
  /** The work itself; it looks at `current()` after each wait, and stops where it is no longer wanted. */
  run: (current: () => boolean) => Promise<Event>;
  /** Told after the life has moved. */
  ended?: (event: Event) => void;
  /** Records why it failed, as the API's health issue: what goes wrong behind an API is a status there, not a crash. */
  failed: (cause: unknown) => void;
}

/** Starts the work of the present status. Its report counts only while no other change has overtaken it. */
export function during<K extends Kind>(life: Life<K>, { run, ended, failed }: Work): void {
  const round = life.round;
  const report = (event: Event): void => {
    if (life.round === round && move(life, event)) ended?.(event);
  };
  run(() => life.round === round).then(report, (cause: unknown) => {
    failed(cause);
    report('failed');
  });
}

/** The text of a failure for a health issue. */
export function describe(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}
