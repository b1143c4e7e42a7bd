// The schema of environments/<name>.yaml: what an environment is, written out (F3). docs/reference/environment.md describes each field.
import { z } from 'zod';
import { isWithin } from './dns-names.ts';

const dnsName = z.string().regex(/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'must be a lower-case DNS name without a trailing dot, e.g. dev.example.org');

const size = z.int().min(1);
/** The fields of each rule across fields, loose about the rest of the file. */
const zones = z.object({ dns: z.object({ parentZone: dnsName, zone: dnsName }) });
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
    registry: z.strictObject({ bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be an S3 bucket name') }),
    /** Names of the Secrets Manager secrets that tier 1 and 1.5 applications read, and the keys each must hold (F4). */
    secrets: z.array(z.strictObject({ name: z.string().min(1), keys: z.array(z.string().min(1)).min(1) })),
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
  });

export type Environment = z.infer<typeof environmentSchema>;

function betweenSizes({ minSize, maxSize }: { minSize: number; maxSize: number }): string {
  return `must lie between minSize ${minSize} and maxSize ${maxSize}`;
}
