// The lab's processes: nothing is left behind, whatever dies first (issue "The lab", item 5).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endLeftOvers } from '../../../lab/process-registry.ts';
import { processStartTime } from '../../../lab/process-identity.ts';
import { NotReady, Supervisor } from '../../../lab/processes.ts';

let dir: string;
let supervisor: Supervisor;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gp-processes-'));
  supervisor = new Supervisor(join(dir, 'processes.json'));
});

afterEach(async () => {
  await supervisor.stopAll();
  await rm(dir, { recursive: true, force: true });
});

function shell(name: string, script: string) {
  return { name, file: '/bin/sh', args: ['-c', script], logFile: join(dir, `${name}.log`) };
}

test('Lab: a process is listed with its pid, and gone after stop', async () => {
  const info = await supervisor.start(shell('sleeper', 'exec sleep 60'));

  expect(supervisor.list()).toMatchObject([{ name: 'sleeper', pid: info.pid, restarts: 0 }]);
  expect(JSON.parse(await readFile(join(dir, 'processes.json'), 'utf8'))).toMatchObject([{ name: 'sleeper', pid: info.pid }]);

  await supervisor.stop('sleeper');
  expect(supervisor.list()).toEqual([]);
  expect(processStartTime(info.pid)).toBeUndefined();
  expect(JSON.parse(await readFile(join(dir, 'processes.json'), 'utf8'))).toEqual([]);
});

test('Lab: a process that ignores SIGTERM is killed after the grace', async () => {
  const stubborn = shell('stubborn', `trap "" TERM; echo armed; while :; do sleep 0.05; done`);
  const info = await supervisor.start({ ...stubborn, ready: async () => (await readFile(stubborn.logFile, 'utf8')).includes('armed') });

  await supervisor.stop('stubborn', 100);

  expect(processStartTime(info.pid)).toBeUndefined();
});

test('Lab: a process that was killed is started again and its restarts are counted', async () => {
  const { pid } = await supervisor.start({ ...shell('worker', 'exec sleep 60'), restart: true });
  process.kill(pid, 'SIGKILL');

  await expect.poll(() => supervisor.list()[0]?.restarts, { timeout: 5000 }).toBe(1);
  expect(supervisor.list()[0]?.pid).not.toBe(pid);
});

test('Lab: a process that ends before it is ready fails the start with the end of its log', async () => {
  const start = supervisor.start({ ...shell('broken', 'echo no such flag >&2; exit 3'), ready: async () => false });

  await expect(start).rejects.toThrow(NotReady);
  await expect(start).rejects.toThrow('no such flag');
  expect(supervisor.list()).toEqual([]);
});

test('Lab: children die with a supervisor that was killed', async () => {
  const script = join(dir, 'parent.ts');
  const source = resolve(import.meta.dirname, '../../../lab/processes.ts');
  await writeFile(
    script,
    `import { Supervisor } from ${JSON.stringify(source)};
     const supervisor = new Supervisor(${JSON.stringify(join(dir, 'other.json'))});
     const info = await supervisor.start({ name: 'child', file: '/bin/sh', args: ['-c', 'echo up; exec sleep 60'], logFile: ${JSON.stringify(join(dir, 'child.log'))},
       ready: async () => (await import('node:fs')).readFileSync(${JSON.stringify(join(dir, 'child.log'))}, 'utf8').includes('up') });
     process.stdout.write(String(info.pid));
     setInterval(() => {}, 1000);`,
  );
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(String(text));
  expect(processStartTime(pid)).toBeDefined();

  parent.kill('SIGKILL');

  await expect.poll(() => processStartTime(pid), { timeout: 5000 }).toBeUndefined();
});

test('Lab: left-overs are ended by their registry, and a pid that is another process by now is spared', async () => {
  const info = await supervisor.start(shell('left', 'exec sleep 60'));
  const other = await supervisor.start(shell('other', 'exec sleep 60'));
  const registry = join(dir, 'dead.json');
  await writeFile(
    registry,
    JSON.stringify([
      { ...info, startTime: processStartTime(info.pid) },
      { ...other, startTime: '1' },
    ]),
  );

  expect(await endLeftOvers(registry)).toEqual(['left']);

  await sleep(50);
  expect(processStartTime(info.pid)).toBeUndefined();
  expect(processStartTime(other.pid)).toBeDefined();
});
