// Break-glass repair against the lab's Route 53 and S3: exactly what was signed for, records before their TXT, nothing on any doubt (D4, B1, failures 14, 17, 18, 41).
import {
  ChangeResourceRecordSetsCommand, CreateHostedZoneCommand, CreateResourceRecordSetProtectionsCommand, DeleteResourceRecordSetProtectionsCommand, ListResourceRecordSetsCommand, Route53Client,
  type ResourceRecordSet,
} from '@aws-sdk/client-route-53';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readEntries } from '../../activities/audit.ts';
import { createClients } from '../../activities/clients.ts';
import type { ZoneRepairs } from '../../activities/contract.ts';
import { createZoneActivities } from '../../activities/index.ts';
import { type DecisionRequest, subjectOf } from '../../domain/break-glass.ts';
import type { Plan } from '../../domain/plan.ts';
import { approvalOf, people, type Person, questionOf } from '../support/decisions.ts';
import { inActivity, RUN } from '../support/in-activity.ts';
import { startAws, type TestAws } from '../support/moto.ts';
import { environment, ephemeralPlan } from '../support/plans.ts';

const { keys, policy } = people();
const SUFFIX = 'b-21-11-26-01.dev.goldenpathidp.io';
const OWNER = 'goldenpath-dev-21-11-26-01';
let aws: TestAws;
let sdk: Route53Client;
let clients: ReturnType<typeof createClients>;
let plan: Plan;
let zones = 0;
let zone: ReturnType<typeof createZoneActivities>;

