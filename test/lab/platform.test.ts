// The main job under fire: a bootstrap through faults and killed workers, then a teardown whose DNS gate has to wait for a person (C1, A4, T1, D1, X1, X2).
import { DescribeClusterCommand, DescribeNodegroupCommand, EKSClient, ListClustersCommand, ListNodegroupsCommand } from '@aws-sdk/client-eks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunReport } from '../../domain/report.ts';
import { accountOf, reachOf, recordsOf } from '../support/account.ts';
import { documentOf, type Ended, eventually, raiseLab, type TestLab } from '../support/lab.ts';
import { seedNeighbours } from '../support/neighbours.ts';

const BUILD = '21-11-26-01';
const CLUSTER = 'goldenpath-dev-eks-21-11-26-01';
const SUFFIX = 'b-21-11-26-01.dev.goldenpathidp.io';
const WORKFLOW = 'platform/dev/goldenpath-dev-eks-21-11-26-01';
const WORKER = 'arn:aws:iam::111122223333:user/platform-engineer';
const BOOTSTRAP = ['bootstrap', '--env', 'dev', '--lifecycle', 'ephemeral', '--build-id', BUILD, '-o', 'json'];
const TEARDOWN = ['teardown', '--env', 'dev', '--build-id', BUILD, '--confirm', CLUSTER, '-o', 'json'];
/** Operations of AWS that change something. */
const CHANGES = /^(Create|Put|Update|Delete|Change|Tag|Untag|Attach|Detach|Add|Remove|Run|Terminate|Authorize|Revoke|Associate|Modify|Register)/;

let lab: TestLab;
/** The account before the platform, with records of other platforms in it. */
let before: Record<string, string[]>;

beforeAll(async () => {
  lab = await raiseLab('e2e-platform');
  await seedNeighbours(reachOf(lab.env));
  before = await accountOf(reachOf(lab.env));
});
afterAll(async () => { await lab.down(); });

/** What AWS may do to a run: slow it down, fail, and lose an answer after the deed. */
async function addFaults(): Promise<void> {
  const reads = { principal: WORKER, probability: 0.15 };
  await lab.addFault({ ...reads, service: 'eks', operation: 'Describe*', seed: 1, answer: 'throttle' });
  await lab.addFault({ ...reads, service: 'ec2', operation: 'Describe*', seed: 2, answer: 503 });
  await lab.addFault({ ...reads, service: 'iam', seed: 3, answer: 'throttle' });
  await lab.addFault({ ...reads, service: 'route53', seed: 4, answer: 500 });
  // More in a row than the SDK itself tries: these reach Temporal's retries.
  for (const [service, answer] of [['sts', 503], ['secretsmanager', 'throttle'], ['servicequotas', 500], ['logs', 'throttle']] as const) await lab.addFault({ principal: WORKER, service, times: 4, answer });
  await lab.addFault({ principal: WORKER, service: 's3', operation: 'PutObject', times: 4, answer: 503 });
  for (const [service, operation] of [['eks', 'CreateCluster'], ['eks', 'CreateNodegroup'], ['iam', 'CreateRole'], ['iam', 'CreateOpenIDConnectProvider']] as const) await lab.addFault({ principal: WORKER, service, operation, nth: 1, answer: 'reset-after' });
}

/** Runs the command, and sees that the account is as it was and that nothing was changed in it meanwhile, the registry's receipts left out. */
async function unchanged(command: () => Promise<Ended>): Promise<Ended> {
  const [account, since] = [await accountOf(reachOf(lab.env)), new Date().toISOString()];
  const ended = await command();
  expect((await lab.requests({ since, principal: WORKER })).filter(({ operation, service }) => service !== 's3' && CHANGES.test(operation))).toEqual([]);
  expect(await accountOf(reachOf(lab.env))).toEqual(account);
  return ended;
}

