// The one place in front of destroying (teardown.md § The invariant).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { destroyer } from '../../../activities/guard.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const { target, hash } = ephemeralPlan('teardown');
const DEMAND = { target, planHash: hash, proofMaxAgeMs: 300_000, cleanListings: 3 };
const good = () => ({ kind: 'dns-proof' as const, cluster: target.cluster, hostedZoneId: target.hostedZoneId, ownerId: target.ownerId, planHash: hash, cleanListings: 3, firstCleanAt: Date.now() - 5_000, lastCleanAt: Date.now() - 1_000 });

describe('destroyer', () => {
  it('X1: with a fresh proof of this platform and plan the call is made, once', async () => {
    let calls = 0;
    const destroy = destroyer(async () => { calls += 1; return ['done']; });
    await expect(destroy({ ...DEMAND, proof: good() })).resolves.toEqual(['done']);
    expect(calls).toBe(1);
  });

  it('X1: with any one thing wrong about the proof the call is never made', async () => {
    const wrong = fc.constantFrom<object>(
      { cluster: 'other' }, { hostedZoneId: 'Z0OTHER' }, { ownerId: `${target.ownerId}1` }, { planHash: 'other' }, { cleanListings: 2 },
      { lastCleanAt: Date.now() - 300_001 }, { lastCleanAt: Date.now() + 3_600_000 },
    );
    await fc.assert(fc.asyncProperty(wrong, async (change) => {
      let called = false;
      const destroy = destroyer(async () => { called = true; });
      await expect(destroy({ ...DEMAND, proof: { ...good(), ...change } })).rejects.toMatchObject({ type: 'ProofMissing' });
      expect(called).toBe(false);
    }));
  });

  it('X1: no proof at all is refused, whatever the type says', async () => {
    const destroy = destroyer(() => Promise.resolve('destroyed'));
    await expect(destroy({ ...DEMAND, proof: undefined as never })).rejects.toMatchObject({ type: 'ProofMissing' });
  });
});
