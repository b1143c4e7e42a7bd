// A teardown takes over the bootstrap in flight: nobody else can start anything in between, because it is the same execution that goes on as the teardown (X6, architecture.md § How a run flows).
import { ActivityFailure, allHandlersFinished, ApplicationFailure, CancellationScope, condition, isCancellation, makeContinueAsNewFunc, setCurrentDetails, setHandler, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { currentDetails } from '../domain/details.ts';
import { type Interruption, interruptionLine, interruptionProblem } from '../domain/interruption.ts';
import type { Plan } from '../domain/plan.ts';
import { receiptOf, type RunReport, type StageReport } from '../domain/report.ts';
import { describe, isOperational } from './failures.ts';
import { type Interrupted, INTERRUPTED_MEMO, interruptSignal, interruptUpdate, ON_FAILURE_MEMO, REPORT_MEMO, searchAttribute, startAttributes, TEARDOWN, type TeardownInput } from './messages.ts';
import { policies } from './policies.ts';
import { leaveReceipt, type Run } from './run.ts';
import type { teardownPlatform } from './teardown-platform.ts';

/** What follows a failure: the run's own end, or, where it was told so, the teardown of what it made. */
interface AfterFailure {
  failed: (error: unknown) => Promise<never>;
  ownTeardown: () => TeardownInput | undefined;
}

/**
 * Runs a bootstrap's `stages` until they end, fail, or a teardown takes over. Then everything under way is cancelled; once whatever
 * changes something has ended, or is seen cancelled, the bootstrap leaves its receipt, and the execution goes on as the teardown. An interrupt that comes
 * while the last words are written still wins; one that comes later finds no run, and its client starts the teardown. Registers its handlers before anything is awaited.
 */
export async function interruptible(run: Run, plan: Plan, stages: () => Promise<RunReport>, { failed, ownTeardown }: AfterFailure): Promise<RunReport> {
  const scope = new CancellationScope();
  const { taken, takeOwn } = takeInterrupts(run.report, plan, scope);
  const toItsEnd = async (): Promise<RunReport> => {
    try {
      return await scope.run(stages);
    } catch (error) {
      if (taken() !== undefined) throw error;
      const own = isOperational(error) && !isCancellation(error) ? ownTeardown() : undefined;
      if (own === undefined) return failed(error);
      takeOwn(own); // from here on whoever would take over is told of this one
      throw error;
    }
  };
  try {
    const report = await toItsEnd();
    if (taken() === undefined) return report;
  } catch (error) {
    if (taken() === undefined || !isOutcome(error)) throw error;
  }
  const teardown = taken();
  if (teardown === undefined) throw new TypeError('the bootstrap was taken over by nobody');
  return CancellationScope.nonCancellable(() => handOver(run.report, plan, teardown));
}

/** The first teardown that asks gets the platform, and be it the bootstrap's own; a later one is told who was first. */
function takeInterrupts(report: RunReport, plan: Plan, scope: CancellationScope) {
  let first: { input: TeardownInput; interruption: Interruption } | undefined;

  const askedBy = (input: TeardownInput): { input: TeardownInput; interruption: Interruption } => {
    const { requester, reason = 'no reason was given' } = input.request;
    return { input, interruption: { by: requester, reason, at: Date.now(), stage: current(report)?.id ?? null } };
  };
  const take = (input: TeardownInput): Interrupted => {
    const accepted = first === undefined;
    first ??= askedBy(input);
    if (report.teardown === undefined) report.interruption = first.interruption;
    if (accepted) scope.cancel();
    setCurrentDetails(currentDetails(report));
    return { runId: report.runId, accepted, ...first.interruption };
  };
  const takeOwn = (input: TeardownInput) => {
    first = askedBy(input);
    report.teardown = { workflowId: report.workflowId, planHash: input.plan.hash };
  };
  setHandler(interruptUpdate, take, {
    validator: (input) => {
      const problem = interruptionProblem(plan, input);
      if (problem !== undefined) throw ApplicationFailure.create({ type: 'InvalidInput', message: `Refused: ${problem}`, nonRetryable: true });
    },
  });
  setHandler(interruptSignal, (input) => {
    const problem = interruptionProblem(plan, input);
    if (problem === undefined) take(input);
    else report.refusals.push({ at: Date.now(), by: 'a signal', reason: `interrupt: ${problem}` });
  });
  return { taken: () => first?.input, takeOwn };
}

/** Leaves the receipt and the report of the bootstrap, answers whoever asked meanwhile, and becomes the teardown. */
async function handOver(report: RunReport, plan: Plan, { plan: next, request }: TeardownInput): Promise<never> {
  const { target, registry, timings } = plan;
  close(report);
  if (report.teardown === undefined) {
    try {
      // A name of its own: the bootstrap's receipt may have been written just before.
      await policies(timings).change.writeReceipt('Write the receipt of the interrupted bootstrap', { target, registry, name: `${report.runId}-interrupted`, receipt: receiptOf(report) });
    } catch (unwritten) {
      // What the receipt would tell the teardown, its input tells it as well: that must not be held up for good.
      if (!(unwritten instanceof ActivityFailure)) throw unwritten;
      for (const entry of report.stages.filter(({ id }) => id === 'receipt')) entry.error = describe(unwritten);
    }
  } else await leaveReceipt(report, plan);
  upsertMemo({ [REPORT_MEMO]: report });
  await condition(allHandlersFinished); // a second teardown is told who was first
  const { runId, ledger } = report;
  const goOn = makeContinueAsNewFunc<typeof teardownPlatform>({ workflowType: TEARDOWN, typedSearchAttributes: startAttributes(target, request), memo: { [INTERRUPTED_MEMO]: runId, [ON_FAILURE_MEMO]: request.onFailure } });
  return goOn({ plan: next, request, interrupted: { runId, ledger } });
}

/** The bootstrap's last word: failed, at the stage at which it was interrupted, with what had gone wrong there before; a failure that is followed by its own teardown keeps its words. */
function close(report: RunReport): void {
  const { interruption, teardown } = report;
  if (interruption === undefined && teardown === undefined) throw new TypeError('the bootstrap ends as interrupted, and was not');
  if (report.waiting !== undefined) upsertSearchAttributes([{ key: searchAttribute.gate, value: null }]);
  delete report.waiting;
  for (const entry of report.stages.filter(({ id, status }) => id === interruption?.stage && status !== 'done')) {
    const before = entry.error === undefined || entry.error.type === 'Aborted' ? undefined : entry.error;
    entry.error = { type: 'Interrupted', message: `${interruption === undefined ? '' : interruptionLine(interruption)}${before === undefined ? '' : `, after: ${before.message}`}`, problems: before?.problems ?? [] };
    entry.status = 'failed';
    entry.endedAt ??= Date.now();
  }
  report.state = 'failed';
  report.endedAt = Date.now();
  setCurrentDetails(currentDetails(report));
}

function current({ stages }: RunReport): StageReport | undefined {
  return stages.find(({ status }) => status === 'running' || status === 'waiting');
}

/** Everything but a bug in workflow code, which fails the task and waits for a fixed worker. */
function isOutcome(error: unknown): boolean {
  return isOperational(error) || isCancellation(error);
}
