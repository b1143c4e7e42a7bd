// `goldenpath audit` against S3 behind the lab's gateway: what a run wrote, page by page, and what must be refused. No Temporal anywhere.
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuditEntry, type AuditEvent, auditKey } from '../../domain/audit.ts';
import { claimsFor, makeDecisionRequest } from '../../domain/break-glass.ts';
import { runCli } from '../support/cli.ts';
import { startAws, type TestAws } from '../support/moto.ts';
import { proofOf } from '../support/permits.ts';
import { ephemeralPlan } from '../support/plans.ts';

const plan = ephemeralPlan('teardown');
const { environment, cluster, workflowId } = plan.target;
const bucket = plan.registry.bucket;
const at = Date.parse('2026-11-21T10:00:00Z');
const request = makeDecisionRequest(plan, { runId: 'run-b', requester: 'ana', gate: 'dns-gate', subject: ['a.x A 192.0.2.1 (owner-txt, owner o) ttl 60'], decisions: ['wait', 'repair', 'abort'], sequence: 1, now: at });
const claims = (approver: string) => claimsFor(request, { decision: 'repair', approver, reason: 'it is gone', ticket: 'OPS-1' });
const approvals = [{ claims: claims('bob'), jws: 'a.b.c', at: at + 2 }];
const events: AuditEvent[] = [
  { kind: 'request', request },
  { kind: 'attempt', channel: 'update', claims: claims('ana'), signature: { kind: 'valid', signer: 'ana' }, accepted: false, reason: 'ana asked for this run and may not approve it' },
  { kind: 'attempt', channel: 'signal', claims: null, signature: { kind: 'invalid', why: 'it cannot be read' }, accepted: false, reason: 'it cannot be read' },
  { kind: 'attempt', channel: 'signal', claims: claims('bob'), signature: { kind: 'none' }, accepted: true },
  { kind: 'decision', decision: 'repair', request, approvals },
  { kind: 'repair', request, approvals, records: request.subject },
  { kind: 'repaired', request: request.id, change: 'C1', records: request.subject },
  { kind: 'void', request: 'older', reason: 'it expired' },
  { kind: 'proof', proof: proofOf(plan, { firstCleanAt: at, lastCleanAt: at }), why: 'Before volumes' },
  { kind: 'destroy', activity: 'deleteVolumes', attempt: 2, permit: proofOf(plan, { firstCleanAt: at, lastCleanAt: at }) },
];
/** Of two runs: the later one's id comes first in the alphabet. */
const entries = events.map((event, index): AuditEntry => ({ schema: 1, at: at + index * 1_000, environment, cluster, workflowId, runId: index < 7 ? 'run-b' : 'run-a', ...event }));

