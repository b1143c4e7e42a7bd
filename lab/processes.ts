// Child processes of the lab: started, watched, restarted, ended, and named in a registry file so that nothing outlives `lab down` (issue "The lab", item 5).
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { logTail } from './log-tail.ts';
import { processStartTime } from './process-identity.ts';
import { describeProcess, writeRegistry } from './process-registry.ts';
import type { ProcessInfo } from './process-registry.ts';

export interface ProcessSpec {
  /** Unique among the living processes of one supervisor. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment of the process; the supervisor's own by default. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard output and error are appended here. */
  readonly logFile: string;
  /** Asked until it says true; a throw counts as "not yet". */
  readonly ready?: () => Promise<boolean>;
  /** How long `ready` may take, in milliseconds; two minutes by default, because two cores may build Go meanwhile. */
  readonly readyTimeoutMs?: number;
  /** What asks it to end; SIGTERM by default. PostgreSQL waits for its clients then, and ends them on SIGINT. */
  readonly stopSignal?: NodeJS.Signals;
  /** Start it again, with back-off, when it ends by itself. */
  readonly restart?: boolean;
  /** Told each time the process ends by itself, before any restart. */
  readonly onExit?: (exit: Exit) => void;
}

/** How a process ended: a code or a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process did not become ready; the message holds the end of its log. */
export class NotReady extends Error {
  override readonly name = 'NotReady';
}

const READY_POLL_MS = 50;
const READY_TIMEOUT_MS = 120_000;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;
/** A process that lived this long starts with the first back-off again. */
const HEALTHY_AFTER_MS = 30_000;
/** From SIGTERM to SIGKILL: an API server takes 2.7 s. */
const GRACE_MS = 10_000;

/**
 * Becomes the given program after asking the kernel to kill it when its parent dies (prctl PR_SET_PDEATHSIG, 1):
 * Node has no way to ask. It ends at once if the parent is already another one.
 */
const DIE_WITH_PARENT = [
  'import ctypes, os, sys',
  'ctypes.CDLL(None).prctl(1, 9)',
  'os.getppid() == int(sys.argv[1]) or sys.exit(1)',
  'os.execv(sys.argv[2], sys.argv[2:])',
].join('\n');

/** Absolute, because a child's own environment need not have a PATH that holds it. */
let python: string | undefined;

interface Child {
  readonly spec: ProcessSpec;
  process: ChildProcess;
  startedAt: Date;
  restarts: number;
  backoffMs: number;
  stopping: boolean;
  exited: Promise<Exit>;
}

/** Starts and ends processes; each change is in the registry file before the call returns. */
export class Supervisor {
  readonly #children = new Map<string, Child>();
  readonly #registryFile: string;

  constructor(registryFile: string) {
    this.#registryFile = registryFile;
  }

