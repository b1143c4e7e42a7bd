// What tiers 2 and 3 need of the foundation: a database that the cluster can reach, logins that work, Loki's bucket, issuer settings (F4). Pure.
import { type BucketReading, bucketCheck } from './buckets.ts';
import { type CheckResult, judge, type Reading } from './checks.ts';
import { portProblems, POSTGRES_PORT, vpcFix, vpcProblems } from './database-network.ts';
import { SERVING_STATES } from './databases.ts';
import type { FoundationReadings } from './foundation.ts';
import { needsTier2, type Plan, type Target } from './plan.ts';
import { DATABASE_APPS } from './platform-secrets.ts';

/** What a plan says that tiers 2 and 3 need of the foundation. */
export type Tier2Needs = { target: Pick<Target, 'environment' | 'region' | 'accountId'> } & Pick<Plan, 'databases' | 'objectStorage'>;

/** The instance as RDS describes it. */
export interface InstanceReading {
  status: string;
  /** Whether its tags say that it is the environment's. */
  owned: boolean;
  vpcId: string;
}

/** What the activity read for tiers 2 and 3. */
export interface Tier2Readings {
  /** Null where RDS has no instance of the name. */
  instance: Reading<InstanceReading | null>;
  /** Blocks to which the instance's security groups open PostgreSQL's port. */
  openTo: Reading<string[]>;
  /** The foundation's private subnets, in which the cluster's nodes live. */
  subnets: Reading<{ id: string; cidr: string }[]>;
  /** What each application's login gave, by the name of the application. Logins that could not be tried are left out: what is missing has a check of its own. */
  logins: Record<string, Reading<string>>;
  lokiBucket: BucketReading;
}

/** The checks of tiers 2 and 3; none for a plan that does not reach them. `readings` is undefined where nothing was read, which is a failure then. */
export function checkTier2Foundation(plan: Plan, vpcs: FoundationReadings['vpcs'], readings: Tier2Readings | undefined): CheckResult[] {
  if (!needsTier2(plan.maxTier)) return [];
  const unread = { problem: 'was not read' };
  const { instance, openTo, subnets, logins, lokiBucket } = readings ?? { instance: unread, openTo: unread, subnets: unread, logins: {}, lokiBucket: unread };
  return [componentsCheck(plan), ...databaseChecks(plan, vpcs, { instance, openTo, subnets, logins }), lokiBucketCheck(plan, lokiBucket), issuerCheck(plan)];
}

/** A tier without applications would be raised by nothing and read as ready. */
function componentsCheck({ tiers }: Plan): CheckResult {
  return judge('components', 'Applications of every tier', { value: tiers }, {
    problems: (all) => all.filter(({ components }) => components.length === 0).map(({ tier }) => `this version delivers no application of tier ${tier}`),
    describe: (all) => all.map(({ tier, components }) => `tier ${tier}: ${components.length}`).join(', '),
    fix: 'use a version of goldenpath that delivers the tier',
  });
}

function databaseChecks(plan: Plan, vpcs: FoundationReadings['vpcs'], { instance, openTo, subnets, logins }: Omit<Tier2Readings, 'lokiBucket'>): CheckResult[] {
  const { environment } = plan.target;
  const { databases } = plan;
  const serving = instanceCheck(plan, instance);
  const found = 'value' in instance ? instance.value : null;
  if (databases === undefined) return [serving];
  const apply = applyCommand(environment);
  const { identifier, securityGroup } = databases.instance;
  return [
    serving,
    judge('databases', 'Databases of the applications', { value: databases.databases }, {
      problems: (declared) => DATABASE_APPS.filter((app) => !declared.some((database) => database.app === app)).map((app) => `environments/${environment}.yaml declares no database of ${app}`),
      describe: (declared) => declared.map(({ app }) => app).join(', '),
      fix: `declare it under databases.databases in environments/${environment}.yaml, then run ${apply}`,
    }),
    // Of an instance that is not there, nothing else can be wrong.
    ...(found === null ? [] : [
      judge('rds-vpc', 'VPC of the RDS instance', vpcs, {
        problems: (all) => vpcProblems({ identifier, vpcId: found.vpcId, vpcIds: all.map(({ id }) => id) }),
        describe: () => `${found.vpcId}, the foundation's`,
        fix: vpcFix(identifier, apply),
      }),
      judge('rds-network', 'Way from the cluster to the RDS instance', both(openTo, subnets), {
        problems: ([open, all]) => portProblems({ openTo: open, subnets: all }),
        describe: ([open]) => `port ${POSTGRES_PORT} is open to ${open.join(', ')}`,
        fix: `run ${apply}: it opens security group ${securityGroup} to each private subnet; see that the instance uses that group`,
      }),
    ]),
    ...Object.entries(logins).map(([app, login]) => judge(`login:${app}`, `Login of ${app}`, login, {
      problems: () => [],
      describe: (evidence) => evidence,
      fix: `run ${apply}; where its password is refused, ${apply} --rotate sets a new one`,
    })),
  ];
}

