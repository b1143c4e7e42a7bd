import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApplicationState, stillAutomated, tierVerdict } from '../../../domain/applications.ts';
import { componentsUpTo, ROOT_APPLICATION } from '../../../domain/components.ts';
import { currentDetails } from '../../../domain/details.ts';
import { contractedArgs, externalDnsProblems } from '../../../domain/external-dns.ts';
import { checkFoundation, type FoundationReadings } from '../../../domain/foundation.ts';
import { addToLedger, endState, leftStanding, newReport, type RunReport } from '../../../domain/report.ts';
import { beginProblems, controllerApplications, neverExisted, type Traces, workloadApplications, workloadTiers } from '../../../domain/teardown.ts';
import { nextListingMs, nextProbeMs, timings } from '../../../domain/timings.ts';
import { ephemeralPlan, persistentPlan } from '../../support/plans.ts';

const app = (name: string, changes: Partial<ApplicationState> = {}): ApplicationState => ({
  name, sync: 'Synced', health: 'Healthy', comparedParameters: {}, sourceCompared: true, conditions: [], automated: false, finalizers: [], ...changes,
});

describe('tierVerdict', () => {
  const expected = componentsUpTo('1', 'ephemeral');
  const children = expected.map(({ name }) => app(name));
  const root = app(ROOT_APPLICATION, { comparedParameters: { 'bootstrap.maxTier': '1' } });

  it('T1: settled when the root was compared at the gate and exactly the plan’s applications are Synced and Healthy', () => {
    expect(tierVerdict(root, children, expected, '1')).toEqual({ settled: true });
  });

  it('T1: a root that reads Synced and Healthy of the old gate has not settled', () => {
    expect(tierVerdict(root, children, expected, '1.5')).toEqual({ settled: false, waitingFor: ['the root application to be compared at tier 1.5 (it was at 1)'] });
  });

  it('T1: a missing application, one too many, or one that is not healthy holds the gate', () => {
    const progressing = children.with(0, app(expected[0]?.name ?? '', { health: 'Progressing', healthMessage: 'waiting for a load balancer' }));
    expect(tierVerdict(root, progressing.slice(0, -1).concat(app('keycloak')), expected, '1')).toEqual({
      settled: false,
      waitingFor: [
        'application aws-load-balancer-controller: health is Progressing (waiting for a load balancer)',
        'application cluster-autoscaler to be created',
        'application keycloak to go: it is not in the plan',
      ],
    });
  });

  it('T1: a running or failed sync holds the gate although the last comparison was good', () => {
    expect(tierVerdict(app(ROOT_APPLICATION, { ...root, operation: 'Running' }), children, expected, '1').settled).toBe(false);
  });

  it('T1: what was compared with an older source holds the gate: a standing platform reads Synced and Healthy of the charts and images of before', () => {
    const old = children.with(0, app(expected[0]?.name ?? '', { sourceCompared: false }));
    expect(tierVerdict({ ...root, sourceCompared: false }, old, expected, '1')).toEqual({
      settled: false,
      waitingFor: ['application aws-load-balancer-controller: not yet compared with the source it has now', 'application goldenpath: not yet compared with the source it has now'],
    });
  });

  it('T1: an application that was compared at another commit than the root holds the gate', () => {
    const at = (revision: string): ApplicationState[] => children.map((child) => ({ ...child, revision }));
    expect(tierVerdict({ ...root, revision: 'b2' }, at('b2'), expected, '1')).toEqual({ settled: true });
    expect(tierVerdict({ ...root, revision: 'b2' }, at('b2').with(0, app(expected[0]?.name ?? '', { revision: 'a1' })), expected, '1')).toEqual({ settled: false, waitingFor: ['application aws-load-balancer-controller to be compared at commit b2 (it was at a1)'] });
  });

  it('A4: there is no root, there is no tier', () => { expect(tierVerdict(undefined, [], expected, '1').settled).toBe(false); });

  it('failure 1: applications that still sync by themselves are named', () => { expect(stillAutomated([app('a'), app('b', { automated: true })])).toEqual(['b']); });
});

