// The audit trail in the registry's bucket: entries are written once and never changed (B2, O2).
import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { type AuditEntry, type AuditEvent, auditKey, auditPrefix } from '../domain/audit.ts';
import { canonicalJson } from '../domain/hash.ts';
import type { Plan } from '../domain/plan.ts';
import type { Clients } from './clients.ts';
import type { Changes } from './contract.ts';
import { allPages, present } from './pages.ts';
import { readObject, writeSame } from './registry.ts';

export function auditActivities({ s3 }: Clients): Pick<Changes, 'recordAudit'> {
  return { recordAudit: ({ registry, entry, name }) => writeEntry(s3, registry, entry, name) };
}

/** Writes the entry under `auditKey(entry, name)`. Throws InvalidInput where another entry lies there, and S3's own errors: whoever must not act unrecorded then does not act. */
export async function writeEntry(s3: S3Client, { bucket }: Plan['registry'], entry: AuditEntry, name: string): Promise<{ key: string }> {
  const key = auditKey(entry, name);
  await writeSame(s3, bucket, key, canonicalJson(entry));
  return { key };
}

/** The entries of these kinds that one run left, in the order of time. They are this product's own words: written by `writeEntry`, never changed since. */
export async function readEntries(s3: S3Client, { bucket }: Plan['registry'], about: { environment: string; cluster: string; runId: string }, kinds: readonly AuditEvent['kind'][]): Promise<AuditEntry[]> {
  const prefix = `${auditPrefix(about)}${about.runId}/`;
  const objects = await allPages(paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix }), (page) => page.Contents);
  const keys = objects.map(({ Key }) => present(Key, "an entry's key")).filter((key) => kinds.some((kind) => key.includes(`Z-${kind}-`)));
  return Promise.all(keys.map(async (key) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    return JSON.parse(present(await readObject(s3, bucket, key), `the entry ${key}`)) as AuditEntry;
  }));
}