beforeAll(async () => {
  aws = await startAws({ timeScale: 300 });
  process.env['AWS_ENDPOINT_URL'] = aws.gateway.url;
  process.env['AWS_ACCESS_KEY_ID'] = aws.client.credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = aws.client.credentials.secretAccessKey;
  clients = createClients('eu-west-2');
  sdk = new Route53Client(aws.client);
  await new S3Client({ ...aws.client, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'goldenpath-dev-registry', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
  zone = inActivity(createZoneActivities(clients));
});

beforeEach(async () => {
  zones += 1;
  const { HostedZone } = await sdk.send(new CreateHostedZoneCommand({ Name: 'dev.goldenpathidp.io', CallerReference: String(zones) }));
  const hostedZoneId = (HostedZone?.Id ?? '').replace('/hostedzone/', '');
  // A plan of its own for each test: another zone is another plan, and so another request.
  plan = ephemeralPlan('teardown', '21-11-26-01', { dns: { ...environment().dns, hostedZoneId }, breakGlass: policy() });
});

afterEach(() => { aws.gateway.faults.clear(); });
afterAll(() => aws.stop());

const a = (name: string, more: Partial<ResourceRecordSet> = {}): ResourceRecordSet => ({ Name: `${name}.${SUFFIX}`, Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.1' }], ...more });
const txt = (name: string, value: string): ResourceRecordSet => ({ Name: `${name}.${SUFFIX}`, Type: 'TXT', TTL: 300, ResourceRecords: [{ Value: `"${value}"` }] });
const registry = (name: string) => txt(name, `heritage=external-dns,external-dns/owner=${OWNER},external-dns/resource=ingress/kong/kong`);
const AliasTarget = { HostedZoneId: 'ZHURV8PSTC4K8', DNSName: 'k8s-kong-1.eu-west-2.elb.amazonaws.com', EvaluateTargetHealth: true };

/** One of each kind that teardown.md names. */
const LEFT: ResourceRecordSet[] = [
  a('w', { SetIdentifier: 'one', Weight: 10 }), a('w', { SetIdentifier: 'two', Weight: 20, ResourceRecords: [{ Value: '192.0.2.2' }, { Value: '192.0.2.3' }] }), registry('a-xdns.w'),
  { Name: `*.apps.${SUFFIX}`, Type: 'A', AliasTarget }, registry('cname-xdns.wildcard.apps'),
  txt('_acme-challenge.kong', 'left over'),
  a('manual'),
];
const FOREIGN: ResourceRecordSet[] = [{ ...a('x'), Name: 'kong.b-21-11-26-011.dev.goldenpathidp.io' }, { ...a('x'), Name: 'www.dev.goldenpathidp.io' }];

async function change(Action: 'CREATE' | 'DELETE' | 'UPSERT', sets: ResourceRecordSet[]): Promise<void> {
  await sdk.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: plan.target.hostedZoneId, ChangeBatch: { Changes: sets.map((ResourceRecordSet) => ({ Action, ResourceRecordSet })) } }));
}

/** The zone as it is, seen from outside. */
async function names(): Promise<string[]> {
  const { ResourceRecordSets = [] } = await sdk.send(new ListResourceRecordSetsCommand({ HostedZoneId: plan.target.hostedZoneId }));
  return ResourceRecordSets.map(({ Name, Type, SetIdentifier }) => `${Name} ${Type}${SetIdentifier === undefined ? '' : ` ${SetIdentifier}`}`);
}
const BARE = ['dev.goldenpathidp.io. NS', 'dev.goldenpathidp.io. SOA', 'kong.b-21-11-26-011.dev.goldenpathidp.io. A', 'www.dev.goldenpathidp.io. A'];

/** The question about what is listed now, and what these people said to it. */
async function decided(who: Person[] = ['alice'], decision: 'repair' | 'leave' = 'repair'): Promise<Parameters<ZoneRepairs['repairRecords']>[0]> {
  const { owned } = await zone.listZone({ target: plan.target });
  const request: DecisionRequest = questionOf(plan, { subject: subjectOf(owned) });
  return { target: plan.target, request, approvals: await Promise.all(who.map((person) => approvalOf(keys, request, person, decision))), breakGlass: plan.breakGlass, registry: plan.registry, planHash: plan.hash };
}

async function failure(call: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await call.then(() => new Error('it did not fail'), (reason: unknown) => reason);
  if (error instanceof ApplicationFailure) return error;
  throw error;
}
const problems = async (call: Promise<unknown>) => (await failure(call)).details?.[0] as string[];
const asked = (since: number) => aws.gateway.requests({ service: 'route53' }).slice(since).map(({ operation }) => operation);
const changes = () => aws.gateway.requests({ service: 'route53', operation: 'ChangeResourceRecordSets' }).length;
const trail = () => readEntries(clients.s3, plan.registry, { ...plan.target, runId: RUN.runId }, ['repair', 'repaired']);

describe('repairRecords', () => {
  it('D4, failures 14, 17, 18: weighted sets, aliases, wildcards, challenges and unowned names inside the suffix go, records before their TXT, each change INSYNC; nothing else does', async () => {
    await change('CREATE', [...LEFT, ...FOREIGN]);
    const input = await decided();
    expect(input.request.subject).toContain(`*.apps.${SUFFIX} A ALIAS k8s-kong-1.eu-west-2.elb.amazonaws.com (owner-txt, owner ${OWNER}) AliasZone=ZHURV8PSTC4K8 EvaluateTargetHealth=true`);
    expect(input.request.subject).toContain(`w.${SUFFIX} A [two] 192.0.2.2 192.0.2.3 (owner-txt, owner ${OWNER}) ttl 60 Weight=20`);
    const since = aws.gateway.requests({ service: 'route53' }).length;
    const lines = await zone.repairRecords(input);

    expect(await names()).toEqual(BARE);
    const order = asked(since);
    expect(order.slice(0, 4)).toEqual(['ListResourceRecordSets', 'ListResourceRecordSetProtections', 'ChangeResourceRecordSets', 'GetChange']);
    expect(order.filter((operation) => operation === 'ChangeResourceRecordSets')).toHaveLength(2);
    expect(order.slice(order.lastIndexOf('ChangeResourceRecordSets') + 1).every((operation, index, rest) => operation === 'GetChange' || index === rest.length - 1)).toBe(true);
    expect(order[order.lastIndexOf('ChangeResourceRecordSets') - 1]).toBe('GetChange');

    const [begun, first, last] = (await trail()).filter((entry) => ('request' in entry && typeof entry.request === 'object' ? entry.request.id : entry.kind === 'repaired' ? entry.request : '') === input.request.id);
    expect(begun).toMatchObject({ kind: 'repair', records: input.request.subject, approvals: [{ claims: { approver: 'alice' } }] });
    const lineNames = (entry: typeof first) => (entry?.kind === 'repaired' ? entry.records.map((line) => line.split(' ').slice(0, 2).join(' ')).toSorted() : []);
    expect(lineNames(first)).toEqual([`*.apps.${SUFFIX} A`, `_acme-challenge.kong.${SUFFIX} TXT`, `manual.${SUFFIX} A`, `w.${SUFFIX} A`, `w.${SUFFIX} A`]);
    expect(lineNames(last)).toEqual([`a-xdns.w.${SUFFIX} TXT`, `cname-xdns.wildcard.apps.${SUFFIX} TXT`]);
    expect(lines).toHaveLength(7);
    expect(lines.every((line) => /^deleted .* \(change C\w+, INSYNC\)$/.test(line))).toBe(true);
  });

  it('B1: a list that changed since, by a record more, less or other, is refused, and nothing is deleted', async () => {
    await change('CREATE', [...LEFT, ...FOREIGN]);
    const input = await decided();
    const before = changes();
    await change('CREATE', [a('late')]);
    expect(await problems(zone.repairRecords(input))).toEqual([`not decided on: late.${SUFFIX} A 192.0.2.1 (inside-scope, no owner) ttl 60`]);
    await change('DELETE', [a('late')]);
    await change('DELETE', [a('manual')]);
    expect(await problems(zone.repairRecords(input))).toEqual([`decided on, but not listed any more: manual.${SUFFIX} A 192.0.2.1 (inside-scope, no owner) ttl 60`]);
    await change('CREATE', [a('manual')]);
    await change('UPSERT', [a('w', { SetIdentifier: 'one', Weight: 11 })]);
    expect(await failure(zone.repairRecords(input))).toMatchObject({ type: 'DnsRecordsRemain', nonRetryable: true });
    expect(changes() - before).toBe(5); // the test's own
    expect(await names()).toHaveLength(BARE.length + LEFT.length);
  });

  it('failure 41: a protected name is named with its comment before anything is changed; a protection is never lifted', async () => {
    await change('CREATE', [...LEFT, ...FOREIGN]);
    await sdk.send(new CreateResourceRecordSetProtectionsCommand({ HostedZoneId: plan.target.hostedZoneId, Protections: [{ RecordName: `*.apps.${SUFFIX}`, RecordType: 'A', Comment: 'ask the network team' }, { RecordName: 'www.dev.goldenpathidp.io', RecordType: 'A' }] }));
    const input = await decided();
    const before = changes();
    const refused = await failure(zone.repairRecords(input));
    expect(refused).toMatchObject({ type: 'PreflightFailed', nonRetryable: true, message: 'Nothing was deleted in dev.goldenpathidp.io: 1 of the records are protected against changes' });
    expect(refused.details?.[0]).toEqual([`*.apps.${SUFFIX} A is protected in Route 53 (ask the network team)`]);
    expect(changes()).toBe(before);

    await sdk.send(new DeleteResourceRecordSetProtectionsCommand({ HostedZoneId: plan.target.hostedZoneId, Protections: [{ RecordName: `*.apps.${SUFFIX}`, RecordType: 'A' }] }));
    await zone.repairRecords(input);
    expect(await names()).toEqual(BARE);
  });

  it('B1, B2: without enough good signatures for this decision, of this run, nothing is read or deleted', async () => {
    await change('CREATE', LEFT);
    const since = aws.gateway.requests().length;
    const input = await decided();
    const asking = aws.gateway.requests().length;
    const { approvals } = input;
    const forged = await Promise.all(approvals.map(async ({ claims, at }) => ({ claims, at, jws: (await approvalOf({ ...keys, alice: keys.bob }, input.request, 'alice', 'repair')).jws })));
    for (const wrong of [{ approvals: [] }, { approvals: forged }, { approvals: approvals.map(({ claims, at }) => ({ claims, at })) }, { breakGlass: policy({ approvals: 2 }) }, { planHash: 'other' }, { request: { ...input.request, subject: [] } }]) {
      expect(await failure(zone.repairRecords({ ...input, ...wrong }))).toMatchObject({ type: 'ProofMissing', nonRetryable: true });
    }
    expect(await failure(zone.repairRecords(await decided(['alice'], 'leave')))).toMatchObject({ type: 'ProofMissing' });
    expect(await failure(inActivity(createZoneActivities(clients), { runId: 'run-2' }).repairRecords(input))).toMatchObject({ type: 'ProofMissing' });
    expect(aws.gateway.requests().slice(asking).map(({ operation }) => operation)).toEqual(['ListResourceRecordSets']); // the test's own, for the question
    expect(asking).toBeGreaterThan(since);
  });

  it('B2: what cannot be put on record is not done', async () => {
    await change('CREATE', LEFT);
    const input = await decided();
    const before = changes();
    aws.gateway.faults.add({ service: 's3', operation: 'PutObject', answer: 503 });
    expect(await failure(zone.repairRecords(input))).toMatchObject({ nonRetryable: false });
    expect(changes()).toBe(before);
    aws.gateway.faults.clear();
    await zone.repairRecords(input);
    expect(await names()).toEqual(BARE.slice(0, 2));
  });

  it('failure 17: an attempt that ends between the records and their TXT is finished by the next one, which waits for the same change', async () => {
    await change('CREATE', LEFT);
    const input = await decided();
    aws.gateway.faults.add({ service: 'route53', operation: 'GetChange', answer: 503 });
    expect(await failure(zone.repairRecords(input))).toMatchObject({ type: 'Unavailable', nonRetryable: false });
    expect(await names()).toEqual([...BARE.slice(0, 2), `cname-xdns.wildcard.apps.${SUFFIX}. TXT`, `a-xdns.w.${SUFFIX}. TXT`]);
    aws.gateway.faults.clear();
    const lines = await zone.repairRecords(input);
    expect(await names()).toEqual(BARE.slice(0, 2));
    expect(lines).toHaveLength(7);
    expect(lines.every((line) => line.endsWith('INSYNC)'))).toBe(true);
    // Once more, as Temporal would after a lost answer: nothing is left to do, and that is fine.
    expect(await zone.repairRecords(input)).toEqual(lines);
  });

  it('failure 17: a change whose answer was lost is found done by the next attempt, which says that it has no change of it', async () => {
    await change('CREATE', LEFT);
    const input = await decided();
    aws.gateway.faults.add({ service: 'route53', operation: 'ChangeResourceRecordSets', times: 1, answer: 'reset-after' });
    expect(await failure(zone.repairRecords(input))).toMatchObject({ type: 'Conflict', nonRetryable: false });
    const lines = await zone.repairRecords(input);
    expect(await names()).toEqual(BARE.slice(0, 2));
    expect(lines.filter((line) => line.startsWith('gone '))).toHaveLength(5);
  });

  it('X2: Route 53 that cannot be read, or not to its end, leaves everything as it is', async () => {
    await change('CREATE', LEFT);
    const input = await decided();
    const before = changes();
    for (const operation of ['ListResourceRecordSets', 'ListResourceRecordSetProtections']) {
      aws.gateway.faults.add({ service: 'route53', operation, answer: 'throttle' });
      expect(await failure(zone.repairRecords(input))).toMatchObject({ type: 'Throttled', nonRetryable: false });
      aws.gateway.faults.clear();
    }
    expect(changes()).toBe(before);
  });
});
