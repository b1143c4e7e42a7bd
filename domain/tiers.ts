// Tiers and lifecycles: which waves a platform may reach (F2, T). Tiers are strings that compare as numbers.

export const TIERS = ['0', '1', '1.5', '2', '3'] as const;
export type Tier = (typeof TIERS)[number];

export const LIFECYCLES = ['ephemeral', 'persistent'] as const;
export type Lifecycle = (typeof LIFECYCLES)[number];

/** Negative where a comes before b, zero where they are the same, positive where a comes after b: "1.5" lies between "1" and "2". */
export function compareTiers(a: Tier, b: Tier): number {
  return Number(a) - Number(b);
}

/** The ceiling of a lifecycle (F2). It is derived and nothing overrides it, so that mode and tier cannot disagree. */
export function maxTierFor(lifecycle: Lifecycle): Tier {
  return lifecycle === 'ephemeral' ? '1.5' : '3';
}

/** The tiers of a lifecycle that Argo CD delivers, in the order in which their gates are raised (T1). Tier 0 is the cluster itself. */
export function deliveredTiers(lifecycle: Lifecycle): Tier[] {
  return TIERS.filter((tier) => tier !== '0' && compareTiers(tier, maxTierFor(lifecycle)) <= 0);
}
