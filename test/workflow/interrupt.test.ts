// A teardown takes over a bootstrap in flight: at every stage, while it waits for a person, and as it ends (X6).
import { type WorkflowExecutionDescription, WorkflowFailedError, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { PlatformActivities, ZoneProbes } from '../../activities/contract.ts';
import type { Plan } from '../../domain/plan.ts';
import type { RunReport } from '../../domain/report.ts';
import { BOOTSTRAP, INTERRUPTED_MEMO, interruptSignal, interruptUpdate, REPORT_MEMO, reportQuery, retryUpdate, searchAttribute, TEARDOWN, type TeardownInput } from '../../workflows/messages.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { type AnyHandle, type Runs, untilWaiting, withWorld } from '../support/runs.ts';
import { failed, newWorld, type World } from '../support/world.ts';

type Activity = keyof (PlatformActivities & ZoneProbes);

const CHANGES = /^(claim|ensure|start(?!Delete)|applyP|applyR|install)/;
let number = 0;
function plans(): { bootstrap: Plan; teardown: Plan } {
  const buildId = `04-02-26-${String((number += 1)).padStart(2, '0')}`;
  const quiet = { timings: { scale: 1, lateSweeps: false } };
  return { bootstrap: ephemeralPlan('bootstrap', buildId, quiet), teardown: ephemeralPlan('teardown', buildId, quiet) };
}

function asked(plan: Plan, requester = 'bob'): TeardownInput {
  const { environment, lifecycle, buildId } = plan.target;
  return { plan, request: { environment, lifecycle, buildId, requester, onFailure: 'wait', reason: 'the branch is merged' } };
}

/** A world that stops at the `nth` call of one activity, until it is let go on. */
function stoppingAt(activity: Activity, nth = 1) {
  const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const world = newWorld();
  const { readInventory } = world.activities;
  world.activities.readInventory = (input) => {
    if (world.clusterStatus === 'CREATING') world.clusterStatus = 'ACTIVE'; // EKS goes on by itself
    return readInventory(input);
  };
  const counted = world.activities[activity] as (input: never) => Promise<unknown>;
  let calls = 0;
  const stopping = async (input: never): Promise<unknown> => {
    calls += 1;
    if (calls !== nth) return counted(input);
    reached.resolve();
    await goOn.promise;
    return counted(input);
  };
  Object.assign(world.activities, { [activity]: stopping });
  return { world, reached: reached.promise, goOn: () => { goOn.resolve(); } };
}

/** The run that followed, once there is one; replayed like all others. */
async function follower({ client, alsoReplay }: Runs, first: AnyHandle): Promise<WorkflowExecutionDescription> {
  const bootstrap = await first.describe();
  await expect.poll(async () => (await client.workflow.getHandle(first.workflowId).describe()).runId, { timeout: 20_000, interval: 50 }).not.toBe(bootstrap.runId);
  const found = await client.workflow.getHandle(first.workflowId).describe();
  alsoReplay(found.workflowId, found.runId);
  return found;
}

/** Ends the teardown that followed: its report. */
async function ended({ client }: Runs, { workflowId, runId }: WorkflowExecutionDescription): Promise<RunReport> {
  return client.workflow.getHandle<() => Promise<RunReport>>(workflowId, runId).result();
}

async function leftBy(first: AnyHandle): Promise<{ status: string; report: RunReport }> {
  const { status, memo } = await first.describe();
  return { status: status.name, report: memo?.[REPORT_MEMO] as RunReport };
}

const receiptOf = (world: World, { runId }: RunReport) => world.receipts.get(`${runId}-interrupted`)?.report;

/** Where each stage of the plan is met. */
const MET: Record<string, [activity: Activity, nth?: number][]> = {
  foundation: [['readCore'], ['readZone']],
  claim: [['claimBuild']],
  cluster: [['ensureClusterRoles'], ['ensureLogGroup'], ['startCluster'], ['probeCluster'], ['startNodeGroup'], ['probeNodeGroup'], ['ensureIrsaRoles'], ['ensureAddon', 2], ['applyPrerequisites'], ['probeAddons']],
  'tier-0': [['probeTier0']],
  argocd: [['installArgoCd'], ['probeArgoCd']],
  'tier-1': [['preflightTier'], ['applyRootApplication'], ['awaitTier'], ['probeAcceptance'], ['probeHostRecords']],
  'tier-1.5': [['preflightTier', 2], ['applyRootApplication', 2], ['awaitTier', 2], ['probeAcceptance', 2], ['probeHostRecords', 2]],
  receipt: [['writeReceipt']],
};

test('X6: every stage of the plan is met by one of the interrupts', () => {
  expect(Object.keys(MET)).toEqual(plans().bootstrap.stages.map(({ id }) => id));
});

test.each(Object.entries(MET).flatMap(([stage, met]) => met.map(([activity, nth = 1]) => ({ stage, activity, nth }))))('X6: a teardown takes over at stage $stage, in $activity ($nth)', async ({ stage, activity, nth }) => {
  const { world, reached, goOn } = stoppingAt(activity, nth);
  await withWorld(world, async (runs) => {
    const { bootstrap, teardown } = plans();
    const first = await runs.bootstrap(bootstrap);
    await reached;
    const answer = await first.executeUpdate(interruptUpdate, { args: [asked(teardown)] });
    expect(answer).toMatchObject({ accepted: true, by: 'bob', reason: 'the branch is merged', stage });

    const changes = /^(claim|ensure|start|apply|install|write)/.test(activity);
    // Whatever changes something has ended before the teardown looks: it would else create behind its back.
    if (changes) {
      await expect(first.query(reportQuery)).resolves.toMatchObject({ interruption: { by: 'bob' } });
      expect((await first.describe()).status.name).toBe('RUNNING');
      expect(world.calls).not.toContain('readInventory');
      goOn();
    }
    const next = await follower(runs, first);
    expect({ type: next.type, memo: next.memo, requester: next.typedSearchAttributes.get(searchAttribute.requester) }).toEqual({ type: TEARDOWN, memo: { [INTERRUPTED_MEMO]: answer.runId }, requester: 'bob' });
    const report = await ended(runs, next);
    goOn();
    expect(report).toMatchObject({ operation: 'teardown', state: 'clean', requester: 'bob', planHash: teardown.hash, interrupted: answer.runId });

    const left = await leftBy(first);
    expect(left).toMatchObject({ status: 'CONTINUED_AS_NEW', report: { operation: 'bootstrap', state: 'failed', runId: answer.runId, interruption: { by: 'bob', stage } } });
    expect(receiptOf(world, left.report)).toEqual(left.report);
    for (const made of left.report.ledger) expect(report.ledger).toContainEqual(made);
    const after = world.calls.slice(world.calls.indexOf('readInventory'));
    expect(after.filter((call) => CHANGES.test(call))).toEqual([]);
  });
});
