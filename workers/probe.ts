// The checks of `goldenpath preflight` and `accept` as a process inside the cluster: its clients, its files, its time limit (T2, T3).
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createClients } from '../activities/clients.ts';
import { mapAwsError } from '../activities/errors.ts';
import { mapKubernetesError } from '../activities/kubernetes-errors.ts';
import { openLocalCluster } from '../activities/local-cluster.ts';
import type { ClusterClient } from '../activities/kubernetes-client.ts';
import { rdsAuthorities } from '../activities/postgres.ts';
import { runProbe } from '../activities/probes.ts';
import type { CheckResult } from '../domain/checks.ts';
import type { GoldenpathError } from '../domain/errors.ts';
import type { ProbeOperation, ProbeSettings } from '../domain/probes.ts';
import type { Tier } from '../domain/tiers.ts';

/** Every question has a time limit of its own; this one is for what hangs all the same. */
const TOTAL_MS = 60_000;
/** Where the product's image keeps the authorities of RDS (deploy/worker.Dockerfile). */
const BUNDLED_CA = resolve(import.meta.dirname, '../rds-global-bundle.pem');

/** What kept something from being asked, in the product's words; undefined for a bug. */
export function mapped(error: unknown): GoldenpathError | undefined {
  return mapKubernetesError(error) ?? mapAwsError(error);
}

/** Asks everything, and lets go of every connection. */
export async function probe(input: { operation: ProbeOperation; tier: Tier; settings: ProbeSettings }, env: NodeJS.ProcessEnv): Promise<CheckResult[]> {
  const clients = createClients(input.settings.bucket?.region ?? 'us-east-1'); // nothing but the bucket is asked of AWS
  let opened: Promise<ClusterClient> | undefined;
  try {
    return await runProbe({
      authorities: async () => rdsAuthorities(await caFile(env)),
      s3: clients.s3,
      cluster: () => (opened ??= openLocalCluster(env, AbortSignal.timeout(TOTAL_MS))),
    }, input);
  } finally {
    clients.s3.destroy();
    await (await opened?.catch(() => undefined))?.close(); // what kept it from opening has been thrown
  }
}

async function caFile(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const given = env['GOLDENPATH_RDS_CA'];
  if (given !== undefined && given !== '') return given;
  return (await exists(BUNDLED_CA)) ? BUNDLED_CA : undefined;
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
