// What a run tells: one report object that feeds the query, the current details, the result and the receipt (architecture.md § How a run flows, X4, O2).
import { type Approval, type Decision, type DecisionRequest, subjectLine } from './break-glass.ts';
import type { OwnedRecord } from './dns-records.ts';
import { hashOf } from './hash.ts';
import type { Interruption } from './interruption.ts';
import type { Operation, StageSpec } from './stages.ts';
import type { Plan } from './plan.ts';

export type StageStatus = 'pending' | 'running' | 'waiting' | 'done' | 'failed';

export interface StageReport extends StageSpec {
  status: StageStatus;
  attempts: number;
  startedAt?: number;
  endedAt?: number;
  /** What was seen, one line each: the evidence of the stage. */
  evidence: string[];
  error?: { type: string; message: string; problems: string[] };
}

/** What a run waits for a person to decide, and how to answer. */
export interface Waiting {
  stage: string;
  since: number;
  reason: string;
  /** The records that are in the way, where the DNS gate stopped the run. */
  records: OwnedRecord[];
  answers: ('retry' | 'abort')[];
  /** What approvers may decide, and who did so far; absent where only `retry` and `abort` help, or after it expired. */
  request?: DecisionRequest;
  approvals: Approval[];
  /** Set when the request is about to expire. */
  reminded?: boolean;
}

/** An object the platform owns or owned: in the ledger (what was created) or left over (residue). */
export interface OwnedObject {
  kind: string;
  /** ARN where the service has one, else its id. */
  id: string;
  name: string;
  /** The DNS name that a load balancer is reached by: what points there is the platform's to remove as well. */
  address?: string;
}

export interface Residue extends OwnedObject {
  why: string;
  whatToDo: string;
}

export type EndState = 'running' | 'waiting' | 'ready' | 'clean' | 'clean-with-residue' | 'failed';

export interface RunReport {
  schema: 1;
  operation: Operation;
  workflowId: string;
  runId: string;
  cluster: string;
  environment: string;
  /** null for a persistent platform. */
  buildId: string | null;
  hostSuffix: string;
  planHash: string;
  requester: string;
  startedAt: number;
  endedAt?: number;
  state: EndState;
  stages: StageReport[];
  waiting?: Waiting;
  /** What the bootstrap created or the teardown found. */
  ledger: OwnedObject[];
  residue: Residue[];
  decisions: { stage: string; decision: 'retry' | Decision; by: string; reason: string; at: number }[];
  /** Decisions and interrupts that did not count, and why (B2). */
  refusals: { at: number; by: string; reason: string }[];
  /** Of a bootstrap: the teardown that takes it over, or took it over (X6). */
  interruption?: Interruption;
  /** Of a bootstrap that failed and was told to tear itself down: where that teardown is, under which plan. Its run follows this one. */
  teardown?: { workflowId: string; planHash: string };
  /** Of a teardown: the run id of the bootstrap that it took over, or that it cleans up after. */
  interrupted?: string;
}

/** The report of a run that has not begun. */
export function newReport(plan: Plan, run: { runId: string; requester: string; startedAt: number }): RunReport {
  return {
    schema: 1,
    operation: plan.operation,
    workflowId: plan.target.workflowId,
    cluster: plan.target.cluster,
    environment: plan.target.environment,
    buildId: plan.target.buildId,
    hostSuffix: plan.target.hostSuffix,
    planHash: plan.hash,
    ...run,
    state: 'running',
    stages: plan.stages.map((stage) => ({ ...stage, status: 'pending', attempts: 0, evidence: [] })),
    ledger: [],
    residue: [],
    decisions: [],
    refusals: [],
  };
}

/** Adds objects to a ledger once each, by kind and id. */
export function addToLedger(ledger: readonly OwnedObject[], objects: readonly OwnedObject[]): OwnedObject[] {
  const known = new Map<string, OwnedObject>();
  for (const object of [...ledger, ...objects]) known.set(`${object.kind} ${object.id}`, { ...known.get(`${object.kind} ${object.id}`), ...object });
  return [...known.values()];
}

/** Residue with the reasons that a run knows better than the sweep, which only finds; by id. */
export function explained(residue: readonly Residue[], known: readonly { id: string; why: string }[]): Residue[] {
  return residue.map((item) => ({ ...item, why: known.find(({ id }) => id === item.id)?.why ?? item.why }));
}

/** Whether a bootstrap came to create anything. The stage before, the claim, says whose the build id is. */
export function hasCreated({ stages }: Pick<RunReport, 'stages'>): boolean {
  return stages.some(({ id, attempts }) => id === 'cluster' && attempts > 0);
}

/** What a bootstrap that ended badly left standing, and the command that removes it: two lines, none where it came to create nothing. */
export function leftStanding(report: RunReport): [] | [what: string, command: string] {
  const { operation, state, ledger, environment, buildId, cluster, interruption, teardown } = report;
  if (operation !== 'bootstrap' || state !== 'failed' || !hasCreated(report) || interruption !== undefined || teardown !== undefined) return []; // a teardown is on it
  // What an attempt made whose answer was lost is not in the ledger; a teardown finds it by its tags.
  const what = ledger.length === 0 ? 'AWS objects of the platform may exist' : `${ledger.length} AWS object${ledger.length === 1 ? '' : 's'} of the platform exist${ledger.length === 1 ? 's' : ''}`;
  const platform = buildId === null ? '--lifecycle persistent' : `--build-id ${buildId}`;
  return [`${what}, and what they made (nodes, load balancers, volumes): they cost money until they are removed`, `goldenpath teardown --env ${environment} ${platform} --confirm ${cluster}`];
}

/** How a run that visited all its stages ended; a stage that was planned and not done makes it failed, never clean (X4). */
export function endState(report: RunReport): EndState {
  if (report.stages.some((stage) => stage.status !== 'done' && stage.id !== 'receipt')) return 'failed';
  if (report.operation === 'bootstrap') return 'ready';
  return report.residue.length === 0 ? 'clean' : 'clean-with-residue';
}

/** The records that are left at the end, as residue: with whoever decided to leave them, or as a surprise. */
export function recordResidue(records: readonly OwnedRecord[], zone: { hostedZoneId: string }, left: DecisionRequest | undefined): Residue[] {
  return records.map((record) => {
    const decidedOn = left?.subject.includes(subjectLine(record)) === true;
    return {
      kind: 'route53-record',
      id: `${zone.hostedZoneId} ${subjectLine(record)}`,
      name: `${record.name} ${record.type}`,
      why: decidedOn ? `left by decision ${left?.id ?? ''}` : 'Route 53 lists it after the end',
      whatToDo: decidedOn ? 'It stays until somebody decides otherwise; `goldenpath orphans` lists it, and asks before it removes it' : 'Remove it with `goldenpath orphans`; nothing renews or removes it any more',
    };
  });
}

/** The receipt: the report as it is kept for good, with a hash of itself (O2). */
export interface Receipt {
  schema: 1;
  report: RunReport;
  hash: string;
}

export function receiptOf(report: RunReport): Receipt {
  return { schema: 1, report, hash: hashOf(report) };
}
