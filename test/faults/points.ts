// Every point at which the worker is killed, from what an undisturbed teardown did: a new activity is covered by itself (issue 4 § Faults).
import { type Line, type Moment, MOMENTS, type Order } from './orders.ts';

/** A point, and its name: `startDeleteNodeGroups#1 in eks DELETE`. */
export interface Point {
  id: string;
  order: Order;
}

/** Calls that change nothing, by the verb of the operation or of HTTP. */
const READS = /^(Get|List|Describe|Lookup|Simulate|BatchGet|Head|Filter|GET|HEAD)/;
/** The registry's write-once objects: the guard's own record comes before the deed. */
const RECORDS = 's3 PUT';

/**
 * The points of these calls: in each, after it, before it. First calls of each activity come first, and of them those in the midst, where most can go wrong;
 * so a suite that is cut short has seen the most.
 */
export function pointsOf(lines: readonly Line[]): Point[] {
  const calls = callsOf(lines);
  const points = MOMENTS.flatMap((moment) => calls.flatMap((call) => pointOf(call, moment)));
  return points.toSorted((a, b) => Number(a.order.nth > 1) - Number(b.order.nth > 1));
}

interface Call {
  activity: string;
  nth: number;
  calls: string[];
}

/** Each call of an activity once, with what all its attempts asked. */
function callsOf(lines: readonly Line[]): Call[] {
  const calls = new Map<string, Call>();
  for (const line of lines) {
    if (line.what === 'killed') continue;
    const { activity, activityId } = line;
    const nth = [...calls.values()].filter((call) => call.activity === activity).length + 1;
    const call = calls.get(activityId) ?? { activity, nth, calls: [] };
    calls.set(activityId, call);
    if (line.what === 'ended') call.calls.push(...line.calls);
  }
  return [...calls.values()];
}

/** None where an activity asks nothing of anyone: there is nothing to be killed in the midst of. */
function pointOf({ activity, nth, calls }: Call, moment: Moment): Point[] {
  const id = `${activity}#${nth} ${moment}`;
  if (moment !== 'in') return [{ id, order: { activity, nth, moment } }];
  const call = deedOf(calls);
  return call === undefined ? [] : [{ id: `${id} ${call}`, order: { activity, nth, moment, call } }];
}

/** The call whose answer is lost: the first that changes something, the registry's last; of what only reads, the first. */
function deedOf(calls: readonly string[]): string | undefined {
  const changes = calls.filter((call) => !READS.test(call.slice(call.indexOf(' ') + 1)) && !call.startsWith('sts '));
  return changes.find((call) => call !== RECORDS) ?? changes[0] ?? calls[0];
}
