// A lab of its own for a test file, driven from outside: the CLI as a process, the gateway's control endpoint, Temporal's client, kubectl.
import { execFile, spawn } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { FaultRule } from '../../lab/aws/faults.ts';
import type { LoggedRequest } from '../../lab/aws/request-log.ts';
import type { LabStatus } from '../../lab/lab.ts';
import { ensureBundle } from '../../workers/bundle.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') }); // replays tell each step

const CLI = resolve(import.meta.dirname, '../../client/cli/main.ts');
type Variables = Readonly<Record<string, string>>;
type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;

export interface Ended {
  exit: number | null;
  stdout: string;
  stderr: string;
}

/** One line of `watch -o json`. */
export interface Event {
  [field: string]: unknown;
  schema: number;
  event: string;
}

export interface Watch {
  /** Resolves once such a line has come; rejects when the command ended without one. */
  until(what: string, is: (event: Event) => boolean): Promise<Event>;
  ended: Promise<Ended & { events: Event[] }>;
}

export interface TestLab {
  status: LabStatus;
  env: Variables;
  temporal: Client;
  /** Runs `goldenpath` to its end. */
  cli(args: readonly string[], env?: Variables): Promise<Ended>;
  watch(workflowId: string): Watch;
  requests(filter?: Readonly<Record<string, string>>): Promise<LoggedRequest[]>;
  addFault(rule: FaultRule): Promise<void>;
  /** Lifts every rule, and tells how often each fired. */
  liftFaults(): Promise<{ service?: string; operation?: string; fired: number }[]>;
  /** SIGKILLs a process of the lab by its pid, and resolves when the lab has started another in its place. */
  kill(name: string): Promise<void>;
  kubectl(cluster: string, ...args: string[]): Promise<string>;
  /** A copy of the lab's environments with one text of dev.yaml replaced: the variable that names it. It goes with the lab. */
  environmentsWith(from: string, to: string): Promise<Variables>;
  /** Keeps the histories of a workflow id's runs for the replay, and deletes its runs with the lab's `temporal`. */
  forget(workflowId: string): Promise<void>;
  /** Replays every execution there was, forgotten ones too. Returns their types. */
  replayAll(): Promise<string[]>;
  down(): Promise<void>;
}

/** The one JSON document on stdout. */
export function documentOf({ stdout, stderr }: Ended): unknown {
  try {
    return JSON.parse(stdout) as unknown;
  } catch (error) {
    throw new Error(`stdout is no JSON document:\n${stdout}\nstderr:\n${stderr}`, { cause: error });
  }
}

/** Asks again and again until it is so. */
export async function eventually<T>(what: string, seconds: number, ask: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + seconds * 1_000; ; await sleep(500)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
  }
}

/** The worker that dies as it is ordered (test/faults/orders.ts), for `raiseLab`. */
export const MORTAL_WORKER = resolve(import.meta.dirname, '../faults/worker.ts');

