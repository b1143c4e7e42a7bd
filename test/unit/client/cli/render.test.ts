import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { leftLines, pendingLines, planLines, problemLines, receiptLines, recordLines, reportLines, runLines, summaryLines } from '../../../../client/cli/render.ts';
import { waitingLines } from '../../../../client/cli/render-decisions.ts';
import { duration } from '../../../../client/cli/render-words.ts';
import { exportLines } from '../../../../client/cli/lab.ts';
import { newReport, type RunReport } from '../../../../domain/report.ts';
import { ephemeralPlan } from '../../../support/plans.ts';

const plain = (_: string, text: string) => text;
const plan = ephemeralPlan('teardown');
const report = newReport(plan, { runId: 'r', requester: 'ana', startedAt: 1_000 });
const waiting: RunReport = {
  ...report,
  state: 'waiting',
  waiting: { stage: 'dns-gate', since: 1, reason: 'records remain', records: [{ name: 'kong.b-1.dev.example.org', type: 'A', values: ['ALIAS lb'], because: 'owner-txt' }], answers: ['retry', 'abort'], approvals: [] },
};

describe('duration', () => {
  it.each([[0, '0.0 s'], [9_240, '9.2 s'], [59_999, '60.0 s'], [185_000, '3 min 05 s'], [3_725_000, '1 h 02 min']])('U1: %i ms reads %s', (ms, text) => { expect(duration(ms)).toBe(text); });
});

