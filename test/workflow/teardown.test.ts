import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import type { RunReport } from '../../domain/report.ts';
import { abortUpdate, reportQuery, retrySignal, retryUpdate, TEARDOWN } from '../../workflows/messages.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { type AnyHandle, answerOf, causeOf, untilWaiting, withWorld } from '../support/runs.ts';
import { failed, givePlatform, goodZone, newWorld, type World } from '../support/world.ts';

const newBuildId = buildIdsOf('teardown');
const DESTROYING = ['deleteVolumes', 'deleteControllers', 'removeArgoCd', 'startDeleteNodeGroups', 'startDeleteCluster', 'deleteIdentity', 'deleteLeftovers'];
const destroyed = (world: World) => world.calls.filter((call) => DESTROYING.includes(call));
const quiet = { timings: { scale: 1, lateSweeps: false } };
/** Each test has a build of its own, so that all may share one server. */
const plan = (changes = quiet) => ephemeralPlan('teardown', newBuildId(), changes);

async function failureOf(handle: AnyHandle): Promise<{ type: string | undefined; message: string; report: RunReport }> {
  const error: unknown = await handle.result().then(() => { throw new Error('the run did not fail'); }, (reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
  return { type: error.cause.type ?? undefined, message: error.cause.message, report: error.cause.details?.[0] as RunReport };
}

test('X1: sources first, records proven gone, only then anything is destroyed', async () => {
  const world = newWorld();
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const report = await (await teardown(plan())).result();

    expect(report.state).toBe('clean');
    expect(report.stages.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'inventory done', 'drain-precheck done', 'freeze-gitops done', 'workloads done', 'dns-sources done', 'load-balancers done', 'dns-gate done',
      'volumes done', 'controllers done', 'final-proof done', 'destroy done', 'sweep done', 'receipt done',
    ]);
    const order = ['readExternalDns', 'freezeGitOps', 'deleteApplications', 'deleteDnsSources', 'awaitDnsSourcesGone', 'probeLoadBalancersGone', ...DESTROYING.slice(0, 5)];
    expect(world.calls.filter((call) => order.includes(call))).toEqual(order);
    expect(world.calls.indexOf('deleteVolumes')).toBeGreaterThan(world.calls.indexOf('probeLoadBalancersGone'));
    const listingsBefore = world.calls.slice(world.calls.indexOf('probeLoadBalancersGone'), world.calls.indexOf('deleteVolumes')).filter((call) => call === 'listZone');
    expect(listingsBefore.length).toBeGreaterThanOrEqual(3);
    expect([...world.receipts.values()].map(({ report: kept }) => kept.state)).toEqual(['clean']);
  });
});

test('X2: a run under another workflow id than its plan’s is refused before anything is read: the guard finds its proof and its question by that id', async () => {
  const world = newWorld();
  givePlatform(world);
  await withWorld(world, async (runs) => {
    const forged = plan();
    const input = { plan: forged, request: { environment: 'dev', lifecycle: 'ephemeral', buildId: forged.target.buildId, requester: 'ana', onFailure: 'wait' } };
    const refused = await causeOf(answerOf(runs, { type: TEARDOWN, workflowId: `by-hand/${forged.target.workflowId}`, input }));
    expect({ type: refused.type, message: refused.message }).toEqual({ type: 'InvalidInput', message: `the workflow id is by-hand/${forged.target.workflowId}, the plan's is ${forged.target.workflowId}: start runs with goldenpath, which takes the id from the plan` });
    expect(world.calls).toEqual([]);
  });
});

test('X2: records that stay stop the run after five minutes; it lists them, destroys nothing, and goes on when an operator retries', async () => {
  const world = newWorld(() => ({ deleteDnsSources: () => { world.sources = []; return Promise.resolve(['Ingress kong/status']); } }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const handle = await teardown(plan());
    const waiting = await untilWaiting(handle);

    expect(waiting.waiting).toMatchObject({ stage: 'dns-gate', answers: ['retry', 'abort'], records: [{ name: 'kong.b-21-11-26-01.dev.goldenpathidp.io', type: 'A' }] });
    expect(waiting.waiting?.reason).toMatch(/^Route 53 still holds 1 record of the platform 30\d s after its sources were gone$/);
    expect(destroyed(world)).toEqual([]);

    world.records = [];
    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'dns-gate', by: 'bob', reason: 'ExternalDNS runs again' }] });
    const report = await handle.result();
    expect(report.state).toBe('clean');
    expect(report.decisions).toMatchObject([{ stage: 'dns-gate', decision: 'retry', by: 'bob', reason: 'ExternalDNS runs again' }]);
  });
});

