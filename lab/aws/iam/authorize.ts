// Lets a call through or refuses it with AWS's sentence, by the caller's policies.
// Source: IAM user guide, "Policy evaluation logic" and "Troubleshoot access denied error messages".
import type { AccessKey, Principal } from '../principals.ts';
import type { Need, World } from '../service.ts';
import { evaluate, type Decision, type EvaluationRequest } from './evaluate.ts';
import { parsePolicy, type PolicyStore } from './policy-store.ts';

/**
 * Why a caller may not do what is needed, as AWS words it; nothing where it may. Root may do everything.
 * @param key the caller's access key, whose session policy narrows its role's
 */
export async function refusal(store: PolicyStore, world: World, principal: Principal, key: AccessKey | undefined, needs: readonly Need[]): Promise<string | undefined> {
  if (principal.kind === 'root' || needs.length === 0) return undefined;
  const policies = await store.identityPolicies(principal);
  const session = key?.sessionPolicy === undefined ? undefined : [parsePolicy(key.sessionPolicy)];
  for (const need of needs) {
    const request: EvaluationRequest = { action: need.action, resource: need.resource, context: { ...globalContext(world, principal), ...need.context } };
    const decision = evaluate(policies, request);
    if (decision !== 'allow') return sentence(principal, need, decision, 'identity-based');
    const narrowed = session === undefined ? 'allow' : evaluate(session, request);
    if (narrowed !== 'allow') return sentence(principal, need, narrowed, 'session');
  }
  return undefined;
}

/** The condition keys that AWS fills in every request. */
export function globalContext(world: World, principal: Principal): Record<string, string[]> {
  return {
    'aws:PrincipalArn': [principal.identityArn],
    'aws:PrincipalAccount': [principal.account],
    'aws:PrincipalType': [principal.kind === 'assumed-role' ? 'AssumedRole' : principal.kind === 'user' ? 'User' : 'Account'],
    'aws:userid': [principal.userId],
    ...(principal.kind === 'user' && { 'aws:username': [principal.name] }),
    'aws:RequestedRegion': [world.region],
    'aws:CurrentTime': [world.clock.now().toISOString()],
    'aws:SecureTransport': ['true'], // on AWS it is; the lab's loopback stands for it
  };
}

/** AWS's sentence for a denial. */
export function sentence(principal: Pick<Principal, 'arn'>, need: Need, decision: Decision, kind: 'identity-based' | 'session'): string {
  const because = decision === 'explicit-deny'
    ? `with an explicit deny in ${kind === 'session' ? 'a session' : 'an identity-based'} policy`
    : `because no ${kind} policy allows the ${need.action} action`;
  return `User: ${principal.arn} is not authorized to perform: ${need.action} on resource: ${need.resource} ${because}`;
}
