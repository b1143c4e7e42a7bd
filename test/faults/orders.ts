// What tells a lab's worker when to die: orders, and the record of what it did, as files in the lab's folder (issue 4 § Faults).
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `before` the activity's own code; `in` it, as the answer to one of its calls arrives: AWS or Kubernetes did it, and nobody knows; `after` its code, before its result is reported. */
export const MOMENTS = ['in', 'after', 'before'] as const;
export type Moment = (typeof MOMENTS)[number];

/** Die once, at the nth call of an activity in a teardown. `call`: of `in`, whose answer; as in `Begun.calls`. */
export interface Order {
  activity: string;
  /** Counted from 1 in the order in which the worker got them; a second attempt is the same call. */
  nth: number;
  moment: Moment;
  call?: string;
}

/** One line of the record: an execution has begun, has ended, or the worker dies in it. */
export type Line =
  | { what: 'begun'; runId: string; activityId: string; activity: string; attempt: number }
  | { what: 'ended'; runId: string; activityId: string; activity: string; attempt: number; calls: string[] }
  | { what: 'killed'; runId: string; activityId: string; order: Order; at: string };

const filesOf = (folder: string) => ({ orders: join(folder, 'kill-orders.json'), record: join(folder, 'kill-record.jsonl') });

/** Gives a lab's worker its orders, in place of all earlier ones. */
export function giveOrders(folder: string, orders: readonly Order[]): void {
  const { orders: file } = filesOf(folder);
  writeFileSync(`${file}.partial`, JSON.stringify(orders));
  renameSync(`${file}.partial`, file);
}

export function readOrders(folder: string): Order[] {
  const { orders } = filesOf(folder);
  return existsSync(orders) ? (JSON.parse(readFileSync(orders, 'utf8')) as Order[]) : [];
}

/** Synchronous: the line is there when the process dies right after it. */
export function record(folder: string, line: Line): void {
  appendFileSync(filesOf(folder).record, `${JSON.stringify(line)}\n`);
}

export function readRecord(folder: string): Line[] {
  const { record: file } = filesOf(folder);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Line);
}
