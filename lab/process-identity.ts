// Which process is this pid? A pid is used again; pid and start time together are not (proc(5), /proc/<pid>/stat).
import { readFileSync } from 'node:fs';
import { isErrno } from './errno.ts';

/** Start time of a living process in clock ticks since boot, or undefined where no such process runs (a zombie does not). */
export function processStartTime(pid: number): string | undefined {
  const fields = statFields(pid);
  if (fields === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return fields[19]; // field 22 of the file
}

/** Resident memory of a living process in bytes, or undefined where no such process runs. */
export function processRss(pid: number): number | undefined {
  const text = readProc(`/proc/${pid}/status`);
  const match = text === undefined ? undefined : /^VmRSS:\s+(\d+) kB$/m.exec(text);
  return match?.[1] === undefined ? undefined : Number(match[1]) * 1024;
}

/** The process's share of memory in bytes, a page that n processes map counted as one n-th; undefined where it cannot be read. */
export function processPss(pid: number): number | undefined {
  const text = readProc(`/proc/${pid}/smaps_rollup`);
  const match = text === undefined ? undefined : /^Pss:\s+(\d+) kB$/m.exec(text);
  return match?.[1] === undefined ? undefined : Number(match[1]) * 1024;
}

/** Fields of /proc/<pid>/stat from the third on: the second, the command, may hold blanks and brackets. */
function statFields(pid: number): string[] | undefined {
  const text = readProc(`/proc/${pid}/stat`);
  return text === undefined ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}
