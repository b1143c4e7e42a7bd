import { MockActivityEnvironment } from '@temporalio/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { whileHeartbeating } from '../../../activities/heartbeat.ts';

test('decision 1: a slow activity beats again and again, and no more once it has ended', async () => {
  const environment = new MockActivityEnvironment({ heartbeatTimeoutMs: 80 });
  let beats = 0;
  environment.on('heartbeat', () => { beats += 1; });
  // Ends when it has beaten four times: on a busy machine that takes longer, and a beat that never comes ends the test.
  const slow = async (input: number) => { await expect.poll(() => beats, { timeout: 10_000, interval: 5 }).toBeGreaterThanOrEqual(4); return input; };
  expect(await environment.run(whileHeartbeating(slow), 7)).toBe(7);
  const during = beats;
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
