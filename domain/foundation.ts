// The foundation check's verdicts: what was found against what a tier needs, every failure in one report with its fix (F4).
import { type BucketReading, bucketCheck } from './buckets.ts';
import { type CheckResult, judge as check, type Reading } from './checks.ts';
import { databaseSecretName } from './databases.ts';
import { isWithin, normaliseName } from './dns-names.ts';
import type { Plan } from './plan.ts';

export type { CheckResult, Reading } from './checks.ts';

export interface Subnet {
  id: string;
  zone: string;
  freeAddresses: number;
  tags: Record<string, string>;
}

/** What the activity read of the foundation. */
export interface FoundationReadings {
  caller: Reading<{ account: string; arn: string }>;
  vpcs: Reading<{ id: string; dnsSupport: boolean; dnsHostnames: boolean }[]>;
  subnets: Reading<Subnet[]>;
  zone: Reading<{ name: string; privateZone: boolean; nameServers: string[] }>;
  /** Name servers that the parent zone delegates the environment's zone to. */
  delegation: Reading<string[]>;
  /** Zone id recorded by an earlier run, or null where none was (F3). */
  recordedZoneId: Reading<string | null>;
  /** Keys of each secret of the plan, by the secret's name. */
  secrets: Record<string, Reading<string[]>>;
  /** `own`: the platform's own cluster is among them. */
  quota: Reading<{ clusters: number; limit: number; own?: boolean }>;
  /** Actions the caller may not perform, by policy simulation. */
  deniedActions: Reading<string[]>;
  bucket: BucketReading;
  /** The version manifest's files, each with what is wrong with it; a worker of version 0.1.0 read none. */
  pinnedFiles?: { url: string; problem: string | null }[];
  /** Names of records that are the platform's already. */
  recordsInScope: Reading<string[]>;
  /** Of a persistent platform: records that bear one of its names, and that no registry TXT gives to anybody. ExternalDNS never touches such a record. */
  takenHosts: Reading<string[]>;
}

/** Free addresses a subnet needs: the control plane's ENIs want 6 and AWS recommends 16 (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html). */
const MIN_FREE_ADDRESSES = 16;

/** All checks of the core foundation, which every tier needs (F4). A tier 0–1.5 run asks for no database: what that needs is foundation-tier-2.ts's. */
export function checkFoundation(plan: Plan, readings: FoundationReadings): CheckResult[] {
  const { target } = plan;
  const file = `environments/${target.environment}.yaml`;
  const tags = `goldenpath.idp/environment=${target.environment} and goldenpath.idp/plane=foundation`;
  return [
    check('caller', 'AWS account', readings.caller, {
      problems: ({ account }) => (account === target.accountId ? [] : [`account is ${account}, the environment's is ${target.accountId}`]),
      describe: ({ arn }) => arn,
      fix: `use credentials of account ${target.accountId}, or correct accountId in ${file}`,
    }),
    check('vpc', 'VPC', readings.vpcs, {
      problems: vpcProblems,
      describe: (vpcs) => vpcs.map(({ id }) => id).join(', '),
      fix: `let the infrastructure code leave exactly one VPC tagged ${tags}, with DNS support and DNS host names on`,
    }),
    check('subnets', 'Subnets', readings.subnets, {
      problems: subnetProblems,
      describe: (subnets) => `${subnets.length} subnets in ${new Set(subnets.map(({ zone }) => zone)).size} zones`,
      fix: `provide subnets tagged ${tags} in two zones or more, private ones also kubernetes.io/role/internal-elb=1, public ones kubernetes.io/role/elb=1, each with ${MIN_FREE_ADDRESSES} free addresses`,
    }),
    ...checkZone(plan, readings),
    check('delegation', 'Delegation', readings.delegation, {
      problems: (servers) => delegationProblems(servers, readings.zone),
      describe: (servers) => `${servers.length} name servers agree`,
      fix: `let the NS record of ${target.zone} in ${target.parentZone} name exactly the zone's own name servers`,
    }),
    ...plan.secrets.map(({ name, keys }) =>
      check(`secret:${name}`, `Secret ${name}`, readings.secrets[name] ?? { problem: 'was not read' }, {
        problems: (found) => keys.filter((key) => !found.includes(key)).map((key) => `key ${key} is missing`),
        describe: () => `has ${keys.join(', ')}`,
        // Failure 31: a deleted secret keeps its name for a recovery window of 7 to 30 days; creating it anew fails until then.
        fix: `${isDatabaseLogin(plan, name) ? `run goldenpath database apply --env ${target.environment}: it makes the secret, or completes it` : `create the secret ${name} in Secrets Manager as JSON with the keys ${keys.join(', ')}`}; where it was deleted lately: aws secretsmanager restore-secret --secret-id ${name}`,
      }),
    ),
    check('iam', 'IAM permissions', readings.deniedActions, {
      problems: (denied) => denied.map((action) => `${action} is denied`),
      describe: () => 'every action of the run is allowed',
      fix: 'attach the policy that docs/reference/iam.md lists to the role of the worker',
    }),
    check('quota', 'EKS quota', readings.quota, {
      problems: ({ clusters, limit, own }) => (clusters < limit || own === true ? [] : [`${clusters} of ${limit} clusters exist`]),
      describe: ({ clusters, limit }) => `${clusters} of ${limit} clusters exist`,
      fix: 'tear a platform down, or raise the service quota L-1194D53C (EKS clusters)',
    }),
    bucketCheck('registry', 'Registry bucket', readings.bucket, { bucket: plan.registry.bucket, region: target.region, field: 'registry.bucket', file }),
    ...(readings.pinnedFiles === undefined ? [] : [check('pinned-files', 'Pinned files', { value: readings.pinnedFiles }, {
      problems: (files) => files.flatMap(({ problem }) => problem ?? []),
      describe: (files) => `${files.length} files have the sha256 that the version manifest pins`,
      fix: 'let the worker reach the address, or put the file into the folder of GOLDENPATH_MANIFEST_MIRROR as <sha256>.yaml; or correct url and sha256 under manifests in environments/versions.yaml',
    })]),
    check('scope-empty', 'DNS scope', readings.recordsInScope, {
      // A build's subtree begins empty. A persistent platform has the same owner id for ever: what bears it is its own, and its ExternalDNS takes it up again.
      problems: (names) => (target.lifecycle === 'persistent' ? [] : names.map((name) => `${name} exists already`)),
      describe: (names) => (target.lifecycle === 'ephemeral' ? `nothing exists inside ${target.hostSuffix}` : `${names.length} names are its own already, by owner ${target.ownerId}`),
      fix: 'tear down the platform that left these records, or use another build id',
    }),
    ...(target.lifecycle === 'ephemeral' ? [] : [check('hosts-free', 'Host names', readings.takenHosts, {
      problems: (lines) => lines.map((line) => `${line} is nobody's by any registry TXT`),
      describe: () => 'none is taken by a record without an owner',
      fix: `find out who made it, and delete it from ${target.zone}: ExternalDNS leaves what it did not write, so the platform would never get the name`,
    })]),
  ];
}

