// Deleting a platform's roles, profiles, policies and OIDC provider, by exact ownership tag and only after the cluster (failures 28, 39).
import {
  DeleteInstanceProfileCommand, DeleteOpenIDConnectProviderCommand, DeletePolicyCommand, DeletePolicyVersionCommand, DeleteRoleCommand, DeleteRolePolicyCommand, DetachRolePolicyCommand, type IAMClient,
  paginateListAttachedRolePolicies, paginateListInstanceProfilesForRole, paginateListPolicyVersions, paginateListRolePolicies, RemoveRoleFromInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import { isSolelyOf } from '../domain/names.ts';
import type { Target } from '../domain/plan.ts';
import { joinRemovals, type Removal } from '../domain/removal.ts';
import type { OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import type { Destroyers } from './contract.ts';
import { demandClusterGone } from './eks.ts';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { destroyer } from './guard.ts';
import { getOidcProvider, oidcProviderArn, roleNamesOf } from './iam.ts';
import { getInstanceProfile, iamObjects, oidcProviders } from './iam-objects.ts';
import { fromTagList, type TaggedObject } from './ownership.ts';
import { allPages, present } from './pages.ts';
import { demandAll, removeEach } from './removal.ts';

export function identityActivities(clients: Clients): Pick<Destroyers, 'deleteIdentity' | 'deleteOrphanIdentity'> {
  return {
    deleteIdentity: destroyer(clients.s3, async ({ target, oidcIssuer }) => demandAll(await deleteIdentity(clients, target, oidcIssuer))),
    // Nobody knows the issuer of a cluster that is gone: the tags of every provider are read.
    deleteOrphanIdentity: destroyer(clients.s3, ({ target }) => deleteIdentity(clients, target, undefined)),
  };
}

async function deleteIdentity({ iam, eks }: Clients, target: Target, oidcIssuer: string | undefined): Promise<Removal> {
  // Controllers of a cluster that lives would lose their credentials and leave what they own behind.
  await demandClusterGone(eks, target, 'its roles go after it');
  const providers = await ownedOidcProviders(iam, target, oidcIssuer);
  const objects = await ownedIamObjects(iam, target);
  const of = (kind: string) => objects.filter((object) => object.kind === kind);
  return joinRemovals([
    await removeEach(providers, ({ name }) => `OIDC provider ${name}`, ({ id }) => orAbsent(iam.send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: id })), NOT_FOUND.iam)),
    // A role goes out of its profiles first, so that neither is in the other's way; then the policies that it was the last to use.
    await removeEach(of('iam:role'), ({ name }) => `role ${name}`, ({ name }) => deleteRole(iam, target, name)),
    await removeEach(of('iam:instance-profile'), ({ name }) => `instance profile ${name}`, ({ name }) => orAbsent(iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: name })), NOT_FOUND.iam)),
    await removeEach(of('iam:policy'), ({ name }) => `policy ${name}`, ({ id }) => deletePolicy(iam, id)),
  ]);
}

/** The platform's roles, instance profiles and policies: candidates by the names of iam/ and by what begins like the cluster, each confirmed by its tag. One without the tag is nobody's business here. */
export async function ownedIamObjects(iam: IAMClient, target: Target): Promise<OwnedObject[]> {
  const known = new Set(roleNamesOf(target));
  return solelyOwned(await iamObjects(iam, (name) => known.has(name) || name.startsWith(`${target.cluster}-`)), target);
}

/** The platform's OIDC providers, each confirmed by its tag: the issuer's where it is known, else whichever of the account's carries it. */
export async function ownedOidcProviders(iam: IAMClient, target: Target, oidcIssuer: string | undefined): Promise<OwnedObject[]> {
  if (oidcIssuer === undefined) return solelyOwned(await oidcProviders(iam), target);
  const arn = oidcProviderArn(target, oidcIssuer);
  const provider = await getOidcProvider(iam, arn);
  return provider === undefined ? [] : solelyOwned([{ object: { kind: 'iam:oidc-provider', id: arn, name: provider.Url ?? arn }, tags: fromTagList(provider.Tags) }], target);
}

