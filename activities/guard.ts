// The one place in front of destroying: no proof, no call (teardown.md § The invariant, X1).
import { demandPermit } from '../domain/dns-gate.ts';
import type { Destroying } from './contract.ts';

/**
 * Wraps a destroying activity: the proof is judged by this machine's clock before anything else happens.
 * The returned function throws ProofMissing where the proof is absent, another platform's, another plan's, or stale.
 */
export function destroyer<In extends Destroying, Out>(destroy: (input: In) => Promise<Out>): (input: In) => Promise<Out> {
  return async (input) => {
    const { target, permit, planHash, proofMaxAgeMs, cleanListings } = input;
    demandPermit(permit, { target, planHash, now: Date.now(), maxAgeMs: proofMaxAgeMs, cleanListings });
    return destroy(input);
  };
}