test('X1: Argo CD goes on a proof of its own: records that came back while the controllers went stop the run', async () => {
  const world = newWorld(() => ({ awaitApplicationsGone: ({ names }) => { if (names.includes('external-dns')) world.records = [...left]; return Promise.resolve(names); } }));
  givePlatform(world);
  const left = world.records;
  await withWorld(world, async ({ teardown }) => {
    const handle = await teardown(plan());
    expect((await untilWaiting(handle)).waiting).toMatchObject({ stage: 'controllers', records: left });
    expect(destroyed(world)).toEqual(['deleteVolumes', 'deleteControllers']);

    world.records = [];
    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'controllers', by: 'bob', reason: 'removed by hand' }] });
    expect((await handle.result()).state).toBe('clean');
    expect(destroyed(world)).toContain('removeArgoCd');
  });
});

test('X2: abort ends the run with nothing destroyed, and the receipt says so', async () => {
  const world = newWorld(() => ({ deleteDnsSources: () => { world.sources = []; return Promise.resolve([]); } }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const handle = await teardown(plan());
    await untilWaiting(handle);
    await handle.executeUpdate(abortUpdate, { args: [{ stage: 'dns-gate', by: 'bob', reason: 'not today' }] });

    const { type, report } = await failureOf(handle);
    expect(type).toBe('Aborted');
    expect(report.state).toBe('failed');
    expect(report.stages.find(({ id }) => id === 'dns-gate')?.status).toBe('failed');
    expect(destroyed(world)).toEqual([]);
    expect([...world.receipts.values()].map(({ report: kept }) => kept.state)).toEqual(['failed']);
  });
});

test('U1: the answer may come by hand as a signal; one for another stage is recorded and not obeyed', async () => {
  const world = newWorld(() => ({ deleteDnsSources: () => { world.sources = []; return Promise.resolve([]); } }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const handle = await teardown(plan());
    await untilWaiting(handle);
    await handle.signal(retrySignal, { stage: 'inventory', by: 'eve', reason: 'late' });
    expect((await handle.query(reportQuery)).waiting?.stage).toBe('dns-gate');
    await expect(handle.executeUpdate(retryUpdate, { args: [{ stage: 'sweep', by: 'eve', reason: 'late' }] })).rejects.toThrow(WorkflowUpdateFailedError);

    world.records = [];
    await handle.signal(retrySignal, { stage: 'dns-gate', by: 'bob', reason: 'by hand' });
    const report = await handle.result();
    expect(report.decisions.map(({ by, reason }) => `${by}: ${reason}`)).toEqual(['eve: not obeyed: the run waits at stage dns-gate, not at inventory', 'bob: by hand']);
  });
});

test('failure 13: an ExternalDNS that cannot delete stops the run before anything is drained', async () => {
  const world = newWorld(() => ({ readExternalDns: ({ target }) => Promise.resolve({ state: { deployment: { args: ['--policy=upsert-only', `--txt-owner-id=${target.ownerId}`], replicas: 0, available: 0 } }, expectedRoleArn: 'arn:role/d', roleProblems: [] }) }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const handle = await teardown(plan(), 'fail');
    const { type, message } = await failureOf(handle);
    expect(type).toBe('PreflightFailed');
    expect(message).toContain('ExternalDNS is scaled to 0. Fix: kubectl -n external-dns scale');
    expect(message).toContain(`mend this, then: goldenpath retry ${handle.workflowId} --reason`);
    expect(message).toContain('ExternalDNS runs without --policy=sync (it has --policy=upsert-only)');
    expect(world.calls).not.toContain('freezeGitOps');
    expect(world.sources).toEqual(['Ingress kong/status']);
    expect([...world.receipts.values()].map(({ report }) => report.stages.find(({ status }) => status === 'failed')?.id)).toEqual(['drain-precheck']); // O2
  });
});

test('failure 36: a zone that cannot be read is never a zone without records', async () => {
  const world = newWorld(() => ({ deleteDnsSources: () => { world.sources = []; world.records = []; broken = true; return Promise.resolve([]); } }));
  let broken = false;
  const { listZone } = world.activities;
  world.activities.listZone = (input) => (broken ? Promise.reject(failed('Unavailable', 'Route 53 ListResourceRecordSets: 503', true)) : listZone(input));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const handle = await teardown(plan());
    const { waiting } = await untilWaiting(handle);
    expect(waiting).toMatchObject({ stage: 'dns-gate', reason: 'Route 53 ListResourceRecordSets: 503' });
    expect(destroyed(world)).toEqual([]);
    await handle.executeUpdate(abortUpdate, { args: [{ stage: 'dns-gate', by: 'bob', reason: 'Route 53 is down' }] });
    await failureOf(handle);
  });
});