describe('externalDnsProblems', () => {
  const { target } = ephemeralPlan('teardown');
  const role = 'arn:aws:iam::111122223333:role/x';
  const state = (changes: object = {}) => ({ deployment: { args: [...contractedArgs(target), '--events'], replicas: 1, available: 1, serviceAccountRoleArn: role, ...changes } });

  it('failure 13: the contracted deployment is relied on', () => { expect(externalDnsProblems(state(), target, role)).toEqual([]); });
  it('failure 13: no deployment', () => { expect(externalDnsProblems({}, target, role)[0]).toContain('there is no ExternalDNS Deployment'); });
  it('failure 13: each argument of the contract is needed exactly', () => {
    for (const arg of contractedArgs(target)) expect(externalDnsProblems(state({ args: contractedArgs(target).filter((other) => other !== arg) }), target, role).join()).toContain(`ExternalDNS runs without ${arg}`);
  });
  it('failure 16: a second owner or domain filter beside the contracted one is a problem', () => {
    expect(externalDnsProblems(state({ args: [...contractedArgs(target), '--domain-filter=dev.goldenpathidp.io'] }), target, role)).toEqual([expect.stringMatching(/^ExternalDNS runs with --domain-filter=dev\.goldenpathidp\.io, which the contract does not hold\. Fix: .*kubectl -n argocd annotate application external-dns /)]);
    expect(externalDnsProblems(state({ args: [...contractedArgs(target), '--dry-run'] }), target, role)).toHaveLength(1);
  });
  it('failure 13: scaled to 0, or another role', () => {
    expect(externalDnsProblems(state({ replicas: 0, available: 0, serviceAccountRoleArn: undefined }), target, role)).toEqual([
      'ExternalDNS is scaled to 0. Fix: kubectl -n external-dns scale deployment external-dns --replicas=1',
      expect.stringContaining(`ExternalDNS's service account has role none, not ${role}. Fix: kubectl -n external-dns annotate serviceaccount external-dns eks.amazonaws.com/role-arn=${role}`),
    ]);
    expect(externalDnsProblems(state({ available: 0 }), target, role)).toEqual([expect.stringContaining('no replica of ExternalDNS is available. Fix: see why: kubectl')]);
  });
});

