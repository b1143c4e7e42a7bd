// Access entries: which IAM principal is who in the cluster (requirement C1; facts.md § EKS tokens).
import type {
  AccessEntry, AssociateAccessPolicyCommandInput, AssociatedAccessPolicy, CreateAccessEntryCommandInput, DeleteAccessEntryCommandInput,
  DescribeAccessEntryCommandInput, DisassociateAccessPolicyCommandInput, ListAccessEntriesCommandInput, ListAccessPoliciesCommandInput,
  ListAssociatedAccessPoliciesCommandInput, UpdateAccessEntryCommandInput,
} from '@aws-sdk/client-eks';
import { GetRoleCommand, GetUserCommand } from '@aws-sdk/client-iam';
import type { Backdoor } from '../ec2/backdoor.ts';
import type { Principal } from '../principals.ts';
import { awsError, type Call, type ClusterIdentities } from '../service.ts';
import { ACCESS_POLICIES, POLICY_ARN_PREFIX } from './catalogue.ts';
import { clusterOf, eksArn, entryOf, newId, type ClusterRecord, type EksState, type EntryRecord } from './state.ts';
import { accept, invalid, isReplay, pageOf } from './validation.ts';

/** The cluster whose entries the API may touch. @throws AwsError InvalidRequestException in CONFIG_MAP mode */
function manageable(state: EksState, name: string | undefined): ClusterRecord {
  const cluster = clusterOf(state, name);
  if (cluster.detail.accessConfig?.authenticationMode === 'CONFIG_MAP') {
    awsError('InvalidRequestException', "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.", 400, { clusterName: name });
  }
  return cluster;
}

/** Lets a principal of IAM into the cluster. */
export async function createAccessEntry({ state, now }: Call<EksState>, input: CreateAccessEntryCommandInput): Promise<{ accessEntry: AccessEntry }> {
  const cluster = manageable(state, input.clusterName);
  const principalArn = input.principalArn ?? invalid('principalArn is required');
  const twin = isReplay(state, 'CreateAccessEntry', input) ? cluster.entries.get(principalArn) : undefined;
  if (twin !== undefined) return { accessEntry: twin.detail };
  const groups = input.kubernetesGroups ?? [];
  if (groups.some((group) => group.startsWith('system:'))) invalid('The kubernetes group name must not start with system:');
  await checkPrincipal(state.backdoor, principalArn);
  if (cluster.entries.has(principalArn)) {
    awsError('ResourceInUseException', 'The specified access entry resource is already in use on this cluster.', 409, { clusterName: cluster.detail.name });
  }
  const entry = newEntry(state, cluster, {
    principalArn, now, type: input.type ?? 'STANDARD', groups, tags: input.tags ?? {}, ...(input.username !== undefined && { username: input.username }),
  });
  cluster.entries.set(principalArn, entry);
  accept(state, 'CreateAccessEntry', input);
  return { accessEntry: entry.detail };
}

interface EntrySpec { principalArn: string; now: Date; type: string; groups: string[]; username?: string; tags: Record<string, string> }

function newEntry({ world }: EksState, { detail }: ClusterRecord, { principalArn, now, type, groups, username, tags }: EntrySpec): EntryRecord {
  const [kind = '', ...path] = (principalArn.split(':')[5] ?? '').split('/');
  return {
    detail: {
      clusterName: detail.name, principalArn, kubernetesGroups: groups, type, tags,
      username: username ?? defaultUsername(principalArn, type),
      accessEntryArn: eksArn(world, 'access-entry', detail.name, kind, world.account, path.join('/'), newId()),
      createdAt: now, modifiedAt: now,
    },
    policies: new Map(),
  };
}

/** EKS's own usernames: a user's ARN; a role's session ARN with a placeholder; `system:node:…` for nodes. */
function defaultUsername(principalArn: string, type: string): string {
  if (type !== 'STANDARD') return 'system:node:{{EC2PrivateDNSName}}';
  const role = /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(principalArn);
  return role === null ? principalArn : `arn:aws:sts::${role[1]}:assumed-role/${role[2]}/{{SessionName}}`;
}

async function checkPrincipal({ iam }: Backdoor, arn: string): Promise<void> {
  const [, kind, name] = /^arn:aws:iam::\d{12}:(role|user)\/(?:.*\/)?([^/]+)$/.exec(arn) ?? [];
  if (name === undefined) invalid('The specified principalArn is invalid: invalid principal.');
  try {
    if (kind === 'role') await iam.send(new GetRoleCommand({ RoleName: name }));
    else await iam.send(new GetUserCommand({ UserName: name }));
  } catch (error) {
    if (!(error instanceof Error) || !error.name.startsWith('NoSuchEntity')) throw error;
    invalid('The specified principalArn is invalid: invalid principal.');
  }
}

/** Gives the creator its entry with AmazonEKSClusterAdminPolicy (bootstrapClusterCreatorAdminPermissions). */
export function grantCreator(state: EksState, cluster: ClusterRecord, creator: Principal, now: Date): void {
  const entry = newEntry(state, cluster, { principalArn: creator.identityArn, now, type: 'STANDARD', groups: [], tags: {} });
  const policyArn = `${POLICY_ARN_PREFIX}AmazonEKSClusterAdminPolicy`;
  entry.policies.set(policyArn, { policyArn, accessScope: { type: 'cluster', namespaces: [] }, associatedAt: now, modifiedAt: now });
  cluster.entries.set(creator.identityArn, entry);
}

