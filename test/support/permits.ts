// What tests open destroying with: a fresh proof of a plan's platform, and everything that goes with it.
import type { Destroying } from '../../activities/contract.ts';
import type { DnsProof } from '../../domain/dns-gate.ts';
import type { Plan } from '../../domain/plan.ts';

/** A proof that is good now, with these changes. */
export function proofOf({ target, hash, timings }: Plan, changes: Partial<DnsProof> = {}): DnsProof {
  const { cluster, hostedZoneId, ownerId } = target;
  return { kind: 'dns-proof', cluster, hostedZoneId, ownerId, planHash: hash, cleanListings: timings.dnsGate.cleanListings, firstCleanAt: Date.now(), lastCleanAt: Date.now(), ...changes };
}

/** What a destroying activity is given, with such a proof. */
export function permitted(plan: Plan, changes: Partial<DnsProof> = {}): Destroying {
  const { target, hash, timings, breakGlass, registry } = plan;
  return { target, permit: proofOf(plan, changes), breakGlass, registry, planHash: hash, proofMaxAgeMs: timings.proofMaxAgeMs, cleanListings: timings.dnsGate.cleanListings };
}
