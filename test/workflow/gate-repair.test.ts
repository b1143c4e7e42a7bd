// A repair that finds the zone otherwise than people did: protected, or another list. Then it deletes nothing that they did not sign for, and asks (B1, D4, failure 41).
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import type { DecisionRequest } from '../../domain/break-glass.ts';
import type { OwnedRecord } from '../../domain/dns-records.ts';
import { hashOf } from '../../domain/hash.ts';
import type { Plan } from '../../domain/plan.ts';
import { liftSubject, recordProtection } from '../../domain/protections.ts';
import { decideUpdate, reportQuery } from '../../workflows/messages.ts';
import { makeApprovers } from '../support/approvers.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { type AnyHandle, withWorld } from '../support/runs.ts';
import { givePlatform, newWorld, type World } from '../support/world.ts';

const newBuildId = buildIdsOf('gate-repair');
const DESTROYING = /^(deleteVolumes|deleteControllers|removeArgoCd|startDelete|deleteIdentity|deleteLeftovers)/;
const people = makeApprovers(['alice', 'bob', 'carol']);
const late = recordProtection({ name: 'kong.b-21-11-26-01.dev.goldenpathidp.io', type: 'A', comment: 'ask the network team' });
const other: OwnedRecord = { name: 'app.b-21-11-26-01.dev.goldenpathidp.io', type: 'A', values: ['192.0.2.7'], because: 'inside-scope' };

/** These runs take place in real time: the gate is quick instead. */
function plan(): Plan {
  const { hash: _, ...made } = ephemeralPlan('teardown', newBuildId(), { timings: { scale: 1, lateSweeps: false }, breakGlass: people.policy });
  const quick = { ...made, timings: { ...made.timings, dnsGate: { deadlineMs: 1_500, intervalMs: 200, cleanListings: 3 } } };
  return { ...quick, hash: hashOf(quick) };
}

/** ExternalDNS is dead: the sources go, the records stay, and these come to be at that moment. */
function deadExternalDns(meanwhile: (world: World) => void) {
  const world = newWorld((inner) => ({ deleteDnsSources: () => { inner.sources = []; meanwhile(inner); return Promise.resolve([]); } }));
  givePlatform(world);
  return world;
}

/** Lets this happen between the gate's listing and the repair's own, once. */
function atRepair(world: ReturnType<typeof newWorld>, happens: () => void): void {
  const { repairRecords } = world.activities;
  let happened = false;
  world.activities.repairRecords = (input) => {
    if (!happened) happens();
    happened = true;
    return repairRecords(input);
  };
}

async function asked(handle: AnyHandle, before?: string): Promise<DecisionRequest> {
  for (let look = 0; look < 150; look += 1) {
    const { waiting } = await handle.query(reportQuery);
    if (waiting?.request !== undefined && waiting.request.id !== before) return waiting.request;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  throw new Error('the run never asked');
}

async function say(handle: AnyHandle, who: string, request: DecisionRequest, decision: 'repair' | 'lift' | 'abort'): Promise<void> {
  await handle.executeUpdate(decideUpdate, { args: [await people.sign(who, request, decision)] });
}

const voids = (world: World) => world.audit.flatMap((entry) => (entry.kind === 'void' ? [[entry.request, entry.reason]] : []));
const destroyed = (world: World) => world.calls.filter((call) => DESTROYING.test(call));

test('failure 41: a protection that came after the precheck is asked about at the gate, once the repair is decided; lifted, the same repair goes on', async () => {
  const world = deadExternalDns((inner) => { inner.recordProtections = [late]; });
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const repair = await asked(handle);
    await say(handle, 'bob', repair, 'repair');

    const lift = await asked(handle, repair.id);
    expect(lift).toMatchObject({ gate: 'dns-gate', decisions: ['lift', 'abort'], subject: liftSubject([late]) });
    expect(lift.subject[0]).toContain('ask the network team');
    expect((await handle.query(reportQuery)).waiting?.reason).toBe('1 protection stands in the way of the repair; nothing was deleted and nothing was lifted');
    expect([world.calls.includes('repairRecords'), world.calls.includes('liftRecordProtections'), world.records.length, destroyed(world)]).toEqual([false, false, 1, []]);

    await say(handle, 'carol', lift, 'lift');
    expect((await handle.result()).state).toBe('clean');
    expect([world.records, world.recordProtections]).toEqual([[], []]);
    const acted = world.audit.flatMap((entry) => (entry.kind === 'lift' || entry.kind === 'repair' ? [[entry.kind, entry.request.id]] : []));
    expect(acted).toEqual([['lift', lift.id], ['repair', repair.id]]);
    expect(world.calls).not.toContain('liftProtections'); // only Route 53's are looked for here
  });
});

