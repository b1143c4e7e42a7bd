// Applications' databases on the environment's instance: roles, databases and secrets, made or adopted (R1, R2). What is to be done is domain/database-plan.ts's.
// Passwords are made here and go to Secrets Manager and, as SCRAM verifiers, to PostgreSQL; nowhere else.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { type DatabaseLogin, readLogin, withLogin } from '../domain/database-secret.ts';
import { type DatabasePlan, planDatabase, type SecretState } from '../domain/database-plan.ts';
import { type Sql, sqlOf, stepWords } from '../domain/database-sql.ts';
import { databaseSecretName, type DatabaseSpec, databaseTags } from '../domain/databases.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { scramVerifier } from '../domain/scram.ts';
import type { Clients } from './clients.ts';
import type { DatabaseFinding, DatabaseOutcome } from '../domain/database-report.ts';
import type { DatabaseChanges, DatabaseProbes, DatabasesInput } from './database-contract.ts';
import { type InDatabase, readLive } from './database-reading.ts';
import { createSecret, promote, putSecret, readSecret, type StoredSecret } from './database-secrets.ts';
import { knownError, mapAwsError } from './errors.ts';
import { type InstanceName, masterLogin } from './rds.ts';
import { readWayProblems } from './rds-instance.ts';
import { canLogIn, type Endpoint, isLost, mapPostgresError, newPassword, rdsAuthorities, withPostgres } from './postgres.ts';

type Needed = Pick<Clients, 'rds' | 'ec2' | 'secrets'>;

/** The instance as its administrator reaches it. */
interface Instance {
  secrets: Clients['secrets'];
  environment: string;
  endpoint: Endpoint;
  ca: string;
  admin: pg.Client;
  inDatabase: InDatabase;
}

/** One application's database, read and judged. */
interface Judged {
  spec: DatabaseSpec;
  plan: DatabasePlan;
  secretName: string;
  secret: StoredSecret | undefined;
}

/** Two of them on one instance at once would meet at the same names: the second is told to come again. The number is this product's own. */
const LOCK = 1_735_355_492;
/** Steps of one round can bring more into sight (a database that the administrator may enter only then); a third round finds nothing, or something is wrong. */
const ROUNDS = 3;

/** `rdsCaFile`: the authorities of RDS, PEM. */
export function databaseActivities(clients: Needed, { rdsCaFile }: { rdsCaFile?: string | undefined }): Pick<DatabaseProbes, 'checkDatabases'> & Pick<DatabaseChanges, 'applyDatabases'> {
  return {
    checkDatabases: (input) => onInstance(clients, rdsCaFile, input, async (instance) => {
      const judged = await judgeAll(instance, input.databases, false);
      return judged.map(({ spec, secretName, plan }): DatabaseFinding => ({ ...spec, secretName, verdict: plan.verdict, problems: plan.problems, steps: plan.steps.map(stepWords) }));
    }),
    applyDatabases: (input) => onInstance(clients, rdsCaFile, input, (instance) => applyAll(instance, input)),
  };
}

async function onInstance<T>(clients: Needed, rdsCaFile: string | undefined, { environment, instance }: Omit<DatabasesInput, 'rotate'>, use: (instance: Instance) => Promise<T>): Promise<T> {
  const ca = await rdsAuthorities(rdsCaFile);
  const name: InstanceName = { environment, identifier: instance };
  const { database, ...login } = await masterLogin(clients, name);
  const inDatabase: InDatabase = (within, work) => withPostgres({ ...login, database: within, ca }, work);
  let reached = false;
  try {
    return await inDatabase(database, (admin) => {
      reached = true;
      return use({ secrets: clients.secrets, environment, endpoint: { host: login.host, port: login.port }, ca, admin, inDatabase });
    });
  } catch (error) {
    throw reached ? error : await explained(error, clients, name);
  }
}

/**
 * An instance from whose address nothing comes back, with what its network has to do with it (R3). PreflightFailed where people must mend that: trying again would
 * only wait for them. Unavailable still where the network is as it must be, as while an instance fails over, and where it cannot be read, which is told.
 */
