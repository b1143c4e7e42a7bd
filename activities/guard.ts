// The one place in front of destroying: no permit, no call; no record of it, no call (teardown.md § The invariant, X1, B2).
import type { S3Client } from '@aws-sdk/client-s3';
import { Context } from '@temporalio/activity';
import { type ActingRun, decisionProblems } from '../domain/approvals.ts';
import type { Approval, BreakGlass, Decision, DecisionRequest } from '../domain/break-glass.ts';
import { demandPermit } from '../domain/dns-gate.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { targetProblems } from '../domain/names.ts';
import { type HeldEnvironments, OWN_POLICY_FIX, ownPolicyProblems, ownTargetProblems, type Planned } from '../domain/own-policy.ts';
import type { Plan, Target } from '../domain/plan.ts';
import { PROOF } from '../domain/timings.ts';
import { writeEntry } from './audit.ts';
import { checkApprovals } from './break-glass.ts';
import type { Destroying } from './contract.ts';
import { heartbeat } from './heartbeat.ts';

/**
 * Wraps a destroying activity: the permit is judged by this machine's clock, a decision's signatures are checked anew, and the call is put on record; only then is it made.
 * The returned function throws ProofMissing where the permit is absent, another platform's, another plan's, stale, or not what people signed for,
 * and S3's own error where the record cannot be written.
 */
export function destroyer<In extends Destroying, Out>(s3: S3Client, destroy: (input: In) => Promise<Out>): (input: In) => Promise<Out> {
  return async (input) => {
    await explained(judgeDestroying(input, Date.now()));
    await recordDestroying(s3, input);
    try {
      return await destroy(input);
    } catch (error) {
      if (error instanceof Error) heartbeat({ failed: error.message } satisfies LastAttempt);
      throw error;
    }
  };
}

/** What an attempt that failed leaves for the next one. */
interface LastAttempt {
  failed: string;
}

/** A proof goes stale while a deletion is tried again and again: then the refusal also says why it had to be. */
async function explained(judging: Promise<void>): Promise<void> {
  try {
    await judging;
  } catch (error) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the details are this function's own, of the attempt before
    const last = Context.current().info.heartbeatDetails as LastAttempt | undefined;
    if (!(error instanceof GoldenpathError) || last?.failed === undefined) throw error;
    const why = `the attempt before this one failed: ${last.failed}`;
    throw new GoldenpathError(error.type, `${error.message}; ${why}`, [...error.problems, why], { cause: error });
  }
}

/** Throws ProofMissing unless the permit lets this call through now (ms). */
export async function judgeDestroying({ target, permit, breakGlass, planHash, proofMaxAgeMs, cleanListings }: Destroying, now: number): Promise<void> {
  const problems = targetProblems(target);
  if (problems.length > 0) throw new GoldenpathError('ProofMissing', `Refused to destroy ${target.cluster}: its names are not a platform's own: ${problems.join('; ')}`, problems);
  // A plan may ask for more, never for less: whoever starts workflows could bring one that asks for nothing.
  demandPermit(permit, { target, planHash, now, maxAgeMs: Math.min(proofMaxAgeMs, PROOF.maxAgeMs), cleanListings: Math.max(cleanListings, PROOF.cleanListings) });
  if (permit.kind === 'break-glass') await demandDecision('leave', { target, planHash, breakGlass, request: permit.request, approvals: permit.approvals });
}

/** What a decision is acted on with. */
interface Acting {
  target: Target;
  planHash: string;
  breakGlass: BreakGlass;
  request: DecisionRequest;
  approvals: Approval[];
}

/** Throws ProofMissing unless enough approvers decided exactly this for the run that this activity belongs to. */
export async function demandDecision(decision: Decision, { target, planHash, breakGlass, request, approvals }: Acting): Promise<void> {
  const run: ActingRun = { ...ownRun(), cluster: target.cluster, environment: target.environment, planHash };
  const problems = decisionProblems(request, decision, { checked: await checkApprovals(approvals, breakGlass), policy: breakGlass, run });
  if (problems.length > 0) throw new GoldenpathError('ProofMissing', `Refused to ${decision === 'leave' ? 'destroy' : decision} ${target.cluster}: ${problems.join('; ')}`, problems);
}

/**
 * Wraps an activity, whichever it is: where it is to act on what people decided, the plan's list of approvers must be the worker's own (`held`); else it is
 * not begun; nor is one on a proof of another zone than that file's. Throws ProofMissing and says what differs. A proof of Route 53 needs no approver, and so no list.
 */
export function withOwnPolicy<In, Out>(held: HeldEnvironments | undefined, activity: (input: In) => Promise<Out>): (input: In) => Promise<Out> {
  return async (input) => {
    if (actsOnProof(input)) demandNone('No proof counts: the plan is about another zone than', ownTargetProblems(input.target, held));
    else if (actsOnDecision(input)) demandNone("No decision counts: the plan's approvers are not the ones of", ownPolicyProblems(input, held));
    return activity(input);
  };
}

function demandNone(because: string, problems: string[]): void {
  if (problems.length > 0) throw new GoldenpathError('ProofMissing', `${because} the worker's environment file. Fix: ${OWN_POLICY_FIX}`, problems);
}

/** Whether a proof of Route 53 is what it acts on. By content, as below, so that no activity can be left out. */
function actsOnProof(input: unknown): input is Planned {
  if (typeof input !== 'object' || input === null || !('permit' in input)) return false;
  const { permit } = input;
  return typeof permit === 'object' && permit !== null && 'kind' in permit && permit.kind === 'dns-proof';
}

/** Whether it is given approvers. */
function actsOnDecision(input: unknown): input is Planned {
  return typeof input === 'object' && input !== null && 'breakGlass' in input;
}

/** The run whose activity this is. */
export function ownRun(): { workflowId: string; runId: string } {
  const { workflowExecution } = Context.current().info;
  if (workflowExecution === undefined) throw new TypeError('the activity belongs to no workflow');
  return { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId };
}

/** Each attempt is a call of its own, and so an entry of its own. */
async function recordDestroying(s3: S3Client, { target, permit, registry }: { target: Target; permit: Destroying['permit']; registry: Plan['registry'] }): Promise<void> {
  const { activityType, activityId, attempt } = Context.current().info;
  const { environment, cluster } = target;
  await writeEntry(s3, registry, { schema: 1, at: Date.now(), environment, cluster, ...ownRun(), kind: 'destroy', activity: activityType, attempt, permit }, `${activityId}-${attempt}`);
}
