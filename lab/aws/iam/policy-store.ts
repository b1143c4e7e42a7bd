// What IAM holds of a principal: its policies, a role's trust, the account's OIDC providers. Read from moto and kept
// until an IAM write passes through the gateway, at most half a minute.
import {
  GetGroupPolicyCommand, GetOpenIDConnectProviderCommand, GetPolicyCommand, GetPolicyVersionCommand, GetRoleCommand, GetRolePolicyCommand,
  GetUserPolicyCommand, IAMClient, ListAttachedGroupPoliciesCommand, ListAttachedRolePoliciesCommand, ListAttachedUserPoliciesCommand,
  ListGroupPoliciesCommand, ListGroupsForUserCommand, ListRolePoliciesCommand, ListUserPoliciesCommand, NoSuchEntityException,
  type AttachedPolicy, type Role,
} from '@aws-sdk/client-iam';
import { inAccount, motoClientConfig } from '../moto.ts';
import type { Principal } from '../principals.ts';
import type { World } from '../service.ts';
import type { PolicyDocument } from './evaluate.ts';

export interface PolicyStore {
  /** Identity policies of a user or a role's session; nothing for root, who needs none. */
  identityPolicies(principal: Principal): Promise<PolicyDocument[]>;
  /** A role by name with its trust policy, or nothing where it does not exist. */
  role(name: string): Promise<{ role: Role; trust: PolicyDocument } | undefined>;
  /** The client ids (audiences) of the account's OIDC provider for an issuer, or nothing where there is none. */
  oidcAudiences(issuer: string): Promise<string[] | undefined>;
  /** Forgets everything read: IAM changed. */
  forget(): void;
  close(): void;
}

/** Milliseconds that a read counts where no write through the gateway ended it; only the lab's own seeding writes past it. */
const KEPT_MS = 30_000;

/** Opens the store on the lab's moto. */
export function openPolicyStore(world: Pick<World, 'account' | 'region' | 'motoUrl'>): PolicyStore {
  const iam = inAccount(new IAMClient(motoClientConfig(world)), world.account);
  const kept = new Map<string, { value: Promise<unknown>; until: number }>();
  const managed = managedPolicies(iam);

  function remember<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = kept.get(key);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a key is always read by the same function
    if (known !== undefined && known.until > Date.now()) return known.value as Promise<T>;
    const value = read();
    kept.set(key, { value, until: Date.now() + KEPT_MS });
    value.catch(() => kept.delete(key)); // the caller gets the error; the next one asks again
    return value;
  }

  return {
    identityPolicies(principal) {
      if (principal.kind === 'assumed-role') return remember(`role-policies/${principal.name}`, () => rolePolicies(iam, managed, principal.name));
      if (principal.kind === 'user') return remember(`user-policies/${principal.name}`, () => userPolicies(iam, managed, principal.name));
      return Promise.resolve([]);
    },
    role: (name) => remember(`role/${name}`, () => orNothing(async () => {
      const { Role: role } = await iam.send(new GetRoleCommand({ RoleName: name }));
      return role && { role, trust: parsePolicy(role.AssumeRolePolicyDocument ?? '') };
    })),
    oidcAudiences: (issuer) => remember(`oidc/${issuer}`, () => orNothing(async () => {
      const arn = `arn:aws:iam::${world.account}:oidc-provider/${issuer.replace(/^https:\/\//, '')}`;
      return (await iam.send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn }))).ClientIDList ?? [];
    })),
    forget: () => kept.clear(),
    close: () => iam.destroy(),
  };
}

type Managed = (attached: readonly AttachedPolicy[] | undefined) => Promise<PolicyDocument[]>;

async function rolePolicies(iam: IAMClient, managed: Managed, RoleName: string): Promise<PolicyDocument[]> {
  const found = await orNothing(async () => {
    const [attached, inline] = await Promise.all([iam.send(new ListAttachedRolePoliciesCommand({ RoleName })), iam.send(new ListRolePoliciesCommand({ RoleName }))]);
    const documents = (inline.PolicyNames ?? []).map(async (PolicyName) => (await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))).PolicyDocument);
    return [...(await managed(attached.AttachedPolicies)), ...(await parsed(documents))];
  });
  return found ?? []; // a role deleted under its session allows nothing any more
}

async function userPolicies(iam: IAMClient, managed: Managed, UserName: string): Promise<PolicyDocument[]> {
  const found = await orNothing(async () => {
    const [attached, inline, groups] = await Promise.all([
      iam.send(new ListAttachedUserPoliciesCommand({ UserName })),
      iam.send(new ListUserPoliciesCommand({ UserName })),
      iam.send(new ListGroupsForUserCommand({ UserName })),
    ]);
    const documents = (inline.PolicyNames ?? []).map(async (PolicyName) => (await iam.send(new GetUserPolicyCommand({ UserName, PolicyName }))).PolicyDocument);
    const ofGroups = await Promise.all((groups.Groups ?? []).map(({ GroupName }) => groupPolicies(iam, managed, GroupName)));
    return [...(await managed(attached.AttachedPolicies)), ...(await parsed(documents)), ...ofGroups.flat()];
  });
  return found ?? [];
}

async function groupPolicies(iam: IAMClient, managed: Managed, GroupName: string | undefined): Promise<PolicyDocument[]> {
  const [attached, inline] = await Promise.all([iam.send(new ListAttachedGroupPoliciesCommand({ GroupName })), iam.send(new ListGroupPoliciesCommand({ GroupName }))]);
  const documents = (inline.PolicyNames ?? []).map(async (PolicyName) => (await iam.send(new GetGroupPolicyCommand({ GroupName, PolicyName }))).PolicyDocument);
  return [...(await managed(attached.AttachedPolicies)), ...(await parsed(documents))];
}

async function parsed(documents: readonly Promise<string | undefined>[]): Promise<PolicyDocument[]> {
  return (await Promise.all(documents)).map((document) => parsePolicy(document ?? ''));
}

/** Managed policies by ARN. Those of AWS never change here and are read once. */
function managedPolicies(iam: IAMClient): Managed {
  const ofAws = new Map<string, Promise<PolicyDocument>>();
  const read = async (PolicyArn: string): Promise<PolicyDocument> => {
    const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
    const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId }));
    return parsePolicy(PolicyVersion?.Document ?? '');
  };
  return (attached = []) => Promise.all(attached.map(({ PolicyArn = '' }) => {
    if (!PolicyArn.startsWith('arn:aws:iam::aws:')) return read(PolicyArn);
    const known = ofAws.get(PolicyArn) ?? read(PolicyArn);
    ofAws.set(PolicyArn, known);
    known.catch(() => ofAws.delete(PolicyArn)); // the caller gets the error; the next one asks again
    return known;
  }));
}

/**
 * Reads a policy document as IAM's API returns it, percent-encoded or plain.
 * @throws SyntaxError when it is no JSON
 */
export function parsePolicy(text: string): PolicyDocument {
  const plain = text.startsWith('%7B') || text.startsWith('%') ? decodeURIComponent(text) : text;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- IAM validated it when it was written
  return JSON.parse(plain) as PolicyDocument;
}

async function orNothing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof NoSuchEntityException) return undefined;
    throw cause;
  }
}
