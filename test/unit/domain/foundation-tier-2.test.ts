import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../domain/environment.ts';
import { checkTier2Foundation, type Tier2Readings } from '../../../domain/foundation-tier-2.ts';
import { makePlan, type Plan } from '../../../domain/plan.ts';
import { problemsOf } from '../../../domain/request.ts';
import { environment, ephemeralPlan, versions } from '../../support/plans.ts';

/** Every tier with an application, whatever this version delivers. */
const persistent = (changes: object = {}): Plan => {
  const plan = makePlan({ operation: 'bootstrap', environment: environment('dev', changes), lifecycle: 'persistent', buildId: null, versions: versions() });
  return { ...plan, tiers: plan.tiers.map(({ tier }) => ({ tier, components: [{ name: `app-${tier}`, tier, wave: 1, namespace: 'apps' }] })) };
};
const plan = persistent();
const vpcs = { value: [{ id: 'vpc-1', dnsSupport: true, dnsHostnames: true }] };
const running = { status: 'available', owned: true, vpcId: 'vpc-1' };
const good: Tier2Readings = {
  instance: { value: running },
  openTo: { value: ['10.0.16.0/20', '10.0.32.0/20'] },
  subnets: { value: [{ id: 'subnet-a', cidr: '10.0.16.0/20' }, { id: 'subnet-b', cidr: '10.0.32.0/20' }] },
  logins: { backstage: { value: 'lets it in' }, grafana: { value: 'lets it in' }, keycloak: { value: 'lets it in' } },
  lokiBucket: { value: { region: 'eu-west-2' } },
};
const broken = (changes: Partial<Tier2Readings>, of = plan) => checkTier2Foundation(of, vpcs, { ...good, ...changes }).filter(({ ok }) => !ok);

describe('checkTier2Foundation', () => {
  it('F4: what is as it should be passes, point by point', () => {
    expect(broken({})).toEqual([]);
    expect(checkTier2Foundation(plan, vpcs, good).map(({ id }) => id)).toEqual(['components', 'rds', 'databases', 'rds-vpc', 'rds-network', 'login:backstage', 'login:grafana', 'login:keycloak', 'loki-bucket', 'issuer']);
  });

  it('F4: an ephemeral platform is asked nothing of it', () => { expect(checkTier2Foundation(ephemeralPlan(), vpcs, undefined)).toEqual([]); });

  it.each<[string, Partial<Tier2Readings>, string, string, string]>([
    ['no instance', { instance: { value: null }, logins: {} }, 'rds', 'RDS has no instance goldenpath-dev', 'run goldenpath database apply --env dev'],
    ['a stopped instance', { instance: { value: { ...running, status: 'stopped' } } }, 'rds', 'goldenpath-dev is stopped', 'start it: aws rds start-db-instance --db-instance-identifier goldenpath-dev'],
    ['somebody else’s instance', { instance: { value: { ...running, owned: false } } }, 'rds', "goldenpath-dev does not carry the environment's tags", 'choose another databases.instance.identifier in environments/dev.yaml'],
    ['another VPC', { instance: { value: { ...running, vpcId: 'vpc-9' } } }, 'rds-vpc', "goldenpath-dev is in vpc-9, the foundation's VPC is vpc-1", "into the foundation's VPC"],
    ['a closed security group', { openTo: { value: ['10.0.16.0/20'] } }, 'rds-network', 'port 5432 is closed to subnet subnet-b (10.0.32.0/20)', 'goldenpath database apply --env dev'],
    ['no private subnet', { subnets: { value: [] } }, 'rds-network', 'the foundation has no private subnet', 'goldenpath database apply --env dev'],
    ['a password that no longer works', { logins: { grafana: { problem: 'PostgreSQL at db:5432 refuses user grafana with this password' } } }, 'login:grafana', 'PostgreSQL at db:5432 refuses user grafana with this password', 'goldenpath database apply --env dev --rotate'],
    ['no bucket', { lokiBucket: { value: null } }, 'loki-bucket', 'S3 has no bucket goldenpath-dev-loki', 'create the bucket goldenpath-dev-loki in eu-west-2'],
    ['a bucket in another region', { lokiBucket: { value: { region: 'us-east-2' } } }, 'loki-bucket', 'bucket goldenpath-dev-loki is in us-east-2, not in eu-west-2', 'create the bucket goldenpath-dev-loki in eu-west-2'],
  ])('F4: %s', (_, changes, id, found, fix) => {
    const [only, ...others] = broken(changes);
    expect(others).toEqual([]);
    expect(only).toMatchObject({ id, found });
    expect(only?.fix).toContain(fix);
  });

  it('F4: a group that is open to the whole VPC is open to its subnets', () => { expect(broken({ openTo: { value: ['10.0.0.0/16'] } })).toEqual([]); });

  it('F4: sections that the environment file lacks are named, all at once', () => {
    const bare = persistent();
    delete bare.databases; delete bare.objectStorage; delete bare.tls;
    expect(broken({}, bare).map(({ id, found }) => `${id}: ${found}`)).toEqual(['rds: environments/dev.yaml has no section databases', 'loki-bucket: environments/dev.yaml has no section objectStorage', 'issuer: environments/dev.yaml has no section tls']);
  });

  it('F4: an application without a database, and a secret that the file does not declare or declares with too few keys, are asked for all the same', () => {
    const { databases } = environment();
    if (databases === undefined) throw new Error('dev declares no databases');
    const sparse = persistent({ databases: { ...databases, databases: databases.databases.filter(({ app }) => app !== 'keycloak') }, secrets: [{ name: 'goldenpath/dev/grafana/postgres', keys: ['username'] }, { name: 'goldenpath/dev/oidc/clients', keys: ['backstage', 'mine'], tier: '2' as const }] });
    expect(broken({}, sparse)).toMatchObject([{ id: 'databases', found: 'environments/dev.yaml declares no database of keycloak', fix: expect.stringContaining('databases.databases in environments/dev.yaml') as string }]);
    expect(sparse.secrets.map(({ name, keys }) => `${name}: ${keys.join()}`)).toEqual([
      'goldenpath/dev/grafana/postgres: username,password,host,port,dbname', 'goldenpath/dev/oidc/clients: backstage,mine,grafana',
      'goldenpath/dev/grafana/admin: username,password', 'goldenpath/dev/keycloak/admin: username,password', 'goldenpath/dev/backstage/postgres: username,password,host,port,dbname',
    ]);
  });

  it('T1: a tier without applications fails the check: it would be raised by nothing', () => {
    const empty = { ...plan, tiers: plan.tiers.map((tier) => (tier.tier === '3' ? { ...tier, components: [] } : tier)) };
    expect(broken({}, empty)).toMatchObject([{ id: 'components', found: 'this version delivers no application of tier 3' }]);
  });

  it('failure 36: what was not read has failed', () => {
    expect(checkTier2Foundation(plan, vpcs, undefined).filter(({ ok }) => !ok).map(({ id }) => id)).toEqual(['rds', 'loki-bucket']);
    expect(broken({ openTo: { problem: 'AccessDenied' } })).toMatchObject([{ id: 'rds-network', found: 'AccessDenied' }]);
  });
});

