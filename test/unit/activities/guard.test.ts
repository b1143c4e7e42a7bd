// The one place in front of destroying (teardown.md § The invariant).
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { destroyer } from '../../../activities/guard.ts';
import { memoryS3 } from '../../support/memory-s3.ts';
import { permitted } from '../../support/permits.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const plan = ephemeralPlan('teardown');
const run = <In, Out>(activity: (input: In) => Promise<Out>, input: In): Promise<Out> => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(activity, input);

describe('destroyer', () => {
  it('X1: with a fresh proof of this platform and plan the call is made, once', async () => {
    let calls = 0;
    const destroy = destroyer(memoryS3().client, async () => { calls += 1; return ['done']; });
    await expect(run(destroy, permitted(plan))).resolves.toEqual(['done']);
    expect(calls).toBe(1);
  });

  it('X1: with any one thing wrong about the proof the call is never made', async () => {
    const wrong = fc.constantFrom<object>(
      { cluster: 'other' }, { hostedZoneId: 'Z0OTHER' }, { ownerId: `${plan.target.ownerId}1` }, { planHash: 'other' }, { cleanListings: 2 },
      { lastCleanAt: Date.now() - 300_001 }, { lastCleanAt: Date.now() + 3_600_000 },
    );
    await fc.assert(fc.asyncProperty(wrong, async (change) => {
      let called = false;
      const { client, bucket } = memoryS3();
      const destroy = destroyer(client, async () => { called = true; });
      await expect(run(destroy, permitted(plan, change))).rejects.toMatchObject({ type: 'ProofMissing' });
      expect(called).toBe(false);
      expect(bucket.objects.size).toBe(0);
    }));
  });

  it('X1: no proof at all is refused, whatever the type says', async () => {
    const destroy = destroyer(memoryS3().client, () => Promise.resolve('destroyed'));
    await expect(run(destroy, { ...permitted(plan), permit: undefined as never })).rejects.toMatchObject({ type: 'ProofMissing' });
  });
});
