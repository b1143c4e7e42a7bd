import { describe, expect, it } from 'vitest';
import { changesOf, needsOf } from '../../../../../lab/aws/route53/needs.ts';

const input = {
  HostedZoneId: '/hostedzone/Z1',
  ChangeBatch: { Changes: [{ Action: 'UPSERT', ResourceRecordSet: { Name: '*.Apps.dev.example.org.', Type: 'A' } }, { Action: 'DELETE', ResourceRecordSet: { Name: 'a-xdns.wildcard.apps.dev.example.org', Type: 'TXT' } }] },
};

describe('what a change of records says of itself', () => {
  it('D1, D3: the log has each record with its action, by the name that Route 53 keeps', () => {
    expect(changesOf('ChangeResourceRecordSets', input)).toEqual([String.raw`UPSERT \052.apps.dev.example.org A`, 'DELETE a-xdns.wildcard.apps.dev.example.org TXT']);
    expect(changesOf('ListResourceRecordSets', input)).toBeUndefined();
  });

  it('C2: a policy sees the same names, types and actions as condition keys', () => {
    expect(needsOf('ChangeResourceRecordSets', input)).toEqual([{
      action: 'route53:ChangeResourceRecordSets',
      resource: 'arn:aws:route53:::hostedzone/Z1',
      context: {
        'route53:ChangeResourceRecordSetsNormalizedRecordNames': [String.raw`\052.apps.dev.example.org`, 'a-xdns.wildcard.apps.dev.example.org'],
        'route53:ChangeResourceRecordSetsRecordTypes': ['A', 'TXT'],
        'route53:ChangeResourceRecordSetsActions': ['UPSERT', 'DELETE'],
      },
    }]);
  });
});