/** Raises a lab by `goldenpath lab up`. Its name ends in this process's id, so that two runs of the tests do not meet. `worker`: another entry of its worker. */
export async function raiseLab(purpose: string, { timeScale = 60, worker }: { timeScale?: number; worker?: string } = {}): Promise<TestLab> {
  const name = `${purpose}-${process.pid}`;
  const named = ['--name', name, '-o', 'json'];
  const up = await runCli(['lab', 'up', '--time-scale', String(timeScale), ...named], worker === undefined ? {} : { GOLDENPATH_LAB_WORKER: worker });
  if (up.exit !== 0) throw new Error(`lab up ended with ${up.exit}:\n${up.stderr}`);
  const status = (documentOf(up) as LabStatus);
  const env = (documentOf(await runCli(['lab', 'env', ...named], {})) as Variables);
  const connection = await Connection.connect({ address: env['TEMPORAL_ADDRESS'] ?? '' });
  const temporal = new Client({ connection });
  let copies = 0;
  const cli = (args: readonly string[], more: Variables = {}) => runCli(args, { ...env, ...more });
  const control = async (room: string, init: RequestInit = {}) => {
    const answer = await fetch(`${env['AWS_ENDPOINT_URL']}/_lab/${room}`, init);
    if (!answer.ok) throw new Error(`${room}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const processOf = async (process: string) => (documentOf(await cli(['lab', 'status', '-o', 'json'])) as LabStatus).processes.find((each) => each.name === process);
  return {
    status,
    env,
    temporal,
    cli,
    watch: (workflowId) => watch(['watch', workflowId, '-o', 'json'], env),
    requests: async (filter = {}) => (await (await control(`requests?${new URLSearchParams(filter).toString()}`)).json()) as LoggedRequest[],
    addFault: async (rule) => { await control('faults', { method: 'POST', body: JSON.stringify(rule) }); },
    async liftFaults() {
      const faults = (await (await control('faults')).json()) as { service?: string; operation?: string; fired: number }[];
      await control('faults', { method: 'DELETE' });
      return faults;
    },
    async kill(name_) {
      const { pid } = (await processOf(name_)) ?? {};
      if (pid === undefined) throw new Error(`the lab has no process ${name_}`);
      process.kill(pid, 'SIGKILL');
      await eventually(`another ${name_}`, 60, async () => ((await processOf(name_))?.pid ?? pid) === pid ? undefined : true);
    },
    kubectl: (cluster, ...args) => program(join(status.folder, 'bin/kubectl'), ['--kubeconfig', join(status.folder, 'clusters', cluster, 'pki', 'admin.kubeconfig'), ...args], env),
    async environmentsWith(from, to) {
      const copy = join(status.folder, `environments-${(copies += 1)}`);
      await cp(env['GOLDENPATH_ENVIRONMENTS'] ?? '', copy, { recursive: true });
      const text = await readFile(join(copy, 'dev.yaml'), 'utf8');
      if (!text.includes(from)) throw new Error(`dev.yaml does not say ${from}`);
      await writeFile(join(copy, 'dev.yaml'), text.replace(from, to));
      return { GOLDENPATH_ENVIRONMENTS: copy };
    },
    ...historiesOf(temporal, join(status.folder, 'bin/temporal'), env),
    async down() {
      await connection.close();
      const down = await runCli(['lab', 'down', '--name', name], {});
      if (down.exit !== 0) throw new Error(`lab down ended with ${down.exit}:\n${down.stderr}`);
    },
  };
}

/** The histories of a lab's runs: kept before Temporal forgets them, and replayed. */
function historiesOf(temporal: Client, binary: string, env: Variables): Pick<TestLab, 'forget' | 'replayAll'> {
  const kept = new Map<string, { workflowId: string; type: string; history: History }>();
  const keep = async (query?: string) => {
    for await (const { workflowId, runId, type } of temporal.workflow.list(query === undefined ? {} : { query })) {
      kept.set(runId, { workflowId, type, history: await temporal.workflow.getHandle(workflowId, runId).fetchHistory() });
    }
  };
  return {
    async forget(workflowId) {
      const query = `WorkflowId = '${workflowId}'`;
      await keep(query);
      for await (const { runId } of temporal.workflow.list({ query })) await program(binary, ['workflow', 'delete', '--yes', '--workflow-id', workflowId, '--run-id', runId], env);
      await eventually(`Temporal to forget ${workflowId}`, 60, async () => ((await temporal.workflow.count(query)).count === 0 ? true : undefined));
    },
    async replayAll() {
      await keep();
      const workflowBundle = { codePath: await ensureBundle() };
      for (const [runId, { workflowId, type, history }] of kept) await Worker.runReplayHistory({ workflowBundle, replayName: `${type} ${runId}` }, history, workflowId);
      return [...kept.values()].map(({ type }) => type);
    },
  };
}

/** A build machine's own variables would name another requester, commit or lab. */
const OURS = /^(AWS_|TEMPORAL_|GOLDENPATH_(?!TOOL_)|GITHUB_)/;

function startCli(args: readonly string[], env: Variables) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([variable]) => !OURS.test(variable)));
  const child = spawn(process.execPath, [CLI, ...args], { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const told = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) child[stream].setEncoding('utf8').on('data', (text: string) => { told[stream] += text; });
  const ended = new Promise<Ended>((resolve_, reject) => {
    child.on('error', reject);
    child.on('close', (exit) => { resolve_({ exit, ...told }); });
  });
  return { child, ended };
}

function runCli(args: readonly string[], env: Variables): Promise<Ended> {
  return startCli(args, env).ended;
}

function watch(args: readonly string[], env: Variables): Watch {
  const { child, ended } = startCli(args, env);
  const events: Event[] = [];
  const waiting = new Set<() => void>();
  const tell = () => { for (const wake of waiting) wake(); };
  let over = false;
  createInterface({ input: child.stdout }).on('line', (line) => { events.push(JSON.parse(line) as Event); tell(); }).on('close', () => { over = true; tell(); });
  return {
    until: (what, is) =>
      new Promise((resolve_, reject) => {
        const look = () => {
          const found = events.find((event) => is(event));
          if (found === undefined && !over) return;
          waiting.delete(look);
          if (found === undefined) reject(new Error(`the watch ended without ${what}; its last line: ${JSON.stringify(events.at(-1))}`));
          else resolve_(found);
        };
        waiting.add(look);
        look();
      }),
    ended: ended.then((result) => ({ ...result, events })),
  };
}

async function program(file: string, args: readonly string[], env: Variables): Promise<string> {
  return (await promisify(execFile)(file, args, { env: { ...process.env, ...env }, maxBuffer: 64 * 1_024 * 1_024 })).stdout;
}
