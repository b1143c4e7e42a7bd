// The DNS gate: when the records of a platform count as gone, and what that proof is worth (X1, X2, teardown.md step 7 and § The invariant).
import { type Approval, coversExactly, decided, type Decided, type DecisionRequest, subjectHash, subjectOf } from './break-glass.ts';
import { type DnsRecord, type KnownNames, type OwnedRecord, ownedRecords } from './dns-records.ts';
import { GoldenpathError } from './errors.ts';
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

/** What lets a destroying call through where records live: people signed for exactly the records that the last listing showed (X1, B1). */
export interface LeavePermit {
  kind: 'break-glass';
  cluster: string;
  hostedZoneId: string;
  ownerId: string;
  planHash: string;
  request: DecisionRequest;
  approvals: Approval[];
  /** The hash of what the last listing showed, and when it was asked for. */
  listedHash: string;
  listedAt: number;
}

export type Permit = DnsProof | LeavePermit;

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

/** One line of evidence for a permit. */
export function permitLine(permit: Permit): string {
  if (permit.kind === 'dns-proof') return `${permit.cleanListings} clean listings in a row, the last one at ${new Date(permit.lastCleanAt).toISOString()}`;
  return `${permit.request.subject.length} records stay, as ${permit.approvals.map(({ claims }) => claims.approver).join(' and ')} decided`;
}

/** Reduces a complete listing to what the gate needs. */
export function listingOf(records: readonly DnsRecord[], { target, known }: { target: Pick<Target, 'hostedZoneId' | 'ownerId' | 'hostSuffix' | 'lifecycle'>; known?: KnownNames }, at: number, pages: number): ZoneListing {
  return { hostedZoneId: target.hostedZoneId, at, pages, recordCount: records.length, owned: ownedRecords(records, target, known) };
}

export interface GateState {
  target: Pick<Target, 'cluster' | 'hostedZoneId' | 'ownerId'>;
  planHash: string;
  sourcesGoneAt: number;
  cleanListings: number;
  now: number;
  deadlineAt: number;
}

/** What the gate does next: let pass, delete what was decided on, look again, or stop. */
export type GateStep =
  | { do: 'pass'; permit: Permit }
  | { do: 'repair'; decided: Decided; remaining: OwnedRecord[] }
  | { do: 'look'; clean: number; remaining: OwnedRecord[] }
  | { do: 'block'; remaining: OwnedRecord[] };

/**
 * What the listings since the last source was gone, and a decision that stands, allow (the invariant). Only the clean
 * tail counts: a record that shows up again starts the count anew, so one stale answer proves nothing. A decision counts
 * only while it speaks of exactly what the last listing shows. Past the deadline, counted without either, the gate blocks.
 */
export function gateStep(listings: readonly ZoneListing[], standing: Decided | undefined, gate: GateState): GateStep {
  const { cluster, hostedZoneId, ownerId } = gate.target;
  const relevant = listings.filter((listing) => listing.hostedZoneId === hostedZoneId && listing.at >= gate.sourcesGoneAt);
  const clean = relevant.slice(relevant.findLastIndex((listing) => listing.owned.length > 0) + 1);
  const [first, last] = [clean[0], clean.at(-1)];
  if (first !== undefined && last !== undefined && clean.length >= gate.cleanListings) {
    return { do: 'pass', permit: { kind: 'dns-proof', cluster, hostedZoneId, ownerId, planHash: gate.planHash, cleanListings: clean.length, firstCleanAt: first.at, lastCleanAt: last.at } };
  }
  const shown = relevant.at(-1);
  const remaining = shown?.owned ?? [];
  if (shown !== undefined && standing !== undefined && coversExactly(standing, remaining)) {
    const { decision, request, approvals } = standing;
    if (decision === 'repair') return { do: 'repair', decided: standing, remaining };
    if (decision === 'leave') return { do: 'pass', permit: { kind: 'break-glass', cluster, hostedZoneId, ownerId, planHash: gate.planHash, request, approvals, listedHash: subjectHash(subjectOf(remaining)), listedAt: shown.at } };
  }
  return gate.now >= gate.deadlineAt ? { do: 'block', remaining } : { do: 'look', clean: clean.length, remaining };
}

/** How far a worker's clock may lag behind the Temporal server's, on which the proof is dated. */
const CLOCK_SKEW_MS = 30_000;

type Demand = { target: Pick<Target, 'cluster' | 'hostedZoneId' | 'ownerId'>; planHash: string; now: number; maxAgeMs: number; cleanListings: number };

/**
 * The one check in front of every destroying call: the permit is of this cluster, this zone, this owner and this plan, and
 * fresh; a proof rests on enough clean listings, a break-glass decision is to leave exactly the records that the last
 * listing showed, by enough approvers. Signatures are checked beside it, in activities/guard.ts. Throws ProofMissing otherwise.
 */
export function demandPermit(permit: Permit | undefined, demand: Demand): void {
  const problems = permit === undefined ? ['no proof was given that Route 53 holds no record of the platform'] : [...bindingProblems(permit, demand), ...(permit.kind === 'dns-proof' ? proofProblems(permit, demand) : leaveProblems(permit)), ...ageProblems(permit.kind === 'dns-proof' ? permit.lastCleanAt : permit.listedAt, demand)];
  if (problems.length > 0) throw new GoldenpathError('ProofMissing', `Refused to destroy ${demand.target.cluster}: ${problems.join('; ')}`, problems);
}

function bindingProblems(permit: Permit, { target, planHash }: Demand): string[] {
  const fields = (['cluster', 'hostedZoneId', 'ownerId'] as const).filter((field) => permit[field] !== target[field]);
  return [...fields.map((field) => `the proof is of ${field} ${permit[field]}, not of ${target[field]}`), ...(permit.planHash === planHash ? [] : ['the proof belongs to another plan'])];
}

function proofProblems({ cleanListings }: DnsProof, demand: Demand): string[] {
  return cleanListings < demand.cleanListings ? [`the proof rests on ${cleanListings} clean listings, ${demand.cleanListings} are needed`] : [];
}

function leaveProblems({ request, approvals, listedHash, cluster, planHash }: LeavePermit): string[] {
  const stray = approvals.filter(({ claims, at }) => claims.request !== request.id || claims.subjectHash !== request.subjectHash || at >= request.expiresAt);
  return [
    ...(request.cluster === cluster && request.planHash === planHash ? [] : ['the decision is of another run']),
    ...(listedHash === request.subjectHash ? [] : ['the records are not the ones that were signed for']),
    ...(stray.length === 0 ? [] : [`${stray.map(({ claims }) => claims.approver).join(', ')} answered another request, or too late`]),
    ...(decided(request, approvals) === 'leave' ? [] : [`the decision is not to leave the records, or fewer than ${request.approvals} approvers said so`]),
  ];
}

function ageProblems(at: number, { now, maxAgeMs }: Demand): string[] {
  if (at > now + CLOCK_SKEW_MS) return ['the proof lies in the future'];
  return now - at > maxAgeMs ? [`the proof is ${Math.round((now - at) / 1_000)} s old, ${Math.round(maxAgeMs / 1_000)} s are allowed`] : [];
}