test('F3: a zone that is not the environment’s, by name or by the recorded id, stops the run before anything: records looked for there would read as gone', async () => {
  const world = newWorld(() => ({
    readZone: () => Promise.resolve({ ...goodZone, zone: { value: { name: 'goldenpathidp.io.', privateZone: false, nameServers: ['ns-1', 'ns-2'] } } }),
    readRegistry: () => Promise.resolve({ recordedZoneId: 'ZRECORDED0', claimed: true, ledger: [] }),
  }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const { type, message } = await failureOf(await teardown(plan(), 'fail'));
    expect(type).toBe('PreflightFailed');
    expect(message).toContain('zone: zone Z0427816GOLDENPATHDEV is goldenpathidp.io, not dev.goldenpathidp.io');
    expect(message).toContain('zone-recorded: recorded is ZRECORDED0, environments/dev.yaml has Z0427816GOLDENPATHDEV');
    expect(world.calls).not.toContain('freezeGitOps');
    expect(destroyed(world)).toEqual([]);
  });
});

test('X1: a record that appears after the gate stops the run at the final proof; nodes and cluster live', async () => {
  const world = newWorld((self) => ({
    removeArgoCd: () => {
      self.records = [{ name: 'late.b-21-11-26-01.dev.goldenpathidp.io', type: 'A', values: ['192.0.2.1'], because: 'inside-scope' }];
      return Promise.resolve([]);
    },
  }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const handle = await teardown(plan());
    const { waiting } = await untilWaiting(handle);
    expect(waiting).toMatchObject({ stage: 'final-proof', records: [{ name: 'late.b-21-11-26-01.dev.goldenpathidp.io' }] });
    expect(destroyed(world)).toEqual(['deleteVolumes', 'deleteControllers', 'removeArgoCd']);
    await handle.executeUpdate(abortUpdate, { args: [{ stage: 'final-proof', by: 'bob', reason: 'someone else’s record' }] });
    await failureOf(handle);
    expect(world.calls).not.toContain('startDeleteNodeGroups');
  });
});

test('X5: what earlier receipts name is swept for, whatever its tags say now', async () => {
  const role = { kind: 'iam:role', id: 'arn:role/untagged', name: 'untagged' };
  let asked: unknown[] = [];
  const world = newWorld(() => ({
    readRegistry: () => Promise.resolve({ recordedZoneId: null, claimed: true, ledger: [role] }),
    sweep: ({ ledger }) => { asked = ledger; return Promise.resolve([]); },
  }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    await (await teardown(plan())).result();
    expect(asked).toContainEqual(role);
  });
});

test.each(['CREATING', 'UPDATING'])('failure 26: a cluster that is %s is waited for, then all is read anew; nobody has to retry', async (status) => {
  let looks = 0;
  const world = newWorld((self) => ({ probeClusterSettled: () => { looks += 1; if (looks < 3) return Promise.reject(failed('NotReady', `cluster is ${status}`, true)); self.clusterStatus = 'ACTIVE'; return Promise.resolve(); } }));
  givePlatform(world);
  world.clusterStatus = status;
  await withWorld(world, async ({ teardown }) => {
    const report = await (await teardown(plan(), 'fail')).result();
    expect(report.state).toBe('clean');
    expect(report.stages[0]?.evidence).toEqual([`cluster was ${status}`, 'cluster is ACTIVE, 1 node groups, 10 applications', '1 objects carry its tag']);
    expect(world.calls.filter((call) => ['readInventory', 'probeClusterSettled', 'freezeGitOps'].includes(call))).toEqual(['readInventory', ...Array.from({ length: 3 }, () => 'probeClusterSettled'), 'readInventory', 'freezeGitOps']);
  });
});

test('failure 1: an application that still syncs by itself stops the run before its sources go', async () => {
  const world = newWorld(() => ({ freezeGitOps: () => Promise.resolve([]) }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const { type, message } = await failureOf(await teardown(plan(), 'fail'));
    expect(type).toBe('PreflightFailed');
    expect(message).toContain('goldenpath');
    expect(world.calls).not.toContain('deleteDnsSources');
  });
});

