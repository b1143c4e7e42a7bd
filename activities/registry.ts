// The registry in S3: claimed build ids, the recorded zone id and receipts, each written once and never overwritten (F3, F5, O2).
import { GetObjectCommand, paginateListObjectsV2, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { GoldenpathError } from '../domain/errors.ts';
import { canonicalJson } from '../domain/hash.ts';
import { type HeldEnvironments, ownPolicyProblems } from '../domain/own-policy.ts';
import type { Plan, Target } from '../domain/plan.ts';
import { addToLedger, type OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import type { Changes, Probes } from './contract.ts';
import type { DatabaseChanges } from './database-contract.ts';
import { isNamed, NOT_FOUND, orAbsent } from './errors.ts';
import { allPages, present } from './pages.ts';

type Registry = Plan['registry'];

/** Who holds a build id: the run that claimed it first. Times are ISO 8601, for people. */
const claimSchema = z.object({ schema: z.literal(1), cluster: z.string(), workflowId: z.string(), runId: z.string(), requester: z.string(), planHash: z.string(), claimedAt: z.string() });
const zoneSchema = z.object({ schema: z.literal(1), hostedZoneId: z.string(), recordedAt: z.string(), recordedBy: z.string() });

/** Of a receipt, what a teardown needs. */
const receiptSchema = z.object({ report: z.object({ ledger: z.array(z.object({ kind: z.string(), id: z.string(), name: z.string() })) }) });

/** `held`: the environment files of the worker, where it has them. */
export function registryActivities({ s3 }: Clients, held: HeldEnvironments | undefined): Pick<Changes, 'claimBuild' | 'writeReceipt'> & Pick<DatabaseChanges, 'writeDatabaseReceipt'> & Pick<Probes, 'readRegistry'> {
  return {
    readRegistry: async ({ target, registry, policy }) => ({
      recordedZoneId: await recordedZoneId(s3, registry, target.environment),
      claimed: await isClaimed(s3, registry, target),
      ledger: await readLedger(s3, registry, target),
      ...(policy === undefined ? {} : { policyProblems: ownPolicyProblems({ target, breakGlass: policy }, held) }),
    }),
    claimBuild: (input) => claimBuild(s3, input),
    writeReceipt: (input) => writeReceipt(s3, input),
    writeDatabaseReceipt: (input) => writeDatabaseReceipt(s3, input),
  };
}

export function zoneKey(environment: string): string {
  return `zones/${environment}.json`;
}

export function buildKey({ environment, buildId }: { environment: string; buildId: string }): string {
  return `builds/${environment}/${buildId}.json`;
}

export function receiptKey({ environment, cluster, name }: { environment: string; cluster: string; name: string }): string {
  return `receipts/${environment}/${cluster}/${name}.json`;
}

/** The zone id that the first run of the environment recorded, or null before it. */
export async function recordedZoneId(s3: S3Client, registry: Registry, environment: string): Promise<string | null> {
  const text = await readObject(s3, registry.bucket, zoneKey(environment));
  return text === undefined ? null : zoneSchema.parse(JSON.parse(text)).hostedZoneId;
}

/** Whether a bootstrap ever claimed the build id. A persistent platform has none to claim. */
async function isClaimed(s3: S3Client, { bucket }: Registry, { environment, buildId }: Target): Promise<boolean> {
  return buildId !== null && (await readObject(s3, bucket, buildKey({ environment, buildId }))) !== undefined;
}

/** The ledgers of all receipts of the cluster, together: what its runs created or found. */
async function readLedger(s3: S3Client, { bucket }: Registry, { environment, cluster }: Target): Promise<OwnedObject[]> {
  const prefix = receiptKey({ environment, cluster, name: '' }).replace(/\.json$/, '');
  const receipts = await allPages(paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix }), (page) => page.Contents);
  let ledger: OwnedObject[] = [];
  for (const { Key } of receipts) {
    const key = present(Key, "a receipt's key");
    const text = present(await readObject(s3, bucket, key), `the receipt ${key}`);
    ledger = addToLedger(ledger, receiptSchema.parse(JSON.parse(text)).report.ledger);
  }
  return ledger;
}

