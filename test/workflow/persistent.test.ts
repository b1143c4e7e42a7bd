// The persistent platform: no build id, one name for ever, raised again and again; its teardown takes tiers 3 and 2 first, and nothing but its own records (F5, X1, X3, U1).
import { expect, test } from 'vitest';
import type { PlatformActivities } from '../../activities/contract.ts';
import { ROOT_APPLICATION } from '../../domain/components.ts';
import { listingOf } from '../../domain/dns-gate.ts';
import type { DnsRecord, OwnedRecord } from '../../domain/dns-records.ts';
import { newReport, recordResidue, type RunReport } from '../../domain/report.ts';
import type { Tier } from '../../domain/tiers.ts';
import { LATE_SWEEP, retryUpdate } from '../../workflows/messages.ts';
import { startRun } from '../../client/runs.ts';
import { persistentPlan } from '../support/plans.ts';
import { answerOf, untilWaiting, withWorld } from '../support/runs.ts';
import { application, failed, newWorld, type World } from '../support/world.ts';

/** Each test has an environment of its own: a persistent platform has but one workflow id, and all tests share one server. */
let environments = 0;
const newName = () => `keep${(environments += 1)}`;
const quiet = { timings: { scale: 1, lateSweeps: false } };

/** The activities of the surveys, which the world has not. */
type Surveyed = Partial<PlatformActivities> & { readRuns?: unknown; readClusters?: unknown };

/** A platform that stands at this tier, with applications of each. */
function giveStanding(world: World): void {
  world.clusterStatus = 'ACTIVE';
  world.applications = [application(ROOT_APPLICATION), application('external-dns', '1'), application('kong', '1'), application('prometheus', '1.5'), application('backstage', '2'), application('loki', '2'), application('keycloak', '3'), application('oidc-config', '3')];
  world.sources = ['Ingress kong/status'];
}

const txt = (name: string, owner: string): DnsRecord => ({ name, type: 'TXT', values: [`"heritage=external-dns,external-dns/owner=${owner}"`] });
const a = (name: string): DnsRecord => ({ name, type: 'A', values: ['ALIAS lb'] });

/** A zone that two builds and people share with the platform; `own` is what is its. */
function sharedZone(owner: string) {
  const own = [a('kong.dev.goldenpathidp.io'), txt('cname-xdns.kong.dev.goldenpathidp.io', owner), a('*.dev.goldenpathidp.io'), txt('cname-xdns.wildcard.dev.goldenpathidp.io', owner)];
  const others = [
    a('kong.b-21-11-26-01.dev.goldenpathidp.io'), txt('cname-xdns.kong.b-21-11-26-01.dev.goldenpathidp.io', `${owner}-21-11-26-01`),
    a('kong.b-21-11-26-02.dev.goldenpathidp.io'), txt('cname-xdns.kong.b-21-11-26-02.dev.goldenpathidp.io', `${owner}-21-11-26-02`),
    a('www.dev.goldenpathidp.io'), { name: 'dev.goldenpathidp.io', type: 'MX', values: ['10 mail.example.org.'] }, { name: 'dev.goldenpathidp.io', type: 'NS', values: ['ns-1'] },
    // Whoever wrote this into a build's subtree, it was not the persistent platform: IAM does not let it.
    a('planted.b-21-11-26-02.dev.goldenpathidp.io'), txt('cname-xdns.planted.b-21-11-26-02.dev.goldenpathidp.io', owner),
  ] satisfies DnsRecord[];
  return { own, others };
}

test('X1, X3: the teardown takes tier 3, then 2, then 1.5; its gate counts its own records alone, and says nothing of the others', async () => {
  const removals: string[][] = [];
  const plan = persistentPlan('teardown', { ...quiet, name: newName() });
  const { own, others } = sharedZone(plan.target.ownerId);
  let zone: DnsRecord[] = [...own, ...others];
  const world = newWorld((self) => ({
    listZone: (input) => Promise.resolve(listingOf(zone, input, Date.now(), 1)),
    deleteApplications: ({ names }) => { removals.push(names); self.applications = self.applications.filter(({ name }) => !names.includes(name)); return Promise.resolve(names); },
    awaitApplicationsGone: ({ names }) => Promise.resolve(names.filter((name) => self.applications.some((left) => left.name === name))),
    deleteDnsSources: () => { self.sources = []; zone = zone.filter((record) => !own.includes(record)); return Promise.resolve(['Ingress kong/status']); },
  }));
  giveStanding(world);
  await withWorld(world, async (runs) => {
    const report = await (await runs.teardown(plan)).result();
    expect(report).toMatchObject({ state: 'clean', buildId: null, workflowId: plan.target.workflowId });
    expect(removals).toEqual([['keycloak', 'oidc-config'], ['backstage', 'loki'], ['prometheus']]);
    expect(report.stages.find(({ id }) => id === 'drain-precheck')?.evidence[0]).toBe('Route 53 holds 4 records of the platform');
    expect(report.residue).toEqual([]);
    expect(zone).toEqual(others);
  });
});

