// A teardown takes over a bootstrap in flight: at every stage, while it waits for a person, and as it ends (X6).
import { type WorkflowExecutionDescription, WorkflowUpdateFailedError } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { PlatformActivities, ZoneProbes } from '../../activities/contract.ts';
import type { Plan } from '../../domain/plan.ts';
import type { RunReport } from '../../domain/report.ts';
import { INTERRUPTED_MEMO, interruptSignal, interruptUpdate, ON_FAILURE_MEMO, REPORT_MEMO, reportQuery, searchAttribute, TEARDOWN, type TeardownInput } from '../../workflows/messages.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { type AnyHandle, type Runs, untilWaiting, withWorld } from '../support/runs.ts';
import { failed, newWorld, type World } from '../support/world.ts';

const newBuildId = buildIdsOf('interrupt');

type Activity = keyof (PlatformActivities & ZoneProbes);

const CHANGES = /^(claim|ensure|start(?!Delete)|applyP|applyR|install)/;
function plans(): { bootstrap: Plan; teardown: Plan } {
  const buildId = newBuildId();
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

/** A bootstrap that took the interrupt, and waits for a change to end. */
const HELD_UP = { by: 'bob', status: 'RUNNING', teardownLooked: false };

async function standing(first: AnyHandle, world: World): Promise<unknown> {
  const { interruption } = await first.query(reportQuery); // answered after the worker has gone on as far as it can
  return { by: interruption?.by, status: (await first.describe()).status.name, teardownLooked: world.calls.includes('readInventory') };
}

/** Where each stage of the plan is met: in a read, in a change, in a watch. */
const MET: Record<string, [activity: Activity, nth?: number][]> = {
  foundation: [['readCore']],
  claim: [['claimBuild']],
  cluster: [['ensureClusterRoles'], ['startCluster'], ['probeCluster'], ['startNodeGroup'], ['ensureIrsaRoles'], ['applyPrerequisites'], ['probeAddons']],
  'tier-0': [['probeTier0']],
  argocd: [['installArgoCd'], ['probeArgoCd']],
  'tier-1': [['preflightTier'], ['applyRootApplication'], ['awaitTier'], ['probeHostRecords']],
  'tier-1.5': [['awaitTier', 2], ['probeAcceptance', 2]],
  receipt: [['writeReceipt']],
};

test('X6: every stage of the plan is met by one of the interrupts', () => {
  expect(Object.keys(MET)).toEqual(plans().bootstrap.stages.map(({ id }) => id));
});

const POINTS = Object.entries(MET).flatMap(([stage, met]) => met.map(([activity, nth = 1]) => ({ stage, activity, nth })));

test.each(POINTS)('X6: a teardown takes over at stage $stage, in $activity ($nth)', async ({ stage, activity, nth }) => {
  const { world, reached, goOn } = stoppingAt(activity, nth);
  await withWorld(world, async (runs) => {
    const { bootstrap, teardown } = plans();
    const first = await runs.bootstrap(bootstrap);
    await reached;
    const answer = await first.executeUpdate(interruptUpdate, { args: [asked(teardown)] });
    expect(answer).toMatchObject({ accepted: true, by: 'bob', reason: 'the branch is merged', stage });

    // Whatever changes something ends before the teardown looks: it would else create behind its back. A read is let go of.
    const changes = /^(claim|ensure|start|apply|install|write)/.test(activity);
    expect(changes ? await standing(first, world) : HELD_UP).toEqual(HELD_UP);
    if (changes) goOn();

    const next = await follower(runs, first);
    expect({ type: next.type, memo: next.memo, requester: next.typedSearchAttributes.get(searchAttribute.requester) }).toEqual({ type: TEARDOWN, memo: { [INTERRUPTED_MEMO]: answer.runId, [ON_FAILURE_MEMO]: 'wait' }, requester: 'bob' });
    const report = await ended(runs, next);
    goOn();
    expect(report).toMatchObject({ operation: 'teardown', state: 'clean', requester: 'bob', planHash: teardown.hash, interrupted: answer.runId });

    const left = await leftBy(first);
    expect(left).toMatchObject({ status: 'CONTINUED_AS_NEW', report: { operation: 'bootstrap', state: 'failed', runId: answer.runId, interruption: { by: 'bob', stage } } });
    expect(receiptOf(world, left.report)).toEqual(left.report);
    for (const made of left.report.ledger) expect(report.ledger).toContainEqual(made);
    expect(world.calls.slice(world.calls.indexOf('readInventory')).filter((call) => CHANGES.test(call))).toEqual([]);
  });
});

test('X6: what a change made that was under way comes into the ledger, and no other is begun', async () => {
  const { world, reached, goOn } = stoppingAt('startCluster');
  await withWorld(world, async (runs) => {
    const { bootstrap, teardown } = plans();
    const first = await runs.bootstrap(bootstrap);
    await reached;
    await first.executeUpdate(interruptUpdate, { args: [asked(teardown)] });
    goOn();
    const report = await ended(runs, await follower(runs, first));
    const { report: left } = await leftBy(first);
    expect(left.ledger.map(({ kind }) => kind).toSorted()).toEqual(['eks-cluster', 'iam-role', 'log-group']);
    expect(report.ledger).toEqual(expect.arrayContaining(left.ledger));
    expect(world.calls).not.toContain('probeCluster');
    expect(left.stages.map(({ id, status }) => `${id} ${status}`)).toEqual(['foundation done', 'claim done', 'cluster failed', 'tier-0 pending', 'argocd pending', 'tier-1 pending', 'tier-1.5 pending', 'receipt pending']);
    expect(left.stages[2]?.error).toEqual({ type: 'Interrupted', message: 'bob had the platform torn down while the bootstrap was at stage cluster: the branch is merged', problems: [] });
  });
});

test('X6: a bootstrap that waits for an operator is taken over, and its receipt keeps what it waited for', async () => {
  const world = newWorld(() => ({ probeTier0: () => Promise.reject(failed('AcceptanceFailed', 'no node is Ready')) }));
  await withWorld(world, async (runs) => {
    const { bootstrap, teardown } = plans();
    const first = await runs.bootstrap(bootstrap, 'wait');
    await untilWaiting(first);
    await first.executeUpdate(interruptUpdate, { args: [asked(teardown)] });
    expect(await ended(runs, await follower(runs, first))).toMatchObject({ state: 'clean' });
    const { report } = await leftBy(first);
    expect(report.waiting).toBeUndefined();
    expect(report.stages[3]?.error).toMatchObject({ type: 'Interrupted', message: expect.stringMatching(/the branch is merged, after: no node is Ready$/) as string });
    expect((await first.describe()).typedSearchAttributes.get(searchAttribute.gate)).toBeUndefined();
  });
});

test('X6: a failure that meets the interrupt does not undo it', async () => {
  const { world, reached, goOn } = stoppingAt('startNodeGroup');
  const { startNodeGroup } = world.activities;
  world.activities.startNodeGroup = async (input) => { await startNodeGroup(input); throw failed('QuotaExceeded', 'no m6i.large left'); };
  await withWorld(world, async (runs) => {
    const { bootstrap, teardown } = plans();
    const first = await runs.bootstrap(bootstrap, 'wait');
    await reached;
    await first.executeUpdate(interruptUpdate, { args: [asked(teardown)] });
    goOn();
    expect(await ended(runs, await follower(runs, first))).toMatchObject({ state: 'clean' });
    expect((await leftBy(first)).status).toBe('CONTINUED_AS_NEW');
  });
});

test('X6: of two teardowns the first gets the platform; the second is told who it was', async () => {
  const { world, reached, goOn } = stoppingAt('startCluster');
  await withWorld(world, async (runs) => {
    const { bootstrap, teardown } = plans();
    const first = await runs.bootstrap(bootstrap);
    await reached;
    const [one, two] = [await first.executeUpdate(interruptUpdate, { args: [asked(teardown)] }), await first.executeUpdate(interruptUpdate, { args: [asked(teardown, 'eve')] })];
    expect([one.accepted, one.by, two.accepted, two.by]).toEqual([true, 'bob', false, 'bob']);
    goOn();
    expect(await ended(runs, await follower(runs, first))).toMatchObject({ requester: 'bob' });
  });
});

test('X6: a plan of another platform, of a bootstrap, or changed on its way is refused, and the bootstrap goes on', async () => {
  const { world, reached, goOn } = stoppingAt('startCluster');
  await withWorld(world, async (runs) => {
    const { bootstrap, teardown } = plans();
    const first = await runs.bootstrap(bootstrap);
    await reached;
    const refused: [TeardownInput, RegExp][] = [
      [asked(plans().teardown), /the plan is of another platform: buildId is \d\d-02-26-\d\d, here it is \d\d-02-26-\d\d; cluster is /],
      [asked(bootstrap), /the plan is of a bootstrap; only a teardown takes a bootstrap over/],
      [asked({ ...teardown, timings: { ...teardown.timings, proofMaxAgeMs: 9e9 } }), /plan hash is .*: the plan was changed after it was made/],
      [{ ...asked(teardown), request: { ...asked(teardown).request, requester: '' } }, /this is not the plan and the request of a teardown: input: request.requester/],
    ];
    for (const [input, reason] of refused) {
      const error: unknown = await first.executeUpdate(interruptUpdate, { args: [input] }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
      expect((error as WorkflowUpdateFailedError).cause?.message).toMatch(reason);
    }
    await first.signal(interruptSignal, asked(bootstrap));
    goOn();
    const report = await first.result();
    expect(report).toMatchObject({ operation: 'bootstrap', state: 'ready', refusals: [{ by: 'a signal', reason: 'interrupt: the plan is of a bootstrap; only a teardown takes a bootstrap over' }] });
    expect(report.interruption).toBeUndefined();
  });
});

test('X6: the interrupt may come by hand, as a signal', async () => {
  const { world, reached, goOn } = stoppingAt('installArgoCd');
  await withWorld(world, async (runs) => {
    const { bootstrap, teardown } = plans();
    const first = await runs.bootstrap(bootstrap);
    await reached;
    await first.signal(interruptSignal, asked(teardown));
    goOn();
    expect(await ended(runs, await follower(runs, first))).toMatchObject({ state: 'clean', requester: 'bob' });
  });
});

test('X6: a bootstrap whose worker is gone is cancelled where it stands, and the receipt that cannot be written does not hold the teardown up for good', async () => {
  const world = newWorld((self) => ({
    startNodeGroup: () => Promise.reject(failed('Throttled', 'Rate exceeded', true)),
    writeReceipt: ({ name, receipt }) => {
      if (name.endsWith('-interrupted')) return Promise.reject(failed('AccessDenied', 'may not write receipts'));
      self.receipts.set(name, receipt);
      return Promise.resolve({ key: name });
    },
  }));
  await withWorld(world, async (runs) => {
    const { bootstrap, teardown } = plans();
    const first = await runs.bootstrap(bootstrap);
    await expect.poll(() => world.calls.includes('startNodeGroup'), { timeout: 20_000 }).toBe(true);
    await first.executeUpdate(interruptUpdate, { args: [asked(teardown)] });
    const report = await ended(runs, await follower(runs, first));
    const { report: left } = await leftBy(first);
    expect(left.stages.at(-1)?.error).toMatchObject({ type: 'AccessDenied', message: 'may not write receipts' });
    expect(left.ledger.length).toBeGreaterThan(2);
    expect(report.ledger).toEqual(expect.arrayContaining(left.ledger));
  });
});
