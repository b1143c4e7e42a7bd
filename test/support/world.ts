// A platform in memory behind the activities' contract, for what the lab cannot do: force any answer at any moment of a workflow. The guard in front of destroying is the real one.
import { ApplicationFailure } from '@temporalio/activity';
import type { Destroying, Inventory, PlatformActivities, ZoneProbes } from '../../activities/contract.ts';
import { componentsUpTo, ROOT_APPLICATION } from '../../domain/components.ts';
import { demandProof } from '../../domain/dns-gate.ts';
import type { OwnedRecord } from '../../domain/dns-records.ts';
import { contractedArgs } from '../../domain/external-dns.ts';
import type { FoundationReadings } from '../../domain/foundation.ts';
import type { Receipt } from '../../domain/report.ts';
import type { ApplicationState } from '../../domain/applications.ts';

type Activities = PlatformActivities & ZoneProbes;

/** The error an activity's edge would give. */
export function failed(type: string, message: string, retryable = false): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: !retryable, details: [[`${type} ${message}`]] });
}

/** A world with one healthy platform to be made or torn down. `overrides` replace single activities; `calls` is what was asked, in order. */
export function newWorld(overrides: (world: World) => Partial<Activities> = () => ({})) {
  const world = {
    calls: [] as string[],
    records: [] as OwnedRecord[],
    receipts: new Map<string, Receipt>(),
    clusterStatus: null as string | null,
    applications: [] as ApplicationState[],
    sources: [] as string[],
    claimed: false,
    activities: {} as Activities,
  };
  const activities = { ...standard(world), ...overrides(world) };
  for (const [name, run] of Object.entries(activities)) {
    const counted = async (input: never): Promise<unknown> => { world.calls.push(name); return await (run as (input: never) => Promise<unknown>)(input); };
    Object.assign(world.activities, { [name]: counted });
  }
  return world;
}

export interface World {
  calls: string[];
  records: OwnedRecord[];
  receipts: Map<string, Receipt>;
  clusterStatus: string | null;
  applications: ApplicationState[];
  sources: string[];
  /** Whether a bootstrap claimed the build id. */
  claimed: boolean;
}

/** A platform as a bootstrap leaves it. */
export function givePlatform(world: World): void {
  world.clusterStatus = 'ACTIVE';
  world.claimed = true;
  world.applications = [application(ROOT_APPLICATION), ...componentsUpTo('1.5', 'ephemeral').map(({ name, tier }) => application(name, tier))];
  world.sources = ['Ingress kong/status'];
  world.records = [{ name: 'kong.b-21-11-26-01.dev.goldenpathidp.io', type: 'A', values: ['ALIAS lb'], because: 'owner-txt' }];
}

function application(name: string, tier?: string): ApplicationState {
  return { name, tier, sync: 'Synced', health: 'Healthy', comparedParameters: {}, conditions: [], automated: true, finalizers: [] };
}

const readings = { value: [] as string[] };
export const goodZone: Pick<FoundationReadings, 'zone' | 'delegation' | 'recordsInScope'> = {
  zone: { value: { name: 'dev.goldenpathidp.io.', privateZone: false, nameServers: ['ns-1', 'ns-2'] } },
  delegation: { value: ['ns-2', 'ns-1'] },
  recordsInScope: readings,
};

