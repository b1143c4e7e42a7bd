// The one place in front of destroying (teardown.md § The invariant), with real signatures and a real order of calls.
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Destroyers, Destroying } from '../../../activities/contract.ts';
import { destroyer } from '../../../activities/guard.ts';
import { createActivities, createZoneActivities } from '../../../activities/index.ts';
import { type Approval, type BreakGlass, type Decision, type DecisionInput, type DecisionRequest, subjectHash } from '../../../domain/break-glass.ts';
import type { LeavePermit } from '../../../domain/dns-gate.ts';
import { deafAws } from '../../support/deaf-aws.ts';
import { approvalOf, people, type Person, questionOf, sayOf } from '../../support/decisions.ts';
import { inActivity, RUN } from '../../support/in-activity.ts';
import { memoryS3 } from '../../support/memory-s3.ts';
import { permitted, proofOf } from '../../support/permits.ts';
import { environment, ephemeralPlan } from '../../support/plans.ts';

const { keys, policy } = people();
const plan = ephemeralPlan('teardown', '21-11-26-01', { breakGlass: policy() });
const { target } = plan;

/** A guarded activity that only notes that it was called. */
function guarded() {
  const { client, bucket } = memoryS3();
  const calls: string[] = [];
  const destroy = destroyer<Destroying, string>(client, () => { calls.push([...bucket.objects.keys()].at(-1) ?? 'nothing on record'); return Promise.resolve('done'); });
  return { bucket, calls, destroy: inActivity({ deleteThings: destroy }).deleteThings, as: (run: Parameters<typeof inActivity>[1]) => inActivity({ deleteThings: destroy }, run).deleteThings };
}

describe('destroyer, on a proof', () => {
  it('X1, B2: with a fresh proof of this platform and plan the call is made, once, after it was put on record', async () => {
    const { calls, destroy, bucket } = guarded();
    const input = permitted(plan);
    await expect(destroy(input)).resolves.toBe('done');
    expect(calls).toEqual([expect.stringMatching(/^audit\/dev\/goldenpath-dev-eks-21-11-26-01\/run-1\/\d{4}-[-\d:T.]+Z-destroy-deleteThings-1\.json$/)]);
    expect(JSON.parse([...bucket.objects.values()][0] ?? '')).toMatchObject({ schema: 1, kind: 'destroy', activity: 'deleteThings', attempt: 1, environment: 'dev', cluster: target.cluster, workflowId: target.workflowId, runId: 'run-1', permit: input.permit });
  });

  it('X1: with any one thing wrong about the proof the call is never made, and nothing is put on record', async () => {
    const wrong = fc.constantFrom<object>(
      { cluster: 'other' }, { hostedZoneId: 'Z0OTHER' }, { ownerId: `${target.ownerId}1` }, { planHash: 'other' }, { cleanListings: 2 },
      { lastCleanAt: Date.now() - 300_001 }, { lastCleanAt: Date.now() + 3_600_000 },
    );
    await fc.assert(fc.asyncProperty(wrong, async (change) => {
      const { calls, destroy, bucket } = guarded();
      await expect(destroy(permitted(plan, change))).rejects.toMatchObject({ type: 'ProofMissing' });
      expect([calls, bucket.objects.size]).toEqual([[], 0]);
    }));
  });

  it('X1: a target whose names are not its cluster’s own is refused, though the proof is of exactly that target', async () => {
    // A forged plan with build 77's owner id proved the wrong records gone, and destroyed build 01.
    for (const forged of [{ ownerId: 'goldenpath-dev-21-11-26-77' }, { hostSuffix: 'b-21-11-26-77.dev.goldenpathidp.io' }]) {
      const other = { ...plan, target: { ...target, ...forged } };
      const { calls, destroy, bucket } = guarded();
      await expect(destroy(permitted(other))).rejects.toMatchObject({ type: 'ProofMissing', message: expect.stringContaining('its names are not a platform\'s own') as string });
      expect([calls, bucket.objects.size]).toEqual([[], 0]);
    }
  });

  it('X1: a plan that asks for less than three listings and five minutes gets no less', async () => {
    const lax = { cleanListings: 1, proofMaxAgeMs: 3_600_000 };
    for (const change of [{ cleanListings: 2 }, { lastCleanAt: Date.now() - 300_001 }]) {
      const { calls, destroy } = guarded();
      await expect(destroy({ ...permitted(plan, change), ...lax })).rejects.toMatchObject({ type: 'ProofMissing' });
      expect(calls).toEqual([]);
    }
  });

  it('B2: each attempt is an entry of its own', async () => {
    const { destroy, as, bucket } = guarded();
    await destroy(permitted(plan));
    await as({ attempt: 2 })(permitted(plan));
    expect([...bucket.objects.keys()].map((key) => /deleteThings-\d/.exec(key)?.[0])).toEqual(['deleteThings-1', 'deleteThings-2']);
  });

  it('X1: a proof that grew stale while a deletion was tried again says why it had to be', async () => {
    const { client } = memoryS3();
    const failing = destroyer<Destroying, string>(client, () => Promise.reject(new Error('DependencyViolation: sg-1 has a dependent object')));
    const context = new MockActivityEnvironment({ heartbeatTimeoutMs: 20_000, workflowExecution: RUN }, { logger: new DefaultLogger('ERROR') });
    const left: unknown[] = [];
    context.on('heartbeat', (details) => left.push(details));
    await expect(context.run(failing, permitted(plan))).rejects.toThrow('DependencyViolation');
    const [heartbeatDetails] = left;
    const { as } = guarded();
    await expect(as({ attempt: 9, heartbeatDetails })(permitted(plan, { lastCleanAt: Date.now() - 300_001 }))).rejects.toMatchObject({
      type: 'ProofMissing', message: expect.stringContaining('the attempt before this one failed: DependencyViolation: sg-1 has a dependent object') as string,
    });
  });

  it.each([['AccessDenied', 403], ['SlowDown', 503], ['InternalError', 500]])('B2: what cannot be put on record (%s) is not done', async (code, status) => {
    const { calls, destroy, bucket } = guarded();
    bucket.refuse = { code, status };
    await expect(destroy(permitted(plan))).rejects.toMatchObject({ name: code });
    expect(calls).toEqual([]);
  });
});

