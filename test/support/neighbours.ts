// Records of other platforms in the lab's zone, which look nearly like those of build 21-11-26-01: whatever runs, they stay (D1, failures 16, 39).
import { ChangeResourceRecordSetsCommand, Route53Client } from '@aws-sdk/client-route-53';
import type { Reach } from './account.ts';

/** Writes records of no one, and of a build whose id and owner the platform's are the beginning of. */
export async function seedNeighbours(reach: Reach): Promise<void> {
  const heritage = '"heritage=external-dns,external-dns/owner=goldenpath-dev-21-11-26-011,external-dns/resource=ingress/kong/status"';
  const records = [
    ['app.dev.goldenpathidp.io', 'A', '192.0.2.1'],
    ['xb-21-11-26-01.dev.goldenpathidp.io', 'A', '192.0.2.2'],
    ['kong.b-21-11-26-011.dev.goldenpathidp.io', 'A', '192.0.2.3'],
    ['a-xdns.kong.b-21-11-26-011.dev.goldenpathidp.io', 'TXT', heritage],
    ['a-xdns.app.dev.goldenpathidp.io', 'TXT', heritage],
  ] as const;
  const Changes = records.map(([Name, Type, Value]) => ({ Action: 'CREATE' as const, ResourceRecordSet: { Name, Type, TTL: 60, ResourceRecords: [{ Value }] } }));
  await new Route53Client(reach).send(new ChangeResourceRecordSetsCommand({ HostedZoneId: 'Z0427816GOLDENPATHDEV', ChangeBatch: { Changes } }));
}
