// Raises, lowers and describes labs (issue, item 5): what `goldenpath lab` and the tests call.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabProblem, labPaths, labsFolder, makeLabsFolder, readState, writeSettings } from './daemon/state.ts';
import type { LabPaths, LabSettings, LabState } from './daemon/state.ts';
import { labPath, labVariables } from './daemon/variables.ts';
import { isErrno } from './errno.ts';
import { FRUGAL_NODE } from './frugal.ts';
import { logTail } from './log-tail.ts';
import { processPss, processStartTime } from './process-identity.ts';
import { describeProcess, endLeftOvers, livingProcesses } from './process-registry.ts';
import type { ProcessInfo } from './process-registry.ts';
import { removeTree } from './remove-tree.ts';
import { ensureTools } from './tools.ts';
import { withLock } from './tools/lock.ts';

export { LabProblem } from './daemon/state.ts';
export type { ProcessInfo } from './process-registry.ts';

export const DEFAULT_LAB = 'default';

export interface LabStatus {
  readonly name: string;
  /** `absent`: there is no such lab. `dead`: its daemon ended without being told to; `lab down` clears up. */
  readonly state: LabState['state'] | 'absent' | 'dead';
  readonly timeScale?: number;
  readonly startedAt?: string;
  /** Why a lab failed. */
  readonly problem?: string;
  /** Folder of its files and logs. */
  readonly folder: string;
  readonly endpoints?: NonNullable<LabState['endpoints']>;
  /** Every process of the lab, the daemon first. */
  readonly processes: readonly ProcessInfo[];
  /** Memory of all of them together; pages that several share (the same program twice) count once. */
  readonly memoryBytes: number;
}

export interface LabUpInput {
  readonly name?: string;
  /** Divides the durations of AWS operations; 1 by default. */
  readonly timeScale?: number;
  /** Sweep again an hour and a day after a teardown; off by default. */
  readonly lateSweeps?: boolean;
  /** Told one line at each step. */
  readonly onProgress?: (line: string) => void;
}

const POLL_MS = 100;
/** Servers and the worker's bundle: some ten seconds, more while two cores build tools. */
const UP_MS = 300_000;
/** A daemon with two clusters stops in six seconds; after this it is killed. */
const DOWN_MS = 60_000;

/** Builds the tools where they are missing, and raises the lab. One that is up with the same settings is left as it is. Throws LabProblem. */
export async function labUp({ name = DEFAULT_LAB, timeScale = 1, lateSweeps = false, onProgress = () => {} }: LabUpInput = {}): Promise<LabStatus> {
  if (!(timeScale >= 1)) throw new LabProblem(`time scale must be at least 1, not ${timeScale}`);
  const paths = labPaths(name);
  await makeLabsFolder();
  const onWait = (pid: number) => {
    onProgress(`waiting for process ${pid}, which is raising this lab`);
  };
  await withLock(paths.lock, onWait, () => raise(paths, { name, timeScale, lateSweeps }, onProgress));
  return labStatus({ name });
}

async function raise(paths: LabPaths, settings: LabSettings, onProgress: (line: string) => void): Promise<void> {
  const { name, timeScale, lateSweeps } = settings;
  const before = await readState(paths);
  if (before !== undefined && isAlive(before)) {
    if (before.state === 'ready' && before.timeScale === timeScale && before.lateSweeps === lateSweeps) return;
    // The name is always written out: GOLDENPATH_LAB may say another.
    throw new LabProblem(`lab ${name} is already up (${before.state}, ${settingsText(before)}), asked for was ${settingsText(settings)}; end it with: goldenpath lab down --name ${name}`);
  }
  await ensureTools({ onProgress });
  await clear(paths);
  await mkdir(paths.root, { mode: 0o700 });
  await writeSettings(paths.settings, settings);
  await untilReady(paths, startDaemon(paths, name), onProgress);
}

function settingsText({ timeScale, lateSweeps }: Pick<LabSettings, 'timeScale' | 'lateSweeps'>): string {
  return `time scale ${timeScale}, late sweeps ${lateSweeps ? 'on' : 'off'}`;
}

