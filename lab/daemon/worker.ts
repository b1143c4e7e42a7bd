// The goldenpath worker of a lab: the product itself, as a process of its own that is started again when it is killed.
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FRUGAL_NODE } from '../frugal.ts';
import { freePort } from '../ports.ts';
import type { Supervisor } from '../processes.ts';

const WORKER = resolve(import.meta.dirname, '..', '..', 'workers', 'main.ts');
/** Names another entry: tests start the same worker with a death in it. */
const ENTRY_VARIABLE = 'GOLDENPATH_LAB_WORKER';

/** Starts the worker and resolves when it polls its task queues. Returns where its metrics are. Throws NotReady. */
export async function startWorker(input: { readonly dir: string; readonly supervisor: Supervisor; readonly env: Readonly<Record<string, string>> }): Promise<string> {
  await mkdir(input.dir, { recursive: true, mode: 0o700 });
  const logFile = join(input.dir, 'worker.log');
  const metrics = `127.0.0.1:${await freePort()}`;
  await input.supervisor.start({
    name: 'worker',
    file: process.execPath,
    args: [...FRUGAL_NODE, process.env[ENTRY_VARIABLE] ?? WORKER],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      TMPDIR: process.env['TMPDIR'] ?? '/tmp',
      AWS_EC2_METADATA_DISABLED: 'true', // there is no instance to ask
      GOLDENPATH_METRICS_ADDRESS: metrics,
      ...input.env,
    },
    logFile,
    ready: async () => (await readFile(logFile, 'utf8')).includes('worker ready'),
    restart: true,
  });
  return `http://${metrics}/metrics`;
}
