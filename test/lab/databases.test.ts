// Applications' databases against a real PostgreSQL behind the lab's RDS and secrets in moto: made, adopted, refused, rotated, and finished wherever an attempt died (R1, R2).
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EC2Client } from '@aws-sdk/client-ec2';
import { CreateDBInstanceCommand, RDSClient, StopDBInstanceCommand, waitUntilDBInstanceAvailable } from '@aws-sdk/client-rds';
import { CreateSecretCommand, GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DatabaseChanges, DatabaseProbes } from '../../activities/database-contract.ts';
import { databaseActivities } from '../../activities/databases.ts';
import { atEdge } from '../../activities/errors.ts';
import { mapPostgresError } from '../../activities/postgres.ts';
import { masterLogin } from '../../activities/rds.ts';
import { databaseOf, type DatabaseSpec, databaseTags } from '../../domain/databases.ts';
import type { DatabaseLogin } from '../../domain/database-secret.ts';
import { selfSigned } from '../../lab/aws/eks/certificate.ts';
import { startRds, type TestRds } from '../support/rds.ts';

let lab: TestRds;
let clients: { rds: RDSClient; ec2: EC2Client; secrets: SecretsManagerClient };
let activities: Activities;
type Activities = Pick<DatabaseProbes, 'checkDatabases'> & Pick<DatabaseChanges, 'applyDatabases'>;
const NAME = { environment: 'dev', identifier: 'goldenpath-dev' };
const INSTANCE = { DBInstanceIdentifier: 'goldenpath-dev' };

const apply = (databases: DatabaseSpec[], rotate = false) => activities.applyDatabases({ environment: 'dev', instance: 'goldenpath-dev', databases, rotate });
const make = async (app: string) => (await apply([databaseOf(app)]))[0];

