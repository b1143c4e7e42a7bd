// The plan of a run: a pure function of environment file, lifecycle, build id and version manifest, with a hash that approvals bind to (F1, F2).
import { type Component, componentsUpTo } from './components.ts';
import { SECRET_KEYS } from './connectivity.ts';
import { databaseSecretName } from './databases.ts';
import { hostSuffixProblem } from './dns-names.ts';
import type { Environment } from './environment.ts';
import { GoldenpathError } from './errors.ts';
import { hashOf } from './hash.ts';
import { ownershipTags, platformNames, targetProblems } from './names.ts';
import { buildsSecrets, chartSecrets } from './platform-secrets.ts';
import { type Operation, type StageSpec, stagesOf } from './stages.ts';
import { compareTiers, deliveredTiers, type Lifecycle, maxTierFor, type Tier } from './tiers.ts';
import { timings, type Timings } from './timings.ts';
import type { Versions } from './versions.ts';

/** The platform a run is about: all that an activity needs to find it and to know what is its own. */
export interface Target {
  environment: string;
  lifecycle: Lifecycle;
  buildId: string | null;
  cluster: string;
  region: string;
  accountId: string;
  zone: string;
  parentZone: string;
  hostedZoneId: string;
  hostSuffix: string;
  ownerId: string;
  workflowId: string;
  tags: Record<string, string>;
}

export interface Plan {
  schema: 1;
  operation: Operation;
  target: Target;
  maxTier: Tier;
  tiers: { tier: Tier; components: Component[] }[];
  stages: StageSpec[];
  versions: Versions;
  externalDns: { enabled: boolean };
  nodeGroup: Environment['nodeGroup'];
  gitops: Environment['gitops'];
  registry: Environment['registry'];
  secrets: Environment['secrets'];
  /** The next three: only where the plan reaches tier 2, and only what the environment file has (F4). */
  databases?: Environment['databases'];
  objectStorage?: Environment['objectStorage'];
  tls?: Environment['tls'];
  /** Only where the environment enables it: an ephemeral platform has Backstage, the persistent one its client in Keycloak (T4). */
  backstage?: { ephemeral: true } | undefined;
  breakGlass: Environment['breakGlass'];
  timings: Timings;
  /** sha256 over everything above. */
  hash: string;
}

export interface PlanInput {
  operation: Operation;
  environment: Environment;
  lifecycle: Lifecycle;
  buildId: string | null;
  versions: Versions;
}

/** The applications that exist once the gate of this tier is raised, all tiers below it included: exactly these (T1). */
export function applicationsUpTo({ tiers }: Pick<Plan, 'tiers'>, tier: Tier): Component[] {
  return tiers.filter((other) => compareTiers(other.tier, tier) <= 0).flatMap(({ components }) => components);
}

