// SimulatePrincipalPolicy, which moto has not: the principal's identity policies against actions and resources.
// Source: IAM API reference 2010-05-08. Gaps: no permissions boundary, no resource policy, no paging.
import type { EvaluationResult, SimulatePolicyResponse, SimulatePrincipalPolicyRequest } from '@aws-sdk/client-iam';
import { userPrincipal, sessionPrincipal, type Principal } from '../principals.ts';
import { awsError, type World } from '../service.ts';
import { globalContext } from './authorize.ts';
import { evaluate, type Decision } from './evaluate.ts';
import type { PolicyStore } from './policy-store.ts';

const VERDICTS = { 'allow': 'allowed', 'implicit-deny': 'implicitDeny', 'explicit-deny': 'explicitDeny' } as const satisfies Record<Decision, string>;

/** One result per action and resource. @throws AwsError InvalidInput for what is neither a user nor a role */
export async function simulatePrincipalPolicy(store: PolicyStore, world: World, input: SimulatePrincipalPolicyRequest): Promise<SimulatePolicyResponse> {
  const principal = principalOf(input.PolicySourceArn ?? '');
  const policies = await store.identityPolicies(principal);
  const given = (input.ContextEntries ?? []).map(({ ContextKeyName = '', ContextKeyValues = [] }) => [ContextKeyName, ContextKeyValues] as const);
  const context = { ...globalContext(world, principal), ...Object.fromEntries(given) };
  const results = (input.ActionNames ?? []).flatMap((action) =>
    (input.ResourceArns ?? ['*']).map((resource): EvaluationResult => ({
      EvalActionName: action,
      EvalResourceName: resource,
      EvalDecision: VERDICTS[evaluate(policies, { action, resource, context })],
      MatchedStatements: [],
      MissingContextValues: [],
    })));
  return { IsTruncated: false, EvaluationResults: results };
}

function principalOf(arn: string): Principal {
  const [account = '', resource = ''] = arn.split(':').slice(4);
  const [kind, ...path] = resource.split('/');
  const name = path.at(-1);
  if (name !== undefined && kind === 'user') return userPrincipal(account, name, '');
  if (name !== undefined && kind === 'role') return sessionPrincipal(arn, '', 'simulated');
  return awsError('InvalidInput', `Invalid Entity Arn: ${arn} does not clearly define entity type and name.`, 400);
}