describe('checkFoundation', () => {
  const plan = ephemeralPlan();
  const good: FoundationReadings = {
    caller: { value: { account: plan.target.accountId, arn: 'arn:aws:iam::111122223333:user/ana' } },
    vpcs: { value: [{ id: 'vpc-1', dnsSupport: true, dnsHostnames: true }] },
    subnets: { value: ['a', 'b'].map((zone) => ({ id: zone, zone, freeAddresses: 16, tags: { 'kubernetes.io/role/internal-elb': '1' } })) },
    zone: { value: { name: 'dev.goldenpathidp.io.', privateZone: false, nameServers: ['NS-1.', 'ns-2'] } },
    delegation: { value: ['ns-2.', 'ns-1'] },
    recordedZoneId: { value: plan.target.hostedZoneId },
    secrets: Object.fromEntries(plan.secrets.map(({ name, keys }) => [name, { value: keys }])),
    quota: { value: { clusters: 99, limit: 100 } },
    deniedActions: { value: [] },
    bucket: { value: { region: 'eu-west-2' } },
    pinnedFiles: [{ url: 'https://example.org/install.yaml', problem: null }],
    recordsInScope: { value: [] },
    takenHosts: { value: [] },
  };
  const failedIds = (changes: Partial<FoundationReadings>) => checkFoundation(plan, { ...good, ...changes }).filter(({ ok }) => !ok).map(({ id }) => id);

  it('F4: a foundation as it should be passes, and no check asks for a database', () => {
    expect(failedIds({})).toEqual([]);
    expect(checkFoundation(plan, good).map(({ id }) => id).filter((id) => id.includes('rds'))).toEqual([]);
  });

  it.each<[string, Partial<FoundationReadings>, string[]]>([
    ['another account', { caller: { value: { account: '999988887777', arn: 'x' } } }, ['caller']],
    ['two VPCs', { vpcs: { value: [{ id: 'a', dnsSupport: true, dnsHostnames: true }, { id: 'b', dnsSupport: true, dnsHostnames: true }] } }, ['vpc']],
    ['no subnets', { subnets: { value: [] } }, ['subnets']],
    ['public subnets only', { subnets: { value: ['a', 'b'].map((zone) => ({ id: zone, zone, freeAddresses: 200, tags: { 'kubernetes.io/role/elb': '1' } })) } }, ['subnets']],
    ['one zone, no addresses', { subnets: { value: [{ id: 'a', zone: 'a', freeAddresses: 15, tags: {} }] } }, ['subnets']],
    ['a zone id that differs from the recorded one', { recordedZoneId: { value: 'ZOTHER0000' } }, ['zone-recorded']],
    ['a delegation to other name servers', { delegation: { value: ['ns-9'] } }, ['delegation']],
    ['a secret without its key', { secrets: {} }, plan.secrets.map(({ name }) => `secret:${name}`)],
    ['no quota', { quota: { value: { clusters: 100, limit: 100 } } }, ['quota']],
    ['records in the scope already', { recordsInScope: { value: ['app.b-1'] } }, ['scope-empty']],
    ['a denied action', { deniedActions: { value: ['eks:CreateCluster'] } }, ['iam']],
    ['a pinned file that nobody can have', { pinnedFiles: [{ url: 'https://example.org/install.yaml', problem: 'https://example.org/install.yaml answered 404' }] }, ['pinned-files']],
    ['a bucket elsewhere', { bucket: { value: { region: 'us-east-1' } } }, ['registry']],
  ])('F4: %s', (_, changes, ids) => { expect(failedIds(changes)).toEqual(ids); });

  it('F4: a platform that stands is not in its own way: its cluster counts for the quota, its records are its own', () => {
    expect(failedIds({ quota: { value: { clusters: 100, limit: 100, own: true } } })).toEqual([]);
    const checks = checkFoundation(persistentPlan(), { ...good, recordsInScope: { value: ['kong.dev.goldenpathidp.io', 'backstage.dev.goldenpathidp.io'] } });
    expect(checks.find(({ id }) => id === 'scope-empty')).toMatchObject({ ok: true, found: '2 names are its own already, by owner goldenpath-dev' });
  });

  it('F4: a record that nobody owns under a host name is in a persistent platform’s way, and no matter of a build’s', () => {
    const taken = { takenHosts: { value: ['keycloak.dev.goldenpathidp.io A 192.0.2.1'] } };
    expect(checkFoundation(persistentPlan(), { ...good, ...taken }).filter(({ ok }) => !ok).map(({ id, found }) => [id, found])).toContainEqual(['hosts-free', "keycloak.dev.goldenpathidp.io A 192.0.2.1 is nobody's by any registry TXT"]);
    expect(checkFoundation(persistentPlan(), good).find(({ id }) => id === 'hosts-free')).toMatchObject({ ok: true });
    expect(failedIds(taken)).toEqual([]);
  });

  it('failure 36: a reading that failed is a failed check, never an empty list', () => {
    const unread = Object.fromEntries(Object.keys(good).filter((key) => key !== 'secrets' && key !== 'pinnedFiles').map((key) => [key, { problem: 'no answer' }]));
    const checks = checkFoundation(plan, { ...good, ...unread, secrets: {}, pinnedFiles: [{ url: 'https://example.org/install.yaml', problem: 'no answer' }] });
    expect(checks.every(({ ok }) => !ok)).toBe(true);
    expect(checks.every(({ fix }) => fix !== '')).toBe(true);
  });
});

