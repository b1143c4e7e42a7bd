// Connections to PostgreSQL: TLS with the RDS authorities verified, SCRAM, time limits; and its errors in the product's words (R1, R2).
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { z } from 'zod';
import type { Reading } from '../domain/checks.ts';
import { isPort } from '../domain/database-network.ts';
import { GoldenpathError, type ErrorType } from '../domain/errors.ts';
import { mapAwsError, type Mapper } from './errors.ts';

export interface Endpoint {
  host: string;
  port: number;
}

export interface Login extends Endpoint {
  user: string;
  password: string;
  database: string;
}

/** An answer to a login ends well within an attempt's time. */
const CONNECT_MS = 8_000;
/** CREATE DATABASE copies a template: seconds on a small instance. */
const STATEMENT_MS = 20_000;

/** Text that no one guesses: 32 bytes from the machine's own source, in letters, digits, `-` and `_`. It leaves this process only for Secrets Manager. */
export function newPassword(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * The authorities that sign the certificates of RDS, from the file that the worker was given.
 * Throws PreflightFailed where none was. Source: RDS User Guide, "Using SSL/TLS to encrypt a connection to a DB instance".
 */
export async function rdsAuthorities(file: string | undefined): Promise<string> {
  if (file !== undefined) return readFile(file, 'utf8');
  const problem = 'the worker has no GOLDENPATH_RDS_CA: a file with the authorities that sign the certificates of RDS (https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem)';
  throw new GoldenpathError('PreflightFailed', problem, [problem]);
}

/**
 * Only PostgreSQL's own functions and operators mean what a statement says. The owner of a database may set its search path and make functions of any name in it: without
 * this, the administrator's next look into that database would run them as the administrator (as in CVE-2018-1058). What a client asks for comes before what a database or a role has set.
 */
const OWN_CATALOGUE = '-c search_path=pg_catalog';

/** Uses a connection and closes it, whatever happens. @param ca PEM of the authorities */
export async function withPostgres<T>({ ca, ...login }: Login & { ca: string }, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    ...login, application_name: 'goldenpath', connectionTimeoutMillis: CONNECT_MS, statement_timeout: STATEMENT_MS, query_timeout: STATEMENT_MS + CONNECT_MS, options: OWN_CATALOGUE,
    ssl: { ca, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
  });
  // A connection that breaks between two statements: the next one meets the same error.
  client.on('error', () => {});
  await client.connect(); // pg closes what it could not connect
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** PostgreSQL refused the user or the password (28P01; 28000 for a role that may not log in). */
const REFUSED = ['28P01', '28000'];
/** The password was right, but the database is missing or closed to the user: PostgreSQL looks at it after the login. */
const LET_IN = ['3D000', '42501'];

/** Whether PostgreSQL lets this login in. Throws what says neither: no answer, too many connections. */
export async function canLogIn(login: Login & { ca: string }): Promise<boolean> {
  try {
    await withPostgres(login, async (client) => client.query('SELECT 1'));
    return true;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    if (REFUSED.includes(error.code ?? '')) return false;
    if (LET_IN.includes(error.code ?? '')) return true;
    throw error;
  }
}

const EVIDENCE = "SELECT current_setting('server_version') AS server, (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls";
const evidenceRow = z.object({ server: z.string(), tls: z.string().nullable() });

/** Logs in and says what with, or what keeps the login from working, in words without its password. A bug keeps its stack. */
export async function tryLogin(login: Login & { ca: string }): Promise<Reading<string>> {
  const where = `${login.host}:${login.port}`;
  // pg would take its own port for none, and throw what nobody expects for one that is too large.
  if (!isPort(login.port)) return { problem: `the port ${login.port} is none: 1 to 65535` };
  try {
    const { server, tls } = await withPostgres(login, async (client) => evidenceRow.parse((await client.query(EVIDENCE)).rows[0]));
    return { value: `PostgreSQL ${server} at ${where} lets ${login.user} into ${login.database}, ${tls ?? 'without TLS'}` };
  } catch (error) {
    if (error instanceof pg.DatabaseError && REFUSED.includes(error.code ?? '')) return { problem: `PostgreSQL at ${where} refuses user ${login.user} with this password: ${error.message}` };
    const known = error instanceof pg.DatabaseError ? error : mapPostgresError(error) ?? mapAwsError(error);
    if (known === undefined) throw error;
    return { problem: `PostgreSQL at ${where}, database ${login.database}: ${known.message.replace(/^PostgreSQL: /, '')}` };
  }
}

/** By PostgreSQL's error code, or its beginning, which is its class. Source: PostgreSQL manual, "PostgreSQL Error Codes". */
const CODES: readonly (readonly [type: ErrorType, codes: readonly string[]])[] = [
  ['AccessDenied', [...REFUSED, '42501']],
  // Somebody else made it between reading and writing, or uses it just now.
  ['Conflict', ['40', '42710', '42P04', '23505', '55006', '55P03']],
  ['Unavailable', ['08', '53', '57P', '57014', '58']],
];

/** What node says of a certificate that cannot be trusted. Source: OpenSSL's X509_V_ERR names, Node's TLS documentation. */
const CERTIFICATE = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID)$/;
/** What pg says where no answer came; it gives these no code. */
const NO_ANSWER = /^(?:timeout expired|Query read timeout|Connection terminated.*)$/;

/** What pg, or node, says where packets were lost on the way: a security group drops them. A refused connection or PostgreSQL's own error is an answer. */
const LOST = { message: /^timeout expired$/, codes: ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'] };

/** Whether nothing came back from the instance's address, so that its network may be the reason. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof pg.DatabaseError) return false;
  return LOST.message.test(error.message) || ('code' in error && LOST.codes.includes(String(error.code)));
}

/** An error of PostgreSQL or of the way to it. The texts hold names of roles and databases, never a password: no statement has one. */
export const mapPostgresError: Mapper = (error) => {
  if (!(error instanceof Error)) return undefined;
  const type = typeOf(error);
  if (type === undefined) return undefined;
  const text = `PostgreSQL: ${error.message}`;
  return new GoldenpathError(type, text, [text], { cause: error });
};

function typeOf(error: Error & { code?: unknown }): ErrorType | undefined {
  const code = typeof error.code === 'string' ? error.code : '';
  if (error instanceof pg.DatabaseError) {
    // XX000 is any internal error; this one is two writers at one catalogue row.
    if (code === 'XX000' && error.message === 'tuple concurrently updated') return 'Conflict';
    return CODES.find(([, codes]) => codes.some((one) => code.startsWith(one)))?.[0];
  }
  if (CERTIFICATE.test(code)) return 'AccessDenied';
  return NO_ANSWER.test(error.message) ? 'Unavailable' : undefined;
}
