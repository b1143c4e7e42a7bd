// The database side of the stand-ins for applications: a pool that verifies the server's certificate and logs in with what the pod was given.
import { readFileSync } from 'node:fs';
import pg from 'pg';

export interface Login {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** PEM file of the authorities; left out where the process trusts them already (NODE_EXTRA_CA_CERTS). */
  caFile?: string;
}

/** Longer than a readiness probe waits: a slow machine is not a broken login. */
const CONNECT_MS = 5_000;

/** Few connections, each closed soon after its last use, so that a login that no longer works is noticed. */
export function openPool({ caFile, ...login }: Login): pg.Pool {
  const ca = caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') };
  const pool = new pg.Pool({ ...login, ssl: { rejectUnauthorized: true, ...ca }, max: 4, idleTimeoutMillis: 1_000, connectionTimeoutMillis: CONNECT_MS, query_timeout: CONNECT_MS });
  pool.on('error', () => {}); // an idle connection that the server ended: the next query opens another
  return pool;
}

/** Undefined where the database lets this login in and answers, else why not: in the log as well, as the real ones do. */
export async function databaseProblem(pool: pg.Pool): Promise<string | undefined> {
  try {
    await pool.query('SELECT 1');
    return undefined;
  } catch (error) {
    // Whatever keeps the database from answering is what the health of the application says.
    const problem = error instanceof Error ? error.message : String(error);
    process.stderr.write(`database: ${problem}\n`);
    return problem;
  }
}
