// Entries of the audit trail are written once: the same again is a second attempt, another under the key is refused (B2, O2).
import { describe, expect, it } from 'vitest';
import { auditActivities, readEntries } from '../../../activities/audit.ts';
import { createClients } from '../../../activities/clients.ts';
import type { AuditEntry } from '../../../domain/audit.ts';
import { questionOf } from '../../support/decisions.ts';
import { memoryS3 } from '../../support/memory-s3.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const plan = ephemeralPlan('teardown');
const { target, registry } = plan;
const AT = Date.UTC(2026, 10, 21, 9);
const about = { schema: 1 as const, at: AT, environment: 'dev', cluster: target.cluster, workflowId: target.workflowId, runId: 'run-1' };
const entry: AuditEntry = { ...about, kind: 'void', request: 'abc', reason: 'it expired' };
const KEY = `audit/dev/${target.cluster}/run-1/2026-11-21T09:00:00.000Z-void-abc.json`;

function trail() {
  const { client, bucket } = memoryS3();
  const { recordAudit } = auditActivities({ ...createClients('eu-west-2'), s3: client });
  return { bucket, client, record: (given: AuditEntry, name = 'abc') => recordAudit({ registry, entry: given, name }) };
}

describe('recordAudit', () => {
  it('B2: an entry lies under platform, run, time and kind', async () => {
    const { record, bucket } = trail();
    await expect(record(entry)).resolves.toEqual({ key: KEY });
    expect(JSON.parse(bucket.objects.get(KEY) ?? '')).toEqual(entry);
  });

  it('B2: the same entry again is fine, another under its key is an error, and what was there stays', async () => {
    const { record, bucket } = trail();
    await record(entry);
    await expect(record({ ...entry })).resolves.toEqual({ key: KEY });
    await expect(record({ ...entry, reason: 'never mind' })).rejects.toMatchObject({ type: 'InvalidInput', message: `${KEY} holds something else already; what is there is never overwritten` });
    expect(JSON.parse(bucket.objects.get(KEY) ?? '')).toEqual(entry);
    await expect(record(entry, 'another')).resolves.not.toEqual({ key: KEY });
  });

  it('B2: S3 that cannot be written is an error', async () => {
    const { record, bucket } = trail();
    bucket.refuse = { code: 'AccessDenied', status: 403 };
    await expect(record(entry)).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('readEntries', () => {
  it('B2: gives the entries of a run of these kinds, in the order of time', async () => {
    const { record, client } = trail();
    const request = questionOf(plan);
    const begun: AuditEntry = { ...about, kind: 'repair', request, approvals: [], records: [] };
    const made: AuditEntry = { ...about, at: AT + 1, kind: 'repaired', request: request.id, change: 'C1', records: [] };
    for (const each of [made, entry, begun, { ...made, runId: 'run-2' }]) await record(each);
    expect(await readEntries(client, registry, about, ['repair', 'repaired'])).toEqual([begun, made]);
    expect(await readEntries(client, registry, about, ['repaired'])).toEqual([made]);
  });
});