test('X4: what the sweep finds is residue, named, and the end is not called clean', async () => {
  const left = { kind: 'iam-role', id: 'arn:role/x', name: 'x', why: 'it still exists', whatToDo: 'delete it' };
  const world = newWorld(() => ({ sweep: () => Promise.resolve([left]) }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const report = await (await teardown(plan())).result();
    expect(report.state).toBe('clean-with-residue');
    expect(report.residue).toEqual([left]);
  });
});

test('failure 10, X4: a disk that its PersistentVolume retains is residue with its reason, and is not waited for', async () => {
  const disk = { kind: 'ec2:volume', id: 'vol-1', name: 'pv-1' };
  const why = 'the reclaim policy of its PersistentVolume pv-1 is Retain';
  const [waited, swept]: [string[][], unknown[]] = [[], []];
  const world = newWorld(() => ({
    deleteVolumes: () => Promise.resolve({ done: ['PersistentVolume pv-1 keeps its disk'], kept: [{ ...disk, why }] }),
    probeVolumesGone: ({ kept }) => { waited.push(kept); return Promise.resolve(); },
    sweep: ({ ledger }) => { swept.push(...ledger); return Promise.resolve([{ ...disk, why: 'its service lists it', whatToDo: 'delete it' }, { ...disk, id: 'vol-2', why: 'its service lists it', whatToDo: 'delete it' }]); },
  }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const report = await (await teardown(plan())).result();
    expect(report.state).toBe('clean-with-residue');
    expect(report.residue.map((item) => `${item.id}: ${item.why}`)).toEqual([`vol-1: ${why}`, 'vol-2: its service lists it']);
    expect([waited, swept]).toEqual([[['vol-1']], expect.arrayContaining([disk])]);
  });
});

test('failure 10, X5: a run that fails after its volumes still tells in its receipt which disks are kept on purpose', async () => {
  const disk = { kind: 'ec2:volume', id: 'vol-1', name: 'pv-1' };
  const world = newWorld(() => ({
    deleteVolumes: () => Promise.resolve({ done: [], kept: [{ ...disk, why: 'its reclaim policy is Retain' }] }),
    startDeleteCluster: () => Promise.reject(failed('AccessDenied', 'eks:DeleteCluster is denied')),
  }));
  givePlatform(world);
  await withWorld(world, async ({ teardown }) => {
    const { report } = await failureOf(await teardown(plan(), 'fail'));
    expect(report.state).toBe('failed');
    expect([...world.receipts.values()].map(({ report: kept }) => kept.residue)).toMatchObject([[disk]]);
  });
});

test('X5: a platform of which nothing is left, not even a cluster, is torn down from live state alone', async () => {
  const world = newWorld();
  world.claimed = true;
  await withWorld(world, async ({ teardown }) => {
    const report = await (await teardown(plan())).result();
    expect(report.state).toBe('clean');
    expect(world.calls).not.toContain('freezeGitOps');
  });
});

test('F5: a platform that never was is refused at once, whatever the run does on failure: a typing error is no clean teardown', async () => {
  const world = newWorld();
  await withWorld(world, async ({ teardown }) => {
    const asked = plan();
    const { type, message, report } = await failureOf(await teardown(asked, 'wait'));
    expect(type).toBe('InvalidInput');
    for (const part of [`buildId: ${asked.target.buildId} names no platform`, `no cluster ${asked.target.cluster}`, `under ${asked.target.hostSuffix}`, 'no claim', 'goldenpath status --env dev']) expect(message).toContain(part);
    expect(report.stages.map(({ status }) => status)).toEqual(['failed', ...report.stages.slice(2).map(() => 'pending'), 'done']);
    expect(world.calls.filter((call) => /^(delete|start|remove|freeze)/.test(call))).toEqual([]);
  });
});

test('step 12: the sweep is repeated an hour and a day later, each recorded', async () => {
  const world = newWorld();
  givePlatform(world);
  await withWorld(world, async ({ teardown, client, alsoReplay }) => {
    const late = plan({ timings: { scale: 1, lateSweeps: true } });
    const report = await (await teardown(late)).result();
    const sweep = client.workflow.getHandle<() => Promise<RunReport>>(`${late.target.workflowId}/late-sweep/${report.runId}`);
    alsoReplay(sweep.workflowId, (await sweep.describe()).runId);
    const last = await sweep.result();
    expect((last.endedAt ?? 0) - (report.endedAt ?? 0)).toBeGreaterThanOrEqual(24 * 3_600_000);
    expect([...world.receipts.keys()]).toEqual([report.runId, `${report.runId}-sweep-1`, `${report.runId}-sweep-2`]);
  });
});
