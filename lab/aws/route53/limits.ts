// Limits and their use. Source: API_GetHostedZoneLimit, API_GetAccountLimit; Route 53 developer guide, "Quotas".
import { awsError } from '../service.ts';
import { MOST_RECORD_SETS } from './records.ts';
import { zoneOf, type Input, type Output, type Route53Call } from './state.ts';
import { ownZones } from './zones.ts';

export function zoneLimit(call: Route53Call, input: Input<'GetHostedZoneLimit'>): Output<'GetHostedZoneLimit'> {
  const zone = zoneOf(call, input.HostedZoneId);
  if (input.Type === 'MAX_RRSETS_BY_ZONE') return { Limit: { Type: input.Type, Value: MOST_RECORD_SETS }, Count: zone.records.length };
  if (input.Type !== 'MAX_VPCS_ASSOCIATED_BY_ZONE') awsError('InvalidInput', `The limit type ${String(input.Type)} is not valid`);
  if (zone.vpcs === undefined) awsError('HostedZoneNotPrivate', 'The specified hosted zone is a public hosted zone, not a private hosted zone.');
  return { Limit: { Type: input.Type, Value: 300 }, Count: zone.vpcs.length };
}

export function accountLimit(call: Route53Call, input: Input<'GetAccountLimit'>): Output<'GetAccountLimit'> {
  if (input.Type === 'MAX_HOSTED_ZONES_BY_OWNER') return { Limit: { Type: input.Type, Value: 500 }, Count: ownZones(call).length };
  if (input.Type === 'MAX_HEALTH_CHECKS_BY_OWNER') return { Limit: { Type: input.Type, Value: 200 }, Count: call.state.healthChecks.size };
  return { Limit: { Type: input.Type, Value: 100 }, Count: 0 };
}
