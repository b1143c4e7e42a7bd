import { describe, expect, it } from 'vitest';
import { exitOfView } from '../../../../client/cli/exit.ts';
import type { RunView } from '../../../../client/watch.ts';
import { claimsFor, makeDecisionRequest } from '../../../../domain/break-glass.ts';
import { type EndState, newReport, type RunReport, type Waiting } from '../../../../domain/report.ts';
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

  it('U1, B1: one that was answered and still puts the answer on record goes on by itself', () => {
    const plan = ephemeralPlan('teardown');
    const request = makeDecisionRequest(plan, { runId: 'r', requester: 'ana', gate: 'x', subject: [], decisions: ['wait', 'abort'], sequence: 1, now: 1 });
    const approval = { claims: claimsFor(request, { decision: 'wait', approver: 'bob', reason: 'slow', ticket: 'OPS-1' }), at: 3 };
    const waiting: Waiting = { stage: 'x', since: 2, reason: '', records: [], answers: ['retry'], request, approvals: [] };
    const exit = (changes: Partial<RunReport>) => exitOfView({ run, pending: [], report: { ...report, waiting, ...changes } });
    const answer = { stage: 'x', decision: 'retry' as const, by: 'ana', reason: '', at: 2 };
    expect([exit({}), exit({ decisions: [{ ...answer, at: 1 }] }), exit({ decisions: [{ ...answer, decision: 'wait' }] })]).toEqual([3, 3, 3]);
    expect([exit({ waiting: { ...waiting, approvals: [approval] } }), exit({ decisions: [answer] })]).toEqual([undefined, undefined]);
    expect(exit({ waiting: { ...waiting, request: { ...request, approvals: 2 }, approvals: [approval] } })).toBe(3);
  });

  it.each([['ready', 0], ['clean', 0], ['clean-with-residue', 1], ['failed', 1]] as const)('X4: a run that ended %s gives %i', (state, code) => { expect(ended(state)).toBe(code); });

  it.each([['InvalidInput', 2], ['AccessDenied', 4], ['PreflightFailed', 5], ['AcceptanceFailed', 5], ['DnsRecordsRemain', 5], ['Aborted', 1], ['DeadlineExceeded', 1], ['TERMINATED', 1]])('T1: a run that failed with %s gives %i', (type, code) => { expect(failed(type)).toBe(code); });

  it('X4: a run that ended without a report did not end well', () => { expect(exitOfView({ run, pending: [], outcome: { status: 'COMPLETED' } })).toBe(1); });
});