/**
 * Is the hosted zone the environment's own: by its name, and by the id that the first run recorded (F3)? Asked before a bootstrap
 * and before a teardown: records looked for in another zone are never found, and would read as gone.
 */
export function checkZone(plan: Plan, readings: Pick<FoundationReadings, 'zone' | 'recordedZoneId'>): CheckResult[] {
  const { target } = plan;
  const file = `environments/${target.environment}.yaml`;
  return [
    check('zone', 'Hosted zone', readings.zone, {
      problems: (zone) => zoneProblems(zone, plan),
      describe: ({ name }) => `${normaliseName(name)} (${target.hostedZoneId})`,
      fix: `correct dns.hostedZoneId or dns.zone in ${file}`,
    }),
    check('zone-recorded', 'Recorded hosted zone id', readings.recordedZoneId, {
      problems: (recorded) => (recorded === null || recorded === target.hostedZoneId ? [] : [`recorded is ${recorded}, ${file} has ${target.hostedZoneId}`]),
      describe: (recorded) => recorded ?? 'none recorded yet',
      fix: `put the recorded id back as dns.hostedZoneId in ${file}: it never changes once recorded (F3)`,
    }),
  ];
}

/** Whether `database apply` makes the secret. */
function isDatabaseLogin({ target: { environment }, databases }: Plan, name: string): boolean {
  return (databases?.databases ?? []).some(({ app }) => databaseSecretName({ environment, app }) === name);
}

function vpcProblems(vpcs: { id: string; dnsSupport: boolean; dnsHostnames: boolean }[]): string[] {
  const [vpc, ...others] = vpcs;
  if (vpc === undefined) return ['no VPC has the tags'];
  if (others.length > 0) return [`${vpcs.length} VPCs have the tags: ${vpcs.map(({ id }) => id).join(', ')}`];
  return [...(vpc.dnsSupport ? [] : [`${vpc.id}: enableDnsSupport is off`]), ...(vpc.dnsHostnames ? [] : [`${vpc.id}: enableDnsHostnames is off`])];
}

function subnetProblems(subnets: Subnet[]): string[] {
  if (subnets.length === 0) return ['no subnet has the tags'];
  // Nodes and the control plane's interfaces live in the private ones.
  const zones = new Set(subnets.filter(({ tags }) => tags['kubernetes.io/role/internal-elb'] === '1').map(({ zone }) => zone));
  const problems = zones.size >= 2 ? [] : [`private subnets (kubernetes.io/role/internal-elb=1) lie in ${zones.size === 0 ? 'no zone' : `one zone only, ${[...zones].join('')}`}; two are needed`];
  for (const subnet of subnets) {
    if (subnet.freeAddresses < MIN_FREE_ADDRESSES) problems.push(`${subnet.id} has ${subnet.freeAddresses} free addresses`);
    if (subnet.tags['kubernetes.io/role/elb'] !== '1' && subnet.tags['kubernetes.io/role/internal-elb'] !== '1') problems.push(`${subnet.id} has neither role tag`);
  }
  return problems;
}

function zoneProblems(zone: { name: string; privateZone: boolean }, { target }: Plan): string[] {
  const problems: string[] = [];
  if (normaliseName(zone.name) !== normaliseName(target.zone)) problems.push(`zone ${target.hostedZoneId} is ${normaliseName(zone.name)}, not ${target.zone}`);
  if (zone.privateZone) problems.push(`zone ${target.hostedZoneId} is private`);
  if (!isWithin(target.hostSuffix, zone.name)) problems.push(`host suffix ${target.hostSuffix} lies outside it`);
  return problems;
}

function delegationProblems(servers: string[], zone: FoundationReadings['zone']): string[] {
  if ('problem' in zone) return ['cannot be compared: the zone could not be read'];
  const [parent, own] = [servers.map(normaliseName).toSorted(), zone.value.nameServers.map(normaliseName).toSorted()];
  if (parent.length === 0) return ['the parent zone has no NS record for it'];
  return parent.join() === own.join() ? [] : [`parent names ${parent.join(', ')}; the zone's own are ${own.join(', ')}`];
}
