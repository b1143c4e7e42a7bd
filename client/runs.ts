// Runs on Temporal: start or attach, find, list, answer. One workflow id per cluster is the lock: no cluster has two runs at once (X6, U1).
import { type Client, type WorkflowExecutionDescription, WorkflowExecutionAlreadyStartedError, type WorkflowExecutionInfo, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowNotFoundError } from '@temporalio/client';
import { GoldenpathError } from '../domain/errors.ts';
import type { Plan } from '../domain/plan.ts';
import { type Operation, OPERATION_NOUN, OPERATIONS, operationTitle } from '../domain/stages.ts';
import { BOOTSTRAP, DATABASE_DESTROY, REMOVE_ORPHANS, ON_FAILURE_MEMO, REPORT_MEMO, searchAttribute, startAttributes, TASK_QUEUE, TEARDOWN } from '../workflows/messages.ts';
import { InputRefused } from './problems.ts';
import type { Prepared } from './request.ts';
import { takeOver } from './takeover.ts';

/** Which run: the latest one of the workflow id where no run id is given. */
export interface RunRef {
  workflowId: string;
  runId?: string | undefined;
}

export interface Started extends RunRef {
  runId: string;
  operation: Operation;
  /** True where the run was in flight already and this request changed nothing. */
  attached: boolean;
  /** The run id of the bootstrap that this teardown interrupted. */
  interrupted?: string;
}

/** What lists and `status` show of a run; all of it is known to the server, no worker is asked. */
export interface RunSummary {
  workflowId: string;
  runId: string;
  operation: Operation;
  /** Temporal's word: RUNNING, COMPLETED, FAILED, CANCELLED, TERMINATED, TIMED_OUT, CONTINUED_AS_NEW. */
  status: string;
  environment: string | null;
  cluster: string | null;
  lifecycle: string | null;
  phase: string | null;
  tier: string | null;
  /** Of a bootstrap that goes on as a teardown: whether it failed, and was told to end so; else it was taken over (X6). */
  tornDownByItself: boolean;
  /** The stage that waits for a person, or null. */
  gate: string | null;
  requester: string | null;
  startedAt: number;
  endedAt: number | null;
}

const WORKFLOW_TYPE: Record<Operation, string> = { bootstrap: BOOTSTRAP, teardown: TEARDOWN, 'remove-orphans': REMOVE_ORPHANS, 'destroy-database': DATABASE_DESTROY };
const DOES: Record<Operation, string> = { bootstrap: 'Bootstraps', teardown: 'Tears down', 'remove-orphans': 'Removes the orphans of', 'destroy-database': 'Destroys the database instance' };

/** How many runs a list shows: the latest ones. */
const MAX_LISTED = 50;

/** Runs may end and begin while one is to be started: so often it is looked again before that is called a conflict. */
const MAX_LOOKS = 5;

/**
 * Starts the plan's run, or attaches to the same operation in flight; a teardown takes over a bootstrap in flight (X6), and `say` is told so. Throws InputRefused for
 * a bootstrap while a teardown is in flight, and where the build id was used before; of earlier runs that Temporal has forgotten, the claim in the registry decides.
 * A persistent platform has no build id: a bootstrap of one that stands, or half stands, goes over it again.
 */
export async function startRun(client: Client, prepared: Prepared, say: (line: string) => void): Promise<Started> {
  const { operation, target } = prepared.plan;
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const inFlight = await runningExecution(client, target.workflowId);
    const started = inFlight === undefined ? await startNew(client, prepared, say) : await join(client, prepared, inFlight, say);
    if (started !== undefined) return started;
  }
  throw new GoldenpathError('Conflict', `Runs of ${target.cluster} began and ended ${MAX_LOOKS} times while this ${operation} was to be started`, ['ask again']);
}

/** Attaches to the run in flight, or takes it over; undefined where it ended meanwhile. */
async function join(client: Client, prepared: Prepared, inFlight: WorkflowExecutionDescription, say: (line: string) => void): Promise<Started | undefined> {
  const { operation } = prepared.plan;
  if (operation !== 'teardown' || operationOf(inFlight.type) !== 'bootstrap') return attach(inFlight, prepared, say);
  const taken = await takeOver(client, inFlight, prepared, say);
  if (taken === undefined) return undefined;
  const teardown = attach(taken.next, prepared, say);
  return taken.accepted ? { ...teardown, attached: false, interrupted: inFlight.runId } : teardown;
}

