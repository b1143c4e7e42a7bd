// Route 53, read only: the zone, its delegation, and complete listings of its records. Runs on the rate-limited task queue (F4, T3, X1, X2).
import { GetHostedZoneCommand, ListHostedZonesByNameCommand, ListResourceRecordSetsCommand, type ListResourceRecordSetsRequest, type ListResourceRecordSetsResponse, type ResourceRecordSet, type Route53Client } from '@aws-sdk/client-route-53';
import { listingOf, type ZoneListing } from '../domain/dns-gate.ts';
import { normaliseName } from '../domain/dns-names.ts';
import { ALIAS, type DnsRecord, isTakenHost, recordLine } from '../domain/dns-records.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { canonicalJson } from '../domain/hash.ts';
import type { CheckResult } from '../domain/foundation.ts';
import type { Target } from '../domain/plan.ts';
import type { Clients } from './clients.ts';
import type { ZoneProbes, ZoneReadings } from './contract.ts';
import { notReady } from './errors.ts';
import { hostRecordChecks } from './host-records.ts';
import { present } from './pages.ts';
import { reading } from './reading.ts';

/** Records a page (Route 53 API: at most 300): with it a zone of a hundred names is one call. */
const PAGE_SIZE = 300;

export function zoneProbes({ route53 }: Pick<Clients, 'route53'>): Omit<ZoneProbes, 'listRecordProtections'> {
  return {
    readZone: ({ target }) => readZone(route53, target),
    listZone: (input) => listZone(route53, input),
    probeHostRecords: (input) => probeHostRecords(route53, input),
  };
}

/** Four calls for a zone of one page: the zone, its records, the parent by name, the parent's NS record. */
async function readZone(route53: Route53Client, target: Target): Promise<ZoneReadings> {
  const [zone, delegation, listing] = await Promise.all([
    reading(readHostedZone(route53, target.hostedZoneId)),
    reading(readDelegation(route53, target)),
    reading(listZone(route53, { target })),
  ]);
  if ('problem' in listing) return { zone, delegation, recordsInScope: listing, takenHosts: listing };
  const { owned } = listing.value;
  const own = owned.filter(({ because }) => because !== 'own-name');
  return { zone, delegation, recordsInScope: { value: [...new Set(own.map(({ name }) => name))] }, takenHosts: { value: owned.filter(isTakenHost).map(recordLine) } };
}

async function readHostedZone(route53: Route53Client, id: string): Promise<{ name: string; privateZone: boolean; nameServers: string[] }> {
  const { HostedZone, DelegationSet } = await route53.send(new GetHostedZoneCommand({ Id: id }));
  const zone = present(HostedZone, 'a hosted zone');
  return { name: present(zone.Name, "the zone's name"), privateZone: zone.Config?.PrivateZone === true, nameServers: DelegationSet?.NameServers ?? [] };
}

/** The NS record of the zone in its parent; none where the parent has no such record. */
async function readDelegation(route53: Route53Client, { zone, parentZone }: Target): Promise<string[]> {
  const parentId = await publicZoneId(route53, parentZone);
  const { ResourceRecordSets = [] } = await route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: parentId, StartRecordName: zone, StartRecordType: 'NS', MaxItems: 1 }));
  const record = ResourceRecordSets.find(({ Name, Type }) => Type === 'NS' && Name !== undefined && normaliseName(Name) === normaliseName(zone));
  return (record?.ResourceRecords ?? []).map(({ Value }) => present(Value, 'a name server'));
}

async function publicZoneId(route53: Route53Client, name: string): Promise<string> {
  // A few, because private zones may bear the same name.
  const { HostedZones = [] } = await route53.send(new ListHostedZonesByNameCommand({ DNSName: name, MaxItems: 10 }));
  const found = HostedZones.filter((zone) => zone.Config?.PrivateZone !== true && zone.Name !== undefined && normaliseName(zone.Name) === normaliseName(name));
  const [zone] = found;
  if (zone === undefined || found.length > 1) throw new GoldenpathError('PreflightFailed', `${found.length} public hosted zones of this account are named ${name}; the delegation is read from exactly one`);
  return present(zone.Id, "the zone's id");
}

