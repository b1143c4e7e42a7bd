import { type Client, WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { type BreakGlass, claimsFor, type DecisionInput, type DecisionRequest } from '../../domain/break-glass.ts';
import { hashOf } from '../../domain/hash.ts';
import type { Plan } from '../../domain/plan.ts';
import type { RunReport } from '../../domain/report.ts';
import { abortUpdate, decideSignal, decideUpdate, reportQuery, retryUpdate } from '../../workflows/messages.ts';
import { makeApprovers } from '../support/approvers.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { type AnyHandle, untilWaiting, withWorld } from '../support/runs.ts';
import { failed, givePlatform, newWorld, type World } from '../support/world.ts';

const newBuildId = buildIdsOf('break-glass');
const DESTROYING = ['deleteVolumes', 'deleteControllers', 'removeArgoCd', 'startDeleteNodeGroups', 'startDeleteCluster', 'deleteIdentity', 'deleteLeftovers'];
const destroyed = (world: World) => world.calls.filter((call) => DESTROYING.includes(call));
const people = makeApprovers(['ana', 'alice', 'bob', 'carol']);
/** Each test has a build of its own. These runs take place in real time, so that what expires does not do so at once: the gate is quick instead. */
function plan(policy: Partial<BreakGlass> = {}): Plan {
  const { hash: _, ...made } = ephemeralPlan('teardown', newBuildId(), { timings: { scale: 1, lateSweeps: false }, breakGlass: { ...people.policy, ...policy } });
  const quick = { ...made, timings: { ...made.timings, dnsGate: { deadlineMs: 1_500, intervalMs: 200, cleanListings: 3 } } };
  return { ...quick, hash: hashOf(quick) };
}

/** ExternalDNS is dead: the sources go, the record stays. */
const deadExternalDns = (more: Parameters<typeof newWorld>[0] = () => ({})) => newWorld((world) => ({ deleteDnsSources: () => { world.sources = []; return Promise.resolve([]); }, ...more(world) }));
/** The same, and its Deployment says so. */
const foundDeadBeforeTheDrain = () => deadExternalDns(() => ({
  readExternalDns: () => Promise.resolve({ state: { deployment: { args: [], replicas: 0, available: 0, serviceAccountRoleArn: 'arn:role/d' } }, expectedRoleArn: 'arn:role/d', roleProblems: [] }),
}));

async function asked(handle: AnyHandle): Promise<DecisionRequest> {
  for (let look = 0; look < 100; look += 1) {
    const { waiting } = await handle.query(reportQuery);
    if (waiting?.request !== undefined) return waiting.request;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  throw new Error('the run never asked for a decision');
}

const decide = (handle: AnyHandle, decision: DecisionInput) => handle.executeUpdate(decideUpdate, { args: [decision] });

async function refusal(answer: Promise<unknown>): Promise<string> {
  const error: unknown = await answer.then(() => { throw new Error('the answer was taken'); }, (reason: unknown) => reason);
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
  expect(error.cause.type).toBe('ApprovalDenied');
  return error.cause.message;
}

async function failureOf(handle: AnyHandle): Promise<{ type: string | undefined; report: RunReport }> {
  const error: unknown = await handle.result().then(() => { throw new Error('the run did not fail'); }, (reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
  return { type: error.cause.type ?? undefined, report: error.cause.details?.[0] as RunReport };
}

/** bob's answer comes after another record has appeared: the run asks anew, and names his decision as void. Gives the records he had been asked about. */
async function answeredTooLate(handle: AnyHandle, world: World, request: DecisionRequest, decision: 'repair' | 'leave'): Promise<World['records']> {
  const before = [...world.records];
  world.records = [...before, { name: 'late.dev.goldenpathidp.io', type: 'A', values: ['192.0.2.9'], because: 'owner-txt' }];
  await decide(handle, await people.sign('bob', request, decision));
  await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request?.subject.length, { timeout: 20_000 }).toBe(2);
  expect((await handle.query(reportQuery)).waiting?.reason).toContain(`decision ${request.id} is void`);
  return before;
}

const kinds = (world: World) => world.audit.map(({ kind }) => kind);

test('B1: repair, signed by an approver, deletes exactly the listed records; then the gate proves them gone and the run ends clean', async () => {
  const world = deadExternalDns();
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const request = await asked(handle);
    expect(request).toMatchObject({ gate: 'dns-gate', requester: 'ana', decisions: ['wait', 'repair', 'leave', 'abort'], approvals: 1 });
    expect(request.subject).toEqual([expect.stringMatching(/^kong\.b-21-11-26-01\.dev\.goldenpathidp\.io A ALIAS lb \(owner-txt/)]);
    expect(destroyed(world)).toEqual([]);

    await decide(handle, await people.sign('bob', request, 'repair'));
    const report = await handle.result();
    expect(report.state).toBe('clean');
    expect(world.records).toEqual([]);
    expect(world.calls.indexOf('repairRecords')).toBeLessThan(world.calls.indexOf('deleteVolumes'));
    expect(report.decisions).toMatchObject([{ stage: 'dns-gate', decision: 'repair', by: 'bob', reason: 'ExternalDNS is gone (OPS-1)' }]);
    expect(kinds(world).slice(0, 5)).toEqual(['request', 'attempt', 'decision', 'repair', 'proof']);
    expect(world.audit.filter(({ kind }) => kind === 'destroy').length).toBe(DESTROYING.length);
  });
});

test('B1: leave goes on over the records that were signed for, and carries them as residue', async () => {
  const world = deadExternalDns();
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    await decide(handle, await people.sign('bob', await asked(handle), 'leave'));
    const report = await handle.result();
    expect(report.state).toBe('clean-with-residue');
    expect(report.residue).toMatchObject([{ kind: 'route53-record', name: 'kong.b-21-11-26-01.dev.goldenpathidp.io A', why: expect.stringMatching(/^left by decision [0-9a-f]{16}$/) as string }]);
    expect(world.calls).not.toContain('repairRecords');
    expect(destroyed(world)).toEqual(DESTROYING);
    expect(world.audit.flatMap((entry) => (entry.kind === 'destroy' ? [entry.permit.kind] : []))).toEqual(DESTROYING.map(() => 'break-glass'));
  });
});

