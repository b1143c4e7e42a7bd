// Break-glass as a durable wait: a question to people, every answer checked and put on record before it counts, a reminder, an end (B1, B2).
import { ApplicationFailure, condition, log, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { AuditEvent } from '../domain/audit.ts';
import { type Approval, decided, type Decided, type Decision, type DecisionInput, decisionInputSchema, type DecisionRequest, judgeDecision, makeDecisionRequest, type Verdict } from '../domain/break-glass.ts';
import { currentDetails } from '../domain/details.ts';
import type { Plan } from '../domain/plan.ts';
import type { RunReport } from '../domain/report.ts';
import type { Offer } from './failures.ts';
import { policies } from './policies.ts';

/** Puts an event on record outside Temporal. `name` is the same whenever the same event is recorded again. */
export type Recorder = (event: AuditEvent, name: string) => Promise<void>;

/** The recorder of a run. */
export function openRecorder(plan: Plan): Recorder {
  const { workflowId, runId } = workflowInfo();
  const { environment, cluster } = plan.target;
  return async (event, name) => {
    // A run that cannot put its question on record must soon say so, and no operator's answer waits for S3.
    const { change, lastWord } = policies(plan.timings);
    await (event.kind === 'request' || event.kind === 'operator' ? lastWord : change).recordAudit(`Put on record: ${event.kind}`, { registry: plan.registry, entry: { schema: 1, at: Date.now(), environment, cluster, workflowId, runId, ...event }, name });
  };
}

/** Refuses, synchronously and without a trace in the history, what has not even the form of a decision. */
export function checkDecisionForm(input: unknown): void {
  const parsed = decisionInputSchema.safeParse(input);
  if (parsed.success) return;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'decision'}: ${message}`);
  throw ApplicationFailure.create({ type: 'InvalidInput', message: `Not a decision: ${problems.join('; ')}. Expected {"jws": "…"} or {"claims": {…}}`, nonRetryable: true });
}

/** The run's place for questions and answers. At most one question stands at a time: `report.waiting.request`. */
export function openDecisions(plan: Plan, report: RunReport, requester: string) {
  const call = policies(plan.timings);
  const record = openRecorder(plan);
  let asked = 0;
  let answers = 0;
  /** The request that enough approvers agreed on: while that is put on record nothing more counts, or the record would speak of other answers than the deed. */
  let closed: string | undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** Answers are taken one after the other: between checking one and counting it, no other may count. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work, work);
    last = turn;
    return turn;
  }

  const judge = (claims: Approval['claims'], signature: Parameters<typeof judgeDecision>[2]['signature']): Verdict =>
    claims.request === closed && report.waiting?.request?.id === closed ? { accepted: false, reason: `request ${closed} was decided already` } : judgeDecision(report.waiting?.request, claims, { signature, approvals: report.waiting?.approvals ?? [], policy: plan.breakGlass, now: Date.now() });

  /** Checks an answer, puts it on record, counts it. Throws ApprovalDenied with the reason where it does not count. */
  function take(channel: 'update' | 'signal', decision: DecisionInput): Promise<RunReport> {
    return inTurn(async () => {
      answers += 1;
      const name = `${channel}-${answers}`;
      const { claims, signature } = await call.probe.verifyDecision('Check a decision and its signature', { decision, policy: plan.breakGlass, target: plan.target });
      const verdict: Verdict = claims === null ? { accepted: false, reason: signature.kind === 'invalid' ? signature.why : 'it cannot be read' } : judge(claims, signature);
      await record({ kind: 'attempt', channel, claims, signature, ...verdict }, name);
      // The request may have ended while its answer was put on record.
      const final = claims === null || !verdict.accepted ? verdict : judge(claims, signature);
      const by = claims?.approver ?? 'unknown';
      if (claims === null || !final.accepted) {
        const reason = final.accepted ? 'it cannot be read' : final.reason;
        if (verdict.accepted) await record({ kind: 'void', request: claims?.request ?? '', reason }, name);
        report.refusals.push({ at: Date.now(), by, reason });
        setCurrentDetails(currentDetails(report));
        throw ApplicationFailure.create({ type: 'ApprovalDenied', message: `Refused: ${reason}`, nonRetryable: true });
      }
      report.waiting?.approvals.push({ claims, at: Date.now(), ...('jws' in decision ? { jws: decision.jws } : {}) });
      report.decisions.push({ stage: claims.gate, decision: claims.decision, by, reason: `${claims.reason} (${claims.ticket})`, at: Date.now() });
      setCurrentDetails(currentDetails(report));
      return report;
    });
  }

  /** Makes the question that an error offers, and puts it on record. The caller shows it in the report. */
  async function ask(gate: string, { subject, decisions }: Offer): Promise<DecisionRequest> {
    asked += 1;
    const request = makeDecisionRequest(plan, { runId: workflowInfo().runId, requester, gate, subject, decisions, sequence: asked, now: Date.now() });
    await record({ kind: 'request', request }, request.id);
    return request;
  }

  const outcome = (): Decision | undefined => {
    const { waiting } = report;
    return waiting?.request === undefined ? undefined : decided(waiting.request, waiting.approvals);
  };

  /** Waits until enough approvers agree (the decision), someone answered otherwise (undefined), or time is up: then the request is void and taken off the report. */
  async function settle(isAnswered: () => boolean): Promise<Decided | undefined> {
    const request = report.waiting?.request;
    if (request === undefined) return undefined;
    const settled = () => isAnswered() || outcome() !== undefined;
    if (!(await condition(settled, Math.max(1, request.remindAt - Date.now())))) {
      log.warn(`the request for a decision on ${request.cluster} expires at ${new Date(request.expiresAt).toISOString()}`, { gate: request.gate, request: request.id });
      if (report.waiting !== undefined) report.waiting.reminded = true;
      setCurrentDetails(currentDetails(report));
      await condition(settled, Math.max(1, request.expiresAt - Date.now()));
    }
    const decision = outcome();
    if (decision !== undefined) {
      closed = request.id;
      const approvals = [...(report.waiting?.approvals ?? [])];
      await record({ kind: 'decision', decision, request, approvals }, request.id);
      // An operator who was told that the run ends must not see it go on.
      if (!isAnswered()) return { decision, request, approvals };
    }
    await record({ kind: 'void', request: request.id, reason: isAnswered() ? 'an operator answered retry or abort' : 'it expired' }, request.id);
    delete report.waiting?.request;
    setCurrentDetails(currentDetails(report));
    return undefined;
  }

  return { take, ask, settle, record };
}

export type Decisions = ReturnType<typeof openDecisions>;
