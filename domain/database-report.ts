// What a database run did and found: the result of its workflow, and what the command prints (R1). Pure; it holds no password.
import type { Verdict } from './database-plan.ts';
import type { DatabaseSpec } from './databases.ts';
import { hashOf } from './hash.ts';
import type { Wait } from './timings.ts';

/** What became of one application's database. */
export interface DatabaseOutcome extends DatabaseSpec {
  verdict: Verdict;
  /** Where its login is. */
  secretName: string;
  secretArn: string;
  /** One line a change; none where everything was as it should be. */
  did: string[];
}

/** What is wrong with one application's database now; `problems` and `steps` are empty where nothing is. */
export interface DatabaseFinding extends DatabaseSpec {
  verdict: Verdict;
  secretName: string;
  problems: string[];
  /** What a run would do, in words. */
  steps: string[];
}

export const DATABASE_STEPS = {
  instance: 'Network and instance',
  available: 'Instance available',
  databases: 'Roles, databases and secrets',
  receipt: 'Receipt',
} as const;
export type DatabaseStepId = keyof typeof DATABASE_STEPS;

export interface DatabaseStep {
  id: DatabaseStepId;
  title: string;
  status: 'pending' | 'running' | 'done' | 'failed';
  startedAt?: number;
  endedAt?: number;
  evidence: string[];
  error?: { type: string; message: string; problems: string[] };
}

export interface DatabaseReport {
  schema: 1;
  operation: 'apply' | 'create';
  environment: string;
  instance: string;
  requester: string;
  runId: string;
  startedAt: number;
  endedAt?: number;
  state: 'running' | 'ready' | 'failed';
  steps: DatabaseStep[];
  databases: DatabaseOutcome[];
}

/** A report at its beginning, with the steps that its operation has. */
export function newDatabaseReport(run: Pick<DatabaseReport, 'operation' | 'environment' | 'instance' | 'requester' | 'runId' | 'startedAt'>): DatabaseReport {
  const ids: DatabaseStepId[] = run.operation === 'apply' ? ['instance', 'available', 'databases', 'receipt'] : ['databases', 'receipt'];
  return { schema: 1, ...run, state: 'running', steps: ids.map((id) => ({ id, title: DATABASE_STEPS[id], status: 'pending', evidence: [] })), databases: [] };
}

/** The receipt: the report as it is kept for good, with a hash of itself (O2). */
export interface DatabaseReceipt {
  schema: 1;
  report: DatabaseReport;
  hash: string;
}

export function databaseReceiptOf(report: DatabaseReport): DatabaseReceipt {
  return { schema: 1, report, hash: hashOf(report) };
}

/**
 * How long an instance takes to be available, in milliseconds. 420 s is measured for a small instance with its first backup (lab.md § The gateway);
 * an hour is what AWS support calls too long.
 */
export function instanceWait(scale: number): Wait {
  return { expectedMs: Math.round(420_000 / scale), denseMs: Math.max(250, Math.round(5_000 / scale)), deadlineMs: Math.max(180_000, Math.round(3_600_000 / scale)) };
}

/** The workflow id of what changes an instance: Temporal's uniqueness keeps two of them apart. `app`: the self-service of one application, beside which others go on. */
export function databaseWorkflowId({ environment, instance, app }: { environment: string; instance: string; app?: string }): string {
  return ['database', environment, instance, ...(app === undefined ? [] : [app])].join('/');
}

/** The report as Markdown, for the Temporal UI. */
export function databaseDetails({ operation, environment, instance, steps, state }: DatabaseReport): string {
  const marks = { pending: '·', running: '…', done: '✓', failed: '✗' } as const;
  const lines = steps.flatMap(({ status, title, evidence, error }) => [`- ${marks[status]} ${title}`, ...evidence.map((line) => `  - ${line}`), ...(error === undefined ? [] : [`  - ${error.type}: ${error.message}`])]);
  return [`**database ${operation}** of ${instance} in ${environment}: ${state}`, '', ...lines].join('\n');
}
