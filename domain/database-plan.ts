// What it takes to give an application its database, from what PostgreSQL and Secrets Manager hold now: a verdict and the steps, never an act (R1, R2). Pure.
import { databaseSecretName, type DatabaseSpec } from './databases.ts';

export interface LiveRole {
  name: string;
  canLogin: boolean;
  /** What an application's role never has; only those that it has now. */
  powers: Power[];
  /** The comment on the role, by which this product knows its own. */
  comment: string | null;
  /** Whether the administrator may act as this role, without having its privileges all the time. */
  adminMaySet: boolean;
  /** Roles that it belongs to, whose rights it has; and roles that belong to it, and so read what is its: both ways but for the administrator's own. */
  memberships: Membership[];
}

/** `member` has the rights of `group`, because `grantor` gave them: PostgreSQL takes a grant back from its grantor alone. */
export interface Membership {
  group: string;
  member: string;
  grantor: string;
}

export interface LiveDatabase {
  name: string;
  owner: string;
  /** Privileges on the database that everybody has: PostgreSQL's default is CONNECT and TEMPORARY. */
  public: boolean;
  /** The administrator's own right to connect, for later comparisons. */
  adminConnects: boolean;
  /** What was read inside the database; null while it is not known, because it is somebody else's. */
  inside: { publicSchemaOpen: boolean; functionsOpen: boolean; typesOpen: boolean } | null;
}

/** What PostgreSQL holds of the names that are wanted. */
export interface LiveState {
  roles: LiveRole[];
  databases: LiveDatabase[];
}

/**
 * The application's secret against PostgreSQL. `works`: its login was tried and let in. `wrong`: it was refused. `foreign`: it names
 * another user than the owner. `incomplete`: there, but without a user and a password. `early`: sound, but its role does not exist yet.
 */
export type SecretState = 'absent' | 'works' | 'wrong' | 'foreign' | 'incomplete' | 'early';

/** Role attributes beyond a plain login. Source: PostgreSQL manual, "Role Attributes". */
export const POWERS = ['SUPERUSER', 'CREATEDB', 'CREATEROLE', 'REPLICATION', 'BYPASSRLS'] as const;
export type Power = (typeof POWERS)[number];

export type Step =
  | { kind: 'create-role'; role: string; comment: string }
  | { kind: 'mark-role'; role: string; comment: string }
  | { kind: 'restrict-role'; role: string; powers: Power[] }
  | ({ kind: 'end-membership' } & Membership)
  | { kind: 'allow-login'; role: string }
  | { kind: 'set-password'; role: string }
  | { kind: 'let-admin-set'; role: string }
  | { kind: 'create-database'; database: string; owner: string }
  | { kind: 'close-database'; database: string; owner: string }
  | { kind: 'let-admin-connect'; database: string; owner: string }
  | { kind: 'close-schema'; database: string; owner: string }
  | { kind: 'close-defaults'; database: string; owner: string; functions: boolean; types: boolean };

/**
 * `create`: something of it is missing. `adopt`: role, database and password are there and ours; steps may still tighten it.
 * `rotate`: the password is set anew, because it was asked for. `password-wrong`: the same, not asked for. `taken`: somebody else's.
 */
export type Verdict = 'create' | 'adopt' | 'rotate' | 'password-wrong' | 'taken';

export interface DatabasePlan {
  spec: DatabaseSpec;
  verdict: Verdict;
  /** What becomes of the secret's password: kept, made for the first time, or made anew. */
  password: 'keep' | 'make' | 'rotate';
  /** In order; none where the verdict forbids a change. */
  steps: Step[];
  /** Why nothing may be done, one line each. */
  problems: string[];
}

/** The mark on a role that this product made or adopted for an application: the comment that PostgreSQL keeps with it. */
export function roleMark({ environment, app }: { environment: string; app: string }): string {
  return `goldenpath.idp: environment ${environment}, app ${app}`;
}

/**
 * Judges one application's database and says what is left to do. A role of that name is ours where it carries our mark, or where the
 * application's own secret logs in as it. A database is ours where that role owns it. Everything else of those names is somebody else's.
 * @param rotate whether a password that does not work is to be replaced (R2: only when asked)
 */
