#!/usr/bin/env node
// The command `goldenpath` as a process: what was typed, and the exit code that comes of it (issue 3 § 8).
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

// Compiling what it imports is half of the time that a short command takes. In the user's own folder: what lies in a shared one could be somebody else's code.
enableCompileCache(join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'goldenpath', 'compiled'));
const [{ CommanderError }, { EXIT }, { program }] = await Promise.all([import('commander'), import('./exit.ts'), import('./program.ts')]);

// A reader that has seen enough (`| head`) closes the pipe: that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  await program().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Help that was asked for ends with 0; anything that commander refused is bad input, and it has said so.
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.badInput;
}
