// One platform with everything planted that others stumbled over, torn down; each failure mode reads its part of what is left and of what the run said (docs/reference/failure-modes.md).
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EC2Client, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { GetResourcesCommand, ResourceGroupsTaggingAPIClient } from '@aws-sdk/client-resource-groups-tagging-api';
import { DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoggedRequest } from '../../lab/aws/request-log.ts';
import type { RunReport } from '../../domain/report.ts';
import { accountOf, reachOf } from '../support/account.ts';
import { documentOf, type Ended, eventually, raiseLab, type TestLab } from '../support/lab.ts';
import { awkwardObjects, createRecords, databasesOf, foreignRecords, karpenterObjects, leftoverRecords, plantNeighbours, plantOwned, ZONE } from '../support/plants.ts';

const platform = { buildId: '24-11-26-01', cluster: 'goldenpath-dev-eks-24-11-26-01', hostSuffix: 'b-24-11-26-01.dev.goldenpathidp.io', ownerId: 'goldenpath-dev-24-11-26-01' };
const { cluster: CLUSTER, hostSuffix: SUFFIX } = platform;
const WORKFLOW = `platform/dev/${CLUSTER}`;
const WORKER = 'arn:aws:iam::111122223333:user/platform-engineer';
const EXTERNAL_DNS = `arn:aws:sts::111122223333:assumed-role/${CLUSTER}-external-dns/`;
const TARGET = ['--env', 'dev', '--build-id', platform.buildId];
const TEARDOWN = ['teardown', ...TARGET, '--confirm', CLUSTER, '-o', 'json'];

let lab: TestLab;
/** The account before the platform, neighbours included, and at the end. */
let before: Record<string, string[]>;
let after: Record<string, string[]>;
let owned: Awaited<ReturnType<typeof plantOwned>>;
/** What the run said each time it stopped, and at its end. */
let blocked: Told;
let gate: Told;
let denied: Told;
let ended: Told;
/** Of the gate: another teardown, a bootstrap, and the cluster seen from outside. */
let second: { runId: string; attached: boolean };
let bootstrap: Ended;
let atGate: Record<string, string>;
let volumesAtGate: string[];
let atDestroy: Record<string, string>;
/** What was changed before Karpenter's nodes were gone, and everything that was asked of AWS since then. */
let changesWhileBlocked: string[];
let beganAt: string;
let asked: LoggedRequest[];
/** At the end: the databases, and what the tagging API lists for the cluster. */
let databases: string[];
let tagged: string[];

type Told = RunReport & { exit: number | null };
const told = (run: Ended): Told => ({ exit: run.exit, ...(documentOf(run) as RunReport) });
const kubectl = (...args: string[]) => lab.kubectl(CLUSTER, ...args);
const byWorker = () => asked.filter(({ principal }) => principal === WORKER);
const operations = (requests: readonly LoggedRequest[]) => [...new Set(requests.map(({ service, operation }) => `${service} ${operation}`))].toSorted();
const CHANGES = /^(Create|Put|Update|Delete|Change|Tag|Untag|Attach|Detach|Add|Remove|Run|Terminate|Authorize|Revoke|Associate|Disassociate|Modify|Register|Deregister|Release|Schedule|Disable|Restore)/;

async function scaleBalancing(replicas: number): Promise<void> {
  await kubectl('-n', 'kube-system', 'scale', 'deployment', 'aws-load-balancer-controller', `--replicas=${replicas}`);
  await eventually(`${replicas} replicas of the load balancer controller`, 120, async () => ((Number(await kubectl('-n', 'kube-system', 'get', 'deployment', 'aws-load-balancer-controller', '-o', 'jsonpath={.status.availableReplicas}')) || 0) === replicas ? true : undefined));
}

