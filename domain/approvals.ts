// A decision judged once more by whoever is about to act on it: nothing that a run carries is taken on trust (B1, B2, teardown.md § The invariant). Pure.
import { type Approval, approvalsFor, type BreakGlass, decided, type Decision, type DecisionClaims, type DecisionRequest, judgeDecision, type Signature, subjectHash } from './break-glass.ts';
import { canonicalJson } from './hash.ts';

/** An approval with what was found of its signature just now, and the claims that were signed (null where there is no signature). */
export interface CheckedApproval {
  approval: Approval;
  signature: Signature;
  signed: DecisionClaims | null;
}

/** The run that acts. */
export interface ActingRun {
  workflowId: string;
  runId: string;
  cluster: string;
  environment: string;
  planHash: string;
}

/**
 * Why enough approvers have not decided this for this run, one line each; empty where they have. The request must be of this run and its hash
 * of its own lines; each approval is judged as when it came, by the environment's policy as it is now; the stricter of request and policy counts.
 */
export function decisionProblems(request: DecisionRequest, decision: Decision, { checked, policy, run }: { checked: readonly CheckedApproval[]; policy: BreakGlass; run: ActingRun }): string[] {
  const strict: DecisionRequest = {
    ...request,
    approvals: Math.max(request.approvals, policy.approvals, approvalsFor([decision], policy)),
    signatures: request.signatures === 'required' || policy.signatures === 'required' ? 'required' : 'optional',
  };
  const approvals = checked.map(({ approval }) => approval);
  const fields = (['workflowId', 'runId', 'cluster', 'environment', 'planHash'] as const).filter((field) => request[field] !== run[field]);
  return [
    ...fields.map((field) => `the decision is of ${field} ${request[field]}, not of ${run[field]}`),
    ...(subjectHash(request.subject) === request.subjectHash ? [] : ['the lines of the decision are not the ones that were signed for']),
    ...checked.flatMap((each, index) => approvalProblem(strict, each, approvals.slice(0, index), policy)),
    ...(decided(strict, approvals) === decision ? [] : [`${strict.approvals} different approvers have not decided ${decision}`]),
  ];
}

function approvalProblem(request: DecisionRequest, { approval, signature, signed }: CheckedApproval, before: readonly Approval[], policy: BreakGlass): string[] {
  const { claims, at } = approval;
  const verdict = judgeDecision(request, claims, { signature, approvals: before, policy, now: at });
  const by = `the answer of ${claims.approver}`;
  return [
    ...(verdict.accepted ? [] : [`${by}: ${verdict.reason}`]),
    ...(signed === null || canonicalJson(signed) === canonicalJson(claims) ? [] : [`${by}: the signature is of other claims`]),
    ...(at < request.createdAt ? [`${by}: it came before the question`] : []),
  ];
}
