// Route 53 of the lab as the official SDK client sees it (D2, D3), without moto: the caller is root.
import {
  ChangeResourceRecordSetsCommand, ChangeTagsForResourceCommand, CreateHealthCheckCommand, CreateHostedZoneCommand, CreateTrafficPolicyCommand,
  CreateVPCAssociationAuthorizationCommand, DeleteHealthCheckCommand, DeleteHostedZoneCommand, EnableHostedZoneDNSSECCommand, GetDNSSECCommand, GetHostedZoneCommand,
  GetHostedZoneCountCommand, GetHostedZoneLimitCommand, HostedZoneNotEmpty, InvalidChangeBatch, ListHealthChecksCommand,
  ListHostedZonesByNameCommand, ListHostedZonesByVPCCommand, ListHostedZonesCommand, ListResourceRecordSetsCommand, ListTagsForResourcesCommand, NoSuchHostedZone, Route53Client,
  TestDNSAnswerCommand, UpdateHostedZoneCommentCommand, waitUntilResourceRecordSetsChanged,
  type Change, type CreateHostedZoneCommandInput, type ResourceRecordSet,
} from '@aws-sdk/client-route-53';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startGateway, type Gateway } from '../../lab/aws/gateway.ts';
import { rootPrincipal } from '../../lab/aws/principals.ts';

const ROOT = { accessKeyId: 'AKIAROUTE53ROOT00000', secretAccessKey: 'a-secret-that-only-this-test-knows-000000' };
let gateway: Gateway;
let sdk: Route53Client;

beforeEach(async () => {
  gateway = await startGateway({
    // Nothing here asks moto: port 9 is the discard service, which nobody runs.
    timeScale: 300, motoUrl: 'http://127.0.0.1:9', account: '111122223333', region: 'eu-west-2', keys: [{ ...ROOT, principal: rootPrincipal('111122223333') }],
  });
  sdk = client();
});

afterEach(async () => {
  sdk.destroy();
  await gateway.close();
});

function client(options: { maxAttempts?: number; credentials?: typeof ROOT } = {}): Route53Client {
  return new Route53Client({ endpoint: gateway.url, region: 'eu-west-2', credentials: ROOT, maxAttempts: 1, ...options });
}

async function makeZone(Name = 'example.com', more: Partial<CreateHostedZoneCommandInput> = {}): Promise<string> {
  const { HostedZone } = await sdk.send(new CreateHostedZoneCommand({ Name, CallerReference: `${Name}-${Math.random()}`, ...more }));
  return HostedZone?.Id ?? '';
}

