// A platform in memory behind the activities' contract, for what the lab cannot do: force any answer at any moment of a workflow. The guard in front of destroying is the real one.
import { ApplicationFailure, Context } from '@temporalio/activity';
import { verifyDecision } from '../../activities/break-glass.ts';
import type { Deciding, Destroying, Inventory, PlatformActivities, ZoneProbes, ZoneRepairs } from '../../activities/contract.ts';
import { atEdge } from '../../activities/errors.ts';
import { demandDecision, judgeDestroying, ownRun } from '../../activities/guard.ts';
import { type AuditEntry, type AuditEvent, auditKey } from '../../domain/audit.ts';
import { subjectLine } from '../../domain/break-glass.ts';
import { componentsUpTo, ROOT_APPLICATION } from '../../domain/components.ts';
import type { OwnedRecord } from '../../domain/dns-records.ts';
import { repairOf } from '../../domain/dns-repair.ts';
import { contractedArgs } from '../../domain/external-dns.ts';
import type { FoundationReadings } from '../../domain/foundation.ts';
import type { Target } from '../../domain/plan.ts';
import { demandDecidedOn, liftSubject, type Protection } from '../../domain/protections.ts';
import type { Receipt } from '../../domain/report.ts';
import type { ApplicationState } from '../../domain/applications.ts';

type Activities = PlatformActivities & ZoneProbes & ZoneRepairs;

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
    protections: [] as Protection[],
    recordProtections: [] as Protection[],
    audit: [] as AuditEntry[],
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
  /** What protects the platform, but for its records. */
  protections: Protection[];
  recordProtections: Protection[];
  /** The audit trail: what was recorded, and what the guard and the repair wrote of themselves. */
  audit: AuditEntry[];
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

export function application(name: string, tier?: string): ApplicationState {
  return { name, tier, sync: 'Synced', health: 'Healthy', comparedParameters: {}, sourceCompared: true, conditions: [], automated: true, finalizers: [] };
}

const readings = { value: [] as string[] };
export const goodZone: Pick<FoundationReadings, 'zone' | 'delegation' | 'recordsInScope' | 'takenHosts'> = {
  zone: { value: { name: 'dev.goldenpathidp.io.', privateZone: false, nameServers: ['ns-1', 'ns-2'] } },
  delegation: { value: ['ns-2', 'ns-1'] },
  recordsInScope: readings,
  takenHosts: readings,
};

