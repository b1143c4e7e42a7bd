// Labs themselves: two side by side, every process named with its pid, and nothing left of one that goes down in the middle of a run (issue 3, "The lab").
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isErrno } from '../../lab/errno.ts';
import type { LabStatus } from '../../lab/lab.ts';
import { processStartTime } from '../../lab/process-identity.ts';
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

/** Command lines of the processes of this machine that name the folder in them or in their environment, by pid. */
async function processesOf(folder: string): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number)) {
    const [command, environment] = await Promise.all([readProc(pid, 'cmdline'), readProc(pid, 'environ')]);
    if (pid !== process.pid && `${command}${environment}`.includes(folder)) found.set(pid, command.replaceAll('\0', ' ').slice(0, 120));
  }
  return found;
}

/** A file of a process; nothing of one that has ended, or is another user's. */
async function readProc(pid: number, file: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES')) return '';
    throw error;
  }
}

/** Whether one of these started the process, or started who did: Argo CD runs git and helm. */
async function descends(pid: number, from: ReadonlySet<number>): Promise<boolean> {
  const stat = await readProc(pid, 'stat');
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  return stat === '' || from.has(parent) || (parent > 1 && descends(parent, from));
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
  const named = new Set(processes.map(({ pid }) => pid));
  const unnamed = [];
  for (const [pid, command] of await processesOf(folder)) if (!named.has(pid) && !(await descends(pid, named))) unnamed.push(command);
  expect(unnamed).toEqual([]);

  await one.down();

  labs = [two];
  expect(processes.filter(({ pid }) => processStartTime(pid) !== undefined).map(({ name }) => name)).toEqual([]);
  expect([...(await processesOf(folder)).values()]).toEqual([]);
  expect(await readdir(dirname(folder))).not.toContain(basename(folder));
  const survivor = await statusOf(two);
  expect(survivor.state).toBe('ready');
  expect(survivor.processes.map(({ restarts }) => restarts)).toEqual([0, 0, 0, 0, 0]);
});
