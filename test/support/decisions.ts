// Questions of a test, and what three approvers with real keys say to them: signed as it should be, or forged.
import type { KeyObject } from 'node:crypto';
import { CompactSign } from 'jose';
import { type Approval, type BreakGlass, claimsFor, type Decision, type DecisionClaims, type DecisionRequest, DECISION_TYP, makeDecisionRequest } from '../../domain/break-glass.ts';
import type { Plan } from '../../domain/plan.ts';
import { makeApprovers } from './approvers.ts';

export type Person = 'alice' | 'bob' | 'carol';

/** New keys for three people, and the policy under which any of them may approve. */
export function people() {
  const { keys, policy } = makeApprovers(['alice', 'bob', 'carol']);
  return { keys: Object.fromEntries(keys) as Record<Person, KeyObject>, policy: (changes: Partial<BreakGlass> = {}): BreakGlass => ({ ...policy, ...changes }) };
}

/** A compact JWS of these claims, as `goldenpath sign` makes it; `header` and `payload` to forge. */
export async function signed(key: KeyObject | Uint8Array, claims: unknown, header: { alg?: string; typ?: string; kid?: string; crit?: string[] } = {}): Promise<string> {
  const kid = (claims as Partial<DecisionClaims>).approver ?? 'alice';
  return new CompactSign(new TextEncoder().encode(typeof claims === 'string' ? claims : JSON.stringify(claims))).setProtectedHeader({ alg: 'EdDSA', typ: DECISION_TYP, kid, ...header }).sign(key);
}

/** A question about these lines, asked by ana in the run of an activity of `MockActivityEnvironment`, or another. */
export function questionOf(plan: Plan, asked: Partial<Parameters<typeof makeDecisionRequest>[1]> = {}): DecisionRequest {
  return makeDecisionRequest(plan, { runId: 'run-1', requester: 'ana', gate: 'dns-gate', subject: ['app.x A 192.0.2.1 (owner-txt, owner me) ttl 60'], decisions: ['wait', 'repair', 'leave', 'abort'], sequence: 1, now: Date.now(), ...asked });
}

/** What a person says to a question, with reason and ticket. */
export function sayOf(request: DecisionRequest, approver: string, decision: Decision, changes: Partial<DecisionClaims> = {}): DecisionClaims {
  return { ...claimsFor(request, { approver, decision, reason: 'ExternalDNS is gone', ticket: 'OPS-7' }), ...changes };
}

/** A signed approval as the run keeps it. */
export async function approvalOf(keys: Record<Person, KeyObject>, request: DecisionRequest, approver: Person, decision: Decision, at = Date.now()): Promise<Approval> {
  const claims = sayOf(request, approver, decision);
  return { claims, jws: await signed(keys[approver], claims), at };
}
