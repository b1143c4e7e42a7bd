// What the EKS service remembers: one record per cluster with its node groups, add-ons, access entries and updates (C1).
import { randomBytes, randomUUID } from 'node:crypto';
import type { AccessEntry, Addon, AssociatedAccessPolicy, Cluster, Nodegroup, Update } from '@aws-sdk/client-eks';
import type { Backdoor } from '../ec2/backdoor.ts';
import type { ServiceInterfaces } from '../ec2/interfaces.ts';
import type { Principal } from '../principals.ts';
import { awsError, type World } from '../service.ts';
import type { ClusterOidc, OidcIssuers } from './issuers.ts';
import type { EksDurations, Kind, Statuses } from './lifecycle.ts';
import type { KubernetesProvider, RunningCluster } from './provider.ts';

/** The status of a thing and how many times it has changed: work that a later change has overtaken reports in vain. */
export interface Life<K extends Kind> { readonly kind: K; status: Statuses[K]; round: number }

export interface ClusterRecord {
  life: Life<'cluster'>;
  detail: Omit<Cluster, 'status' | 'name' | 'arn'> & { name: string; arn: string; version: string; tags: Record<string, string> };
  creator: Principal;
  subnetIds: string[];
  oidc: ClusterOidc;
  nodegroups: Map<string, NodegroupRecord>;
  addons: Map<string, AddonRecord>;
  entries: Map<string, EntryRecord>;
  updates: Map<string, UpdateRecord>;
  kubernetes?: RunningCluster;
  securityGroupId?: string;
  interfaceIds: string[];
  stopLogging?: () => Promise<void>;
}
export interface NodegroupRecord {
  life: Life<'nodegroup'>;
  detail: Omit<Nodegroup, 'status'> & { nodegroupName: string; nodegroupArn: string; tags: Record<string, string> };
  nodes: { name: string; instanceId: string }[];
}
export interface AddonRecord {
  life: Life<'addon'>;
  detail: Omit<Addon, 'status'> & { addonName: string; addonArn: string; addonVersion: string; tags: Record<string, string> };
}
export interface EntryRecord {
  detail: AccessEntry & { principalArn: string; accessEntryArn: string; username: string; tags: Record<string, string> };
  policies: Map<string, AssociatedAccessPolicy>;
}
export interface UpdateRecord { life: Life<'update'>; detail: Omit<Update, 'status'>; of: { nodegroup?: string; addon?: string }; token: string | undefined }

/** The state behind the operations, with what they act on. */
export interface EksState {
  clusters: Map<string, ClusterRecord>;
  /** Fingerprints of requests by operation and client request token. */
  requests: Map<string, string>;
  world: World;
  durations: EksDurations;
  provider: KubernetesProvider;
  backdoor: Backdoor;
  interfaces: ServiceInterfaces;
  issuers: OidcIssuers;
  tokenWebhookUrl: (cluster: string) => string;
}

/** @throws AwsError ResourceNotFoundException */
export function clusterOf(state: EksState, name: string | undefined): ClusterRecord {
  return state.clusters.get(name ?? '') ?? awsError('ResourceNotFoundException', `No cluster found for name: ${name ?? ''}.`, 404, { clusterName: name });
}

/** @throws AwsError ResourceNotFoundException */
export function nodegroupOf(cluster: ClusterRecord, name: string | undefined): NodegroupRecord {
  return cluster.nodegroups.get(name ?? '')
    ?? awsError('ResourceNotFoundException', `No node group found for name: ${name ?? ''}.`, 404, { clusterName: cluster.detail.name, nodegroupName: name });
}

/** @throws AwsError ResourceNotFoundException */
export function addonOf(cluster: ClusterRecord, name: string | undefined): AddonRecord {
  return cluster.addons.get(name ?? '')
    ?? awsError('ResourceNotFoundException', `No addon: ${name ?? ''} found in cluster: ${cluster.detail.name}`, 404, { clusterName: cluster.detail.name, addonName: name });
}

/** @throws AwsError ResourceNotFoundException */
export function entryOf(cluster: ClusterRecord, principalArn: string | undefined): EntryRecord {
  return cluster.entries.get(principalArn ?? '')
    ?? awsError('ResourceNotFoundException', "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.", 404, { clusterName: cluster.detail.name });
}

/** An ARN of the EKS service; parts after the kind are joined by slashes. */
export function eksArn(world: Pick<World, 'account' | 'region'>, kind: string, ...parts: string[]): string {
  return `arn:aws:eks:${world.region}:${world.account}:${kind}/${parts.join('/')}`;
}

/** A unique last part of an ARN, as EKS gives to everything but clusters. */
export const newId = (): string => randomUUID();

/** The id of an OIDC issuer: 32 upper-case hexadecimal digits. */
export const newIssuerId = (): string => randomBytes(16).toString('hex').toUpperCase();
