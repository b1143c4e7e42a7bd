// Answers at bad moments: while a decision is being put on record, while it cannot be, and with nothing in them (B1, B2, U1). Found by a reader who broke it.
import { expect, test } from 'vitest';
import type { DecisionRequest } from '../../domain/break-glass.ts';
import { hashOf } from '../../domain/hash.ts';
import type { Plan } from '../../domain/plan.ts';
import { abortSignal, abortUpdate, decideSignal, decideUpdate, reportQuery, retrySignal, retryUpdate } from '../../workflows/messages.ts';
import { makeApprovers } from '../support/approvers.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { type AnyHandle, withWorld } from '../support/runs.ts';
import { failed, givePlatform, newWorld } from '../support/world.ts';

const newBuildId = buildIdsOf('answers');
const people = makeApprovers(['ana', 'alice', 'bob']);

function plan(): Plan {
  const { hash: _, ...made } = ephemeralPlan('teardown', newBuildId(), { timings: { scale: 1, lateSweeps: false }, breakGlass: people.policy });
  const quick = { ...made, timings: { ...made.timings, totalMs: 2_000, dnsGate: { deadlineMs: 1_500, intervalMs: 200, cleanListings: 3 } } };
  return { ...quick, hash: hashOf(quick) };
}

/** A platform whose records nobody deletes; `recording` is called with every entry before it is written. */
function blockedWorld(recording: (kind: string) => Promise<void>): ReturnType<typeof newWorld> {
  const world = newWorld((inner) => ({
    deleteDnsSources: () => { inner.sources = []; return Promise.resolve([]); },
    recordAudit: async ({ entry }) => {
      await recording(entry.kind);
      inner.audit.push(entry);
      return { key: 'k' };
    },
  }));
  givePlatform(world);
  return world;
}

async function question(handle: AnyHandle): Promise<DecisionRequest> {
  await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request, { timeout: 30_000 }).toBeDefined();
  const { waiting } = await handle.query(reportQuery);
  if (waiting?.request === undefined) throw new Error('no question stands');
  return waiting.request;
}

/** A world that stops as it puts the decision on record, until it is let go on. */
function stoppingAtRecord() {
  const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const world = blockedWorld(async (kind) => {
    if (kind !== 'decision') return;
    reached.resolve();
    await goOn.promise;
  });
  return { world, reached: reached.promise, goOn: () => { goOn.resolve(); } };
}

test('U1: an abort that is accepted while a decision is put on record ends the run; nothing is destroyed', async () => {
  const { world, reached, goOn } = stoppingAtRecord();
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    await handle.executeUpdate(decideUpdate, { args: [await people.sign('bob', await question(handle), 'leave')] });
    await reached;
    await handle.executeUpdate(abortUpdate, { args: [{ stage: 'dns-gate', by: 'ana', reason: 'stop' }] });
    goOn();
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'Aborted' } });
    expect(world.calls.filter((call) => /^(start)?[dD]elete(?!DnsSources|Applications)/.test(call))).toEqual([]);
  });
});

test('B1: another answer while a decision is put on record is refused; what was decided is done', async () => {
  const { world, reached, goOn } = stoppingAtRecord();
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const request = await question(handle);
    await handle.executeUpdate(decideUpdate, { args: [await people.sign('bob', request, 'leave')] });
    await reached;
    await expect(handle.executeUpdate(decideUpdate, { args: [await people.sign('alice', request, 'repair')] })).rejects.toMatchObject({ cause: { message: expect.stringContaining(`request ${request.id} was decided already`) as string } });
    goOn();
    expect(await handle.result()).toMatchObject({ state: 'clean-with-residue' });
    expect(world.calls).toContain('startDeleteCluster');
    expect(world.calls).not.toContain('repairRecords');
  });
});

test('B2: an answer by signal that cannot be put on record ends nothing: it is told, and counts once it can be', async () => {
  let broken = false;
  const world = blockedWorld(() => (broken ? Promise.reject(failed('AccessDenied', 's3:PutObject is denied')) : Promise.resolve()));
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const request = await question(handle);
    broken = true;
    await handle.signal(decideSignal, await people.sign('bob', request, 'leave'));
    await expect.poll(async () => (await handle.query(reportQuery)).refusals, { timeout: 20_000 }).toMatchObject([{ by: 'a signal', reason: expect.stringContaining('send it again') as string }]);
    expect((await handle.query(reportQuery)).waiting).toMatchObject({ request: { id: request.id }, approvals: [] });
    broken = false;
    await handle.signal(decideSignal, await people.sign('bob', request, 'leave'));
    expect(await handle.result()).toMatchObject({ state: 'clean-with-residue' });
  });
});

test('B2: what an operator answered is on record; where it cannot be, it is obeyed all the same, and the report says so', async () => {
  let broken = false;
  const world = blockedWorld((kind) => (broken && kind === 'operator' ? Promise.reject(failed('AccessDenied', 's3:PutObject is denied')) : Promise.resolve()));
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const first = await question(handle);
    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'dns-gate', by: 'ana', reason: 'look again' }] });
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request?.id, { timeout: 30_000 }).not.toBe(first.id);
    await question(handle);
    broken = true;
    await handle.executeUpdate(abortUpdate, { args: [{ stage: 'dns-gate', by: 'bob', reason: 'not today' }] });
    const error = await handle.result().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ cause: { type: 'Aborted', details: [{ decisions: [{ by: 'ana', reason: 'look again' }, { by: 'bob', reason: expect.stringMatching(/^not today \(not in the audit trail: .*s3:PutObject is denied/) as string }] }] } });
    expect(world.audit.filter(({ kind }) => kind === 'operator')).toMatchObject([{ kind: 'operator', stage: 'dns-gate', decision: 'retry', by: 'ana', reason: 'look again' }]);
  });
});

test('U1: a signal without an answer in it, or without a name or a reason, is told and not obeyed', async () => {
  const world = blockedWorld(() => Promise.resolve());
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    await question(handle);
    await handle.signal(retrySignal.name);
    await handle.signal(abortSignal.name, { stage: 'dns-gate' });
    await expect.poll(async () => (await handle.query(reportQuery)).refusals.map(({ by, reason }) => `${by}: ${reason.slice(0, 30)}`), { timeout: 20_000 }).toEqual(['a signal: retry: it is not an answer; ex', 'a signal: abort: it is not an answer; ex']);
    expect((await handle.query(reportQuery)).state).toBe('waiting');
    await handle.signal(abortSignal, { stage: 'dns-gate', by: 'ana', reason: 'enough' });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'Aborted' } });
  });
});
