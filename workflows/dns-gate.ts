// The DNS gate as a durable loop: list the zone, judge, wait, until the records are proven gone or the deadline stops the run (X1, X2).
import { sleep } from '@temporalio/workflow';
import { type DnsProof, gateVerdict, type ZoneListing } from '../domain/dns-gate.ts';
import { ownedLine } from '../domain/dns-records.ts';
import type { Plan } from '../domain/plan.ts';
import { nextListingMs } from '../domain/timings.ts';
import { RecordsRemain } from './failures.ts';
import type { Policies } from './policies.ts';

/** Opens the gate at the moment the last source was gone. `prove` counts every listing since then, so a later proof needs only a fresh listing. */
export function openGate(plan: Plan, { zone }: Policies, sourcesGoneAt: number) {
  const { target, timings } = plan;
  const { deadlineMs, cleanListings } = timings.dnsGate;
  const listings: ZoneListing[] = [];

  /** Throws RecordsRemain once the deadline, counted from this call, has passed. */
  async function prove(why: string): Promise<DnsProof> {
    const startedAt = Date.now();
    for (;;) {
      // Dated by when it was asked for, on the workflow's clock: the look came after that, whatever the worker's clock says.
      const askedAt = Date.now();
      listings.push({ ...(await zone.listZone(`${why}: list ${target.zone}`, { target })), at: askedAt });
      const now = Date.now();
      const verdict = gateVerdict(listings, { target, planHash: plan.hash, sourcesGoneAt, cleanListings, now, deadlineAt: startedAt + deadlineMs });
      if (verdict.state === 'proven') return verdict.proof;
      if (verdict.state === 'blocked') {
        const count = verdict.remaining.length;
        const seconds = Math.round((now - sourcesGoneAt) / 1_000);
        throw new RecordsRemain(count === 0 ? `no ${cleanListings} clean listings in a row, ${seconds} s after the sources were gone` : `Route 53 still holds ${count} record${count === 1 ? '' : 's'} of the platform ${seconds} s after its sources were gone`, verdict.remaining, verdict.remaining.map(ownedLine));
      }
      const wait = nextListingMs(now - startedAt, verdict.remaining.length === 0, timings.dnsGate);
      await sleep(wait, { summary: verdict.remaining.length === 0 ? `${verdict.clean} of ${cleanListings} clean listings` : `${verdict.remaining.length} records remain` });
    }
  }

  return { prove };
}