test('B1: a record that appears after the decision to leave voids it: the run asks anew and destroys nothing further', async () => {
  const world = newWorld((inner) => ({
    deleteDnsSources: () => { inner.sources = []; return Promise.resolve([]); },
    deleteVolumes: () => { inner.records.push({ name: 'new.b-21-11-26-01.dev.goldenpathidp.io', type: 'A', values: ['192.0.2.9'], because: 'inside-scope' }); return Promise.resolve({ done: [], kept: [] }); },
  }));
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const first = await asked(handle);
    const leave = await people.sign('bob', first, 'leave');
    await decide(handle, leave);
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request?.gate, { timeout: 20_000 }).toBe('controllers');
    const second = await asked(handle);
    expect(second.subject).toHaveLength(2);
    expect(second.id).not.toBe(first.id);
    expect(await refusal(decide(handle, leave))).toBe('Refused: it was given for gate dns-gate, the run waits at controllers');
    expect(destroyed(world)).toEqual(['deleteVolumes']);
    await decide(handle, await people.sign('carol', second, 'abort'));
    const { type } = await failureOf(handle);
    expect(type).toBe('Aborted');
    expect(destroyed(world)).toEqual(['deleteVolumes']);
  });
});

test('B1: what was decided about another list is void for good: it does not come back with the list, and a newer `wait` does not revive it', async () => {
  const world = deadExternalDns();
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const first = await asked(handle);
    const before = await answeredTooLate(handle, world, first, 'leave');
    expect(world.audit).toContainEqual(expect.objectContaining({ kind: 'void', request: first.id, reason: expect.stringContaining('asked anew') as string }));

    world.records = before; // exactly what bob signed for
    const second = await asked(handle);
    await decide(handle, await people.sign('carol', second, 'wait'));
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request?.id, { timeout: 20_000 }).not.toBe(second.id);
    const third = await asked(handle);
    expect(third.subject).toEqual(first.subject);
    expect(destroyed(world)).toEqual([]);
    await decide(handle, await people.sign('carol', third, 'abort'));
    expect((await failureOf(handle)).type).toBe('Aborted');
    expect(destroyed(world)).toEqual([]);
  });
});

