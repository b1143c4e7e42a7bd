// STS: identity of the caller, and sessions of roles whose trust policy lets the caller in. moto makes the credentials,
// so that it knows the same principal. Source: AWS STS API reference 2011-06-15.
import * as sdk from '@aws-sdk/client-sts';
import { globalContext, sentence } from '../iam/authorize.ts';
import { evaluate } from '../iam/evaluate.ts';
import type { PolicyStore } from '../iam/policy-store.ts';
import { sessionPrincipal } from '../principals.ts';
import { awsError, type Call, type OperationsOf, type Overlay } from '../service.ts';
import { admitWebIdentity } from './web-identity.ts';

type Operations = OperationsOf<typeof sdk>;
export interface StsState {
  policies: PolicyStore;
}

export const sts: Overlay<StsState, Operations> = {
  scope: 'sts',
  protocol: 'query',
  sdk,
  namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
  resource: (_, input) => (typeof input['RoleArn'] === 'string' ? input['RoleArn'] : undefined),
  mends: {
    GetCallerIdentity: ({ principal }) => ({ UserId: principal.userId, Account: principal.account, Arn: principal.arn }),
    AssumeRole: assumeRole,
    AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity,
    // moto answers these with made-up keys that nobody could sign with.
    AssumeRoleWithSAML: notImplemented,
    AssumeRoot: notImplemented,
    GetFederationToken: notImplemented,
    GetSessionToken: notImplemented,
  },
};

function notImplemented({ operation }: Call<StsState>): never {
  awsError('NotImplemented', `sts:${operation} is not implemented in the lab`, 501);
}

/** What both ways of assuming a role answer. */
interface Assumed {
  Credentials?: sdk.Credentials | undefined;
  AssumedRoleUser?: sdk.AssumedRoleUser | undefined;
}

async function assumeRole(
  call: Call<StsState>,
  input: Operations['AssumeRole']['input'],
  answer: () => Promise<Operations['AssumeRole']['output']>,
): Promise<Operations['AssumeRole']['output']> {
  const { RoleArn = '', RoleSessionName = '', ExternalId } = input;
  if (call.principal.kind === 'root') awsError('AccessDenied', 'Roles may not be assumed by root accounts.', 403);
  const role = await call.state.policies.role(roleName(RoleArn));
  if (role?.role.Arn !== RoleArn || !(await mayAssume(call, RoleArn, role.trust, ExternalId))) {
    awsError('AccessDenied', denial(call, 'sts:AssumeRole', RoleArn), 403);
  }
  return registered(call, await answer(), role.role, RoleSessionName, input.Policy);
}

/**
 * In one account, a trust policy that names the caller itself is enough; one that names the account leaves the decision
 * to the caller's own policies (IAM user guide, "Policy evaluation logic").
 */
async function mayAssume(call: Call<StsState>, resource: string, trust: Parameters<typeof evaluate>[0][number], externalId: string | undefined) {
  const { principal, world } = call;
  const context = { ...globalContext(world, principal), ...(externalId !== undefined && { 'sts:ExternalId': [externalId] }) };
  const request = { action: 'sts:AssumeRole', resource, context };
  const own = evaluate(await call.state.policies.identityPolicies(principal), request);
  const asItself = evaluate([trust], { ...request, principal: { AWS: [principal.arn, principal.identityArn] } });
  const asAccount = evaluate([trust], { ...request, principal: { AWS: [`arn:aws:iam::${principal.account}:root`] } });
  if ([own, asItself, asAccount].includes('explicit-deny')) return false;
  return asItself === 'allow' || (asAccount === 'allow' && own === 'allow');
}

async function assumeRoleWithWebIdentity(
  call: Call<StsState>,
  input: Operations['AssumeRoleWithWebIdentity']['input'],
  answer: () => Promise<Operations['AssumeRoleWithWebIdentity']['output']>,
): Promise<Operations['AssumeRoleWithWebIdentity']['output']> {
  const { RoleArn = '', RoleSessionName = '', WebIdentityToken = '' } = input;
  const identity = await admitWebIdentity(call.world, call.state.policies, WebIdentityToken, call.now);
  const role = await call.state.policies.role(roleName(RoleArn));
  const provider = identity.issuer.replace(/^https:\/\//, '');
  const decision = role?.role.Arn === RoleArn
    ? evaluate([role.trust], {
        action: 'sts:AssumeRoleWithWebIdentity',
        resource: RoleArn,
        principal: { Federated: [`arn:aws:iam::${call.world.account}:oidc-provider/${provider}`] },
        context: { [`${provider}:sub`]: [identity.subject], [`${provider}:aud`]: [identity.audience] },
      })
    : 'implicit-deny';
  if (role === undefined || decision !== 'allow') awsError('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity', 403);
  const output = registered(call, await answer(), role.role, RoleSessionName, input.Policy);
  return { ...output, SubjectFromWebIdentityToken: identity.subject, Audience: identity.audience, Provider: `arn:aws:iam::${call.world.account}:oidc-provider/${provider}` };
}

/** Makes the credentials that moto gave known to the gateway, and puts the role's own id into the answer. */
function registered<Output extends Assumed>(call: Call<StsState>, output: Output, role: { Arn?: string | undefined; RoleId?: string | undefined }, session: string, policy: string | undefined): Output {
  const principal = sessionPrincipal(role.Arn ?? '', role.RoleId ?? '', session);
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '', Expiration = call.now } = output.Credentials ?? {};
  call.world.keys.set(AccessKeyId, {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    expiresAt: Expiration,
    principal,
    ...(policy !== undefined && { sessionPolicy: policy }),
  });
  return { ...output, AssumedRoleUser: { AssumedRoleId: principal.userId, Arn: principal.arn } };
}

function roleName(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}

function denial({ principal }: Call<StsState>, action: string, resource: string): string {
  return sentence(principal, { action, resource }, 'implicit-deny', 'identity-based').replace(/ because .*/, '');
}
