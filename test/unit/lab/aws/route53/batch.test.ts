// Batches of record changes: Route 53's rules and its texts (D2, D3).
import type { Change, ResourceRecordSet } from '@aws-sdk/client-route-53';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyBatch, type BatchZone } from '../../../../../lab/aws/route53/batch.ts';
import { listPage } from '../../../../../lab/aws/route53/listing.ts';
import { initialRecords } from '../../../../../lab/aws/route53/name-servers.ts';
import { formProblem } from '../../../../../lab/aws/route53/record-set.ts';

const ZONE: BatchZone = { id: 'Z1', name: 'example.com.', records: initialRecords('example.com.', ['ns-1.awsdns-00.com', 'ns-513.awsdns-00.net']) };
const a = (Name: string, value = '192.0.2.1', more: Partial<ResourceRecordSet> = {}): ResourceRecordSet => ({ Name, Type: 'A', TTL: 60, ResourceRecords: [{ Value: value }], ...more });
const cname = (Name: string, value = 'target.example.org'): ResourceRecordSet => ({ Name, Type: 'CNAME', TTL: 60, ResourceRecords: [{ Value: value }] });
const create = (set: ResourceRecordSet): Change => ({ Action: 'CREATE', ResourceRecordSet: set });
const upsert = (set: ResourceRecordSet): Change => ({ Action: 'UPSERT', ResourceRecordSet: set });
const remove = (set: ResourceRecordSet): Change => ({ Action: 'DELETE', ResourceRecordSet: set });

function zoneWith(...sets: ResourceRecordSet[]): BatchZone {
  const { records, problems } = applyBatch(ZONE, sets.map(create));
  expect(problems).toEqual([]);
  return { ...ZONE, records };
}

function names(zone: Pick<BatchZone, 'records'>): string[] {
  return zone.records.map(({ set }) => `${set.Name} ${set.Type}`);
}

describe('D2: refused with the text of Route 53', () => {
  const existing = zoneWith(a('a.example.com'), cname('c.example.com'), a('w.example.com', '192.0.2.1', { SetIdentifier: 'one', Weight: 1 }));
  it.each([
    ['a create over an existing record', [create(a('A.example.com.'))], "Tried to create resource record set [name='a.example.com.', type='A'] but it already exists"],
    ['a delete of nothing', [remove(a('x.example.com'))], "Tried to delete resource record set [name='x.example.com.', type='A'] but it was not found"],
    ['a delete with another value', [remove(a('a.example.com', '192.0.2.2'))], "Tried to delete resource record set [name='a.example.com.', type='A'] but the values provided do not match the current values"],
    ['a delete with another TTL', [remove(a('a.example.com', '192.0.2.1', { TTL: 61 }))], "Tried to delete resource record set [name='a.example.com.', type='A'] but the values provided do not match the current values"],
    ['a name outside the zone', [upsert(a('xexample.com'))], 'RRSet with DNS name xexample.com. is not permitted in zone example.com.'],
    ['a CNAME beside another', [create(cname('a.example.com'))], 'RRSet of type CNAME with DNS name a.example.com. is not permitted as it conflicts with other records with the same DNS name in zone example.com.'],
    ['another beside a CNAME', [upsert(a('c.example.com'))], 'RRSet of type A with DNS name c.example.com. is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone example.com.'],
    ['a CNAME at the apex', [upsert(cname('example.com'))], 'RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com.'],
    ['an illegal address', [create(a('b.example.com', 'HELLO'))], "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with 'HELLO''"],
    ['an unquoted TXT', [create({ Name: 't.example.com', Type: 'TXT', TTL: 1, ResourceRecords: [{ Value: 'x' }] })], "Invalid Resource Record: 'FATAL problem: InvalidCharacterString (Value should be enclosed in quotation marks) encountered with 'x''"],
    ['a simple set beside weighted ones', [create(a('w.example.com'))], 'RRSet with DNS name w.example.com., type A cannot be created as weighted sets exist with the same name and type.'],
    ['a weighted set beside a simple one', [create(a('a.example.com', '192.0.2.1', { SetIdentifier: 'x', Weight: 1 }))], 'RRSet with DNS name a.example.com., type A, SetIdentifier x cannot be created as a non-weighted set exists with the same name and type.'],
    ['weighted sets of two TTLs', [create(a('w.example.com', '192.0.2.1', { SetIdentifier: 'x', Weight: 1, TTL: 5 }))], 'RRSet with DNS name w.example.com. and type A, SetIdentifier x cannot be created as weighted sets must contain the same TTL.'],
    ['the zone without its NS', [remove({ Name: 'example.com.', Type: 'NS', TTL: 172_800, ResourceRecords: [{ Value: 'ns-513.awsdns-00.net.' }, { Value: 'ns-1.awsdns-00.com.' }] })], 'A HostedZone must contain at least one NS record for the zone itself.'],
    ['two changes of one set', [upsert(a('n.example.com')), upsert(a('n.example.com', '192.0.2.9'))], "The request contains an invalid set of changes for a resource record set 'A n.example.com.'"],
    ['an empty label', [create(a('x..example.com'))], "FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with 'x..example.com'"],
  ])('%s', (_, changes, text) => {
    const result = applyBatch(existing, changes);
    expect(result.problems).toEqual([text]);
    expect(result.records).toBe(existing.records);
  });
});

it('D2: every problem is listed, and nothing of the batch is done', () => {
  const result = applyBatch(ZONE, [create(a('good.example.com')), create(a('bad.example.com', 'x')), remove(a('gone.example.com')), create(a('other.org'))]);
  expect(result.problems).toHaveLength(3);
  expect(result.records).toBe(ZONE.records);
});

