// Break-glass: what people are asked to decide, who may decide it, and when what they said counts (B1, B2, D4). Pure; signatures are checked in activities/break-glass.ts.
import { z } from 'zod';
import { type OwnedRecord, ownedLine } from './dns-records.ts';
import type { Environment } from './environment.ts';
import { hashOf } from './hash.ts';
import type { Plan } from './plan.ts';

/**
 * What can be decided at a gate. wait: look again for as long as before. repair: delete exactly the listed records. leave: go on, and carry them as residue.
 * lift: take off exactly the listed protections. destroy: take a snapshot of the listed database instance, and delete it. abort: end the run here; nothing further is changed.
 */
export const DECISIONS = ['wait', 'repair', 'leave', 'lift', 'destroy', 'abort'] as const;
export type Decision = (typeof DECISIONS)[number];

export type BreakGlass = Environment['breakGlass'];

/** A database is destroyed by two people, whatever the environment asks for otherwise (R4). */
const DESTROYERS = 2;

/** How many different approvers must say the same where these decisions are offered. */
export function approvalsFor(decisions: readonly Decision[], { approvals }: Pick<BreakGlass, 'approvals'>): number {
  return decisions.includes('destroy') ? Math.max(approvals, DESTROYERS) : approvals;
}

/** One question to people. It is answered once: whatever changes makes a new request with a new id. Times are milliseconds since the epoch. */
export interface DecisionRequest {
  /** Names this question and no other: bound to run, stage, subject and the count of questions before it. */
  id: string;
  workflowId: string;
  runId: string;
  environment: string;
  cluster: string;
  /** The stage that waits. */
  gate: string;
  planHash: string;
  /** What the decision is about, one line each: records with their exact values, or protections. */
  subject: string[];
  subjectHash: string;
  decisions: Decision[];
  /** Who asked for the run, and so may not approve. */
  requester: string;
  /** How many different approvers must say the same. */
  approvals: number;
  signatures: BreakGlass['signatures'];
  createdAt: number;
  remindAt: number;
  expiresAt: number;
}

/** What an approver says: the payload of the signature, and of an unsigned answer where the environment allows one. */
export const claimsSchema = z.strictObject({
  v: z.literal(1),
  request: z.string().min(1),
  workflowId: z.string().min(1),
  runId: z.string().min(1),
  gate: z.string().min(1),
  planHash: z.string().min(1),
  subjectHash: z.string().min(1),
  decision: z.enum(DECISIONS),
  approver: z.string().min(1),
  reason: z.string().min(1),
  ticket: z.string().min(1),
});
export type DecisionClaims = z.infer<typeof claimsSchema>;

/** `typ` in the protected header of a signed decision: a key that signs other things as well never signs a decision by mistake (RFC 8725 § 3.11). */
export const DECISION_TYP = 'goldenpath-decision';

/** How a decision reaches a run, by update or by signal: a compact JWS (EdDSA, `kid` is the approver) or, unsigned, the claims themselves. */
export const decisionInputSchema = z.union([z.strictObject({ jws: z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, 'must be a compact JWS: three base64url parts with dots between') }), z.strictObject({ claims: claimsSchema })]);
export type DecisionInput = z.infer<typeof decisionInputSchema>;

/** One that counted. `jws` is kept, so that whoever acts on it can check it again. */
export interface Approval {
  claims: DecisionClaims;
  jws?: string | undefined;
  at: number;
}

/** What enough approvers decided, with what they signed. */
export interface Decided {
  decision: Decision;
  request: DecisionRequest;
  approvals: Approval[];
}

/** What was found of a signature: whose key made it, or why it is worth nothing. `none`: there was no signature. */
export type Signature = { kind: 'valid'; signer: string } | { kind: 'none' } | { kind: 'invalid'; why: string };

export type Verdict = { accepted: true } | { accepted: false; reason: string };

/** A record with all that a change of it could alter; the form in which people see it and in which it is hashed. */
export function subjectLine(record: OwnedRecord): string {
  return `${ownedLine(record)}${record.ttl === undefined ? '' : ` ttl ${record.ttl}`}${record.routing === undefined ? '' : ` ${record.routing}`}`;
}

/** The records of a question in one order, so that equal lists have equal hashes. */
export function subjectOf(records: readonly OwnedRecord[]): string[] {
  return records.map(subjectLine).toSorted();
}

export function subjectHash(subject: readonly string[]): string {
  return hashOf(subject);
}

