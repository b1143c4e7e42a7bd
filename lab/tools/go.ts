// Builds the lab's Go binaries into the cache, each once, keyed by what it is made of (design: lab, "Building the binaries").
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Pin } from './pins.ts';
import { run } from './run.ts';

/** How often a running build says that it is still running. */
const STILL_BUILDING_MS = 15_000;

/** Folder in the cache for a binary: it changes with go.mod, go.sum, the flags and the kind of machine. */
export async function cacheFolder(pin: Pin, modules: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(modules, pin.module, file)));
  hash.update(JSON.stringify([buildArgs(pin), process.platform, process.arch]));
  return `${pin.name}-${hash.digest('hex').slice(0, 16)}`;
}

/** Builds one binary into `folder` (renamed into place when it is whole) and says so to `onProgress`. Throws CommandFailed with the compiler's last lines. */
export async function buildBinary(input: {
  readonly pin: Pin;
  readonly modules: string;
  readonly folder: string;
  readonly position: string;
  readonly onProgress: (line: string) => void;
}): Promise<void> {
  const { pin, modules, folder, position, onProgress } = input;
  const partial = `${folder}.partial-${process.pid}`;
  await mkdir(partial, { recursive: true });
  const begun = Date.now();
  const seconds = () => Math.round((Date.now() - begun) / 1000);
  onProgress(`building ${pin.name} ${position}`);
  const ticker = setInterval(() => {
    onProgress(`building ${pin.name} ${position} … ${seconds()} s`);
  }, STILL_BUILDING_MS);
  try {
    await run('go', [...buildArgs(pin), '-o', join(partial, pin.name), pin.package], {
      cwd: join(modules, pin.module),
      env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
    });
    if (!existsSync(folder)) await rename(partial, folder);
  } finally {
    clearInterval(ticker);
    await rm(partial, { recursive: true, force: true });
  }
  onProgress(`built ${pin.name} ${position} in ${seconds()} s`);
}

function buildArgs(pin: Pin): string[] {
  return ['build', '-trimpath', '-buildvcs=false', '-ldflags', `-s -w ${pin.ldflags}`.trim()];
}

const goMod = z.object({ Require: z.array(z.object({ Path: z.string(), Version: z.string() })) });
const download = z.object({ Dir: z.string() });

/**
 * Source folder in Go's module cache of the version of `path` that tools/<module>/go.mod requires; downloads it when it is not there.
 * Throws CommandFailed when it is not to be had, Error when go.mod does not require it.
 */
export async function moduleSource(modules: string, module: string, path: string): Promise<string> {
  const cwd = join(modules, module);
  const file = goMod.parse(JSON.parse(await run('go', ['mod', 'edit', '-json'], { cwd })));
  const version = file.Require.find((require) => require.Path === path)?.Version;
  if (version === undefined) throw new Error(`tools/${module}/go.mod does not require ${path}`);
  const answer = await run('go', ['mod', 'download', '-json', `${path}@${version}`], { cwd, env: { ...process.env, GOWORK: 'off' } });
  return download.parse(JSON.parse(answer)).Dir;
}
