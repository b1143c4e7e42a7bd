// The stage runner: records every stage in the one report, publishes it, and lets an operator answer where a stage failed for good (architecture.md § How a run flows).
import { ActivityFailure, allHandlersFinished, ApplicationFailure, CancellationScope, CancelledFailure, condition, isCancellation, setCurrentDetails, setHandler, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { z } from 'zod';
import type { Decided, DecisionInput, DecisionRequest } from '../domain/break-glass.ts';
import { currentDetails } from '../domain/details.ts';
import { type Plan, planProblem } from '../domain/plan.ts';
import { addToLedger, endState, newReport, type OwnedObject, receiptOf, type RunReport, type StageReport, type Waiting } from '../domain/report.ts';
import type { BootstrapRequest } from '../domain/request.ts';
import { checkDecisionForm, type Decisions, openDecisions } from './decisions.ts';
import { describe, isOperational, NeedsDecision, type Offer } from './failures.ts';
import { abortSignal, abortUpdate, type Answer, decideSignal, decideUpdate, REPORT_MEMO, reportQuery, retrySignal, retryUpdate, searchAttribute, startAttributes } from './messages.ts';
import { policies } from './policies.ts';

/** One stage. Each step may note evidence; `verify` sees what `act` gave and throws where it does not hold. */
export interface StageSteps<T> {
  precheck?: (note: Note) => Promise<void>;
  act: (note: Note) => Promise<T>;
  verify?: (result: T, note: Note) => Promise<void>;
  /** Takes what approvers decided about a failure of this stage; then the stage is tried again. */
  decide?: (decided: Decided) => void;
  /** A failure ends the run, whatever the request says: nothing has been changed yet, so that starting anew is as good as a retry. */
  failsAtOnce?: boolean;
}
export type Note = (...lines: string[]) => void;
type Operator = { decision: 'retry' | 'abort'; told: RunReport['decisions'][number] } & Answer;

/** What comes by hand may be anything, also nothing at all. */
const answerSchema: z.ZodType<Answer> = z.object({ stage: z.string().min(1), by: z.string().min(1), reason: z.string().min(1) });

/** Opens the run: handlers first, before anything is awaited. Throws InvalidInput where the plan was changed on its way. */
export function openRun(plan: Plan, request: { requester: string; onFailure: BootstrapRequest['onFailure']; commit?: string | undefined }) {
  const report = newReport(plan, { runId: workflowInfo().runId, requester: request.requester, startedAt: Date.now() });
  let decision: Operator | undefined;
  const decisions = openDecisions(plan, report, request.requester);

  const problemWith = (answer: Answer): string | undefined => {
    if (!answerSchema.safeParse(answer).success) return 'it is not an answer; expected {"stage": "…", "by": "…", "reason": "…"}, none of them empty';
    if (report.waiting === undefined) return 'the run does not wait for a decision now';
    if (decision !== undefined) return `stage ${report.waiting.stage} was answered already (${decision.decision} by ${decision.by})`;
    return answer.stage === report.waiting.stage ? undefined : `the run waits at stage ${report.waiting.stage}, not at ${answer.stage}`;
  };
  const validate = (answer: Answer) => {
    const problem = problemWith(answer);
    if (problem !== undefined) throw ApplicationFailure.create({ type: 'InvalidInput', message: `Refused: ${problem}`, nonRetryable: true });
  };
  const take = (kind: Operator['decision'], answer: Answer) => {
    const told = { stage: answer.stage, decision: kind, by: answer.by, reason: answer.reason, at: Date.now() };
    decision = { decision: kind, told, ...answer };
    report.decisions.push(told);
    return report;
  };
  const takeByHand = (kind: Operator['decision'], answer: Answer) => {
    const problem = problemWith(answer);
    if (problem === undefined) take(kind, answer);
    else if (!answerSchema.safeParse(answer).success) report.refusals.push({ at: Date.now(), by: 'a signal', reason: `${kind}: ${problem}` });
    else report.decisions.push({ stage: answer.stage, decision: kind, by: answer.by, reason: `not obeyed: ${problem}`, at: Date.now() });
  };
  setHandler(reportQuery, () => report);
  setHandler(retryUpdate, (answer) => take('retry', answer), { validator: validate });
  setHandler(abortUpdate, (answer) => take('abort', answer), { validator: validate });
  setHandler(retrySignal, (answer) => { takeByHand('retry', answer); });
  setHandler(abortSignal, (answer) => { takeByHand('abort', answer); });
  setHandler(decideUpdate, (given) => decisions.take('update', given), { validator: checkDecisionForm });
  setHandler(decideSignal, (given) => decideByHand(report, decisions, given));

  const changed = planProblem(plan);
  if (changed !== undefined) throw ApplicationFailure.create({ type: 'InvalidInput', message: changed, nonRetryable: true, details: [report] });
  const { target } = plan;
  // The id is the platform's lock (X6): under another one this run would stand beside whatever holds it.
  if (workflowInfo().workflowId !== target.workflowId) throw ApplicationFailure.create({ type: 'InvalidInput', message: `the workflow id is ${workflowInfo().workflowId}, the plan's is ${target.workflowId}: start runs with goldenpath, which takes the id from the plan`, nonRetryable: true, details: [report] });
  upsertSearchAttributes(startAttributes(target, request));

  /** Runs a stage to its end, again as often as an operator asks for it. Fails the run where it cannot go on: so with bad input, which no second attempt makes good. */
  async function stage<T>(id: string, steps: StageSteps<T>): Promise<T> {
    const entry = find(report, id);
    const scope = CancellationScope.current();
    if (scope.consideredCancelled) await scope.cancelRequested; // rejects: a stage that was not begun stays so
    enter(report, entry);
    for (;;) {
      try {
        const result = await attempt(entry, steps);
        Object.assign(entry, { status: 'done', endedAt: Date.now() });
        setCurrentDetails(currentDetails(report));
        return result;
      } catch (error) {
        Object.assign(entry, { status: 'failed', endedAt: Date.now(), error: describe(error) });
        if (isCancellation(error)) throw error;
        if (!isOperational(error)) throw error; // a bug in workflow code: it fails the task and waits for a fixed worker
        if (scope.consideredCancelled) throw new CancelledFailure('the run was cancelled'); // and what was under way failed
        if (request.onFailure !== 'wait' || steps.failsAtOnce === true || entry.error?.type === 'InvalidInput') throw failure(report, entry);
        const answer = await peoplesAnswer(entry, error);
        if (answer.decided === undefined) await recordOperator(entry);
        if (answer.decision === 'abort') {
          entry.status = 'failed';
          entry.error = { type: 'Aborted', message: `${answer.by} ended the run at this stage, after: ${entry.error?.message ?? 'no error'}`, problems: entry.error?.problems ?? [] };
          throw failure(report, entry);
        }
        if (answer.decided !== undefined) steps.decide?.(answer.decided);
      }
    }
  }

  /** Waits for people: an operator's retry or abort, or, where the failure offers a choice, what enough approvers decide. */
  async function peoplesAnswer(entry: StageReport, error: unknown): Promise<{ decision: Operator['decision'] | Decided['decision']; by: string; decided?: Decided }> {
    decision = undefined;
    const offer = error instanceof NeedsDecision ? error.offer : undefined;
    entry.status = 'waiting';
    report.state = 'waiting';
    const asked = offer === undefined ? {} : await askPeople(entry.id, offer);
    const reason = entry.error?.message ?? 'the stage failed';
    report.waiting = { stage: entry.id, since: Date.now(), reason: `${reason}${asked.problem ?? ''}`, records: offer?.records ?? [], answers: ['retry', 'abort'], approvals: [], ...(asked.request === undefined ? {} : { request: asked.request }) };
    setCurrentDetails(currentDetails(report));
    upsertSearchAttributes([{ key: searchAttribute.gate, value: entry.id }]);
    const decided = await settled(report.waiting);
    if (decided === undefined) await condition(() => decision !== undefined);
    delete report.waiting;
    report.state = 'running';
    upsertSearchAttributes([{ key: searchAttribute.gate, value: null }]);
    if (decided !== undefined) return { decision: decided.decision, by: decided.approvals.map(({ claims }) => claims.approver).join(' and '), decided };
    if (decision === undefined) throw new TypeError('the wait for a decision ended without one');
    return decision;
  }

  /** An operator's answer destroys nothing: it is obeyed also where it cannot be put on record, and the report says so. */
  async function recordOperator(entry: StageReport): Promise<void> {
    if (decision === undefined) throw new TypeError('there is no answer to put on record');
    const { told, by, reason } = decision;
    try {
      await decisions.record({ kind: 'operator', stage: entry.id, decision: decision.decision, by, reason }, `${entry.id}-${entry.attempts}`);
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      told.reason += ` (not in the audit trail: ${describe(error).message})`;
    }
  }

  /** The question, once it is on record. Where it cannot be, there is none: then only an operator's answer is left, and the reason says why. */
  async function askPeople(gate: string, offer: Offer): Promise<{ request?: DecisionRequest; problem?: string }> {
    try {
      return { request: await decisions.ask(gate, offer) };
    } catch (error) {
      return { problem: unrecorded(error) };
    }
  }

  /** What approvers decide on the question that stands, if one does and its answer can be put on record. */
  async function settled(waiting: Waiting): Promise<Decided | undefined> {
    try {
      return await decisions.settle(() => decision !== undefined);
    } catch (error) {
      waiting.reason += unrecorded(error);
      delete waiting.request;
      setCurrentDetails(currentDetails(report));
      return undefined;
    }
  }

  const own = (objects: readonly OwnedObject[]) => { report.ledger = addToLedger(report.ledger, objects); };
  /** Of a teardown: goes on from the bootstrap that it took over (X6). */
  const takeOver = ({ runId, ledger }: { runId: string; ledger: readonly OwnedObject[] }) => {
    report.interrupted = runId;
    own(ledger);
  };
  return { report, stage, own, takeOver, record: decisions.record };
}

export type Run = ReturnType<typeof openRun>;

/**
 * Closes a run whose stages are done: the last stage writes the receipt, which says how the run ended. A planned stage that was not visited makes the end
 * state failed (X4).
 */
export async function closeRun(run: Run, plan: Plan): Promise<RunReport> {
  const { report } = run;
  const { change } = policies(plan.timings);
  await run.stage('receipt', {
    act: async (note) => {
      const { waiting: _, ...rest } = report;
      const receipt = receiptOf({ ...rest, state: endState(report), endedAt: Date.now() });
      const { key } = await change.writeReceipt('Write the receipt', { target: plan.target, registry: plan.registry, name: report.runId, receipt });
      note(`s3://${plan.registry.bucket}/${key}`);
    },
  });
  report.state = endState(report);
  report.endedAt = Date.now();
  setCurrentDetails(currentDetails(report));
  await condition(allHandlersFinished);
  if (report.state === 'failed') throw ApplicationFailure.create({ type: 'TerminalState', message: 'a planned stage was not visited', nonRetryable: true, details: [report] });
  return report;
}

/** Leaves the receipt of a run that failed or was cancelled, however early (O2), and rethrows. */
export async function recordFailure(run: Run, plan: Plan, error: unknown): Promise<never> {
  const { report } = run;
  if (isCancellation(error)) markCancelled(report);
  // What fails after the receipt of the end (a late sweep that cannot start) does not change how the platform ended.
  if (find(report, 'receipt').status !== 'done') {
    report.state = 'failed';
    report.endedAt = Date.now();
    setCurrentDetails(currentDetails(report));
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished)); // whoever sent the answer that ended the run is told so
    await leaveReceipt(report, plan);
  }
  // The SDK drops the details of a cancellation (1.24: a bare cancelWorkflowExecution command), so a cancelled run leaves its report in the memo.
  if (isCancellation(error)) upsertMemo({ [REPORT_MEMO]: report });
  if (error instanceof ApplicationFailure) throw ApplicationFailure.create({ type: error.type ?? 'TerminalState', message: error.message, nonRetryable: true, details: [report] });
  throw error;
}

