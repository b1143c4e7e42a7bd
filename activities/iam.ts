// IAM roles of a platform and its OIDC provider: made from iam/'s data, deleted by exact ownership tag (C1, C2, failures 28, 39).
import {
  AttachRolePolicyCommand, CreateOpenIDConnectProviderCommand, CreateRoleCommand, GetOpenIDConnectProviderCommand, type GetOpenIDConnectProviderResponse, GetRoleCommand,
  type IAMClient, paginateListAttachedRolePolicies, PutRolePolicyCommand, type Role, UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { canonicalJson } from '../domain/hash.ts';
import type { Target } from '../domain/plan.ts';
import type { OwnedObject } from '../domain/report.ts';
import { clusterRole, type IamContext, irsaRolesOf, nodeRole, type RoleDefinition } from '../iam/index.ts';
import type { Clients } from './clients.ts';
import type { Changes } from './contract.ts';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { demandOwned, fromTagList, toTagList } from './ownership.ts';
import { allPages, present } from './pages.ts';

export function roleActivities({ iam }: Clients): Pick<Changes, 'ensureClusterRoles' | 'ensureIrsaRoles'> {
  return {
    ensureClusterRoles: (input) => ensureClusterRoles(iam, input),
    ensureIrsaRoles: (input) => ensureIrsaRoles(iam, input),
  };
}

/** The partition of a region, as ARNs begin with it. Source: AWS General Reference, ARNs. */
export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

/** What iam/ renders a target's roles from. Names, trust and the DNS scope of a role do not depend on what is left out. */
export function iamContext(target: Target, { secretNames = [], lokiBucket = 'any' }: Partial<Pick<IamContext, 'secretNames' | 'lokiBucket'>> = {}): IamContext {
  const { accountId, region, environment, cluster, hostedZoneId, hostSuffix, lifecycle } = target;
  return { partition: partitionOf(region), accountId, region, environment, clusterName: cluster, hostedZoneId, hostSuffix, lifecycle, secretNames, lokiBucket };
}

/** The ARN of the OIDC provider of an issuer such as `https://oidc.eks.eu-west-2.amazonaws.com/id/ABC`. */
export function oidcProviderArn({ region, accountId }: Pick<Target, 'region' | 'accountId'>, issuer: string): string {
  return `arn:${partitionOf(region)}:iam::${accountId}:oidc-provider/${issuer.replace(/^https:\/\//, '')}`;
}

/** The names of all roles that a platform of its lifecycle can have: iam/'s, whatever the issuer. */
export function roleNamesOf(target: Target): string[] {
  const context = { ...iamContext(target), oidcIssuer: 'https://any' };
  return [clusterRole(context), nodeRole(context), ...irsaRolesOf(target.lifecycle).map((role) => role.define(context))].map(({ roleName }) => roleName);
}

/** The ARN of an IRSA role by its key in iam/ (e.g. `external-dns`), whether it exists or not. */
export function irsaRoleArn(target: Target, key: string): string {
  const context = { ...iamContext(target), oidcIssuer: 'https://any' };
  const role = present(irsaRolesOf(target.lifecycle).find((candidate) => candidate.key === key), `a role ${key} in iam/`);
  return `arn:${context.partition}:iam::${target.accountId}:role/${role.define(context).roleName}`;
}

/** The role, or undefined by IAM's typed NotFound. */
export async function getRole(iam: IAMClient, name: string): Promise<Role | undefined> {
  const answer = await orAbsent(iam.send(new GetRoleCommand({ RoleName: name })), NOT_FOUND.iam);
  return answer === undefined ? undefined : present(answer.Role, 'a role');
}

/** The OIDC provider, or undefined by IAM's typed NotFound. */
export async function getOidcProvider(iam: IAMClient, arn: string): Promise<GetOpenIDConnectProviderResponse | undefined> {
  return orAbsent(iam.send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn })), NOT_FOUND.iam);
}

