// The steps of a database plan as SQL. Every name and text goes through the quoting below; passwords come as SCRAM verifiers, so that no statement holds one (R2). Pure.
import type { Step } from './database-plan.ts';

/** Statements that belong together, and the database they run in; null is the administrator's own. */
export interface Sql {
  database: string | null;
  /** False for what PostgreSQL refuses inside a transaction. */
  transaction: boolean;
  statements: string[];
}

/** An identifier in double quotes. Throws TypeError for a NUL, which PostgreSQL cannot hold. Source: PostgreSQL manual, "Identifiers and Key Words". */
export function quoteIdentifier(name: string): string {
  return `"${withoutNul(name).replaceAll('"', '""')}"`;
}

/** A string constant. With a backslash in it the escape form, which means the same whatever `standard_conforming_strings` says. Throws TypeError for a NUL. */
export function quoteLiteral(text: string): string {
  const quoted = withoutNul(text).replaceAll("'", "''").replaceAll('\\', String.raw`\\`);
  return text.includes('\\') ? ` E'${quoted}'` : `'${quoted}'`;
}

function withoutNul(text: string): string {
  if (text.includes('\0')) throw new TypeError('PostgreSQL holds no NUL character');
  return text;
}

/**
 * The SQL of one step.
 * @param verifier gives `SCRAM-SHA-256$…` of the password; asked for by the steps that set one alone, because not every password that works can be set again
 */
export function sqlOf(step: Step, { verifier }: { verifier: () => string }): Sql {
  switch (step.kind) {
    case 'create-role': {
      // One transaction: a role without its mark would be somebody else's to the next attempt.
      const create = `CREATE ROLE ${quoteIdentifier(step.role)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${quoteLiteral(verifier())}`;
      return admin([create, comment(step.role, step.comment)]);
    }
    case 'mark-role': return admin([comment(step.role, step.comment)]);
    case 'restrict-role': return admin([`ALTER ROLE ${quoteIdentifier(step.role)} ${step.powers.map((power) => `NO${power}`).join(' ')}`]);
    // A grant has a grantor; without its name PostgreSQL would look for one of the administrator's own, and only warn where there is none.
    case 'end-membership': return admin([`REVOKE ${quoteIdentifier(step.group)} FROM ${quoteIdentifier(step.member)} GRANTED BY ${quoteIdentifier(step.grantor)}`]);
    case 'allow-login': return admin([`ALTER ROLE ${quoteIdentifier(step.role)} LOGIN`]);
    case 'set-password': return admin([`ALTER ROLE ${quoteIdentifier(step.role)} PASSWORD ${quoteLiteral(verifier())}`]);
    // CREATE DATABASE … OWNER wants SET; without INHERIT the administrator does not read what applications write.
    case 'let-admin-set': return admin([`GRANT ${quoteIdentifier(step.role)} TO CURRENT_USER WITH SET TRUE, INHERIT FALSE`]);
    case 'create-database': return { database: null, transaction: false, statements: [`CREATE DATABASE ${quoteIdentifier(step.database)} OWNER ${quoteIdentifier(step.owner)}`] };
    case 'let-admin-connect': return { database: null, transaction: true, statements: [...letAdminConnect(step)] };
    case 'close-database': return asOwner(null, step.owner, [`REVOKE ALL ON DATABASE ${quoteIdentifier(step.database)} FROM PUBLIC`]);
    case 'close-schema': return asOwner(step.database, step.owner, ['REVOKE ALL ON SCHEMA public FROM PUBLIC']);
    case 'close-defaults': break;
  }
  return asOwner(step.database, step.owner, [
    ...(step.functions ? ['ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC'] : []),
    ...(step.types ? ['ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC'] : []),
  ]);
}

function admin(statements: string[]): Sql {
  return { database: null, transaction: true, statements };
}

/** What only the owner may give or take. The role ends with the transaction. */
function asOwner(database: string | null, owner: string, statements: string[]): Sql {
  return { database, transaction: true, statements: [`SET LOCAL ROLE ${quoteIdentifier(owner)}`, ...statements] };
}

/** The owner grants, so the administrator must be named: CURRENT_USER would be the owner. SESSION_USER is who logged in. */
function letAdminConnect({ database, owner }: { database: string; owner: string }): string[] {
  return [`SET LOCAL ROLE ${quoteIdentifier(owner)}`, `GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO SESSION_USER`];
}

function comment(role: string, text: string): string {
  return `COMMENT ON ROLE ${quoteIdentifier(role)} IS ${quoteLiteral(text)}`;
}

/** A step in words, for evidence. It names no password. */
export function stepWords(step: Step): string {
  switch (step.kind) {
    case 'create-role': return `created role ${step.role}`;
    case 'mark-role': return `marked role ${step.role} as ours`;
    case 'restrict-role': return `took ${step.powers.join(', ')} from role ${step.role}`;
    case 'end-membership': return `took the rights of role ${step.group} from role ${step.member}`;
    case 'allow-login': return `let role ${step.role} log in`;
    case 'set-password': return `set a new password of role ${step.role}`;
    case 'let-admin-set': return `let the administrator act as role ${step.role}`;
    case 'create-database': return `created database ${step.database}, owned by ${step.owner}`;
    case 'let-admin-connect': return `let the administrator connect to ${step.database}`;
    case 'close-database': return `took everybody's rights from database ${step.database}`;
    case 'close-schema': return `took everybody's rights from schema public in ${step.database}`;
    case 'close-defaults': break;
  }
  return `what ${step.owner} makes in ${step.database} is its own by default`;
}
