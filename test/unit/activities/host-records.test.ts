// A tier's host names in Route 53: there, ours, and pointing at the ingress (T3, D2, D3).
import { describe, expect, it } from 'vitest';
import { hostRecordChecks } from '../../../activities/host-records.ts';
import { toDnsRecord } from '../../../activities/zone.ts';

const target = { hostSuffix: 'b-1.dev.example.org', ownerId: 'goldenpath-dev-1' };
const heritage = (owner: string) => [`"heritage=external-dns,external-dns/owner=${owner},external-dns/resource=ingress/kong/kong"`];
const alias = (name: string, to: string) => toDnsRecord({ Name: name, Type: 'A', AliasTarget: { DNSName: to, HostedZoneId: 'Z', EvaluateTargetHealth: true } });
const ask = (records: Parameters<typeof hostRecordChecks>[0], host = '*.apps.b-1.dev.example.org') => hostRecordChecks(records, { target, hosts: [host], ingressAddress: 'LB-1.elb.amazonaws.com' })[0];

describe('hostRecordChecks', () => {
  it('D3: the wildcard as Route 53 writes it, an alias with dualstack and a trailing dot, and its registry are one', () => {
    const records = [
      alias('\\052.apps.b-1.dev.example.org.', 'dualstack.lb-1.elb.amazonaws.com.'),
      { name: 'cname-xdns.wildcard.apps.b-1.dev.example.org.', type: 'TXT', values: heritage('goldenpath-dev-1') },
    ];
    expect(ask(records)).toMatchObject({ ok: true, id: 'dns:*.apps.b-1.dev.example.org' });
  });

  it('T3: a record at another address is named with both', () => {
    const records = [alias('kong.b-1.dev.example.org', 'old.elb.amazonaws.com'), { name: 'a-xdns.kong.b-1.dev.example.org', type: 'TXT', values: heritage('goldenpath-dev-1') }];
    expect(ask(records, 'kong.b-1.dev.example.org')).toMatchObject({ ok: false, found: 'A points at ALIAS old.elb.amazonaws.com, not at LB-1.elb.amazonaws.com' });
  });

  it("failure 16: another owner's registry, were it only longer by one character, does not make it ours", () => {
    const records = [alias('kong.b-1.dev.example.org', 'lb-1.elb.amazonaws.com'), { name: 'a-xdns.kong.b-1.dev.example.org', type: 'TXT', values: heritage('goldenpath-dev-11') }];
    expect(ask(records, 'kong.b-1.dev.example.org')).toMatchObject({ ok: false, found: 'no registry TXT at a-xdns.kong.b-1.dev.example.org or cname-xdns.kong.b-1.dev.example.org names owner goldenpath-dev-1' });
  });

  it('D1: a host outside the suffix is refused even where it exists', () => {
    expect(ask([alias('kong.dev.example.org', 'lb-1.elb.amazonaws.com')], 'kong.dev.example.org')).toMatchObject({ ok: false, found: 'lies outside b-1.dev.example.org' });
  });
});
