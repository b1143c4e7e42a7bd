// Updates of clusters, node groups and add-ons, and the cluster operations that open one (requirement C1).
import type {
  DescribeUpdateCommandInput, ListUpdatesCommandInput, Update, UpdateClusterConfigCommandInput, UpdateClusterVersionCommandInput, UpdateParam, UpdateType,
} from '@aws-sdk/client-eks';
import { awsError, type Call } from '../service.ts';
import { CLUSTER_VERSIONS } from './catalogue.ts';
import { wholeLogging } from './clusters.ts';
import { refuseUnlessActive, type Event } from './lifecycle.ts';
import { startLogging, stopLogging } from './logs.ts';
import { addonOf, clusterOf, newId, nodegroupOf, type ClusterRecord, type EksState, type UpdateRecord } from './state.ts';
import { accept, checkVersion, invalid, isReplay, pageOf } from './validation.ts';
import { born, describe, during, move, pass, shownStatus } from './work.ts';

export interface UpdateSpec { type: UpdateType; params: UpdateParam[]; of: UpdateRecord['of']; now: Date; token?: string | undefined }

/** Opens an update record; `close` ends it by the event of the thing it changes. */
export function openUpdate(cluster: ClusterRecord, { type, params, of, now, token }: UpdateSpec): { update: () => Update; close: (event: Event) => void } {
  const id = newId();
  const record: UpdateRecord = { life: born('update', 'InProgress'), detail: { id, type, params, createdAt: now, errors: [] }, of, token };
  cluster.updates.set(id, record);
  return {
    update: () => shown(record),
    close: (event) => void move(record.life, event === 'done' ? 'done' : 'failed'),
  };
}

/**
 * Changes a cluster's logging, endpoint access, authentication mode or deletion protection.
 * @throws AwsError InvalidParameterException where several or no kinds of change are asked for
 */
export function updateClusterConfig({ state, now }: Call<EksState>, input: UpdateClusterConfigCommandInput): { update: Update } {
  const cluster = clusterOf(state, input.name);
  const earlier = replayed(state, cluster, 'UpdateClusterConfig', input);
  if (earlier !== undefined) return { update: earlier };
  const change = changeOf(cluster, input);
  return { update: runUpdate(state, cluster, { ...change, now, operation: 'UpdateClusterConfig', input }) };
}

const ENDPOINT_PARAMS = [
  ['endpointPublicAccess', 'EndpointPublicAccess'], ['endpointPrivateAccess', 'EndpointPrivateAccess'], ['publicAccessCidrs', 'PublicAccessCidrs'],
  ['subnetIds', 'Subnets'], ['securityGroupIds', 'SecurityGroups'],
] as const;

interface Change { type: UpdateType; params: UpdateParam[]; apply: () => void }

function changeOf(cluster: ClusterRecord, input: UpdateClusterConfigCommandInput): Change {
  const { detail } = cluster;
  const { logging, resourcesVpcConfig, accessConfig, deletionProtection, name: _name, clientRequestToken: _token, ...others } = input;
  const asked = [logging, resourcesVpcConfig, accessConfig, deletionProtection].filter((part) => part !== undefined).length;
  if (Object.values(others).some((value) => value !== undefined)) awsError('NotImplemented', `The lab cannot change ${Object.keys(others).join(', ')}`, 501);
  if (asked !== 1) invalid(asked === 0 ? 'No changes needed' : 'Only one type of update can be allowed.', { clusterName: detail.name });
  if (deletionProtection !== undefined) {
    return { type: 'DeletionProtectionUpdate', params: [{ type: 'DeletionProtection', value: String(deletionProtection) }], apply: () => void (detail.deletionProtection = deletionProtection) };
  }
  if (accessConfig !== undefined) {
    const mode = accessConfig.authenticationMode ?? invalid('authenticationMode is required');
    if (mode === 'CONFIG_MAP' || detail.accessConfig?.authenticationMode === 'API') invalid(`Unsupported authentication mode update from ${detail.accessConfig?.authenticationMode ?? ''} to ${mode}`, { clusterName: detail.name });
    return { type: 'AccessConfigUpdate', params: [{ type: 'AuthenticationMode', value: mode }], apply: () => void (detail.accessConfig = { ...detail.accessConfig, authenticationMode: mode }) };
  }
  if (logging !== undefined) {
    const next = wholeLogging(logging, detail.logging);
    if (JSON.stringify(next) === JSON.stringify(detail.logging)) invalid('No changes needed for the logging config provided', { clusterName: detail.name });
    return { type: 'LoggingUpdate', params: [{ type: 'ClusterLogging', value: JSON.stringify(next) }], apply: () => void (detail.logging = next) };
  }
  const params = ENDPOINT_PARAMS.flatMap(([key, type]): UpdateParam[] => {
    const value = resourcesVpcConfig?.[key];
    return value === undefined ? [] : [{ type, value: JSON.stringify(value) }];
  });
  return { type: 'EndpointAccessUpdate', params, apply: () => void (detail.resourcesVpcConfig = { ...detail.resourcesVpcConfig, ...resourcesVpcConfig }) };
}