describe('teardown decisions', () => {
  const all = [app(ROOT_APPLICATION), ...componentsUpTo('1.5', 'ephemeral').map(({ name, tier }) => app(name, { tier }))];
  it('step 4: workloads above tier 1 go first', () => { expect(workloadApplications(all)).toEqual(['prometheus', 'alertmanager', 'grafana']); });
  it('step 9: then the controllers, highest wave first, the root last', () => {
    expect(controllerApplications(all)).toEqual(['cluster-autoscaler', 'kong', 'external-dns', 'external-secrets', 'cert-manager', 'aws-load-balancer-controller', ROOT_APPLICATION]);
  });
  it('step 4: tier by tier, the highest first; what is of no known tier with the highest', () => {
    const standing = [...all, app('backstage', { tier: '2' }), app('keycloak', { tier: '3' }), app('mystery'), app('loki', { tier: '2' })];
    expect(workloadTiers(standing)).toEqual([{ tier: '3', names: ['keycloak', 'mystery'] }, { tier: '2', names: ['backstage', 'loki'] }, { tier: '1.5', names: ['prometheus', 'alertmanager', 'grafana'] }]);
    expect(workloadTiers(all.filter(({ tier }) => tier !== '1.5'))).toEqual([]);
  });

  it('step 4: an application of unknown tier goes while the controllers live', () => { expect(workloadApplications([app('mystery')])).toEqual(['mystery']); });
  it('X6: a cluster in the making stops it before anything is drained', () => {
    const plan = ephemeralPlan('teardown');
    const read = { zone: { value: { name: 'dev.goldenpathidp.io.', privateZone: false, nameServers: [] } }, recordedZoneId: null };
    expect(beginProblems(plan, { ...read, platform: { cluster: { status: 'CREATING' } } })).toEqual([`the cluster is CREATING: EKS deletes it only once that has ended. Fix: wait for it: aws eks describe-cluster --name ${plan.target.cluster} --query cluster.status`]);
    expect(beginProblems(plan, { ...read, platform: { cluster: null } })).toEqual([]);
    expect(beginProblems(plan, { ...read, platform: { cluster: null }, policyProblems: ['mallory is an approver'] })).toEqual([expect.stringMatching(/^approvers: mallory is an approver\. Fix: .*deploy the worker with the new environment file/)]);
  });
});

describe('neverExisted', () => {
  const none: Traces = { cluster: null, objects: [], records: { value: [] }, claimed: false, ledger: [] };
  const object = { kind: 'iam:role', id: 'arn', name: 'n' };
  it('F5: no trace at all is bad input', () => { expect(neverExisted(ephemeralPlan('teardown').target, none)).toMatch(/^buildId: 21-11-26-01 names no platform of dev/); });
  it('F5: nor is a persistent platform that never was', () => {
    const { target } = persistentPlan('teardown');
    expect(neverExisted(target, none)).toBe('lifecycle: dev has no persistent platform, and never had one: there is no cluster goldenpath-dev-eks, no AWS object with its tag, no record of owner goldenpath-dev in dev.goldenpathidp.io, and no receipt that names an object. Fix: name the environment whose platform is meant; `goldenpath status --env dev` lists the runs');
    expect(neverExisted(target, { ...none, ledger: [object] })).toBeUndefined();
  });
  it.each<[string, Partial<Traces>]>([
    ['a cluster', { cluster: {} }], ['a tagged object', { objects: [object] }], ['a record', { records: { value: ['kong.b-1'] } }], ['records that could not be read', { records: { problem: '503' } }],
    ['a claim', { claimed: true }], ['an object in a receipt', { ledger: [object] }],
  ])('X5: %s is a trace', (_, trace) => { expect(neverExisted(ephemeralPlan('teardown').target, { ...none, ...trace })).toBeUndefined(); });
});

