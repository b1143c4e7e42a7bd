// Add-ons: their Kubernetes objects are installed, and ACTIVE means that their workloads run (requirement C1).
// So coredns and aws-ebs-csi-driver wait for nodes, vpc-cni and kube-proxy (DaemonSets) do not; as with AWS.
import type {
  Addon, AddonInfo, CreateAddonCommandInput, DeleteAddonCommandInput, DescribeAddonCommandInput, DescribeAddonVersionsCommandInput,
  ListAddonsCommandInput, Update, UpdateAddonCommandInput,
} from '@aws-sdk/client-eks';
import { awsError, type Call } from '../service.ts';
import { ADDONS, CLUSTER_VERSIONS, addonVersions } from './catalogue.ts';
import { refuseUnlessActive } from './lifecycle.ts';
import { addonOf, clusterOf, eksArn, newId, type AddonRecord, type ClusterRecord, type EksState } from './state.ts';
import { openUpdate } from './updates.ts';
import { accept, checkRole, invalid, isReplay, pageOf } from './validation.ts';
import { born, describe, during, move, pass, shownStatus } from './work.ts';

/** Real milliseconds between two looks at an add-on's workloads: controllers take their own, unscaled time. */
const LOOK_MS = 500;

/** Accepts an add-on and installs its objects. */
export async function createAddon({ state, now }: Call<EksState>, input: CreateAddonCommandInput): Promise<{ addon: Addon }> {
  const cluster = clusterOf(state, input.clusterName);
  const fields = { clusterName: cluster.detail.name, addonName: input.addonName };
  const existing = (): AddonRecord | undefined => {
    const found = cluster.addons.get(input.addonName ?? '');
    if (found === undefined || isReplay(state, 'CreateAddon', input)) return found;
    return awsError('ResourceInUseException', 'Addon already exists.', 409, fields);
  };
  const earlier = existing();
  if (earlier !== undefined) return { addon: shown(earlier) };
  const name = input.addonName ?? '';
  const version = checkAddonVersion(name, input.addonVersion, cluster.detail.version, fields);
  requireActive(cluster);
  if (input.serviceAccountRoleArn !== undefined) await checkRole(state.backdoor, input.serviceAccountRoleArn);
  const twin = existing();
  if (twin !== undefined) return { addon: shown(twin) };
  requireActive(cluster);
  const addon: AddonRecord = {
    life: born('addon', 'CREATING'),
    detail: {
      addonName: name, addonVersion: version, clusterName: cluster.detail.name, health: { issues: [] },
      addonArn: eksArn(state.world, 'addon', cluster.detail.name, name, newId()),
      createdAt: now, modifiedAt: now, tags: { ...input.tags }, owner: 'aws', publisher: 'eks',
      serviceAccountRoleArn: input.serviceAccountRoleArn, configurationValues: input.configurationValues,
    },
  };
  cluster.addons.set(name, addon);
  accept(state, 'CreateAddon', input);
  settleIn(state, cluster, addon);
  return { addon: shown(addon) };
}

function checkAddonVersion(name: string, wanted: string | undefined, minor: string, fields: Record<string, unknown>): string {
  const versions = addonVersions(name, minor);
  if (versions.length === 0) invalid(`Addon ${name} specified is not supported in ${minor} kubernetes version`, fields);
  const version = wanted ?? versions[0] ?? '';
  if (!versions.includes(version)) invalid('Addon version specified is not supported', fields);
  return version;
}

function requireActive({ life, detail: { name } }: ClusterRecord): void {
  const refusal = refuseUnlessActive({ name, status: life.status });
  if (refusal !== undefined) awsError(refusal.code, refusal.message, undefined, { clusterName: name });
}

/** Installs the add-on; it is done when its workloads run, DEGRADED if they do not within the grace. */
function settleIn(state: EksState, cluster: ClusterRecord, addon: AddonRecord, ended?: (event: 'done' | 'failed') => void): void {
  const { durations, world } = state;
  const { detail } = addon;
  const deadline = Date.now() + world.clock.scaled(durations.addonGrace);
  during(addon.life, {
    async run(current) {
      const { addonName: name, addonVersion: version, serviceAccountRoleArn } = detail;
      const install = cluster.kubernetes?.installAddon({ name, version, ...(serviceAccountRoleArn !== undefined && { serviceAccountRoleArn }) });
      await Promise.all([install, pass(world.clock, durations.addonCreate)]);
      return (await runs(cluster, addon, current, deadline)) ? 'done' : 'degraded';
    },
    ended(event) {
      ended?.(event === 'done' ? 'done' : 'failed');
      if (event === 'degraded') awaitRecovery(cluster, addon);
    },
    failed: (cause) => reportIssue(addon, 'InternalFailure', describe(cause)),
  });
}

function awaitRecovery(cluster: ClusterRecord, addon: AddonRecord): void {
  reportIssue(addon, 'InsufficientNumberOfReplicas', "The add-on is unhealthy because it doesn't have the desired number of replicas.");
  during(addon.life, {
    async run(current) {
      await runs(cluster, addon, current, Number.POSITIVE_INFINITY);
      return 'done';
    },
    ended: () => void (addon.detail.health = { issues: [] }),
    failed: (cause) => reportIssue(addon, 'InternalFailure', describe(cause)),
  });
}

