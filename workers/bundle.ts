// The workflow bundle: built ahead by `node workers/bundle.ts`, and at a worker's start where it is missing or of other sources (issue 3 § 7).
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundleWorkflowCode } from '@temporalio/worker';

const ROOT = resolve(import.meta.dirname, '..');
export const BUNDLE_PATH = join(ROOT, 'build', 'workflow-bundle.js');
/** Folders whose code runs inside workflows. */
const SOURCES = ['domain', 'workflows'];
const HASH_LENGTH = 64;

/**
 * The path of a bundle of the sources as they are now; builds it where there is none, in a process of its own: webpack's
 * memory (some 170 MB) would stay with the worker. Takes some 3 s when it builds, 20 ms when not.
 */
export async function ensureBundle(): Promise<string> {
  if ((await readMarker()) !== (await sourcesMarker())) await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url)]);
  return BUNDLE_PATH;
}

/** Builds the bundle whatever is there, and gives its path. */
export async function buildBundle(): Promise<string> {
  const marker = await sourcesMarker();
  const { code } = await bundleWorkflowCode({ workflowsPath: join(ROOT, 'workflows', 'index.ts'), logger: silent });
  await mkdir(dirname(BUNDLE_PATH), { recursive: true });
  const partial = `${BUNDLE_PATH}.${process.pid}`;
  await writeFile(partial, `${marker}${code}`); // on the first line, so that the source map's lines stay right
  await rename(partial, BUNDLE_PATH); // whole or not at all: two workers may start at once
  return BUNDLE_PATH;
}

/** A comment with the hash of everything that goes into the bundle: content, not time stamps, which a checkout changes. */
async function sourcesMarker(): Promise<string> {
  const hash = createHash('sha256');
  const sdk: unknown = createRequire(import.meta.url)('@temporalio/worker/package.json');
  hash.update(JSON.stringify(sdk));
  hash.update(await readFile(join(ROOT, 'package-lock.json')));
  for (const folder of SOURCES) {
    const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts')).map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.toSorted()) hash.update(`${relative(ROOT, file)}\0`).update(await readFile(file)).update('\0');
  }
  return markerOf(hash.digest('hex'));
}

function markerOf(hash: string): string {
  return `/* sources ${hash} */ `;
}

async function readMarker(): Promise<string | undefined> {
  try {
    await using file = await open(BUNDLE_PATH);
    const { length } = markerOf('0'.repeat(HASH_LENGTH));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** webpack's own report is of no use to anyone who runs a worker; its errors are thrown. */
const silent = { log: () => {}, trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

if (import.meta.main) {
  const begun = performance.now();
  const path = await buildBundle();
  process.stderr.write(`built ${relative(process.cwd(), path)} in ${Math.round(performance.now() - begun)} ms\n`);
}