test('X2: a record of its own that stays blocks the gate, those of the builds never do', async () => {
  const plan = persistentPlan('teardown', { ...quiet, name: newName() });
  const { own, others } = sharedZone(plan.target.ownerId);
  let zone: DnsRecord[] = [...own, ...others];
  const world = newWorld(() => ({ listZone: (input) => Promise.resolve(listingOf(zone, input, Date.now(), 1)) }));
  giveStanding(world);
  await withWorld(world, async (runs) => {
    const handle = await runs.teardown(plan);
    const { waiting } = await untilWaiting(handle);
    expect(waiting?.records.map(({ name, type }) => `${name} ${type}`).toSorted()).toEqual(own.map(({ name, type }) => `${name} ${type}`).toSorted());
    zone = others;
    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'dns-gate', by: 'bob', reason: 'ExternalDNS runs again' }] });
    expect(await handle.result()).toMatchObject({ state: 'clean' });
  });
});

test('X2: a record that ExternalDNS replaced by one of another type, and whose registry TXT are gone by the end, holds the gate: the run saw whose the name was', async () => {
  const plan = persistentPlan('teardown', { ...quiet, name: newName() });
  const { own, others } = sharedZone(plan.target.ownerId);
  const shop = a('shop.dev.goldenpathidp.io');
  let zone: DnsRecord[] = [...own, ...others, shop, txt('aaaa-xdns.shop.dev.goldenpathidp.io', plan.target.ownerId)];
  const world = newWorld((self) => ({
    listZone: (input) => Promise.resolve(listingOf(zone, input, Date.now(), 1)),
    deleteDnsSources: () => { self.sources = []; zone = [...others, shop]; return Promise.resolve([]); },
  }));
  giveStanding(world);
  await withWorld(world, async (runs) => {
    const handle = await runs.teardown(plan);
    const { waiting } = await untilWaiting(handle);
    expect(waiting?.records.map(({ name, type, because }) => `${name} ${type} ${because}`)).toEqual(['shop.dev.goldenpathidp.io A own-name']);
    expect(world.calls).not.toContain('startDeleteCluster');
    zone = others;
    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'dns-gate', by: 'bob', reason: 'deleted by hand' }] });
    expect(await handle.result()).toMatchObject({ state: 'clean' });
  });
});

test('X2: a record without any TXT that points at the platform’s load balancer holds the gate, also where only an earlier run’s receipt tells of that one', async () => {
  const plan = persistentPlan('teardown', { ...quiet, name: newName() });
  const dangling: DnsRecord = { name: 'shop.dev.goldenpathidp.io', type: 'A', values: ['ALIAS dualstack.k8s-kong.elb.eu-west-2.amazonaws.com'] };
  let zone: DnsRecord[] = [dangling];
  const world = newWorld(() => ({
    listZone: (input) => Promise.resolve(listingOf(zone, input, Date.now(), 1)),
    readRegistry: () => Promise.resolve({ recordedZoneId: null, claimed: false, ledger: [{ kind: 'elasticloadbalancing:loadbalancer', id: 'arn:lb', name: 'k8s-kong', address: 'k8s-kong.elb.eu-west-2.amazonaws.com' }] }),
  }));
  await withWorld(world, async (runs) => {
    const handle = await runs.teardown(plan);
    const { waiting } = await untilWaiting(handle);
    expect(waiting?.records.map(({ name, because }) => `${name} ${because}`)).toEqual(['shop.dev.goldenpathidp.io own-address']);
    zone = [];
    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'dns-gate', by: 'bob', reason: 'deleted by hand' }] });
    expect(await handle.result()).toMatchObject({ state: 'clean' });
  });
});

test('F5: an environment that never had a persistent platform has none to tear down', async () => {
  const plan = persistentPlan('teardown', { ...quiet, name: newName() });
  await withWorld(newWorld(), async (runs) => {
    await expect((await runs.teardown(plan)).result()).rejects.toMatchObject({ cause: { type: 'InvalidInput', message: expect.stringContaining(`${plan.target.environment} has no persistent platform, and never had one`) as string } });
  });
});

