import { describe, expect, it } from 'vitest';
import { exitOfView } from '../../../../client/cli/exit.ts';
import type { RunView } from '../../../../client/watch.ts';
import { newReport, type EndState } from '../../../../domain/report.ts';
import { ephemeralPlan } from '../../../support/plans.ts';

const report = newReport(ephemeralPlan('teardown'), { runId: 'r', requester: 'ana', startedAt: 1 });
const run = {} as RunView['run'];
const ended = (state: EndState) => exitOfView({ run, pending: [], outcome: { status: 'COMPLETED', report: { ...report, state } } });
const failed = (type: string) => exitOfView({ run, pending: [], outcome: { status: 'FAILED', error: { type, message: '' } } });

describe('exitOfView', () => {
  it('U1: a run that goes on by itself has no exit code yet', () => { expect(exitOfView({ run, pending: [], report })).toBeUndefined(); });

  it('U1: a run that waits for a decision ends the command with 3', () => {
    expect(exitOfView({ run, pending: [], report: { ...report, waiting: { stage: 'x', since: 1, reason: '', records: [], answers: ['retry'], approvals: [] } } })).toBe(3);
  });

  it.each([['ready', 0], ['clean', 0], ['clean-with-residue', 1], ['failed', 1]] as const)('X4: a run that ended %s gives %i', (state, code) => { expect(ended(state)).toBe(code); });

  it.each([['InvalidInput', 2], ['AccessDenied', 4], ['PreflightFailed', 5], ['AcceptanceFailed', 5], ['DnsRecordsRemain', 5], ['Aborted', 1], ['DeadlineExceeded', 1], ['TERMINATED', 1]])('T1: a run that failed with %s gives %i', (type, code) => { expect(failed(type)).toBe(code); });

  it('X4: a run that ended without a report did not end well', () => { expect(exitOfView({ run, pending: [], outcome: { status: 'COMPLETED' } })).toBe(1); });
});
