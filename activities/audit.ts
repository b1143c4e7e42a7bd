// The audit trail in the registry's bucket: entries are written once and never changed (B2, O2).
import type { S3Client } from '@aws-sdk/client-s3';
import { type AuditEntry, auditKey } from '../domain/audit.ts';
import { canonicalJson } from '../domain/hash.ts';
import type { Plan } from '../domain/plan.ts';
import type { Clients } from './clients.ts';
import type { Changes } from './contract.ts';
import { writeSame } from './registry.ts';

export function auditActivities({ s3 }: Clients): Pick<Changes, 'recordAudit'> {
  return { recordAudit: ({ registry, entry, name }) => writeEntry(s3, registry, entry, name) };
}

/** Writes the entry under `auditKey(entry, name)`. Throws InvalidInput where another entry lies there, and S3's own errors: whoever must not act unrecorded then does not act. */
export async function writeEntry(s3: S3Client, { bucket }: Plan['registry'], entry: AuditEntry, name: string): Promise<{ key: string }> {
  const key = auditKey(entry, name);
  await writeSame(s3, bucket, key, canonicalJson(entry));
  return { key };
}
