// Protections of a live platform: a dry run names all that would go and changes nothing; a teardown asks once, and takes off exactly what was decided on (items 8, 9; failures 8, 21, 27, 41).
import { EC2Client, paginateDescribeVolumes } from '@aws-sdk/client-ec2';
import { DescribeClusterCommand, EKSClient, UpdateClusterConfigCommand } from '@aws-sdk/client-eks';
import { DescribeLoadBalancerAttributesCommand, DescribeLoadBalancersCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { CreateResourceRecordSetProtectionsCommand, paginateListResourceRecordSetProtections, Route53Client } from '@aws-sdk/client-route-53';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunReport } from '../../domain/report.ts';
import type { TeardownPreview } from '../../domain/teardown-preview.ts';
import { accountOf, reachOf } from '../support/account.ts';
import { documentOf, eventually, raiseLab, type TestLab } from '../support/lab.ts';

const BUILD = '22-11-26-01';
const CLUSTER = 'goldenpath-dev-eks-22-11-26-01';
const SUFFIX = 'b-22-11-26-01.dev.goldenpathidp.io';
const ZONE = 'Z0427816GOLDENPATHDEV';
const WORKER = 'arn:aws:iam::111122223333:user/platform-engineer';
const PLATFORM = ['--env', 'dev', '--build-id', BUILD];
const TEARDOWN = ['teardown', ...PLATFORM, '--confirm', CLUSTER, '--requester', 'alice', '-o', 'json'];
const PREVIEW = ['teardown', ...PLATFORM, '--plan', '--requester', 'alice', '-o', 'json'];
const ATTRIBUTES = 'service.beta.kubernetes.io/aws-load-balancer-attributes';
const READ = /^(Get|List|Describe|Head|Simulate|BatchGet|AssumeRole)/;

let lab: TestLab;
let before: Record<string, string[]>;
let preview: TeardownPreview;
/** The account with the platform in it. */
let standing: Record<string, string[]>;
/** What EC2 removes with its instance: disks that no CSI driver has tagged. */
const nodeDisks = new Set<string>();

beforeAll(async () => {
  lab = await raiseLab('e2e-protections');
  before = await accountOf(reachOf(lab.env));
  const up = await lab.cli(['bootstrap', ...PLATFORM, '-o', 'json']);
  if (up.exit !== 0) throw new Error(`the bootstrap ended with ${up.exit}:\n${up.stdout}\n${up.stderr}`);
  await protect();
}, 900_000);
afterAll(async () => { await lab.down(); });

/** Everything that somebody could have protected, by the means of each service. */
async function protect(): Promise<void> {
  const reach = reachOf(lab.env);
  const [eks, elb] = [new EKSClient(reach), new ElasticLoadBalancingV2Client(reach)];
  const Protections = [
    { RecordName: `kong.${SUFFIX}`, RecordType: 'A' as const, Comment: 'ask ops' },
    { RecordName: `reserved.${SUFFIX}`, RecordType: 'A' as const },
    { RecordName: 'app.dev.goldenpathidp.io', RecordType: 'A' as const, Comment: 'a neighbour’s' },
  ];
  await new Route53Client(reach).send(new CreateResourceRecordSetProtectionsCommand({ HostedZoneId: ZONE, Protections }));
  await eks.send(new UpdateClusterConfigCommand({ name: CLUSTER, deletionProtection: true }));
  await lab.kubectl(CLUSTER, '-n', 'kong', 'annotate', 'service', 'kong-proxy', `${ATTRIBUTES}=deletion_protection.enabled=true`);
  await lab.kubectl(CLUSTER, '-n', 'kong', 'annotate', 'ingress', 'apps', 'argocd.argoproj.io/sync-options=Delete=false');
  await lab.kubectl(CLUSTER, '-n', 'monitoring', 'annotate', 'deployment', 'grafana', 'argocd.argoproj.io/sync-options=Delete=confirm,Prune=false');
  await lab.kubectl(CLUSTER, '-n', 'kong', 'create', 'poddisruptionbudget', 'kong', '--selector=app.kubernetes.io/name=kong', '--min-available=2');
  await eventually('EKS to have the cluster protected', 60, async () => {
    const { cluster } = await eks.send(new DescribeClusterCommand({ name: CLUSTER }));
    return cluster?.status === 'ACTIVE' && cluster.deletionProtection === true ? true : undefined;
  });
  await eventually('the load balancer to be protected by its controller', 60, async () => ((await balancerProtection(elb)) === 'true' ? true : undefined));
  await eventually('Argo CD to ask for confirmation', 180, async () => ((await lab.kubectl(CLUSTER, '-n', 'argocd', 'get', 'application', 'grafana', '-o', 'json')).includes('"requiresDeletionConfirmation": true') ? true : undefined));
  await eventually('the budget to allow no disruption', 60, async () => ((await lab.kubectl(CLUSTER, '-n', 'kong', 'get', 'pdb', 'kong', '-o', 'jsonpath={.status.expectedPods} {.status.disruptionsAllowed}')) === '2 0' ? true : undefined));
  standing = await accountOf(reach);
  for await (const { Volumes = [] } of paginateDescribeVolumes({ client: new EC2Client(reach) }, {})) {
    for (const { VolumeId = '', Tags = [] } of Volumes) if (Tags.length === 0) nodeDisks.add(VolumeId);
  }
}

