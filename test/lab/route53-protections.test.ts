// Record set protections of the lab's Route 53 as the official SDK client sees them (failure 41).
import {
  ChangeResourceRecordSetsCommand, CreateHostedZoneCommand, CreateResourceRecordSetProtectionsCommand, DeleteHostedZoneCommand, DeleteResourceRecordSetProtectionsCommand,
  ListResourceRecordSetProtectionsCommand, paginateListResourceRecordSetProtections, Route53Client, type Change, type ResourceRecordSet, type ResourceRecordSetProtectionConfig,
} from '@aws-sdk/client-route-53';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startGateway, type Gateway } from '../../lab/aws/gateway.ts';
import { rootPrincipal } from '../../lab/aws/principals.ts';

const ROOT = { accessKeyId: 'AKIAROUTE53ROOT00000', secretAccessKey: 'a-secret-that-only-this-test-knows-000000' };
let gateway: Gateway;
let sdk: Route53Client;
let HostedZoneId: string;

beforeEach(async () => {
  // Nothing here asks moto: port 9 is the discard service, which nobody runs.
  gateway = await startGateway({ timeScale: 300, motoUrl: 'http://127.0.0.1:9', account: '111122223333', region: 'eu-west-2', keys: [{ ...ROOT, principal: rootPrincipal('111122223333') }] });
  sdk = new Route53Client({ endpoint: gateway.url, region: 'eu-west-2', credentials: ROOT, maxAttempts: 1 });
  const { HostedZone } = await sdk.send(new CreateHostedZoneCommand({ Name: 'example.com', CallerReference: 'one' }));
  HostedZoneId = HostedZone?.Id ?? '';
});

afterEach(async () => {
  sdk.destroy();
  await gateway.close();
});

const a = (Name: string, more: Partial<ResourceRecordSet> = {}): ResourceRecordSet => ({ Name, Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.1' }], ...more });
const change = (...Changes: Change[]) => sdk.send(new ChangeResourceRecordSetsCommand({ HostedZoneId, ChangeBatch: { Changes } }));
const protect = (...Protections: ResourceRecordSetProtectionConfig[]) => sdk.send(new CreateResourceRecordSetProtectionsCommand({ HostedZoneId, Protections }));
const lift = (...Protections: { RecordName: string; RecordType: 'A' }[]) => sdk.send(new DeleteResourceRecordSetProtectionsCommand({ HostedZoneId, Protections }));
const WWW = { RecordName: 'www.example.com', RecordType: 'A' as const };

it('failure 41: one protected name fails its whole batch, which names it with its comment; every set identifier is covered', async () => {
  await change({ Action: 'CREATE', ResourceRecordSet: a('www.example.com', { SetIdentifier: 'one', Weight: 1 }) }, { Action: 'CREATE', ResourceRecordSet: a('b.example.com') });
  await protect({ ...WWW, Comment: 'ask first' });
  const words = { name: 'InvalidChangeBatch', message: "[The resource record set [name='www.example.com.', type='A'] is protected from changes: ask first]" };
  await expect(change({ Action: 'DELETE', ResourceRecordSet: a('b.example.com') }, { Action: 'DELETE', ResourceRecordSet: a('www.example.com', { SetIdentifier: 'one', Weight: 1 }) })).rejects.toMatchObject(words);
  await expect(change({ Action: 'CREATE', ResourceRecordSet: a('WWW.example.com', { SetIdentifier: 'two', Weight: 1 }) })).rejects.toMatchObject(words);
  await change({ Action: 'UPSERT', ResourceRecordSet: { ...a('www.example.com'), Type: 'AAAA', ResourceRecords: [{ Value: '2001:db8::1' }] } });
  await lift(WWW);
  await change({ Action: 'DELETE', ResourceRecordSet: a('www.example.com', { SetIdentifier: 'one', Weight: 1 }) });
});

it('failure 41: a name without a record can be reserved, and a zone with protections cannot be deleted', async () => {
  await protect({ RecordName: '*.example.com', RecordType: 'A' });
  await expect(change({ Action: 'CREATE', ResourceRecordSet: a('*.example.com') })).rejects.toMatchObject({ name: 'InvalidChangeBatch' });
  await expect(sdk.send(new DeleteHostedZoneCommand({ Id: HostedZoneId }))).rejects.toMatchObject({ name: 'HostedZoneNotEmpty' });
  await lift({ RecordName: '\\052.example.com.', RecordType: 'A' });
  await sdk.send(new DeleteHostedZoneCommand({ Id: HostedZoneId }));
});

it('failure 41: requests are atomic, and their errors list the entries', async () => {
  await protect(WWW);
  await expect(protect(WWW)).rejects.toMatchObject({ name: 'ProtectionAlreadyExists', Errors: [{ RecordName: 'www.example.com', RecordType: 'A', Code: 'ProtectionAlreadyExists' }] });
  await expect(protect(WWW, { RecordName: 'b.example.com', RecordType: 'A' })).rejects.toMatchObject({ name: 'InvalidResourceRecordSetProtectionBatch', Errors: [{ Code: 'ProtectionAlreadyExists' }] });
  const bad = [WWW, { RecordName: 'www.example.org', RecordType: 'A' as const }, { RecordName: 'c.example.com', RecordType: 'TXT' as const }, { RecordName: 'C.example.com.', RecordType: 'TXT' as const }];
  await expect(protect(...bad)).rejects.toMatchObject({ name: 'InvalidResourceRecordSetProtectionBatch', Errors: [{ RecordName: 'www.example.org', Code: 'InvalidInput' }, { RecordName: 'C.example.com.', Code: 'InvalidInput' }] });
  await expect(lift(WWW, { RecordName: 'b.example.com', RecordType: 'A' })).rejects.toMatchObject({ name: 'InvalidResourceRecordSetProtectionBatch', Errors: [{ RecordName: 'b.example.com', Code: 'ProtectionNotFound' }] });
  await expect(protect()).rejects.toMatchObject({ name: 'InvalidInput' });
  expect((await sdk.send(new ListResourceRecordSetProtectionsCommand({ HostedZoneId }))).ResourceRecordSetProtections).toEqual([{ RecordName: 'www.example.com.', RecordType: 'A' }]);
});

it('failure 41: they are listed in pages, from a name on where one is given', async () => {
  for (const group of [0, 1, 2, 3]) await protect(...Array.from({ length: 100 }, (_, index) => ({ RecordName: `n${group * 100 + index}.example.com`, RecordType: 'A' as const, Comment: `${index}` })));
  const pages: number[] = [];
  for await (const { ResourceRecordSetProtections = [] } of paginateListResourceRecordSetProtections({ client: sdk }, { HostedZoneId })) pages.push(ResourceRecordSetProtections.length);
  expect(pages).toEqual([300, 100]);
  const { ResourceRecordSetProtections: [first] = [], NextToken } = await sdk.send(new ListResourceRecordSetProtectionsCommand({ HostedZoneId, StartRecordName: 'n99.example.com', MaxResults: 1 }));
  expect(first).toEqual({ RecordName: 'n99.example.com.', RecordType: 'A', Comment: '99' });
  expect(NextToken).toBeUndefined();
  await expect(sdk.send(new ListResourceRecordSetProtectionsCommand({ HostedZoneId, NextToken: 'x' }))).rejects.toMatchObject({ name: 'InvalidPaginationToken' });
});