const a = (Name: string, more: Partial<ResourceRecordSet> = {}): ResourceRecordSet => ({ Name, Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.1' }], ...more });
const change = (HostedZoneId: string, ...Changes: Change[]) => sdk.send(new ChangeResourceRecordSetsCommand({ HostedZoneId, ChangeBatch: { Changes } }));

/** All pages; the SDK has no paginator for this operation. */
async function listAll(HostedZoneId: string): Promise<ResourceRecordSet[]> {
  const sets: ResourceRecordSet[] = [];
  let start = {};
  for (;;) {
    const page = await sdk.send(new ListResourceRecordSetsCommand({ HostedZoneId, ...start }));
    sets.push(...(page.ResourceRecordSets ?? []));
    if (page.IsTruncated !== true) return sets;
    start = { StartRecordName: page.NextRecordName, StartRecordType: page.NextRecordType, StartRecordIdentifier: page.NextRecordIdentifier };
  }
}

it('D2: a zone is born with four name servers of its own, NS and SOA', async () => {
  const first = await sdk.send(new GetHostedZoneCommand({ Id: await makeZone() }));
  const second = await sdk.send(new GetHostedZoneCommand({ Id: await makeZone() }));
  expect(first.HostedZone).toMatchObject({ Name: 'example.com.', ResourceRecordSetCount: 2, Config: { PrivateZone: false } });
  expect(first.DelegationSet?.NameServers).toHaveLength(4);
  expect(new Set([...(first.DelegationSet?.NameServers ?? []), ...(second.DelegationSet?.NameServers ?? [])]).size).toBe(8);
  const sets = await listAll(first.HostedZone?.Id ?? '');
  expect(sets.map(({ Name, Type, TTL }) => [Name, Type, TTL])).toEqual([['example.com.', 'NS', 172_800], ['example.com.', 'SOA', 900]]);
  expect(sets[0]?.ResourceRecords?.map(({ Value }) => Value)).toEqual(first.DelegationSet?.NameServers?.map((server) => `${server}.`));
});

it('D3: a wildcard is returned as \\052, in lower case, with its alias', async () => {
  const zone = await makeZone();
  const AliasTarget = { HostedZoneId: 'ZHURV8PSTC4K8', DNSName: 'K8S-kong-1.eu-west-2.elb.amazonaws.com', EvaluateTargetHealth: true };
  await change(zone, { Action: 'CREATE', ResourceRecordSet: { Name: '*.Apps.Example.com', Type: 'A', AliasTarget } });
  expect((await listAll(zone)).at(-1)).toEqual({
    Name: '\\052.apps.example.com.', Type: 'A', AliasTarget: { ...AliasTarget, DNSName: 'k8s-kong-1.eu-west-2.elb.amazonaws.com.' },
  });
});

it('D2: a text comes back as it was written, also with what XML must escape', async () => {
  const zone = await makeZone();
  const Value = String.raw`"heritage=external-dns,x=<a&b>,q=\"'"  "second"`;
  await change(zone, { Action: 'UPSERT', ResourceRecordSet: { Name: 't.example.com', Type: 'TXT', TTL: 300, ResourceRecords: [{ Value }] } });
  expect((await listAll(zone)).at(-1)?.ResourceRecords).toEqual([{ Value }]);
});

it('D2: a refused batch is InvalidChangeBatch, names every problem and changes nothing', async () => {
  const zone = await makeZone();
  await change(zone, { Action: 'CREATE', ResourceRecordSet: a('a.example.com') });
  const refused = change(zone,
    { Action: 'UPSERT', ResourceRecordSet: a('good.example.com') },
    { Action: 'CREATE', ResourceRecordSet: a('a.example.com') },
    { Action: 'DELETE', ResourceRecordSet: a('gone.example.com') });
  await expect(refused).rejects.toThrow(InvalidChangeBatch);
  await expect(refused).rejects.toThrow("[Tried to create resource record set [name='a.example.com.', type='A'] but it already exists, Tried to delete resource record set [name='gone.example.com.', type='A'] but it was not found]");
  expect(await listAll(zone)).toHaveLength(3);
});

it('D2: a change is PENDING and then INSYNC, as the SDK waits for it', async () => {
  const zone = await makeZone();
  const { ChangeInfo } = await change(zone, { Action: 'CREATE', ResourceRecordSet: a('a.example.com') });
  expect(ChangeInfo?.Status).toBe('PENDING');
  const waited = await waitUntilResourceRecordSetsChanged({ client: sdk, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { Id: ChangeInfo?.Id });
  expect(waited.state).toBe('SUCCESS');
});

it('D2: 650 records come in pages of 300, in one order, weighted sets with their identifiers', async () => {
  const zone = await makeZone();
  const many = Array.from({ length: 640 }, (_, index): Change => ({ Action: 'CREATE', ResourceRecordSet: a(`n${index}.example.com`) }));
  const weighted = Array.from({ length: 8 }, (_, index): Change => ({ Action: 'CREATE', ResourceRecordSet: a('w.example.com', { SetIdentifier: `s${index}`, Weight: index }) }));
  await change(zone, ...many, ...weighted);
  const before = gateway.requests({ operation: 'ListResourceRecordSets' }).length;
  const sets = await listAll(zone);
  expect(sets).toHaveLength(650);
  expect(gateway.requests({ operation: 'ListResourceRecordSets' }).length - before).toBe(3);
  expect(new Set(sets.map(({ Name, Type, SetIdentifier }) => `${Name} ${Type} ${SetIdentifier}`)).size).toBe(650);
});

it('D2: a zone with records is not deleted, an empty one is gone', async () => {
  const zone = await makeZone();
  await change(zone, { Action: 'CREATE', ResourceRecordSet: a('a.example.com') });
  await expect(sdk.send(new DeleteHostedZoneCommand({ Id: zone }))).rejects.toThrow(HostedZoneNotEmpty);
  await change(zone, { Action: 'DELETE', ResourceRecordSet: a('a.example.com') });
  await sdk.send(new DeleteHostedZoneCommand({ Id: zone }));
  const gone = sdk.send(new GetHostedZoneCommand({ Id: zone }));
  await expect(gone).rejects.toThrow(NoSuchHostedZone);
  await expect(gone).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
});

it('D2: zones are listed in pages, by name in the order of reversed labels, and counted', async () => {
  for (const name of ['b.com', 'a.com', 'x.a.com']) await makeZone(name);
  const page = await sdk.send(new ListHostedZonesCommand({ MaxItems: 2 }));
  expect(page.HostedZones?.map(({ Name }) => Name)).toEqual(['b.com.', 'a.com.']);
  const rest = await sdk.send(new ListHostedZonesCommand({ MaxItems: 2, Marker: page.NextMarker }));
  expect(rest).toMatchObject({ IsTruncated: false, HostedZones: [{ Name: 'x.a.com.' }] });
  const byName = await sdk.send(new ListHostedZonesByNameCommand({ DNSName: 'a.com', MaxItems: 2 }));
  expect(byName).toMatchObject({ HostedZones: [{ Name: 'a.com.' }, { Name: 'x.a.com.' }], IsTruncated: true, NextDNSName: 'b.com.' });
  expect((await sdk.send(new GetHostedZoneCountCommand())).HostedZoneCount).toBe(3);
});

it('Z1: a private zone belongs to its VPCs and may be promised to another', async () => {
  const VPC = { VPCId: 'vpc-1', VPCRegion: 'eu-west-2' as const };
  const zone = await makeZone('dev.internal', { VPC, HostedZoneConfig: { PrivateZone: true } });
  expect(await sdk.send(new GetHostedZoneCommand({ Id: zone }))).toMatchObject({ HostedZone: { Config: { PrivateZone: true } }, VPCs: [VPC] });
  await expect(makeZone('dev.internal', { VPC })).rejects.toMatchObject({ name: 'ConflictingDomainExists' });
  await sdk.send(new CreateVPCAssociationAuthorizationCommand({ HostedZoneId: zone, VPC: { VPCId: 'vpc-2', VPCRegion: 'eu-west-2' } }));
  const byVpc = await sdk.send(new ListHostedZonesByVPCCommand({ VPCId: 'vpc-1', VPCRegion: 'eu-west-2' }));
  expect(byVpc.HostedZoneSummaries).toMatchObject([{ Name: 'dev.internal.', Owner: { OwningAccount: '111122223333' } }]);
});

it('D4: tags, comment, limits, health checks and DNSSEC state', async () => {
  const zone = (await makeZone()).replace('/hostedzone/', '');
  await sdk.send(new ChangeTagsForResourceCommand({ ResourceType: 'hostedzone', ResourceId: zone, AddTags: [{ Key: 'a', Value: '1' }, { Key: 'b', Value: '2' }] }));
  await sdk.send(new ChangeTagsForResourceCommand({ ResourceType: 'hostedzone', ResourceId: zone, RemoveTagKeys: ['a'] }));
  const tags = await sdk.send(new ListTagsForResourcesCommand({ ResourceType: 'hostedzone', ResourceIds: [zone] }));
  expect(tags.ResourceTagSets).toEqual([{ ResourceType: 'hostedzone', ResourceId: zone, Tags: [{ Key: 'b', Value: '2' }] }]);
  expect((await sdk.send(new UpdateHostedZoneCommentCommand({ Id: zone, Comment: 'mine' }))).HostedZone?.Config?.Comment).toBe('mine');
  expect(await sdk.send(new GetHostedZoneLimitCommand({ HostedZoneId: zone, Type: 'MAX_RRSETS_BY_ZONE' }))).toMatchObject({ Limit: { Value: 10_000 }, Count: 2 });
  const made = await sdk.send(new CreateHealthCheckCommand({ CallerReference: 'h', HealthCheckConfig: { Type: 'HTTPS', FullyQualifiedDomainName: 'x.example.com', Port: 443 } }));
  expect((await sdk.send(new ListHealthChecksCommand())).HealthChecks).toMatchObject([{ Id: made.HealthCheck?.Id, HealthCheckConfig: { Port: 443 } }]);
  await sdk.send(new DeleteHealthCheckCommand({ HealthCheckId: made.HealthCheck?.Id }));
  expect((await sdk.send(new GetDNSSECCommand({ HostedZoneId: zone }))).Status?.ServeSignature).toBe('NOT_SIGNING');
  await expect(sdk.send(new EnableHostedZoneDNSSECCommand({ HostedZoneId: zone }))).rejects.toMatchObject({ name: 'KeySigningKeyWithActiveStatusNotFound' });
});

it('D2: TestDNSAnswer answers what resolvers would get', async () => {
  const zone = await makeZone();
  await change(zone, { Action: 'CREATE', ResourceRecordSet: a('*.example.com') });
  expect(await sdk.send(new TestDNSAnswerCommand({ HostedZoneId: zone, RecordName: 'any.example.com', RecordType: 'A' }))).toMatchObject({ ResponseCode: 'NOERROR', RecordData: ['192.0.2.1'] });
});

it('D2: more than 50 requests at once are throttled, and the SDK comes through by retrying', async () => {
  const patient = client({ maxAttempts: 8 });
  const results = await Promise.all(Array.from({ length: 70 }, () => patient.send(new ListHostedZonesCommand())));
  patient.destroy();
  expect(results).toHaveLength(70);
  expect(gateway.requests({ operation: 'ListHostedZones' }).filter(({ errorCode }) => errorCode === 'Throttling').length).toBeGreaterThan(0);
});

it('D2: an operation the lab does not do is refused with 501, never faked', async () => {
  await expect(sdk.send(new CreateTrafficPolicyCommand({ Name: 'x', Document: '{}' }))).rejects.toMatchObject({ name: 'NotImplemented', $metadata: { httpStatusCode: 501 } });
});

it('C2: an unknown key and a wrong secret are refused as AWS does', async () => {
  const unknown = client({ credentials: { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' } });
  await expect(unknown.send(new ListHostedZonesCommand())).rejects.toMatchObject({ name: 'InvalidClientTokenId', $metadata: { httpStatusCode: 403 } });
  const wrong = client({ credentials: { ...ROOT, secretAccessKey: 'x' } });
  await expect(wrong.send(new ListHostedZonesCommand())).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
  unknown.destroy();
  wrong.destroy();
});

it('X2: faults by rule: 5xx, throttling, latency, revoked credentials, AWS codes', async () => {
  const ask = () => sdk.send(new ListHostedZonesCommand());
  gateway.faults.add({ service: 'route53', operation: 'ListHostedZones', nth: 1, answer: 503 });
  gateway.faults.add({ service: 'route53', operation: 'ListHostedZones', nth: 2, answer: 'throttle' });
  gateway.faults.add({ service: 'route53', operation: 'ListHostedZones', nth: 3, answer: 'expired' });
  gateway.faults.add({ service: 'route53', operation: 'ListHostedZones', nth: 4, answer: { code: 'PriorRequestNotComplete', message: 'still processing', status: 400 } });
  gateway.faults.add({ service: 'route53', operation: 'ListHostedZones', nth: 5, answer: { latencyMs: 150 } });
  await expect(ask()).rejects.toMatchObject({ name: 'ServiceUnavailable', $metadata: { httpStatusCode: 503 } });
  await expect(ask()).rejects.toMatchObject({ name: 'Throttling' });
  await expect(ask()).rejects.toMatchObject({ name: 'ExpiredToken', $metadata: { httpStatusCode: 403 } });
  await expect(ask()).rejects.toMatchObject({ name: 'PriorRequestNotComplete' });
  expect((await ask()).HostedZones).toEqual([]);
  const last = gateway.requests({ operation: 'ListHostedZones' }).at(-1);
  expect(last?.durationMs).toBeGreaterThan(140);
  expect(last?.fault).toBe('fault-5');
});

it('X2: a connection cut after the commit has changed the zone, one cut before has not', async () => {
  const zone = await makeZone();
  gateway.faults.add({ operation: 'ChangeResourceRecordSets', nth: 1, answer: 'reset-before' });
  gateway.faults.add({ operation: 'ChangeResourceRecordSets', nth: 2, answer: 'reset-after' });
  await expect(change(zone, { Action: 'CREATE', ResourceRecordSet: a('a.example.com') })).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await listAll(zone)).toHaveLength(2);
  await expect(change(zone, { Action: 'CREATE', ResourceRecordSet: a('a.example.com') })).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await listAll(zone)).toHaveLength(3);
});

it('X2: a stale read repeats the previous answer', async () => {
  const zone = await makeZone();
  expect(await listAll(zone)).toHaveLength(2);
  await change(zone, { Action: 'CREATE', ResourceRecordSet: a('a.example.com') });
  gateway.faults.add({ operation: 'ListResourceRecordSets', times: 1, answer: 'stale' });
  expect(await listAll(zone)).toHaveLength(2);
  expect(await listAll(zone)).toHaveLength(3);
});

it('X2: the control endpoint adds, lists and clears fault rules and reads the log', async () => {
  const post = (rule: object) => fetch(`${gateway.url}/_lab/faults`, { method: 'POST', body: JSON.stringify(rule) });
  expect((await post({ service: 'route53', answer: 'nonsense' })).status).toBe(400);
  const made: unknown = await (await post({ service: 'route53', answer: 503 })).json();
  expect(made).toEqual({ id: 'fault-1' });
  await expect(sdk.send(new ListHostedZonesCommand())).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  await fetch(`${gateway.url}/_lab/faults`, { method: 'DELETE' });
  expect(gateway.faults.list()).toEqual([]);
  const log: unknown = await (await fetch(`${gateway.url}/_lab/requests?service=route53&operation=ListHostedZones`)).json();
  expect(log).toMatchObject([{ service: 'route53', operation: 'ListHostedZones', status: 503, principal: 'arn:aws:iam::111122223333:root', fault: 'fault-1' }]);
});