async function claimBuild(s3: S3Client, { target, registry, planHash, runId, requester }: Parameters<Changes['claimBuild']>[0]): Promise<{ key: string }> {
  const now = new Date().toISOString();
  await recordZone(s3, registry, target, { now, requester });
  if (target.buildId === null) return { key: zoneKey(target.environment) };
  const key = buildKey({ environment: target.environment, buildId: target.buildId });
  const { cluster, workflowId } = target;
  const taken = await writeOnce(s3, registry.bucket, key, canonicalJson({ schema: 1, cluster, workflowId, runId, requester, planHash, claimedAt: now }));
  if (taken === undefined) return { key };
  const holder = claimSchema.parse(JSON.parse(taken));
  if (holder.runId === runId && holder.workflowId === workflowId) return { key };
  const problem = `buildId: ${target.buildId} is in use already: ${holder.requester} claimed it at ${holder.claimedAt} (run ${holder.runId}); a build id serves once`;
  throw new GoldenpathError('InvalidInput', problem, [problem]);
}

async function recordZone(s3: S3Client, registry: Registry, { environment, hostedZoneId }: Target, { now, requester }: { now: string; requester: string }): Promise<void> {
  const taken = await writeOnce(s3, registry.bucket, zoneKey(environment), canonicalJson({ schema: 1, hostedZoneId, recordedAt: now, recordedBy: requester }));
  if (taken === undefined) return;
  const recorded = zoneSchema.parse(JSON.parse(taken));
  if (recorded.hostedZoneId === hostedZoneId) return;
  const problem = `dns.hostedZoneId: is ${hostedZoneId}, but ${recorded.hostedZoneId} was recorded at ${recorded.recordedAt} by ${recorded.recordedBy} and never changes`;
  throw new GoldenpathError('InvalidInput', problem, [problem]);
}

async function writeReceipt(s3: S3Client, { target, registry, name, receipt }: Parameters<Changes['writeReceipt']>[0]): Promise<{ key: string }> {
  const key = receiptKey({ ...target, name });
  const body = canonicalJson(receipt);
  await writeSame(s3, registry.bucket, key, body);
  return { key };
}

/** Beside the receipts of platforms: an instance's name is none of a cluster's, and its destruction leaves its receipt there too. */
async function writeDatabaseReceipt(s3: S3Client, { registry, receipt }: Parameters<DatabaseChanges['writeDatabaseReceipt']>[0]): Promise<{ key: string }> {
  const { environment, instance, runId } = receipt.report;
  const key = receiptKey({ environment, cluster: instance, name: runId });
  await writeSame(s3, registry.bucket, key, canonicalJson(receipt));
  return { key };
}

/** Writes the object unless one of that key exists; answers the existing one's text, or undefined where this one was written. */
async function writeOnce(s3: S3Client, bucket: string, key: string, body: string): Promise<string | undefined> {
  try {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: 'application/json', IfNoneMatch: '*' }));
    return undefined;
  } catch (error) {
    if (!isNamed(error, ['PreconditionFailed'])) throw error;
    return present(await readObject(s3, bucket, key), `${key}, which it says exists`);
  }
}

/** Writes the object; the same one again is a second attempt and fine. Throws InvalidInput where another body lies under the key. */
export async function writeSame(s3: S3Client, bucket: string, key: string, body: string): Promise<void> {
  const taken = await writeOnce(s3, bucket, key, body);
  if (taken === undefined || taken === body) return;
  const problem = `${key} holds something else already; what is there is never overwritten`;
  throw new GoldenpathError('InvalidInput', problem, [problem]);
}

/** The object's text, or undefined by S3's typed NotFound alone. */
export async function readObject(s3: S3Client, bucket: string, key: string): Promise<string | undefined> {
  const answer = await orAbsent(s3.send(new GetObjectCommand({ Bucket: bucket, Key: key })), NOT_FOUND.object);
  return answer === undefined ? undefined : present(answer.Body, 'a body').transformToString('utf8');
}
