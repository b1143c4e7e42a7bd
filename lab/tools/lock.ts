// One builder at a time: a lock file that names its owner, so that a dead owner's lock is not in the way.
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isErrno } from '../errno.ts';
import { processStartTime } from '../process-identity.ts';

const RETRY_MS = 500;
/** An owner writes its name at once; a lock that has none after this long was cut off. */
const NAMELESS_MS = 2_000;

interface Owner {
  readonly pid: number;
  readonly startTime: string;
}

/**
 * Runs `work` while this process holds the lock file at `path`; waits as long as a living process holds it.
 * The lock saves work only: whoever builds renames a finished folder into place, so two builders could do no harm.
 * `onWait` is told the owner's pid once, when it has to wait.
 */
export async function withLock<T>(path: string, onWait: (ownerPid: number) => void, work: () => Promise<T>): Promise<T> {
  let told = false;
  while (!(await tryLock(path))) {
    const owner = await readOwner(path);
    if (owner === 'gone') continue;
    if (owner === 'cut off' || (owner !== 'nameless' && processStartTime(owner.pid) !== owner.startTime)) {
      await breakLock(path);
      continue;
    }
    if (!told && owner !== 'nameless') {
      onWait(owner.pid);
      told = true;
    }
    await sleep(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  const owner: Owner = { pid: process.pid, startTime: processStartTime(process.pid) ?? '' };
  try {
    await writeFile(path, JSON.stringify(owner), { flag: 'wx' });
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

async function readOwner(path: string): Promise<Owner | 'gone' | 'nameless' | 'cut off'> {
  let text: string;
  let age: number;
  try {
    text = await readFile(path, 'utf8');
    age = Date.now() - (await stat(path)).mtimeMs;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 'gone';
    throw error;
  }
  const match = /^\{"pid":(\d+),"startTime":"(\d*)"\}$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return age < NAMELESS_MS ? 'nameless' : 'cut off';
  return { pid: Number(match[1]), startTime: match[2] };
}

/** Takes a dead owner's lock away by a rename, so that of two processes that see it only one succeeds. */
async function breakLock(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  await rm(aside, { force: true });
}
