import { describe, expect, it } from 'vitest';
import { askedLines, outcomeLines, sayingLine, visible, waitingLines } from '../../../../client/cli/render-decisions.ts';
import { type Approval, claimsFor, type Decision, makeDecisionRequest } from '../../../../domain/break-glass.ts';
import { newReport, type RunReport, type Waiting } from '../../../../domain/report.ts';
import { ephemeralPlan, environment } from '../../../support/plans.ts';

const plain = (_: string, text: string) => text;
const now = Date.parse('2026-11-21T10:00:00Z');
const plan = ephemeralPlan('teardown', '21-11-26-01', { breakGlass: { ...environment().breakGlass, approvals: 2, signatures: 'required' } });
const { workflowId } = plan.target;
const request = makeDecisionRequest(plan, { runId: 'r1', requester: 'ana', gate: 'dns-gate', subject: ['a.x A 192.0.2.1 (owner-txt, owner o) ttl 60', 'b.x TXT "t" (inside-scope, no owner)'], decisions: ['wait', 'repair', 'abort'], sequence: 1, now });
const claims = (approver: string, decision: Decision) => claimsFor(request, { decision, approver, reason: 'it is gone', ticket: 'OPS-1' });
const approval = (approver: string, decision: Decision): Approval => ({ claims: claims(approver, decision), jws: 'a.b.c', at: now });
const base: Waiting = { stage: 'dns-gate', since: now, reason: 'records remain', records: [], answers: ['retry', 'abort'], approvals: [] };
const report = (changes: Partial<Waiting> | undefined): RunReport => ({ ...newReport(plan, { runId: 'r1', requester: 'ana', startedAt: now }), ...(changes === undefined ? {} : { waiting: { ...base, ...changes } }) });

describe('visible', () => {
  it('B1: nothing in a line can move the cursor or hide text from an approver', () => {
    expect(visible('a\u001B[2Kb\u202Ec\u200Bd\ne é')).toBe('a\\u{1b}[2Kb\\u{202e}c\\u{200b}d\\u{a}e é');
  });
});

describe('askedLines', () => {
  it('B1: an approver sees cluster, gate, run, every line, who agreed, how many are needed and until when', () => {
    expect(askedLines({ request, approvals: [approval('bob', 'repair')] }, plain, now)).toEqual([
      `Decision ${request.id} at dns-gate of goldenpath-dev-eks-21-11-26-01`,
      '  environment   dev',
      `  run           ${workflowId}, run r1, asked for by ana`,
      `  plan          ${plan.hash}`,
      '  may decide    wait, repair, abort',
      '  approvals     2 approvers of dev other than ana; signatures required',
      '      ✔ bob said repair at 2026-11-21 10:00:00 UTC: it is gone (OPS-1)',
      '  expires       2026-11-21 14:00:00 UTC, 4 h 00 min left',
      `  about         2 lines, sha256 ${request.subjectHash}`,
      '    a.x A 192.0.2.1 (owner-txt, owner o) ttl 60',
      '    b.x TXT "t" (inside-scope, no owner)',
    ]);
  });

  it('B1: whoever decides sees all lines, however many', () => {
    const many = { ...request, subject: Array.from({ length: 400 }, (_, index) => `record ${index}`) };
    expect(askedLines({ request: many, approvals: [] }, plain, now).filter((line) => line.startsWith('    record '))).toHaveLength(400);
  });

  it('B1: what is about to be said is said in full', () => {
    expect(sayingLine(claims('bob', 'repair'), 'signed with bob.key')).toBe('bob decides repair (delete exactly these records, then go on), signed with bob.key: it is gone (OPS-1)');
  });
});

describe('outcomeLines', () => {
  const outcome = (changes: Partial<Waiting> | undefined, decision: Decision) => outcomeLines(report(changes), { request, claims: claims('bob', decision) });

  it('B1: while approvers are missing it says how many, what they must say and how', () => {
    expect(outcome({ request, approvals: [approval('bob', 'repair')] }, 'repair')).toEqual(['The run took the decision: repair, by bob.', '1 more approver must say repair by 2026-11-21 14:00:00 UTC:', `  goldenpath approve ${workflowId} --decision repair --reason '…' --ticket '…' --key FILE`]);
  });

  it('B1: another decision of another approver does not count for this one', () => {
    expect(outcome({ request, approvals: [approval('carol', 'wait'), approval('bob', 'repair')] }, 'repair')[1]).toContain('1 more approver must say repair');
  });

  it.each([[{ request, approvals: [approval('carol', 'repair'), approval('bob', 'repair')] }], [undefined], [{}]])('B1: what was decided and what happens now (%#)', (waiting) => {
    expect(outcome(waiting, 'repair').slice(1)).toEqual(['It is decided: repair (delete exactly these records, then go on).', `Follow the run with: goldenpath watch ${workflowId}`]);
  });

  it('B1: one approver ends a run', () => {
    expect(outcome({ request, approvals: [approval('bob', 'abort')] }, 'abort')[1]).toContain('It is decided: abort');
  });
});

describe('waitingLines', () => {
  it('U1, B1: a run that asks approvers shows the lines, the request, and each answer ready to be typed', () => {
    expect(waitingLines(report({ request, approvals: [approval('bob', 'repair')] }), plain, now)).toEqual([
      '⏸ The run waits for a decision at stage dns-gate: records remain',
      '    a.x A 192.0.2.1 (owner-txt, owner o) ttl 60',
      '    b.x TXT "t" (inside-scope, no owner)',
      `  Decision ${request.id}: 2 approvers of dev other than ana, signatures required, by 2026-11-21 14:00:00 UTC, 4 h 00 min left`,
      '    ✔ bob said repair at 2026-11-21 10:00:00 UTC: it is gone (OPS-1)',
      '  Approvers answer with one of:',
      `    goldenpath approve ${workflowId} --decision wait --reason '…' --ticket '…' --key FILE`,
      '      look again for as long as before',
      `    goldenpath approve ${workflowId} --decision repair --reason '…' --ticket '…' --key FILE`,
      '      delete exactly these records, then go on',
      `    goldenpath deny ${workflowId} --reason '…' --ticket '…' --key FILE`,
      '      end the run here; one approver is enough',
      '  Without a decision, to look again or to end the run here:',
      `    goldenpath retry ${workflowId} --reason '…'`,
      `    goldenpath abort ${workflowId} --reason '…'`,
    ]);
  });

  it.each([[{ request }, request.expiresAt], [{ reminded: true }, now]])('B1: an expired request says so and leads to retry (%#)', (waiting, at) => {
    const lines = waitingLines(report(waiting), plain, at);
    expect(lines).toContain('  The request for a decision expired: retry looks again and asks anew.');
    expect(lines.join('\n')).not.toContain('goldenpath approve');
    expect(lines.at(-2)).toBe(`    goldenpath retry ${workflowId} --reason '…'`);
  });

  it('B2: the last refusals are shown where the next answer is given', () => {
    const refusals = [1, 2, 3, 4].map((number) => ({ at: now, by: 'ana', reason: `reason ${number}` }));
    expect(waitingLines({ ...report({ request }), refusals }, plain, now).filter((line) => line.includes('✘'))).toEqual([2, 3, 4].map((number) => `    ✘ refused at 2026-11-21 10:00:00 UTC, from ana: reason ${number}`));
  });
});