/** Makes the question. `sequence` counts the questions of the run, so that the same list asked twice is two questions and no answer serves both (single use). */
export function makeDecisionRequest(plan: Plan, asked: { runId: string; requester: string; gate: string; subject: string[]; decisions: Decision[]; sequence: number; now: number }): DecisionRequest {
  const { runId, requester, gate, subject, decisions, sequence, now } = asked;
  const { signatures, expiresMinutes, remindMinutes } = plan.breakGlass;
  const expiresAt = now + expiresMinutes * 60_000;
  const bound = { workflowId: plan.target.workflowId, runId, gate, planHash: plan.hash, subjectHash: subjectHash(subject) };
  return {
    id: hashOf({ ...bound, sequence }).slice(0, 16),
    ...bound,
    environment: plan.target.environment,
    cluster: plan.target.cluster,
    subject,
    decisions,
    requester,
    approvals: approvalsFor(decisions, plan.breakGlass),
    signatures,
    createdAt: now,
    remindAt: expiresAt - remindMinutes * 60_000,
    expiresAt,
  };
}

/** The claims that answer a request, as an approver fills them in. */
export function claimsFor(request: DecisionRequest, said: Pick<DecisionClaims, 'decision' | 'approver' | 'reason' | 'ticket'>): DecisionClaims {
  const { id, workflowId, runId, gate, planHash, subjectHash: hash } = request;
  return { v: 1, request: id, workflowId, runId, gate, planHash, subjectHash: hash, ...said };
}

/**
 * Whether an answer counts (B1, B2): it speaks of this request and of exactly its subject, is one of its decisions, in time,
 * by an approver of the environment who neither asked for the run nor answered before, signed by that approver where it must be.
 */
export function judgeDecision(request: DecisionRequest | undefined, claims: DecisionClaims, seen: { signature: Signature; approvals: readonly Approval[]; policy: BreakGlass; now: number }): Verdict {
  if (request === undefined) return refused('the run does not wait for a decision now');
  const { signature, approvals, policy, now } = seen;
  const problem =
    otherQuestion(request, claims) ??
    (now >= request.expiresAt ? `the request expired at ${new Date(request.expiresAt).toISOString()}; \`goldenpath retry\` looks again and asks anew` : undefined) ??
    (request.decisions.includes(claims.decision) ? undefined : `${claims.decision} cannot be decided here; allowed: ${request.decisions.join(', ')}`) ??
    (claims.reason.trim() === '' ? 'a reason is needed' : undefined) ??
    (claims.ticket.trim() === '' ? 'a ticket is needed' : undefined) ??
    (policy.approvers.some(({ name }) => name === claims.approver) ? undefined : `${claims.approver} is not an approver of ${request.environment}; approvers: ${policy.approvers.map(({ name }) => name).join(', ')}`) ??
    signatureProblem(signature, claims, request) ??
    (claims.approver.toLowerCase() === request.requester.toLowerCase() ? `${claims.approver} asked for this run and may not approve it` : undefined) ??
    (approvals.some((approval) => approval.claims.approver === claims.approver) ? `${claims.approver} has answered this request already` : undefined);
  return problem === undefined ? { accepted: true } : refused(problem);
}

/** The decision that enough approvers agree on, or undefined while more are needed. To end the run one is enough: it changes nothing. */
export function decided(request: DecisionRequest, approvals: readonly Approval[]): Decision | undefined {
  return request.decisions.find((decision) => {
    const approvers = new Set(approvals.filter(({ claims }) => claims.decision === decision).map(({ claims }) => claims.approver));
    return approvers.size >= (decision === 'abort' ? 1 : request.approvals);
  });
}

/** Whether a decision speaks of exactly these records. */
export function coversExactly({ request }: Decided, records: readonly OwnedRecord[]): boolean {
  return records.length > 0 && request.subjectHash === subjectHash(subjectOf(records));
}

/** The first field in which an answer speaks of another question than this one. */
function otherQuestion(request: DecisionRequest, claims: DecisionClaims): string | undefined {
  if (claims.workflowId !== request.workflowId || claims.runId !== request.runId) return `it was given for run ${claims.runId} of ${claims.workflowId}, this is run ${request.runId} of ${request.workflowId}`;
  if (claims.gate !== request.gate) return `it was given for gate ${claims.gate}, the run waits at ${request.gate}`;
  if (claims.planHash !== request.planHash) return 'it was given for another plan';
  if (claims.subjectHash !== request.subjectHash) return 'the list that it was given for has changed; look at the list anew';
  if (claims.request !== request.id) return `it answers request ${claims.request}, which is over; the run asks ${request.id} now`;
  return undefined;
}

function signatureProblem(signature: Signature, claims: DecisionClaims, request: DecisionRequest): string | undefined {
  if (signature.kind === 'invalid') return `the signature is worth nothing: ${signature.why}`;
  if (signature.kind === 'none') return request.signatures === 'required' ? `${request.environment} takes signed decisions only: make one with \`goldenpath approve --key\` or \`goldenpath sign\`` : undefined;
  return signature.signer === claims.approver ? undefined : `${signature.signer} signed in the name of ${claims.approver}`;
}

function refused(reason: string): Verdict {
  return { accepted: false, reason };
}
