// The DNS gate: when the records of a platform count as gone, and what that proof is worth (X1, X2, teardown.md step 7 and § The invariant).
import { type DnsRecord, type OwnedRecord, ownedRecords, recordLine } from './dns-records.ts';
import { GoldenpathError } from './errors.ts';
import { hashOf } from './hash.ts';
import type { Target } from './plan.ts';

/** One look at the zone, whole: an activity returns it only when every page was read. Times are milliseconds since the epoch. */
export interface ZoneListing {
  hostedZoneId: string;
  at: number;
  pages: number;
  recordCount: number;
  /** The records that belong to the target, by `ownedRecords`. */
  owned: OwnedRecord[];
}

/** What lets a destroying call through: N clean listings in a row of this target's zone. Bound to target and plan; grows stale. */
export interface DnsProof {
  kind: 'dns-proof';
  cluster: string;
  hostedZoneId: string;
  ownerId: string;
  planHash: string;
  cleanListings: number;
  firstCleanAt: number;
  lastCleanAt: number;
}

export type GateVerdict =
  | { state: 'proven'; proof: DnsProof }
  | { state: 'looking'; clean: number; remaining: OwnedRecord[] }
  | { state: 'blocked'; remaining: OwnedRecord[]; remainingHash: string };

/** Reduces a complete listing to what the gate needs. */
export function listingOf(records: readonly DnsRecord[], target: Pick<Target, 'hostedZoneId' | 'ownerId' | 'hostSuffix' | 'lifecycle'>, at: number, pages: number): ZoneListing {
  return { hostedZoneId: target.hostedZoneId, at, pages, recordCount: records.length, owned: ownedRecords(records, target) };
}

/**
 * What the listings since the last source was gone prove. Only the clean tail counts: a record that shows up again
 * starts the count anew, so one stale answer proves nothing. Past the deadline without proof the gate is blocked.
 */
export function gateVerdict(
  listings: readonly ZoneListing[],
  gate: { target: Pick<Target, 'cluster' | 'hostedZoneId' | 'ownerId'>; planHash: string; sourcesGoneAt: number; cleanListings: number; now: number; deadlineAt: number },
): GateVerdict {
  const { cluster, hostedZoneId, ownerId } = gate.target;
  const relevant = listings.filter((listing) => listing.hostedZoneId === hostedZoneId && listing.at >= gate.sourcesGoneAt);
  const clean = relevant.slice(relevant.findLastIndex((listing) => listing.owned.length > 0) + 1);
  const [first, last] = [clean[0], clean.at(-1)];
  if (first !== undefined && last !== undefined && clean.length >= gate.cleanListings) {
    return { state: 'proven', proof: { kind: 'dns-proof', cluster, hostedZoneId, ownerId, planHash: gate.planHash, cleanListings: clean.length, firstCleanAt: first.at, lastCleanAt: last.at } };
  }
  const remaining = relevant.at(-1)?.owned ?? [];
  if (gate.now >= gate.deadlineAt) return { state: 'blocked', remaining, remainingHash: hashOf(remaining.map((record) => recordLine(record))) };
  return { state: 'looking', clean: clean.length, remaining };
}

/** How far a worker's clock may lag behind the Temporal server's, on which the proof is dated. */
const CLOCK_SKEW_MS = 30_000;

/**
 * The one check in front of every destroying call: the proof is of this cluster, this zone, this owner and this plan,
 * and fresh. Throws ProofMissing otherwise.
 */
export function demandProof(proof: DnsProof | undefined, demand: { target: Pick<Target, 'cluster' | 'hostedZoneId' | 'ownerId'>; planHash: string; now: number; maxAgeMs: number; cleanListings: number }): void {
  const problems: string[] = [];
  if (proof === undefined) problems.push('no proof was given that Route 53 holds no record of the platform');
  else {
    for (const field of ['cluster', 'hostedZoneId', 'ownerId'] as const) {
      if (proof[field] !== demand.target[field]) problems.push(`the proof is of ${field} ${proof[field]}, not of ${demand.target[field]}`);
    }
    if (proof.planHash !== demand.planHash) problems.push('the proof belongs to another plan');
    if (proof.cleanListings < demand.cleanListings) problems.push(`the proof rests on ${proof.cleanListings} clean listings, ${demand.cleanListings} are needed`);
    if (proof.lastCleanAt > demand.now + CLOCK_SKEW_MS) problems.push('the proof lies in the future');
    if (demand.now - proof.lastCleanAt > demand.maxAgeMs) problems.push(`the proof is ${Math.round((demand.now - proof.lastCleanAt) / 1_000)} s old, ${Math.round(demand.maxAgeMs / 1_000)} s are allowed`);
  }
  if (problems.length > 0) throw new GoldenpathError('ProofMissing', `Refused to destroy ${demand.target.cluster}: ${problems.join('; ')}`, problems);
}