beforeAll(async () => {
  lab = await startRds({ timeScale: 400 });
  clients = { rds: new RDSClient(lab.aws.client), ec2: new EC2Client(lab.aws.client), secrets: new SecretsManagerClient(lab.aws.client) };
  activities = withFile(lab.caFile);
  await clients.rds.send(new CreateDBInstanceCommand({ ...INSTANCE, DBInstanceClass: 'db.t4g.medium', Engine: 'postgres', AllocatedStorage: 20, MasterUsername: 'goldenpath_admin', ManageMasterUserPassword: true, Tags: Object.entries(databaseTags('dev')).map(([Key, Value]) => ({ Key, Value })) }));
  await waitUntilDBInstanceAvailable({ client: clients.rds, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, INSTANCE);
});
afterAll(() => lab.stop());
afterEach(() => { vi.restoreAllMocks(); });

/** The activities as a worker has them: errors triaged, but outside of any run. */
function withFile(rdsCaFile: string | undefined): Activities {
  const { applyDatabases, checkDatabases } = databaseActivities(clients, { rdsCaFile });
  return { applyDatabases: atEdge(applyDatabases, mapPostgresError), checkDatabases: atEdge(checkDatabases, mapPostgresError) };
}

async function secretOf(app: string): Promise<{ login: DatabaseLogin; version: string }> {
  const { SecretString = '', VersionId = '' } = await clients.secrets.send(new GetSecretValueCommand({ SecretId: `goldenpath/dev/${app}/postgres` }));
  return { login: JSON.parse(SecretString) as DatabaseLogin, version: VersionId };
}

function asApp({ username: user, password, port, dbname: database }: DatabaseLogin): Promise<pg.Client> {
  return lab.connect({ user, password, port, database });
}

async function asAdmin<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await lab.connect(await masterLogin(clients, NAME));
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** A role, its database and its secret, as people make them without goldenpath. */
async function madeByHand(name: string, password: string): Promise<void> {
  await asAdmin(async (admin) => {
    await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
    await admin.query(`GRANT ${name} TO CURRENT_USER WITH SET TRUE, INHERIT FALSE`);
    await admin.query(`CREATE DATABASE ${name} OWNER ${name}`);
  });
  const { port } = (await secretOf('billing')).login;
  await clients.secrets.send(new CreateSecretCommand({ Name: `goldenpath/dev/${name}/postgres`, SecretString: JSON.stringify({ username: name, password, host: '127.0.0.1', port, dbname: name }) }));
}

async function canWork(app: string): Promise<void> {
  const { login } = await secretOf(app);
  const client = await asApp(login);
  try {
    await client.query('CREATE TABLE IF NOT EXISTS proof (id int); INSERT INTO proof VALUES (1)');
    expect((await client.query('SELECT FROM proof')).rowCount).toBeGreaterThan(0);
  } finally {
    await client.end();
  }
}

describe('a database for an application', () => {
  it('R1, R2: role, database and secret are made, and the secret\'s login works over verified TLS', async () => {
    const made = await make('orders-api');
    expect(made).toMatchObject({ app: 'orders-api', database: 'orders_api', owner: 'orders_api', verdict: 'create', secretName: 'goldenpath/dev/orders-api/postgres' });
    expect(made?.did).toEqual([
      'made secret goldenpath/dev/orders-api/postgres', 'created role orders_api', 'let the administrator act as role orders_api', 'created database orders_api, owned by orders_api',
      'let the administrator connect to orders_api', "took everybody's rights from database orders_api", "took everybody's rights from schema public in orders_api", 'what orders_api makes in orders_api is its own by default',
    ]);
    const { login } = await secretOf('orders-api');
    expect(login).toEqual({ username: 'orders_api', password: expect.stringMatching(/^[\w-]{43}$/) as string, host: '127.0.0.1', port: expect.any(Number) as number, dbname: 'orders_api' });
    await canWork('orders-api');
  });

  it('R1: a second time everything is as it should be, and nothing is touched', async () => {
    const before = await secretOf('orders-api');
    expect(await make('orders-api')).toMatchObject({ verdict: 'adopt', did: [] });
    expect(await secretOf('orders-api')).toEqual(before);
    expect(await activities.checkDatabases({ environment: 'dev', instance: 'goldenpath-dev', databases: [databaseOf('orders-api')] })).toMatchObject([{ verdict: 'adopt', problems: [], steps: [] }]);
  });

  it('R1: least privilege: no powers, nobody else\'s database, nothing for everybody, and no reading by the administrator', async () => {
    await make('billing');
    const [orders, billing] = [(await secretOf('orders-api')).login, (await secretOf('billing')).login];
    await expect(asApp({ ...billing, dbname: 'orders_api' })).rejects.toMatchObject({ code: '42501' });
    const client = await asApp(orders);
    for (const sql of ['CREATE DATABASE more', 'CREATE ROLE more', 'SET ROLE billing', "ALTER SYSTEM SET work_mem = '1MB'"]) await expect(client.query(sql)).rejects.toMatchObject({ code: '42501' });
    const { rows } = await client.query("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT has_function_privilege('billing', 'f()', 'EXECUTE') AS executes, has_schema_privilege('billing', 'public', 'USAGE') AS uses").then((results) => (results as unknown as pg.QueryResult[])[1] ?? { rows: [] });
    expect(rows).toEqual([{ executes: false, uses: false }]);
    await client.end();
    const admin = await lab.connect({ ...(await masterLogin(clients, NAME)), database: 'orders_api' });
    await expect(admin.query('SELECT * FROM public.proof')).rejects.toMatchObject({ code: '42501' });
    await admin.end();
  });

  it('R1: what was loosened by hand is tightened again, and only that', async () => {
    const { login } = await secretOf('billing');
    const client = await asApp(login);
    await client.query('GRANT CONNECT ON DATABASE billing TO PUBLIC; GRANT USAGE ON SCHEMA public TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC');
    await client.end();
    await asAdmin((admin) => admin.query('ALTER ROLE billing CREATEDB; GRANT billing TO orders_api; CREATE ROLE team; GRANT team TO billing'));
    const intruder = await asApp((await secretOf('orders-api')).login);
    await intruder.query('SET ROLE billing');
    await intruder.end();
    expect((await make('billing'))?.did).toEqual(['took CREATEDB from role billing', 'took the rights of role billing from role orders_api', 'took the rights of role team from role billing', "took everybody's rights from database billing", "took everybody's rights from schema public in billing", 'what billing makes in billing is its own by default']);
    expect((await make('billing'))?.did).toEqual([]);
  });

  it('R2: a secret that is there before its role is adopted with its password; other keys of it are kept', async () => {
    await clients.secrets.send(new CreateSecretCommand({ Name: 'goldenpath/dev/early/postgres', SecretString: JSON.stringify({ username: 'early', password: 'chosen-by-hand', note: 'kept' }) }));
    expect(await make('early')).toMatchObject({ verdict: 'create' });
    expect((await secretOf('early')).login).toMatchObject({ username: 'early', password: 'chosen-by-hand', dbname: 'early', note: 'kept' });
    await canWork('early');
  });

  it('R2: a login that works is adopted whatever its password: one that PostgreSQL would prepare first can be kept, and not be set', async () => {
    await madeByHand('spoken', 'two words, übrigens');
    expect(await make('spoken')).toMatchObject({ verdict: 'adopt' });
    expect((await secretOf('spoken')).login).toMatchObject({ password: 'two words, übrigens' });
    await clients.secrets.send(new CreateSecretCommand({ Name: 'goldenpath/dev/unspoken/postgres', SecretString: JSON.stringify({ username: 'unspoken', password: 'two words' }) }));
    await expect(make('unspoken')).rejects.toMatchObject({ type: 'PasswordWrong', nonRetryable: true, message: expect.stringContaining('the password in secret goldenpath/dev/unspoken/postgres cannot be given to a role') as string });
  });

  it('R1: a role and a database made by hand are adopted where the application\'s secret logs in, and marked', async () => {
    await madeByHand('legacy', 'made-by-a-script');
    const before = await secretOf('legacy');
    const adopted = await make('legacy');
    expect(adopted).toMatchObject({ verdict: 'adopt' });
    expect(adopted?.did[0]).toBe('marked role legacy as ours');
    expect(await secretOf('legacy')).toEqual(before);
  });
});

describe('what is not ours, or no longer right', () => {
  it('R1: a role of somebody else, a database of somebody else: refused by name, and nothing of the whole call is done', async () => {
    await asAdmin(async (admin) => {
      await admin.query('CREATE ROLE squatter LOGIN');
      await admin.query('CREATE DATABASE occupied');
    });
    await expect(apply([databaseOf('innocent'), databaseOf('squatter'), { app: 'third', database: 'occupied', owner: 'third' }])).rejects.toMatchObject({
      type: 'NotOwned', nonRetryable: true,
      details: [["role squatter exists and is not squatter's: it carries no mark of this product", 'database occupied exists and belongs to goldenpath_admin, not to third']],
    });
    await expect(secretOf('innocent')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect((await asAdmin((admin) => admin.query("SELECT FROM pg_roles WHERE rolname IN ('innocent', 'third')"))).rowCount).toBe(0);
  });

  it('R2: a password that no longer works is replaced only when asked, and works then', async () => {
    const before = await secretOf('billing');
    await asAdmin((admin) => admin.query("ALTER ROLE billing PASSWORD 'changed behind our back'"));
    await expect(make('billing')).rejects.toMatchObject({ type: 'PasswordWrong', details: [[expect.stringContaining('goldenpath database create --env dev --app billing --rotate') as string]] });
    expect(await secretOf('billing')).toEqual(before);
    const [rotated] = await apply([databaseOf('billing')], true);
    expect(rotated).toMatchObject({ verdict: 'rotate', did: ['set a new password of role billing', 'put the new password into secret goldenpath/dev/billing/postgres'] });
    await canWork('billing');
    await expect(asApp(before.login)).rejects.toMatchObject({ code: '28P01' });
    expect((await apply([databaseOf('billing')], true))[0]).toMatchObject({ verdict: 'adopt', did: [] });
  });

  it('R2: a rotation that died before its password became current goes on with the same one', async () => {
    await asAdmin((admin) => admin.query("ALTER ROLE billing PASSWORD 'changed once more'"));
    lab.aws.gateway.faults.add({ service: 'secretsmanager', operation: 'UpdateSecretVersionStage', answer: { code: 'AccessDeniedException', message: 'not now', status: 400 } });
    await expect(apply([databaseOf('billing')], true)).rejects.toMatchObject({ type: 'AccessDenied', details: [expect.arrayContaining(['done already, and kept: billing: set a new password of role billing'])] });
    for (const { id } of lab.aws.gateway.faults.list()) lab.aws.gateway.faults.remove(id);
    const { SecretString: pending = '' } = await clients.secrets.send(new GetSecretValueCommand({ SecretId: 'goldenpath/dev/billing/postgres', VersionStage: 'AWSPENDING' }));
    await apply([databaseOf('billing')], true);
    expect((await secretOf('billing')).login).toEqual(JSON.parse(pending));
    await canWork('billing');
  });

  it('R2: a secret with a missing key is named, never overwritten unasked', async () => {
    await clients.secrets.send(new CreateSecretCommand({ Name: 'goldenpath/dev/partial/postgres', SecretString: '{"username":"partial"}' }));
    await expect(make('partial')).rejects.toMatchObject({ type: 'PasswordWrong', message: expect.stringContaining('secret goldenpath/dev/partial/postgres has no username and password') as string });
    await apply([databaseOf('partial')], true);
    await canWork('partial');
    await clients.secrets.send(new PutSecretValueCommand({ SecretId: 'goldenpath/dev/partial/postgres', SecretString: JSON.stringify({ username: 'billing', password: 'x' }) }));
    await expect(make('partial')).rejects.toMatchObject({ type: 'NotOwned', details: [['the secret of partial names another user than partial']] });
  });

  it('R1: another run at the same instance: come again', async () => {
    const held = await lab.connect(await masterLogin(clients, NAME));
    await held.query('SELECT pg_advisory_lock(1735355492)');
    await expect(make('billing')).rejects.toMatchObject({ type: 'Conflict', nonRetryable: false, message: expect.stringMatching(/; its lock is held by role goldenpath_admin.* \(pid \d+\)$/) as string });
    await held.end();
  });

  it('R1: the owner of a database cannot have the administrator run a function of theirs: neither the search path nor a name decides what the administrator’s statements mean', async () => {
    await make('hostile');
    const owner = await asApp((await secretOf('hostile')).login);
    const trap = 'BEGIN INSERT INTO trap.seen SELECT current_user; RETURN QUERY SELECT * FROM pg_catalog.aclexplode($1); END';
    for (const statement of [
      'CREATE SCHEMA trap', 'CREATE TABLE trap.seen (who text)', 'GRANT USAGE ON SCHEMA trap TO PUBLIC', 'GRANT INSERT ON trap.seen TO PUBLIC',
      `CREATE FUNCTION trap.aclexplode(aclitem[], OUT grantor oid, OUT grantee oid, OUT privilege_type text, OUT is_grantable boolean) RETURNS SETOF record LANGUAGE plpgsql AS '${trap}'`,
      'GRANT EXECUTE ON FUNCTION trap.aclexplode TO PUBLIC', 'ALTER DATABASE hostile SET search_path = trap, pg_catalog', 'ALTER ROLE hostile IN DATABASE hostile SET search_path = trap, pg_catalog',
    ]) await owner.query(statement);
    expect(await make('hostile')).toMatchObject({ verdict: 'adopt', did: [] });
    await activities.checkDatabases({ environment: 'dev', instance: 'goldenpath-dev', databases: [databaseOf('hostile')] });
    expect((await owner.query('SELECT who FROM trap.seen')).rows).toEqual([]);
    // The trap works for whoever steps into it.
    await owner.query('SELECT * FROM trap.aclexplode(NULL)');
    expect((await owner.query('SELECT who FROM trap.seen')).rows).toEqual([{ who: 'hostile' }]);
    await owner.end();
  });

  it('R1: a server whose certificate no authority of the file signed is not talked to', async () => {
    const file = join(lab.dir, '..', 'other-ca.pem');
    await writeFile(file, selfSigned('somebody else').cert);
    await expect(withFile(file).applyDatabases({ environment: 'dev', instance: 'goldenpath-dev', databases: [databaseOf('billing')], rotate: false })).rejects.toMatchObject({ type: 'AccessDenied' });
    await expect(withFile(undefined).checkDatabases({ environment: 'dev', instance: 'goldenpath-dev', databases: [] })).rejects.toMatchObject({ type: 'PreflightFailed', message: expect.stringContaining('GOLDENPATH_RDS_CA') as string });
  });
});

it('R1, R2: wherever an attempt dies, the next one finishes, and no password is lost', async () => {
  const original = pg.Client.prototype.query as (this: pg.Client, ...args: unknown[]) => unknown;
  let survived = 0;
  for (let dieAt = 1; survived === 0; dieAt += 1) {
    const app = `crash-${dieAt}`;
    let statements = 0;
    let died = false;
    const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function crash(this: pg.Client, ...args: unknown[]) {
      if (typeof args[0] === 'string' && /^(?:BEGIN|COMMIT|CREATE|ALTER|GRANT|REVOKE|COMMENT|SET LOCAL)/.test(args[0])) statements += 1;
      if (statements < dieAt || died) return original.apply(this, args) as never;
      died = true;
      return Promise.reject(Object.assign(new Error('the worker died'), { code: 'ECONNRESET' })) as never;
    });
    const problem: unknown = await make(app).then(() => undefined, (error: unknown) => error);
    spy.mockRestore();
    survived = died ? 0 : dieAt;
    expect((problem as { type?: string } | undefined)?.type).toBe(died ? 'Unavailable' : undefined);
    await make(app);
    await canWork(app);
    expect((await make(app))?.did).toEqual([]);
  }
  expect(survived).toBeGreaterThan(20); // as many statements as there are to die at
});

it('R2: no password is in a server\'s log, in the gateway\'s log, or in what the activities give back', async () => {
  const passwords = await Promise.all(['orders-api', 'billing', 'early', 'legacy', 'partial', 'crash-1'].map(async (app) => (await secretOf(app)).login.password));
  const { password: master } = await masterLogin(clients, NAME);
  const log = await readFile(join(lab.dir, 'goldenpath-dev', 'postgres.log'), 'utf8');
  expect(log).toContain('CREATE ROLE "billing"'); // statements are in it
  const told = [log, JSON.stringify(lab.aws.gateway.requests()), JSON.stringify(await make('billing'))];
  for (const password of [...passwords.filter((one) => one !== 'x' && one !== 'made-by-a-script'), master]) {
    for (const text of told) expect(text.includes(password)).toBe(false);
  }
});

it('F4: an instance that is missing or stopped is named with what to do', async () => {
  await expect(activities.checkDatabases({ environment: 'dev', instance: 'goldenpath-prod', databases: [] })).rejects.toMatchObject({ type: 'PreflightFailed', message: 'RDS has no instance goldenpath-prod; make it with: goldenpath database apply --env dev' });
  await clients.rds.send(new StopDBInstanceCommand(INSTANCE));
  await vi.waitFor(() => expect(activities.checkDatabases({ environment: 'dev', instance: 'goldenpath-dev', databases: [] })).rejects.toMatchObject({
    type: 'PreflightFailed', message: 'RDS instance goldenpath-dev is stopped; start it with: aws rds start-db-instance --db-instance-identifier goldenpath-dev',
  }), { timeout: 10_000, interval: 500 });
});
