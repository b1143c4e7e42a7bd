// Idempotency tokens and paging of the EKS API, pure (requirement C1; architecture.md § Temporal conventions).

/** A deterministic text of a request's parameters: keys sorted, undefined left out, the token itself left out. */
export function fingerprint(input: object): string {
  return JSON.stringify(input, (key, value: unknown) => {
    if (key === 'clientRequestToken') return undefined;
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

export type Replay = 'new' | 'same' | 'different';

/**
 * What a client request token says about a request: never seen, a repetition of the same one, or reused for another.
 * @param seen fingerprints by "operation token"
 */
export function replayOf(seen: ReadonlyMap<string, string>, key: string, print: string): Replay {
  const earlier = seen.get(key);
  if (earlier === undefined) return 'new';
  return earlier === print ? 'same' : 'different';
}

export interface Page<T> { items: T[]; nextToken?: string }

/**
 * One page of a list, in the order of its keys; the token names the last key given out, so a list that changes between
 * pages neither repeats nor hides what stayed. `maxResults` is 1–100, 100 unless told (EKS API reference).
 * @throws RangeError for a token that no page gave out, or a size out of bounds
 */
export function page<T>(items: readonly T[], keyOf: (item: T) => string, { maxResults = 100, nextToken }: { maxResults?: number | undefined; nextToken?: string | undefined }): Page<T> {
  if (!Number.isInteger(maxResults) || maxResults < 1 || maxResults > 100) throw new RangeError('maxResults must be between 1 and 100');
  const last = nextToken === undefined ? undefined : decode(nextToken);
  const rest = items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).filter((item) => last === undefined || keyOf(item) > last);
  const chosen = rest.slice(0, maxResults);
  const end = chosen.at(-1);
  if (end === undefined || rest.length === chosen.length) return { items: chosen };
  return { items: chosen, nextToken: Buffer.from(`after:${keyOf(end)}`).toString('base64url') };
}

function decode(token: string): string {
  const text = Buffer.from(token, 'base64url').toString();
  if (!text.startsWith('after:')) throw new RangeError('nextToken is not valid');
  return text.slice('after:'.length);
}