/** Ends a lab and everything it left, also one whose daemon is dead. Returns false where there was none. */
export async function labDown({ name = DEFAULT_LAB }: { readonly name?: string } = {}): Promise<boolean> {
  const paths = labPaths(name);
  const state = await readState(paths);
  const deadline = Date.now() + DOWN_MS;
  if (state !== undefined && isAlive(state)) {
    process.kill(state.pid, 'SIGTERM');
    while (isAlive(state) && Date.now() < deadline) await sleep(POLL_MS);
    if (isAlive(state)) process.kill(state.pid, 'SIGKILL');
  }
  await rm(paths.lock, { force: true }); // of a command that was interrupted while it raised the lab
  await clear(paths);
  return state !== undefined;
}

/** What there is of a lab. */
export async function labStatus({ name = DEFAULT_LAB }: { readonly name?: string } = {}): Promise<LabStatus> {
  const paths = labPaths(name);
  const state = await readState(paths);
  const processes = [...(state === undefined ? [] : daemonProcess(paths, state)), ...(await livingProcesses(paths.registry)).map(describeProcess)];
  const memoryBytes = processes.reduce((sum, { pid, rssBytes = 0 }) => sum + (processPss(pid) ?? rssBytes), 0);
  const common = { name, folder: paths.root, processes, memoryBytes };
  if (state === undefined) return { ...common, state: 'absent' };
  const { timeScale, startedAt, problem, endpoints } = state;
  return {
    ...common,
    state: isAlive(state) || state.state === 'failed' ? state.state : 'dead',
    timeScale,
    startedAt,
    ...(problem === undefined ? {} : { problem }),
    ...(endpoints === undefined ? {} : { endpoints }),
  };
}

/** The variables that point a program at the lab, PATH among them. Throws LabProblem where no lab of that name is ready. */
export async function labEnv({ name = DEFAULT_LAB }: { readonly name?: string } = {}): Promise<Record<string, string>> {
  const paths = labPaths(name);
  const state = await readState(paths);
  if (state === undefined || !isAlive(state)) throw new LabProblem(`lab ${name} is not up; raise it with: goldenpath lab up --name ${name}`);
  return { ...labVariables(paths, state), GOLDENPATH_KEYS: paths.keys, PATH: labPath(paths, process.env['PATH'] ?? '') };
}

function isAlive({ pid, startTime }: Pick<LabState, 'pid' | 'startTime'>): boolean {
  return processStartTime(pid) === startTime;
}

function daemonProcess(paths: LabPaths, state: LabState): ProcessInfo[] {
  if (!isAlive(state)) return [];
  return [describeProcess({ name: 'daemon', pid: state.pid, startedAt: state.startedAt, restarts: 0, logFile: paths.log })];
}

/** A process group of its own: neither Ctrl-C nor the end of the terminal reaches it. */
function startDaemon(paths: LabPaths, name: string): number {
  const log = openSync(paths.log, 'a', 0o600);
  const child = spawn(process.execPath, [...FRUGAL_NODE, join(import.meta.dirname, 'daemon.ts'), name], { detached: true, stdio: ['ignore', log, log], cwd: paths.root });
  closeSync(log);
  child.unref();
  if (child.pid === undefined) throw new LabProblem(`the daemon could not be started with ${process.execPath}`);
  return child.pid;
}

async function untilReady(paths: LabPaths, pid: number, onProgress: (line: string) => void): Promise<void> {
  const deadline = Date.now() + UP_MS;
  for (let told = 0; ; await sleep(POLL_MS)) {
    told = await tellProgress(paths, told, onProgress);
    const state = await readState(paths);
    if (state?.state === 'ready') return;
    if (state?.state === 'failed' || processStartTime(pid) === undefined) {
      throw new LabProblem(`the lab could not be raised: ${state?.problem ?? 'its daemon ended'}\n${logTail(paths.log)}`);
    }
    if (Date.now() > deadline) throw new LabProblem(`the lab was not ready after ${UP_MS / 1000} s; its log: ${paths.log}`);
  }
}

async function tellProgress(paths: LabPaths, told: number, onProgress: (line: string) => void): Promise<number> {
  let text: string;
  try {
    text = await readFile(paths.progress, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return told;
    throw error;
  }
  const lines = text.split('\n').slice(0, -1);
  for (const line of lines.slice(told)) onProgress(line);
  return lines.length;
}

/** Ends left-over processes and removes a lab's files; the folder of all labs goes with the last one. */
async function clear(paths: LabPaths): Promise<void> {
  await endLeftOvers(paths.registry);
  await removeTree(paths.root);
  try {
    await rmdir(labsFolder());
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}
