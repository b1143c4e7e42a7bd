// Private zones and the VPCs that see them. Source: Route 53 API reference, AssociateVPCWithHostedZone and its kin.
import type { VPC } from '@aws-sdk/client-route-53';
import { awsError } from '../service.ts';
import { bareId, openChange, pageOf, zoneOf, type Input, type Output, type Route53Call, type Zone } from './state.ts';

export function associate(call: Route53Call, input: Input<'AssociateVPCWithHostedZone'>): Output<'AssociateVPCWithHostedZone'> {
  const zone = privateZone(call, input.HostedZoneId);
  const vpc = given(input.VPC);
  const foreign = zone.account !== call.account;
  if (foreign && !includes(zone.authorized, vpc)) awsError('NotAuthorizedException', `The VPC: ${vpc.VPCId} has not authorized to associate with your hosted zone.`);
  const conflict = [...call.state.zones.values()].find((other) => other.name === zone.name && includes(other.vpcs ?? [], vpc));
  if (conflict !== undefined) awsError('ConflictingDomainExists', `The VPC ${vpc.VPCId} in region ${vpc.VPCRegion} has already been associated with the hosted zone ${conflict.id} with the same domain name.`);
  call.state.zones.set(zone.id, { ...zone, vpcs: [...(zone.vpcs ?? []), vpc] });
  return { ChangeInfo: openChange(call, input.Comment) };
}

export function disassociate(call: Route53Call, input: Input<'DisassociateVPCFromHostedZone'>): Output<'DisassociateVPCFromHostedZone'> {
  const zone = privateZone(call, input.HostedZoneId);
  const vpc = given(input.VPC);
  const rest = (zone.vpcs ?? []).filter((other) => !isSame(other, vpc));
  if (rest.length === zone.vpcs?.length) awsError('VPCAssociationNotFound', `The VPC: ${vpc.VPCId} is not associated with the hosted zone: ${zone.id}`);
  if (rest.length === 0) awsError('LastVPCAssociation', 'Cannot remove last VPC association for the private zone');
  call.state.zones.set(zone.id, { ...zone, vpcs: rest });
  return { ChangeInfo: openChange(call, input.Comment) };
}

export function authorize(call: Route53Call, input: Input<'CreateVPCAssociationAuthorization'>): Output<'CreateVPCAssociationAuthorization'> {
  const [zone, vpc] = [zoneOf(call, input.HostedZoneId), given(input.VPC)];
  if (!includes(zone.authorized, vpc)) call.state.zones.set(zone.id, { ...zone, authorized: [...zone.authorized, vpc] });
  return { HostedZoneId: zone.id, VPC: vpc };
}

export function deauthorize(call: Route53Call, input: Input<'DeleteVPCAssociationAuthorization'>): Record<string, never> {
  const [zone, vpc] = [zoneOf(call, input.HostedZoneId), given(input.VPC)];
  if (!includes(zone.authorized, vpc)) awsError('VPCAssociationAuthorizationNotFound', `The VPC: ${vpc.VPCId} is not authorized to be associated with the hosted zone: ${zone.id}`);
  call.state.zones.set(zone.id, { ...zone, authorized: zone.authorized.filter((other) => !isSame(other, vpc)) });
  return {};
}

export function listAuthorizations(call: Route53Call, input: Input<'ListVPCAssociationAuthorizations'>): Output<'ListVPCAssociationAuthorizations'> {
  const zone = zoneOf(call, input.HostedZoneId);
  const { page, next } = pageOf(zone.authorized, (vpc) => vpc.VPCId ?? '', input.NextToken, input.MaxResults);
  return { HostedZoneId: zone.id, VPCs: page, NextToken: next };
}

export function listZonesByVpc(call: Route53Call, input: Input<'ListHostedZonesByVPC'>): Output<'ListHostedZonesByVPC'> {
  const zones = [...call.state.zones.values()].filter((zone) => includes(zone.vpcs ?? [], { VPCId: input.VPCId, VPCRegion: input.VPCRegion }));
  const { page, size, next } = pageOf(zones, ({ id }) => id, input.NextToken, input.MaxItems);
  return { HostedZoneSummaries: page.map((zone) => ({ HostedZoneId: zone.id, Name: zone.name, Owner: { OwningAccount: zone.account } })), MaxItems: size, NextToken: next };
}

/** A private zone of any account: its VPCs may belong to another. */
function privateZone(call: Route53Call, id: string | undefined): Zone {
  const zone = call.state.zones.get(bareId(id)) ?? zoneOf(call, id);
  if (zone.vpcs === undefined) awsError('PublicZoneVPCAssociation', `You're trying to associate a VPC with a public hosted zone: ${zone.id}`);
  return zone;
}

function given(vpc: VPC | undefined): VPC {
  return vpc?.VPCId === undefined || vpc.VPCRegion === undefined ? awsError('InvalidVPCId', 'The VPC ID is not valid') : vpc;
}

function includes(vpcs: readonly VPC[], vpc: VPC): boolean {
  return vpcs.some((other) => isSame(other, vpc));
}

function isSame(a: VPC, b: VPC): boolean {
  return a.VPCId === b.VPCId && a.VPCRegion === b.VPCRegion;
}
