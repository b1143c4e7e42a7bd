// The lab's tools: pinned once, built once, by one process at a time; a failed build says why (issue, item 5).
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processStartTime } from '../../../../lab/process-identity.ts';
import { buildBinary, cacheFolder } from '../../../../lab/tools/go.ts';
import { withLock } from '../../../../lab/tools/lock.ts';
import { MANIFEST_MODULES, PINS } from '../../../../lab/tools/pins.ts';
import type { Pin } from '../../../../lab/tools/pins.ts';
import { toolVariable } from '../../../../lab/tools.ts';

const MODULES = resolve(import.meta.dirname, '../../../../tools');
const PATH = process.env['PATH'];
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gp-tools-'));
});

afterEach(async () => {
  process.env['PATH'] = PATH;
  await rm(dir, { recursive: true, force: true });
});

async function pinOf(name: string): Promise<Pin> {
  const pin = PINS.find((candidate) => candidate.name === name);
  if (pin === undefined) throw new Error(`no pin ${name}`);
  return pin;
}

test.each(PINS.map((pin) => [pin.name, pin] as const))('G1: %s is recognised on PATH only in the version that its go.mod requires', async (_name, { module, version: { prints } }) => {
  const goMod = await readFile(join(MODULES, module, 'go.mod'), 'utf8');
  const required = [...goMod.matchAll(/^\s*(?:require )?(\S+) v(\d\S*)/gm)].map(([, path = '', version = '']) => `${path} ${version}`);
  const literal = /\d+\\\.\d+\\\.\d+/g;

  const versions = [...prints.source.matchAll(literal)].map(([text]) => text.replaceAll('\\', ''));
  expect(versions.length).toBeGreaterThan(0);
  for (const version of versions) expect(required.some((entry) => entry.endsWith(` ${version}`))).toBe(true);
  expect(goMod).toContain('\ntool ');
});

test.each(Object.values(MANIFEST_MODULES))('G1: the manifests of $path come from a version that go.mod pins', async ({ module, path }) => {
  const goMod = await readFile(join(MODULES, module, 'go.mod'), 'utf8');

  expect(goMod).toMatch(new RegExp(`^\\s*(?:require )?${path} v\\d`, 'm'));
});

test('Lab: the folder of a binary changes with its module and its flags, and with nothing else', async () => {
  const kubectl = await pinOf('kubectl');
  const modules = join(dir, 'tools');
  await mkdir(join(modules, 'kubernetes'), { recursive: true });
  const write = (sum: string) => Promise.all([writeFile(join(modules, 'kubernetes', 'go.mod'), 'module x'), writeFile(join(modules, 'kubernetes', 'go.sum'), sum)]);
  await write('one');
  const first = await cacheFolder(kubectl, modules);

  expect(first).toMatch(/^kubectl-[0-9a-f]{16}$/);
  expect(await cacheFolder(kubectl, modules)).toBe(first);
  expect(await cacheFolder({ ...kubectl, ldflags: '' }, modules)).not.toBe(first);
  await write('two');
  expect(await cacheFolder(kubectl, modules)).not.toBe(first);
});

test('Lab: a build that fails shows the last lines of the compiler and leaves nothing half made', async () => {
  await fakeGo('for line in $(seq 1 40); do echo "line $line" >&2; done; echo "undefined: frobnicate" >&2; exit 1');
  const lines: string[] = [];
  const build = buildBinary({ pin: await pinOf('etcd'), modules: MODULES, folder: join(dir, 'cache', 'etcd-1'), position: '(2/10)', onProgress: (line) => lines.push(line) });

  await expect(build).rejects.toThrow(/ended with 1:\nline 17\n[^]*line 40\nundefined: frobnicate$/);
  expect(lines).toEqual(['building etcd (2/10)']);
  expect(await readdir(join(dir, 'cache'))).toEqual([]);
});

test('Lab: a finished build is in its place, and the time it took is told', async () => {
  await fakeGo('while [ "$1" != "-o" ]; do shift; done; echo binary > "$2"');
  const lines: string[] = [];
  await buildBinary({ pin: await pinOf('etcd'), modules: MODULES, folder: join(dir, 'cache', 'etcd-1'), position: '(2/10)', onProgress: (line) => lines.push(line) });

  expect(await readFile(join(dir, 'cache', 'etcd-1', 'etcd'), 'utf8')).toBe('binary\n');
  expect(await readdir(join(dir, 'cache'))).toEqual(['etcd-1']);
  expect(lines.at(-1)).toMatch(/^built etcd \(2\/10\) in \d+ s$/);
});

test('Lab: of two that build at once the second waits and is told for whom', async () => {
  const lock = join(dir, '.lock');
  const order: string[] = [];
  const waited: number[] = [];
  const first = withLock(lock, () => {}, async () => {
    await sleep(50);
    order.push('first');
  });
  const second = withLock(lock, (pid) => waited.push(pid), async () => {
    order.push('second');
  });
  await Promise.all([first, second]);

  expect(order).toEqual(['first', 'second']);
  expect(waited).toEqual([process.pid]);
  expect(await readdir(dir)).toEqual([]);
});

test.each([
  ['a process that is dead', JSON.stringify({ pid: 4_194_303, startTime: '1' })],
  ['a process that has the pid of an earlier one', JSON.stringify({ pid: process.pid, startTime: '1' })],
  ['nobody, because it was cut off', '{"pid":'],
])('Lab: the lock of %s is not in the way', async (_owner, content) => {
  await writeFile(join(dir, '.lock'), content);
  await utimes(join(dir, '.lock'), new Date(0), new Date(0));
  expect(processStartTime(process.pid)).not.toBe('1');

  expect(await withLock(join(dir, '.lock'), () => {}, async () => 'built')).toBe('built');
});

test('Lab: a lock is let go when the work fails', async () => {
  const failing = withLock(join(dir, '.lock'), () => {}, async () => {
    throw new Error('no compiler');
  });

  await expect(failing).rejects.toThrow('no compiler');
  expect(await readdir(dir)).toEqual([]);
});

test('Lab: a binary is named by an environment variable of its own', () => {
  expect(PINS.map(({ name }) => toolVariable(name))).toContain('GOLDENPATH_TOOL_KUBE_APISERVER');
  expect(new Set(PINS.map(({ name }) => toolVariable(name))).size).toBe(PINS.length);
});

/** A `go` that does what the script says, first on PATH. */
async function fakeGo(script: string): Promise<void> {
  const bin = join(dir, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'go'), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, 'go'), 0o755);
  process.env['PATH'] = `${bin}:${PATH ?? ''}`;
}
