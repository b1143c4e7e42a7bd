// One etcd for all clusters of a lab; each API server keeps to its own prefix (design: lab, "Running them").
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { frugalGo } from '../frugal.ts';
import { freePort } from '../ports.ts';
import type { Supervisor } from '../processes.ts';

export interface Etcd {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
}

/** Starts etcd with its data in `dir`; ready in about a quarter of a second. Throws NotReady. */
export async function startEtcd(input: { readonly binary: string; readonly dir: string; readonly supervisor: Supervisor }): Promise<Etcd> {
  await mkdir(input.dir, { recursive: true, mode: 0o700 });
  const client = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  await input.supervisor.start({
    name: 'etcd',
    file: input.binary,
    args: [
      `--data-dir=${join(input.dir, 'data')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync', // the lab's data need not survive a power cut
      '--log-level=warn',
    ],
    env: frugalGo(),
    logFile: join(input.dir, 'etcd.log'),
    ready: async () => (await fetch(`${client}/readyz`)).ok,
    restart: true,
  });
  return { url: client };
}

/** Where the API server of a cluster keeps its keys. */
export function etcdPrefix(cluster: string): string {
  return `/clusters/${cluster}`;
}

/** Deletes everything a cluster kept, through etcd's JSON gateway. Throws when etcd refuses. */
export async function forgetCluster(etcd: Etcd, cluster: string): Promise<void> {
  const prefix = `${etcdPrefix(cluster)}/`;
  const answer = await fetch(`${etcd.url}/v3/kv/deleterange`, {
    method: 'POST',
    body: JSON.stringify({ key: base64(prefix), range_end: base64(endOfPrefix(prefix)) }),
  });
  if (!answer.ok) throw new Error(`etcd did not delete ${prefix}: ${answer.status} ${await answer.text()}`);
}

/** The first key after every key that begins with `prefix`: its last character plus one (etcd API, RangeRequest.range_end). */
export function endOfPrefix(prefix: string): string {
  const last = prefix.length - 1;
  return prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