function applyCommand(environment: string): string {
  return `goldenpath database apply --env ${environment}`;
}

/** Whether the environment's database serves: what the foundation check, the preflights of tiers 2 and 3, and the charts' `platform.rdsAvailable` each ask (A3, F4, T2). */
export function instanceCheck({ target: { environment }, databases }: Tier2Needs, instance: Tier2Readings['instance']): CheckResult {
  if (databases === undefined) return judge('rds', 'RDS instance', undeclared(environment, 'databases'), { problems: () => [], describe: () => '', fix: `describe the instance as docs/reference/environment.md says, then run ${applyCommand(environment)}` });
  const { identifier } = databases.instance;
  return judge('rds', 'RDS instance', instance, {
    problems: (value) => instanceProblems(identifier, value),
    describe: (value) => `${identifier} is ${value?.status ?? 'absent'}`,
    fix: instanceFix(identifier, 'value' in instance ? instance.value : null, environment),
  });
}

function instanceProblems(identifier: string, instance: InstanceReading | null): string[] {
  if (instance === null) return [`RDS has no instance ${identifier}`];
  return [...(instance.owned ? [] : [`${identifier} does not carry the environment's tags`]), ...(SERVING_STATES.includes(instance.status) ? [] : [`${identifier} is ${instance.status}`])];
}

function instanceFix(identifier: string, instance: InstanceReading | null, environment: string): string {
  if (instance === null) return `run ${applyCommand(environment)}`;
  if (instance.status === 'stopped') return `start it: aws rds start-db-instance --db-instance-identifier ${identifier}`;
  return instance.owned ? `wait until it is available: aws rds wait db-instance-available --db-instance-identifier ${identifier}` : `choose another databases.instance.identifier in environments/${environment}.yaml, or tag the instance as docs/how-to/databases.md says`;
}

/** Whether Loki's bucket is there, in the platform's region: asked in the same three places. */
export function lokiBucketCheck({ target, objectStorage }: Tier2Needs, reading: Tier2Readings['lokiBucket']): CheckResult {
  const title = "Loki's bucket";
  const file = `environments/${target.environment}.yaml`;
  if (objectStorage === undefined) return { id: 'loki-bucket', title, ok: false, found: undeclared(target.environment, 'objectStorage').problem, fix: `name the bucket as objectStorage.lokiBucket in ${file}` };
  return bucketCheck('loki-bucket', title, reading, { bucket: objectStorage.lokiBucket, region: target.region, field: 'objectStorage.lokiBucket', file });
}

function issuerCheck({ target, tls }: Plan): CheckResult {
  return judge('issuer', 'Certificate issuer', tls === undefined ? undeclared(target.environment, 'tls') : { value: tls }, {
    problems: () => [],
    describe: ({ issuerEmail }) => `Let's Encrypt, account of ${issuerEmail}`,
    fix: `name the address of the account as tls.issuerEmail in environments/${target.environment}.yaml`,
  });
}

function undeclared(environment: string, section: string): { problem: string } {
  return { problem: `environments/${environment}.yaml has no section ${section}` };
}

function both<A, B>(a: Reading<A>, b: Reading<B>): Reading<[A, B]> {
  if ('problem' in a) return a;
  return 'problem' in b ? b : { value: [a.value, b.value] };
}
