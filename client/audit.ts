// The audit trail of a platform, read from the registry bucket with the person's own AWS credentials: it is there when Temporal is gone (B2).
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { z } from 'zod';
import { type AuditEntry, auditPrefix } from '../domain/audit.ts';
import { claimsSchema } from '../domain/break-glass.ts';
import type { Environment } from '../domain/environment.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { awsProblem } from './aws-errors.ts';
import { approvalSchema, requestSchema } from './decision-request.ts';

export interface AuditTrail {
  bucket: string;
  prefix: string;
  /** In the order of time. */
  entries: AuditEntry[];
  /** Objects under the prefix that are no entry: nothing that the product wrote. */
  unreadable: { key: string; why: string }[];
}

/** Enough to hide the way to S3, little enough for one person's share of a connection pool. */
const AT_ONCE = 16;

const about = { schema: z.literal(1), at: z.number(), environment: z.string(), cluster: z.string(), workflowId: z.string(), runId: z.string() };
const signature = z.discriminatedUnion('kind', [z.object({ kind: z.literal('valid'), signer: z.string() }), z.object({ kind: z.literal('none') }), z.object({ kind: z.literal('invalid'), why: z.string() })]);
const permit = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('dns-proof'), cluster: z.string(), hostedZoneId: z.string(), ownerId: z.string(), planHash: z.string(), cleanListings: z.number(), firstCleanAt: z.number(), lastCleanAt: z.number() }),
  z.object({ kind: z.literal('break-glass'), cluster: z.string(), hostedZoneId: z.string(), ownerId: z.string(), planHash: z.string(), request: requestSchema, approvals: z.array(approvalSchema), listedHash: z.string(), listedAt: z.number() }),
]);
const [proof] = permit.options;
const approvals = z.array(approvalSchema);
type Kind = AuditEntry['kind'];
const shapes: { [K in Kind]: z.ZodType<Extract<AuditEntry, { kind: K }>> } = {
  request: z.object({ ...about, kind: z.literal('request'), request: requestSchema }),
  attempt: z.object({ ...about, kind: z.literal('attempt'), channel: z.enum(['update', 'signal']), claims: claimsSchema.nullable(), signature, accepted: z.boolean(), reason: z.string().optional() }),
  decision: z.object({ ...about, kind: z.literal('decision'), decision: z.string(), request: requestSchema, approvals }),
  void: z.object({ ...about, kind: z.literal('void'), request: z.string(), reason: z.string() }),
  operator: z.object({ ...about, kind: z.literal('operator'), stage: z.string(), decision: z.enum(['retry', 'abort']), by: z.string(), reason: z.string() }),
  proof: z.object({ ...about, kind: z.literal('proof'), proof, why: z.string() }),
  destroy: z.object({ ...about, kind: z.literal('destroy'), activity: z.string(), attempt: z.number(), permit }),
  repair: z.object({ ...about, kind: z.literal('repair'), request: requestSchema, approvals, records: z.array(z.string()) }),
  lift: z.object({ ...about, kind: z.literal('lift'), activity: z.string(), request: requestSchema, approvals, protections: z.array(z.string()) }),
  database: z.object({ ...about, kind: z.literal('database'), request: requestSchema, approvals, instance: z.string(), snapshots: z.array(z.string()) }),
  revoke: z.object({ ...about, kind: z.literal('revoke'), request: requestSchema, approvals, role: z.string(), policies: z.array(z.string()) }),
  repaired: z.object({ ...about, kind: z.literal('repaired'), request: z.string(), change: z.string(), records: z.array(z.string()) }),
};
const kindSchema = z.object({ kind: z.string().refine((kind): kind is Kind => Object.hasOwn(shapes, kind), 'is not a kind of entry') });

/** Every entry of the platform, of all its runs. Throws AccessDenied and Unavailable as AWS answers. */
export async function readAuditTrail({ region, registry, name }: Environment, cluster: string): Promise<AuditTrail> {
  const client = new S3Client({ region, maxAttempts: 3, customUserAgent: 'goldenpath', forcePathStyle: true, requestHandler: new NodeHttpHandler({ connectionTimeout: 3_000, requestTimeout: 8_000, throwOnRequestTimeout: true }) });
  const where = { bucket: registry.bucket, prefix: auditPrefix({ environment: name, cluster }) };
  try {
    const keys = await keysOf(client, where);
    const read: Read[] = [];
    for (let at = 0; at < keys.length; at += AT_ONCE) read.push(...(await Promise.all(keys.slice(at, at + AT_ONCE).map((key) => readEntry(client, where.bucket, key)))));
    return { ...where, entries: read.flatMap(({ entry }) => entry ?? []), unreadable: read.flatMap(({ key, why }) => (why === undefined ? [] : [{ key, why }])) };
  } catch (error) {
    throw awsProblem(error, `reading s3://${where.bucket}/${where.prefix}`) ?? error;
  } finally {
    client.destroy();
  }
}

type Read = { key: string; entry?: AuditEntry; why?: string };

/** An entry's key ends in its time; what is before that is the run, whose id has no order. */
async function keysOf(client: S3Client, { bucket, prefix }: { bucket: string; prefix: string }): Promise<string[]> {
  const keys: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })) keys.push(...Contents.flatMap(({ Key }) => Key ?? []));
  return keys.toSorted((a, b) => compare(nameOf(a), nameOf(b)) || compare(a, b));
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

async function readEntry(client: S3Client, bucket: string, key: string): Promise<Read> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  if (Body === undefined) throw new GoldenpathError('Unavailable', `S3 answered without the object ${key}`, ['ask again']);
  const text = await Body.transformToString('utf8');
  try {
    return { key, ...entryIn(JSON.parse(text)) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { key, why: `is not JSON (${error.message})` };
  }
}

/** The entry as it lies there, with whatever a later version added; or why it is none. */
function entryIn(value: unknown): Pick<Read, 'entry' | 'why'> {
  return isEntry(value) ? { entry: value } : { why: `is no entry of an audit trail (${problemIn(value) ?? 'no reason given'})` };
}

function isEntry(value: unknown): value is AuditEntry {
  return problemIn(value) === undefined;
}

function problemIn(value: unknown): string | undefined {
  const kind = kindSchema.safeParse(value);
  const [issue] = (kind.success ? shapes[kind.data.kind].safeParse(value) : kind).error?.issues ?? [];
  return issue === undefined ? undefined : `${issue.path.join('.') || 'whole'}: ${issue.message}`;
}
