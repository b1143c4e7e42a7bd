// Hosted zones: create, read, list, comment, delete. Source: Route 53 API reference, actions on hosted zones.
import type { HostedZone, HostedZoneConfig } from '@aws-sdk/client-route-53';
import { awsError } from '../service.ts';
import { canonicalName, reversedName } from './names.ts';
import { initialRecords, newNameServers, privateNameServers } from './name-servers.ts';
import { bareId, newId, openChange, pageOf, zoneOf, type Input, type Output, type Route53Call, type Zone } from './state.ts';

/** "You can't create more hosted zones with the same name on one reusable delegation set"; four name servers allow some. */
const MOST_ZONES = 500;

export function createZone(call: Route53Call, input: Input<'CreateHostedZone'>): Output<'CreateHostedZone'> {
  const { state, account } = call;
  const verdict = canonicalName(input.Name ?? '');
  if ('problem' in verdict) awsError('InvalidDomainName', `The domain name is not valid: ${verdict.problem}`);
  const own = [...state.zones.values()].filter((zone) => zone.account === account);
  if (own.some(({ callerReference }) => callerReference === input.CallerReference)) {
    awsError('HostedZoneAlreadyExists', `A hosted zone has already been created with the specified caller reference: ${input.CallerReference}`);
  }
  if (own.length >= MOST_ZONES) awsError('TooManyHostedZones', `Limits Exceeded: MAX_HOSTED_ZONES_BY_OWNER - Cannot create more hosted zones. Please contact AWS.`);
  if (input.DelegationSetId !== undefined) awsError('NoSuchDelegationSet', `The specified delegation set does not exist: ${input.DelegationSetId}`);
  if (input.HostedZoneConfig?.PrivateZone === true && input.VPC === undefined) awsError('InvalidInput', 'When you are creating a private hosted zone, you must specify a VPC.');
  if (input.VPC !== undefined) refuseSameVpc(own, verdict.name, input.VPC);

  const taken = new Set([...state.zones.values()].filter(({ vpcs }) => vpcs === undefined).flatMap(({ nameServers }) => nameServers));
  const nameServers = input.VPC === undefined ? newNameServers(taken) : privateNameServers();
  const zone: Zone = {
    id: newId('Z'), account, name: verdict.name, callerReference: input.CallerReference ?? '', comment: input.HostedZoneConfig?.Comment,
    nameServers, vpcs: input.VPC && [input.VPC], authorized: [], records: initialRecords(verdict.name, nameServers), signing: 'NOT_SIGNING', signingKeys: [], protections: [],
  };
  state.zones.set(zone.id, zone);
  return {
    HostedZone: described(zone),
    ChangeInfo: openChange(call),
    DelegationSet: input.VPC === undefined ? { NameServers: [...nameServers] } : undefined,
    VPC: input.VPC,
    Location: `https://route53.amazonaws.com/2013-04-01/hostedzone/${zone.id}`,
  };
}

function refuseSameVpc(zones: readonly Zone[], name: string, { VPCId, VPCRegion }: NonNullable<Input<'CreateHostedZone'>['VPC']>): void {
  const conflict = zones.find((zone) => zone.name === name && zone.vpcs?.some((vpc) => vpc.VPCId === VPCId && vpc.VPCRegion === VPCRegion) === true);
  if (conflict !== undefined) awsError('ConflictingDomainExists', `The VPC ${VPCId} in region ${VPCRegion} has already been associated with the hosted zone ${conflict.id} with the same domain name.`);
}

export function getZone(call: Route53Call, input: Input<'GetHostedZone'>): Output<'GetHostedZone'> {
  const zone = zoneOf(call, input.Id);
  return {
    HostedZone: described(zone),
    DelegationSet: zone.vpcs === undefined ? { NameServers: [...zone.nameServers] } : undefined,
    VPCs: zone.vpcs && [...zone.vpcs],
  };
}