test('B1: at the precheck as well: an operator’s retry does not revive what was decided about another list', async () => {
  const world = foundDeadBeforeTheDrain();
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const first = await asked(handle);
    const before = await answeredTooLate(handle, world, first, 'repair');
    world.records = before;
    const second = await asked(handle);
    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'drain-precheck', by: 'ana', reason: 'the record is gone again' }] });
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request?.id, { timeout: 20_000 }).not.toBe(second.id);
    expect((await asked(handle)).subject).toEqual(first.subject);
    expect(world.calls).not.toContain('freezeGitOps');
    expect(world.calls).not.toContain('repairRecords');
    await decide(handle, await people.sign('bob', await asked(handle), 'abort'));
    expect((await failureOf(handle)).type).toBe('Aborted');
  });
});

test('B1, B2: forged, unsigned, own, foreign, stale and unreadable answers are refused with a reason, and each is on record', async () => {
  const world = deadExternalDns();
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const request = await asked(handle);
    const forged = await makeApprovers(['bob']).sign('bob', request, 'repair');
    const unsigned = { claims: claimsFor(request, { decision: 'repair', approver: 'bob', reason: 'why', ticket: 'OPS-1' }) };
    const cases: [DecisionInput, RegExp][] = [
      [forged, /it was not made with the key/],
      [unsigned, /takes signed decisions only/],
      [await people.sign('ana', request, 'repair'), /ana asked for this run and may not approve it/],
      [await people.sign('bob', request, 'repair', { approver: 'alice' }), /bob signed in the name of alice/],
      [await people.sign('bob', request, 'repair', { runId: 'another' }), /it was given for run another/],
      [await people.sign('bob', request, 'repair', { subjectHash: 'another' }), /the list that it was given for has changed/],
      [await people.sign('bob', request, 'repair', { planHash: 'another' }), /another plan/],
      [await people.sign('bob', request, 'repair', { request: 'another' }), /answers request another, which is over/],
      [await people.sign('bob', request, 'lift'), /lift cannot be decided here/],
      [{ jws: 'e30.e30.e30' }, /its algorithm is undefined, not EdDSA/],
    ];
    for (const [answer, why] of cases) expect(await refusal(decide(handle, answer))).toMatch(why);
    expect(world.audit.flatMap((entry) => (entry.kind === 'attempt' ? [entry.accepted] : []))).toEqual(cases.map(() => false));
    expect(destroyed(world)).toEqual([]);
    expect((await handle.query(reportQuery)).refusals).toHaveLength(cases.length);
    await handle.executeUpdate(abortUpdate, { args: [{ stage: 'dns-gate', by: 'ana', reason: 'enough' }] });
    await failureOf(handle);
  });
});

test('B1: where two must approve, one is not enough, nor the same one twice, nor two who differ', async () => {
  const world = deadExternalDns();
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan({ approvals: 2 }));
    const request = await asked(handle);
    const bob = await people.sign('bob', request, 'repair');
    await decide(handle, bob);
    expect(await refusal(decide(handle, bob))).toMatch(/bob has answered this request already/);
    await decide(handle, await people.sign('alice', request, 'leave'));
    expect((await handle.query(reportQuery)).waiting?.approvals).toHaveLength(2);
    expect(world.calls).not.toContain('repairRecords');
    expect(destroyed(world)).toEqual([]);
    await decide(handle, await people.sign('carol', request, 'repair'));
    expect((await handle.result()).state).toBe('clean');
    expect(world.calls.filter((call) => call === 'repairRecords')).toHaveLength(1);
  });
});

test('B1: the decision may come by hand as a signal, signed; one that is no decision is told in the report', async () => {
  const world = deadExternalDns();
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const request = await asked(handle);
    await handle.signal(decideSignal, { jws: 'nonsense' });
    await handle.signal(decideSignal, await people.sign('ana', request, 'repair'));
    await expect.poll(async () => (await handle.query(reportQuery)).refusals.map(({ reason }) => reason), { timeout: 10_000 }).toEqual([expect.stringMatching(/^Not a decision/), 'ana asked for this run and may not approve it']);
    await handle.signal(decideSignal, await people.sign('bob', request, 'repair'));
    expect((await handle.result()).state).toBe('clean');
  });
});