describe('what a plan carries', () => {
  it('F4: an ephemeral plan holds no secret of a tier above its own, no database, no bucket', () => {
    const { secrets, databases, objectStorage, tls } = ephemeralPlan();
    expect(secrets).toEqual([{ name: 'goldenpath/dev/grafana/admin', keys: ['username', 'password'] }]);
    expect({ databases, objectStorage, tls }).toEqual({});
  });

  it('F1: its hash does not depend on what only a persistent platform needs', () => {
    const { objectStorage: _, tls: __, databases: ___, ...rest } = environment();
    const bare = makePlan({ operation: 'bootstrap', environment: { ...rest, secrets: rest.secrets.slice(0, 1) }, lifecycle: 'ephemeral', buildId: '21-11-26-01', versions: versions() });
    expect(bare.hash).toBe(ephemeralPlan().hash);
  });

  it('F4, R2: a persistent plan holds every secret, the databases’ logins among them', () => {
    expect(plan.secrets.map(({ name }) => name)).toEqual([
      'goldenpath/dev/grafana/admin', 'goldenpath/dev/keycloak/admin', 'goldenpath/dev/oidc/clients',
      'goldenpath/dev/backstage/postgres', 'goldenpath/dev/grafana/postgres', 'goldenpath/dev/keycloak/postgres',
    ]);
    expect(plan.secrets.at(-1)?.keys).toEqual(['username', 'password', 'host', 'port', 'dbname']);
    expect([plan.objectStorage, plan.tls, plan.databases?.instance.identifier]).toEqual([{ lokiBucket: 'goldenpath-dev-loki' }, { issuerEmail: 'platform@goldenpathidp.io' }, 'goldenpath-dev']);
  });

  it('F5: wrong settings of the upper tiers are refused, each by its field', () => {
    const dev = environment();
    const result = environmentSchema.safeParse({ ...dev, secrets: [{ name: 'x', keys: ['y'], tier: '4' }], objectStorage: { lokiBucket: 'Not A Bucket' }, tls: { issuerEmail: 'nobody' } });
    expect(result.success ? [] : problemsOf(result.error, 'dev.yaml').map((line) => line.split(': ')[1])).toEqual(['secrets.0.tier', 'objectStorage.lokiBucket', 'tls.issuerEmail']);
  });

  it('F3: a persistent bootstrap records the zone id, and says so', () => {
    expect(plan.stages.find(({ id }) => id === 'claim')?.title).toBe('Record the hosted zone');
    expect(ephemeralPlan().stages.find(({ id }) => id === 'claim')?.title).toBe('Claim the build id');
  });
});
