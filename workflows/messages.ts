// What can be asked of a run and said to it: one query, and the operator's answers as updates (validated, answered at once) and as signals (what the Temporal UI can send) (U1, B1).
import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { DecisionInput } from '../domain/break-glass.ts';
import type { DatabaseReport } from '../domain/database-report.ts';
import type { Databases, DatabaseSpec } from '../domain/databases.ts';
import type { Interruption } from '../domain/interruption.ts';
import { type OrphanScope, REMOVAL_TYPE } from '../domain/orphans.ts';
import type { Plan, Target } from '../domain/plan.ts';
import type { OwnedObject, RunReport } from '../domain/report.ts';
import type { BootstrapRequest, TeardownRequest } from '../domain/request.ts';
import type { Timings, Wait } from '../domain/timings.ts';

export interface BootstrapInput {
  plan: Plan;
  request: BootstrapRequest;
}

export interface TeardownInput {
  plan: Plan;
  request: TeardownRequest;
  /** The bootstrap that this teardown took over, and what that had created (X6). Its receipt says the same, where it could be written. */
  interrupted?: { runId: string; ledger: OwnedObject[] };
}

export interface PreviewInput {
  plan: Plan;
  /** Who would ask for the teardown, and so could not approve. */
  requester: string;
}

/** A platform whose versions are compared with those of its plan. */
export interface VerifyVersionsInput {
  plan: Plan;
}

/** Where orphans are looked for, and where the registry is. */
export interface FindOrphansInput {
  scope: OrphanScope;
  accountId: string;
  hostedZoneId: string;
  registry: Plan['registry'];
  timings: Timings;
}

/** A run that makes an environment's instance and its declared databases (R1). */
export interface DatabaseApplyInput {
  environment: string;
  accountId: string;
  databases: Databases;
  /** Where the run leaves its receipt. */
  registry: Plan['registry'];
  /** Replace passwords that do not work (R2). */
  rotate: boolean;
  requester: string;
  timings: Timings;
  /** How long the instance takes to be available. */
  available: Wait;
}

/** A run that makes one application's database on the instance that is there (R1). */
export interface DatabaseCreateInput extends Omit<DatabaseApplyInput, 'databases' | 'accountId' | 'available'> {
  instance: string;
  database: DatabaseSpec;
}

/** A look at the connectivity contract, point by point (R3). */
export interface DatabaseCheckInput {
  environment: string;
  databases: Databases;
  timings: Timings;
}

/** Registered workflow type names: what the Temporal UI lists. */
export const BOOTSTRAP = 'bootstrapPlatform';
export const TEARDOWN = 'teardownPlatform';
export const LATE_SWEEP = 'lateSweep';
export const PREVIEW = 'previewTeardown';
export const VERIFY_VERSIONS = 'verifyVersions';
export const FIND_ORPHANS = 'findOrphans';
export const DATABASE_APPLY = 'databaseApply';
export const DATABASE_CREATE = 'databaseCreate';
/** Runs under the instance's own workflow id, so that no apply of it can begin meanwhile. */
export const DATABASE_DESTROY = 'databaseDestroy';
export const DATABASE_CHECK = 'databaseCheck';
/** Runs under the platform's own workflow id, so that no bootstrap of it can begin meanwhile. */
export const REMOVE_ORPHANS = REMOVAL_TYPE;

/** An operator's answer to a run that waits. `stage` must be the stage that waits, so that a late answer never hits another question. */
export interface Answer {
  stage: string;
  by: string;
  reason: string;
}

/** The memo in which a run keeps what was asked of it where a stage fails: who attaches with another wish is told. */
export const ON_FAILURE_MEMO = 'onFailure';

/** The memo in which a cancelled or interrupted run leaves its report: of either end the server keeps no details. */
export const REPORT_MEMO = 'report';

export const databaseReportQuery = defineQuery<DatabaseReport>('report');
export const reportQuery = defineQuery<RunReport>('report');
/** Tries the waiting stage again. Rejected where the run does not wait at that stage. */
export const retryUpdate = defineUpdate<RunReport, [Answer]>('retry');
/** Ends the run at the waiting stage; nothing further is changed or destroyed. */
export const abortUpdate = defineUpdate<RunReport, [Answer]>('abort');
/** The same by hand, from the Temporal UI or `temporal workflow signal`; an answer that does not fit is put in the report, not obeyed. */
export const retrySignal = defineSignal<[Answer]>('retry-by-hand');
export const abortSignal = defineSignal<[Answer]>('abort-by-hand');

/** An approver's decision on the request that the report shows (B1). Its shape is checked at once; whether it counts is answered when it was put on record: then the report, or ApprovalDenied with the reason. */
export const decideUpdate = defineUpdate<RunReport, [DecisionInput]>('decide');
/** The same by hand; one that does not count is in the report and in the audit trail. */
export const decideSignal = defineSignal<[DecisionInput]>('decide-by-hand');

/** How a bootstrap answers the teardown that takes it over: who did, from which run id; `accepted` is false where another teardown was first. */
export interface Interrupted extends Interruption {
  runId: string;
  accepted: boolean;
}

/**
 * Ends a bootstrap in flight at its next safe point, and goes on as this teardown under the same workflow id (X6). Answered at once. Rejected where the plan is
 * not a teardown's, is of another platform, or was changed after it was made.
 */
export const interruptUpdate = defineUpdate<Interrupted, [TeardownInput]>('interrupt');
/** The same by hand; one that is refused is told in the report. */
export const interruptSignal = defineSignal<[TeardownInput]>('interrupt-by-hand');
/** The memo in which a teardown names the bootstrap run that it took over. */
export const INTERRUPTED_MEMO = 'interrupted';

/** Typed search attributes, registered by the lab and by docs/how-to/own-account.md. */
export const searchAttribute = {
  environment: defineSearchAttributeKey('GoldenpathEnvironment', 'KEYWORD'),
  cluster: defineSearchAttributeKey('GoldenpathCluster', 'KEYWORD'),
  lifecycle: defineSearchAttributeKey('GoldenpathLifecycle', 'KEYWORD'),
  phase: defineSearchAttributeKey('GoldenpathPhase', 'KEYWORD'),
  tier: defineSearchAttributeKey('GoldenpathTier', 'KEYWORD'),
  /** The stage that waits for a person, or empty. */
  gate: defineSearchAttributeKey('GoldenpathGate', 'KEYWORD'),
  requester: defineSearchAttributeKey('GoldenpathRequester', 'KEYWORD'),
  commit: defineSearchAttributeKey('GoldenpathCommit', 'KEYWORD'),
};

/** The attributes that a run has from its first moment on. */
export function startAttributes({ environment, cluster, lifecycle }: Target, { requester, commit }: { requester: string; commit?: string | undefined }): SearchAttributePair[] {
  return [
    { key: searchAttribute.environment, value: environment },
    { key: searchAttribute.cluster, value: cluster },
    { key: searchAttribute.lifecycle, value: lifecycle },
    { key: searchAttribute.requester, value: requester },
    ...(commit === undefined ? [] : [{ key: searchAttribute.commit, value: commit }]),
  ];
}

/** Task queues: everything, and Route 53 with its account-wide rate limit. */
export const TASK_QUEUE = 'goldenpath';
export const ROUTE53_TASK_QUEUE = 'goldenpath-route53';
