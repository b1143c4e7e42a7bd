import { expect, test } from 'vitest';
import type { Plan } from '../../domain/plan.ts';
import { hashOf } from '../../domain/hash.ts';
import { decideUpdate, reportQuery } from '../../workflows/messages.ts';
import { makeApprovers } from '../support/approvers.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { type AnyHandle, withWorld } from '../support/runs.ts';
import { failed, givePlatform, newWorld, type World } from '../support/world.ts';

const newBuildId = buildIdsOf('kubernetes-gone');
const people = makeApprovers(['ana', 'alice', 'bob']);

/** Quick in real time: the API is given up after a second, the gate after one and a half. */
function plan(): Plan {
  const { hash: _, ...made } = ephemeralPlan('teardown', newBuildId(), { timings: { scale: 1, lateSweeps: false }, breakGlass: people.policy });
  const quick = { ...made, timings: { ...made.timings, kubernetesPatienceMs: 1_000, totalMs: 1_500, dnsGate: { deadlineMs: 1_500, intervalMs: 200, cleanListings: 3 } } };
  return { ...quick, hash: hashOf(quick) };
}

const silent = () => Promise.reject(failed('KubernetesUnavailable', 'Kubernetes API: no answer (ECONNREFUSED)', true));
const DRAINING = ['freezeGitOps', 'deleteApplications', 'deleteDnsSources', 'deleteVolumes', 'deleteControllers', 'removeArgoCd'];
const DESTROYING = ['deleteLoadBalancers', 'startDeleteNodeGroups', 'startDeleteCluster', 'deleteIdentity', 'deleteLeftovers'];
const called = (world: World, names: string[]) => world.calls.filter((call) => names.includes(call));

/** Signs bob's decision on the question that stands at this stage. */
async function decide(handle: AnyHandle, gate: string, decision: 'leave' | 'repair'): Promise<void> {
  await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request?.gate, { timeout: 30_000 }).toBe(gate);
  const { waiting } = await handle.query(reportQuery);
  if (waiting?.request === undefined) throw new Error('no question stands');
  await handle.executeUpdate(decideUpdate, { args: [await people.sign('bob', waiting.request, decision)] });
}

test('failure 36: an API server that is gone before the drain stops the run; by decision it goes on through AWS alone, records by a decision of their own', async () => {
  const world = newWorld((inner) => ({
    readInventory: ({ withoutKubernetes = false }) => (withoutKubernetes
      ? Promise.resolve({ cluster: { arn: 'arn:cluster', status: 'ACTIVE', oidcIssuer: 'https://oidc', deletionProtection: false, nodeGroups: ['system'], fargateProfiles: [], addons: [] }, kubernetes: 'none' as const, argocd: false, applications: [], objects: [], protections: [] })
      : silent()),
    startDeleteCluster: () => { inner.clusterStatus = null; return Promise.resolve([]); },
  }));
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    await decide(handle, 'inventory', 'leave');
    await decide(handle, 'dns-gate', 'repair');
    const report = await handle.result();
    expect(report.state).toBe('clean');
    expect(called(world, DRAINING)).toEqual([]);
    expect(world.records).toEqual([]);
    // ExternalDNS first: it would write from memory what the repair deletes.
    expect(called(world, ['repairRecords', ...DESTROYING])).toEqual(['repairRecords', ...DESTROYING]);
    expect(called(world, ['revokeExternalDns', 'repairRecords'])[0]).toBe('revokeExternalDns');
    expect(report.stages.find(({ id }) => id === 'dns-sources')?.evidence).toEqual(['not done: the Kubernetes API was given up, by bob']);
  });
});

test('failure 36: an API server that goes in the middle of the drain stops the run there; nothing counts as drained, nothing is destroyed without a decision', async () => {
  const world = newWorld((inner) => ({ deleteDnsSources: silent, startDeleteCluster: () => { inner.clusterStatus = null; return Promise.resolve([]); } }));
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.stage, { timeout: 30_000 }).toBe('dns-sources');
    expect(called(world, [...DRAINING.slice(3), ...DESTROYING])).toEqual([]);
    expect(world.records).toHaveLength(1);
    await decide(handle, 'dns-sources', 'leave');
    await decide(handle, 'dns-gate', 'leave');
    const report = await handle.result();
    expect(report.state).toBe('clean-with-residue');
    expect(called(world, DESTROYING)).toEqual(DESTROYING);
    expect(world.audit.flatMap((entry) => (entry.kind === 'destroy' ? [entry.permit.kind] : []))).not.toContain('dns-proof');
  });
});

test('failure 36: an API server that hangs, so that the last look at it never ends, is silent too: people are asked', async () => {
  let looks = 0;
  const hangs = async () => {
    looks += 1;
    if (looks > 1) await new Promise((resolve) => { setTimeout(resolve, 3_000); });
    return silent();
  };
  const world = newWorld(() => ({ deleteDnsSources: hangs }));
  givePlatform(world);
  await withWorld(world, async ({ teardownInRealTime }) => {
    const handle = await teardownInRealTime(plan());
    await expect.poll(async () => (await handle.query(reportQuery)).waiting?.request?.decisions, { timeout: 30_000 }).toEqual(['leave', 'abort']);
    expect((await handle.query(reportQuery)).waiting?.reason).toContain('Delete Ingresses, LoadBalancer Services, Gateways, DNSEndpoints: deleteDnsSources did not end in time (SCHEDULE_TO_CLOSE)');
    expect((await handle.query(reportQuery)).stages.find(({ id }) => id === 'dns-sources')?.error?.problems).toEqual(['Kubernetes API: no answer (ECONNREFUSED)']);
    const { waiting } = await handle.query(reportQuery);
    if (waiting?.request === undefined) throw new Error('no question stands');
    await handle.executeUpdate(decideUpdate, { args: [await people.sign('bob', waiting.request, 'abort')] });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'Aborted' } });
  });
});
