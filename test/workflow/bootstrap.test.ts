import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import type { SignatureProbes } from '../../activities/versions-contract.ts';
import { hashOf } from '../../domain/hash.ts';
import { makePlan } from '../../domain/plan.ts';
import type { RunReport } from '../../domain/report.ts';
import { abortUpdate, REPORT_MEMO, retryUpdate } from '../../workflows/messages.ts';
import { buildIdsOf } from '../support/build-ids.ts';
import { environment, ephemeralPlan, persistentPlan, versions } from '../support/plans.ts';
import { type AnyHandle, untilWaiting, withWorld } from '../support/runs.ts';
import { failed, goodZone, newWorld } from '../support/world.ts';

const newBuildId = buildIdsOf('bootstrap');
const plan = () => ephemeralPlan('bootstrap', newBuildId());
const CHANGES = /^(claim|ensure|start|apply|install|write)/;

async function failureOf(handle: AnyHandle): Promise<{ type: string | undefined; message: string; report: RunReport }> {
  const error: unknown = await handle.result().then(() => { throw new Error('the run did not fail'); }, (reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
  return { type: error.cause.type ?? undefined, message: error.cause.message, report: error.cause.details?.[0] as RunReport };
}

test('T1: stages in plan order, each tier preflighted, raised and accepted in turn', async () => {
  const world = newWorld();
  await withWorld(world, async ({ bootstrap }) => {
    const report = await (await bootstrap(plan())).result();
    expect(report.state).toBe('ready');
    expect(report.stages.map(({ id, status }) => `${id} ${status}`)).toEqual(['foundation done', 'claim done', 'cluster done', 'tier-0 done', 'argocd done', 'tier-1 done', 'tier-1.5 done', 'receipt done']);
    const gates = ['preflightTier', 'applyRootApplication', 'awaitTier', 'probeAcceptance', 'probeHostRecords'];
    expect(world.calls.filter((call) => gates.includes(call))).toEqual([...gates, ...gates]);
    expect(world.calls.filter((call) => call === 'probeLoadBalancerActive')).toHaveLength(1); // all tiers share it
    expect(report.ledger.map(({ kind }) => kind)).toContain('eks-cluster');
    expect([...world.receipts.values()].map(({ report: kept }) => [kept.state, kept.planHash])).toEqual([['ready', report.planHash]]);
  });
});

test('T3, T4: Backstage’s name is looked for in tier 1.5 of a build that has it, and the root is told of it', async () => {
  const hosts: string[][] = [];
  const told: unknown[] = [];
  const world = newWorld(() => ({
    probeHostRecords: (input) => { hosts.push(input.hosts.map((host) => host.split('.b-')[0] ?? '')); return Promise.resolve([]); },
    applyRootApplication: ({ backstage }) => { told.push(backstage); return Promise.resolve([]); },
  }));
  await withWorld(world, async ({ bootstrap }) => {
    await (await bootstrap(ephemeralPlan('bootstrap', newBuildId(), { backstage: { ephemeral: true } }))).result();
    expect(hosts).toEqual([['kong', '*.apps'], ['prometheus', 'alertmanager', 'grafana', 'backstage']]);
    expect(told).toEqual([{ ephemeral: true }, { ephemeral: true }]);
  });
});

test('T1, T3: a persistent platform is raised to tier 3, the upper tiers accepted from inside as well; an ephemeral one is asked for no database', async () => {
  const hosts: string[] = [];
  const world = newWorld(() => ({ probeHostRecords: (input) => { hosts.push(input.hosts.join(' ').replaceAll('.dev.goldenpathidp.io', '')); return Promise.resolve([]); } }));
  await withWorld(world, async ({ bootstrap }) => {
    const report = await (await bootstrap(persistentPlan())).result();
    expect(report.state).toBe('ready');
    expect(hosts).toEqual(['kong *.apps', 'prometheus alertmanager grafana', 'backstage grafana-db', 'keycloak']);
    expect(report.stages.map(({ id, title }) => `${id}: ${title}`).slice(0, 2)).toEqual(['foundation: Check the foundation', 'claim: Record the hosted zone']);
    const gates = ['preflightTier', 'applyRootApplication', 'awaitTier', 'probeAcceptance', 'awaitAcceptanceJob', 'probeHostRecords'];
    const lower = gates.filter((gate) => gate !== 'awaitAcceptanceJob');
    expect(world.calls.filter((call) => gates.includes(call))).toEqual([...lower, ...lower, ...gates, ...gates]);
    expect(report.stages.find(({ id }) => id === 'tier-3')?.evidence).toContain('✔ inside-3: fine');
    expect(report.stages[0]?.evidence).toContain('✔ RDS instance: goldenpath-dev is available');
  });
  const below = newWorld();
  await withWorld(below, async ({ bootstrap }) => {
    await (await bootstrap(plan())).result();
    expect(below.calls).not.toContain('readTier2Foundation');
    expect(below.calls).not.toContain('awaitAcceptanceJob');
  });
});

test('T3: a failed check inside the cluster fails the tier by its name; the platform is not ready', async () => {
  const world = newWorld(() => ({ awaitAcceptanceJob: ({ tier }) => Promise.resolve([{ id: 'login:monitoring/grafana-postgres', title: 'Login', ok: tier !== '2', found: 'PostgreSQL refuses user grafana', fix: 'rotate it' }]) }));
  await withWorld(world, async ({ bootstrap }) => {
    const { type, message, report } = await failureOf(await bootstrap(persistentPlan()));
    expect(type).toBe('AcceptanceFailed');
    expect(message).toContain('login:monitoring/grafana-postgres: PostgreSQL refuses user grafana. Fix: rotate it');
    expect(report.stages.filter(({ status }) => status === 'failed').map(({ id }) => id)).toEqual(['tier-2']);
    expect([...world.receipts.values()][0]?.report.stages.find(({ id }) => id === 'tier-2')?.evidence).toContain('✘ Login: PostgreSQL refuses user grafana');
  });
});

test('F4, T1: without its database, or without applications of a tier, a persistent platform fails before the first change, all in one report', async () => {
  const world = newWorld(() => ({ readTier2Foundation: async (input) => ({ ...(await newWorld().activities.readTier2Foundation(input)), instance: { value: null }, logins: {} }) }));
  await withWorld(world, async ({ bootstrap }) => {
    const whole = persistentPlan();
    const { hash: _, ...emptied } = { ...whole, tiers: whole.tiers.map((tier) => (tier.tier === '3' ? { ...tier, components: [] } : tier)) };
    const { type, report } = await failureOf(await bootstrap({ ...emptied, hash: hashOf(emptied) }, 'wait')); // U1: nothing is there to wait with
    expect(type).toBe('PreflightFailed');
    expect(report.stages[0]?.error?.problems).toEqual([
      'components: this version delivers no application of tier 3. Fix: use a version of goldenpath that delivers the tier',
      'rds: RDS has no instance goldenpath-dev. Fix: run goldenpath database apply --env dev',
    ]);
    expect(world.calls.filter((call) => CHANGES.test(call))).toEqual(['writeReceipt']);
  });
});

test('G1: an image that is not signed with the key that the version manifest names stops the run before the first change', async () => {
  const key = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAb8EyECMxE6A1JPrUoLwkTctLMdMrSVX8pLoMPlR5aaA=\n-----END PUBLIC KEY-----\n';
  const pinned = versions();
  const kong = pinned.images['kong'];
  if (kong === undefined) throw new Error('no image kong');
  const signed = (problem: string | null) => {
    const world = newWorld();
    const probes: SignatureProbes = { verifySignatures: ({ demands }) => Promise.resolve(demands.map((demand) => ({ demand, problem }))) };
    Object.assign(world.activities, probes);
    return world;
  };
  const demanding = (id: string) => makePlan({ operation: 'bootstrap', environment: environment(), lifecycle: 'ephemeral', buildId: id, versions: { ...pinned, images: { ...pinned.images, kong: { ...kong, signature: { key } } } } });
  const refused = signed('it is not signed');
  await withWorld(refused, async ({ bootstrap }) => {
    const { type, message } = await failureOf(await bootstrap(demanding(newBuildId())));
    expect(type).toBe('PreflightFailed');
    expect(message).toContain('signature:image:kong: it is not signed (key sha256:');
    expect(refused.calls.filter((call) => CHANGES.test(call))).toEqual(['writeReceipt']);
  });
  await withWorld(signed(null), async ({ bootstrap }) => {
    const { state, stages } = await (await bootstrap(demanding(newBuildId()))).result();
    expect(state).toBe('ready');
    expect(stages[0]?.evidence.join('\n')).toContain('signed with key sha256:');
  });
});

test('F4: every failure of the foundation comes back in one report, before the first change', async () => {
  const world = newWorld(() => ({
    readZone: () => Promise.resolve({ ...goodZone, zone: { value: { name: 'prod.goldenpathidp.io.', privateZone: false, nameServers: ['ns-1', 'ns-2'] } } }),
    readCore: async (input) => ({ ...(await newWorld().activities.readCore(input)), subnets: { value: [] }, recordedZoneId: { value: 'ZOLD000000' }, quota: { problem: 'AccessDenied: not authorized to perform servicequotas:GetServiceQuota' } }),
  }));
  await withWorld(world, async ({ bootstrap }) => {
    const { type, message, report } = await failureOf(await bootstrap(plan()));
    expect(type).toBe('PreflightFailed');
    for (const problem of ['subnets: no subnet has the tags', 'zone: zone Z0427816GOLDENPATHDEV is prod.goldenpathidp.io, not dev.goldenpathidp.io', 'zone-recorded: recorded is ZOLD000000, environments/dev.yaml has Z0427816GOLDENPATHDEV', 'quota: AccessDenied']) expect(message).toContain(problem);
    expect(report.stages[0]?.error?.problems).toHaveLength(4);
    expect(world.calls.filter((call) => CHANGES.test(call))).toEqual(['writeReceipt']);
    expect([...world.receipts.values()].map(({ report: kept }) => [kept.state, kept.stages[0]?.error?.problems.length])).toEqual([['failed', 4]]);
    expect(report.stages.at(-1)).toMatchObject({ id: 'receipt', status: 'done', evidence: [`s3://goldenpath-dev-registry/receipts/${report.runId}.json`] });
  });
});

test('O2: a receipt that cannot be written is told in the report and does not hide what failed first', async () => {
  const world = newWorld(() => ({ readZone: () => Promise.resolve({ ...goodZone, delegation: { value: ['ns-9'] } }), writeReceipt: () => Promise.reject(failed('TerminalState', 'NoSuchBucket')) }));
  await withWorld(world, async ({ bootstrap }) => {
    const { type, message, report } = await failureOf(await bootstrap(plan()));
    expect([type, message]).toEqual(['PreflightFailed', expect.stringContaining('ns-9')]);
    expect(report.stages.filter(({ error }) => error !== undefined).map(({ id, error }) => `${id}: ${error?.message}`)).toEqual(['foundation: The foundation check found 1 problem', 'receipt: the receipt could not be written: NoSuchBucket']);
  });
});

test('F1, O2: a plan changed on its way is refused and leaves no receipt: it was never a run', async () => {
  const world = newWorld();
  await withWorld(world, async ({ bootstrap }) => {
    const good = plan();
    const { type } = await failureOf(await bootstrap({ ...good, gitops: { ...good.gitops, revision: 'mine' } }));
    expect(type).toBe('InvalidInput');
    expect(world.calls).toEqual([]);
  });
});

test('T1: a failed preflight stops the run with every finding; nothing of the tier is raised', async () => {
  const world = newWorld(() => ({ preflightTier: () => Promise.resolve([{ id: 'dns-scope', title: 'DNS scope', ok: false, found: 'ExternalDNS may write dev.goldenpathidp.io', fix: 'narrow its policy' }]) }));
  await withWorld(world, async ({ bootstrap }) => {
    const { type, message } = await failureOf(await bootstrap(plan()));
    expect(type).toBe('PreflightFailed');
    expect(message).toContain('dns-scope: ExternalDNS may write dev.goldenpathidp.io. Fix: narrow its policy');
    expect(world.calls).not.toContain('applyRootApplication');
    expect([...world.receipts.values()].map(({ report }) => report.state)).toEqual(['failed']);
  });
});

test('T3: a platform is not ready while its load balancer takes no traffic', async () => {
  let looks = 0;
  const world = newWorld(() => ({ probeLoadBalancerActive: () => { looks += 1; return looks < 3 ? Promise.reject(failed('NotReady', 'load balancer kong is provisioning', true)) : Promise.resolve([{ id: 'load-balancer', title: 'Load balancer', ok: true, found: 'kong is active', fix: '' }]); } }));
  await withWorld(world, async ({ bootstrap }) => {
    const report = await (await bootstrap(plan())).result();
    expect(looks).toBe(3);
    expect(report.stages.find(({ id }) => id === 'tier-1.5')?.evidence).toContain('✔ Load balancer: kong is active');
  });
});

test('T1: a stage that failed for good waits for an operator where the request says so, and goes on after retry', async () => {
  let healthy = false;
  const world = newWorld(() => ({ startNodeGroup: () => (healthy ? Promise.resolve([]) : Promise.reject(failed('QuotaExceeded', 'no m6i.large left'))) }));
  await withWorld(world, async ({ bootstrap }) => {
    const handle = await bootstrap(plan(), 'wait');
    expect((await untilWaiting(handle)).waiting).toMatchObject({ stage: 'cluster', reason: 'no m6i.large left' });
    healthy = true;
    await handle.executeUpdate(retryUpdate, { args: [{ stage: 'cluster', by: 'bob', reason: 'quota raised' }] });
    const report = await handle.result();
    expect(report.state).toBe('ready');
    expect(report.stages.find(({ id }) => id === 'cluster')?.attempts).toBe(2);
  });
});

test('U1: an operator’s abort ends the run and names what had failed', async () => {
  const world = newWorld(() => ({ claimBuild: () => Promise.reject(failed('AccessDenied', 'may not write the claim')) }));
  await withWorld(world, async ({ bootstrap }) => {
    const handle = await bootstrap(plan(), 'wait');
    await untilWaiting(handle);
    await handle.executeUpdate(abortUpdate, { args: [{ stage: 'claim', by: 'bob', reason: 'not mine' }] });
    const { type, message } = await failureOf(handle);
    expect(type).toBe('Aborted');
    expect(message).toContain('bob ended the run at this stage, after: may not write the claim');
  });
});

async function cancelledReport(handle: AnyHandle): Promise<RunReport> {
  const error: unknown = await handle.result().then(() => { throw new Error('the run was not cancelled'); }, (reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof CancelledFailure)) throw error;
  const { status, memo } = await handle.describe();
  expect(status.name).toBe('CANCELLED');
  return memo?.[REPORT_MEMO] as RunReport;
}

test('U1, O2: a run that is cancelled while it works ends at that stage, and leaves report and receipt with what it created', async () => {
  const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const world = newWorld(() => ({ startNodeGroup: async () => { reached.resolve(); await gate.promise; return [{ kind: 'eks:nodegroup', id: 'arn:ng', name: 'system' }]; } }));
  await withWorld(world, async ({ bootstrap }) => {
    const handle = await bootstrap(plan());
    await reached.promise;
    await handle.cancel();
    await expect.poll(async () => (await handle.fetchHistory()).events?.some(({ activityTaskCancelRequestedEventAttributes: asked }) => asked != null), { timeout: 10_000 }).toBe(true);
    gate.resolve();
    const report = await cancelledReport(handle);
    expect(report.stages.find(({ id }) => id === 'cluster')).toMatchObject({ status: 'failed', error: { type: 'Aborted', message: 'the run was cancelled' } });
    expect(report.ledger.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['eks-cluster', 'eks:nodegroup']));
    expect([...world.receipts.values()].map(({ report: kept }) => [kept.state, kept.ledger])).toEqual([['failed', report.ledger]]);
    expect(world.calls).not.toContain('installArgoCd');
  });
});

test('U1: a run whose work fails after it was cancelled is a cancelled run, and says both', async () => {
  const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const world = newWorld(() => ({ claimBuild: async () => { reached.resolve(); await gate.promise; throw failed('AccessDenied', 'may not write'); } }));
  await withWorld(world, async ({ bootstrap }) => {
    const handle = await bootstrap(plan());
    await reached.promise;
    await handle.cancel();
    gate.resolve();
    expect((await cancelledReport(handle)).stages.find(({ id }) => id === 'claim')?.error).toMatchObject({ type: 'Aborted', message: 'the run was cancelled, after: may not write' });
  });
});

test('U1: a run that is cancelled while it waits for an operator waits no longer, and says what had failed', async () => {
  const world = newWorld(() => ({ startNodeGroup: () => Promise.reject(failed('QuotaExceeded', 'no m6i.large left')) }));
  await withWorld(world, async ({ bootstrap }) => {
    const handle = await bootstrap(plan(), 'wait');
    await untilWaiting(handle);
    await handle.cancel();
    const report = await cancelledReport(handle);
    expect(report).toMatchObject({ state: 'failed', endedAt: expect.any(Number) as number });
    expect(report.waiting).toBeUndefined();
    expect(report.stages.find(({ id }) => id === 'cluster')?.error?.message).toBe('the run was cancelled, after: no m6i.large left');
    expect(world.receipts.size).toBe(1);
  });
});

test('Throttled and 5xx answers are retried with back-off until they pass', async () => {
  let attempts = 0;
  const world = newWorld(() => ({ ensureLogGroup: () => { attempts += 1; return attempts < 4 ? Promise.reject(failed('Throttled', 'Rate exceeded', true)) : Promise.resolve([]); } }));
  await withWorld(world, async ({ bootstrap }) => {
    expect((await (await bootstrap(plan())).result()).state).toBe('ready');
    expect(attempts).toBe(4);
  });
});