/** Raises the version by one minor. The lab's API server stays the binary it is (README.md). */
export function updateClusterVersion({ state, now }: Call<EksState>, input: UpdateClusterVersionCommandInput): { update: Update } {
  const cluster = clusterOf(state, input.name);
  const earlier = replayed(state, cluster, 'UpdateClusterVersion', input);
  if (earlier !== undefined) return { update: earlier };
  const version = checkVersion(input.version ?? '');
  const { detail } = cluster;
  if (order(version) !== order(detail.version) + 1) invalid(`Unsupported Kubernetes minor version update from ${detail.version} to ${version}`, { clusterName: detail.name });
  const params: UpdateParam[] = [{ type: 'Version', value: version }, { type: 'PlatformVersion', value: 'eks.1' }];
  return { update: runUpdate(state, cluster, { type: 'VersionUpdate', params, apply: () => void (detail.version = version), now, operation: 'UpdateClusterVersion', input }) };
}

const order = (minor: string): number => (CLUSTER_VERSIONS as readonly string[]).indexOf(minor);

function replayed(state: EksState, cluster: ClusterRecord, operation: string, input: { clientRequestToken?: string | undefined }): Update | undefined {
  if (!isReplay(state, operation, input)) return undefined;
  const record = [...cluster.updates.values()].find(({ token }) => token === input.clientRequestToken);
  return record && shown(record);
}

function runUpdate(state: EksState, cluster: ClusterRecord, { apply, operation, input, ...change }: Change & { now: Date; operation: string; input: { clientRequestToken?: string | undefined } }): Update {
  const refusal = refuseUnlessActive({ name: cluster.detail.name, status: cluster.life.status });
  if (refusal !== undefined) awsError(refusal.code, refusal.message, undefined, { clusterName: cluster.detail.name });
  move(cluster.life, 'update');
  const { update, close } = openUpdate(cluster, { ...change, of: {}, token: input.clientRequestToken });
  accept(state, operation, input);
  during(cluster.life, {
    async run() {
      await pass(state.world.clock, state.durations.clusterUpdate);
      apply();
      if (change.type === 'LoggingUpdate') {
        await stopLogging(cluster);
        await startLogging(state, cluster);
      }
      return 'done';
    },
    ended: close,
    failed: (cause) => void (cluster.detail.health = { issues: [{ code: 'InternalFailure', message: describe(cause), resourceIds: [] }] }),
  });
  return update();
}

/** @throws AwsError ResourceNotFoundException */
export function describeUpdate({ state }: Call<EksState>, input: DescribeUpdateCommandInput): { update: Update } {
  const record = updatesOf(state, input).find(({ detail }) => detail.id === input.updateId);
  return { update: record === undefined ? awsError('ResourceNotFoundException', `No update found for ID: ${input.updateId ?? ''}`, 404, { clusterName: input.name }) : shown(record) };
}

/** Ids only, a page at a time; of the cluster itself unless a node group or add-on is named. */
export function listUpdates({ state }: Call<EksState>, input: ListUpdatesCommandInput): { updateIds: string[]; nextToken?: string } {
  const { items, ...rest } = pageOf(updatesOf(state, input).map(({ detail }) => detail.id ?? ''), (id) => id, input);
  return { updateIds: items, ...rest };
}

function updatesOf(state: EksState, { name, nodegroupName, addonName }: { name: string | undefined; nodegroupName?: string | undefined; addonName?: string | undefined }): UpdateRecord[] {
  const cluster = clusterOf(state, name);
  if (nodegroupName !== undefined) nodegroupOf(cluster, nodegroupName);
  if (addonName !== undefined) addonOf(cluster, addonName);
  return [...cluster.updates.values()].filter(({ of }) => of.nodegroup === nodegroupName && of.addon === addonName);
}

function shown({ life, detail }: UpdateRecord): Update {
  return { ...detail, status: shownStatus(life) };
}