test('U1: a bootstrap of a platform that stands goes over it without lowering its gate, and takes its records and its nodes as they are', async () => {
  let gate: Tier | null = '3';
  const raised: string[] = [];
  const awaited: { tier: string; expected: number }[] = [];
  const world = newWorld(() => ({
    readGate: () => Promise.resolve({ maxTier: gate }),
    readZone: () => Promise.resolve({ zone: { value: { name: 'dev.goldenpathidp.io.', privateZone: false, nameServers: ['ns-1'] } }, delegation: { value: ['ns-1'] }, recordsInScope: { value: ['kong.dev.goldenpathidp.io', 'backstage.dev.goldenpathidp.io'] }, takenHosts: { value: [] } }),
    // The autoscaler has taken one away.
    probeNodeGroup: () => Promise.resolve({ arn: 'arn:ng', instances: 2 }),
    probeTier0: ({ nodes }) => (nodes === 2 ? Promise.resolve([]) : Promise.reject(failed('AcceptanceFailed', `waits for ${nodes} nodes`))),
    applyRootApplication: ({ maxTier }) => { raised.push(maxTier); return Promise.resolve([]); },
    awaitTier: ({ tier, expected }) => { awaited.push({ tier, expected: expected.length }); return Promise.resolve([]); },
  }));
  await withWorld(world, async (runs) => {
    const plan = persistentPlan('bootstrap', { ...quiet, name: newName() });
    const report = await (await runs.bootstrap(plan)).result();
    expect(report).toMatchObject({ state: 'ready', buildId: null });
    expect(report.stages[1]).toMatchObject({ id: 'claim', title: 'Record the hosted zone', status: 'done' });
    expect(report.stages[0]?.evidence).toContain(`✔ DNS scope: 2 names are its own already, by owner ${plan.target.ownerId}`);
    expect(raised).toEqual(['3', '3', '3', '3']);
    const all = plan.tiers.flatMap(({ components }) => components).length;
    expect(awaited).toEqual(['3', '3', '3', '3'].map((tier) => ({ tier, expected: all })));

    // Raised anew, as after a teardown: the same name, the same workflow id, gate by gate.
    gate = null;
    raised.length = 0;
    const said: string[] = [];
    const { lifecycle, buildId, environment } = plan.target;
    const again = await startRun(runs.client, { plan, request: { environment, lifecycle, buildId, requester: 'ana', onFailure: 'fail' } }, (line) => { said.push(line); });
    expect(again).toMatchObject({ attached: false, workflowId: plan.target.workflowId });
    expect(said).toEqual([expect.stringContaining(`${plan.target.cluster} was bootstrapped before (run ${report.runId} of `)]);
    runs.alsoReplay(again.workflowId, again.runId);
    expect(await runs.client.workflow.getHandle(again.workflowId, again.runId).result()).toMatchObject({ state: 'ready' });
    expect(raised).toEqual(['1', '1.5', '2', '3']);
  });
});

test('X5: the late sweep of a platform that stands again tells of nothing, and of one that is gone it does', async () => {
  let stands = true;
  const world = newWorld(() => ({ sweep: () => Promise.resolve([{ kind: 'iam:role', id: 'arn:role', name: 'role', why: 'tags', whatToDo: 'look' }]) }));
  const surveyed: Surveyed = { readRuns: ({ workflowIds }: { workflowIds: string[] }) => Promise.resolve(workflowIds.map((workflowId) => ({ workflowId, run: null }))), readClusters: ({ clusters }: { clusters: string[] }) => Promise.resolve(clusters.map((cluster) => ({ cluster, exists: stands }))) };
  Object.assign(world.activities, surveyed);
  await withWorld(world, async (runs) => {
    const plan = persistentPlan('teardown', { timings: { scale: 1, lateSweeps: true }, name: newName() });
    const report = newReport(plan, { runId: 'r', requester: 'ana', startedAt: Date.now() });
    const sweep = (workflowId: string, of = report) => answerOf<RunReport>(runs, { type: LATE_SWEEP, workflowId, input: { plan, report: of } });
    expect(await sweep('late/stands')).toMatchObject({ residue: [] });
    expect(world.calls).not.toContain('sweep');
    stands = false;
    expect(await sweep('late/gone')).toMatchObject({ residue: [{ id: 'arn:role' }] });

    // A record that people decided to leave keeps that reason in every sweep: at 3 a.m. it is no news; another record is.
    const [left, late] = ['left', 'late'].map((host): OwnedRecord => ({ name: `${host}.${plan.target.hostSuffix}`, type: 'A', values: ['ALIAS lb'], because: 'owner-txt' }));
    if (left === undefined || late === undefined) throw new TypeError('there are two records');
    world.records = [left, late];
    const [decided] = recordResidue([left], plan.target, undefined).map((item) => ({ ...item, why: 'left by decision 0123456789abcdef' }));
    if (decided === undefined) throw new TypeError('there is a residue');
    expect(await sweep('late/decided', { ...report, residue: [decided] })).toMatchObject({ residue: [{ id: 'arn:role' }, { id: decided.id, why: decided.why }, { name: `${late.name} A`, why: 'Route 53 lists it after the end' }] });
  });
});
