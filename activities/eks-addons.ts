// EKS add-ons at the version manifest's versions (C1).
import { type Addon, CreateAddonCommand, DescribeAddonCommand, type EKSClient, paginateListAddons, UpdateAddonCommand } from '@aws-sdk/client-eks';
import type { OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import type { Changes, Probes } from './contract.ts';
import { afterRolePropagates, issuesOf, terminal } from './eks.ts';
import { NOT_FOUND, notReady, orAbsent } from './errors.ts';
import { ownRun } from './guard.ts';
import { demandOwned, requestToken } from './ownership.ts';
import { allPages, present } from './pages.ts';

export function addonActivities({ eks }: Clients): Pick<Probes, 'probeAddons'> & Pick<Changes, 'ensureAddon'> {
  return {
    probeAddons: (input) => probeAddons(eks, input),
    ensureAddon: (input) => ensureAddon(eks, input),
  };
}

/** Names of the cluster's add-ons; none where EKS says that there is no such cluster. */
export async function listAddons(eks: EKSClient, cluster: string): Promise<string[]> {
  return (await orAbsent(allPages(paginateListAddons({ client: eks }, { clusterName: cluster }), (page) => page.addons), NOT_FOUND.eks)) ?? [];
}

async function describeAddon(eks: EKSClient, cluster: string, name: string): Promise<Addon | undefined> {
  const answer = await orAbsent(eks.send(new DescribeAddonCommand({ clusterName: cluster, addonName: name })), NOT_FOUND.eks);
  return answer === undefined ? undefined : present(answer.addon, 'an add-on');
}

function ownedAddon({ addonArn, addonName }: Addon): OwnedObject {
  return { kind: 'eks:addon', id: present(addonArn, "the add-on's ARN"), name: present(addonName, "the add-on's name") };
}

/** DEGRADED is no end: CoreDNS reads so until there are nodes, and turns ACTIVE by itself. */
async function probeAddons(eks: EKSClient, input: Parameters<Probes['probeAddons']>[0]): Promise<OwnedObject[]> {
  const { cluster } = input.target;
  const found = await Promise.all(input.addons.map(async (name) => ({ name, addon: await describeAddon(eks, cluster, name) })));
  const problems: string[] = [];
  for (const { name, addon } of found) {
    const issues = issuesOf(addon?.health);
    if (addon?.status === 'CREATE_FAILED' || addon?.status === 'UPDATE_FAILED' || addon?.status === 'DELETE_FAILED' || addon?.status === 'DELETING') terminal(`add-on ${name}`, addon.status, issues);
    if (addon?.status !== 'ACTIVE') problems.push(`add-on ${name} is ${addon?.status ?? 'not listed yet'}${issues.length === 0 ? '' : ` (${issues.join('; ')})`}`);
  }
  if (problems.length > 0) throw notReady(problems.join(', '), input, problems);
  return found.flatMap(({ addon }) => (addon === undefined ? [] : [ownedAddon(addon)]));
}

async function ensureAddon(eks: EKSClient, input: Parameters<Changes['ensureAddon']>[0]): Promise<OwnedObject[]> {
  const { target, addon: name, version, roleArn } = input;
  const existing = await describeAddon(eks, target.cluster, name);
  if (existing === undefined) return [ownedAddon(await createAddon(eks, input))];
  demandOwned(`add-on ${name} of ${target.cluster}`, existing.tags, target);
  const differs = existing.addonVersion !== version || (roleArn !== undefined && existing.serviceAccountRoleArn !== roleArn);
  // One that is on its way is left to arrive; EKS refuses a change meanwhile.
  if (differs && (existing.status === 'ACTIVE' || existing.status === 'DEGRADED')) {
    await eks.send(new UpdateAddonCommand({ clusterName: target.cluster, addonName: name, addonVersion: version, resolveConflicts: 'OVERWRITE', ...(roleArn === undefined ? {} : { serviceAccountRoleArn: roleArn }) }));
  }
  return [ownedAddon(existing)];
}

async function createAddon(eks: EKSClient, { target, addon, version, roleArn }: Parameters<Changes['ensureAddon']>[0]): Promise<Addon> {
  const command = new CreateAddonCommand({
    clusterName: target.cluster,
    addonName: addon,
    addonVersion: version,
    clientRequestToken: requestToken(ownRun(), `addon ${addon}`),
    resolveConflicts: 'OVERWRITE',
    ...(roleArn === undefined ? {} : { serviceAccountRoleArn: roleArn }),
    tags: target.tags,
  });
  const { addon: made } = await afterRolePropagates(eks.send(command));
  return present(made, 'the new add-on');
}