async function balancerProtection(elb: ElasticLoadBalancingV2Client): Promise<string | undefined> {
  const { LoadBalancers: [balancer] = [] } = await elb.send(new DescribeLoadBalancersCommand({}));
  if (balancer === undefined) return undefined;
  const { Attributes = [] } = await elb.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: balancer.LoadBalancerArn }));
  return Attributes.find(({ Key }) => Key === 'deletion_protection.enabled')?.Value;
}

async function protectedNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const page of paginateListResourceRecordSetProtections({ client: new Route53Client(reachOf(lab.env)) }, { HostedZoneId: ZONE })) names.push(...(page.ResourceRecordSetProtections ?? []).map(({ RecordName }) => RecordName ?? ''));
  return names;
}

/** The lines that a teardown asks about, with what differs from run to run left open. */
const ASKED = [
  'argocd-confirmation: Argo CD asks for confirmation before it deletes application grafana, for Deployment monitoring/grafana; confirmed to Argo CD when the application is deleted',
  `eks-deletion-protection: cluster ${CLUSTER} has deletion protection on; turned off in EKS`,
  expect.stringMatching(/^load-balancer-deletion-protection: load balancer k8s-kong-kongprox-\w+ has deletion protection on \(arn:aws:elasticloadbalancing:.*\); turned off in ELBv2$/),
  `load-balancer-setting: Service kong/kong-proxy asks for deletion_protection.enabled in annotation ${ATTRIBUTES}; set to false, once GitOps is frozen and cannot put it back`,
  `record-set-protection: Route 53 protects every record set kong.${SUFFIX} A, comment "ask ops"; removed in Route 53: one protected name fails the whole batch in which ExternalDNS deletes`,
  `record-set-protection: Route 53 protects every record set reserved.${SUFFIX} A; removed in Route 53: one protected name fails the whole batch in which ExternalDNS deletes`,
];
const TOLD = [
  'Ingress kong/apps has Delete=false: Argo CD leaves it when its application is deleted; deleted by the run itself with the other DNS sources, before the DNS gate',
  'Deployment monitoring/grafana has Prune=false: Argo CD never prunes it in a sync; goes with its application all the same: deleting an application is no pruning',
  'PodDisruptionBudget kong/kong allows no disruption now; stays: the run drains no node itself, and EKS terminates a node by force that is not drained within 5 minutes',
];

test('X5: the dry run of a live, protected platform changes nothing, and says what would go, who would have to agree and what stays', async () => {
  const since = new Date().toISOString();
  const ended = await lab.cli(PREVIEW);
  expect({ exit: ended.exit, stderr: ended.stderr }).toEqual({ exit: 0, stderr: '' });
  preview = documentOf(ended) as TeardownPreview;

  expect((await lab.requests({ since, principal: WORKER })).filter(({ operation }) => !READ.test(operation)).map(({ service, operation }) => `${service} ${operation}`)).toEqual([]);
  expect(await accountOf(reachOf(lab.env))).toEqual(standing);
  expect(preview).toMatchObject({ schema: 1, cluster: CLUSTER, exists: true, blocks: [] });
  expect(preview.approvals).toEqual([{ decisions: ['lift', 'abort'], about: ASKED, approvals: 1, approvers: ['bob', 'carol'], requester: 'alice', signatures: 'optional' }]);
  expect(preview.protections.filter(({ needsApproval }) => !needsApproval).map(({ what, willDo }) => `${what}; ${willDo}`).toSorted()).toEqual(TOLD.toSorted());
  expect(preview.kept.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['ec2:vpc', 'ec2:subnet', 'route53:record', 's3:objects', 'rds']));
  const text = await lab.cli(['teardown', ...PLATFORM, '--plan']);
  expect(text.stdout).toMatch(/^1\. Remove workload tiers above tier 1\n {3}1\.1 application grafana, with its \d+ objects: /m);
}, 300_000);