describe('destroyer, on a decision', () => {
  const subject = ['kong.b-21-11-26-01.dev.goldenpathidp.io A 192.0.2.1 (owner-txt, owner me) ttl 60'];
  const request = questionOf(plan, { subject });
  const leave = async (who: Person[], changes: Partial<LeavePermit> = {}, decision: Decision = 'leave', of: DecisionRequest = request): Promise<Destroying> => {
    const { cluster, hostedZoneId, ownerId } = target;
    const approvals = await Promise.all(who.map((person) => approvalOf(keys, of, person, decision)));
    return { ...permitted(plan), permit: { kind: 'break-glass', cluster, hostedZoneId, ownerId, planHash: plan.hash, request: of, approvals, listedHash: subjectHash(subject), listedAt: Date.now(), ...changes } };
  };
  const problemsOf = async (input: Destroying): Promise<string[]> => {
    const { calls, destroy, bucket } = guarded();
    const problems: unknown = await destroy(input).then(() => [], (error: unknown) => (error as { type?: string; problems?: string[] }).problems);
    expect(calls.length).toBe(Array.isArray(problems) && problems.length === 0 ? 1 : 0);
    expect(bucket.objects.size).toBe(calls.length);
    return problems as string[];
  };
  const withApproval = async (change: (approval: Approval) => Approval): Promise<Destroying> => {
    const approval = await approvalOf(keys, request, 'alice', 'leave');
    return leave([], { approvals: [change(approval)] });
  };

  it('B1: an approver’s signed decision to leave exactly what is listed lets the call through, and is on record with it', async () => {
    const { calls, destroy, bucket } = guarded();
    await expect(destroy(await leave(['alice']))).resolves.toBe('done');
    expect(calls).toHaveLength(1);
    expect(JSON.parse([...bucket.objects.values()][0] ?? '')).toMatchObject({ kind: 'destroy', permit: { kind: 'break-glass', request: { subject }, approvals: [{ claims: { approver: 'alice', ticket: 'OPS-7' } }] } });
  });

  it('B2: a decision without its signature, or with one of other claims, or forged, is refused', async () => {
    expect(await problemsOf(await withApproval(({ claims, at }) => ({ claims, at })))).toEqual(['the answer of alice: dev takes signed decisions only: make one with `goldenpath approve --key` or `goldenpath sign`']);
    expect(await problemsOf(await withApproval((approval) => ({ ...approval, claims: { ...approval.claims, reason: 'another' } })))).toEqual(['the answer of alice: the signature is of other claims']);
    const forged = await approvalOf({ ...keys, alice: keys.bob }, request, 'alice', 'leave');
    expect(await problemsOf(await leave([], { approvals: [forged] }))).toEqual([expect.stringMatching(/^the answer of alice: the signature is worth nothing: it was not made with the key/)]);
  });

  it('B1: another decision, another run, a list that changed and an old one are refused', async () => {
    expect(await problemsOf(await leave(['alice'], {}, 'repair'))).toEqual(['the decision is not to leave the records, or fewer than 1 approvers said so']);
    expect(await problemsOf(await leave(['alice'], { listedHash: subjectHash([...subject, 'more']) }))).toEqual(['the records are not the ones that were signed for']);
    expect(await problemsOf(await leave(['alice'], { listedAt: Date.now() - 300_001 }))).toEqual(['the proof is 300 s old, 300 s are allowed']);
    const { as, calls } = guarded();
    await expect(as({ runId: 'run-2' })(await leave(['alice']))).rejects.toMatchObject({ problems: ['the decision is of runId run-1, not of run-2'] });
    expect(calls).toEqual([]);
  });

  it('B1: in prod two different approvers are needed, whatever the request says of itself', async () => {
    const strict = { breakGlass: policy({ approvals: 2 }) };
    const meek = { ...request, approvals: 1 };
    expect(await problemsOf({ ...(await leave(['alice'], { request: meek })), ...strict })).toEqual(['2 different approvers have not decided leave']);
    expect(await problemsOf({ ...(await leave(['alice', 'bob'], { request: meek })), ...strict })).toEqual([]);
    expect(await problemsOf({ ...(await leave(['alice', 'alice'], { request: meek })), ...strict })).toContain('2 different approvers have not decided leave');
  });

  it('B1: the requester’s own decision is refused, signed or not', async () => {
    const own = questionOf(plan, { subject, requester: 'alice' });
    expect(await problemsOf(await leave(['alice'], {}, 'leave', own))).toEqual(['the answer of alice: alice asked for this run and may not approve it']);
    const unsigned: Approval = { claims: sayOf(own, 'alice', 'leave'), at: Date.now() };
    expect(await problemsOf({ ...(await leave([], { request: { ...own, signatures: 'optional' }, approvals: [unsigned] })), breakGlass: policy({ signatures: 'optional' }) })).toEqual(['the answer of alice: alice asked for this run and may not approve it']);
  });

  it('B2: where signatures are optional an unsigned decision is enough', async () => {
    const optional = { ...request, signatures: 'optional' as const };
    const unsigned: Approval = { claims: sayOf(optional, 'alice', 'leave'), at: Date.now() };
    expect(await problemsOf({ ...(await leave([], { request: optional, approvals: [unsigned] })), breakGlass: policy({ signatures: 'optional' }) })).toEqual([]);
    expect(await problemsOf(await leave([], { request: optional, approvals: [unsigned] }))).toHaveLength(1);
  });
});