  /** Starts a process and resolves when it is ready. Throws NotReady (the process is ended then), or Error where the name is taken. */
  async start(spec: ProcessSpec): Promise<ProcessInfo> {
    if (this.#children.has(spec.name)) throw new Error(`a process named ${spec.name} already runs`);
    const child = this.#spawn(spec, undefined);
    this.#children.set(spec.name, child);
    this.#register();
    try {
      await waitUntilReady(child);
    } catch (error) {
      await this.stop(spec.name);
      throw error;
    }
    return describe(child);
  }

  /** Its stop signal, after `graceMs` SIGKILL; resolves when the process is gone. An unknown name is no error. */
  async stop(name: string, graceMs = GRACE_MS): Promise<void> {
    const child = this.#children.get(name);
    if (child === undefined) return;
    child.stopping = true;
    child.process.kill(child.spec.stopSignal ?? 'SIGTERM');
    const timer = setTimeout(() => child.process.kill('SIGKILL'), graceMs);
    await child.exited;
    clearTimeout(timer);
    if (this.#children.get(name) === child) this.#children.delete(name);
    this.#register();
  }

  /** Ends everything, the youngest first: what came later leans on what came before. */
  async stopAll(): Promise<void> {
    for (const name of [...this.#children.keys()].toReversed()) await this.stop(name);
  }

  /** The living processes, oldest first. */
  list(): ProcessInfo[] {
    return [...this.#children.values()].filter((child) => isAlive(child.process)).map(describe);
  }

  #spawn(spec: ProcessSpec, previous: Child | undefined): Child {
    const process = spawnChild(spec);
    const exited = ended(process);
    const child: Child = {
      spec,
      process,
      startedAt: new Date(),
      restarts: previous === undefined ? 0 : previous.restarts + 1,
      backoffMs: previous?.backoffMs ?? FIRST_BACKOFF_MS,
      stopping: false,
      exited,
    };
    // oxlint-disable-next-line typescript/no-floating-promises -- it never rejects
    exited.then((exit) => this.#onExit(child, exit));
    return child;
  }

  async #onExit(child: Child, exit: Exit): Promise<void> {
    if (child.stopping) return;
    child.spec.onExit?.(exit);
    if (child.spec.restart !== true) {
      if (this.#children.get(child.spec.name) === child) this.#children.delete(child.spec.name);
      this.#register();
      return;
    }
    const lived = Date.now() - child.startedAt.getTime();
    const backoff = lived > HEALTHY_AFTER_MS ? FIRST_BACKOFF_MS : child.backoffMs;
    await sleep(backoff);
    if (isStopping(child) || this.#children.get(child.spec.name) !== child) return;
    child.backoffMs = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
    this.#children.set(child.spec.name, this.#spawn(child.spec, child));
    this.#register();
  }

  #register(): void {
    const entries = [...this.#children.values()].flatMap((child) => {
      const registered = registeredForm(child);
      const startTime = processStartTime(registered.pid);
      return startTime === undefined ? [] : [{ ...registered, startTime }];
    });
    writeRegistry(this.#registryFile, entries);
  }
}

/** Read through a function, because `stop` may change it during an await. */
function isStopping(child: Child): boolean {
  return child.stopping;
}

function spawnChild(spec: ProcessSpec): ChildProcess {
  const log = openSync(spec.logFile, 'a');
  try {
    python ??= execFileSync('python3', ['-I', '-S', '-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
    return spawn(python, ['-I', '-S', '-c', DIE_WITH_PARENT, String(process.pid), spec.file, ...spec.args], {
      stdio: ['ignore', log, log],
      env: spec.env === undefined ? process.env : { ...spec.env },
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    });
  } finally {
    closeSync(log);
  }
}

/** Resolves when the process is gone; one that cannot be started counts as ended with code 127, as in a shell. */
async function ended(child: ChildProcess): Promise<Exit> {
  const { promise, resolve } = Promise.withResolvers<Exit>();
  child.once('exit', (code, signal) => {
    resolve({ code, signal });
  });
  child.once('error', () => {
    if (child.pid === undefined) resolve({ code: 127, signal: null });
  });
  return promise;
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function waitUntilReady(child: Child): Promise<void> {
  const { ready, readyTimeoutMs = READY_TIMEOUT_MS, name, logFile } = child.spec;
  if (ready === undefined) return;
  const deadline = Date.now() + readyTimeoutMs;
  for (;;) {
    if (!isAlive(child.process)) throw new NotReady(`${name} ended before it was ready:\n${logTail(logFile)}`);
    if (await answers(ready)) return;
    if (Date.now() > deadline) throw new NotReady(`${name} was not ready after ${readyTimeoutMs / 1000} s:\n${logTail(logFile)}`);
    await sleep(READY_POLL_MS);
  }
}

async function answers(ready: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ready();
  } catch {
    return false; // whatever it is, it is not ready yet; the deadline reports it with the log
  }
}

function describe(child: Child): ProcessInfo {
  return describeProcess(registeredForm(child));
}

function registeredForm({ spec, process, startedAt, restarts }: Child) {
  return { name: spec.name, pid: process.pid ?? -1, startedAt: startedAt.toISOString(), restarts, logFile: spec.logFile };
}
