// Record sets: change in one batch, list, and the state of a change. Source: API_ChangeResourceRecordSets,
// API_ListResourceRecordSets, API_GetChange.
import { awsError } from '../service.ts';
import { applyBatch } from './batch.ts';
import { listPage, MOST_ITEMS } from './listing.ts';
import { canonicalName } from './names.ts';
import { formProblem } from './record-set.ts';
import { bareId, openChange, zoneOf, type Input, type Output, type Route53Call } from './state.ts';

/** Record sets that a zone may hold without asking AWS for more. */
export const MOST_RECORD_SETS = 10_000;

export function changeRecords(call: Route53Call, input: Input<'ChangeResourceRecordSets'>): Output<'ChangeResourceRecordSets'> {
  const zone = zoneOf(call, input.HostedZoneId);
  const changes = input.ChangeBatch?.Changes ?? [];
  if (changes.length === 0) awsError('InvalidInput', "1 validation error detected: Value '[]' at 'changeBatch.changes' failed to satisfy constraint: Member must have length greater than or equal to 1");
  const malformed = changes.map(formProblem).filter((problem) => problem !== undefined);
  if (malformed.length > 0) awsError('InvalidInput', `Invalid request: ${malformed.join(', and ')}`);
  const { records, problems } = applyBatch(zone, changes);
  if (problems.length > 0) awsError('InvalidChangeBatch', problems);
  if (records.length > MOST_RECORD_SETS && records.length > zone.records.length) {
    awsError('LimitsExceeded', `Limits Exceeded: MAX_RRSETS_BY_ZONE - Cannot create more than ${MOST_RECORD_SETS} resource record sets in this hosted zone.`);
  }
  zone.records = records;
  return { ChangeInfo: openChange(call, input.ChangeBatch?.Comment) };
}

export function listRecords(call: Route53Call, input: Input<'ListResourceRecordSets'>): Output<'ListResourceRecordSets'> {
  const { StartRecordName: name, StartRecordType: type, StartRecordIdentifier: identifier, MaxItems } = input;
  const zone = zoneOf(call, input.HostedZoneId);
  if (MaxItems !== undefined && !(MaxItems >= 1)) awsError('InvalidInput', `1 validation error detected: Value '${MaxItems}' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1`);
  if (type !== undefined && name === undefined) awsError('InvalidInput', 'The input is not valid: StartRecordType requires StartRecordName.');
  if (identifier !== undefined && type === undefined) awsError('InvalidInput', 'The input is not valid: StartRecordIdentifier requires StartRecordType.');
  if (name === undefined) return listPage(zone.records, undefined, MaxItems ?? MOST_ITEMS);
  const verdict = canonicalName(name);
  if ('problem' in verdict) awsError('InvalidInput', verdict.problem);
  const start = { name: verdict.name, ...(type !== undefined && { type }), ...(identifier !== undefined && { identifier }) };
  return listPage(zone.records, start, MaxItems ?? MOST_ITEMS);
}

export function getChange({ state }: Route53Call, input: Input<'GetChange'>): Output<'GetChange'> {
  const id = bareId(input.Id);
  return { ChangeInfo: state.changes.get(id) ?? awsError('NoSuchChange', `A change with the specified change ID does not exist: ${id}`) };
}