describe('every destroying activity', () => {
  /** What each is called with beside the permit. A new one does not compile until it stands here. */
  const INPUTS: { [Name in keyof Destroyers]: Omit<Parameters<Destroyers[Name]>[0], keyof Destroying> } = {
    deleteVolumes: {},
    removeArgoCd: { manifest: plan.versions.manifests.argocd },
    deleteControllers: { names: ['kong'] },
    startDeleteNodeGroups: {},
    startDeleteCluster: {},
    deleteIdentity: {},
    deleteLeftovers: {},
    deleteLoadBalancers: {},
    deleteOrphanInstances: {},
    deleteOrphanNetwork: {},
    deleteOrphanVolumes: { kept: [] },
    deleteOrphanIdentity: {},
  };
  const names = Object.keys(INPUTS) as (keyof Destroyers)[];
  let world: Awaited<ReturnType<typeof deafAws>>;
  let registry: ReturnType<typeof memoryS3>;
  const call = (name: keyof Destroyers, input: Destroying) => {
    const activities = inActivity(createActivities({ ...world.clients, s3: registry.client }));
    return (activities[name] as (input: Destroying) => Promise<unknown>)({ ...INPUTS[name], ...input });
  };
  /** The same by a worker that holds an environment file under which two must approve. */
  const callHeld = (name: keyof Destroyers, input: Destroying) => {
    const environments = new Map([['dev', { ...environment(), breakGlass: policy({ approvals: 2 }) }]]);
    const activities = inActivity(createActivities({ ...world.clients, s3: registry.client }, { environments }));
    return (activities[name] as (input: Destroying) => Promise<unknown>)({ ...INPUTS[name], ...input });
  };
  const decidedByOne = async (): Promise<Destroying> => {
    const request = questionOf(plan);
    const { cluster, hostedZoneId, ownerId } = target;
    const approvals = [await approvalOf(keys, request, 'alice', 'leave')];
    return { ...permitted(plan), permit: { kind: 'break-glass', cluster, hostedZoneId, ownerId, planHash: plan.hash, request, approvals, listedHash: request.subjectHash, listedAt: Date.now() } };
  };

  beforeAll(async () => { world = await deafAws(target.region); });
  afterAll(() => world.close());
  beforeEach(() => { world.aws.asked = []; registry = memoryS3(); });

  it.each(names)('X1: %s asks nothing of AWS without a permit, with a stale one, or with another platform’s', async (name) => {
    for (const permit of [undefined as never, proofOf(plan, { lastCleanAt: 0 }), proofOf(plan, { cluster: 'another' }), proofOf(plan, { cleanListings: 0 })]) {
      await expect(call(name, { ...permitted(plan), permit })).rejects.toMatchObject({ type: 'ProofMissing', nonRetryable: true });
    }
    expect(world.aws.asked).toEqual([]);
    expect(registry.bucket.objects.size).toBe(0);
  });

  it.each(names)('B1: %s asks nothing of AWS on the decision of approvers who are not the worker’s own', async (name) => {
    await expect(callHeld(name, await decidedByOne())).rejects.toMatchObject({ type: 'ProofMissing', nonRetryable: true, details: [['breakGlass.approvals is 1 in the plan, 2 in the worker\'s file']] });
    expect([world.aws.asked, registry.bucket.objects.size]).toEqual([[], 0]);
  });

  it.each(names)('X1: %s asks nothing of AWS on a proof of another zone than the worker’s own', async (name) => {
    const { hostedZoneId } = target;
    const file = environment();
    const environments = new Map([['dev', { ...file, dns: { ...file.dns, hostedZoneId: 'Z0OTHER' } }]]);
    const activities = inActivity(createActivities({ ...world.clients, s3: registry.client }, { environments }));
    await expect((activities[name] as (input: Destroying) => Promise<unknown>)({ ...INPUTS[name], ...permitted(plan) })).rejects.toMatchObject({
      type: 'ProofMissing', nonRetryable: true, message: expect.stringContaining('No proof counts: the plan is about another zone') as string, details: [[expect.stringContaining(hostedZoneId)]],
    });
    expect([world.aws.asked, registry.bucket.objects.size]).toEqual([[], 0]);
  });

  it.each(names)('B2: %s asks nothing of AWS while it cannot be put on record, and may be tried again', async (name) => {
    registry.bucket.refuse = { code: 'SlowDown', status: 503 };
    await expect(call(name, permitted(plan))).rejects.toMatchObject({ type: 'Throttled', nonRetryable: false });
    expect(world.aws.asked).toEqual([]);
  });

  it.each(names)('B2: %s is on record before the first thing it asks', async (name) => {
    const onRecord: number[] = [];
    world.aws.onAsked = () => { onRecord.push(registry.bucket.objects.size); };
    await expect(call(name, permitted(plan))).rejects.toMatchObject({ type: 'AccessDenied' });
    expect(world.aws.asked.length).toBeGreaterThan(0);
    expect(new Set(onRecord)).toEqual(new Set([1]));
    expect([...registry.bucket.objects.keys()][0]).toMatch(new RegExp(`-destroy-${name}-1\\.json$`));
  });

  it.each(names)('B1: %s is done on a proof whatever the worker’s list, and on a decision where the worker holds none', async (name) => {
    await expect(callHeld(name, permitted(plan))).rejects.toMatchObject({ type: 'AccessDenied' }); // AWS was asked
    registry = memoryS3();
    await expect(call(name, await decidedByOne())).rejects.toMatchObject({ type: 'AccessDenied' });
  });
});