let aws: TestAws;
let s3: S3Client;
beforeAll(async () => {
  aws = await startAws();
  s3 = new S3Client({ ...aws.client, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
  for (const [index, entry] of entries.toReversed().entries()) await put(auditKey(entry, String(index)), JSON.stringify(entry));
});
afterAll(async () => { await aws.stop(); });

const put = (Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
/** AWS alone: Temporal's address leads nowhere. */
const audit = (args: string[], credentials = aws.client.credentials) =>
  runCli(['audit', ...args], { AWS_ENDPOINT_URL: aws.gateway.url, AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey, TEMPORAL_ADDRESS: '127.0.0.1:1' });

describe('goldenpath audit', () => {
  it('B2: JSON holds every entry of every run as it was written, in the order of time', async () => {
    const { code, stdout } = await audit([cluster, '-o', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ schema: 1, environment, cluster, entries, unreadable: [] });
  });

  it('B2: the table says when, what, who and whether it counted, and what the request was about', async () => {
    const { code, stdout, stderr } = await audit(['--env', 'dev', '--build-id', '21-11-26-01']);
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '));
    expect(lines).toEqual([
      'TIME | KIND | WHO | WHAT | RESULT',
      `2026-11-21 10:00:00 UTC | request | ana | dns-gate: request ${request.id}, 1 line | needs 1 for wait, repair, abort; signatures optional; until 2026-11-21 14:00:00 UTC`,
      `2026-11-21 10:00:01 UTC | attempt | ana | dns-gate: request ${request.id}, repair, by update, signed by ana | refused: ana asked for this run and may not approve it; said: it is gone (OPS-1)`,
      '2026-11-21 10:00:02 UTC | attempt | unknown | cannot be read, by signal, signature worthless | refused: it cannot be read',
      `2026-11-21 10:00:03 UTC | attempt | bob | dns-gate: request ${request.id}, repair, by signal, unsigned | accepted; said: it is gone (OPS-1)`,
      `2026-11-21 10:00:04 UTC | decision | bob | dns-gate: request ${request.id} | decided: repair`,
      `2026-11-21 10:00:05 UTC | repair | bob | dns-gate: request ${request.id} | deletes 1 record`,
      `2026-11-21 10:00:06 UTC | repaired | – | request ${request.id} | deleted 1 record in change C1`,
      '2026-11-21 10:00:07 UTC | void | – | request older | void: it expired',
      '2026-11-21 10:00:08 UTC | proof | – | Before volumes | 3 clean listings in a row, the last one at 2026-11-21T10:00:00.000Z',
      '2026-11-21 10:00:09 UTC | destroy | – | deleteVolumes, attempt 2 | on proof: 3 clean listings in a row, the last one at 2026-11-21T10:00:00.000Z',
      '',
      `Request ${request.id}, at dns-gate of ${cluster}, was about`,
      ' | a.x A 192.0.2.1 (owner-txt, owner o) ttl 60',
    ]);
  });

  it('B2: a platform without a trail is no error', async () => {
    const text = await audit(['goldenpath-dev-eks-22-11-26-01']);
    expect([text.code, text.stdout]).toEqual([0, `There is no audit trail of goldenpath-dev-eks-22-11-26-01: s3://${bucket}/audit/dev/goldenpath-dev-eks-22-11-26-01/ is empty.\n`]);
    const json = await audit(['goldenpath-dev-eks-22-11-26-01', '-o', 'json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ entries: [], unreadable: [] });
  });

  it('B2: a trail longer than one page of S3 is read to its end', async () => {
    const many = Array.from({ length: 1_003 }, (_, index): AuditEntry => ({ schema: 1, at: at + index, environment, cluster: 'goldenpath-dev-eks-23-11-26-01', workflowId: 'w', runId: 'r', kind: 'void', request: String(index), reason: 'x' }));
    for (let from = 0; from < many.length; from += 50) await Promise.all(many.slice(from, from + 50).map((entry) => put(auditKey(entry, 'x'), JSON.stringify(entry))));
    const { code, stdout } = await audit(['goldenpath-dev-eks-23-11-26-01', '-o', 'json']);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { entries: AuditEntry[] }).entries).toEqual(many);
  });

  it.each([['{', 'is not JSON'], ['{"kind":"gossip"}', 'kind: is not a kind of entry'], ['{"schema":1,"kind":"void"}', 'is no entry of an audit trail']])('B2: an object that is no entry (%s) is named, the others are shown, and the exit code is 1', async (body, why) => {
    const other = 'goldenpath-dev-eks-24-11-26-01';
    const entry: AuditEntry = { schema: 1, at, environment, cluster: other, workflowId: 'w', runId: 'r', kind: 'void', request: 'q', reason: 'x' };
    await put(auditKey(entry, 'x'), JSON.stringify(entry));
    await put(`audit/dev/${other}/r/stray.json`, body);
    const { code, stdout, stderr } = await audit([other, '-o', 'json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ entries: [entry], unreadable: [{ key: `audit/dev/${other}/r/stray.json`, why: expect.stringContaining(why) as string }] });
    expect(stderr).toContain(`s3://${bucket}/audit/dev/${other}/r/stray.json`);
  });

  it('B2: credentials that AWS refuses end with 4', async () => {
    const { code, stdout, stderr } = await audit([cluster, '-o', 'json'], { accessKeyId: 'AKIANOBODY0000000000', secretAccessKey: 'x' });
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'failed', error: { type: 'AccessDenied' } });
    expect(stderr).toContain('s3:ListBucket and s3:GetObject');
  });

  it('B2: no credentials at all, a bucket that is not there, and silence are told apart', async () => {
    const none = await runCli(['audit', cluster], { AWS_ENDPOINT_URL: aws.gateway.url, AWS_EC2_METADATA_DISABLED: 'true', HOME: '/nonexistent' });
    expect([none.code, none.stderr]).toEqual([4, expect.stringContaining('There are no AWS credentials')]);
    const gone = await audit(['goldenpath-staging-eks-21-11-26-01']);
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('NoSuchBucket')]);
    const silent = await runCli(['audit', cluster], { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
    expect([silent.code, silent.stderr]).toEqual([1, expect.stringContaining('AWS does not answer')]);
  });
});