function standard(world: World): Activities {
  const subnet = (zone: string) => ({ id: `subnet-${zone}`, zone, freeAddresses: 200, tags: { 'kubernetes.io/role/internal-elb': '1' } });
  const passed = (id: string) => [{ id, title: id, ok: true, found: 'fine', fix: '' }];
  const allow = ({ proof, target, planHash, proofMaxAgeMs, cleanListings }: Destroying) => { demandProof(proof, { target, planHash, now: proof.lastCleanAt, maxAgeMs: proofMaxAgeMs, cleanListings }); };
  const inventory = (): Inventory => ({
    cluster: world.clusterStatus === null ? null : { arn: 'arn:cluster', status: world.clusterStatus, oidcIssuer: 'https://oidc', deletionProtection: false, nodeGroups: ['default'], fargateProfiles: [], addons: [] },
    kubernetes: world.clusterStatus === 'ACTIVE' ? 'answers' : 'none',
    argocd: world.applications.length > 0,
    applications: world.applications,
    objects: world.clusterStatus === null ? [] : [{ kind: 'eks-cluster', id: 'arn:cluster', name: 'cluster' }],
    protections: [],
  });
  return {
    readCore: ({ plan }) => Promise.resolve({
      caller: { value: { account: plan.target.accountId, arn: 'arn:aws:iam::111122223333:user/ana' } },
      vpcs: { value: [{ id: 'vpc-1', dnsSupport: true, dnsHostnames: true }] },
      subnets: { value: ['a', 'b', 'c'].map(subnet) },
      recordedZoneId: { value: null },
      secrets: Object.fromEntries(plan.secrets.map(({ name, keys }) => [name, { value: keys }])),
      quota: { value: { clusters: 1, limit: 100 } },
      deniedActions: { value: [] },
      bucket: { value: { region: plan.target.region } },
    }),
    readZone: () => Promise.resolve(goodZone),
    claimBuild: () => Promise.resolve({ key: 'builds/dev/1.json' }),
    ensureLogGroup: () => Promise.resolve([{ kind: 'log-group', id: 'arn:logs', name: 'logs' }]),
    ensureClusterRoles: () => Promise.resolve({ clusterRoleArn: 'arn:role/c', nodeRoleArn: 'arn:role/n', owned: [{ kind: 'iam-role', id: 'arn:role/c', name: 'c' }] }),
    startCluster: () => { world.clusterStatus = 'CREATING'; return Promise.resolve([{ kind: 'eks-cluster', id: 'arn:cluster', name: 'cluster' }]); },
    probeCluster: ({ target }) => { world.clusterStatus = 'ACTIVE'; return Promise.resolve({ arn: 'arn:cluster', version: '1.36', endpoint: `https://${target.cluster}`, oidcIssuer: 'https://oidc', vpcId: 'vpc-1', clusterSecurityGroupId: 'sg-1' }); },
    probeClusterSettled: () => { world.clusterStatus = 'ACTIVE'; return Promise.resolve(); },
    ensureIrsaRoles: () => Promise.resolve({ roleArns: { 'aws-ebs-csi-driver': 'arn:role/e' }, owned: [] }),
    startNodeGroup: () => Promise.resolve([]),
    probeNodeGroup: ({ desired }) => Promise.resolve({ arn: 'arn:ng', instances: desired }),
    ensureAddon: ({ addon }) => Promise.resolve([{ kind: 'eks-addon', id: addon, name: addon }]),
    probeAddons: ({ addons }) => Promise.resolve(addons.map((name) => ({ kind: 'eks-addon', id: name, name }))),
    probeTier0: () => Promise.resolve(passed('nodes')),
    applyPrerequisites: () => Promise.resolve(['namespace argocd']),
    installArgoCd: () => Promise.resolve(['applied']),
    probeArgoCd: () => Promise.resolve({ version: 'v3.2.11' }),
    preflightTier: () => Promise.resolve(passed('api')),
    applyRootApplication: () => Promise.resolve([]),
    awaitTier: ({ expected }) => Promise.resolve(expected.map(({ name }) => `${name} Synced and Healthy`)),
    probeAcceptance: () => Promise.resolve({ checks: passed('ingress'), ingressAddress: 'lb.elb.eu-west-2.amazonaws.com' }),
    probeLoadBalancerActive: () => Promise.resolve(passed('load-balancer')),
    probeHostRecords: ({ hosts }) => Promise.resolve(hosts.flatMap(passed)),
    writeReceipt: ({ name, receipt }) => { world.receipts.set(name, receipt); return Promise.resolve({ key: `receipts/${name}.json` }); },
    readInventory: () => Promise.resolve(inventory()),
    readRegistry: () => Promise.resolve({ recordedZoneId: null, claimed: world.claimed, ledger: [] }),
    readExternalDns: ({ target }) => Promise.resolve({ state: { deployment: { args: contractedArgs(target), replicas: 1, available: 1, serviceAccountRoleArn: 'arn:role/d' } }, expectedRoleArn: 'arn:role/d', roleProblems: [] }),
    readApplications: () => Promise.resolve(world.applications),
    listDnsSources: () => Promise.resolve(world.sources),
    freezeGitOps: () => { for (const each of world.applications) each.automated = false; return Promise.resolve(['frozen']); },
    deleteApplications: ({ names }) => { world.applications = world.applications.filter(({ name }) => !names.includes(name)); return Promise.resolve(names); },
    awaitApplicationsGone: ({ names }) => Promise.resolve(names),
    deleteDnsSources: () => { const gone = world.sources; world.sources = []; world.records = []; return Promise.resolve(gone); },
    awaitDnsSourcesGone: () => Promise.resolve([]),
    probeLoadBalancersGone: () => Promise.resolve(),
    listZone: ({ target }) => Promise.resolve({ hostedZoneId: target.hostedZoneId, at: Date.now(), pages: 1, recordCount: world.records.length, owned: world.records }),
    deleteVolumes: (input) => { allow(input); return Promise.resolve({ done: [], kept: [] }); },
    probeVolumesGone: () => Promise.resolve(),
    deleteControllers: (input) => { allow(input); world.applications = []; return Promise.resolve(input.names); },
    removeArgoCd: (input) => { allow(input); return Promise.resolve(['argocd']); },
    probeNetworkGone: () => Promise.resolve(),
    startDeleteNodeGroups: (input) => { allow(input); return Promise.resolve([]); },
    probeNodeGroupsGone: () => Promise.resolve(),
    startDeleteCluster: (input) => { allow(input); world.clusterStatus = null; return Promise.resolve([]); },
    probeClusterGone: () => Promise.resolve(),
    deleteIdentity: (input) => { allow(input); return Promise.resolve([]); },
    deleteLeftovers: (input) => { allow(input); return Promise.resolve([]); },
    sweep: () => Promise.resolve([]),
  };
}