async function explained(error: unknown, clients: Needed, name: InstanceName): Promise<unknown> {
  const known = knownError(error, [mapPostgresError, mapAwsError]);
  if (known === undefined || !isLost(error)) return error;
  try {
    const [first, ...others] = await readWayProblems(clients, name);
    return first === undefined ? error : new GoldenpathError('PreflightFailed', `${name.identifier} does not answer: ${first}`, [...known.problems, first, ...others], { cause: error });
  } catch (unread) {
    const why = knownError(unread, [mapAwsError]);
    if (why === undefined) throw unread;
    return new GoldenpathError(known.type, known.message, [...known.problems, `why is not known: ${why.message}`], { cause: error });
  }
}

/** The databases that PostgreSQL has beside its own, whoever made them: what is lost with the instance (R4). */
export function listDatabases(clients: Needed, rdsCaFile: string | undefined, on: { environment: string; instance: string }): Promise<string[]> {
  return onInstance(clients, rdsCaFile, { ...on, databases: [] }, async ({ admin }) => {
    const { rows } = await admin.query<{ name: string }>("SELECT datname AS name FROM pg_database WHERE NOT datistemplate AND datname NOT IN ('postgres', 'rdsadmin')");
    return rows.map(({ name }) => name);
  });
}

/** Everything is judged before anything is changed. */
async function applyAll(instance: Instance, { databases, rotate }: DatabasesInput): Promise<DatabaseOutcome[]> {
  await demandLock(instance);
  const judged = await judgeAll(instance, databases, rotate);
  refuseProblems(judged);
  const outcomes: DatabaseOutcome[] = [];
  for (const one of judged) {
    const did: string[] = [];
    outcomes.push(await settle(instance, one, { rotate, did }).catch((error: unknown) => { throw withDone(error, [...outcomes, { app: one.spec.app, did }]); }));
  }
  return outcomes;
}

/** The lock ends with the connection. Any role may take it where it may enter the administrator's database, so the holder is named: it need not be a run. */
async function demandLock({ admin }: Instance): Promise<void> {
  const { rows: [lock] } = await admin.query<{ held: boolean }>(`SELECT pg_try_advisory_lock(${LOCK}) AS held`);
  if (lock?.held === true) return;
  const { rows } = await admin.query<{ pid: number; role: string; program: string }>(`SELECT pid, usename AS role, application_name AS program FROM pg_locks JOIN pg_stat_activity USING (pid) JOIN pg_database ON pg_database.oid = pg_locks.database WHERE pg_database.datname = current_database() AND locktype = 'advisory' AND classid = 0 AND objid = ${LOCK} AND objsubid = 1 AND granted`);
  const holders = rows.map(({ pid, role, program }) => `role ${role}${program === '' ? '' : `, ${program}`} (pid ${pid})`);
  throw new GoldenpathError('Conflict', `another run changes databases of this instance just now; its lock is held by ${holders.join(', ') || 'a session that ended'}`);
}

/** What stopped the call, with what it had done by then: nobody else would tell (R1: the half that is done is listed, and resumable). */
function withDone(error: unknown, outcomes: readonly Pick<DatabaseOutcome, 'app' | 'did'>[]): unknown {
  const done = outcomes.filter(({ did }) => did.length > 0).map(({ app, did }) => `done already, and kept: ${app}: ${did.join('; ')}`);
  const known = knownError(error, [mapPostgresError, mapAwsError]);
  return done.length === 0 || known === undefined ? error : new GoldenpathError(known.type, known.message, [...known.problems, ...done], { cause: error });
}

function refuseProblems(judged: readonly Judged[]): void {
  const problems = judged.flatMap(({ plan }) => plan.problems);
  if (problems.length === 0) return;
  const type = judged.some(({ plan }) => plan.verdict === 'taken') ? 'NotOwned' : 'PasswordWrong';
  throw new GoldenpathError(type, `No database was changed: ${problems.join('; ')}`, problems);
}

async function judgeAll(instance: Instance, specs: readonly DatabaseSpec[], rotate: boolean): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const spec of specs) judged.push(await judge(instance, spec, rotate));
  return judged;
}

async function judge({ secrets, environment, endpoint, ca, admin, inDatabase }: Instance, spec: DatabaseSpec, rotate: boolean): Promise<Judged> {
  const secretName = databaseSecretName({ environment, app: spec.app });
  const [live, secret] = [await readLive(admin, spec, inDatabase), await readSecret(secrets, secretName)];
  const held = readLogin(secret?.text, spec);
  const state: SecretState = held.shape !== 'sound' ? held.shape
    : live.roles.length === 0 ? 'early'
    : await canLogIn({ ...endpoint, ca, user: spec.owner, password: held.password, database: spec.database }) ? 'works' : 'wrong';
  return { spec, secretName, secret, plan: planDatabase(spec, live, { environment, secret: state, rotate }) };
}

