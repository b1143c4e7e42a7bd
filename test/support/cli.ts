// Runs the command `goldenpath` as a process, as a shell would: exit code, stdout and stderr apart.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '../../client/cli/main.ts');

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Starts the command; `done` resolves when it has ended. No variable of this process but PATH and HOME reaches it. */
export function startCli(args: string[], env: Record<string, string> = {}): { child: ChildProcess; done: Promise<Ran>; output: Ran } {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Ran = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => { output.stdout += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { output.stderr += chunk.toString(); });
  const done = (async () => {
    await once(child, 'close');
    output.code = child.exitCode;
    return output;
  })();
  return { child, done, output };
}

export async function runCli(args: string[], env: Record<string, string> = {}): Promise<Ran> {
  return startCli(args, env).done;
}
