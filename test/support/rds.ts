// A gateway with RDS alone, and real PostgreSQL behind it: light, without a lab (R1).
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createRds } from '../../lab/aws/rds/index.ts';
import { realPostgres } from '../../lab/aws/rds/postgres.ts';
import { plugSecretsManager } from '../../lab/aws/secretsmanager/index.ts';
import { Supervisor } from '../../lab/processes.ts';
import { removeTree } from '../../lab/remove-tree.ts';
import { startAws, type TestAws } from './moto.ts';

export interface TestRds {
  aws: TestAws;
  /** PEM of the authority that signs the servers' certificates. */
  caFile: string;
  /** The folder of a server's files; its log is `<instance>/postgres.log`. */
  dir: string;
  /** Names of the PostgreSQL processes that run now. */
  processes(): string[];
  /** A client that verifies the server's certificate, connected. */
  connect(login: { port: number; user: string; password: string; database?: string }): Promise<pg.Client>;
  stop(): Promise<void>;
}

/** Durations of AWS are divided by `timeScale`. */
export async function startRds({ timeScale }: { timeScale: number }): Promise<TestRds> {
  const dir = await mkdtemp(join(tmpdir(), 'goldenpath-rds-')); // for its owner alone, as a lab's folder is
  const supervisor = new Supervisor(join(dir, 'processes.json'));
  const servers = await realPostgres({ dir: join(dir, 'rds'), caFile: join(dir, 'rds-ca.pem'), supervisor });
  const made: { close(): unknown }[] = [];
  const aws = await startAws({
    timeScale,
    services: (world) => {
      const rds = createRds(world, { servers });
      const secrets = plugSecretsManager(world);
      made.push(rds, secrets);
      return [rds.service, secrets.service];
    },
  });
  const ca = await readFile(servers.caFile, 'utf8');
  return {
    aws,
    caFile: servers.caFile,
    dir: join(dir, 'rds'),
    processes: () => supervisor.list().map(({ name }) => name),
    async connect({ database = 'postgres', ...login }) {
      const client = new pg.Client({ host: '127.0.0.1', ...login, database, ssl: { ca } });
      client.on('error', () => {}); // the server may be stopped under it
      await client.connect();
      return client;
    },
    async stop() {
      for (const service of made) await service.close();
      await supervisor.stopAll();
      await aws.stop();
      await removeTree(dir);
    },
  };
}