async function apply(objects: readonly object[]): Promise<void> {
  const file = join(lab.status.folder, 'planted.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  await kubectl('apply', '-f', file);
}

beforeAll(async () => {
  lab = await raiseLab('e2e-failures');
  const reach = reachOf(lab.env);
  await createRecords(reach, foreignRecords(platform));
  await plantNeighbours(reach, platform);
  before = await accountOf(reach);
  const up = await lab.cli(['bootstrap', ...TARGET, '-o', 'json']);
  if (up.exit !== 0) throw new Error(`the bootstrap ended with ${up.exit}:\n${up.stdout}\n${up.stderr}`);
  owned = await plantOwned(reach, platform);
  await createRecords(reach, leftoverRecords(platform));
  const { definitions, objects } = karpenterObjects(owned.claimed);
  await apply([...definitions, ...awkwardObjects()]);
  await kubectl('wait', '--for=condition=Established', '--timeout=120s', 'crd/nodepools.karpenter.sh', 'crd/nodeclaims.karpenter.sh');
  await eventually('Karpenter’s kinds to be served', 120, () => apply(objects).then(() => true, (error: unknown) => { if (/no matches for kind|ensure CRDs|TooManyRequests/.test(String(error))) return undefined; throw error; }));
  await kubectl('delete', 'namespace', 'team-a', '--wait=false');
}, 600_000);

/** To the DNS gate: Karpenter's nodes are in the way first. */
beforeAll(async () => {
  const since = new Date().toISOString();
  const short = await lab.environmentsWith('timings:\n', 'timings:\n  dnsGateDeadlineSeconds: 10\n');
  // Nobody puts the controller back: its applications do not sync by themselves any more.
  for (const application of ['goldenpath', 'aws-load-balancer-controller']) await kubectl('-n', 'argocd', 'patch', 'applications.argoproj.io', application, '--type=merge', '-p', '{"spec":{"syncPolicy":{"automated":null}}}');
  await scaleBalancing(0);
  blocked = told(await lab.cli(TEARDOWN, short));
  asked = await lab.requests({ since });
  changesWhileBlocked = operations(byWorker()).filter((line) => CHANGES.test(line.split(' ')[1] ?? ''));
  await removeNodes();
  await scaleBalancing(2);
  beganAt = new Date().toISOString();
  await retry('Karpenter has removed its nodes');
  gate = told(await lab.cli(TEARDOWN, short));
  atGate = { deployments: await kubectl('get', 'deployments', '-A', '-o', 'jsonpath={range .items[*]}{.metadata.name}={.status.availableReplicas} {end}'), secrets: await kubectl('get', 'externalsecrets.external-secrets.io', '-A', '-o', 'jsonpath={.items[*].metadata.name}'), disks: await kubectl('get', 'persistentvolumes', '-o', 'jsonpath={.items[*].spec.csi.volumeHandle}'), volumes: await kubectl('get', 'persistentvolumeclaims', '-A', '-o', 'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}={.status.phase} {end}'), clusters: (await accountOf(reachOf(lab.env)))['clusters']?.join(' ') ?? '' };
  volumesAtGate = (await accountOf(reachOf(lab.env)))['volumes'] ?? [];
  await lab.kill('worker');
  second = documentOf(await lab.cli([...TEARDOWN, '--detach'], await lab.environmentsWith('timings:\n', 'timings:\n  dnsGateDeadlineSeconds: 900\n'))) as typeof second;
  bootstrap = await lab.cli(['bootstrap', ...TARGET, '-o', 'json']);
}, 600_000);

/** Through break-glass, a refusal of EKS, and to the end. */
beforeAll(async () => {
  const [reach, key] = [reachOf(lab.env), join(lab.env['GOLDENPATH_ENVIRONMENTS'] ?? '', '../keys/alice.key')];
  await lab.addFault({ service: 'eks', operation: 'DeleteNodegroup', principal: WORKER, answer: { code: 'AccessDeniedException', message: 'not authorized to perform eks:DeleteNodegroup', status: 403 } });
  const approved = await lab.cli(['approve', WORKFLOW, '--decision', 'repair', '--reason', 'left over from another version', '--ticket', 'OPS-7', '--key', key]);
  if (approved.exit !== 0) throw new Error(`approve ended with ${approved.exit}:\n${approved.stderr}`);
  denied = told(await lab.cli(TEARDOWN));
  atDestroy = {
    held: await kubectl('-n', 'team-a', 'get', 'configmap', 'held', '-o', 'jsonpath={.metadata.finalizers[*]}'),
    daemons: await kubectl('-n', 'kube-system', 'get', 'daemonsets', '-o', 'jsonpath={.items[*].metadata.name}'),
    webhooks: await kubectl('get', 'validatingwebhookconfigurations', '-o', 'jsonpath={.items[*].metadata.name}'),
    applications: await kubectl('-n', 'argocd', 'get', 'applications.argoproj.io,statefulsets', '-o', 'jsonpath={.items[*].metadata.name}'),
  };
  await lab.liftFaults();
  await retry('the policy is mended');
  ended = told(await lab.cli(TEARDOWN));
  asked = await lab.requests({ since: beganAt });
  [after, databases] = [await accountOf(reach), await databasesOf(reach)];
  const { ResourceTagMappingList = [] } = await new ResourceGroupsTaggingAPIClient(reach).send(new GetResourcesCommand({ TagFilters: [{ Key: 'goldenpath.idp/cluster', Values: [CLUSTER] }] }));
  tagged = ResourceTagMappingList.map(({ ResourceARN = '' }) => ResourceARN);
}, 600_000);
afterAll(async () => { await lab.down(); });

/** As the run says, with the hand of Karpenter, which the lab has not: it ends the instance of a NodeClaim and lets go of it. */
async function removeNodes(): Promise<void> {
  await kubectl('delete', 'nodepools.karpenter.sh,nodeclaims.karpenter.sh', '--all', '--wait=false');
  await new EC2Client(reachOf(lab.env)).send(new TerminateInstancesCommand({ InstanceIds: [owned.claimed] }));
  await kubectl('patch', 'nodeclaim.karpenter.sh', 'default-x7k2', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
}

async function retry(reason: string): Promise<void> {
  const { exit, stderr } = await lab.cli(['retry', WORKFLOW, '--reason', reason]);
  if (exit !== 0) throw new Error(`retry ended with ${exit}:\n${stderr}`);
}

/** The last request that passes, by its time of arrival. */
const lastOf = (requests: readonly LoggedRequest[], service: string, operation: string) => requests.findLast((request) => request.service === service && request.operation === operation && request.status < 300)?.time ?? '';
const stageOf = ({ stages }: RunReport, id: string) => stages.find((stage) => stage.id === id);
/** What is there now and was not before the platform. */
const added = (kind: string) => (after[kind] ?? []).filter((line) => !(before[kind] ?? []).includes(line));
const lost = () => Object.entries(before).flatMap(([kind, lines]) => lines.filter((line) => !(after[kind] ?? []).includes(line)).map((line) => `${kind}: ${line}`));

test('failure 4: a webhook without a backend goes before the objects whose deletion it would refuse', () => {
  expect(atDestroy).toMatchObject({ webhooks: '', applications: '' });
  expect(stageOf(ended, 'controllers')?.evidence).toContain('ValidatingWebhookConfiguration dead deleted: its backend Service team-a/gone is gone');
});

test('failures 5, 18: custom resources are gone while their controllers live, and whoever asks for a certificate goes before cert-manager', () => {
  expect(atGate).toMatchObject({ secrets: '', deployments: expect.stringContaining('external-secrets=1') as string });
  const evidence = stageOf(ended, 'controllers')?.evidence ?? [];
  const [kong, certManager] = ['kong', 'cert-manager'].map((name) => evidence.indexOf(`application ${name} is being deleted`));
  expect(kong).toBeGreaterThanOrEqual(0);
  expect(certManager).toBeGreaterThan(kong ?? Infinity);
});

test('failure 6: a finalizer that nobody knows is left alone, and its namespace does not hold up the run', () => {
  expect(atDestroy['held']).toBe('example.org/held');
  expect(after['clusters']).toEqual([]);
});

test('failure 7: vpc-cni outlives every other controller; no add-on is ever deleted by itself', () => {
  expect(atDestroy['daemons']).toContain('aws-node');
  expect(operations(byWorker())).not.toContain('eks DeleteAddon');
});

test('failure 8: a budget that allows no disruption is told, and holds nothing up', () => {
  expect(stageOf(ended, 'inventory')?.evidence).toContainEqual(expect.stringMatching(/^disruption-budget: PodDisruptionBudget kong\/kong allows no disruption now; stays: /));
  expect(after['clusters']).toEqual([]);
});

test('failure 9: nodes of Karpenter stop the run before it changes anything; an instance of it that nobody ends is named', () => {
  expect(blocked).toMatchObject({ exit: 3, state: 'waiting', waiting: { stage: 'inventory' } });
  expect(stageOf(blocked, 'inventory')?.error?.problems).toContain(
    `Karpenter still has NodePool default, NodeClaim default-x7k2 (instance ${owned.claimed}): instances that it started would outlive it. Fix: while Karpenter runs: kubectl delete nodepools.karpenter.sh,nodeclaims.karpenter.sh --all`,
  );
  expect(changesWhileBlocked).toEqual([]);
  expect(added('instances')).toEqual([owned.leaked]);
  expect(ended.residue).toContainEqual(expect.objectContaining({ kind: 'ec2:instance', id: owned.leaked, whatToDo: `aws ec2 terminate-instances --instance-ids ${owned.leaked}` }));
});

test('failure 10: no disk goes before the gate lets anything be destroyed, though the application that claimed it is gone', () => {
  const disks = (atGate['disks'] ?? '').split(' ');
  expect(disks).not.toEqual(['']);
  expect(disks.filter((id) => !volumesAtGate.includes(id))).toEqual([]);
  expect(atGate['volumes']).toContain('monitoring/prometheus=Bound');
  expect(atGate['deployments']).not.toContain('prometheus');
  expect(stageOf(ended, 'volumes')?.evidence.join('\n')).toContain('PersistentVolumeClaim monitoring/prometheus is being deleted');
});

test('failure 12: a load balancer controller that does not run stops the run before it changes anything, and is named with what waits for it', () => {
  expect(blocked.waiting?.stage).toBe('inventory');
  expect(stageOf(blocked, 'inventory')?.error?.problems).toContainEqual(expect.stringMatching(/^the load balancer controller has no available replica, and without it nobody takes .*Service kong\/kong-proxy.* away: .*Fix: kubectl -n kube-system get deployment aws-load-balancer-controller/));
});

test('failure 11: ExternalDNS deletes what it made, and lives until Route 53 has shown that it is gone', () => {
  expect(atGate['deployments']).toContain('external-dns=1');
  const own = asked.filter(({ principal }) => principal.startsWith(EXTERNAL_DNS));
  const deleted = lastOf(own, 'route53', 'ChangeResourceRecordSets');
  expect(deleted).not.toBe('');
  expect(lastOf(own, 'route53', 'ListResourceRecordSets') > deleted).toBe(true);
  const [proof, controllers] = [stageOf(ended, 'dns-gate'), stageOf(ended, 'controllers')];
  expect(proof?.evidence.slice(0, 2)).toEqual([expect.stringMatching(/^decision [0-9a-f]{16} \(repair, by alice\) was carried out$/), expect.stringMatching(/^deleted .* \(change C\w+, INSYNC\)$/)]);
  expect(proof?.evidence.slice(-1)).toEqual([expect.stringMatching(/^3 clean listings in a row/)]);
  expect(controllers?.startedAt).toBeGreaterThanOrEqual(proof?.endedAt ?? Infinity);
});

test('failures 7, 12: the load balancer controller deletes its load balancer itself, and lives at the gate', () => {
  expect(atGate['deployments']).toContain('aws-load-balancer-controller=2');
  const balancers = asked.filter(({ operation }) => operation === 'DeleteLoadBalancer');
  expect(balancers.map(({ principal }) => principal.includes(`${CLUSTER}-load-balancer/`))).toEqual([true]);
  expect(stageOf(ended, 'controllers')?.evidence.findIndex((line) => line.startsWith('application aws-load-balancer-controller is being deleted'))).toBeGreaterThan(stageOf(ended, 'controllers')?.evidence.findIndex((line) => line.startsWith('application external-dns is being deleted')) ?? Infinity);
});

test('failures 14, 15, 18: the gate names every leftover that ExternalDNS does not take away, in whatever form, and why it counts', () => {
  expect(gate).toMatchObject({ exit: 3, state: 'waiting', waiting: { stage: 'dns-gate' } });
  expect(gate.waiting?.records.map(({ name, type, setIdentifier = '', because }) => [name, type, setIdentifier, because].join(' ')).toSorted()).toEqual([
    `*.old.${SUFFIX} A one inside-scope`, `*.old.${SUFFIX} A two inside-scope`, `_acme-challenge.kong.${SUFFIX} TXT  inside-scope`,
    ...['a-legacy', 'aaaa-legacy', 'cname-legacy', 'edns-cname-legacy'].map((name) => `${name}.${SUFFIX} TXT  registry-txt`),
    `left.${ZONE.name} A  owner-txt`, `left.${ZONE.name} TXT  registry-txt`, `legacy.${SUFFIX} TXT  registry-txt`,
  ].toSorted());
  expect(atGate['clusters']).toBe(CLUSTER);
  expect(added('records')).toEqual([]);
});

test('failures 16, 17: records of the persistent platform and of a longer owner survive ExternalDNS, the repair and the whole run', () => {
  expect(after['records']).toEqual(before['records']);
  expect(asked.filter(({ principal, operation }) => principal === WORKER && operation === 'ChangeResourceRecordSets')).toHaveLength(2); // the repair: records, then their TXT
});

test('failure 19: the shared zone and its delegation stay', () => {
  expect(after['zones']).toEqual(before['zones']);
  expect(operations(asked)).not.toContain('route53 DeleteHostedZone');
});

test('failures 20, 22: the run deletes no load balancer and strips no finalizer itself: the Service goes with all that was made for it', () => {
  expect([after['load balancers'], after['target groups'], after['security groups']]).toEqual([before['load balancers'], before['target groups'], before['security groups']]);
  expect(stageOf(ended, 'dns-sources')?.evidence).toContain('Service kong/kong-proxy is being deleted');
  expect(operations(byWorker()).filter((line) => line.startsWith('elasticloadbalancing Delete'))).toEqual([]);
});

test('failures 25, 31, 33, 34, 39: of what is not its own the run changes nothing: these are all the calls that change', () => {
  expect(operations(byWorker()).filter((line) => CHANGES.test(line.split(' ')[1] ?? ''))).toEqual([
    'eks DeleteCluster', 'eks DeleteNodegroup', 'iam DeleteOpenIDConnectProvider', 'iam DeleteRole', 'iam DeleteRolePolicy', 'iam DetachRolePolicy', 'logs DeleteLogGroup', 'route53 ChangeResourceRecordSets', 's3 PutObject',
  ]);
  expect(lost()).toEqual([]);
});

test('failure 31: no secret is deleted, neither by a prefix nor one of its own; one in its recovery window is no residue', () => {
  expect(added('secrets')).toEqual([expect.stringContaining(owned.secret)]);
  expect(ended.residue).toContainEqual(expect.objectContaining({ kind: 'secretsmanager:secret', id: owned.secret }));
  expect(tagged).toContain(owned.ending);
  expect(ended.residue.map(({ id }) => id)).not.toContain(owned.ending);
});

test('failure 31: a bootstrap whose secret is in its recovery window is refused, and told to restore it', async () => {
  await new SecretsManagerClient(reachOf(lab.env)).send(new DeleteSecretCommand({ SecretId: 'goldenpath/dev/grafana/admin', RecoveryWindowInDays: 7 }));
  const refused = await lab.cli(['bootstrap', '--env', 'dev', '--build-id', '24-11-26-02', '-o', 'json']);
  expect(refused.exit).toBe(5);
  expect(refused.stderr).toMatch(/secret:goldenpath\/dev\/grafana\/admin: .*deleted.*aws secretsmanager restore-secret --secret-id goldenpath\/dev\/grafana\/admin/);
});

test('failure 32: a key that is pending deletion is an end, not garbage', () => {
  expect(tagged).toContain(owned.key);
  expect(ended.residue.map(({ id }) => id)).not.toContain(owned.key);
});

test('failure 33: databases stay, whatever their names end in; one that bears the tag is named as residue', () => {
  expect(databases).toEqual(['goldenpath-dev-01', `goldenpath-dev-${platform.buildId}1`, 'team-a-01']);
  expect(ended.residue).toContainEqual(expect.objectContaining({ kind: 'rds:db', id: owned.database }));
});

test('failure 35: a worker killed while the run waits loses no lock: another teardown attaches, with the plan that was begun; a bootstrap is refused by name', () => {
  expect(second).toMatchObject({ attached: true, runId: gate.runId });
  expect(bootstrap.exit).toBe(2);
  expect(bootstrap.stderr).toContain(`a teardown of it is in flight (run ${gate.runId})`);
  expect([blocked, gate, denied, ended].map(({ runId, planHash }) => `${runId} ${planHash}`)).toEqual(Array.from({ length: 4 }, () => `${gate.runId} ${gate.planHash}`));
});

test('failure 37: a call that is refused is no success: the run stops at it with AWS’s own words and a code that is not 0', () => {
  expect(denied).toMatchObject({ exit: 3, state: 'waiting', waiting: { stage: 'destroy', reason: expect.stringContaining('not authorized to perform eks:DeleteNodegroup') as string } });
  expect(stageOf(denied, 'sweep')?.status).toBe('pending');
});

test('failure 37: what is left is in the result by its ARN, and the command does not end with 0', () => {
  expect({ exit: ended.exit, state: ended.state, residue: ended.residue.map(({ id }) => id).toSorted() }).toEqual({ exit: 1, state: 'clean-with-residue', residue: [owned.database, owned.secret, owned.leaked].toSorted() });
  for (const { why, whatToDo } of ended.residue) expect([why, whatToDo]).not.toContain('');
});

test('failure 40: what the tagging API still lists is asked of its own service: instances that have ended are no residue', () => {
  const lagging = tagged.filter((arn) => arn.includes(':instance/') && !arn.endsWith(owned.leaked));
  expect(lagging.length).toBeGreaterThan(0);
  expect(ended.residue.filter(({ id }) => lagging.some((arn) => arn.endsWith(id)))).toEqual([]);
});

test('every execution of these tests replays', async () => {
  expect((await lab.replayAll()).toSorted()).toEqual(['bootstrapPlatform', 'bootstrapPlatform', 'teardownPlatform']);
});
