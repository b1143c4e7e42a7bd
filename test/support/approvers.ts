// Approvers with real Ed25519 keys: the policy that an environment holds of them, and what each of them signs.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CompactSign } from 'jose';
import { type BreakGlass, claimsFor, type Decision, type DecisionClaims, type DecisionInput, type DecisionRequest, DECISION_TYP } from '../../domain/break-glass.ts';

export interface Approvers {
  policy: BreakGlass;
  /** A signed answer to the request; `changes` alter the claims before they are signed. */
  sign(name: string, request: DecisionRequest, decision: Decision, changes?: Partial<DecisionClaims>): Promise<DecisionInput>;
  keys: ReadonlyMap<string, KeyObject>;
}

export function makeApprovers(names: readonly string[], changes: Partial<BreakGlass> = {}): Approvers {
  const pairs = new Map(names.map((name) => [name, generateKeyPairSync('ed25519')]));
  const keys = new Map([...pairs].map(([name, { privateKey }]) => [name, privateKey]));
  const approvers = [...pairs].map(([name, { publicKey }]) => ({ name, publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64') }));
  return {
    policy: { approvals: 1, signatures: 'required', expiresMinutes: 240, remindMinutes: 60, approvers, ...changes },
    keys,
    sign: async (name, request, decision, other = {}) => {
      const key = keys.get(name);
      if (key === undefined) throw new Error(`${name} has no key`);
      const claims = { ...claimsFor(request, { decision, approver: name, reason: 'ExternalDNS is gone', ticket: 'OPS-1' }), ...other };
      return { jws: await new CompactSign(new TextEncoder().encode(JSON.stringify(claims))).setProtectedHeader({ alg: 'EdDSA', kid: name, typ: DECISION_TYP }).sign(key) };
    },
  };
}