export function planDatabase(spec: DatabaseSpec, live: LiveState, { environment, secret, rotate }: { environment: string; secret: SecretState; rotate: boolean }): DatabasePlan {
  const mark = roleMark({ environment, app: spec.app });
  const role = live.roles.find(({ name }) => name === spec.owner);
  const database = live.databases.find(({ name }) => name === spec.database);
  const plan = (verdict: Verdict, password: DatabasePlan['password'], problems: string[] = []): DatabasePlan => {
    const passwords: Step[] = verdict === 'rotate' ? [{ kind: 'set-password', role: spec.owner }] : [];
    return { spec, verdict, password, problems, steps: problems.length > 0 ? [] : [...roleSteps(spec.owner, role, mark), ...passwords, ...databaseSteps(spec, database)] };
  };

  const taken = takenProblems(spec, { role, database, mark, secret });
  if (taken.length > 0) return plan('taken', 'keep', taken);
  if (secret === 'works') return plan(database === undefined || role === undefined ? 'create' : 'adopt', 'keep');
  if (role === undefined && secret !== 'incomplete') return plan('create', secret === 'absent' ? 'make' : 'keep');
  if (rotate) return plan(role === undefined ? 'create' : 'rotate', secret === 'absent' ? 'make' : 'rotate');
  return plan('password-wrong', 'keep', [passwordProblem(spec, environment, secret)]);
}

function takenProblems(spec: DatabaseSpec, { role, database, mark, secret }: { role: LiveRole | undefined; database: LiveDatabase | undefined; mark: string; secret: SecretState }): string[] {
  const problems: string[] = [];
  if (secret === 'foreign') problems.push(`the secret of ${spec.app} names another user than ${spec.owner}`);
  if (role !== undefined && role.comment !== mark && (secret !== 'works' || isMark(role.comment))) problems.push(`role ${spec.owner} exists and is not ${spec.app}'s: ${ownerWords(role.comment)}`);
  if (role?.powers.includes('SUPERUSER') === true) problems.push(`role ${spec.owner} is a superuser, which no application's role is`);
  if (database !== undefined && database.owner !== spec.owner) problems.push(`database ${spec.database} exists and belongs to ${database.owner}, not to ${spec.owner}`);
  return problems;
}

function isMark(comment: string | null): boolean {
  return comment?.startsWith('goldenpath.idp: ') === true;
}

function ownerWords(comment: string | null): string {
  return comment === null ? 'it carries no mark of this product' : `its mark is "${comment}"`;
}

function passwordProblem({ app, owner }: DatabaseSpec, environment: string, secret: SecretState): string {
  const why = secret === 'absent' ? `is missing, and role ${owner} exists with a password that nobody can read` : secret === 'incomplete' ? 'has no username and password' : `has a password that no longer works for role ${owner}`;
  return `secret ${databaseSecretName({ environment, app })} ${why}; set a new one with: goldenpath database create --env ${environment} --app ${app} --rotate`;
}

function roleSteps(owner: string, role: LiveRole | undefined, comment: string): Step[] {
  if (role === undefined) return [{ kind: 'create-role', role: owner, comment }, { kind: 'let-admin-set', role: owner }];
  const steps: Step[] = [];
  if (role.comment !== comment) steps.push({ kind: 'mark-role', role: owner, comment });
  if (role.powers.length > 0) steps.push({ kind: 'restrict-role', role: owner, powers: role.powers });
  steps.push(...role.memberships.map((membership): Step => ({ kind: 'end-membership', ...membership })));
  if (!role.canLogin) steps.push({ kind: 'allow-login', role: owner });
  if (!role.adminMaySet) steps.push({ kind: 'let-admin-set', role: owner });
  return steps;
}

/** A new database has PostgreSQL's defaults: everybody may connect, use the schema public, and call and use what the owner makes. */
const NEW: Omit<LiveDatabase, 'name' | 'owner'> = { public: true, adminConnects: false, inside: { publicSchemaOpen: true, functionsOpen: true, typesOpen: true } };

/** The administrator's right comes before everybody's is taken, or it could not connect for the steps inside. */
function databaseSteps({ database: name, owner }: DatabaseSpec, live: LiveDatabase | undefined): Step[] {
  const { inside, ...database } = live ?? { ...NEW };
  const at = { database: name, owner };
  const steps: Step[] = live === undefined ? [{ kind: 'create-database', ...at }] : [];
  if (!database.adminConnects) steps.push({ kind: 'let-admin-connect', ...at });
  if (database.public) steps.push({ kind: 'close-database', ...at });
  if (inside?.publicSchemaOpen === true) steps.push({ kind: 'close-schema', ...at });
  if (inside !== null && (inside.functionsOpen || inside.typesOpen)) steps.push({ kind: 'close-defaults', ...at, functions: inside.functionsOpen, types: inside.typesOpen });
  return steps;
}
