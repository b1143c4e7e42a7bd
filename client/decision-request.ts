// What an approver answers and with what: a request for a decision, read and checked before anything is shown or signed, and the answer to it (B1, B2). No Temporal, no AWS.
import { CompactSign, decodeJwt, errors } from 'jose';
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { type Approval, type Decision, claimsSchema, DECISION_TYP, type DecisionClaims, decisionInputSchema, type DecisionRequest, DECISIONS, subjectHash } from '../domain/break-glass.ts';
import { canonicalJson } from '../domain/hash.ts';
import type { Waiting } from '../domain/report.ts';
import { type InputProblem, InputRefused } from './problems.ts';

const text = z.string().min(1);
/** A request as the report of a run shows it, and as the audit trail keeps it. */
export const requestSchema = z.object({
  id: text,
  workflowId: text,
  runId: text,
  environment: z.string().regex(/^[a-z][a-z0-9]*$/),
  cluster: text,
  gate: text,
  planHash: text,
  subject: z.array(z.string()),
  subjectHash: text,
  decisions: z.array(z.enum(DECISIONS)).min(1),
  requester: z.string(),
  approvals: z.int().min(1),
  signatures: z.enum(['required', 'optional']),
  createdAt: z.number(),
  remindAt: z.number(),
  expiresAt: z.number(),
}) satisfies z.ZodType<DecisionRequest>;

export const approvalSchema = z.object({ claims: claimsSchema, jws: z.string().optional(), at: z.number() }) satisfies z.ZodType<Approval>;

/** A request, and who answered it so far; nobody, where only the request is known. */
export interface Asked {
  request: DecisionRequest;
  approvals: Approval[];
}

/** What a person says to a request; `decision` is one that exists, whether this request allows it is not checked yet. */
export type Said = Pick<DecisionClaims, 'decision' | 'reason' | 'ticket'>;

const TAKE_REQUEST = 'take the JSON that `goldenpath status <run> -o json` prints, or what it has under report.waiting.request';

/** Checks decision, reason and ticket. Throws InputRefused with every problem of them. */
export function checkSaid(given: { decision?: string | undefined; reason?: string | undefined; ticket?: string | undefined }): Said {
  const decision = DECISIONS.find((known) => known === given.decision);
  const [reason, ticket] = [given.reason?.trim() ?? '', given.ticket?.trim() ?? ''];
  const problems: InputProblem[] = [];
  if (decision === undefined) problems.push({ field: '--decision', given: given.decision, problem: given.decision === undefined ? 'is missing' : 'is not a decision', allowed: DECISIONS.join(', '), fix: 'say one that the request allows: `goldenpath status <run>` lists them' });
  if (reason === '') problems.push({ field: '--reason', problem: 'is missing', allowed: 'a sentence', fix: 'say why: it is kept in the receipt and in the audit trail' });
  if (ticket === '') problems.push({ field: '--ticket', problem: 'is missing', allowed: 'the id or address of a ticket', fix: 'name the ticket under which this was agreed, e.g. --ticket OPS-123' });
  if (decision === undefined || problems.length > 0) throw new InputRefused(problems);
  return { decision, reason, ticket };
}

/** Reads a request from JSON: alone, under `waiting` or `report` of a status, or under `request`. Throws InputRefused where it holds none. */
export function askedIn(json: string, given: string): Asked {
  const refused = (problem: string) => new InputRefused([{ field: '--request', given, problem, allowed: 'a request for a decision, as JSON', fix: TAKE_REQUEST }]);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw refused(`is not JSON (${error.message})`);
  }
  const waiting = descend(value, ['report', 'waiting']);
  const parsed = requestSchema.safeParse(descend(waiting, ['request']));
  if (!parsed.success) throw refused(`holds no request for a decision (${firstIssue(parsed.error)})`);
  const approvals = z.object({ approvals: z.array(approvalSchema) }).safeParse(waiting);
  return { request: parsed.data, approvals: approvals.data?.approvals ?? [] };
}

/** Where anything else was pasted every field is missing: one of them says it. */
function firstIssue({ issues: [issue] }: z.ZodError): string {
  return issue === undefined ? 'no reason given' : `${issue.path.join('.') || 'whole'}: ${issue.message}`;
}