describe('reports', () => {
  const report = (statuses: ('done' | 'pending')[]): RunReport => {
    const fresh = newReport(ephemeralPlan('teardown'), { runId: 'r', requester: 'ana', startedAt: 0 });
    return { ...fresh, stages: fresh.stages.map((stage, index) => ({ ...stage, status: statuses[index] ?? 'done' })) };
  };
  it('X4: a planned stage that was not done makes the end failed, never clean', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('done' as const, 'pending' as const), { minLength: 13, maxLength: 13 }), (statuses) => {
      expect(endState(report(statuses))).toBe(statuses.slice(0, -1).includes('pending') ? 'failed' : 'clean');
    }));
  });
  it('X4: residue is never clean', () => {
    expect(endState({ ...report([]), residue: [{ kind: 'k', id: 'i', name: 'n', why: 'w', whatToDo: 'd' }] })).toBe('clean-with-residue');
  });
  it('a ledger holds each object once', () => {
    const object = { kind: 'iam-role', id: 'arn', name: 'n' };
    expect(addToLedger([object], [object, { ...object, id: 'other' }])).toHaveLength(2);
  });
  it('X4: a bootstrap that failed once it could create says how much stands and what removes it; another run does not', () => {
    const fresh = newReport(ephemeralPlan('bootstrap', '02-03-26-01'), { runId: 'r', requester: 'ana', startedAt: 0 });
    const begun = { ...fresh, state: 'failed' as const, stages: fresh.stages.map((stage) => (stage.id === 'cluster' ? { ...stage, attempts: 1, status: 'failed' as const } : stage)), ledger: ['a', 'b'].map((id) => ({ kind: 'iam:role', id, name: id })) };
    const command = 'goldenpath teardown --env dev --build-id 02-03-26-01 --confirm goldenpath-dev-eks-02-03-26-01';
    expect(leftStanding(begun)).toEqual(['2 AWS objects of the platform exist, and what they made (nodes, load balancers, volumes): they cost money until they are removed', command]);
    expect(leftStanding({ ...begun, ledger: [] })[0]).toMatch(/^AWS objects of the platform may exist/);
    expect(currentDetails(begun)).toContain(`\`${command}\``);
    for (const other of [{ ...begun, stages: fresh.stages }, { ...begun, state: 'ready' as const }, { ...begun, state: 'waiting' as const }, { ...begun, operation: 'teardown' as const }]) expect(leftStanding(other)).toEqual([]);
  });
  it('U1: the details of a waiting run say what is awaited and how to answer, with the payload to send by hand', () => {
    const waiting = { ...report([]), waiting: { stage: 'dns-gate', since: 0, reason: 'records remain', answers: ['retry' as const, 'abort' as const], approvals: [], records: [{ name: 'app.x', type: 'A', values: ['192.0.2.1'], because: 'owner-txt' as const, owner: 'me' }] } };
    const text = currentDetails(waiting);
    expect(text).toContain('app.x A 192.0.2.1 (owner-txt, owner me)');
    expect(text).toContain(`goldenpath retry ${waiting.workflowId} --reason`);
    expect(text).toContain(`temporal workflow signal --workflow-id ${waiting.workflowId} --name abort-by-hand --input '{"stage":"dns-gate"`);
  });
});

describe('timings', () => {
  it('a probe is not repeated before its operation is nearly due, and then densely', () => {
    const wait = timings(1).cluster;
    expect(nextProbeMs(0, wait)).toBeGreaterThan(500_000);
    expect(nextProbeMs(560_000, wait)).toBe(2_000);
  });
  it('X2: listing a blocked zone for five minutes stays within the run’s sixty Route 53 calls', () => {
    const gate = timings(1).dnsGate;
    let [elapsed, calls] = [0, 0];
    while (elapsed < gate.deadlineMs) { elapsed += nextListingMs(elapsed, false, gate); calls += 1; }
    expect(calls).toBeLessThan(60);
  });
  it('no scale makes a deadline shorter than what controllers need in real seconds', () => {
    const { cluster, tier, acceptance, drain, dnsGate, controllersGone } = timings(1_000);
    expect([cluster, tier, acceptance, drain, dnsGate, controllersGone].filter(({ deadlineMs }) => deadlineMs < 60_000)).toEqual([]);
  });
});