/** The listing's time is that of its first call: what changed since may be missing from it. */
async function listZone(route53: Route53Client, input: Parameters<ZoneProbes['listZone']>[0]): Promise<ZoneListing> {
  const at = Date.now();
  const { records, pages } = await listRecords(route53, input.target.hostedZoneId);
  return listingOf(records, input, at, pages);
}

/**
 * Every record of the zone. A page that says there are more and not where, or an error in the middle, fails the whole:
 * a part of a listing would read as records that are gone (failure 36).
 */
export async function listRecords(route53: Route53Client, hostedZoneId: string): Promise<{ records: DnsRecord[]; pages: number }> {
  const { sets, pages } = await listRecordSets(route53, hostedZoneId);
  return { records: sets.map((set) => toDnsRecord(set)), pages };
}

/** The same as Route 53 gives it: what a deletion must repeat to the letter. */
export async function listRecordSets(route53: Route53Client, hostedZoneId: string): Promise<{ sets: ResourceRecordSet[]; pages: number }> {
  const sets: ResourceRecordSet[] = [];
  let next: Pick<ListResourceRecordSetsRequest, 'StartRecordName' | 'StartRecordType' | 'StartRecordIdentifier'> | undefined = {};
  let pages = 0;
  while (next !== undefined) {
    const answer: ListResourceRecordSetsResponse = await route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: hostedZoneId, MaxItems: PAGE_SIZE, ...next }));
    pages += 1;
    sets.push(...present(answer.ResourceRecordSets, 'the record sets'));
    next = answer.IsTruncated === true
      ? {
          StartRecordName: present(answer.NextRecordName, 'the name of the next record'),
          StartRecordType: present(answer.NextRecordType, 'the type of the next record'),
          ...(answer.NextRecordIdentifier === undefined ? {} : { StartRecordIdentifier: answer.NextRecordIdentifier }),
        }
      : undefined;
  }
  return { sets, pages };
}

/** A record set as the domain compares it: an alias is its target's name, values are sorted, and whatever else a set may hold is its routing. */
export function toDnsRecord({ Name, Type, SetIdentifier, TTL, ResourceRecords = [], AliasTarget, ...others }: ResourceRecordSet): DnsRecord {
  const routing = routingOf({ ...others, AliasZone: AliasTarget?.HostedZoneId, EvaluateTargetHealth: AliasTarget?.EvaluateTargetHealth });
  const values = AliasTarget === undefined ? ResourceRecords.map(({ Value }) => present(Value, "a record's value")) : [`${ALIAS}${normaliseName(present(AliasTarget.DNSName, "an alias's target"))}`];
  return {
    name: normaliseName(present(Name, "a record's name")),
    type: present(Type, "a record's type"),
    ...(SetIdentifier === undefined ? {} : { setIdentifier: SetIdentifier }),
    values: values.toSorted(),
    ...(TTL === undefined ? {} : { ttl: TTL }),
    ...(routing === '' ? {} : { routing }),
  };
}

/** `Weight=10 HealthCheckId=…`: everything else that a change of the set could alter. */
function routingOf(fields: Record<string, unknown>): string {
  return Object.entries(fields).filter(([, value]) => value !== undefined).map(([key, value]) => `${key}=${typeof value === 'string' ? value : canonicalJson(value)}`).toSorted().join(' ');
}

async function probeHostRecords(route53: Route53Client, input: Parameters<ZoneProbes['probeHostRecords']>[0]): Promise<CheckResult[]> {
  const { records } = await listRecords(route53, input.target.hostedZoneId);
  const checks = hostRecordChecks(records, input);
  const failed = checks.filter(({ ok }) => !ok).map(({ title, found }) => `${title}: ${found}`);
  if (failed.length > 0) throw notReady(`${failed.length} of ${checks.length} host names are not in Route 53 as they should be`, input, failed);
  return checks;
}
