// Finding and removing what platforms that are gone left behind, on a real Temporal server (X5, D4, X6).
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { Surveys, ZoneSurveys } from '../../activities/contract.ts';
import { runActivities } from '../../activities/runs.ts';
import { claimsFor } from '../../domain/break-glass.ts';
import type { OwnedRecord } from '../../domain/dns-records.ts';
import type { FoundObject, OrphanReport, PlatformRecords } from '../../domain/orphans.ts';
import type { Plan } from '../../domain/plan.ts';
import { liftSubject, recordProtection } from '../../domain/protections.ts';
import type { Refusal } from '../../domain/removal.ts';
import type { RunReport } from '../../domain/report.ts';
import { timings } from '../../domain/timings.ts';
import { decideUpdate, FIND_ORPHANS, type FindOrphansInput, reportQuery } from '../../workflows/messages.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { answerOf, type AnyHandle, causeOf, type Runs, withWorld } from '../support/runs.ts';
import { failed, newWorld, type World } from '../support/world.ts';

const newBuildId = buildIdsOf('orphans');
const REMOVING = ['deleteLoadBalancers', 'deleteOrphanInstances', 'deleteOrphanNetwork', 'deleteOrphanVolumes', 'deleteOrphanIdentity'];
/** Each test has builds of its own, so that all may share one server. */
const plan = (scale = 1) => ephemeralPlan('remove-orphans', newBuildId(), { timings: { scale, lateSweeps: false } });
const removed = ({ calls }: World) => calls.filter((call) => REMOVING.includes(call));
const role = (cluster: string): FoundObject => ({ kind: 'iam:role', id: `arn:role/${cluster}-node`, name: `${cluster}-node`, clusters: [cluster], environment: 'dev', by: 'tags' });
const nothing = { deleted: [], refused: [] };

/** A world with surveys beside the platform's activities; Temporal itself is asked which runs there are. */
function orphanWorld(overrides: (world: World) => Parameters<typeof newWorld>[0] extends ((world: World) => infer R) | undefined ? R : never, surveys: Partial<Surveys & ZoneSurveys> = {}) {
  const world = newWorld(overrides);
  const standard: Surveys & ZoneSurveys = {
    readMemories: () => Promise.resolve([]),
    surveyAccount: () => Promise.resolve({ living: [], objects: [] }),
    surveyZone: () => Promise.resolve([]),
    readClusters: ({ clusters }) => Promise.resolve(clusters.map((cluster) => ({ cluster, exists: false }))),
    ...runActivities,
  };
  Object.assign(world.activities, { ...standard, ...surveys });
  return world;
}

const found = (own: { cluster: string }[]) => ({ surveyAccount: () => Promise.resolve({ living: [], objects: own.map(({ cluster }) => role(cluster)) }) });

function find(runs: Runs, id: string): Promise<OrphanReport> {
  const { target, registry } = ephemeralPlan();
  const input: FindOrphansInput = { scope: { environment: 'dev', zone: target.zone }, accountId: target.accountId, hostedZoneId: target.hostedZoneId, registry, timings: timings(1) };
  return answerOf<OrphanReport>(runs, { type: FIND_ORPHANS, workflowId: `orphans/${id}`, input });
}

async function decide(handle: AnyHandle, decision: 'repair' | 'leave' | 'lift' | 'abort'): Promise<RunReport> {
  // The question is put on record before it is asked.
  await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request, { timeout: 20_000 }).toBeDefined();
  const { waiting } = await handle.query(reportQuery);
  if (waiting?.request === undefined) throw new Error('the run asks nothing');
  return handle.executeUpdate(decideUpdate, { args: [{ claims: claimsFor(waiting.request, { decision, approver: 'bob', reason: 'the build is long gone', ticket: 'OPS-7' }) }] });
}

function recordOf({ target }: Plan): OwnedRecord {
  return { name: `kong.${target.hostSuffix}`, type: 'A', values: ['192.0.2.1'], because: 'owner-txt', owner: target.ownerId };
}

test('X5, X6: a platform with a run in flight is not gone; once Temporal says that it has ended, it is', async () => {
  const own = plan();
  const gate = Promise.withResolvers<void>();
  const world = orphanWorld(() => ({ startNodeGroup: async () => { await gate.promise; return []; } }), found([own.target]));
  await withWorld(world, async (runs) => {
    const bootstrap = await runs.bootstrap(ephemeralPlan('bootstrap', own.target.buildId ?? ''));
    await expect.poll(() => world.calls, { timeout: 20_000 }).toContain('startNodeGroup');
    expect((await find(runs, 'in-flight')).platforms).toEqual([]);
    gate.resolve();
    await bootstrap.result();
    expect((await find(runs, 'ended')).platforms.map(({ cluster }) => cluster)).toEqual([own.target.cluster]);
    expect(removed(world)).toEqual([]);
  });
});