/** A decision sent as a signal: nobody waits for an answer, so one that does not count is told in the report and the audit trail. */
async function decideByHand(report: RunReport, decisions: Decisions, given: DecisionInput): Promise<void> {
  try {
    checkDecisionForm(given);
    await decisions.take('signal', given);
  } catch (error) {
    // What a signal's handler throws would fail the run: that an answer cannot be checked or recorded ends nothing.
    if (error instanceof ActivityFailure || isCancellation(error)) report.refusals.push({ at: Date.now(), by: 'a signal', reason: `it could not be checked and put on record, send it again: ${describe(error).message}` });
    else if (!(error instanceof ApplicationFailure)) throw error;
    else if (error.type === 'InvalidInput') report.refusals.push({ at: Date.now(), by: 'unknown', reason: error.message });
  }
}

/** Writes the receipt of a run that failed. That it cannot be written is told in the report, beside what failed first. */
export async function leaveReceipt(report: RunReport, plan: Plan): Promise<void> {
  const entry = find(report, 'receipt');
  const { target, registry } = plan;
  try {
    const { lastWord } = policies(plan.timings);
    const receipt = { target, registry, name: report.runId, receipt: receiptOf(report) };
    const { key } = await CancellationScope.nonCancellable(() => lastWord.writeReceipt('Write the receipt of the failed run', receipt));
    entry.evidence.push(`s3://${registry.bucket}/${key}`);
    if (entry.status === 'pending') entry.status = 'done';
  } catch (unwritten) {
    if (!(unwritten instanceof ActivityFailure)) throw unwritten;
    const { type, message, problems } = describe(unwritten);
    entry.status = 'failed';
    entry.error ??= { type, message: `the receipt could not be written: ${message}`, problems };
  }
  setCurrentDetails(currentDetails(report));
}

