import { describe, expect, it } from 'vitest';
import { interruptionProblem } from '../../../domain/interruption.ts';
import { ownTeardown } from '../../../domain/own-teardown.ts';
import { leftStanding, newReport, type RunReport } from '../../../domain/report.ts';
import type { BootstrapRequest } from '../../../domain/request.ts';
import { ephemeralPlan, persistentPlan } from '../../support/plans.ts';

const plan = ephemeralPlan();
const request: BootstrapRequest = { environment: 'dev', lifecycle: 'ephemeral', buildId: '21-11-26-01', requester: 'ci', onFailure: 'teardown', commit: 'abc' };

/** A bootstrap that failed at this stage; all before it are done. */
function failedAt(id: string, of = plan): RunReport {
  const report = newReport(of, { runId: 'r1', requester: 'ci', startedAt: 0 });
  const at = report.stages.findIndex((stage) => stage.id === id);
  const stages = report.stages.map((stage, index): RunReport['stages'][number] => (index > at ? stage : { ...stage, attempts: 1, status: index === at ? 'failed' : 'done', ...(index === at ? { error: { type: 'AcceptanceFailed', message: 'no address', problems: [] } } : {}) }));
  return { ...report, state: 'failed', stages };
}

describe('ownTeardown', () => {
  it('U1: a bootstrap that came to create something goes on as the teardown of its own platform, with the reason', () => {
    for (const id of ['cluster', 'tier-0', 'tier-1.5', 'receipt']) {
      const next = ownTeardown(plan, request, failedAt(id));
      expect(next?.request).toEqual({ environment: 'dev', lifecycle: 'ephemeral', buildId: '21-11-26-01', requester: 'ci', commit: 'abc', onFailure: 'wait', reason: `the bootstrap (run r1) failed at stage ${id}: no address, and was asked to tear down what it made` });
      expect(next === undefined ? 'none' : interruptionProblem(plan, next)).toBeUndefined(); // as good as one that a person asks for
    }
  });

  it('F5, U1: what was refused before it created anything is left alone: the platform of that build id may be somebody else’s', () => {
    for (const id of ['foundation', 'claim']) expect(ownTeardown(plan, request, failedAt(id))).toBeUndefined();
  });

  it('U1: told to fail or to wait, nothing is torn down', () => {
    for (const onFailure of ['fail', 'wait'] as const) expect(ownTeardown(plan, { ...request, onFailure }, failedAt('cluster'))).toBeUndefined();
  });

  it('U1: no persistent platform tears itself down, however its workflow was started', () => {
    const persistent = persistentPlan();
    const failed = failedAt('tier-2', persistent);
    expect(ownTeardown(persistent, { ...request, lifecycle: 'persistent', buildId: null }, failed)).toBeUndefined();
    expect(ownTeardown(persistent, request, failed)).toBeUndefined(); // nor does a request that names another platform
  });

  it('U1: what it left standing is no longer for a person to remove', () => {
    expect(leftStanding(failedAt('tier-0'))).toHaveLength(2);
    expect(leftStanding({ ...failedAt('tier-0'), teardown: { workflowId: 'w', planHash: 'h' } })).toEqual([]);
  });
});
