// Every request that the gateway answered, for tests and benches to read: who asked for what, and what came of it.

/** One answered request. */
export interface LoggedRequest {
  /** ISO time of arrival. */
  time: string;
  service: string;
  /** AWS's operation name, or the bare path where none is known. */
  operation: string;
  method: string;
  path: string;
  resource: string | undefined;
  /** What it asked to be changed, one line each, where the service says so: Route 53's record sets. */
  changes: string[] | undefined;
  /** ARN of the caller; `anonymous` where the request was not signed. */
  principal: string;
  userAgent: string;
  status: number;
  /** AWS's error code, where it was refused. */
  errorCode: string | undefined;
  /** The fault rule that answered or delayed it. */
  fault: string | undefined;
  durationMs: number;
  requestId: string;
}

/** Which requests; texts match exactly, `resource` and `principal` also as a pattern with `*`. */
export interface RequestFilter {
  service?: string;
  operation?: string;
  method?: string;
  resource?: string;
  principal?: string;
  /** Requests at or after this ISO time. */
  since?: string;
}

export interface RequestLog {
  readonly add: (request: LoggedRequest) => void;
  /** The requests that a filter lets through, oldest first. */
  readonly requests: (filter?: RequestFilter) => LoggedRequest[];
  /** How many calls each operation had, by `service:operation`; never forgets. */
  readonly counters: () => Record<string, number>;
}

/** The newest requests kept; a run makes some thousands. */
const KEPT = 50_000;

/** Makes an empty log. */
export function createRequestLog(): RequestLog {
  let entries: LoggedRequest[] = [];
  const counts = new Map<string, number>();
  return {
    add(request) {
      if (entries.length >= 2 * KEPT) entries = entries.slice(-KEPT);
      entries.push(request);
      const name = `${request.service}:${request.operation}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    },
    requests: (filter = {}) => entries.filter((entry) => passes(entry, filter)),
    counters: () => Object.fromEntries([...counts].toSorted(([a], [b]) => a.localeCompare(b))),
  };
}

function passes(entry: LoggedRequest, filter: RequestFilter): boolean {
  return (
    (filter.service === undefined || entry.service === filter.service) &&
    (filter.operation === undefined || entry.operation === filter.operation) &&
    (filter.method === undefined || entry.method === filter.method) &&
    (filter.resource === undefined || matchesPattern(filter.resource, entry.resource ?? '')) &&
    (filter.principal === undefined || matchesPattern(filter.principal, entry.principal)) &&
    (filter.since === undefined || entry.time >= filter.since)
  );
}

/** Does a text match a pattern in which `*` stands for any text and `?` for one character (as in IAM)? */
export function matchesPattern(pattern: string, text: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === text;
  return new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`).replace(/\*/g, '.*').replace(/\?/g, '.')}$`, 's').test(text);
}
