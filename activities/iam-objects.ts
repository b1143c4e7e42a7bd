// IAM's objects with their tags: what a platform may own there (X5). IAM lists names without tags, so candidates are chosen by name and each is asked for its tags; ownership is the tag alone (failure 39).
import {
  GetInstanceProfileCommand, GetPolicyCommand, type IAMClient, type InstanceProfile, ListOpenIDConnectProvidersCommand, paginateListInstanceProfiles, paginateListPolicies, paginateListPolicyTags, paginateListRoles,
} from '@aws-sdk/client-iam';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { getOidcProvider, getRole } from './iam.ts';
import { fromTagList, type TaggedObject } from './ownership.ts';
import { allPages, inGroups, present } from './pages.ts';

/** IAM answers some ten calls a second before it throttles an account; the pages of one look stay below that. */
const AT_ONCE = 8;

/** Roles, instance profiles and customer managed policies whose names are candidates, with their tags. */
export async function iamObjects(iam: IAMClient, isCandidate: (name: string) => boolean): Promise<TaggedObject[]> {
  return [...(await roles(iam, isCandidate)), ...(await instanceProfiles(iam, isCandidate)), ...(await policies(iam, isCandidate))];
}

export async function roles(iam: IAMClient, isCandidate: (name: string) => boolean): Promise<TaggedObject[]> {
  const listed = await allPages(paginateListRoles({ client: iam }, {}), (page) => page.Roles);
  const names = listed.flatMap(({ RoleName }) => (RoleName !== undefined && isCandidate(RoleName) ? [RoleName] : []));
  return inTurn(names, async (name) => {
    const role = await getRole(iam, name);
    return role === undefined ? [] : [{ object: { kind: 'iam:role', id: present(role.Arn, "the role's ARN"), name }, tags: fromTagList(role.Tags) }];
  });
}

export async function instanceProfiles(iam: IAMClient, isCandidate: (name: string) => boolean): Promise<TaggedObject[]> {
  const listed = await allPages(paginateListInstanceProfiles({ client: iam }, {}), (page) => page.InstanceProfiles);
  const names = listed.flatMap(({ InstanceProfileName }) => (InstanceProfileName !== undefined && isCandidate(InstanceProfileName) ? [InstanceProfileName] : []));
  return inTurn(names, async (name) => {
    const profile = await getInstanceProfile(iam, name);
    return profile === undefined ? [] : [{ object: { kind: 'iam:instance-profile', id: present(profile.Arn, "a profile's ARN"), name }, tags: fromTagList(profile.Tags) }];
  });
}

/** The profile with its tags, or undefined by IAM's typed NotFound. */
export async function getInstanceProfile(iam: IAMClient, name: string): Promise<InstanceProfile | undefined> {
  const answer = await orAbsent(iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name })), NOT_FOUND.iam);
  return answer === undefined ? undefined : present(answer.InstanceProfile, 'an instance profile');
}

/** Customer managed ones; AWS's own are nobody's. */
export async function policies(iam: IAMClient, isCandidate: (name: string) => boolean): Promise<TaggedObject[]> {
  const listed = await allPages(paginateListPolicies({ client: iam }, { Scope: 'Local' }), (page) => page.Policies);
  const candidates = listed.filter(({ PolicyName }) => PolicyName !== undefined && isCandidate(PolicyName));
  return inTurn(candidates, async ({ Arn, PolicyName }) => {
    const tags = await orAbsent(allPages(paginateListPolicyTags({ client: iam }, { PolicyArn: Arn }), (page) => page.Tags), NOT_FOUND.iam);
    return tags === undefined ? [] : [{ object: { kind: 'iam:policy', id: present(Arn, "a policy's ARN"), name: present(PolicyName, "a policy's name") }, tags: fromTagList(tags) }];
  });
}

/** All OIDC providers of the account: an issuer's address tells nothing of its cluster's name. */
export async function oidcProviders(iam: IAMClient): Promise<TaggedObject[]> {
  const { OpenIDConnectProviderList = [] } = await iam.send(new ListOpenIDConnectProvidersCommand({}));
  return inTurn(OpenIDConnectProviderList.map(({ Arn }) => present(Arn, "an OIDC provider's ARN")), async (arn) => {
    const provider = await getOidcProvider(iam, arn);
    return provider === undefined ? [] : [{ object: { kind: 'iam:oidc-provider', id: arn, name: provider.Url ?? arn }, tags: fromTagList(provider.Tags) }];
  });
}

/** Whether the policy still exists, by IAM's typed NotFound alone. */
export async function policyExists(iam: IAMClient, arn: string): Promise<boolean> {
  return (await orAbsent(iam.send(new GetPolicyCommand({ PolicyArn: arn })), NOT_FOUND.iam)) !== undefined;
}

/** A few at a time; what went between listing and asking is left out. */
async function inTurn<Item, Found>(items: readonly Item[], ask: (item: Item) => Promise<Found[]>): Promise<Found[]> {
  const found: Found[] = [];
  for (const group of inGroups(items, AT_ONCE)) found.push(...(await Promise.all(group.map(ask))).flat());
  return found;
}
