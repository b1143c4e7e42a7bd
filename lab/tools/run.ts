// Runs a build command to its end and keeps what it said, for the error message.
import { spawn } from 'node:child_process';

/** Lines of output that a failed command's error shows. */
const TAIL_LINES = 25;

/** A command ended badly; the message holds its last lines. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/**
 * Runs a program and returns its standard output.
 * Throws CommandFailed with the last lines of both streams when it ends with another code than 0, or does not exist.
 */
export async function run(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let all = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    all += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    all += text;
  });
  child.on('error', (error) => {
    reject(new CommandFailed(`${file} cannot be started: ${error.message}`, { cause: error }));
  });
  child.on('close', (code, signal) => {
    if (code === 0) resolve(out);
    else reject(new CommandFailed(`${file} ${args.join(' ')} ended with ${code ?? signal}:\n${tail(all)}`));
  });
  return promise;
}

function tail(text: string): string {
  return text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}
