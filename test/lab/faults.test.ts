// Faults around a teardown, on two platforms of one lab: what dies, lags, refuses or lies makes it wait or ask, and never destroy too early or leave a thing (issue 4 § Faults).
import { join } from 'node:path';
import { DeleteVolumeCommand, EC2Client } from '@aws-sdk/client-ec2';
import { DeleteRolePolicyCommand, IAMClient, ListRolePoliciesCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Residue, RunReport, Waiting } from '../../domain/report.ts';
import { giveOrders, readRecord } from '../faults/orders.ts';
import { platformOf } from '../faults/outside.ts';
import { accountOf, reachOf, recordsOf } from '../support/account.ts';
import { documentOf, eventually, MORTAL_WORKER, raiseLab, type TestLab } from '../support/lab.ts';
import { seedNeighbours } from '../support/neighbours.ts';

/** Its ExternalDNS is broken in every way at once. */
const BROKEN = platformOf('21-11-26-03');
/** Its Kubernetes API goes in the middle of the drain. */
const SILENT = platformOf('21-11-26-04');
const WORKER = 'arn:aws:iam::111122223333:user/platform-engineer';
const CHANGES = /^(Create|Put|Update|Delete|Change|Tag|Untag|Attach|Detach|Add|Remove|Run|Terminate|Authorize|Revoke|Associate|Modify|Register)/;

let lab: TestLab;
let before: Record<string, string[]>;
/** What was left of the platform without an API. */
let disks: Residue[] = [];

beforeAll(async () => {
  lab = await raiseLab('e2e-faults', { worker: MORTAL_WORKER });
  await seedNeighbours(reachOf(lab.env));
  before = await accountOf(reachOf(lab.env));
  for (const platform of [BROKEN, SILENT]) {
    const up = await lab.cli(['bootstrap', ...targetOf(platform)]);
    if (up.exit !== 0) throw new Error(`the bootstrap of ${platform.cluster} ended with ${up.exit}:\n${up.stderr}`);
  }
}, 900_000);
afterAll(async () => { await lab.down(); });

const targetOf = ({ buildId }: typeof BROKEN) => ['--env', 'dev', '--build-id', buildId, '-o', 'json'];

const teardown = (platform: typeof BROKEN, ...args: string[]) => ['teardown', ...targetOf(platform), '--confirm', platform.cluster, ...args];

/** What the run says of itself, whether it goes on or waits. */
async function reportOf({ workflowId }: typeof BROKEN): Promise<RunReport | null> {
  return (documentOf(await lab.cli(['status', workflowId, '-o', 'json'])) as { report: RunReport | null }).report;
}

/** What the run waits for at this stage. */
function waitsAt(platform: typeof BROKEN, stage: string, seconds: number): Promise<Waiting> {
  return eventually(`${platform.cluster} to wait at ${stage}`, seconds, async () => {
    const { waiting } = (await reportOf(platform)) ?? {};
    return waiting?.stage === stage ? waiting : undefined;
  });
}

/** Attaches to the run, and follows it to its end. */
async function endOf(platform: typeof BROKEN): Promise<{ exit: number | null; report: RunReport }> {
  const ended = await lab.cli(teardown(platform));
  return { exit: ended.exit, report: documentOf(ended) as RunReport };
}

const say = (platform: typeof BROKEN, decision: string) =>
  lab.cli(['approve', ...targetOf(platform), '--decision', decision, '--reason', 'seen and checked', '--ticket', 'OPS-1', '--key', join(lab.env['GOLDENPATH_KEYS'] ?? '', 'bob.key')]);

/** Until the worker has died in this activity; another one is at it no sooner than a missed heartbeat later. */
const diedIn = (activity: string) => eventually(`the worker to die in ${activity}`, 240, async () => readRecord(lab.status.folder).find((line) => line.what === 'killed' && line.order.activity === activity));

/** Since when the worker changed what, the registry's write-once objects left out. */
const changesSince = async (since: string) => (await lab.requests({ since, principal: WORKER })).filter(({ operation, service }) => service !== 's3' && CHANGES.test(operation)).map(({ operation, resource }) => `${operation} ${resource}`);

const externalDns = (...args: string[]) => lab.kubectl(BROKEN.cluster, '-n', 'external-dns', ...args);

