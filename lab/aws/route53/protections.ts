// Record set protections: no change touches a protected name and type, and their zone cannot be deleted (failure 41).
// Source: API_CreateResourceRecordSetProtections and its kin; developer guide, "Protecting records from changes".
import type { Change, ProtectionError, ResourceRecordSetProtection, ResourceRecordSetProtectionConfig, ResourceRecordSetProtectionKey, RRType } from '@aws-sdk/client-route-53';
import { awsError } from '../service.ts';
import { MOST_ITEMS } from './listing.ts';
import { canonicalName, isInZone, knownName } from './names.ts';
import { keyOf } from './record-set.ts';
import { zoneOf, type Input, type Output, type Route53Call, type Zone } from './state.ts';

/** "You can specify up to 100 protections in one request"; a comment has at most 256 characters. */
const MOST_IN_REQUEST = 100;
const LONGEST_COMMENT = 256;

export function createProtections(call: Route53Call, input: Input<'CreateResourceRecordSetProtections'>): Record<string, never> {
  const zone = zoneOf(call, input.HostedZoneId);
  const given = demandSize(input.Protections);
  const held = new Set(zone.protections.map(keyOfProtection));
  refuse([...invalidEntries(zone, given), ...overlong(given)]);
  const existing = given.filter((entry) => held.has(keyOfProtection(entry))).map((entry) => failed(entry, 'ProtectionAlreadyExists', 'A protection already exists for this name and type.'));
  if (existing.length > 0 && existing.length === given.length) awsError('ProtectionAlreadyExists', 'A protection already exists for every name and type in the request.', undefined, { Errors: existing });
  refuse(existing);
  const added = given.map(({ RecordName, RecordType, Comment }): ResourceRecordSetProtection => ({ RecordName: knownName(RecordName ?? ''), RecordType, ...(Comment !== undefined && { Comment }) }));
  zone.protections = [...zone.protections, ...added].toSorted((a, b) => (keyOfProtection(a) < keyOfProtection(b) ? -1 : 1));
  return {};
}

export function deleteProtections(call: Route53Call, input: Input<'DeleteResourceRecordSetProtections'>): Record<string, never> {
  const zone = zoneOf(call, input.HostedZoneId);
  const given = demandSize(input.Protections);
  refuse(invalidEntries(zone, given));
  const held = new Set(zone.protections.map(keyOfProtection));
  refuse(given.filter((entry) => !held.has(keyOfProtection(entry))).map((entry) => failed(entry, 'ProtectionNotFound', 'No protection exists for this name and type.')));
  const gone = new Set(given.map(keyOfProtection));
  zone.protections = zone.protections.filter((protection) => !gone.has(keyOfProtection(protection)));
  return {};
}

export function listProtections(call: Route53Call, input: Input<'ListResourceRecordSetProtections'>): Output<'ListResourceRecordSetProtections'> {
  const { protections } = zoneOf(call, input.HostedZoneId);
  const { StartRecordName: name, StartRecordType: type, NextToken: token } = input;
  const size = Math.min(input.MaxResults ?? MOST_ITEMS, MOST_ITEMS);
  if (!(size >= 1)) awsError('InvalidInput', '1 validation error detected: maxResults must be at least 1');
  if (type !== undefined && name === undefined) awsError('InvalidInput', 'The input is not valid: StartRecordType requires StartRecordName.');
  const start = token === undefined ? keyOf(knownName(name ?? ''), type ?? '') : Buffer.from(token, 'base64url').toString('utf8');
  if (token !== undefined && !protections.some((protection) => keyOfProtection(protection) === start)) awsError('InvalidPaginationToken', 'The pagination token is not valid.');
  const rest = name === undefined && token === undefined ? protections : protections.filter((protection) => keyOfProtection(protection) >= start);
  const next = rest[size];
  return { ResourceRecordSetProtections: rest.slice(0, size), ...(next !== undefined && { NextToken: Buffer.from(keyOfProtection(next)).toString('base64url') }) };
}

/** Why a batch must not touch what it touches; each protected name and type with its comment. */
export function protectionProblems(protections: readonly ResourceRecordSetProtection[], changes: readonly Change[]): string[] {
  const held = new Map(protections.map((protection) => [keyOfProtection(protection), protection]));
  return changes.flatMap(({ ResourceRecordSet: set }) => {
    const protection = held.get(keyOf(knownName(set?.Name ?? ''), set?.Type ?? ''));
    if (protection === undefined) return [];
    return [`The resource record set [name='${protection.RecordName}', type='${protection.RecordType}'] is protected from changes${protection.Comment === undefined ? '' : `: ${protection.Comment}`}`];
  });
}

function demandSize<Entry>(entries: readonly Entry[] = []): readonly Entry[] {
  if (entries.length === 0 || entries.length > MOST_IN_REQUEST) awsError('InvalidInput', `1 validation error detected: 'protections' must have 1 to ${MOST_IN_REQUEST} members`);
  return entries;
}

/** Entries that could never be: looked at before anything else. */
function invalidEntries(zone: Zone, entries: readonly ResourceRecordSetProtectionKey[]): ProtectionError[] {
  const keys = entries.map(keyOfProtection);
  return entries.flatMap((entry, index) => {
    const verdict = canonicalName(entry.RecordName ?? '');
    if ('problem' in verdict) return [failed(entry, 'InvalidInput', verdict.problem)];
    if (!isInZone(verdict.name, zone.name)) return [failed(entry, 'InvalidInput', `The name ${verdict.name} is not in the hosted zone ${zone.name}`)];
    return keys.indexOf(keys[index] ?? '') === index ? [] : [failed(entry, 'InvalidInput', 'The same name and type appear more than once in the request.')];
  });
}

function overlong(entries: readonly ResourceRecordSetProtectionConfig[]): ProtectionError[] {
  return entries.filter(({ Comment = '' }) => Comment.length > LONGEST_COMMENT).map((entry) => failed(entry, 'InvalidInput', `A comment has at most ${LONGEST_COMMENT} characters.`));
}

function refuse(errors: ProtectionError[]): void {
  if (errors.length > 0) awsError('InvalidResourceRecordSetProtectionBatch', 'One or more entries in the request could not be processed.', undefined, { Errors: errors });
}

function failed({ RecordName, RecordType }: ResourceRecordSetProtectionKey, Code: string, Message: string): ProtectionError {
  return { RecordName, RecordType, Code, Message };
}

/** Name and type alone: a protection covers every set identifier. */
function keyOfProtection({ RecordName, RecordType }: { RecordName: string | undefined; RecordType: RRType | undefined }): string {
  return keyOf(knownName(RecordName ?? ''), RecordType ?? '');
}
