// What an answer to a break-glass question says, and what its signature is worth: compact JWS, Ed25519, against the environment's list of approvers (B2).
import { compactVerify, decodeProtectedHeader, errors, importSPKI } from 'jose';
import { type Approval, type BreakGlass, claimsSchema, type DecisionClaims, type DecisionInput, DECISION_TYP, decisionInputSchema, type Signature } from '../domain/break-glass.ts';
import type { CheckedApproval } from '../domain/approvals.ts';
import { type HeldEnvironments, ownPolicyProblems } from '../domain/own-policy.ts';
import type { Probes } from './contract.ts';

/** The only algorithm: what a header names is never followed, only compared (RFC 8725 § 3.1). */
const ALGORITHM = 'EdDSA';

type Verified = Awaited<ReturnType<Probes['verifyDecision']>>;

/**
 * Reads an answer and checks its signature against the approver that its `kid` names. Whatever is wrong with what was given is
 * an answer as well, `invalid` with the reason: claims of a bad signature are returned where they can be read, so that they are put on record.
 */
export async function verifyDecision({ decision, policy }: { decision: DecisionInput; policy: BreakGlass }): Promise<Verified> {
  const input = decisionInputSchema.safeParse(decision);
  if (!input.success) return { claims: null, signature: invalid('it is neither a compact JWS nor unsigned claims') };
  if ('claims' in input.data) return { claims: input.data.claims, signature: { kind: 'none' } };
  const { jws } = input.data;
  const claims = claimsOf(jws);
  const signature = await signatureOf(jws, policy);
  return signature.kind === 'valid' && claims === null ? { claims, signature: invalid('what was signed is not a decision') } : { claims, signature };
}

/** The activity: where the plan's list of approvers is not the worker's own (`held`), no signature of it is worth anything, nor is an answer without one. */
export function decisionActivities(held: HeldEnvironments | undefined): Pick<Probes, 'verifyDecision'> {
  return {
    verifyDecision: async ({ decision, policy, target }) => {
      const verified = await verifyDecision({ decision, policy });
      const problems = ownPolicyProblems({ target, breakGlass: policy }, held);
      return problems.length === 0 ? verified : { ...verified, signature: invalid(`the plan's approvers are not the ones of the worker's environment file: ${problems.join('; ')}`) };
    },
  };
}

/** Each approval with what its signature is worth now, for `decisionProblems` in domain/approvals.ts. */
export async function checkApprovals(approvals: readonly Approval[], policy: BreakGlass): Promise<CheckedApproval[]> {
  return Promise.all(approvals.map(async (approval): Promise<CheckedApproval> => {
    if (approval.jws === undefined) return { approval, signature: { kind: 'none' }, signed: null };
    const { claims, signature } = await verifyDecision({ decision: { jws: approval.jws }, policy });
    return { approval, signature, signed: claims };
  }));
}

async function signatureOf(jws: string, policy: BreakGlass): Promise<Signature> {
  try {
    const { alg, typ, kid, crit } = decodeProtectedHeader(jws);
    if (alg !== ALGORITHM) return invalid(`its algorithm is ${JSON.stringify(alg)}, not ${ALGORITHM}`);
    if (typ !== DECISION_TYP) return invalid(`its type is ${JSON.stringify(typ)}, not ${DECISION_TYP}`);
    if (crit !== undefined) return invalid('its header demands extensions, and there are none');
    const approver = policy.approvers.find(({ name }) => name === kid);
    if (approver === undefined) return invalid(`its key id ${JSON.stringify(kid)} names no approver of the environment`);
    if (approver.publicKey === undefined) return invalid(`the environment holds no public key of ${approver.name}`);
    const key = await importSPKI(`-----BEGIN PUBLIC KEY-----\n${approver.publicKey}\n-----END PUBLIC KEY-----`, ALGORITHM);
    await compactVerify(jws, key, { algorithms: [ALGORITHM] });
    return { kind: 'valid', signer: approver.name };
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return invalid('it was not made with the key that the environment has for its signer, or what was signed was changed');
    // decodeProtectedHeader throws TypeError for a header that is none; importSPKI a DOMException for a key that is none.
    if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) return invalid(`it cannot be read: ${error.message}`);
    throw error;
  }
}

/** The payload as claims, checked by schema alone; null where it is something else. */
function claimsOf(jws: string): DecisionClaims | null {
  const [, payload = ''] = jws.split('.');
  try {
    const said: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return claimsSchema.safeParse(said).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null; // no JSON
    throw error;
  }
}

function invalid(why: string): Signature {
  return { kind: 'invalid', why };
}