test('failure 36: a service, a zone or a cluster that cannot be read fails the look; it never says none', async () => {
  const unreadable = [
    { surveyAccount: () => Promise.reject(failed('AccessDenied', 'iam:ListRoles')) },
    { surveyZone: () => Promise.reject(failed('AccessDenied', 'route53:ListResourceRecordSets')) },
    { ...found([{ cluster: 'goldenpath-dev-eks-05-02-26-90' }]), readClusters: () => Promise.reject(failed('AccessDenied', 'eks:DescribeCluster')) },
    { readMemories: () => Promise.reject(failed('AccessDenied', 's3:ListBucket')) },
  ];
  for (const [index, surveys] of unreadable.entries()) {
    await withWorld(orphanWorld(() => ({}), surveys), async (runs) => {
      expect(await causeOf(find(runs, `unreadable-${index}`))).toMatchObject({ type: 'AccessDenied' });
    });
  }
});

test('X5: what is left goes kind by kind, records proven gone before, each call with a permit of its own', async () => {
  const own = plan();
  const world = orphanWorld(() => ({}));
  await withWorld(world, async ({ removeOrphans }) => {
    const report = await (await removeOrphans(own)).result();
    expect({ state: report.state, operation: report.operation }).toEqual({ state: 'clean', operation: 'remove-orphans' });
    expect(report.stages.map(({ id, status }) => `${id} ${status}`)).toEqual(['gone done', 'dns-gate done', 'load-balancers done', 'nodes done', 'network done', 'volumes done', 'identity done', 'sweep done', 'receipt done']);
    expect(removed(world)).toEqual(REMOVING);
    expect(world.calls.slice(0, world.calls.indexOf('deleteLoadBalancers')).filter((call) => call === 'listZone').length).toBeGreaterThanOrEqual(3);
    expect(world.audit.filter(({ kind }) => kind === 'destroy')).toHaveLength(REMOVING.length);
    expect([...world.receipts.values()].map(({ report: kept }) => kept.operation)).toEqual(['remove-orphans']);
  });
});

test('X5: a cluster that exists is no orphan’s: the run is refused before its first change', async () => {
  const own = plan();
  const world = orphanWorld(() => ({}), { readClusters: ({ clusters }) => Promise.resolve(clusters.map((cluster) => ({ cluster, exists: true }))) });
  await withWorld(world, async ({ removeOrphans }) => {
    const failure = await causeOf((await removeOrphans(own, 'fail')).result());
    expect(failure).toMatchObject({ type: 'PreflightFailed' });
    expect(failure.message).toContain(`goldenpath teardown --env dev --build-id ${own.target.buildId}`);
    expect(removed(world)).toEqual([]);
  });
});

test('D4: records are asked about at once, repair or abort; repaired they go, and only then anything else', async () => {
  const own = plan();
  const world = orphanWorld(() => ({}));
  world.records = [recordOf(own)];
  await withWorld(world, async ({ removeOrphansInRealTime }) => {
    const handle = await removeOrphansInRealTime(own);
    await expect.poll(async () => (await handle.query(reportQuery)).waiting, { timeout: 20_000 }).toMatchObject({ stage: 'dns-gate', records: [{ name: recordOf(own).name }], request: { decisions: ['repair', 'abort'], approvals: 1 } });
    expect(removed(world)).toEqual([]);
    await expect(decide(handle, 'leave')).rejects.toThrow(WorkflowUpdateFailedError);
    await decide(handle, 'repair');
    const report = await handle.result();
    expect({ state: report.state, records: world.records }).toEqual({ state: 'clean', records: [] });
    expect(world.calls.indexOf('repairRecords')).toBeLessThan(world.calls.indexOf('deleteLoadBalancers'));
    expect(world.audit.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['request', 'attempt', 'decision', 'repair', 'proof', 'destroy']));
  });
});

test('D4, failure 41: records that Route 53 protects are asked about before they are deleted, as a teardown does', async () => {
  const own = plan();
  const world = orphanWorld(() => ({}));
  const protectedRecord = recordProtection({ name: recordOf(own).name, type: 'A', comment: 'ask the network team' });
  world.records = [recordOf(own)];
  world.recordProtections = [protectedRecord];
  await withWorld(world, async ({ removeOrphansInRealTime }) => {
    const handle = await removeOrphansInRealTime(own);
    await decide(handle, 'repair');
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request, { timeout: 20_000 }).toMatchObject({ gate: 'dns-gate', decisions: ['lift', 'abort'], subject: liftSubject([protectedRecord]) });
    expect([world.calls.includes('repairRecords'), removed(world), world.records.length]).toEqual([false, [], 1]);
    await decide(handle, 'lift');
    expect((await handle.result()).state).toBe('clean');
    expect([world.records, world.recordProtections]).toEqual([[], []]);
  });
});

test('D4: abort ends the run with nothing removed', async () => {
  const own = plan();
  const world = orphanWorld(() => ({}));
  world.records = [recordOf(own)];
  await withWorld(world, async ({ removeOrphansInRealTime }) => {
    const handle = await removeOrphansInRealTime(own);
    await decide(handle, 'abort');
    expect(await causeOf(handle.result())).toMatchObject({ type: 'Aborted' });
    expect([removed(world), world.records.length]).toEqual([[], 1]);
  });
});

