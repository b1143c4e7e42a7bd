// The end of a log file, for an error message.
import { readFileSync } from 'node:fs';
import { isErrno } from './errno.ts';

const LINES = 15;

/** The last lines of a log; empty where it does not exist. */
export function logTail(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LINES).join('\n');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  }
}