test('C1: a bootstrap is raised through throttling, 5xx, lost answers and three killed workers; nothing is created twice', async () => {
  await addFaults();
  const started = (documentOf(await lab.cli([...BOOTSTRAP, '--detach'])) as { runId: string; workflowId: string; attached: boolean });
  expect(started).toMatchObject({ workflowId: WORKFLOW, attached: false });
  const watch = lab.watch(WORKFLOW);
  const again = lab.cli(BOOTSTRAP);

  await eventually('CreateCluster', 120, async () => ((await lab.requests({ operation: 'CreateCluster' })).length > 0 ? true : undefined));
  await lab.kill('worker');
  await watch.until('stage argocd', ({ event, stage }) => event === 'stage' && stage === 'argocd');
  await lab.kill('worker');
  await watch.until('the wave of tier 1', ({ event, pending }) => event === 'awaits' && JSON.stringify(pending).includes('awaitTier'));
  await lab.kill('worker');

  const attached = await again;
  expect(attached.stderr).toContain(`Attached to the bootstrap of ${CLUSTER} in flight`);
  expect({ exit: attached.exit, ...(documentOf(attached) as RunReport) }).toMatchObject({ exit: 0, runId: started.runId, state: 'ready', cluster: CLUSTER });
  const { exit, events } = await watch.ended;
  expect(exit).toBe(0);
  expect(new Set(events.map(({ schema, workflowId, runId }) => [schema, workflowId, runId].join(' ')))).toEqual(new Set([`1 ${WORKFLOW} ${started.runId}`]));
  expect(events.at(0)).toMatchObject({ event: 'run', operation: 'bootstrap', cluster: CLUSTER });
  expect(events.at(-1)).toMatchObject({ event: 'end', exitCode: 0, state: 'ready' });

  expect((await lab.liftFaults()).filter(({ fired }) => fired === 0)).toEqual([]);
  const creations = (await lab.requests({ principal: WORKER })).filter(({ operation }) => /^(Create|Run|Allocate)/.test(operation));
  expect(creations.filter(({ errorCode }) => errorCode === 'ConnectionReset').map(({ operation }) => operation).toSorted()).toEqual(['CreateCluster', 'CreateNodegroup', 'CreateOpenIDConnectProvider', 'CreateRole']);
  const answered = creations.filter(({ status }) => status >= 200 && status < 300).map(({ operation, resource }) => `${operation} ${resource}`);
  expect(answered.toSorted()).toEqual([...new Set(answered)].toSorted());
  const eks = new EKSClient(reachOf(lab.env));
  expect((await eks.send(new ListClustersCommand({}))).clusters).toEqual([CLUSTER]);
  expect((await eks.send(new ListNodegroupsCommand({ clusterName: CLUSTER }))).nodegroups).toEqual(['system']);
  const account = await accountOf(reachOf(lab.env));
  expect({ instances: account['instances']?.length, providers: account['OIDC providers']?.length }).toEqual({ instances: 3, providers: 1 });
}, 600_000);

test('A4, T1: the cluster shows the root application and the nine of the plan, each Synced and Healthy', async () => {
  interface List { items: { metadata: { name: string }; status: { sync: { status: string }; health: { status: string } } }[] }
  const { items } = JSON.parse(await lab.kubectl(CLUSTER, '-n', 'argocd', 'get', 'applications.argoproj.io', '-o', 'json')) as List;
  expect(items.map(({ metadata, status }) => `${metadata.name} ${status.sync.status} ${status.health.status}`).toSorted()).toEqual(
    ['alertmanager', 'aws-load-balancer-controller', 'cert-manager', 'cluster-autoscaler', 'external-dns', 'external-secrets', 'goldenpath', 'grafana', 'kong', 'prometheus'].map((name) => `${name} Synced Healthy`),
  );
});

test('D1, D3: Route 53 holds the platform’s names inside its suffix, and what was there before; nothing else', async () => {
  const earlier = before['records'] ?? [];
  const records = await recordsOf(reachOf(lab.env));
  expect(records).toEqual(expect.arrayContaining(earlier));
  const names = records.filter((record) => !earlier.includes(record)).map((record) => record.split(' ')[0] ?? '');
  expect(names.filter((name) => !name.endsWith(`.${SUFFIX}.`))).toEqual([]);
  expect(names).toEqual(expect.arrayContaining(['kong', String.raw`\052.apps`, 'prometheus', 'alertmanager', 'grafana'].map((host) => `${host}.${SUFFIX}.`)));
  // Of the certificate's names, which the Ingress of Kong carries, none is written.
  expect(names).not.toContain(String.raw`\052.${SUFFIX}.`);
});