test('D4: records in which a living platform or a stranger has part are nobody’s to decide on here', async () => {
  const own = plan();
  const claimed = { ...recordOf(own), inside: own.target.cluster };
  const platforms = (owners: string[]): PlatformRecords[] => [{ cluster: own.target.cluster, records: [{ ...claimed, owners }] }];
  for (const [owners, why] of [[['default'], 'no platform of dev'], [[own.target.ownerId, 'goldenpath-dev-05-02-26-80'], 'owner goldenpath-dev-05-02-26-80']] as const) {
    const world = orphanWorld(() => ({}), { surveyZone: () => Promise.resolve(platforms([...owners])), readClusters: ({ clusters }) => Promise.resolve(clusters.map((cluster) => ({ cluster, exists: cluster !== own.target.cluster }))) });
    world.records = [recordOf(own)];
    await withWorld(world, async ({ removeOrphans }) => {
      const failure = await causeOf((await removeOrphans(own, 'fail')).result());
      expect(failure).toMatchObject({ type: 'NotOwned' });
      expect(failure.message).toContain(why);
      expect([removed(world), world.records.length]).toEqual([[], 1]);
    });
  }
});

test('X4, failure 37: what is in use is tried again on a fresh proof; what is refused for good is residue with its reason, and nobody waits for what it uses', async () => {
  const own = plan();
  const refusal = (id: string, passing: boolean): Refusal => ({ id, why: passing ? 'DependencyViolation: it is in use' : 'OperationNotPermitted: deletion protection is enabled', passing });
  let looks = 0;
  const balancer = { kind: 'elasticloadbalancing:loadbalancer', id: 'arn:lb', name: 'kong', why: 'its tags', whatToDo: 'look' };
  const group = { kind: 'ec2:security-group', id: 'sg-1', name: 'kong', why: 'its tags', whatToDo: 'look' };
  let isProtected = false;
  const world = orphanWorld(() => ({
    deleteLoadBalancers: () => Promise.resolve(isProtected ? { deleted: [], refused: [refusal('arn:lb', false)] } : nothing),
    deleteOrphanNetwork: () => { looks += 1; return Promise.resolve(isProtected || looks < 4 ? { deleted: [], refused: [refusal('sg-1', true)] } : { deleted: ['security group sg-1'], refused: [] }); },
    sweep: () => Promise.resolve(isProtected ? [balancer, group] : []),
  }));
  await withWorld(world, async ({ removeOrphans }) => {
    const first = await (await removeOrphans(own)).result();
    expect({ state: first.state, looks }).toEqual({ state: 'clean', looks: 4 });
    expect(first.stages.find(({ id }) => id === 'network')?.evidence).toEqual(['security group sg-1']);

    [isProtected, looks] = [true, 0];
    const second = await (await removeOrphans(plan())).result();
    expect({ state: second.state, looks }).toEqual({ state: 'clean-with-residue', looks: 1 });
    expect(second.residue.map(({ id, why }) => `${id}: ${why}`)).toEqual([
      'arn:lb: its tags; deleting it was refused: OperationNotPermitted: deletion protection is enabled',
      'sg-1: its tags; deleting it was refused: DependencyViolation: it is in use',
    ]);
  });
});

test('X4: what stays in use is residue when the deadline has passed, not an endless run', async () => {
  const own = plan(60); // deadlines at their floor
  const volume = { kind: 'ec2:volume', id: 'vol-1', name: 'data', why: 'its tags', whatToDo: 'look' };
  const world = orphanWorld(() => ({
    deleteOrphanVolumes: () => Promise.resolve({ deleted: [], refused: [{ id: 'vol-1', why: 'VolumeInUse: attached', passing: true }] }),
    sweep: () => Promise.resolve([volume]),
  }));
  await withWorld(world, async ({ removeOrphans }) => {
    const report = await (await removeOrphans(own)).result();
    expect(report.residue).toMatchObject([{ id: 'vol-1', why: 'its tags; deleting it was refused: VolumeInUse: attached' }]);
    const stage = report.stages.find(({ id }) => id === 'volumes');
    expect((stage?.endedAt ?? 0) - (stage?.startedAt ?? 0)).toBeGreaterThanOrEqual(own.timings.networkGone.deadlineMs);
    expect(world.calls).toContain('deleteOrphanIdentity');
  });
});

test('X1: a record that appears in the middle stops the removal', async () => {
  const own = plan();
  const world = orphanWorld((self) => ({ deleteOrphanInstances: () => { self.records = [recordOf(own)]; return Promise.resolve(nothing); } }));
  await withWorld(world, async ({ removeOrphans }) => {
    expect(await causeOf((await removeOrphans(own, 'fail')).result())).toMatchObject({ type: 'DnsRecordsRemain' });
    expect(removed(world)).toEqual(['deleteLoadBalancers', 'deleteOrphanInstances']);
  });
});