/** Starts the run; undefined where another start came first. */
async function startNew(client: Client, { plan, request }: Prepared, say: (line: string) => void): Promise<Started | undefined> {
  const { operation, target } = plan;
  const { workflowId } = target;
  if (operation === 'bootstrap' && target.buildId !== null) await refuseUsedBuild(client, plan);
  if (operation === 'bootstrap' && target.buildId === null) await tellOfStanding(client, target, say);
  try {
    const { firstExecutionRunId: runId } = await client.workflow.start(WORKFLOW_TYPE[operation], {
      workflowId,
      taskQueue: TASK_QUEUE,
      args: [{ plan, request }],
      memo: { [ON_FAILURE_MEMO]: request.onFailure },
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE, // a teardown follows the bootstrap under the same id
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL, // of two starts at the same moment one makes the run, and the other attaches to it
      typedSearchAttributes: startAttributes(target, request),
      staticSummary: `${operationTitle(operation)} of ${target.cluster}`,
      staticDetails: staticDetails(plan, request.requester),
    });
    return { workflowId, runId, operation, attached: false };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
}

/** The latest run under the workflow id. Throws InputRefused where there never was one, or Temporal has forgotten it. */
export async function describeRun(client: Client, { workflowId, runId }: RunRef): Promise<WorkflowExecutionDescription> {
  const found = await find(client, workflowId, runId);
  if (found !== undefined) return found;
  throw new InputRefused([{ field: 'run', given: workflowId, problem: 'there is no such run', fix: '`goldenpath status` lists the runs there are' }]);
}

/** Whether Temporal knows any run under the workflow id. */
export async function hasRun(client: Client, workflowId: string): Promise<boolean> {
  return (await find(client, workflowId)) !== undefined;
}

/** The latest runs of all platforms, or of one environment, newest first. */
export async function listRuns(client: Client, environment?: string): Promise<RunSummary[]> {
  const types = `WorkflowType IN (${Object.values(WORKFLOW_TYPE).map((type) => `'${type}'`).join(', ')})`;
  const query = environment === undefined ? types : `${types} AND ${searchAttribute.environment.name} = '${environment}'`;
  const runs: RunSummary[] = [];
  for await (const execution of client.workflow.list({ query, pageSize: MAX_LISTED })) {
    runs.push(summaryOf(execution));
    if (runs.length >= MAX_LISTED) break;
  }
  return runs.toSorted((a, b) => b.startedAt - a.startedAt);
}

export function summaryOf(execution: WorkflowExecutionInfo | WorkflowExecutionDescription): RunSummary {
  const attribute = (key: (typeof searchAttribute)[keyof typeof searchAttribute]) => execution.typedSearchAttributes.get(key) ?? null;
  return {
    workflowId: execution.workflowId,
    runId: execution.runId,
    operation: operationOf(execution.type),
    status: execution.status.name,
    environment: attribute(searchAttribute.environment),
    cluster: attribute(searchAttribute.cluster),
    lifecycle: attribute(searchAttribute.lifecycle),
    phase: attribute(searchAttribute.phase),
    tier: attribute(searchAttribute.tier),
    tornDownByItself: leftTeardown(execution.memo?.[REPORT_MEMO]),
    gate: attribute(searchAttribute.gate),
    requester: attribute(searchAttribute.requester),
    startedAt: execution.startTime.getTime(),
    endedAt: execution.closeTime?.getTime() ?? null,
  };
}

/** Whether the report that a run left in its memo names a teardown of its own. */
function leftTeardown(left: unknown): boolean {
  return typeof left === 'object' && left !== null && 'teardown' in left && left.teardown !== undefined;
}

export function operationOf(workflowType: string): Operation {
  const operation = OPERATIONS.find((each) => WORKFLOW_TYPE[each] === workflowType);
  if (operation !== undefined) return operation;
  throw new InputRefused([{ field: 'run', given: workflowType, problem: 'is not the run of a platform', allowed: Object.values(WORKFLOW_TYPE).join(', '), fix: '`goldenpath status` lists the runs there are' }]);
}

/** Whether a stage lies behind `claim` in a bootstrap's plan: then the build id belongs to that run. */
export function isPastClaim(phase: string | null, stages: Plan['stages']): boolean {
  const at = (id: string | null) => stages.findIndex((stage) => stage.id === id);
  return at(phase) > at('claim');
}

async function runningExecution(client: Client, workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
  const latest = await find(client, workflowId);
  return latest?.status.name === 'RUNNING' ? latest : undefined;
}

async function find(client: Client, workflowId: string, runId?: string): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId, runId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** The run in flight, where it does what was asked for. It keeps its own way of failing, and `say` is told where that is another. */
function attach(execution: WorkflowExecutionDescription, { plan: { operation: wanted }, request }: Prepared, say: (line: string) => void): Started {
  const { workflowId, runId } = execution;
  const operation = operationOf(execution.type);
  const kept = execution.memo?.[ON_FAILURE_MEMO];
  if (operation === wanted) {
    if (typeof kept === 'string' && kept !== request.onFailure) say(`Note: the run in flight was started with --on-failure ${kept}, and keeps it`);
    return { workflowId, runId, operation, attached: true };
  }
  throw new InputRefused([
    {
      field: 'platform',
      given: workflowId,
      problem: `a ${OPERATION_NOUN[operation]} of it is in flight (run ${runId}), and one cluster never has two runs at once`,
      allowed: `a ${OPERATION_NOUN[wanted]} once the ${OPERATION_NOUN[operation]} has ended`,
      fix: `follow it with \`goldenpath watch ${workflowId}\`, and ask again when it has ended`,
    },
  ]);
}

/** A persistent platform is raised under one name for ever: a bootstrap of one that stands goes over it again, and makes what is missing. */
async function tellOfStanding(client: Client, { workflowId, cluster }: Plan['target'], say: (line: string) => void): Promise<void> {
  const latest = await find(client, workflowId);
  if (latest === undefined || operationOf(latest.type) !== 'bootstrap') return;
  const { status, runId, startTime } = latest;
  say(`${cluster} was bootstrapped before (run ${runId} of ${startTime.toISOString()}, ${status.name.toLowerCase()}), and not torn down since: this run goes over it again, and makes or mends what is missing`);
}

async function refuseUsedBuild(client: Client, { target, stages }: Plan): Promise<void> {
  const latest = await find(client, target.workflowId);
  if (latest === undefined) return;
  const runs = new Map([[latest.runId, summaryOf(latest)]]);
  for await (const execution of client.workflow.list({ query: `WorkflowId = '${target.workflowId}' AND WorkflowType = '${BOOTSTRAP}'` })) runs.set(execution.runId, summaryOf(execution));
  const user = [...runs.values()].find((run) => run.operation === 'bootstrap' && (run.status === 'COMPLETED' || isPastClaim(run.phase, stages)));
  if (user === undefined) return;
  throw new InputRefused([
    {
      field: '--build-id',
      given: target.buildId ?? 'none',
      problem: `was used before, by run ${user.runId} of ${new Date(user.startedAt).toISOString()}`,
      allowed: 'a build id that no run has claimed',
      fix: 'take the next number of the day; what that run left is removed by `goldenpath teardown`',
    },
  ]);
}

/** What the Temporal UI shows of the run from its first moment on, in Markdown. */
function staticDetails({ operation, target, maxTier, hash }: Plan, requester: string): string {
  return [
    `${DOES[operation]} **${target.cluster}** (${target.lifecycle}, up to tier ${maxTier}) in ${target.environment}, asked for by ${requester}.`,
    '',
    `- DNS scope: \`${target.hostSuffix}\` in zone \`${target.zone}\` (${target.hostedZoneId}), owner \`${target.ownerId}\``,
    `- account ${target.accountId}, region ${target.region}`,
    `- plan hash \`${hash}\``,
    `- follow it with \`goldenpath watch ${target.workflowId}\``,
  ].join('\n');
}