async function ensureClusterRoles(iam: IAMClient, { target }: { target: Target }): Promise<{ clusterRoleArn: string; nodeRoleArn: string; owned: OwnedObject[] }> {
  const context = iamContext(target);
  const [cluster, node] = await Promise.all([ensureRole(iam, target, clusterRole(context)), ensureRole(iam, target, nodeRole(context))]);
  return { clusterRoleArn: cluster.id, nodeRoleArn: node.id, owned: [cluster, node] };
}

async function ensureIrsaRoles(iam: IAMClient, { target, oidcIssuer, secrets, objectStorage }: Parameters<Changes['ensureIrsaRoles']>[0]): Promise<{ roleArns: Record<string, string>; owned: OwnedObject[] }> {
  const context = { ...iamContext(target, { secretNames: secrets.map(({ name }) => name), ...objectStorage }), oidcIssuer };
  const [provider, ...roles] = await Promise.all([
    ensureOidcProvider(iam, target, oidcIssuer),
    ...irsaRolesOf(target.lifecycle).map(async ({ key, define }) => ({ key, role: await ensureRole(iam, target, define(context)) })),
  ]);
  return { roleArns: Object.fromEntries(roles.map(({ key, role }) => [key, role.id])), owned: [provider, ...roles.map(({ role }) => role)] };
}

async function ensureOidcProvider(iam: IAMClient, target: Target, issuer: string): Promise<OwnedObject> {
  const arn = oidcProviderArn(target, issuer);
  const existing = await getOidcProvider(iam, arn);
  if (existing === undefined) await iam.send(new CreateOpenIDConnectProviderCommand({ Url: issuer, ClientIDList: ['sts.amazonaws.com'], Tags: toTagList(target.tags) }));
  else demandOwned(`OIDC provider ${arn}`, fromTagList(existing.Tags), target);
  return { kind: 'iam:oidc-provider', id: arn, name: issuer };
}

/** The role as defined: made, or brought to its definition where it is ours already. */
async function ensureRole(iam: IAMClient, target: Target, definition: RoleDefinition): Promise<OwnedObject> {
  const { roleName, policies, managedPolicyArns } = definition;
  const existing = await getRole(iam, roleName);
  const role = existing ?? (await createRole(iam, target, definition));
  if (existing !== undefined) await adopt(iam, target, definition, existing);
  const attached = await allPages(paginateListAttachedRolePolicies({ client: iam }, { RoleName: roleName }), (page) => page.AttachedPolicies);
  const missing = managedPolicyArns.filter((arn) => !attached.some(({ PolicyArn }) => PolicyArn === arn));
  await Promise.all([
    ...missing.map((arn) => iam.send(new AttachRolePolicyCommand({ RoleName: roleName, PolicyArn: arn }))),
    ...Object.entries(policies).map(([name, document]) => iam.send(new PutRolePolicyCommand({ RoleName: roleName, PolicyName: name, PolicyDocument: JSON.stringify(document) }))),
  ]);
  return { kind: 'iam:role', id: present(role.Arn, "the role's ARN"), name: roleName };
}

async function createRole(iam: IAMClient, target: Target, { roleName, description, trustPolicy }: RoleDefinition): Promise<Role> {
  const { Role: role } = await iam.send(new CreateRoleCommand({ RoleName: roleName, Description: description, AssumeRolePolicyDocument: JSON.stringify(trustPolicy), Tags: toTagList(target.tags) }));
  return present(role, 'the new role');
}

async function adopt(iam: IAMClient, target: Target, { roleName, trustPolicy }: RoleDefinition, role: Role): Promise<void> {
  demandOwned(`role ${roleName}`, fromTagList(role.Tags), target);
  const trust: unknown = JSON.parse(decodeURIComponent(present(role.AssumeRolePolicyDocument, "the role's trust policy")));
  if (canonicalJson(trust) === canonicalJson(trustPolicy)) return;
  await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: roleName, PolicyDocument: JSON.stringify(trustPolicy) }));
}