/** Stopped, upsert-only, of another owner, and without what its role allowed; Argo CD kept from mending it. */
async function breakExternalDns(): Promise<void> {
  for (const application of ['goldenpath', 'external-dns']) await lab.kubectl(BROKEN.cluster, '-n', 'argocd', 'patch', 'applications.argoproj.io', application, '--type=merge', '-p', '{"spec":{"syncPolicy":{"automated":null}}}');
  interface Deployment { spec: { template: { spec: { containers: { args: string[] }[] } } } }
  const { spec } = JSON.parse(await externalDns('get', 'deployment', 'external-dns', '-o', 'json')) as Deployment;
  const args = spec.template.spec.containers[0]?.args.map((arg) => arg.replace(/^--policy=.*/, '--policy=upsert-only').replace(/^--txt-owner-id=.*/, '--txt-owner-id=someone-else'));
  const patch = () => externalDns('patch', 'deployment', 'external-dns', '--type=json', '-p', JSON.stringify([{ op: 'replace', path: '/spec/replicas', value: 0 }, { op: 'replace', path: '/spec/template/spec/containers/0/args', value: args }]));
  // Admission refuses it (G1); an administrator of the cluster can take the guard away.
  await expect(patch()).rejects.toThrow("ValidatingAdmissionPolicy 'goldenpath-workloads'");
  await lab.kubectl(BROKEN.cluster, 'delete', 'validatingadmissionpolicybinding', 'goldenpath-workloads');
  await eventually('the guard to be gone', 30, () => patch().then(() => true, (error: unknown) => { if (String(error).includes('ValidatingAdmissionPolicy')) return undefined; throw error; }));
  await eventually('ExternalDNS to have ended', 60, async () => ((await externalDns('get', 'pods', '-o', 'name')) === '' ? true : undefined));
  const [iam, RoleName] = [new IAMClient(reachOf(lab.env)), `${BROKEN.cluster}-external-dns`];
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
  for (const PolicyName of PolicyNames) await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
}

test('failure 36: a Kubernetes API that goes in the middle of the drain is no empty cluster: the run goes on asking it', async () => {
  giveOrders(lab.status.folder, [{ activity: 'awaitApplicationsGone', nth: 1, moment: 'before' }]);
  await lab.cli(teardown(SILENT, '--detach'), await lab.environmentsWith('timings:\n', 'timings:\n  dnsGateDeadlineSeconds: 10\n'));
  await diedIn('awaitApplicationsGone');
  const { processes } = documentOf(await lab.cli(['lab', 'status', '-o', 'json'])) as { processes: { name: string; pid: number }[] };
  const { pid } = processes.find(({ name }) => name === `kube-apiserver ${SILENT.cluster}`) ?? {};
  if (pid === undefined) throw new Error('the lab has no API server of the platform');
  process.kill(pid, 'SIGSTOP');
  // No worker answers a query until the next one is up.
  const at = await eventually('the run to answer', 60, async () => (await reportOf(SILENT))?.stages.find(({ status }) => status === 'running')?.id);
  expect(at).toBe('workloads');
}, 300_000);

test('failures 11, 13, D2: an ExternalDNS that is stopped, upsert-only, of another owner and without its role is told of whole, before anything is drained', async () => {
  await breakExternalDns();
  const since = new Date().toISOString();
  const stopped = await lab.cli(teardown(BROKEN));
  const { waiting, stages } = documentOf(stopped) as RunReport;
  expect({ exit: stopped.exit, stage: waiting?.stage }).toEqual({ exit: 3, stage: 'drain-precheck' });
  const problems = stages.find(({ id }) => id === 'drain-precheck')?.error?.problems ?? [];
  for (const said of ['ExternalDNS is scaled to 0', 'without --policy=sync (it has --policy=upsert-only)', '(it has --txt-owner-id=someone-else)', `${BROKEN.cluster}-external-dns may not change`]) expect(problems.join('\n')).toContain(said);
  expect(waiting?.request?.decisions).toEqual(['repair', 'leave', 'abort']);
  expect(waiting?.records.length).toBeGreaterThan(10);
  expect(await changesSince(since)).toEqual([]);
  expect(await lab.kubectl(BROKEN.cluster, 'get', 'ingresses', '-A', '-o', 'name')).not.toBe('');
}, 300_000);