describe('what a person reads', () => {
  it('F5: a problem has its field, what was given, what is allowed and what to do', () => {
    expect(problemLines([{ field: '--env', given: 'x', problem: 'is not an environment', allowed: 'dev', fix: 'choose one' }], plain)).toEqual(['✘ --env x: is not an environment', '    allowed: dev', '    to do:   choose one']);
  });

  it('X6: a bootstrap that was interrupted says by whom, why and where to look on; its teardown says what it took over, and nobody is told to remove what that is removing', () => {
    const bootstrap = newReport(ephemeralPlan(), { runId: 'r', requester: 'ci', startedAt: 1_000 });
    const stages = bootstrap.stages.map((stage) => (stage.id === 'cluster' ? { ...stage, attempts: 1 } : stage));
    const text = summaryLines({ ...bootstrap, stages, state: 'failed', interruption: { by: 'bob', reason: 'the branch is merged', at: 2_000, stage: 'cluster' } }, plain).join('\n');
    expect(text).toContain('interrupted: bob had the platform torn down while the bootstrap was at stage cluster: the branch is merged');
    expect(text).toContain(`goldenpath watch ${bootstrap.workflowId}`);
    expect(text).not.toContain('goldenpath teardown');
    expect(summaryLines({ ...report, state: 'clean', interrupted: 'run-1' }, plain)).toContain('  took over the bootstrap run run-1');
  });

  it('U1: a bootstrap that tears itself down says so and where, and is called failed in a list, where one that was taken over is called interrupted', () => {
    const bootstrap = newReport(ephemeralPlan(), { runId: 'r', requester: 'ci', startedAt: 1_000 });
    const stages = bootstrap.stages.map((stage) => (stage.id === 'cluster' ? { ...stage, attempts: 1 } : stage));
    const text = summaryLines({ ...bootstrap, stages, state: 'failed', teardown: { workflowId: bootstrap.workflowId, planHash: 'h' } }, plain).join('\n');
    expect(text).toContain(`tears itself down: the teardown of what it made follows\n      the teardown: goldenpath watch ${bootstrap.workflowId}`);
    expect(text).not.toContain('goldenpath teardown');
    const row = { workflowId: 'w', runId: 'r', operation: 'bootstrap' as const, status: 'CONTINUED_AS_NEW', environment: 'dev', cluster: 'c', lifecycle: 'ephemeral', phase: 'cluster', tier: '0', gate: null, requester: 'ci', startedAt: 0, endedAt: 1 };
    expect(runLines([{ ...row, tornDownByItself: true }, { ...row, tornDownByItself: false }], plain, 5_000).slice(1)).toEqual([expect.stringMatching(/ failed /), expect.stringMatching(/ interrupted /)]);
  });

  it('F1: the plan lists every stage, component, image, the DNS scope and the hash', () => {
    const text = planLines(plan, plain).join('\n');
    for (const part of [...plan.stages.map(({ title }) => title), ...plan.tiers.flatMap(({ components }) => components.map(({ name }) => name)), ...Object.values(plan.versions.images).map(({ digest }) => digest), plan.target.hostSuffix, plan.hash]) expect(text).toContain(part);
  });

  it('X2: a run that waits lists the records and prints each answer ready to be typed', () => {
    const lines = waitingLines(waiting, plain);
    expect(lines[1]).toBe('    kong.b-1.dev.example.org A ALIAS lb (owner-txt, no owner)');
    expect(lines.slice(-2)).toEqual([`    goldenpath retry ${plan.target.workflowId} --reason '…'`, `    goldenpath abort ${plan.target.workflowId} --reason '…'`]);
  });

  it('X2: more records than a terminal holds are counted', () => {
    const [record] = waiting.waiting?.records ?? [];
    if (record === undefined || waiting.waiting === undefined) throw new Error('no record');
    const many = { ...waiting, waiting: { ...waiting.waiting, records: Array.from({ length: 40 }, () => record) } };
    expect(waitingLines(many, plain)).toContain('    … and 15 more');
  });

  it('X4: what is left behind is named with what to do', () => {
    const lines = summaryLines({ ...report, state: 'clean-with-residue', endedAt: 61_000, residue: [{ kind: 'log group', id: '/aws/eks/x', name: 'x', why: 'came back', whatToDo: 'delete it' }] }, plain);
    expect(lines).toEqual([`Teardown of ${plan.target.cluster}: clean-with-residue after 1 min 00 s`, '  left behind log group /aws/eks/x: came back', '      to do: delete it']);
  });

  it('T1: a failed stage shows its error once, with every finding', () => {
    const failed: RunReport = { ...report, state: 'failed', stages: report.stages.map((stage, index) => (index === 0 ? { ...stage, status: 'failed', error: { type: 'PreflightFailed', message: 'two things', problems: ['a', 'b'] } } : stage)) };
    const text = reportLines(failed, plain);
    expect(text.filter((line) => line.includes('PreflightFailed'))).toEqual(['      PreflightFailed: two things']);
    expect(text).toEqual(expect.arrayContaining(['      - a', '      - b']));
    expect(text).toHaveLength(1 + report.stages.length + 3);
  });

  it('U1: an activity is known by its last word, in one line of bounded length', () => {
    expect(pendingLines([{ activity: 'a', attempt: 1 }, { activity: 'b', attempt: 3, says: 'one\ntwo' }, { activity: 'c', attempt: 1, says: 'x'.repeat(500) }])).toEqual(['a', 'one two', `${'x'.repeat(200)}…`]);
  });

  it('U1: a list shows at which gate a run waits', () => {
    const row = { workflowId: 'w', runId: 'r', operation: 'teardown' as const, status: 'RUNNING', environment: 'dev', cluster: 'c', lifecycle: 'ephemeral', phase: 'dns-gate', tier: null, tornDownByItself: false, gate: 'dns-gate', requester: 'ana', startedAt: 0, endedAt: null };
    expect(runLines([row], plain, 5_000)[1]).toMatch(/^c +teardown +waiting +dns-gate +ana +5\.0 s +1970-01-01 00:00$/);
    expect(runLines([], plain, 0)).toEqual(['There is no run.']);
  });

  it('O2: a receipt shows where it lies and what each stage took', () => {
    const lines = receiptLines({ ...report, endedAt: 11_000, stages: report.stages.map((stage) => (stage.id === 'receipt' ? { ...stage, evidence: ['s3://b/k'] } : { ...stage, startedAt: 0, endedAt: 2_000 })) }, plain);
    expect(lines[0]).toBe('  s3://b/k');
    expect(lines[2]).toMatch(/^ {2}Read what the platform owns +2\.0 s ▇+$/);
    expect(lines.at(-1)).toMatch(/in all +10\.0 s$/);
  });

  it('X4: nothing left is said kind by kind, and anything left by name', () => {
    expect(leftLines([{ kind: 'volumes', found: [] }, { kind: 'roles', found: ['r1'] }], plain)).toEqual(['  ✔ volumes              none', '  ✘ roles                1', '      r1']);
    expect(recordLines([], plain)).toEqual(['  none']);
  });
});

describe('exportLines', () => {
  it('U1: values survive any POSIX shell; PATH only gets the lab’s folder in front', () => {
    const lines = exportLines({ A: "a'b $c `d`", PATH: '/lab/bin:/node_modules/.bin:/usr/bin' });
    expect(lines[1]).toBe(`export PATH='/lab/bin':"$PATH"`);
    const seen = execFileSync('sh', ['-c', `${lines.join('\n')}\nprintf '%s|%s' "$A" "$PATH"`], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });
    expect(seen).toBe("a'b $c `d`|/lab/bin:/usr/bin:/bin");
  });
});
