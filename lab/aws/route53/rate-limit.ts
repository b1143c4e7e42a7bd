// Route 53's limit on requests per account: a token bucket. Source: lab.md § The gateway (10 a second, burst 50).

export interface RateLimit {
  /** Takes a token of an account; false where none is left. */
  take(account: string): boolean;
}

const PER_SECOND = 10;
const BURST = 50;

/** A bucket per account. @param nowMs the real time in milliseconds */
export function createRateLimit(nowMs: () => number, perSecond = PER_SECOND, burst = BURST): RateLimit {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    take(account) {
      const now = nowMs();
      const bucket = buckets.get(account) ?? { tokens: burst, at: now };
      const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
      buckets.set(account, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
      return tokens >= 1;
    },
  };
}
