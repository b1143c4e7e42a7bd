// What the registry remembers of every platform of an environment: claims, and what each one's last receipt says (X5, O2).
import { type _Object, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { platformOfCluster } from '../domain/names.ts';
import type { Memory } from '../domain/orphans.ts';
import type { Clients } from './clients.ts';
import type { Surveys } from './contract.ts';
import { allPages, inGroups, present } from './pages.ts';
import { buildKey, readObject } from './registry.ts';

/** Of a receipt, what a person wants to know of a platform that is gone. */
const lastSchema = z.object({
  report: z.object({
    runId: z.string(), operation: z.string(), state: z.string(), endedAt: z.number().optional(),
    residue: z.array(z.object({ kind: z.string(), id: z.string(), name: z.string() })),
  }),
});

/** The states of a run that ended with a sweep. */
const SWEPT = ['clean', 'clean-with-residue'];

/** S3 takes thousands of reads a second; this many at once keep an environment of hundreds of builds within seconds. */
const AT_ONCE = 20;

export function memoryActivities({ s3 }: Clients): Pick<Surveys, 'readMemories'> {
  return { readMemories: (input) => readMemories(s3, input) };
}

async function readMemories(s3: S3Client, { environment, registry: { bucket } }: Parameters<Surveys['readMemories']>[0]): Promise<Memory[]> {
  const [claims, receipts] = await Promise.all([list(s3, bucket, prefixOf(buildKey({ environment, buildId: '' }))), list(s3, bucket, `receipts/${environment}/`)]);
  const claimed = new Set(claims.map(({ Key = '' }) => `goldenpath-${environment}-eks-${nameOf(Key)}`));
  const written = Map.groupBy(receipts, ({ Key }) => present(Key, "a receipt's key").split('/')[2] ?? '');
  const clusters = [...new Set([...claimed, ...written.keys()])].filter((cluster) => platformOfCluster(cluster, environment) !== undefined);
  const memories: Memory[] = [];
  for (const group of inGroups(clusters, AT_ONCE)) {
    memories.push(...(await Promise.all(group.map(async (cluster): Promise<Memory> => ({ cluster, claimed: claimed.has(cluster), ...(await readLast(s3, bucket, written.get(cluster) ?? [])) })))));
  }
  return memories;
}

/** How the last run ended, and what is left: what the last run that came to its sweep found, and the disks that runs which failed since then kept on purpose. */
async function readLast(s3: S3Client, bucket: string, receipts: readonly _Object[]): Promise<Pick<Memory, 'last' | 'residue'>> {
  let last: Memory['last'] = null;
  const left: Memory['residue'] = [];
  for (const { Key } of receipts.toSorted((a, b) => timeOf(b) - timeOf(a))) {
    const key = present(Key, "a receipt's key");
    const { report } = lastSchema.parse(JSON.parse(present(await readObject(s3, bucket, key), `the receipt ${key}`)));
    const { runId, operation, state, endedAt = null, residue } = report;
    last ??= { runId, operation, state, endedAt };
    // Records are looked for in Route 53 itself.
    left.push(...residue.filter(({ kind, id }) => kind !== 'route53-record' && !left.some((other) => other.id === id)));
    if (SWEPT.includes(state)) break;
  }
  return { last, residue: left };
}

function list(s3: S3Client, Bucket: string, Prefix: string): Promise<_Object[]> {
  return allPages(paginateListObjectsV2({ client: s3 }, { Bucket, Prefix }), (page) => page.Contents);
}

function prefixOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1).replace(/\.json$/, '');
}

function timeOf({ LastModified }: _Object): number {
  return present(LastModified, "an object's time").getTime();
}