/** Makes the plan. Throws InvalidInput where the plan's host suffix leaves the zone or an ephemeral platform would own the base name (D1). */
export function makePlan({ operation, environment, lifecycle, buildId, versions }: PlanInput): Plan {
  const identity = { environment: environment.name, lifecycle, buildId };
  const names = platformNames(identity, environment.dns.zone);
  const problem = hostSuffixProblem(names.hostSuffix, environment.dns.zone, lifecycle);
  if (problem !== undefined) throw new GoldenpathError('InvalidInput', problem, [problem]);
  const { lateSweeps, dnsGateDeadlineSeconds, scale } = environment.timings;
  const maxTier = maxTierFor(lifecycle);
  const ephemeralBackstage = environment.backstage?.ephemeral === true;
  const plan: Omit<Plan, 'hash'> = {
    schema: 1,
    operation,
    target: {
      ...identity,
      ...names,
      region: environment.region,
      accountId: environment.accountId,
      zone: environment.dns.zone,
      parentZone: environment.dns.parentZone,
      hostedZoneId: environment.dns.hostedZoneId,
      tags: ownershipTags(identity, names),
    },
    maxTier,
    tiers: deliveredTiers(lifecycle).map((tier) => ({ tier, components: componentsUpTo(tier, lifecycle, { ephemeralBackstage }).filter((component) => component.tier === tier && (component.name !== 'external-dns' || environment.dns.externalDns.enabled)) })),
    stages: stagesOf(operation, lifecycle),
    versions,
    externalDns: { enabled: environment.dns.externalDns.enabled },
    nodeGroup: environment.nodeGroup,
    // One pin for all environments comes before each one's own revision (C1).
    gitops: versions.charts === undefined ? environment.gitops : { ...environment.gitops, revision: versions.charts.commit },
    registry: environment.registry,
    secrets: secretsUpTo(environment, maxTier),
    ...(needsTier2(maxTier) ? tier2Needs(environment) : {}),
    ...(ephemeralBackstage ? { backstage: { ephemeral: true } } : {}),
    breakGlass: environment.breakGlass,
    timings: timings(scale, {
      ...(lateSweeps ? {} : { lateSweepsMs: [] }),
      ...(dnsGateDeadlineSeconds === undefined ? {} : { dnsGateDeadlineMs: dnsGateDeadlineSeconds * 1_000 }),
    }),
  };
  return { ...plan, hash: hashOf(plan) };
}

/** The teardown of the platform that a bootstrap's plan raises: the very plan that `makePlan` gives for it. */
export function teardownOf(whole: Plan): Plan {
  const { hash: _, ...bootstrap } = whole;
  const plan: Omit<Plan, 'hash'> = { ...bootstrap, operation: 'teardown', stages: stagesOf('teardown', bootstrap.target.lifecycle) };
  return { ...plan, hash: hashOf(plan) };
}

/** Whether a platform of this ceiling needs what only tiers 2 and 3 need: a database, object storage, an issuer (F4). */
export function needsTier2(maxTier: Tier): boolean {
  return compareTiers(maxTier, '2') >= 0;
}

/** The declared secrets that a platform of this ceiling needs, the builds' client secret where it is enabled, what the charts read, and the databases' logins, which `database apply` makes. */
function secretsUpTo(file: Environment, maxTier: Tier): Environment['secrets'] {
  const { name: environment, secrets, databases } = file;
  const logins = needsTier2(maxTier) ? (databases?.databases ?? []).map(({ app }) => ({ name: databaseSecretName({ environment, app }), keys: [...SECRET_KEYS], tier: '2' as const })) : [];
  const all: Environment['secrets'] = [...secrets.filter(({ tier = '1.5' }) => compareTiers(tier, maxTier) <= 0), ...buildsSecrets(file), ...chartSecrets(environment, maxTier).map(({ name, keys }) => ({ name, keys: [...keys] })), ...logins];
  // A file may ask a secret for more keys, never for fewer.
  return [...Map.groupBy(all, ({ name }) => name).values()].flatMap(([first, ...others]) => (first === undefined ? [] : [{ ...first, keys: [...new Set([...first.keys, ...others.flatMap(({ keys }) => keys)])] }]));
}

function tier2Needs({ databases, objectStorage, tls }: Environment): Pick<Plan, 'databases' | 'objectStorage' | 'tls'> {
  return { ...(databases === undefined ? {} : { databases }), ...(objectStorage === undefined ? {} : { objectStorage }), ...(tls === undefined ? {} : { tls }) };
}

/** Why a plan is refused: its hash does not say what it holds, so it was changed on its way, or it names its platform in two ways, so nobody's `makePlan` made it. */
export function planProblem(plan: Plan): string | undefined {
  const { hash, ...rest } = plan;
  const actual = hashOf(rest);
  if (actual !== hash) return `plan hash is ${hash}, but its content hashes to ${actual}: the plan was changed after it was made`;
  const problems = targetProblems(plan.target);
  return problems.length === 0 ? undefined : `the plan contradicts itself: ${problems.join('; ')}`;
}
