// Clusters: create, describe, list, delete (requirement C1; teardown.md, failures 26 and 27).
import type {
  Cluster, CreateClusterCommandInput, DeleteClusterCommandInput, DescribeClusterCommandInput, ListClustersCommandInput, Logging, LogType,
} from '@aws-sdk/client-eks';
import type { Subnet } from '@aws-sdk/client-ec2';
import type { Principal } from '../principals.ts';
import { awsError, type Call } from '../service.ts';
import { grantCreator, identitiesOf } from './access.ts';
import { DEFAULT_VERSION } from './catalogue.ts';
import { refuseClusterDeletion } from './lifecycle.ts';
import { startLogging, stopLogging } from './logs.ts';
import { createClusterGroup, createControlPlaneInterfaces, removeClusterNetwork } from './network.ts';
import { clusterOf, eksArn, type ClusterRecord, type EksState } from './state.ts';
import { accept, checkClusterName, checkRole, checkSubnets, checkVersion, checkZones, isReplay, pageOf } from './validation.ts';
import { born, describe, during, meanwhile, move, pass, shownStatus } from './work.ts';

const SELF_MANAGED = ['vpc-cni', 'kube-proxy', 'coredns'];
const LOG_TYPES: LogType[] = ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'];

/** Accepts a cluster after AWS's checks; its control plane starts while it reads CREATING. */
export async function createCluster({ state, principal, now }: Call<EksState>, input: CreateClusterCommandInput): Promise<{ cluster: Cluster }> {
  const name = checkClusterName(input.name);
  const repeated = (): ClusterRecord | undefined => (isReplay(state, 'CreateCluster', input) ? state.clusters.get(name) : undefined);
  const refuseTaken = (): void => {
    if (state.clusters.has(name)) awsError('ResourceInUseException', `Cluster already exists with name: ${name}`, 409, { clusterName: name });
  };
  const earlier = repeated();
  if (earlier !== undefined) return { cluster: shown(earlier) };
  refuseTaken();
  checkVersion(input.version ?? DEFAULT_VERSION);
  if (input.computeConfig?.enabled === true) awsError('NotImplemented', 'The lab has no EKS Auto Mode', 501);
  const { vpcId, subnets } = await checkSubnets(state.backdoor, input.resourcesVpcConfig?.subnetIds);
  checkZones(subnets);
  await checkRole(state.backdoor, input.roleArn);
  const oidc = await state.issuers.create();

  const twin = repeated(); // while this call asked EC2 and IAM, its twin may have been accepted
  if (twin !== undefined || state.clusters.has(name)) state.issuers.remove(oidc.issuer);
  if (twin !== undefined) return { cluster: shown(twin) };
  refuseTaken();
  const cluster: ClusterRecord = {
    life: born('cluster', 'CREATING'), detail: newDetail(state, { name, vpcId, issuer: oidc.issuer, now }, input), creator: principal,
    subnetIds: subnets.flatMap((subnet) => subnet.SubnetId ?? []), oidc,
    nodegroups: new Map(), addons: new Map(), entries: new Map(), updates: new Map(), interfaceIds: [],
  };
  state.clusters.set(name, cluster);
  state.world.clusters.set(name, identitiesOf(cluster));
  accept(state, 'CreateCluster', input);
  bootstrapAccess(state, cluster, principal, now);
  buildCluster(state, cluster, subnets, input.bootstrapSelfManagedAddons !== false);
  return { cluster: shown(cluster) };
}

function bootstrapAccess(state: EksState, cluster: ClusterRecord, principal: Principal, now: Date): void {
  if (cluster.detail.accessConfig?.bootstrapClusterCreatorAdminPermissions === true) grantCreator(state, cluster, principal, now);
}

function newDetail(
  { world }: EksState,
  { name, vpcId, issuer, now }: { name: string; vpcId: string; issuer: string; now: Date },
  input: CreateClusterCommandInput,
): ClusterRecord['detail'] {
  const vpc = input.resourcesVpcConfig;
  return {
    name,
    arn: eksArn(world, 'cluster', name),
    createdAt: now,
    version: input.version ?? DEFAULT_VERSION,
    platformVersion: 'eks.1',
    roleArn: input.roleArn,
    resourcesVpcConfig: {
      subnetIds: vpc?.subnetIds ?? [],
      securityGroupIds: vpc?.securityGroupIds ?? [],
      vpcId,
      endpointPublicAccess: vpc?.endpointPublicAccess ?? true,
      endpointPrivateAccess: vpc?.endpointPrivateAccess ?? false,
      publicAccessCidrs: vpc?.publicAccessCidrs ?? ['0.0.0.0/0'],
    },
    kubernetesNetworkConfig: { serviceIpv4Cidr: '10.100.0.0/16', ipFamily: 'ipv4', elasticLoadBalancing: { enabled: false } },
    logging: wholeLogging(input.logging),
    identity: { oidc: { issuer } },
    tags: { ...input.tags },
    encryptionConfig: input.encryptionConfig,
    health: { issues: [] },
    accessConfig: {
      authenticationMode: input.accessConfig?.authenticationMode ?? 'CONFIG_MAP',
      bootstrapClusterCreatorAdminPermissions: input.accessConfig?.bootstrapClusterCreatorAdminPermissions ?? true,
    },
    upgradePolicy: input.upgradePolicy ?? { supportType: 'EXTENDED' },
    deletionProtection: input.deletionProtection ?? false,
  };
}