describe('what acts on a decision without destroying', () => {
  const request = questionOf(plan, { decisions: ['repair', 'lift'] });
  const files = (changes: Partial<BreakGlass> = {}) => new Map([['dev', { ...environment(), breakGlass: policy(changes) }]]);
  let world: Awaited<ReturnType<typeof deafAws>>;
  beforeAll(async () => { world = await deafAws(target.region); });
  afterAll(() => world.close());
  beforeEach(() => { world.aws.asked = []; });

  it('B1: neither a repair nor a lift asks anything of AWS for approvers who are not the worker’s own', async () => {
    const acting = async (decision: Decision) => ({ target, request, approvals: [await approvalOf(keys, request, 'alice', decision)], breakGlass: plan.breakGlass, registry: plan.registry, planHash: plan.hash });
    const environments = files({ approvers: policy().approvers.slice(1) });
    const [zone, main] = [inActivity(createZoneActivities(world.clients, { environments })), inActivity(createActivities(world.clients, { environments }))];
    const [repair, lift] = [await acting('repair'), await acting('lift')];
    for (const act of [() => zone.repairRecords(repair), () => zone.liftRecordProtections(lift), () => main.liftProtections(lift)]) {
      await expect(act()).rejects.toMatchObject({ type: 'ProofMissing', message: expect.stringContaining('not the ones of the worker\'s environment file') as string, details: [['alice is an approver in the plan, not in the worker\'s file']] });
    }
    expect(world.aws.asked).toEqual([]);
  });

  it('B2: an answer is worth nothing where the plan’s approvers are not the worker’s own, signed or not; it is still read', async () => {
    const claims = sayOf(request, 'alice', 'repair');
    const jws = (await approvalOf(keys, request, 'alice', 'repair')).jws ?? '';
    const verify = (changes: Partial<BreakGlass>, decision: DecisionInput) => inActivity(createActivities(world.clients, { environments: files(changes) })).verifyDecision({ decision, policy: plan.breakGlass, target });
    expect(await verify({}, { jws })).toEqual({ claims, signature: { kind: 'valid', signer: 'alice' } });
    for (const decision of [{ jws }, { claims }]) {
      expect(await verify({ signatures: 'optional' }, decision)).toEqual({ claims, signature: { kind: 'invalid', why: 'the plan\'s approvers are not the ones of the worker\'s environment file: breakGlass.signatures is required in the plan, optional in the worker\'s file' } });
    }
  });

  it('B1: the first stage of a run is told how they differ; where the worker holds no files, that nothing does', async () => {
    const { client } = memoryS3();
    const told = async (environments?: ReturnType<typeof files>) => (await inActivity(createActivities({ ...world.clients, s3: client }, { environments })).readRegistry({ target, registry: plan.registry, policy: plan.breakGlass })).policyProblems;
    expect(await told(files({ approvals: 2 }))).toEqual(['breakGlass.approvals is 1 in the plan, 2 in the worker\'s file']);
    expect(await told(files())).toEqual([]);
    expect(await told()).toEqual([]);
  });
});
