// A record set on its own: is the request for it well formed, which routing does it use, is it equal to another?
// Source: API_ResourceRecordSet; the InvalidInput texts are those that Route 53 answers.
import type { AliasTarget, Change, ResourceRecordSet, RRType } from '@aws-sdk/client-route-53';
import { canonicalName, knownName, reversedName } from './names.ts';

/** A record set as Route 53 keeps it: canonical names, name and type always there. */
export type RecordSet = ResourceRecordSet & { Name: string; Type: RRType };

/** A record set with the key that finds and sorts it (name reversed, type, set identifier). */
export interface Entry {
  readonly key: string;
  readonly set: RecordSet;
}

/** The fields of which a record set with a SetIdentifier has exactly one. */
const ROUTINGS = ['Weight', 'Region', 'Failover', 'GeoLocation', 'MultiValueAnswer', 'CidrRoutingConfig', 'GeoProximityLocation'] as const;
export type Routing = (typeof ROUTINGS)[number];

/** Finds and sorts: two record sets of one zone never share it. */
export function keyOf(name: string, type: string, setIdentifier = ''): string {
  return `${reversedName(name)}\0${type}\0${setIdentifier}`;
}

/** What is wrong with the form of a change, in Route 53's words (InvalidInput), or nothing. */
export function formProblem({ Action, ResourceRecordSet: set }: Change): string | undefined {
  if (set === undefined) return undefined;
  const at = `in Change with [Action=${Action}, Name=${set.Name}, Type=${set.Type}, SetIdentifier=${set.SetIdentifier ?? 'null'}]`;
  const contents = [set.AliasTarget, set.TTL !== undefined && (set.ResourceRecords?.length ?? 0) > 0 ? set : undefined, set.TrafficPolicyInstanceId].filter((part) => part !== undefined).length;
  const mixed = set.AliasTarget !== undefined && (set.TTL !== undefined || (set.ResourceRecords?.length ?? 0) > 0);
  if (contents !== 1 || mixed) {
    return `Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found ${contents === 0 ? 'none' : 'more than one'} ${at}`;
  }
  const routings = ROUTINGS.filter((routing) => set[routing] !== undefined);
  if (routings.length > 0 && set.SetIdentifier === undefined) return `Missing field 'SetIdentifier' ${at}`;
  if (routings.length !== 1 && set.SetIdentifier !== undefined) {
    return `Expected exactly one of [${ROUTINGS.slice(0, -1).join(', ')}, or ${ROUTINGS.at(-1)}], but found ${routings.length === 0 ? 'none' : 'more than one'} ${at}`;
  }
  if (set.Weight !== undefined && !(set.Weight >= 0 && set.Weight <= 255)) return `Expected Weight to be between 0 and 255, but found ${set.Weight} ${at}`;
  if (set.TTL !== undefined && !(set.TTL >= 0 && set.TTL <= 2_147_483_647)) return `Expected TTL to be between 0 and 2147483647, but found ${set.TTL} ${at}`;
  if (set.MultiValueAnswer === true && set.AliasTarget !== undefined) return `MultiValueAnswer is not allowed with AliasTarget ${at}`;
  return undefined;
}

/** The record set as it will be kept; `name` is canonical. */
export function kept(set: ResourceRecordSet, name: string, type: RRType): RecordSet {
  const { AliasTarget: alias, ...rest } = set;
  return { ...rest, Name: name, Type: type, ...(alias !== undefined && { AliasTarget: keptAlias(alias) }) };
}

function keptAlias(alias: AliasTarget): AliasTarget {
  return { ...alias, DNSName: knownName(alias.DNSName ?? '') };
}

/** The routing that a record set uses; nothing for a simple one. */
export function routingOf(set: ResourceRecordSet): Routing | undefined {
  return ROUTINGS.find((routing) => set[routing] !== undefined);
}

/** Do two record sets agree in everything a deletion must name? The order of values does not matter. */
export function isSame(a: RecordSet, b: RecordSet): boolean {
  return comparable(a) === comparable(b);
}

function comparable(set: RecordSet): string {
  const values = (set.ResourceRecords ?? []).map(({ Value }) => Value ?? '').toSorted();
  const alias = set.AliasTarget && [set.AliasTarget.HostedZoneId, knownName(set.AliasTarget.DNSName ?? ''), set.AliasTarget.EvaluateTargetHealth];
  const routing = routingOf(set);
  return JSON.stringify([set.TTL, values, alias, routing, routing && set[routing], set.HealthCheckId, set.TrafficPolicyInstanceId]);
}

/** `[name='x.', type='A']`, as Route 53 names a record set in its errors. */
export function described(set: RecordSet): string {
  return `[name='${set.Name}', type='${set.Type}'${set.SetIdentifier === undefined ? '' : `, set-identifier='${set.SetIdentifier}'`}]`;
}

/** Name of a change's record set, or why it is none. */
export function nameOf(change: Change): ReturnType<typeof canonicalName> {
  return canonicalName(change.ResourceRecordSet?.Name ?? '');
}
