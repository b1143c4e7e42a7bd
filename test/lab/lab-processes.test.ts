// A lab as a person has it: reachable by its variables, robbed of its processes, its daemon killed, and gone without a trace (issue, "Seen to be done").
import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { environmentSchema } from '../../domain/environment.ts';
import { LabProblem, labDown, labEnv, labStatus, labUp } from '../../lab/lab.ts';
import type { LabStatus } from '../../lab/lab.ts';
import { processStartTime } from '../../lab/process-identity.ts';

const WAIT = { timeout: 60_000, interval: 200 };
const before = process.env['TMPDIR'];
let folder: string;
let lab: LabStatus;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gp-labs-'));
  process.env['TMPDIR'] = folder; // a folder of labs of its own, so that it can be seen to be empty afterwards
  lab = await labUp({ name: 'one', timeScale: 60 });
});

afterAll(async () => {
  await labDown({ name: 'one' });
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  await rm(folder, { recursive: true, force: true });
});

function pidOf(name: string): number {
  return lab.processes.find((entry) => entry.name === name)?.pid ?? 0;
}

test('Lab: what is up is named with its pid and its memory', () => {
  expect(lab).toMatchObject({ name: 'one', state: 'ready', timeScale: 60 });
  expect(lab.processes.every(({ pid }) => processStartTime(pid) !== undefined)).toBe(true);
  expect(lab.memoryBytes).toBeGreaterThan(200e6);
  expect(lab.memoryBytes).toBeLessThan(1.2e9);
});

test('Lab: its variables lead unmodified clients to its AWS and its Temporal', async () => {
  const env = await labEnv({ name: 'one' });
  expect(env).toMatchObject({ AWS_REGION: 'eu-west-2', AWS_DEFAULT_REGION: 'eu-west-2', GOLDENPATH_LAB: 'one' });
  expect(env['PATH']?.split(':')[0]).toBe(join(lab.folder, 'bin'));

  const sts = new STSClient({ endpoint: env['AWS_ENDPOINT_URL_STS'] ?? '', region: env['AWS_REGION'] ?? '', credentials: { accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '' } });
  expect((await sts.send(new GetCallerIdentityCommand())).Account).toBe('111122223333');
  const shell = (command: string) => execFileSync('/bin/sh', ['-c', command], { env: { ...process.env, ...env }, encoding: 'utf8' });
  expect(shell('command -v kubectl').trim()).toBe(join(lab.folder, 'bin', 'kubectl'));
  expect(shell('temporal operator search-attribute list')).toMatch(/GoldenpathCluster\s+Keyword/);
  expect((await fetch(env['GOLDENPATH_UI'] ?? '')).status).toBe(200);
});

test('B2: its approvers have keys: private ones for people, where its variables say, public ones in its environment files', async () => {
  const env = await labEnv({ name: 'one' });
  expect(env['GOLDENPATH_KEYS']).toBe(join(lab.folder, 'keys'));
  for (const environment of ['dev', 'staging', 'prod']) {
    const { breakGlass } = environmentSchema.parse(parse(await readFile(join(env['GOLDENPATH_ENVIRONMENTS'] ?? '', `${environment}.yaml`), 'utf8')));
    const own = await Promise.all(breakGlass.approvers.map(async ({ name }) => ({ name, publicKey: createPublicKey(await readFile(join(lab.folder, 'keys', `${name}.key`))).export({ type: 'spki', format: 'der' }).toString('base64') })));
    expect(own.map(({ name }) => name)).toEqual(['alice', 'bob', 'carol']);
    expect(breakGlass.approvers).toEqual(own);
  }
});

test('Lab: raising it again changes nothing, with other settings it is refused', async () => {
  const again = await labUp({ name: 'one', timeScale: 60 });
  expect(again.processes).toContainEqual(expect.objectContaining({ name: 'daemon', pid: pidOf('daemon') }));

  await expect(labUp({ name: 'one', timeScale: 10 })).rejects.toThrow('lab one is already up (ready, time scale 60, late sweeps off), asked for was time scale 10, late sweeps off; end it with: goldenpath lab down --name one');
});

test.each(['worker', 'temporal', 'etcd'])('Lab: %s comes back when it is killed', async (name) => {
  process.kill(pidOf(name), 'SIGKILL');

  const restarts = async () => (await labStatus({ name: 'one' })).processes.find((entry) => entry.name === name)?.restarts;
  await expect.poll(restarts, WAIT).toBe(1);
});

test('Lab: when its daemon is killed nothing goes on, and down clears up', async () => {
  const { processes } = await labStatus({ name: 'one' });
  process.kill(pidOf('daemon'), 'SIGKILL');

  await expect.poll(() => processes.filter(({ pid }) => processStartTime(pid) !== undefined).map(({ name }) => name), WAIT).toEqual([]);
  expect((await labStatus({ name: 'one' })).state).toBe('dead');
  await expect(labEnv({ name: 'one' })).rejects.toThrow(LabProblem);

  expect(await labDown({ name: 'one' })).toBe(true);
  expect(await readdir(folder)).toEqual([]);
  expect((await labStatus({ name: 'one' })).state).toBe('absent');
  expect(await labDown({ name: 'one' })).toBe(false);
});

test('Lab: a name that would leave the folder of labs is refused', async () => {
  await expect(labUp({ name: '../one' })).rejects.toThrow('must be lower-case letters, digits and hyphens');
  await expect(labUp({ name: 'one', timeScale: 0.5 })).rejects.toThrow('time scale must be at least 1');
});