test('B1: wait gives the gate its time again', async () => {
  const world = deadExternalDns();
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const request = await asked(handle);
    world.records = []; // ExternalDNS came back meanwhile
    await decide(handle, await people.sign('bob', request, 'wait'));
    const report = await handle.result();
    expect(report.state).toBe('clean');
    expect(world.calls).not.toContain('repairRecords');
  });
});

test('failure 13: ExternalDNS found dead before the drain asks at once; repair is carried to the gate and deletes exactly what was listed', async () => {
  const world = foundDeadBeforeTheDrain();
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const request = await asked(handle);
    expect(request).toMatchObject({ gate: 'drain-precheck', decisions: ['repair', 'leave', 'abort'] });
    expect(world.calls).not.toContain('freezeGitOps');
    await decide(handle, await people.sign('bob', request, 'repair'));
    const report = await handle.result();
    expect(report.state).toBe('clean');
    expect(report.decisions).toHaveLength(1);
    expect(world.calls.indexOf('deleteDnsSources')).toBeLessThan(world.calls.indexOf('repairRecords'));
  });
});

test('B1: a request is reminded of, expires, and can no longer be answered; retry asks anew', async () => {
  const world = deadExternalDns();
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime, client }) => {
    const handle = await teardownInRealTime(plan({ expiresMinutes: 0.25, remindMinutes: 0.2 }));
    const request = await asked(handle);
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.reminded, { timeout: 12_000 }).toBe(true);
    expect(await detailsOf(client, handle)).toContain('about to expire');
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request, { timeout: 25_000 }).toBeUndefined();
    expect(await refusal(decide(handle, await people.sign('bob', request, 'repair')))).toBe('Refused: the run does not wait for a decision now');
    expect(world.audit.find(({ kind }) => kind === 'void')).toMatchObject({ request: request.id, reason: 'it expired' });
    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'dns-gate', by: 'ana', reason: 'once more' }] });
    const second = await asked(handle);
    expect(second.id).not.toBe(request.id);
    expect(second.subjectHash).toBe(request.subjectHash);
    await handle.executeUpdate(abortUpdate, { args: [{ stage: 'dns-gate', by: 'ana', reason: 'enough' }] });
    await failureOf(handle);
  });
});

async function detailsOf(client: Client, handle: AnyHandle): Promise<string> {
  return await client.workflow.getHandle(handle.workflowId).query<string>('__temporal_workflow_metadata').then((metadata: unknown) => JSON.stringify(metadata));
}

test('U1: the current details show who may decide what, and the exact payload to send by hand', async () => {
  const world = deadExternalDns();
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime, client }) => {
    const handle = await teardownInRealTime(plan({ signatures: 'optional' }));
    const request = await asked(handle);
    const details = JSON.parse(await detailsOf(client, handle)) as { currentDetails: string };
    const payload = /--name decide-by-hand --input '(\{"claims".*\})'/.exec(details.currentDetails)?.[1] ?? '';
    expect(details.currentDetails).toContain(`goldenpath approve ${handle.workflowId} --decision wait`);
    expect(details.currentDetails).toContain(request.subject[0]);
    const sent = JSON.parse(payload) as { claims: Record<string, string> };
    await handle.signal(decideSignal, { claims: { ...sent.claims, decision: 'repair', approver: 'bob' } } as unknown as DecisionInput);
    expect((await handle.result()).state).toBe('clean');
  });
});

test('B2: while the audit trail cannot be written no decision is taken and nothing destroyed', async () => {
  let broken = true;
  const world = newWorld((inner) => ({
    deleteDnsSources: () => { inner.sources = []; return Promise.resolve([]); },
    recordAudit: ({ entry }) => (broken ? Promise.reject(failed('AccessDenied', 's3:PutObject is denied')) : (inner.audit.push(entry), Promise.resolve({ key: 'k' }))),
  }));
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    const waiting = await untilWaiting(handle);
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.reason, { timeout: 10_000 }).toMatch(/the audit trail cannot be written .*s3:PutObject is denied/);
    expect(waiting.waiting?.request).toBeUndefined();
    expect(destroyed(world)).toEqual([]);
    broken = false;
    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'dns-gate', by: 'ana', reason: 'the bucket policy is mended' }] });
    await decide(handle, await people.sign('bob', await asked(handle), 'repair'));
    expect((await handle.result()).state).toBe('clean');
  });
});
