// Ends what a dead supervisor left behind, by its registry file: only processes that are still the very same ones.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { isErrno } from './errno.ts';
import { processStartTime } from './process-identity.ts';

const registry = z.array(z.object({ name: z.string(), pid: z.int().positive(), startTime: z.string() }));
const GRACE_MS = 5_000;
const POLL_MS = 50;

/** Ends the registered processes that still live (SIGTERM, then SIGKILL) and returns their names. No registry file: nothing to do. */
export async function endLeftOvers(registryFile: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(registryFile, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
  const living = registry.parse(JSON.parse(text)).filter(isSame);
  for (const entry of living) kill(entry.pid, 'SIGTERM');
  const deadline = Date.now() + GRACE_MS;
  while (living.some(isSame) && Date.now() < deadline) await sleep(POLL_MS);
  for (const entry of living.filter(isSame)) kill(entry.pid, 'SIGKILL');
  return living.map(({ name }) => name);
}

function isSame({ pid, startTime }: { readonly pid: number; readonly startTime: string }): boolean {
  return processStartTime(pid) === startTime;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error; // it ended by itself
  }
}