function standard(world: World): Activities {
  const subnet = (zone: string) => ({ id: `subnet-${zone}`, zone, freeAddresses: 200, tags: { 'kubernetes.io/role/internal-elb': '1' } });
  const passed = (id: string) => [{ id, title: id, ok: true, found: 'fine', fix: '' }];
  const put = ({ environment, cluster }: Target, event: AuditEvent) => { world.audit.push({ schema: 1, at: Date.now(), environment, cluster, ...ownRun(), ...event }); };
  /** The real guard; only the clock is the permit's own, because the test server skips time. */
  const allow = async (input: Destroying) => {
    const { permit, target } = input;
    await atEdge(() => judgeDestroying(input, permit.kind === 'dns-proof' ? permit.lastCleanAt : permit.listedAt))(undefined);
    put(target, { kind: 'destroy', activity: Context.current().info.activityType, attempt: 1, permit });
  };
  const inventory = (): Inventory => ({
    cluster: world.clusterStatus === null ? null : { arn: 'arn:cluster', status: world.clusterStatus, oidcIssuer: 'https://oidc', deletionProtection: false, nodeGroups: ['default'], fargateProfiles: [], addons: [] },
    kubernetes: world.clusterStatus === 'ACTIVE' ? 'answers' : 'none',
    argocd: world.applications.length > 0,
    applications: world.applications,
    objects: world.clusterStatus === null ? [] : [{ kind: 'eks-cluster', id: 'arn:cluster', name: 'cluster' }],
    protections: world.protections,
  });
  /** Takes off what was decided on, as the real activities do: judged, compared, on record first. */
  const lift = async (input: Deciding, of: 'protections' | 'recordProtections') => {
    await demandDecision('lift', input);
    demandDecidedOn(world[of], input.request);
    const lines = liftSubject(world[of]);
    put(input.target, { kind: 'lift', activity: Context.current().info.activityType, request: input.request, approvals: input.approvals, protections: lines });
    world[of] = world[of].filter(({ needsApproval }) => !needsApproval);
    return lines;
  };
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
    readTier2Foundation: ({ plan }) => Promise.resolve({
      instance: { value: { status: 'available', owned: true, vpcId: 'vpc-1' } },
      openTo: { value: ['10.0.0.0/16'] },
      subnets: { value: [{ id: 'subnet-a', cidr: '10.0.16.0/20' }] },
      logins: Object.fromEntries((plan.databases?.databases ?? []).map(({ app }) => [app, { value: 'lets it in' }])),
      lokiBucket: { value: { region: plan.target.region } },
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
    readGate: () => Promise.resolve({ maxTier: null }),
    preflightTier: () => Promise.resolve(passed('api')),
    applyRootApplication: () => Promise.resolve([]),
    awaitTier: ({ expected }) => Promise.resolve(expected.map(({ name }) => `${name} Synced and Healthy`)),
    awaitAcceptanceJob: ({ tier }) => Promise.resolve(passed(`inside-${tier}`)),
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
    deleteVolumes: async (input) => { await allow(input); return { done: [], kept: [] }; },
    probeVolumesGone: () => Promise.resolve(),
    deleteControllers: async (input) => { await allow(input); world.applications = []; return input.names; },
    removeArgoCd: async (input) => { await allow(input); return ['argocd']; },
    probeNetworkGone: () => Promise.resolve(),
    startDeleteNodeGroups: async (input) => { await allow(input); return []; },
    probeNodeGroupsGone: () => Promise.resolve(),
    startDeleteCluster: async (input) => { await allow(input); world.clusterStatus = null; return []; },
    probeClusterGone: () => Promise.resolve(),
    deleteIdentity: async (input) => { await allow(input); return []; },
    deleteLeftovers: async (input) => { await allow(input); return []; },
    deleteLoadBalancers: async (input) => { await allow(input); return { deleted: [], refused: [] }; },
    deleteOrphanInstances: async (input) => { await allow(input); return { deleted: [], refused: [] }; },
    deleteOrphanNetwork: async (input) => { await allow(input); return { deleted: [], refused: [] }; },
    deleteOrphanVolumes: async (input) => { await allow(input); return { deleted: [], refused: [] }; },
    deleteOrphanIdentity: async (input) => { await allow(input); return { deleted: [], refused: [] }; },
    sweep: () => Promise.resolve([]),
    listRecordProtections: () => Promise.resolve(world.recordProtections),
    liftProtections: atEdge((input) => lift(input, 'protections')),
    revokeExternalDns: async (input) => {
      await demandDecision('leave', input);
      put(input.target, { kind: 'revoke', request: input.request, approvals: input.approvals, role: 'external-dns', policies: ['records'] });
      return ['revoked'];
    },
    liftRecordProtections: atEdge((input) => lift(input, 'recordProtections')),
    readFoundation: () => Promise.resolve([{ kind: 'ec2:vpc', id: 'vpc-1', name: 'vpc-1' }]),
    readDrainObjects: () => Promise.resolve({ managed: { grafana: ['Ingress monitoring/grafana'], kong: ['Service kong/kong'] }, claims: ['PersistentVolumeClaim monitoring/data'], keptVolumes: [] }),
    verifyDecision,
    recordAudit: ({ entry, name }) => { world.audit.push(entry); return Promise.resolve({ key: auditKey(entry, name) }); },
    repairRecords: atEdge(async (input) => {
      const { request, approvals, target } = input;
      await demandDecision('repair', input);
      const begun = world.audit.some((entry) => entry.kind === 'repair' && entry.request.id === request.id);
      const { records, registry } = repairOf(world.records, (record) => record, { request, begun, zone: target.zone });
      put(target, { kind: 'repair', request, approvals, records: request.subject });
      world.records = [];
      return [...records, ...registry].map((record) => `deleted ${subjectLine(record)}`);
    }),
  };
}
