import { MockActivityEnvironment } from '@temporalio/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { whileHeartbeating } from '../../../activities/heartbeat.ts';

test('decision 1: a slow activity beats several times within its heartbeat time-out, and no more once it has ended', async () => {
  const environment = new MockActivityEnvironment({ heartbeatTimeoutMs: 80 });
  let beats = 0;
  environment.on('heartbeat', () => { beats += 1; });
  expect(await environment.run(whileHeartbeating(async (input: number) => { await sleep(200); return input; }), 7)).toBe(7);
  const during = beats;
  expect(during).toBeGreaterThanOrEqual(4);
  await sleep(100);
  expect(beats).toBe(during);
});

test('decision 1: an activity without a heartbeat time-out does not beat', async () => {
  const environment = new MockActivityEnvironment();
  let beats = 0;
  environment.on('heartbeat', () => { beats += 1; });
  await environment.run(whileHeartbeating(async () => { await sleep(50); }), undefined);
  expect(beats).toBe(0);
});