/** Gives a node role its EC2_LINUX entry, once, as EKS does for managed node groups. */
export function grantNodeRole(state: EksState, cluster: ClusterRecord, nodeRole: string, now: Date): void {
  if (cluster.detail.accessConfig?.authenticationMode === 'CONFIG_MAP' || cluster.entries.has(nodeRole)) return;
  cluster.entries.set(nodeRole, newEntry(state, cluster, { principalArn: nodeRole, now, type: 'EC2_LINUX', groups: ['system:nodes'], tags: {} }));
}

/** Who a principal is in the cluster: what the token webhook answers. Node entries let nobody in with a token here. */
export function identitiesOf(cluster: ClusterRecord): ClusterIdentities {
  return {
    identify(principal) {
      const entry = cluster.entries.get(principal.identityArn);
      if (entry === undefined || entry.detail.type !== 'STANDARD') return undefined;
      const session = principal.arn.slice(principal.arn.lastIndexOf('/') + 1);
      const policyGroups = [...entry.policies.keys()].flatMap((arn) => ACCESS_POLICIES[arn.slice(POLICY_ARN_PREFIX.length)] ?? []);
      return {
        username: entry.detail.username.replaceAll('{{SessionNameRaw}}', session).replaceAll('{{SessionName}}', session.replaceAll('@', '-')),
        groups: [...new Set([...(entry.detail.kubernetesGroups ?? []), ...policyGroups])],
      };
    },
  };
}

/** @throws AwsError ResourceNotFoundException */
export function describeAccessEntry({ state }: Call<EksState>, input: DescribeAccessEntryCommandInput): { accessEntry: AccessEntry } {
  return { accessEntry: entryOf(manageable(state, input.clusterName), input.principalArn).detail };
}

/** Changes groups or username. */
export function updateAccessEntry({ state, now }: Call<EksState>, input: UpdateAccessEntryCommandInput): { accessEntry: AccessEntry } {
  const { detail } = entryOf(manageable(state, input.clusterName), input.principalArn);
  if (detail.type !== 'STANDARD') invalid('This operation can only be performed on Access Entries with a type of "STANDARD".');
  detail.kubernetesGroups = input.kubernetesGroups ?? detail.kubernetesGroups;
  detail.username = input.username ?? detail.username;
  detail.modifiedAt = now;
  return { accessEntry: detail };
}

/** ARNs of the principals, a page at a time; optionally only those with a policy. */
export function listAccessEntries({ state }: Call<EksState>, input: ListAccessEntriesCommandInput): { accessEntries: string[]; nextToken?: string } {
  const policy = input.associatedPolicyArn;
  const entries = [...manageable(state, input.clusterName).entries].filter(([, entry]) => policy === undefined || entry.policies.has(policy));
  const { items, ...rest } = pageOf(entries.map(([arn]) => arn), (arn) => arn, input);
  return { accessEntries: items, ...rest };
}

/** @throws AwsError ResourceNotFoundException */
export function deleteAccessEntry({ state }: Call<EksState>, input: DeleteAccessEntryCommandInput): Record<string, never> {
  const cluster = manageable(state, input.clusterName);
  cluster.entries.delete(entryOf(cluster, input.principalArn).detail.principalArn);
  return {};
}

/** Gives an entry one of EKS's access policies. Namespace scopes are not enforced here, so they are not accepted. */
export function associateAccessPolicy({ state, now }: Call<EksState>, input: AssociateAccessPolicyCommandInput): object {
  const entry = entryOf(manageable(state, input.clusterName), input.principalArn);
  const policyArn = input.policyArn ?? '';
  if (!policyArn.startsWith(POLICY_ARN_PREFIX) || !(policyArn.slice(POLICY_ARN_PREFIX.length) in ACCESS_POLICIES)) {
    invalid('The policyArn parameter format is not valid');
  }
  if (entry.detail.type !== 'STANDARD') invalid('This operation can only be performed on Access Entries with a type of "STANDARD".');
  if (input.accessScope?.type !== 'cluster') awsError('NotImplemented', 'The lab enforces access policies for the whole cluster only', 501);
  const before = entry.policies.get(policyArn);
  const associated: AssociatedAccessPolicy = { policyArn, accessScope: { type: 'cluster', namespaces: [] }, associatedAt: before?.associatedAt ?? now, modifiedAt: now };
  entry.policies.set(policyArn, associated);
  return { clusterName: input.clusterName, principalArn: input.principalArn, associatedAccessPolicy: associated };
}

/** @throws AwsError ResourceNotFoundException */
export function disassociateAccessPolicy({ state }: Call<EksState>, input: DisassociateAccessPolicyCommandInput): Record<string, never> {
  const entry = entryOf(manageable(state, input.clusterName), input.principalArn);
  if (!entry.policies.delete(input.policyArn ?? '')) {
    awsError('ResourceNotFoundException', 'The specified policyArn is not associated with the access entry.', 404, { clusterName: input.clusterName });
  }
  return {};
}

/** The policies of one entry. */
export function listAssociatedAccessPolicies({ state }: Call<EksState>, input: ListAssociatedAccessPoliciesCommandInput): object {
  const entry = entryOf(manageable(state, input.clusterName), input.principalArn);
  const { items, ...rest } = pageOf(entry.policies.values(), (policy) => policy.policyArn ?? '', input);
  return { clusterName: input.clusterName, principalArn: input.principalArn, associatedAccessPolicies: items, ...rest };
}

/** The policies that can be associated. */
export function listAccessPolicies(_call: Call<EksState>, input: ListAccessPoliciesCommandInput): object {
  const { items, ...rest } = pageOf(Object.keys(ACCESS_POLICIES), (name) => name, input);
  return { accessPolicies: items.map((name) => ({ name, arn: `${POLICY_ARN_PREFIX}${name}` })), ...rest };
}