test('failures 21, 27, 41: the teardown asks once for all of it; cluster, load balancer, records and protections are untouched', async () => {
  const since = new Date().toISOString();
  const stopped = await lab.cli(TEARDOWN);
  expect(stopped.exit).toBe(3);
  const { waiting } = documentOf(stopped) as RunReport;
  expect(waiting).toMatchObject({ stage: 'inventory', request: { gate: 'inventory', decisions: ['lift', 'abort'], subject: ASKED } });
  expect(await accountOf(reachOf(lab.env))).toEqual(standing);
  expect(await protectedNames()).toHaveLength(3);
  // The audit trail is all that was written.
  expect(new Set((await lab.requests({ since, principal: WORKER })).filter(({ operation }) => !READ.test(operation)).map(({ service, operation }) => `${service} ${operation}`))).toEqual(new Set(['s3 PutObject']));
  expect(await lab.kubectl(CLUSTER, '-n', 'argocd', 'get', 'application', 'goldenpath', '-o', 'jsonpath={.spec.syncPolicy.automated.selfHeal}')).toBe('true');

  const own = await lab.cli(['approve', ...PLATFORM, '--decision', 'lift', '--reason', 'mine', '--ticket', 'OPS-1', '--key', `${lab.status.folder}/keys/alice.key`, '-o', 'json']);
  expect(own.exit).toBe(4);
}, 300_000);

test('failures 2, 8, 21, 27, 41: once bob has signed, exactly these go, the teardown ends clean, and it removed nothing that the dry run had not named', async () => {
  const approved = await lab.cli(['approve', ...PLATFORM, '--decision', 'lift', '--reason', 'the build is over', '--ticket', 'OPS-2', '--key', `${lab.status.folder}/keys/bob.key`, '-o', 'json']);
  expect({ exit: approved.exit, stderr: approved.exit === 0 ? '' : approved.stderr }).toEqual({ exit: 0, stderr: '' });
  const ended = await lab.cli(TEARDOWN);

  const report = documentOf(ended) as RunReport;
  expect({ exit: ended.exit, state: report.state, residue: report.residue }).toEqual({ exit: 0, state: 'clean', residue: [] });
  const reach = reachOf(lab.env);
  expect(await accountOf(reach)).toEqual(before);
  expect(await protectedNames()).toEqual(['app.dev.goldenpathidp.io.']); // a neighbour's is nobody's to lift
  const [inventory] = report.stages;
  expect(inventory?.evidence).toEqual(expect.arrayContaining(TOLD.map((line) => expect.stringContaining(line) as string)));
  expect(inventory?.evidence.filter((line) => line.startsWith('lifted: '))).toHaveLength(6);
  expect(report.stages.find(({ id }) => id === 'workloads')?.evidence.join('\n')).toMatch(/application grafana: its deletion is confirmed to Argo CD, by decision \w+/);
  expect(unforeseen(report)).toEqual([]);

  const trail = documentOf(await lab.cli(['audit', ...PLATFORM, '-o', 'json'])) as { entries: { kind: string; activity?: string }[] };
  expect(trail.entries.filter(({ kind }) => kind === 'lift').map(({ activity }) => activity)).toEqual(['liftRecordProtections', 'liftProtections']);
}, 600_000);

/** What is gone from the account or, by the run's own words, from the cluster, and the preview did not name. */
function unforeseen(report: RunReport): string[] {
  const objects = preview.steps.flatMap(({ objects: each }) => each);
  const named = objects.flatMap(({ id, name }) => [id, name]);
  const managed = new Set(objects.flatMap(({ objects: inner = [] }) => inner));
  const after = new Set(Object.values(before).flat());
  const { 'network interfaces': _, ...account } = standing; // load balancers and nodes take theirs along
  const gone = Object.values(account).flat().filter((line) => !after.has(line) && !nodeDisks.has(line));
  const asRecord = (line: string) => line.replace(/^\\052/, '*').split(' ').slice(0, 2).join(' ').replace('. ', ' ');
  const said = report.stages.flatMap(({ evidence }) => evidence).flatMap((line) => /^(?:application )?(\S+(?: \S+)?) is being deleted/.exec(line)?.[1] ?? []);
  return [
    ...gone.filter((line) => !named.some((name) => line.split(' ')[0] === name || line.endsWith(` ${name}`)) && !named.includes(asRecord(line))),
    ...said.filter((name) => !named.includes(name) && !managed.has(name)),
  ];
}

test('X5: once it is gone, the dry run says so', async () => {
  const ended = await lab.cli(PREVIEW);
  expect(ended.exit).toBe(0);
  expect(documentOf(ended)).toMatchObject({ exists: false, absence: 'it is gone: the build id was claimed, or receipts name objects of it, and nothing of it is left', blocks: [] });
  const never = await lab.cli(['teardown', '--env', 'dev', '--build-id', '23-11-26-01', '--plan']);
  expect({ exit: never.exit, stdout: never.stdout }).toEqual({ exit: 0, stdout: expect.stringMatching(/^There is no platform goldenpath-dev-eks-23-11-26-01\. A teardown would remove nothing\.\n {2}buildId: 23-11-26-01 names no platform of dev that ever was/) as string });
}, 300_000);

test('every execution of these tests replays', async () => {
  expect((await lab.replayAll()).toSorted()).toEqual(['bootstrapPlatform', 'previewTeardown', 'previewTeardown', 'previewTeardown', 'previewTeardown', 'teardownPlatform']);
});