/** A cancelled run ends at the stage at which it worked or waited; what had failed there before is kept. */
function markCancelled(report: RunReport): void {
  delete report.waiting;
  const current = report.stages.filter(({ status, error }) => status === 'running' || status === 'waiting' || (status === 'failed' && error?.type !== 'Aborted'));
  for (const entry of current) {
    const before = entry.error === undefined ? '' : `, after: ${entry.error.message}`;
    entry.error = { type: 'Aborted', message: `the run was cancelled${before}`, problems: entry.error?.problems ?? [] };
    entry.status = 'failed';
    entry.endedAt = Date.now();
  }
}

/** What a question or an answer without a trace comes to. Rethrows what is no failure to write the trail. */
function unrecorded(error: unknown): string {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
  return `. No decision can be taken, because the audit trail cannot be written (${describe(error).message}); retry asks again`;
}

async function attempt<T>(entry: StageReport, { precheck, act, verify }: StageSteps<T>): Promise<T> {
  Object.assign(entry, { status: 'running', attempts: entry.attempts + 1, evidence: [] });
  entry.startedAt ??= Date.now();
  delete entry.endedAt;
  delete entry.error;
  const note: Note = (...lines) => { entry.evidence.push(...lines); };
  await precheck?.(note);
  const result = await act(note);
  await verify?.(result, note);
  return result;
}

function enter(report: RunReport, entry: StageReport): void {
  entry.startedAt = Date.now();
  entry.status = 'running';
  setCurrentDetails(currentDetails(report));
  upsertSearchAttributes([{ key: searchAttribute.phase, value: entry.id }, ...(entry.tier === undefined ? [] : [{ key: searchAttribute.tier, value: entry.tier }])]);
}

function find(report: RunReport, id: string): StageReport {
  const entry = report.stages.find((stage) => stage.id === id);
  if (entry === undefined) throw new TypeError(`stage ${id} is not in the plan`);
  return entry;
}

function failure(report: RunReport, entry: StageReport): ApplicationFailure {
  const { type, message, problems } = entry.error ?? { type: 'TerminalState', message: 'failed', problems: [] };
  report.state = 'failed';
  return ApplicationFailure.create({ type, message: `${entry.title}: ${message}${problems.length === 0 ? '' : `\n- ${problems.join('\n- ')}`}`, nonRetryable: true, details: [report] });
}
