import { describe, expect, it } from 'vitest';
import { eventSchema, eventsBetween } from '../../../client/events.ts';
import type { RunView } from '../../../client/watch.ts';
import { claimsFor, makeDecisionRequest } from '../../../domain/break-glass.ts';
import { newReport, type RunReport, type StageReport, type Waiting } from '../../../domain/report.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const plan = ephemeralPlan('teardown');
const run: RunView['run'] = { workflowId: plan.target.workflowId, runId: 'r1', operation: 'teardown', status: 'RUNNING', environment: 'dev', cluster: plan.target.cluster, lifecycle: 'ephemeral', phase: 'inventory', tier: null, tornDownByItself: false, gate: null, requester: 'ana', startedAt: 1, endedAt: null };

function reportWith(stage: Partial<StageReport>, rest: Partial<RunReport> = {}): RunReport {
  const report = newReport(plan, { runId: 'r1', requester: 'ana', startedAt: 1 });
  return { ...report, ...rest, stages: report.stages.map((entry, index) => (index === 0 ? { ...entry, ...stage } : entry)) };
}
const view = (report: RunReport | undefined, rest: Partial<RunView> = {}): RunView => ({ run, pending: [], ...(report === undefined ? {} : { report }), ...rest });
const kinds = (before: RunView | undefined, after: RunView) => eventsBetween(before, after, 5, 0).map(({ event }) => event);

describe('eventsBetween', () => {
  const running = view(reportWith({ status: 'running', attempts: 1, startedAt: 2 }));

  it('U1: the first view names the run, then the stage it is at', () => { expect(kinds(undefined, running)).toEqual(['run', 'stage']); });

  it('U1: a view that says nothing new is no event', () => { expect(kinds(running, running)).toEqual([]); });

  it('U1: a stage that is done says how long it took and what was seen', () => {
    const done = view(reportWith({ status: 'done', attempts: 1, startedAt: 2, endedAt: 9, evidence: ['seen'] }));
    expect(eventsBetween(running, done, 5, 0)).toMatchObject([{ event: 'stage', stage: 'inventory', status: 'done', durationMs: 7, evidence: ['seen'] }]);
  });

  it('U1: a second attempt of the same stage is an event', () => {
    const again = view(reportWith({ status: 'running', attempts: 2, startedAt: 2 }));
    expect(eventsBetween(running, again, 5, 0)).toMatchObject([{ event: 'stage', attempt: 2 }]);
  });

  it('U1: what is awaited is told when its words change, not with each attempt', () => {
    const pending = (attempt: number, says: string) => ({ ...running, pending: [{ activity: 'probeCluster', attempt, says }] });
    expect(kinds(running, pending(1, 'CREATING'))).toEqual(['awaits']);
    expect(kinds(pending(1, 'CREATING'), pending(2, 'CREATING'))).toEqual([]);
    expect(kinds(pending(2, 'CREATING'), pending(3, 'ACTIVE'))).toEqual(['awaits']);
  });

  it('X2: a run that waits names its stage, the records in the way and the answers, once', () => {
    const waiting = { stage: 'inventory', since: 7, reason: 'records remain', records: [], answers: ['retry' as const, 'abort' as const], approvals: [] };
    const blocked = view(reportWith({ status: 'waiting', attempts: 1 }, { state: 'waiting', waiting }));
    expect(kinds(running, blocked)).toEqual(['stage', 'decision-needed']);
    expect(kinds(blocked, blocked)).toEqual([]);
    expect(kinds(blocked, view(reportWith({ status: 'waiting', attempts: 2 }, { state: 'waiting', waiting: { ...waiting, since: 8 } })))).toEqual(['stage', 'decision-needed']);
  });

  it('B1: a run that asks approvers carries the request, and says so again when someone answered or the request ended', () => {
    const request = makeDecisionRequest(plan, { runId: 'r1', requester: 'ana', gate: 'inventory', subject: ['a.x A 192.0.2.1'], decisions: ['wait', 'abort'], sequence: 1, now: 5 });
    const approval = { claims: claimsFor(request, { decision: 'wait', approver: 'bob', reason: 'slow', ticket: 'OPS-1' }), at: 6 };
    const waiting = { stage: 'inventory', since: 7, reason: 'records remain', records: [], answers: ['retry' as const], approvals: [] };
    const at = (changes: Partial<Waiting>) => view(reportWith({ status: 'waiting', attempts: 1 }, { state: 'waiting', waiting: { ...waiting, ...changes } }));
    const events = eventsBetween(at({}), at({ request }), 5, 3);
    expect(events).toMatchObject([{ event: 'decision-needed', request, approvals: [] }]);
    expect(eventSchema.parse(JSON.parse(JSON.stringify(events[0])))).toEqual(events[0]);
    expect(eventsBetween(at({ request }), at({ request, approvals: [approval] }), 5, 3)).toMatchObject([{ event: 'decision-needed', approvals: [approval] }]);
    expect(kinds(at({ request }), at({ request }))).toEqual([]);
    expect(eventsBetween(at({ request }), at({ reminded: true }), 5, 3)[0]).not.toHaveProperty('request');
  });

  it('B2: a decision is told with who made it', () => {
    const decided = view(reportWith({ status: 'running', attempts: 1 }, { decisions: [{ stage: 'inventory', decision: 'retry', by: 'ben', reason: 'mended', at: 3 }] }));
    expect(eventsBetween(running, decided, 5, 0)).toMatchObject([{ event: 'decision', by: 'ben', reason: 'mended' }]);
  });

  it('U1: silence is told once, and its end', () => {
    const silent = { ...running, silent: 'worker' as const };
    expect(eventsBetween(running, silent, 5, 0)).toMatchObject([{ event: 'silent', who: 'worker' }]);
    expect(kinds(silent, silent)).toEqual([]);
    expect(eventsBetween(silent, running, 5, 0)).toMatchObject([{ event: 'silent', who: 'none' }]);
  });

  it('X4: the end carries status, state, exit code and report', () => {
    const report = reportWith({ status: 'failed' }, { state: 'failed' });
    const ended = view(report, { outcome: { status: 'FAILED', report, error: { type: 'AccessDenied', message: 'no' } } });
    expect(eventsBetween(view(report), ended, 5, 4)).toMatchObject([{ event: 'end', status: 'FAILED', state: 'failed', exitCode: 4, error: { type: 'AccessDenied' } }]);
  });

  it('X6: a run that goes on under another run id begins anew', () => {
    const next = { ...running, run: { ...run, runId: 'r2' } };
    expect(kinds(running, next)).toEqual(['run', 'stage']);
  });

  it('U1: every event fits the published schema, version 1', () => {
    const views = [undefined, running, { ...running, silent: 'server' as const, pending: [{ activity: 'a', attempt: 1 }] }, view(reportWith({ status: 'failed', error: { type: 'NotOwned', message: 'm', problems: ['p'] } }), { outcome: { status: 'FAILED' } })];
    const events = views.flatMap((after, index) => (after === undefined ? [] : eventsBetween(views[index - 1], after, 5, 1)));
    expect(events.map(({ event }) => event)).toEqual(['run', 'stage', 'silent', 'awaits', 'silent', 'stage', 'end']);
    for (const event of events) expect(eventSchema.parse(JSON.parse(JSON.stringify(event))).schema).toBe(1);
  });
});