/** Waits until the workloads run; false at the deadline, or when nobody wants to know any more. */
async function runs({ kubernetes, life }: ClusterRecord, { detail: { addonName } }: AddonRecord, current: () => boolean, deadline: number): Promise<boolean> {
  while (current() && life.status !== 'DELETING' && life.status !== 'GONE') {
    if (await kubernetes?.addonRuns(addonName)) return true;
    if (Date.now() >= deadline) return false;
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_MS).unref();
    });
  }
  return false;
}

function reportIssue(addon: AddonRecord, code: 'InternalFailure' | 'InsufficientNumberOfReplicas', message: string): void {
  addon.detail.health = { issues: [{ code, message, resourceIds: [] }] };
}

/** Changes version, role or configuration. */
export async function updateAddon({ state, now }: Call<EksState>, input: UpdateAddonCommandInput): Promise<{ update: Update }> {
  const cluster = clusterOf(state, input.clusterName);
  const addon = addonOf(cluster, input.addonName);
  const { detail } = addon;
  const fields = { clusterName: cluster.detail.name, addonName: detail.addonName };
  const version = checkAddonVersion(detail.addonName, input.addonVersion ?? detail.addonVersion, cluster.detail.version, fields);
  if (input.serviceAccountRoleArn !== undefined) await checkRole(state.backdoor, input.serviceAccountRoleArn);
  if (!move(addon.life, 'update')) awsError('ResourceInUseException', `Addon ${detail.addonName} cannot be updated as it is currently in ${addon.life.status} state`, 409, fields);
  Object.assign(detail, {
    addonVersion: version,
    serviceAccountRoleArn: input.serviceAccountRoleArn ?? detail.serviceAccountRoleArn,
    configurationValues: input.configurationValues ?? detail.configurationValues,
    modifiedAt: now,
  });
  const { update, close } = openUpdate(cluster, { type: 'AddonUpdate', params: [{ type: 'AddonVersion', value: version }], of: { addon: detail.addonName }, now });
  settleIn(state, cluster, addon, close);
  return { update: update() };
}

/** @throws AwsError ResourceNotFoundException */
export function describeAddon({ state }: Call<EksState>, input: DescribeAddonCommandInput): { addon: Addon } {
  return { addon: shown(addonOf(clusterOf(state, input.clusterName), input.addonName)) };
}

/** Names only, a page at a time. */
export function listAddons({ state }: Call<EksState>, input: ListAddonsCommandInput): { addons: string[]; nextToken?: string } {
  const { items, ...rest } = pageOf(clusterOf(state, input.clusterName).addons.keys(), (name) => name, input);
  return { addons: items, ...rest };
}

/** Starts the removal; `preserve` leaves the Kubernetes objects. */
export function deleteAddon({ state }: Call<EksState>, input: DeleteAddonCommandInput): { addon: Addon } {
  const cluster = clusterOf(state, input.clusterName);
  const addon = addonOf(cluster, input.addonName);
  const { addonName } = addon.detail;
  if (!move(addon.life, 'delete')) {
    awsError('ResourceInUseException', `Addon ${addonName} cannot be deleted as it is currently in ${addon.life.status} state`, 409, { clusterName: cluster.detail.name, addonName });
  }
  during(addon.life, {
    async run() {
      const removal = input.preserve === true ? undefined : cluster.kubernetes?.removeAddon(addonName);
      await Promise.all([removal, pass(state.world.clock, state.durations.addonDelete)]);
      return 'done';
    },
    ended(event) {
      if (event === 'done') cluster.addons.delete(addonName);
    },
    failed: (cause) => reportIssue(addon, 'InternalFailure', describe(cause)),
  });
  return { addon: shown(addon) };
}

/** The catalogue of add-on versions, for one or all add-ons and Kubernetes minors. */
export function describeAddonVersions(_call: Call<EksState>, input: DescribeAddonVersionsCommandInput): { addons: AddonInfo[]; nextToken?: string } {
  const chosen = ADDONS.filter((addon) => (input.addonName ?? addon.name) === addon.name && (input.types ?? [addon.type]).includes(addon.type));
  const minors = CLUSTER_VERSIONS.filter((minor) => (input.kubernetesVersion ?? minor) === minor);
  const infos = chosen.map((addon): AddonInfo => {
    const versions = [...new Set(minors.flatMap((minor) => addon.versions[minor] ?? []))];
    return {
      addonName: addon.name, type: addon.type, owner: 'aws', publisher: 'eks', defaultNamespace: 'kube-system',
      addonVersions: versions.map((version) => ({
        addonVersion: version, architecture: ['amd64', 'arm64'], computeTypes: ['ec2'], requiresConfiguration: false, requiresIamPermissions: addon.requiresIam,
        compatibilities: minors.filter((minor) => addon.versions[minor]?.includes(version)).map((minor) => ({
          clusterVersion: minor, platformVersions: ['*'], defaultVersion: addon.versions[minor]?.[0] === version,
        })),
      })),
    };
  });
  const { items, ...rest } = pageOf(infos, (info) => info.addonName ?? '', input);
  return { addons: items, ...rest };
}

/** An add-on as the API shows it now. */
function shown({ life, detail }: AddonRecord): Addon {
  return { ...detail, status: shownStatus(life) };
}