test('B1, failure 41: abort leaves the protection and the records as they are', async () => {
  const world = deadExternalDns((inner) => { inner.recordProtections = [late]; });
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const repair = await asked(handle);
    await say(handle, 'bob', repair, 'repair');
    await say(handle, 'carol', await asked(handle, repair.id), 'abort');
    const error: unknown = await handle.result().catch((reason: unknown) => reason);
    if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
    expect(error.cause.type).toBe('Aborted');
    expect([world.recordProtections, world.records.length, destroyed(world)]).toEqual([[late], 1, []]);
    expect(world.calls).not.toContain('repairRecords');
  });
});

test('B1: a record that vanishes between approval and repair voids the decision: nothing is deleted, the gate looks again by itself and asks about what is left', async () => {
  const world = deadExternalDns((inner) => { inner.records.push(other); });
  atRepair(world, () => { world.records = world.records.filter(({ name }) => name !== other.name); });
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const first = await asked(handle);
    expect(first.subject).toHaveLength(2);
    await say(handle, 'bob', first, 'repair');

    const second = await asked(handle, first.id);
    expect(second.subject).toEqual(first.subject.filter((line) => !line.startsWith(other.name)));
    expect(voids(world)).toEqual([[first.id, expect.stringMatching(/^nothing further was deleted, because Route 53 lists other records than the decided ones: decided on, but not listed any more: app\./)]]);
    expect((await handle.query(reportQuery)).waiting?.reason).toContain(`decision ${first.id} is void, because the records are not those it was given for`);
    expect([world.records.length, destroyed(world)]).toEqual([1, []]);

    await say(handle, 'carol', second, 'repair');
    const report = await handle.result();
    expect(report.state).toBe('clean');
    expect(report.decisions.map(({ decision }) => decision)).toEqual(['repair', 'repair']); // nobody had to retry
    expect(world.audit.flatMap((entry) => (entry.kind === 'repair' ? [entry.request.id] : []))).toEqual([second.id]);
  });
});

test('B1: where all of them vanish nobody is asked again: the gate proves them gone', async () => {
  const world = deadExternalDns(() => undefined);
  atRepair(world, () => { world.records = []; });
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const request = await asked(handle);
    await say(handle, 'bob', request, 'repair');
    const report = await handle.result();
    expect(report.state).toBe('clean');
    expect(voids(world).map(([id]) => id)).toEqual([request.id]);
    expect(world.audit.flatMap(({ kind }) => (kind === 'request' || kind === 'repair' ? [kind] : []))).toEqual(['request']);
  });
});

test('B1: a record that appears at that moment is never taken along: both stay, and are asked about', async () => {
  const world = deadExternalDns(() => undefined);
  atRepair(world, () => { world.records.push(other); });
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const first = await asked(handle);
    await say(handle, 'bob', first, 'repair');
    const second = await asked(handle, first.id);
    expect(second.subject).toHaveLength(2);
    expect([world.records.length, destroyed(world)]).toEqual([2, []]);
    await say(handle, 'bob', second, 'repair');
    expect((await handle.result()).state).toBe('clean');
  });
});
