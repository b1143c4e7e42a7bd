// Destroying an environment's database instance: what people are asked, what stays, and the plan that a decision binds to (R4; failure 33). Pure.
import { databaseWorkflowId } from './database-report.ts';
import type { Environment } from './environment.ts';
import { GoldenpathError } from './errors.ts';
import { hashOf } from './hash.ts';
import { makePlan, type Plan } from './plan.ts';
import type { Wait } from './timings.ts';
import type { Versions } from './versions.ts';

/** The snapshots that stay. `before` shows that one can be taken, before anything is given up; `last` is RDS's own of the moment of the deletion, so that nothing written in between is lost. */
export interface Snapshots {
  before: string;
  last: string;
}

/** Names of a run's snapshots: its own, so that a later instance of the same name has others. Source of the form: RDS API Reference, CreateDBSnapshot. */
export function snapshotsOf(identifier: string, runId: string): Snapshots {
  const run = runId.replaceAll(/[^a-z0-9]/g, '').slice(0, 12);
  return { before: `${identifier}-before-${run}`, last: `${identifier}-last-${run}` };
}

/** How the subject's line about deletion protection begins. */
export const PROTECTION = 'deletion protection is ';

/** What is lost and what stays, one line each: this is what approvers sign. The databases are the ones that PostgreSQL lists, declared or not. */
export function doomedSubject({ arn, createdAt, databases, isProtected }: { arn: string; createdAt: string; databases: readonly string[]; isProtected: boolean }, { before, last }: Snapshots): string[] {
  return [
    `RDS instance ${arn}, made at ${createdAt}: deleted for good`,
    ...databases.toSorted().map((database) => `database ${database} on it: only in snapshots from then on`),
    `${PROTECTION}${isProtected ? 'on: turned off last, when the first snapshot is available' : 'off already'}`,
    `snapshots ${before} and ${last} stay`,
  ];
}

/**
 * The plan of the destruction. Its target is the instance: the name that a decision, its record and the receipt bear. Throws InvalidInput where the environment has no instance,
 * or too few approvers besides whoever asks.
 */
export function makeDestructionPlan(environment: Environment, versions: Versions): Plan {
  const { databases, name } = environment;
  if (databases === undefined) throw new GoldenpathError('InvalidInput', `environment ${name} declares no database instance`);
  const { identifier } = databases.instance;
  const { hash: _, ...plan } = makePlan({ operation: 'destroy-database', environment, lifecycle: 'persistent', buildId: null, versions });
  const own: Omit<Plan, 'hash'> = { ...plan, tiers: [], target: { ...plan.target, cluster: identifier, workflowId: databaseWorkflowId({ environment: name, instance: identifier }), tags: {} } };
  return { ...own, hash: hashOf(own) };
}

/** How long a snapshot takes: minutes for a small instance; four hours is what a large one may need. */
export function snapshotWait(scale: number): Wait {
  return { expectedMs: Math.round(120_000 / scale), denseMs: Math.max(250, Math.round(5_000 / scale)), deadlineMs: Math.max(180_000, Math.round(14_400_000 / scale)) };
}

/** How long a deletion takes, its last snapshot included. */
export function goneWait(scale: number): Wait {
  return { expectedMs: Math.round(240_000 / scale), denseMs: Math.max(250, Math.round(5_000 / scale)), deadlineMs: Math.max(180_000, Math.round(14_400_000 / scale)) };
}