/** Which control-plane logs are on and which off, as EKS lists them: enabled ones first, both sorted as documented. */
export function wholeLogging(logging: Logging | undefined, before: Logging = { clusterLogging: [{ types: LOG_TYPES, enabled: false }] }): Logging {
  const enabled = new Set(before.clusterLogging?.flatMap((setup) => (setup.enabled === true ? setup.types ?? [] : [])));
  for (const setup of logging?.clusterLogging ?? []) {
    for (const type of setup.types ?? []) {
      if (setup.enabled === true) enabled.add(type);
      else enabled.delete(type);
    }
  }
  const setups = [true, false].map((on) => ({ types: LOG_TYPES.filter((type) => enabled.has(type) === on), enabled: on }));
  return { clusterLogging: setups.filter((setup) => setup.types.length > 0) };
}

function buildCluster(state: EksState, cluster: ClusterRecord, subnets: readonly Subnet[], selfManaged: boolean): void {
  const { name, version } = cluster.detail;
  during(cluster.life, {
    async run() {
      const network = async (): Promise<void> => {
        cluster.securityGroupId = await createClusterGroup(state, cluster);
        cluster.interfaceIds = await createControlPlaneInterfaces(state, cluster, subnets);
      };
      const controlPlane = async (): Promise<void> => {
        cluster.kubernetes = await state.provider.startCluster({ name, version, oidc: cluster.oidc, tokenWebhookUrl: state.tokenWebhookUrl(name) });
        for (const addon of selfManaged ? SELF_MANAGED : []) await cluster.kubernetes.installAddon({ name: addon, version });
      };
      await Promise.all([pass(state.world.clock, state.durations.clusterCreate), network(), controlPlane(), startLogging(state, cluster)]);
      return 'done';
    },
    ended(event) {
      if (event !== 'done' || cluster.kubernetes === undefined) return;
      cluster.detail.endpoint = cluster.kubernetes.endpoint;
      cluster.detail.certificateAuthority = { data: Buffer.from(cluster.kubernetes.caPem).toString('base64') };
    },
    failed: (cause) => reportIssue(cluster, cause),
  });
}

function reportIssue(cluster: ClusterRecord, cause: unknown): void {
  cluster.detail.health = { issues: [{ code: 'InternalFailure', message: describe(cause), resourceIds: [] }] };
}

/** @throws AwsError ResourceNotFoundException */
export function describeCluster({ state }: Call<EksState>, input: DescribeClusterCommandInput): { cluster: Cluster } {
  return { cluster: shown(clusterOf(state, input.name)) };
}

/** Names only, a page at a time. */
export function listClusters({ state }: Call<EksState>, input: ListClustersCommandInput): { clusters: string[]; nextToken?: string } {
  const { items, ...rest } = pageOf(state.clusters.keys(), (name) => name, input);
  return { clusters: items, ...rest };
}

/** Starts the deletion; the record goes when its time is over and nothing of it is left. */
export function deleteCluster({ state }: Call<EksState>, input: DeleteClusterCommandInput): { cluster: Cluster } {
  const cluster = clusterOf(state, input.name);
  const { name, deletionProtection = false } = cluster.detail;
  const refusal = refuseClusterDeletion({ name, status: cluster.life.status, deletionProtection, nodegroups: cluster.nodegroups.size });
  if (refusal !== undefined) awsError(refusal.code, refusal.message, undefined, { clusterName: name });
  if (!move(cluster.life, 'delete')) throw new Error(`a ${cluster.life.status} cluster was not refused`);
  during(cluster.life, {
    async run() {
      await meanwhile(state.world.clock, state.durations.clusterDelete, async () => {
        await cluster.kubernetes?.stop();
        delete cluster.kubernetes;
        await removeClusterNetwork(state, cluster);
      });
      await stopLogging(cluster);
      return 'done';
    },
    ended(event) {
      if (event !== 'done') return;
      state.clusters.delete(name);
      state.world.clusters.delete(name);
      state.issuers.remove(cluster.oidc.issuer);
    },
    failed: (cause) => reportIssue(cluster, cause),
  });
  return { cluster: shown(cluster) };
}

/** A cluster as the API shows it now. Endpoint, CA and cluster security group appear once it is ACTIVE. */
export function shown({ life, detail, securityGroupId }: ClusterRecord): Cluster {
  const status = shownStatus(life);
  if (status === 'CREATING' || securityGroupId === undefined) return { ...detail, status };
  return { ...detail, status, resourcesVpcConfig: { ...detail.resourcesVpcConfig, clusterSecurityGroupId: securityGroupId } };
}

