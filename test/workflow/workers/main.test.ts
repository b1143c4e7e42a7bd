// The worker as a process against a real Temporal server.
import { status } from '@grpc/grpc-js';
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../../lab/ports.ts';
import { temporalAddress } from '../../support/server.ts';

const MAIN = resolve(import.meta.dirname, '../../../workers/main.ts');

function startWorker(env: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN], { env: { PATH: process.env['PATH'], HOME: process.env['HOME'], AWS_REGION: 'eu-west-2', TEMPORAL_ADDRESS: temporalAddress(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const seen = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => { seen.stdout += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { seen.stderr += chunk.toString(); });
  return { child, seen, ended: once(child, 'close') };
}

test('U1: a worker serves both queues, tells its metrics, and ends with 0 on SIGTERM', async () => {
  const port = await freePort();
  const { child, seen, ended } = startWorker({ GOLDENPATH_METRICS_ADDRESS: String(port) });
  await expect.poll(() => seen.stdout, { timeout: 20_000 }).toContain('worker ready');
  await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), { timeout: 20_000 }).toMatch(/temporal_.*task_queue="goldenpath-route53"/);

  child.kill('SIGTERM');
  await ended;
  expect([child.exitCode, seen.stderr]).toEqual([0, '']);
  const lines = seen.stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as { msg: string });
  expect(lines.at(-1)?.msg).toBe('worker stopped');
});

test('U1: with a build id of its own it is a pinned version of the deployment goldenpath', async () => {
  const { child, seen, ended } = startWorker({ GOLDENPATH_WORKER_BUILD_ID: 'abc123' });
  await expect.poll(() => seen.stdout, { timeout: 20_000 }).toContain('worker ready');
  const connection = await Connection.connect({ address: temporalAddress() });
  try {
    const { workflowService } = new Client({ connection });
    const versions = async () => {
      try {
        const { workerDeploymentInfo } = await workflowService.describeWorkerDeployment({ namespace: 'default', deploymentName: 'goldenpath' });
        return workerDeploymentInfo?.versionSummaries?.map(({ deploymentVersion }) => deploymentVersion?.buildId);
      } catch (error) {
        if (isGrpcServiceError(error) && error.code === status.NOT_FOUND) return []; // not known yet
        throw error;
      }
    };
    await expect.poll(versions, { timeout: 20_000 }).toEqual(['abc123']);
  } finally {
    await connection.close();
    child.kill('SIGTERM');
    await ended;
  }
});

test('U1: where no server answers it says so and ends with 1', async () => {
  const { child, seen, ended } = startWorker({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
  await ended;
  expect(child.exitCode).toBe(1);
  expect(seen.stderr).toContain('No Temporal server answers');
});

test('B1, F5: a worker that cannot read the environment files it is to hold ends with 2 and serves nothing; one that can names them', async () => {
  const broken = startWorker({ GOLDENPATH_ENVIRONMENTS: '/nowhere' });
  await broken.ended;
  expect(broken.child.exitCode).toBe(2);
  expect(broken.seen.stderr).toContain('GOLDENPATH_ENVIRONMENTS (/nowhere): cannot be read (ENOENT)');
  expect(broken.seen.stdout).not.toContain('worker ready');

  const { child, seen, ended } = startWorker({ GOLDENPATH_ENVIRONMENTS: resolve(import.meta.dirname, '../../../environments') });
  await expect.poll(() => seen.stdout, { timeout: 20_000 }).toContain('"environments":["dev","prod","staging"]');
  child.kill('SIGTERM');
  await ended;
});