test('F5: the build id was used: a second bootstrap is refused, also when Temporal has forgotten the first', async () => {
  const refused = await lab.cli(BOOTSTRAP);
  expect(refused.exit).toBe(2);
  expect(documentOf(refused)).toMatchObject({ state: 'refused', error: { type: 'InvalidInput', problems: [{ field: '--build-id', given: BUILD }] } });

  await lab.forget(WORKFLOW);
  const found = await unchanged(() => lab.cli(BOOTSTRAP));
  expect(found.exit).toBe(5);
  expect((documentOf(found) as RunReport).stages[0]?.error?.problems).toEqual([expect.stringMatching(/^scope-empty: /)]);
});

test('X2: records that ExternalDNS cannot delete stop the teardown, from live state alone, before anything is destroyed; retry goes on to a clean end', async () => {
  await lab.forget(WORKFLOW);
  const env = await lab.environmentsWith('timings:\n', 'timings:\n  dnsGateDeadlineSeconds: 10\n');
  await lab.addFault({ service: 'route53', operation: 'ChangeResourceRecordSets', principal: 'arn:aws:sts::111122223333:assumed-role/*', answer: 'throttle' });
  const [reach, since] = [reachOf(lab.env), new Date().toISOString()];
  const stopped = await lab.cli(TEARDOWN, env);

  expect(stopped.exit).toBe(3);
  const { waiting, state, runId } = documentOf(stopped) as RunReport;
  expect({ state, waiting }).toMatchObject({ state: 'waiting', waiting: { stage: 'dns-gate', answers: ['retry', 'abort'] } });
  const own = (await recordsOf(reach)).filter((record) => !(before['records'] ?? []).includes(record)).map((record) => record.split(' ').slice(0, 2).join(' '));
  expect(own.length).toBeGreaterThan(10);
  expect(waiting?.records.map(({ name, type }) => `${name.replace('*', String.raw`\052`)}. ${type}`).toSorted()).toEqual(own.toSorted());
  expect(new Set(waiting?.records.map(({ because }) => because))).toEqual(new Set(['registry-txt', 'owner-txt']));
  const eks = new EKSClient(reach);
  expect((await eks.send(new DescribeClusterCommand({ name: CLUSTER }))).cluster?.status).toBe('ACTIVE');
  expect((await eks.send(new DescribeNodegroupCommand({ clusterName: CLUSTER, nodegroupName: 'system' }))).nodegroup?.status).toBe('ACTIVE');
  // The question to approvers is put on record in S3; nothing else is written.
  expect((await lab.requests({ since, principal: WORKER })).filter(({ operation, service }) => service !== 's3' && CHANGES.test(operation))).toEqual([]);

  const status = await lab.cli(['status', WORKFLOW]);
  expect(status.stdout).toContain(`goldenpath retry ${WORKFLOW}`);
  expect(status.stdout).toContain(`kong.${SUFFIX} A`);
  await lab.liftFaults();
  await eventually('ExternalDNS to have deleted its records', 90, async () => ((await recordsOf(reach)).length === before['records']?.length ? true : undefined));
  expect((await lab.cli(['retry', '--env', 'dev', '--build-id', BUILD, '--reason', 'Route 53 takes changes again', '-o', 'json'])).exit).toBe(0);

  const ended = await lab.cli(TEARDOWN, env);
  expect({ exit: ended.exit, ...(documentOf(ended) as RunReport) }).toMatchObject({ exit: 0, runId, state: 'clean', residue: [], decisions: [{ stage: 'dns-gate', decision: 'retry', reason: 'Route 53 takes changes again' }] });
  expect(await accountOf(reach)).toEqual(before);
}, 600_000);

test('F5: once the platform is gone, and Temporal knows nothing of it, the claim in S3 still refuses its build id', async () => {
  await lab.forget(WORKFLOW);
  const refused = await unchanged(() => lab.cli(BOOTSTRAP));
  expect(refused.exit).toBe(2);
  const { stages } = documentOf(refused) as RunReport;
  expect(stages.filter(({ status }) => status === 'failed').map(({ id, error }) => `${id}: ${error?.problems.join()}`)).toEqual([expect.stringMatching(/^claim: buildId: 21-11-26-01 is in use already/)]);
});

test('every execution of these tests replays', async () => {
  expect((await lab.replayAll()).toSorted()).toEqual(['bootstrapPlatform', 'bootstrapPlatform', 'bootstrapPlatform', 'teardownPlatform']);
});