test('failure 29, B1: the question outlives the Temporal server; an answer that cannot be put on record for want of credentials does not count, and counts once they are back', async () => {
  const asked = await waitsAt(BROKEN, 'drain-precheck', 10);
  await lab.kill('temporal');
  expect((await waitsAt(BROKEN, 'drain-precheck', 120)).request).toEqual(asked.request);

  await lab.addFault({ service: 's3', principal: WORKER, answer: 'expired' });
  expect((await say(BROKEN, 'repair')).exit).not.toBe(0);
  expect(await waitsAt(BROKEN, 'drain-precheck', 60)).toMatchObject({ request: { id: asked.request?.id }, approvals: [] });
  await lab.liftFaults();
  giveOrders(lab.status.folder, [
    { activity: 'repairRecords', nth: 1, moment: 'in', call: 'route53 POST' },
    { activity: 'startDeleteNodeGroups', nth: 1, moment: 'in', call: 'eks DELETE' },
    { activity: 'sweep', nth: 1, moment: 'after' },
  ]);
  expect((await say(BROKEN, 'repair')).exit).toBe(0);
}, 300_000);

test('failure 17, X2: with the worker killed as Route 53 deletes the records, and Route 53 throttling and answering stale, the gate waits for fresh listings, and nothing is destroyed before', async () => {
  const since = new Date().toISOString();
  await diedIn('repairRecords');
  await lab.addFault({ service: 'route53', operation: 'GetChange', principal: WORKER, times: 5, answer: 'throttle' });
  await lab.addFault({ service: 'route53', operation: 'ListResourceRecordSets', principal: WORKER, times: 4, answer: 'stale' });
  expect((await changesSince(since)).filter((change) => !change.startsWith('ChangeResourceRecordSets'))).toEqual([]);
  await eventually('the end of the DNS gate', 180, async () => (await reportOf(BROKEN))?.stages.find(({ id, status }) => id === 'dns-gate' && status === 'done'));
  expect((await lab.liftFaults()).filter(({ fired }) => fired === 0)).toEqual([]);
}, 600_000);

test('failure 29, X4: credentials revoked while the nodes go stop the run with a question; once they are back it ends clean, though its worker was killed at the nodes and in the sweep', async () => {
  await diedIn('startDeleteNodeGroups');
  await lab.addFault({ service: 'eks', principal: WORKER, resource: `*${BROKEN.cluster}*`, answer: 'expired' });
  expect((await waitsAt(BROKEN, 'destroy', 120)).reason).toContain('ExpiredToken');
  await lab.liftFaults();
  expect((await lab.cli(['retry', ...targetOf(BROKEN), '--reason', 'the credentials were renewed'])).exit).toBe(0);
  expect(await endOf(BROKEN)).toMatchObject({ exit: 0, report: { state: 'clean', residue: [] } });
  expect(readRecord(lab.status.folder).flatMap((line) => (line.what === 'killed' ? [line.order.activity] : []))).toEqual(['awaitApplicationsGone', 'repairRecords', 'startDeleteNodeGroups', 'sweep']);
}, 600_000);

test('failures 20, 36: without its API the platform goes by decision: records by one of their own, load balancers through AWS, nothing but disks left', async () => {
  const { reason, request } = await waitsAt(SILENT, 'workloads', 300);
  expect(reason).toContain('the Kubernetes API does not answer');
  expect(request?.decisions).toEqual(['leave', 'abort']);
  expect((await say(SILENT, 'leave')).exit).toBe(0);
  expect((await waitsAt(SILENT, 'dns-gate', 120)).request?.decisions).toContain('repair');
  const asked = await lab.requests({ principal: WORKER, operation: 'DeleteLoadBalancer' });
  expect(asked).toEqual([]);
  expect((await say(SILENT, 'repair')).exit).toBe(0);
  const { exit, report } = await endOf(SILENT);
  disks = report.residue;
  expect({ exit, waits: report.waiting?.reason, others: disks.filter(({ kind }) => kind !== 'ec2:volume') }).toEqual({ exit: disks.length === 0 ? 0 : 1, waits: undefined, others: [] });
  expect((await lab.requests({ principal: WORKER, operation: 'DeleteLoadBalancer' })).map(({ status }) => status)).toEqual([200]);
}, 600_000);

test('X4: but for the disks that the run named, both are gone, and what was there before them is as it was', async () => {
  const ec2 = new EC2Client(reachOf(lab.env));
  for (const { id } of disks) await ec2.send(new DeleteVolumeCommand({ VolumeId: id.replace(/^.*\//, '') }));
  expect(await accountOf(reachOf(lab.env))).toEqual(before);
  expect(await recordsOf(reachOf(lab.env))).toEqual(before['records']);
});

test('every execution of these tests replays', async () => {
  expect((await lab.replayAll()).toSorted()).toEqual(['bootstrapPlatform', 'bootstrapPlatform', 'teardownPlatform', 'teardownPlatform']);
});