/** Carries the plan out, and looks again until nothing is left to do. `did`: what was done, by the end or by the failure. */
async function settle(instance: Instance, first: Judged, { rotate, did }: { rotate: boolean; did: string[] }): Promise<DatabaseOutcome> {
  let judged = first;
  for (let round = 1; ; round += 1) {
    const before = did.length;
    await carryOut(instance, judged, did);
    if (did.length === before) break;
    if (round === ROUNDS) throw new Error(`the database of ${first.spec.app} did not come to rest: ${did.slice(before).join('; ')}`);
    judged = await judge(instance, first.spec, rotate);
    refuseProblems([judged]);
  }
  if (judged.secret === undefined) throw new Error(`the secret of ${first.spec.app} was not made`);
  return { ...first.spec, verdict: first.plan.verdict, secretName: first.secretName, secretArn: judged.secret.arn, did };
}

/** One round. The password is in Secrets Manager before PostgreSQL has it: an attempt that dies between the two loses none. */
async function carryOut(instance: Instance, { spec, plan, secret: current, secretName: name }: Judged, did: string[]): Promise<void> {
  const { secrets, environment, endpoint } = instance;
  const login = (password: string): DatabaseLogin => ({ username: spec.owner, password, ...endpoint, dbname: spec.database });
  let secret = current;
  if (secret === undefined) {
    const description = `Login of ${spec.app} to its database ${spec.database} (goldenpath)`;
    secret = await createSecret(secrets, { name, text: JSON.stringify(login(newPassword())), description, tags: databaseTags(environment) });
    did.push(`made secret ${name}`);
  } else if (plan.password === 'rotate') {
    secret = await pendingSecret(instance, spec, { name, current: secret, login });
  }
  const password = passwordOf(secret, spec);
  for (const step of plan.steps) {
    await run(instance, sqlOf(step, { verifier: () => verifierOf(password, name) }));
    did.push(stepWords(step));
  }
  if (current !== undefined && secret.versionId !== current.versionId) {
    await promote(secrets, { name, from: current.versionId, to: secret.versionId });
    did.push(`put the new password into secret ${name}`);
  }
  const completed = withLogin(secret.text, login(password));
  if (completed !== undefined) {
    await putSecret(secrets, { name, text: completed, stage: 'AWSCURRENT' });
    did.push(`corrected host, port or dbname in secret ${name}`);
  }
}

/** Throws PasswordWrong where PostgreSQL would prepare the password before it compares it, which this product does not: it can be adopted where it works, and not be set. */
function verifierOf(password: string, secretName: string): string {
  try {
    return scramVerifier(password, randomBytes(16));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const problem = `the password in secret ${secretName} cannot be given to a role: ${error.message}. Fix: put another one into the secret, of printable ASCII without blanks`;
    throw new GoldenpathError('PasswordWrong', problem, [problem]);
  }
}

/** The password that an earlier attempt staged, or a new one. */
async function pendingSecret({ secrets }: Instance, spec: DatabaseSpec, { name, current, login }: { name: string; current: StoredSecret; login: (password: string) => DatabaseLogin }): Promise<StoredSecret> {
  const staged = await readSecret(secrets, name, 'AWSPENDING');
  if (staged !== undefined && staged.versionId !== current.versionId && readLogin(staged.text, spec).shape === 'sound') return staged;
  const text = withLogin(current.text, login(newPassword())) ?? current.text;
  return putSecret(secrets, { name, text, stage: 'AWSPENDING' });
}

function passwordOf({ text }: StoredSecret, spec: DatabaseSpec): string {
  const held = readLogin(text, spec);
  if (held.shape !== 'sound') throw new Error(`the secret of ${spec.app} has no login`);
  return held.password;
}

async function run({ admin, inDatabase }: Instance, { database, transaction, statements }: Sql): Promise<void> {
  const all = transaction ? ['BEGIN', ...statements, 'COMMIT'] : statements;
  const work = async (client: pg.Client): Promise<void> => { for (const statement of all) await client.query(statement); };
  if (database !== null) { await inDatabase(database, work); return; }
  try {
    await work(admin);
  } catch (error) {
    if (transaction) await admin.query('ROLLBACK'); // the connection goes on to hold the lock
    throw error;
  }
}