export function listZones(call: Route53Call, input: Input<'ListHostedZones'>): Output<'ListHostedZones'> {
  const zones = ownZones(call)
    .filter((zone) => input.HostedZoneType !== 'PrivateHostedZone' || zone.vpcs !== undefined)
    .filter(() => input.DelegationSetId === undefined);
  const { page, size, truncated, next } = pageOf(zones, ({ id }) => id, input.Marker === undefined ? undefined : bareId(input.Marker), input.MaxItems);
  return { HostedZones: page.map(described), IsTruncated: truncated, NextMarker: next, MaxItems: size, Marker: input.Marker };
}

/** In the order of reversed labels, then of ids; the start need not exist. */
export function listZonesByName(call: Route53Call, input: Input<'ListHostedZonesByName'>): Output<'ListHostedZonesByName'> {
  const start = input.DNSName === undefined ? undefined : canonicalName(input.DNSName);
  if (start !== undefined && 'problem' in start) awsError('InvalidDomainName', start.problem);
  if (input.HostedZoneId !== undefined && start === undefined) awsError('InvalidInput', 'HostedZoneId requires DNSName');
  const keyed = ownZones(call).map((zone) => ({ zone, key: `${reversedName(zone.name)}\0${zone.id}` })).toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const startKey = start === undefined ? '' : `${reversedName(start.name)}\0${bareId(input.HostedZoneId ?? '')}`;
  const first = keyed.findIndex(({ key }) => key >= startKey);
  const zones = first === -1 ? [] : keyed.slice(first).map(({ zone }) => zone);
  const { page, size, truncated } = pageOf(zones, ({ id }) => id, undefined, input.MaxItems);
  const next = zones[size];
  return {
    HostedZones: page.map(described), DNSName: input.DNSName, HostedZoneId: input.HostedZoneId, IsTruncated: truncated,
    NextDNSName: next?.name, NextHostedZoneId: next?.id, MaxItems: size,
  };
}

export function countZones(call: Route53Call): Output<'GetHostedZoneCount'> {
  return { HostedZoneCount: ownZones(call).length };
}

export function updateComment(call: Route53Call, input: Input<'UpdateHostedZoneComment'>): Output<'UpdateHostedZoneComment'> {
  const zone = { ...zoneOf(call, input.Id), comment: input.Comment };
  call.state.zones.set(zone.id, zone);
  return { HostedZone: described(zone) };
}

/** Only a zone with nothing but its own SOA and NS can be deleted, and none that is signed or holds protections. */
export function deleteZone(call: Route53Call, input: Input<'DeleteHostedZone'>): Output<'DeleteHostedZone'> {
  const zone = zoneOf(call, input.Id);
  const foreign = zone.records.some(({ set }) => set.Name !== zone.name || (set.Type !== 'SOA' && set.Type !== 'NS'));
  if (foreign) awsError('HostedZoneNotEmpty', 'The specified hosted zone contains non-required resource record sets and so cannot be deleted.');
  if (zone.signingKeys.length > 0) awsError('HostedZoneNotEmpty', 'The specified hosted zone contains DNSSEC Key Signing Keys and so cannot be deleted.');
  if (zone.protections.length > 0) awsError('HostedZoneNotEmpty', 'The specified hosted zone contains resource record set protections and so cannot be deleted.');
  call.state.zones.delete(zone.id);
  call.state.tags.delete(`hostedzone/${zone.id}`);
  return { ChangeInfo: openChange(call) };
}

/** A zone as the API describes it. */
export function described(zone: Zone): HostedZone {
  const config: HostedZoneConfig = { Comment: zone.comment, PrivateZone: zone.vpcs !== undefined };
  return { Id: `/hostedzone/${zone.id}`, Name: zone.name, CallerReference: zone.callerReference, Config: config, ResourceRecordSetCount: zone.records.length };
}

/** The zones of the calling account. */
export function ownZones({ state, account }: Route53Call): Zone[] {
  return [...state.zones.values()].filter((zone) => zone.account === account);
}
