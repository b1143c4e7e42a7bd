// The schema of environments/<name>.yaml: what an environment is, written out (F3). docs/reference/environment.md describes each field.
import { z } from 'zod';
import { databasesSchema } from './databases.ts';
import { isWithin } from './dns-names.ts';

const dnsName = z.string().regex(/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'must be a lower-case DNS name without a trailing dot, e.g. dev.example.org');

const bucketName = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be an S3 bucket name');

const size = z.int().min(1);
/** The fields of each rule across fields, loose about the rest of the file. */
const zones = z.object({ dns: z.object({ parentZone: dnsName, zone: dnsName }) });
const approvalsOf = z.object({ name: z.string(), breakGlass: z.object({ approvals: z.int() }) });
const sizes = z.object({ nodeGroup: z.object({ minSize: size, maxSize: size, desiredSize: size }) });

export const environmentSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9]{1,15}$/, 'must be a short lower-case word, e.g. dev'),
    accountId: z.string().regex(/^\d{12}$/, 'must be the twelve digits of an AWS account, in quotes'),
    region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be an AWS region, e.g. eu-west-2'),
    dns: z.strictObject({
      parentZone: dnsName,
      zone: dnsName,
      /** Immutable once recorded by the first run (F3). */
      hostedZoneId: z.string().regex(/^Z[A-Z0-9]{5,31}$/, 'must be a Route 53 hosted zone id without the prefix /hostedzone/'),
      externalDns: z.strictObject({ enabled: z.boolean() }),
    }),
    nodeGroup: z.strictObject({
      instanceTypes: z.array(z.string().regex(/^[a-z0-9-]+\.[a-z0-9]+$/, 'must be an EC2 instance type, e.g. m6i.large')).min(1),
      capacityType: z.enum(['ON_DEMAND', 'SPOT']),
      minSize: size,
      maxSize: size,
      desiredSize: size,
      diskSizeGib: z.int().min(20),
    }),
    gitops: z.strictObject({ repoUrl: z.string().min(1), revision: z.string().min(1) }),
    /** Where receipts, claimed build ids and the recorded zone id are kept, append-only (O2). */
    registry: z.strictObject({ bucket: bucketName }),
    /** Names of the Secrets Manager secrets that applications read, and the keys each must hold (F4). `tier`: the first that needs it; one without is always needed. */
    secrets: z.array(z.strictObject({ name: z.string().min(1), keys: z.array(z.string().min(1)).min(1), tier: z.enum(['1.5', '2', '3']).optional() })),
    /** The standalone RDS instance and its databases; left out where an environment has none (R1). Only tiers 2 and 3 need it. */
    databases: databasesSchema.optional(),
    /** Buckets of tier 2; left out where the environment has no persistent platform. */
    objectStorage: z.strictObject({ lokiBucket: bucketName }).optional(),
    /** Settings of the certificate issuer that tiers 2 and 3 serve TLS by; left out where the environment has no persistent platform. */
    tls: z.strictObject({ issuerEmail: z.email('must be an e-mail address, which the certificate authority writes to') }).optional(),
    /** Backstage on ephemeral platforms, which logs people in through the persistent platform's Keycloak (T4); left out, they have none. */
    backstage: z.strictObject({ ephemeral: z.boolean() }).optional(),
    /** Who may decide what no proof decides, and how (B1, B2). */
    breakGlass: z.strictObject({
      /** How many different approvers must say the same; two in prod. */
      approvals: z.int().min(1).max(5),
      signatures: z.enum(['required', 'optional']),
      expiresMinutes: z.number().positive().max(7 * 24 * 60),
      /** How long before the end of a request the run reminds of it. */
      remindMinutes: z.number().nonnegative(),
      approvers: z.array(
        z.strictObject({
          name: z.string().regex(/^[A-Za-z0-9][\w.@-]{0,63}$/, 'must be a login: letters, digits, dot, dash, underscore, @'),
          /** Ed25519 public key, SPKI DER in base64: what stands between the lines of `openssl pkey -pubout`. */
          publicKey: z.string().regex(/^MCowBQYDK2VwAyEA[A-Za-z0-9+/]{43}=$/, 'must be an Ed25519 public key: the line between BEGIN and END of `openssl pkey -in NAME.key -pubout`').optional(),
        }),
      ),
    }).superRefine((policy, context) => {
      for (const { path, message } of breakGlassIssues(policy)) context.addIssue({ code: 'custom', path, message });
    }),
    timings: z.strictObject({
      /** Divides expected AWS durations; 1 everywhere but in the lab. */
      scale: z.number().positive(),
      lateSweeps: z.boolean(),
      dnsGateDeadlineSeconds: z.number().positive().optional(),
    }),
  })
  // Rules across fields: each runs as soon as the fields it names are sound, whatever is wrong elsewhere, so that all problems are named at once (F5).
  .refine(({ dns: { zone, parentZone } }) => zone !== parentZone && isWithin(zone, parentZone), {
    path: ['dns', 'zone'],
    error: ({ input }) => `must lie below dns.parentZone ${zones.parse(input).dns.parentZone}`,
    when: ({ value }) => zones.safeParse(value).success,
  })
  .refine(({ nodeGroup: { minSize, desiredSize, maxSize } }) => minSize <= desiredSize && desiredSize <= maxSize, {
    path: ['nodeGroup', 'desiredSize'],
    error: ({ input }) => betweenSizes(sizes.parse(input).nodeGroup),
    when: ({ value }) => sizes.safeParse(value).success,
  })
  .superRefine(({ name, secrets }, context) => {
    // Admission keeps tenants from what begins so: a secret of another name would be anybody's (docs/reference/check.md, secret-key).
    for (const [index, secret] of secrets.entries()) if (!secret.name.startsWith(`goldenpath/${name}/`)) context.addIssue({ code: 'custom', path: ['secrets', index, 'name'], message: `must begin with goldenpath/${name}/` });
  })
  .refine(({ name, breakGlass: { approvals } }) => name !== 'prod' || approvals >= 2, {
    path: ['breakGlass', 'approvals'],
    error: 'must be at least 2 in prod (B1)',
    when: ({ value }) => approvalsOf.safeParse(value).success,
  });

export type Environment = z.infer<typeof environmentSchema>;

/** A policy under which nobody could decide, or one person alone in prod, is refused when the file is read, not at 3 a.m. */
function breakGlassIssues({ approvals, approvers, signatures, expiresMinutes, remindMinutes }: Environment['breakGlass']): { path: (string | number)[]; message: string }[] {
  const names = approvers.map((approver) => approver.name.toLowerCase());
  const keys = approvers.flatMap(({ publicKey }) => publicKey ?? []);
  return [
    ...(approvers.length <= approvals ? [{ path: ['approvers'], message: `must name more than ${approvals}: whoever asks for a run may not approve it` }] : []),
    ...(new Set(names).size === names.length ? [] : [{ path: ['approvers'], message: 'names someone twice' }]),
    ...(new Set(keys).size === keys.length ? [] : [{ path: ['approvers'], message: 'holds one public key twice: two approvers are two people' }]),
    ...(remindMinutes < expiresMinutes ? [] : [{ path: ['remindMinutes'], message: `must be less than expiresMinutes ${expiresMinutes}` }]),
    ...approvers.flatMap((approver, index) => (signatures === 'required' && approver.publicKey === undefined ? [{ path: ['approvers', index, 'publicKey'], message: 'is missing, and signatures are required' }] : [])),
  ];
}

function betweenSizes({ minSize, maxSize }: { minSize: number; maxSize: number }): string {
  return `must lie between minSize ${minSize} and maxSize ${maxSize}`;
}
