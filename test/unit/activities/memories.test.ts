// What `goldenpath orphans` remembers of a platform from its receipts (X5, O2).
import { expect, test } from 'vitest';
import { memoryActivities } from '../../../activities/memories.ts';
import type { Clients } from '../../../activities/clients.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const CLUSTER = 'goldenpath-dev-eks-21-11-26-01';
const volume = (id: string) => ({ kind: 'ec2:volume', id, name: id });

/** What is remembered of the platform whose runs left these receipts, oldest first. */
async function remembered(receipts: { state: string; residue: object[] }[]) {
  const { client, bucket } = memoryS3();
  for (const [index, receipt] of receipts.entries()) bucket.objects.set(`receipts/dev/${CLUSTER}/${9 - index}.json`, JSON.stringify({ report: { runId: `run-${index}`, operation: 'teardown', ...receipt } }));
  return memoryActivities({ s3: client } as Clients).readMemories({ environment: 'dev', registry: { bucket: 'registry' } });
}

test('X5: what the last sweep found is remembered, and nothing from before it', async () => {
  expect(await remembered([{ state: 'clean-with-residue', residue: [volume('vol-1')] }, { state: 'clean', residue: [] }])).toMatchObject([{ cluster: CLUSTER, last: { state: 'clean' }, residue: [] }]);
});

test('failure 10, X5: disks that a run kept on purpose are remembered though it failed after that; an older sweep counts beside it', async () => {
  const [{ last, residue } = {}] = await remembered([
    { state: 'clean-with-residue', residue: [volume('vol-1'), { kind: 'route53-record', id: 'a', name: 'a' }] },
    { state: 'failed', residue: [volume('vol-2'), volume('vol-1')] },
    { state: 'failed', residue: [] },
  ]);
  expect([last?.runId, residue?.map(({ id }) => id)]).toEqual(['run-2', ['vol-2', 'vol-1']]);
});
