// The DNS gate as a durable loop: list the zone, judge, wait, until the records are proven gone, or a decision covers exactly those that are left (X1, X2, B1).
import { sleep } from '@temporalio/workflow';
import { coversExactly, type Decided } from '../domain/break-glass.ts';
import { gateStep, type Permit, type ZoneListing } from '../domain/dns-gate.ts';
import { addressesIn, knownAfter, type KnownNames, NOTHING_KNOWN, type OwnedRecord } from '../domain/dns-records.ts';
import type { Plan } from '../domain/plan.ts';
import type { OwnedObject } from '../domain/report.ts';
import { nextListingMs } from '../domain/timings.ts';
import { openRepairs, type Repairing } from './dns-repair.ts';
import { recordsRemain } from './failures.ts';
import type { Policies } from './policies.ts';

/** The gate of a run. It proves nothing before it was opened. */
export function closedGate(plan: Plan, call: Policies, repairing: Repairing) {
  const { target, timings } = plan;
  const repairs = openRepairs(plan, call, repairing);
  const { deadlineMs, cleanListings } = timings.dnsGate;
  const listings: ZoneListing[] = [];
  let sourcesGoneAt: number | undefined;
  let standing: Decided | undefined;
  let proofs = 0;
  const done: string[] = [];
  let known: KnownNames = NOTHING_KNOWN;

  /** Remembers the addresses of the platform's load balancers, those of earlier runs included: a record that points at one is its to remove. */
  function knows(ledger: readonly OwnedObject[]): void {
    known = { ...known, addresses: addressesIn(ledger) };
  }

  /** The platform's records now. Every listing of a run is made here, so that what was its own once stays its own. */
  async function list(summary: string): Promise<ZoneListing> {
    const listing = await call.zone.listZone(summary, { target, known });
    known = knownAfter(known, listing.owned, target);
    return listing;
  }

  /** Opens the gate at the moment the last source was gone. Every listing since then counts, so a later proof needs only a fresh listing. */
  function open(at: number): void {
    sourcesGoneAt ??= at;
  }

  /** Takes what approvers decided about the records. `wait` is nothing but another try: what was decided before ended when people were asked anew. */
  function decide(decided: Decided): void {
    if (decided.decision === 'repair' || decided.decision === 'leave') standing = decided;
  }

  /** Whether a decision stands that covers exactly these records. */
  function covers(records: readonly OwnedRecord[]): Decided | undefined {
    return standing !== undefined && coversExactly(standing, records) ? standing : undefined;
  }

  /**
   * Ends a decision that stands, because it does not cover what is listed now and people are asked anew: it counts no more, also where the list returns (B1: any change
   * voids it). That is on record before the new question is. Gives the decision's id, for the words of the question.
   */
  async function endDecision(): Promise<string | undefined> {
    const ended = standing?.request.id;
    standing = undefined;
    if (ended !== undefined) await repairing.record({ kind: 'void', request: ended, reason: 'Route 53 listed other records than the decided ones, and people were asked anew' }, ended);
    return ended;
  }

  /** What was decided and carried out since it was last asked for, one line each: the evidence of the stage. */
  function deeds(): string[] {
    return done.splice(0);
  }

  /** What lets a destroying call through. Throws DnsRecordsRemain once the deadline, counted from this call, has passed. */
  async function prove(why: string): Promise<Permit> {
    if (sourcesGoneAt === undefined) throw new TypeError('the gate is asked for a proof before the sources are gone');
    let startedAt = Date.now();
    for (;;) {
      // Dated by when it was asked for, on the workflow's clock: the look came after that, whatever the worker's clock says.
      const askedAt = Date.now();
      listings.push({ ...(await list(`${why}: list ${target.zone}`)), at: askedAt });
      const now = Date.now();
      const step = gateStep(listings, standing, { target, planHash: plan.hash, sourcesGoneAt, cleanListings, now, deadlineAt: startedAt + deadlineMs });
      switch (step.do) {
        case 'pass':
          await recordPermit(step.permit, why);
          return step.permit;
        case 'repair': {
          if (!(await repairs.isUnprotected(why))) break;
          standing = undefined; // single use
          const lines = await repairs.carryOut(step.decided, known);
          if (lines !== undefined) { startedAt = Date.now(); done.push(...lines); }
          break;
        }
        case 'look':
          await sleep(nextListingMs(now - startedAt, step.remaining.length === 0, timings.dnsGate), { summary: step.remaining.length === 0 ? `${step.clean} of ${cleanListings} clean listings` : `${step.remaining.length} records remain` });
          break;
        case 'block':
          throw blocked(step.remaining, { seconds: Math.round((now - sourcesGoneAt) / 1_000), cleanListings, voided: (step.remaining.length === 0 ? undefined : await endDecision()) ?? repairs.voided() });
      }
    }
  }

  /** A proof is an event of its own; a decision is on record already, and each destroying call records what it relied on. */
  async function recordPermit(permit: Permit, why: string): Promise<void> {
    if (permit.kind !== 'dns-proof') return;
    proofs += 1;
    await repairing.record({ kind: 'proof', proof: permit, why }, String(proofs));
  }

  return { open, prove, decide, covers, endDecision, deeds, knows, list };
}

export type Gate = ReturnType<typeof closedGate>;

function blocked(remaining: OwnedRecord[], { seconds, cleanListings, voided }: { seconds: number; cleanListings: number; voided: string | undefined }): Error {
  const count = remaining.length;
  const since = voided === undefined ? '' : `; decision ${voided} is void, because the records are not those it was given for`;
  return recordsRemain(count === 0 ? `no ${cleanListings} clean listings in a row, ${seconds} s after the sources were gone${since}` : `Route 53 still holds ${count} record${count === 1 ? '' : 's'} of the platform ${seconds} s after its sources were gone${since}`, remaining);
}
