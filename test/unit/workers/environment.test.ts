import { describe, expect, it } from 'vitest';
import { SettingsProblem, workerSettings } from '../../../workers/environment.ts';

describe('workerSettings', () => {
  it('U1: a region is enough; metrics are off, Route 53 gets four of its five calls a second', () => {
    expect(workerSettings({ AWS_REGION: 'eu-west-2' })).toEqual({ region: 'eu-west-2', logLevel: 'info', metricsAddress: undefined, workerBuildId: undefined, manifestMirror: undefined, environments: undefined, route53CallsPerSecond: 4 });
  });

  it('U1: an empty variable counts as not set', () => { expect(workerSettings({ AWS_REGION: 'eu-west-2', GOLDENPATH_LOG_LEVEL: '', GOLDENPATH_WORKER_BUILD_ID: '' }).logLevel).toBe('info'); });

  it.each([['9464', '127.0.0.1:9464'], ['0.0.0.0:9464', '0.0.0.0:9464'], ['[::1]:9464', '[::1]:9464']])('G1: metrics at %s are bound to %s', (given, bound) => {
    expect(workerSettings({ AWS_REGION: 'eu-west-2', GOLDENPATH_METRICS_ADDRESS: given }).metricsAddress).toBe(bound);
  });

  it('F5: every problem is named at once, by its variable', () => {
    const read = () => workerSettings({ GOLDENPATH_LOG_LEVEL: 'loud', GOLDENPATH_ROUTE53_CALLS_PER_SECOND: '9', GOLDENPATH_WORKER_BUILD_ID: 'a b' });
    expect(read).toThrow(SettingsProblem);
    expect(read).toThrow(/AWS_REGION[\s\S]*GOLDENPATH_LOG_LEVEL[\s\S]*GOLDENPATH_WORKER_BUILD_ID[\s\S]*GOLDENPATH_ROUTE53_CALLS_PER_SECOND/);
  });
});
