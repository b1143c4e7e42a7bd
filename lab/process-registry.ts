// The registry of a supervisor's processes: who runs, for `lab status`, and what to end when the supervisor is dead.
import { renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { isErrno } from './errno.ts';
import { processRss, processStartTime } from './process-identity.ts';

const registry = z.array(
  z.object({
    name: z.string(),
    pid: z.int().positive(),
    /** Ticks since boot: with the pid it tells the process from a later one. */
    startTime: z.string(),
    startedAt: z.string(),
    restarts: z.int(),
    logFile: z.string(),
  }),
);

export type RegisteredProcess = z.infer<typeof registry>[number];

/** One line of `lab status`. */
export interface ProcessInfo {
  readonly name: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly restarts: number;
  readonly logFile: string;
  readonly rssBytes?: number;
}

const GRACE_MS = 5_000;
const POLL_MS = 50;

/** Writes the registry; a reader sees the old one or the new one, never a part. */
export function writeRegistry(file: string, entries: readonly RegisteredProcess[]): void {
  const partial = `${file}.partial`;
  writeFileSync(partial, JSON.stringify(entries));
  renameSync(partial, file);
}

/** The registered processes that still live. No registry file: none. Throws where the file is damaged. */
export async function livingProcesses(file: string): Promise<RegisteredProcess[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
  return registry.parse(JSON.parse(text)).filter(isSame);
}

/** What a person wants to know of a process. */
export function describeProcess({ name, pid, startedAt, restarts, logFile }: Omit<RegisteredProcess, 'startTime'>): ProcessInfo {
  const rssBytes = processRss(pid);
  return { name, pid, startedAt, restarts, logFile, ...(rssBytes === undefined ? {} : { rssBytes }) };
}

/** Ends the registered processes that still live (SIGTERM, then SIGKILL) and returns their names. */
export async function endLeftOvers(file: string): Promise<string[]> {
  const living = await livingProcesses(file);
  for (const { pid } of living) kill(pid, 'SIGTERM');
  const deadline = Date.now() + GRACE_MS;
  while (living.some(isSame) && Date.now() < deadline) await sleep(POLL_MS);
  for (const { pid } of living.filter(isSame)) kill(pid, 'SIGKILL');
  return living.map(({ name }) => name);
}

function isSame({ pid, startTime }: Pick<RegisteredProcess, 'pid' | 'startTime'>): boolean {
  return processStartTime(pid) === startTime;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error; // it ended by itself
  }
}
