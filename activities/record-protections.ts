// Record set protections of Route 53 on the platform's names: one of them fails the whole batch in which ExternalDNS deletes (failure 41).
import { DeleteResourceRecordSetProtectionsCommand, paginateListResourceRecordSetProtections, type ResourceRecordSetProtection, type Route53Client } from '@aws-sdk/client-route-53';
import { ownedRecords } from '../domain/dns-records.ts';
import type { Target } from '../domain/plan.ts';
import { ownRecordProtections, type Protection, recordProtection, type RecordProtection } from '../domain/protections.ts';
import type { Clients } from './clients.ts';
import type { Deciding, ZoneProbes, ZoneRepairs } from './contract.ts';
import { allPages, inGroups, present } from './pages.ts';
import { decidedOn, liftedLine } from './protections.ts';
import { listRecords } from './zone.ts';

/** DeleteResourceRecordSetProtections takes at most 100 (Route 53 API). */
const PER_CALL = 100;

export function recordProtectionActivities(clients: Pick<Clients, 'route53' | 's3'>): Pick<ZoneProbes, 'listRecordProtections'> & Pick<ZoneRepairs, 'liftRecordProtections'> {
  return { listRecordProtections: ({ target }) => listRecordProtections(clients, target), liftRecordProtections: (input) => liftRecordProtections(clients, input) };
}

/** The platform's among the zone's protections. */
async function listRecordProtections(clients: Pick<Clients, 'route53'>, target: Target): Promise<Protection[]> {
  return (await ownProtections(clients, target)).map(({ protection }) => protection);
}

/** Takes off those that people decided on. A batch is whole or not at all: one that is gone by now fails it, and the next attempt lists anew. */
async function liftRecordProtections(clients: Pick<Clients, 'route53' | 's3'>, input: Deciding): Promise<string[]> {
  const { hostedZoneId } = input.target;
  const lifting = await decidedOn(clients.s3, input, await ownProtections(clients, input.target));
  for (const group of inGroups(lifting, PER_CALL)) {
    await clients.route53.send(new DeleteResourceRecordSetProtectionsCommand({ HostedZoneId: hostedZoneId, Protections: group.map(({ set: { RecordName, RecordType } }) => ({ RecordName, RecordType })) }));
  }
  return lifting.map(({ protection }) => liftedLine(protection));
}

/** Each with the name as Route 53 has it, which is how it wants it back. */
async function ownProtections({ route53 }: Pick<Clients, 'route53'>, target: Target): Promise<{ protection: Protection; set: ResourceRecordSetProtection }[]> {
  const all = await zoneProtections(route53, target.hostedZoneId);
  if (all.length === 0) return [];
  const { records } = await listRecords(route53, target.hostedZoneId);
  return ownRecordProtections(all, ownedRecords(records, target), target).map((own) => ({ protection: recordProtection(own), set: own.set }));
}

/** Every protection of a zone, whole or an error. */
export async function zoneProtections(route53: Route53Client, hostedZoneId: string): Promise<(RecordProtection & { set: ResourceRecordSetProtection })[]> {
  const all = await allPages(paginateListResourceRecordSetProtections({ client: route53 }, { HostedZoneId: hostedZoneId }), (page) => page.ResourceRecordSetProtections);
  return all.map((set) => ({ name: present(set.RecordName, "a protected record's name"), type: present(set.RecordType, "a protected record's type"), comment: set.Comment, set }));
}
