// Finding and deleting a platform's roles and OIDC provider, by exact ownership tag and only after the cluster (failures 28, 39).
import {
  DeleteInstanceProfileCommand, DeleteOpenIDConnectProviderCommand, DeleteRoleCommand, DeleteRolePolicyCommand, DetachRolePolicyCommand, type IAMClient,
  ListOpenIDConnectProvidersCommand, paginateListAttachedRolePolicies, paginateListInstanceProfilesForRole, paginateListInstanceProfileTags, paginateListRolePolicies, paginateListRoles,
  RemoveRoleFromInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import { isOwnedBy } from '../domain/names.ts';
import type { Target } from '../domain/plan.ts';
import type { OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import type { Destroyers } from './contract.ts';
import { describeOwnCluster } from './eks.ts';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { destroyer } from './guard.ts';
import { getOidcProvider, getRole, oidcProviderArn, roleNamesOf } from './iam.ts';
import { fromTagList } from './ownership.ts';
import { allPages, present } from './pages.ts';
import { GoldenpathError } from '../domain/errors.ts';

export function identityActivities(clients: Clients): Pick<Destroyers, 'deleteIdentity'> {
  return { deleteIdentity: destroyer(clients.s3, (input) => deleteIdentity(clients, input)) };
}

async function deleteIdentity({ iam, eks }: Clients, { target, oidcIssuer }: Parameters<Destroyers['deleteIdentity']>[0]): Promise<string[]> {
  const cluster = await describeOwnCluster(eks, target);
  // Controllers of a cluster that lives would lose their credentials and leave what they own behind.
  if (cluster !== undefined) throw new GoldenpathError('Conflict', `cluster ${target.cluster} still exists (${cluster.status ?? 'no status'}); its roles go after it`);
  const deleted: string[] = [];
  for (const { id, name } of await ownedOidcProviders(iam, target, oidcIssuer)) {
    await orAbsent(iam.send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: id })), NOT_FOUND.iam);
    deleted.push(`OIDC provider ${name}`);
  }
  for (const { name } of await ownedRoles(iam, target)) {
    await deleteRole(iam, target, name);
    deleted.push(`role ${name}`);
  }
  return deleted;
}

/** The platform's roles: candidates by the names of iam/ and by what begins like the cluster, each confirmed by its tag. A role without the tag is nobody's business here. */
export async function ownedRoles(iam: IAMClient, target: Target): Promise<OwnedObject[]> {
  const listed = await allPages(paginateListRoles({ client: iam }, {}), (page) => page.Roles);
  const known = new Set(roleNamesOf(target));
  const candidates = listed.flatMap(({ RoleName }) => (RoleName !== undefined && (known.has(RoleName) || RoleName.startsWith(`${target.cluster}-`)) ? [RoleName] : []));
  const roles = await Promise.all(candidates.map((name) => getRole(iam, name)));
  return roles.flatMap((role) =>
    role !== undefined && isOwnedBy(fromTagList(role.Tags), target.cluster) ? [{ kind: 'iam:role', id: present(role.Arn, "the role's ARN"), name: present(role.RoleName, "the role's name") }] : []);
}

/** The platform's OIDC providers, each confirmed by its tag: the issuer's where it is known, else whichever of the account's carries it. */
export async function ownedOidcProviders(iam: IAMClient, target: Target, oidcIssuer: string | undefined): Promise<OwnedObject[]> {
  const arns = oidcIssuer === undefined ? await listOidcProviders(iam) : [oidcProviderArn(target, oidcIssuer)];
  const providers = await Promise.all(arns.map(async (arn) => ({ arn, provider: await getOidcProvider(iam, arn) })));
  return providers.flatMap(({ arn, provider }) => (provider !== undefined && isOwnedBy(fromTagList(provider.Tags), target.cluster) ? [{ kind: 'iam:oidc-provider', id: arn, name: provider.Url ?? arn }] : []));
}

async function listOidcProviders(iam: IAMClient): Promise<string[]> {
  const { OpenIDConnectProviderList = [] } = await iam.send(new ListOpenIDConnectProvidersCommand({}));
  return OpenIDConnectProviderList.map(({ Arn }) => present(Arn, "an OIDC provider's ARN"));
}

/** Everything that hangs on a role goes first; IAM refuses otherwise. */
async function deleteRole(iam: IAMClient, target: Target, name: string): Promise<void> {
  const [attached, inline, profiles] = await Promise.all([
    allPages(paginateListAttachedRolePolicies({ client: iam }, { RoleName: name }), (page) => page.AttachedPolicies),
    allPages(paginateListRolePolicies({ client: iam }, { RoleName: name }), (page) => page.PolicyNames),
    allPages(paginateListInstanceProfilesForRole({ client: iam }, { RoleName: name }), (page) => page.InstanceProfiles),
  ]);
  await Promise.all([
    ...attached.map(({ PolicyArn }) => orAbsent(iam.send(new DetachRolePolicyCommand({ RoleName: name, PolicyArn })), NOT_FOUND.iam)),
    ...inline.map((PolicyName) => orAbsent(iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName })), NOT_FOUND.iam)),
    ...profiles.map(({ InstanceProfileName }) => leaveProfile(iam, target, name, present(InstanceProfileName, "an instance profile's name"))),
  ]);
  await orAbsent(iam.send(new DeleteRoleCommand({ RoleName: name })), NOT_FOUND.iam);
}

/** Takes the role out of an instance profile, and deletes the profile where that is the platform's too. */
async function leaveProfile(iam: IAMClient, target: Target, role: string, profile: string): Promise<void> {
  await orAbsent(iam.send(new RemoveRoleFromInstanceProfileCommand({ RoleName: role, InstanceProfileName: profile })), NOT_FOUND.iam);
  const tags = await orAbsent(allPages(paginateListInstanceProfileTags({ client: iam }, { InstanceProfileName: profile }), (page) => page.Tags), NOT_FOUND.iam);
  if (isOwnedBy(fromTagList(tags), target.cluster)) await orAbsent(iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: profile })), NOT_FOUND.iam);
}