function solelyOwned(objects: readonly TaggedObject[], { cluster }: Target): OwnedObject[] {
  return objects.filter(({ tags }) => isSolelyOf(tags, cluster)).map(({ object }) => object);
}

/** Everything that hangs on a role goes first; IAM refuses otherwise. */
async function deleteRole(iam: IAMClient, target: Target, name: string): Promise<object | undefined> {
  const [policies, profiles] = await Promise.all([
    policiesOf(iam, name),
    orAbsent(allPages(paginateListInstanceProfilesForRole({ client: iam }, { RoleName: name }), (page) => page.InstanceProfiles), NOT_FOUND.iam),
  ]);
  if (policies === undefined || profiles === undefined) return undefined;
  await Promise.all([
    stripPolicies(iam, name, policies),
    ...profiles.map(({ InstanceProfileName }) => leaveProfile(iam, target, name, present(InstanceProfileName, "an instance profile's name"))),
  ]);
  return orAbsent(iam.send(new DeleteRoleCommand({ RoleName: name })), NOT_FOUND.iam);
}

/** What a role may do: attached policies by ARN, its own by name, and both together. */
export interface RolePolicies {
  attached: string[];
  inline: string[];
  all: string[];
}

/** The role's policies, or undefined by IAM's typed NotFound. */
export async function policiesOf(iam: IAMClient, role: string): Promise<RolePolicies | undefined> {
  const lists = Promise.all([
    allPages(paginateListAttachedRolePolicies({ client: iam }, { RoleName: role }), (page) => page.AttachedPolicies),
    allPages(paginateListRolePolicies({ client: iam }, { RoleName: role }), (page) => page.PolicyNames),
  ]);
  const found = await orAbsent(lists, NOT_FOUND.iam);
  if (found === undefined) return undefined;
  const [attached, inline] = [found[0].map(({ PolicyArn }) => present(PolicyArn, "an attached policy's ARN")), found[1]];
  return { attached, inline, all: [...attached, ...inline] };
}

/** Takes these policies off the role; one that is off already is no error. */
export async function stripPolicies(iam: IAMClient, role: string, { attached, inline }: RolePolicies): Promise<void> {
  await Promise.all([
    ...attached.map((PolicyArn) => orAbsent(iam.send(new DetachRolePolicyCommand({ RoleName: role, PolicyArn })), NOT_FOUND.iam)),
    ...inline.map((PolicyName) => orAbsent(iam.send(new DeleteRolePolicyCommand({ RoleName: role, PolicyName })), NOT_FOUND.iam)),
  ]);
}

/** Takes the role out of an instance profile, and deletes the profile where that is the platform's too. */
async function leaveProfile(iam: IAMClient, target: Target, role: string, profile: string): Promise<void> {
  await orAbsent(iam.send(new RemoveRoleFromInstanceProfileCommand({ RoleName: role, InstanceProfileName: profile })), NOT_FOUND.iam);
  const left = await getInstanceProfile(iam, profile);
  if (isSolelyOf(fromTagList(left?.Tags), target.cluster)) await orAbsent(iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: profile })), NOT_FOUND.iam);
}

/** A policy goes with all its versions; one that something else is attached to is refused by IAM (DeleteConflict). */
async function deletePolicy(iam: IAMClient, arn: string): Promise<object | undefined> {
  const versions = await orAbsent(allPages(paginateListPolicyVersions({ client: iam }, { PolicyArn: arn }), (page) => page.Versions), NOT_FOUND.iam);
  if (versions === undefined) return undefined;
  for (const { VersionId } of versions.filter(({ IsDefaultVersion }) => IsDefaultVersion !== true)) await orAbsent(iam.send(new DeletePolicyVersionCommand({ PolicyArn: arn, VersionId })), NOT_FOUND.iam);
  return orAbsent(iam.send(new DeletePolicyCommand({ PolicyArn: arn })), NOT_FOUND.iam);
}
