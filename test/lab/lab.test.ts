// Labs themselves: two side by side, every process named with its pid, and nothing left of one that goes down in the middle of a run (issue 3, "The lab").
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LabStatus } from '../../lab/lab.ts';
import { documentOf, eventually, raiseLab, type TestLab } from '../support/lab.ts';

let labs: TestLab[];

beforeAll(async () => {
  labs = [await raiseLab('e2e-one'), await raiseLab('e2e-two')];
});
afterAll(async () => {
  for (const lab of labs) await lab.down();
});

async function statusOf(lab: TestLab): Promise<LabStatus> {
  return documentOf(await lab.cli(['lab', 'status', '-o', 'json'])) as LabStatus;
}

/** Command lines of all processes of this machine that name the folder, by pid. */
async function processesOf(folder: string): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number)) {
    const [command, environment] = await Promise.all(['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => ''))); // it has ended, or is another user's
    if (pid !== process.pid && `${command}${environment}`.includes(folder)) found.set(pid, (command ?? '').replaceAll('\0', ' ').slice(0, 120));
  }
  return found;
}

test('two labs at once have different ports, folders and processes', async () => {
  const statuses = await Promise.all(labs.map((lab) => statusOf(lab)));
  const endpoints = statuses.flatMap(({ endpoints: of }) => Object.values(of ?? {}).map((address) => new URL(address.includes('://') ? address : `tcp://${address}`).port));
  expect(endpoints).toHaveLength(8);
  expect(new Set(endpoints).size).toBe(8);
  expect(new Set(statuses.map(({ folder }) => folder)).size).toBe(2);
  const pids = statuses.flatMap(({ processes }) => processes.map(({ pid }) => pid));
  expect(new Set(pids).size).toBe(pids.length);
  for (const { processes } of statuses) expect(processes.map(({ name }) => name).toSorted()).toEqual(['daemon', 'etcd', 'moto', 'temporal', 'worker']); // the servers start at once, in no order
});

test('a lab that goes down in the middle of a bootstrap leaves no process and no file; the other is not touched', async () => {
  const [one, two] = labs;
  if (one === undefined || two === undefined) throw new Error('there are two labs');
  expect((await one.cli(['bootstrap', '--env', 'dev', '--build-id', '21-11-26-01', '--detach'])).exit).toBe(0);
  await eventually('Argo CD to run as processes', 240, async () => ((await statusOf(one)).processes.some(({ name }) => name.includes('argocd-application-controller')) ? true : undefined));
  const { folder, processes } = await statusOf(one);
  expect(processes.length).toBeGreaterThan(10);
  const running = await processesOf(folder);
  expect([...running.keys()].filter((pid) => processes.every((named) => named.pid !== pid)).map((pid) => running.get(pid))).toEqual([]);

  await one.down();

  labs = [two];
  expect(processes.filter(({ pid }) => running.has(pid) && isAlive(pid)).map(({ name }) => name)).toEqual([]);
  expect([...(await processesOf(folder)).values()]).toEqual([]);
  expect(await readdir(join(folder, '..'))).not.toContain('e2e-one');
  const survivor = await statusOf(two);
  expect(survivor.state).toBe('ready');
  expect(survivor.processes.map(({ restarts }) => restarts)).toEqual([0, 0, 0, 0, 0]);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
