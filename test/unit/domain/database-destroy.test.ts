import { describe, expect, it } from 'vitest';
import { decisionProblems } from '../../../domain/approvals.ts';
import { approvalsFor, type BreakGlass, claimsFor, makeDecisionRequest } from '../../../domain/break-glass.ts';
import { doomedSubject, goneWait, makeDestructionPlan, snapshotsOf, snapshotWait } from '../../../domain/database-destroy.ts';
import type { Environment } from '../../../domain/environment.ts';
import { ownPolicyProblems } from '../../../domain/own-policy.ts';
import { planProblem } from '../../../domain/plan.ts';
import { environment as dev, versions } from '../../support/plans.ts';

const databases: Environment['databases'] = {
  instance: { identifier: 'goldenpath-dev', class: 'db.t4g.medium', engineVersion: '18.4', storageGib: 50, subnetGroup: 'databases', securityGroup: 'databases' }, databases: [],
};
const breakGlass: BreakGlass = { approvals: 1, signatures: 'optional', expiresMinutes: 240, remindMinutes: 60, approvers: [{ name: 'alice' }, { name: 'bob' }, { name: 'carol' }] };
const environment: Environment = dev('dev', { databases, breakGlass });
const plan = makeDestructionPlan(environment, versions());
const request = makeDecisionRequest(plan, { runId: 'run-1', requester: 'ana', gate: 'approval', subject: ['a'], decisions: ['destroy', 'abort'], sequence: 1, now: 1_000 });
const approve = (approver: string) => ({ claims: claimsFor(request, { decision: 'destroy', approver, reason: 'moved', ticket: 'OPS-1' }), at: 2_000 });
const judge = (approvers: string[], change = {}) => decisionProblems({ ...request, ...change }, 'destroy', {
  checked: approvers.map((name) => ({ approval: approve(name), signature: { kind: 'none' as const }, signed: null })), policy: breakGlass,
  run: { workflowId: plan.target.workflowId, runId: 'run-1', cluster: 'goldenpath-dev', environment: environment.name, planHash: plan.hash },
});

describe('makeDestructionPlan', () => {
  it('R4: is of the instance, under the workflow id of its apply, with a hash that approvals bind to', () => {
    expect(plan).toMatchObject({ operation: 'destroy-database', tiers: [], target: { cluster: 'goldenpath-dev', workflowId: `database/${environment.name}/goldenpath-dev` } });
    expect(plan.stages.map(({ id }) => id)).toEqual(['approval', 'snapshot', 'destroy', 'gone', 'receipt']);
    expect(planProblem(plan)).toBeUndefined();
    expect(() => makeDestructionPlan({ ...environment, databases: undefined }, versions())).toThrow('declares no database instance');
  });

  it('B2: the worker holds it to its own approvers, and to its own instance', () => {
    const held = new Map([[environment.name, environment]]);
    expect(ownPolicyProblems(plan, held)).toEqual([]);
    expect(ownPolicyProblems({ ...plan, target: { ...plan.target, cluster: 'goldenpath-prod' } }, held)).toEqual([`cluster goldenpath-prod is none of environment ${environment.name}`]);
    expect(ownPolicyProblems({ ...plan, breakGlass: { ...breakGlass, approvers: breakGlass.approvers.slice(1) } }, held)).toEqual(["alice is an approver in the worker's file, not in the plan"]);
  });
});

describe('two people', () => {
  it('R4: two must agree, also where the environment is content with one, and three where it asks for three', () => {
    expect(request.approvals).toBe(2);
    expect([1, 2, 3].map((approvals) => approvalsFor(['destroy', 'abort'], { approvals }))).toEqual([2, 2, 3]);
    expect(approvalsFor(['repair', 'abort'], { approvals: 1 })).toBe(1);
  });

  it('R4: one is not enough, whatever the request says of itself', () => {
    expect(judge(['alice', 'bob'])).toEqual([]);
    expect(judge(['alice'])).toEqual(['2 different approvers have not decided destroy']);
    expect(judge(['alice'], { approvals: 1 })).toEqual(['2 different approvers have not decided destroy']);
    expect(judge(['alice', 'alice'])).toContain('2 different approvers have not decided destroy');
  });
});

describe('what is asked', () => {
  it('R4: names the instance, every database on it, and the snapshots that stay', () => {
    const snapshots = snapshotsOf('goldenpath-dev', '0199f3a2-77aa-7c1e-9b6d-1d2f');
    expect(snapshots).toEqual({ before: 'goldenpath-dev-before-0199f3a277aa', last: 'goldenpath-dev-last-0199f3a277aa' });
    expect(doomedSubject({ arn: 'arn:one', createdAt: '2026-11-21T12:00:00.000Z', databases: ['orders', 'backstage'], isProtected: true }, snapshots)).toEqual([
      'RDS instance arn:one, made at 2026-11-21T12:00:00.000Z: deleted for good',
      'database backstage on it: only in snapshots from then on', 'database orders on it: only in snapshots from then on',
      'deletion protection is on: turned off last, when the first snapshot is available',
      'snapshots goldenpath-dev-before-0199f3a277aa and goldenpath-dev-last-0199f3a277aa stay',
    ]);
  });

  it('R4: the waits shrink with the time scale, their deadlines not below three minutes', () => {
    expect([snapshotWait(1).expectedMs, goneWait(1).expectedMs, snapshotWait(600).deadlineMs, goneWait(1e6).deadlineMs]).toEqual([120_000, 240_000, 180_000, 180_000]);
  });
});