it('D2: delete and create in one batch replaces a record of another type', () => {
  const zone = zoneWith(cname('x.example.com'));
  const result = applyBatch(zone, [remove(cname('x.example.com')), create(a('x.example.com'))]);
  expect(result.problems).toEqual([]);
  expect(names(result)).toContain('x.example.com. A');
});

it('D3: names are lower-cased, and a wildcard is \\052, however it is written', () => {
  const zone = zoneWith(a('*.Foo.EXAMPLE.com'));
  expect(names(zone)).toContain('\\052.foo.example.com. A');
  expect(applyBatch(zone, [remove(a('\\052.foo.example.com.'))]).problems).toEqual([]);
});

it('D2: a batch holds 1000 records, of which an UPSERT counts twice, and 32 000 characters', () => {
  const many = Array.from({ length: 501 }, (_, index) => a(`n${index}.example.com`));
  expect(applyBatch(ZONE, many.map(create)).problems).toEqual([]);
  expect(applyBatch(ZONE, many.map(upsert)).problems).toEqual(['Number of records limit of 1000 exceeded.']);
  const long = Array.from({ length: 9 }, (_, index): Change => create({ Name: `t${index}.example.com`, Type: 'TXT', TTL: 1, ResourceRecords: [{ Value: Array.from({ length: 14 }, () => `"${'x'.repeat(255)}"`).join(' ') }] }));
  expect(applyBatch(ZONE, long).problems).toEqual(['RDATA character limit of 32000 exceeded.']);
});

it('D2: an alias needs its target, in the zone or a load balancer of the zone id', () => {
  const alias = (HostedZoneId: string, DNSName: string): ResourceRecordSet => ({ Name: 'alias.example.com', Type: 'A', AliasTarget: { HostedZoneId, DNSName, EvaluateTargetHealth: true } });
  expect(applyBatch(ZONE, [create(alias('ZHURV8PSTC4K8', 'dualstack.k8s-1.eu-west-2.elb.amazonaws.com'))]).problems).toEqual([]);
  expect(applyBatch(ZONE, [create(alias('ZD4D7Y8KGAS4G', 'k8s-1.elb.eu-west-2.amazonaws.com'))]).problems).toEqual([]);
  expect(applyBatch(ZONE, [create(alias('Z1', 't.example.com')), create(a('t.example.com'))]).problems).toEqual([]);
  expect(applyBatch(ZONE, [create(alias('Z1', 't.example.com'))]).problems).toEqual(['Tried to create an alias that targets t.example.com., type A in zone Z1, but that target was not found']);
  expect(applyBatch(ZONE, [create(alias('ZWRONG', 'k8s-1.eu-west-2.elb.amazonaws.com'))]).problems).toEqual([
    'Tried to create an alias that targets k8s-1.eu-west-2.elb.amazonaws.com., type A in zone ZWRONG, but the alias target name does not lie within the target zone',
  ]);
});

it('D2: a malformed change is invalid input', () => {
  expect(formProblem(create({ Name: 'x.', Type: 'A' }))).toBe('Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with [Action=CREATE, Name=x., Type=A, SetIdentifier=null]');
  expect(formProblem(create(a('x.', '192.0.2.1', { Weight: 1 })))).toBe("Missing field 'SetIdentifier' in Change with [Action=CREATE, Name=x., Type=A, SetIdentifier=null]");
  expect(formProblem(create(a('x.', '192.0.2.1', { SetIdentifier: 's' })))).toContain('but found none');
  expect(formProblem(create(a('x.', '192.0.2.1', { Weight: 1, SetIdentifier: 's' })))).toBeUndefined();
});

const label = fc.stringMatching(/^[a-z0-9_]([a-z0-9-]{0,6}[a-z0-9])?$/);
const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => `${labels.join('.')}.example.com.`);

it('D2: what was created and then deleted leaves the zone as it was, whatever the names', () => {
  fc.assert(fc.property(fc.uniqueArray(host, { maxLength: 12 }), (hosts) => {
    const made = applyBatch(ZONE, hosts.map((name) => create(a(name))));
    expect(made.records).toHaveLength(ZONE.records.length + hosts.length);
    expect(applyBatch({ ...ZONE, records: made.records }, hosts.toReversed().map((name) => remove(a(name)))).records).toEqual(ZONE.records);
  }));
});

it('D2: pages follow one another without a gap or a repetition, in one order', () => {
  fc.assert(fc.property(fc.uniqueArray(host, { maxLength: 15 }), fc.integer({ min: 1, max: 6 }), (hosts, size) => {
    const { records } = applyBatch(ZONE, hosts.map((name) => create(a(name))));
    const seen: ResourceRecordSet[] = [];
    let page = listPage(records, undefined, size);
    seen.push(...page.ResourceRecordSets);
    while (page.NextRecordName !== undefined) {
      page = listPage(records, { name: page.NextRecordName, ...(page.NextRecordType !== undefined && { type: page.NextRecordType }) }, size);
      seen.push(...page.ResourceRecordSets);
    }
    expect(seen).toEqual(records.map(({ set }) => set));
  }));
});

it('D2: records are in the order of reversed labels: parents first, a hyphen before a dot', () => {
  const zone = zoneWith(a('b.a.example.com'), a('a.example.com'), a('*.a.example.com'), a('a-b.example.com'), a('z.example.com'));
  expect(zone.records.filter(({ set }) => set.Type === 'A').map(({ set }) => set.Name)).toEqual([
    'a-b.example.com.', 'a.example.com.', '\\052.a.example.com.', 'b.a.example.com.', 'z.example.com.',
  ]);
});
