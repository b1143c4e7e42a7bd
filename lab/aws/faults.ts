// Faults by rule: what a test or a person asks the gateway to do wrong. Deterministic: counted, or drawn from a seed.
import { matchesPattern } from './request-log.ts';

/**
 * What happens to a matching call: an HTTP status answers as a fault of the server; `throttle` with the service's own
 * code; `reset-before` cuts the connection and does nothing, `reset-after` does it and then cuts the connection; `stale`
 * repeats the previous answer to the same read, and strikes only where there is one; `expired` refuses the credentials; latency is real milliseconds; a code
 * answers with that very error, e.g. PriorRequestNotComplete.
 */
export type FaultAnswer =
  | number | 'throttle' | 'reset-before' | 'reset-after' | 'stale' | 'expired' | { latencyMs: number } | { code: string; message: string; status: number };

/** A rule. Patterns know `*` and `?`. A rule without counts stays until it is removed. */
export interface FaultRule {
  /** SigV4 service name, e.g. `route53`. */
  service?: string;
  /** Operation pattern, e.g. `Describe*`. */
  operation?: string;
  resource?: string;
  /** Pattern over the caller's ARN. */
  principal?: string;
  /** Only this matching call, counted from 1; where an older rule settled that one, the next. */
  nth?: number;
  /** Only the first so many matching calls. */
  times?: number;
  /** Each matching call with this chance, drawn from `seed`. */
  probability?: number;
  seed?: number;
  answer: FaultAnswer;
}

/** A rule in force. */
export interface ActiveFault extends FaultRule {
  id: string;
  /** Calls that matched its patterns. */
  matched: number;
  /** Calls that it answered or delayed. */
  fired: number;
}

/** What a rule is matched with. */
export interface FaultSubject {
  service: string;
  operation: string;
  resource: string | undefined;
  principal: string;
  /** Whether the same read was answered before, so that a stale answer can be given. */
  answered: boolean;
}

export interface Faults {
  /** Puts a rule in force and gives its id. @throws RangeError when the rule could never fire */
  add(rule: FaultRule): string;
  remove(id: string): boolean;
  clear(): void;
  list(): ActiveFault[];
  /** The faults that fire for this call, oldest rule first, up to the one that settles it; counting is a part of it. */
  screen(subject: FaultSubject): ActiveFault[];
}

/** Makes a screen without rules. */
export function createFaults(): Faults {
  const rules = new Map<string, { fault: ActiveFault; draw: () => number }>();
  let made = 0;
  return {
    add(rule) {
      checkRule(rule);
      const id = `fault-${(made += 1)}`;
      rules.set(id, { fault: { ...rule, id, matched: 0, fired: 0 }, draw: generator(rule.seed ?? made) });
      return id;
    },
    remove: (id) => rules.delete(id),
    clear: () => rules.clear(),
    list: () => [...rules.values()].map(({ fault }) => ({ ...fault })),
    screen(subject) {
      const firing: ActiveFault[] = [];
      for (const { fault, draw } of rules.values()) {
        if (!matches(fault, subject)) continue;
        fault.matched += 1;
        if (firing.some(({ answer }) => settles(answer)) || !isDue(fault, subject, draw)) continue;
        fault.fired += 1;
        firing.push(fault);
      }
      return firing;
    },
  };
}

function checkRule(rule: FaultRule): void {
  if (rule.nth !== undefined && rule.probability !== undefined) throw new RangeError('nth is one call for certain: it takes no probability');
  if (rule.nth !== undefined && !(rule.nth >= 1)) throw new RangeError('nth counts from 1');
  if (rule.times !== undefined && !(rule.times >= 1)) throw new RangeError('times must be at least 1');
  if (rule.probability !== undefined && !(rule.probability > 0 && rule.probability <= 1)) throw new RangeError('probability lies in (0, 1]');
  if (typeof rule.answer === 'number' && !(rule.answer >= 400 && rule.answer <= 599)) throw new RangeError('a fault answers with a status from 400 to 599');
}

function matches(fault: ActiveFault, { service, operation, resource, principal }: FaultSubject): boolean {
  return (
    (fault.service === undefined || fault.service === service) &&
    (fault.operation === undefined || matchesPattern(fault.operation, operation)) &&
    (fault.resource === undefined || matchesPattern(fault.resource, resource ?? '')) &&
    (fault.principal === undefined || matchesPattern(fault.principal, principal))
  );
}

/** Whether an answer decides how the call ends: delays leave that to others. */
function settles(answer: FaultAnswer): boolean {
  return !(typeof answer === 'object' && 'latencyMs' in answer);
}

function isDue(fault: ActiveFault, { answered }: FaultSubject, draw: () => number): boolean {
  if (fault.answer === 'stale' && !answered) return false;
  if (fault.nth !== undefined && (fault.matched < fault.nth || fault.fired > 0)) return false;
  if (fault.times !== undefined && fault.fired >= fault.times) return false;
  return fault.probability === undefined || draw() < fault.probability;
}

/** Mulberry32: the same numbers for the same seed. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
