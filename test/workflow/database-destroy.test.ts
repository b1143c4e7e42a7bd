// Destroying a database instance on a real Temporal server: nothing before two people said so, then snapshot, deletion, proof, receipt; each in its order (R4, B1, B2).
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { DatabaseChanges, DatabaseDestroyers, DatabaseProbes } from '../../activities/database-contract.ts';
import { demandDecision } from '../../activities/guard.ts';
import { applyDatabases } from '../../client/databases.ts';
import type { Decision, DecisionRequest } from '../../domain/break-glass.ts';
import { makeDestructionPlan } from '../../domain/database-destroy.ts';
import { decideUpdate } from '../../workflows/messages.ts';
import { people, sayOf, signed } from '../support/decisions.ts';
import { environment, versions } from '../support/plans.ts';
import { type AnyHandle, untilWaiting, withWorld } from '../support/runs.ts';
import { failed, newWorld } from '../support/world.ts';

const { keys, policy } = people();
type Activities = Pick<DatabaseProbes, 'readDoomed' | 'probeSnapshot' | 'probeInstanceGone'> & Pick<DatabaseChanges, 'snapshotInstance'> & DatabaseDestroyers;
const SUBJECT = ['RDS instance arn:one: deleted for good', 'database orders on it: only in snapshots from then on'];

let count = 0;
/** Each test has an instance of its own, so that all may share one server. */
function newPlan() {
  count += 1;
  const databases = { instance: { identifier: `doomed-${Date.now()}-${count}`, class: 'db.t4g.medium', engineVersion: '18.4', storageGib: 50, subnetGroup: 'databases', securityGroup: 'databases' }, databases: [] };
  return makeDestructionPlan(environment('dev', { databases, breakGlass: policy({ approvals: 1 }) }), versions());
}

function doomedWorld(change: Partial<Activities> = {}) {
  const asked: string[] = [];
  const standard: Activities = {
    readDoomed: () => Promise.resolve({ arn: 'arn:one', subject: SUBJECT }),
    snapshotInstance: ({ snapshot }) => Promise.resolve([`started snapshot ${snapshot}`]),
    probeSnapshot: ({ snapshot }) => Promise.resolve([`snapshot ${snapshot} is available`]),
    probeInstanceGone: ({ identifier }) => Promise.resolve([`RDS has no instance ${identifier} any more`]),
    destroyInstance: async (input) => { await demandDecision('destroy', input); return ['deleted']; },
  };
  const world = newWorld();
  for (const [name, run] of Object.entries({ ...standard, ...change })) {
    Object.assign(world.activities, { [name]: (input: never) => { asked.push(name); return (run as (given: never) => Promise<unknown>)(input); } });
  }
  return { world, asked };
}

async function requestOf(handle: AnyHandle): Promise<DecisionRequest> {
  for (let look = 0; look < 100; look += 1) {
    const { request } = (await untilWaiting(handle)).waiting ?? {};
    if (request !== undefined) return request;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  throw new Error('the run never asked');
}

async function say(handle: AnyHandle, request: DecisionRequest, approver: 'alice' | 'bob', decision: Decision) {
  return handle.executeUpdate(decideUpdate, { args: [{ jws: await signed(keys[approver], sayOf(request, approver, decision)) }] });
}

test('R4: one approver is not enough; with two it goes: snapshot, deletion, proof, receipt', async () => {
  const { world, asked } = doomedWorld();
  await withWorld(world, async ({ destroyDatabaseInRealTime }) => {
    const handle = await destroyDatabaseInRealTime(newPlan());
    const request = await requestOf(handle);
    expect(request).toMatchObject({ gate: 'approval', approvals: 2, decisions: ['destroy', 'abort'], subject: SUBJECT });
    await say(handle, request, 'alice', 'destroy');
    expect((await untilWaiting(handle)).waiting?.approvals).toHaveLength(1);
    expect(asked).toEqual(['readDoomed']);
    await say(handle, request, 'bob', 'destroy');
    const report = await handle.result();
    expect(asked).toEqual(['readDoomed', 'readDoomed', 'snapshotInstance', 'probeSnapshot', 'destroyInstance', 'probeInstanceGone', 'probeSnapshot']);
    expect(report).toMatchObject({ state: 'clean', operation: 'destroy-database', residue: [] });
    expect(report.stages.map(({ id, status }) => `${id} ${status}`)).toEqual(['approval done', 'snapshot done', 'destroy done', 'gone done', 'receipt done']);
    expect([...world.receipts.keys()]).toHaveLength(1);
    expect(world.audit.map(({ kind }) => kind)).toEqual(['request', 'attempt', 'attempt', 'decision']);
  });
});

test('R4: whoever asked may not approve, and one person may end it', async () => {
  const { world, asked } = doomedWorld();
  await withWorld(world, async ({ destroyDatabaseInRealTime }) => {
    const handle = await destroyDatabaseInRealTime(newPlan()); // asked for by ana
    const request = await requestOf(handle);
    await say(handle, request, 'alice', 'destroy');
    await expect(say(handle, request, 'alice', 'destroy')).rejects.toBeInstanceOf(WorkflowUpdateFailedError);
    await say(handle, request, 'bob', 'abort');
    const error: unknown = await handle.result().then(() => undefined, (reason: unknown) => reason);
    expect(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure ? error.cause.type : error).toBe('Aborted');
    expect(asked).toEqual(['readDoomed']);
  });
});

test('R4: an instance that is not there is nothing to ask about', async () => {
  const { world, asked } = doomedWorld({ readDoomed: () => Promise.resolve(null) });
  await withWorld(world, async ({ destroyDatabaseInRealTime }) => {
    const handle = await destroyDatabaseInRealTime(newPlan());
    const { waiting } = await untilWaiting(handle);
    expect(waiting).toMatchObject({ stage: 'approval', answers: ['retry', 'abort'] });
    expect(waiting?.request).toBeUndefined();
    expect(asked).toEqual(['readDoomed']);
    await handle.terminate();
  });
});

test('R4: a snapshot that fails stops it; nothing is deleted', async () => {
  const { world, asked } = doomedWorld({ probeSnapshot: () => Promise.reject(failed('TerminalState', 'the snapshot failed')) });
  await withWorld(world, async ({ destroyDatabaseInRealTime }) => {
    const handle = await destroyDatabaseInRealTime(newPlan());
    const request = await requestOf(handle);
    await say(handle, request, 'alice', 'destroy');
    await say(handle, request, 'bob', 'destroy');
    await expect.poll(async () => (await untilWaiting(handle)).waiting?.stage, { timeout: 20_000 }).toBe('snapshot');
    expect(asked).not.toContain('destroyInstance');
    await handle.terminate();
  });
});

test('R1, R4: while a destruction is in flight nothing else begins at the instance', async () => {
  const { world } = doomedWorld();
  const plan = newPlan();
  await withWorld(world, async ({ client, destroyDatabaseInRealTime }) => {
    const handle = await destroyDatabaseInRealTime(plan);
    await requestOf(handle);
    const databases = { instance: { identifier: plan.target.cluster, class: 'db.t4g.medium', engineVersion: '18.4', storageGib: 50, subnetGroup: 'databases', securityGroup: 'databases' }, databases: [] };
    await expect(applyDatabases(client, { environment: 'dev', accountId: '111122223333', databases, registry: { bucket: 'registry' }, scale: 1, rotate: false, requester: 'ana' }, () => {})).rejects.toMatchObject({ type: 'Conflict', message: expect.stringContaining('databaseDestroy, run ') as string });
    await handle.terminate();
  });
});