/** Follows the path as far as it is there. */
function descend(value: unknown, path: string[]): unknown {
  return path.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null && key in inner ? Reflect.get(inner, key) : inner), value);
}

/**
 * Throws InputRefused unless what the request shows is what a signature of it would cover: an approver sees the lines, and
 * signs their hash. Refuses a request whose time is over too; `field` is where the request came from.
 */
export function checkAsked({ request }: Asked, { field, now }: { field: string; now: number }): void {
  const { subject, workflowId, environment, cluster, expiresAt } = request;
  const given = `request ${request.id}`;
  const problems: InputProblem[] = [];
  if (subjectHash(subject) !== request.subjectHash) problems.push({ field, given, problem: 'shows other lines than a signature of it would cover: it was changed on its way', allowed: `lines whose hash is ${request.subjectHash}`, fix: 'take it from the run again, and find out who changed it' });
  const own = `${request.decisions.includes('destroy') ? 'database' : 'platform'}/${environment}/${cluster}`;
  if (workflowId !== own) problems.push({ field, given, problem: `names cluster ${cluster} of ${environment}, and belongs to workflow ${workflowId}: it was changed on its way`, allowed: `workflow ${own}`, fix: 'take it from the run again, and find out who changed it' });
  if (now >= expiresAt) problems.push(expired(field, given, request));
  if (problems.length > 0) throw new InputRefused(problems);
}

/** Throws InputRefused where the request does not allow the decision. */
export function checkAllowed({ request }: Asked, decision: Decision): void {
  if (request.decisions.includes(decision)) return;
  throw new InputRefused([{ field: '--decision', given: decision, problem: `cannot be decided at ${request.gate}`, allowed: request.decisions.join(', '), fix: 'choose one of these' }]);
}

/** Whether the question that a run waits with is over: a run that reminded of its question and shows none any more let it expire. */
export function isExpired({ request, reminded }: Pick<Waiting, 'request' | 'reminded'>, now: number): boolean {
  return request === undefined ? reminded === true : now >= request.expiresAt;
}

export function expired(field: string, given: string, { workflowId, expiresAt }: Pick<DecisionRequest, 'workflowId'> & { expiresAt?: number }): InputProblem {
  return { field, given, problem: `the request expired${expiresAt === undefined ? '' : ` at ${new Date(expiresAt).toISOString()}`}`, allowed: 'a request that still stands', fix: `\`goldenpath retry ${workflowId} --reason '…'\` looks again and asks anew` };
}

/** The claims as a compact JWS, EdDSA over their canonical JSON; the key must be an Ed25519 one. */
export function signDecision(claims: DecisionClaims, key: KeyObject): Promise<string> {
  return new CompactSign(new TextEncoder().encode(canonicalJson(claims))).setProtectedHeader({ alg: 'EdDSA', kid: claims.approver, typ: DECISION_TYP }).sign(key);
}

export function isCompactJws(value: string): boolean {
  return decisionInputSchema.safeParse({ jws: value }).success;
}

/** A signed decision from what `goldenpath sign` printed, as text or as JSON, with what it says; its signature is the run's to check. Throws InputRefused for anything else. */
export function readJws(printed: string, given: string): { jws: string; claims: DecisionClaims } {
  const refused = (problem: string) => new InputRefused([{ field: '--jws', given, problem, allowed: 'a compact JWS (three base64url parts with dots between), or {"jws": "…"}', fix: 'make one with `goldenpath sign`, and copy all of it' }]);
  const trimmed = printed.trim();
  const jws = trimmed.startsWith('{') ? jwsOfJson(trimmed) : trimmed;
  if (jws === undefined || !isCompactJws(jws)) throw refused('is not a signed decision');
  let payload: unknown;
  try {
    payload = decodeJwt(jws);
  } catch (error) {
    if (!(error instanceof errors.JWTInvalid)) throw error;
    throw refused(`cannot be read (${error.message})`);
  }
  const claims = claimsSchema.safeParse(payload);
  if (!claims.success) throw refused(`does not say what a decision says (${firstIssue(claims.error)})`);
  return { jws, claims: claims.data };
}

function jwsOfJson(json: string): string | undefined {
  try {
    return z.object({ jws: z.string() }).safeParse(JSON.parse(json)).data?.jws;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
