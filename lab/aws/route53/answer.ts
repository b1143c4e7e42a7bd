// What Route 53's name servers would answer from one zone. Pure but for the call. Source: API_TestDNSAnswer; RFC 1034
// § 4.3.2 (delegation, wildcards), Route 53 developer guide, "Choosing between alias and non-alias records".
import { createHash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { awsError } from '../service.ts';
import { atName } from './entries.ts';
import { canonicalName, isInZone } from './names.ts';
import type { Entry, RecordSet } from './record-set.ts';
import { zoneOf, type Input, type Output, type Route53Call } from './state.ts';

export interface DnsAnswer {
  code: 'NOERROR' | 'NXDOMAIN' | 'REFUSED';
  type: string;
  data: string[];
}

export function testAnswer(call: Route53Call, input: Input<'TestDNSAnswer'>): Output<'TestDNSAnswer'> {
  const zone = zoneOf(call, input.HostedZoneId);
  const verdict = canonicalName(input.RecordName ?? '');
  if ('problem' in verdict) awsError('InvalidInput', verdict.problem);
  if (input.ResolverIP !== undefined && !isIPv4(input.ResolverIP)) awsError('InvalidInput', `Invalid IP address: ${input.ResolverIP}`);
  const answer = resolve(zone, verdict.name, input.RecordType ?? 'A');
  return { Nameserver: zone.nameServers[0], RecordName: verdict.name.slice(0, -1), RecordType: input.RecordType, RecordData: answer.data, ResponseCode: answer.code, Protocol: 'UDP' };
}

/** The answer of a zone to a question. @param name canonical */
export function resolve(zone: { name: string; records: readonly Entry[] }, name: string, type: string): DnsAnswer {
  if (!isInZone(name, zone.name)) return { code: 'REFUSED', type, data: [] };
  const delegation = delegationOf(zone, name);
  if (delegation !== undefined && !(name === delegation.Name && type === 'DS')) return { code: 'NOERROR', type: 'NS', data: valuesOf(delegation) };
  const sets = atName(zone.records, name).map(({ set }) => set);
  const matching = sets.length > 0 ? sets : wildcardSets(zone, name);
  if (matching === undefined) return { code: hasBelow(zone.records, name) ? 'NOERROR' : 'NXDOMAIN', type, data: [] };
  const found = matching.find((set) => set.Type === type) ?? matching.find((set) => set.Type === 'CNAME');
  if (found === undefined) return { code: 'NOERROR', type, data: [] };
  return { code: 'NOERROR', type: found.Type, data: dataOf(zone, found) };
}

function dataOf(zone: { name: string; records: readonly Entry[] }, set: RecordSet): string[] {
  const target = set.AliasTarget?.DNSName;
  if (target === undefined) return valuesOf(set);
  if (isInZone(target, zone.name) && target !== set.Name) return resolve(zone, target, set.Type).data;
  return [standInAddress(target, set.Type)];
}

/** Load balancers have no addresses here: one of the documentation ranges stands for each, always the same. */
function standInAddress(name: string, type: string): string {
  const byte = createHash('sha256').update(name).digest()[0] ?? 0;
  return type === 'AAAA' ? `2001:db8::${byte.toString(16)}` : `198.51.100.${byte}`;
}

/** The NS records of a zone cut at the name or above it. */
function delegationOf(zone: { name: string; records: readonly Entry[] }, name: string): RecordSet | undefined {
  const labels = name.split('.');
  for (let count = zone.name.split('.').length; count <= labels.length; count += 1) {
    const ancestor = labels.slice(-count).join('.');
    if (ancestor === zone.name) continue;
    const cut = atName(zone.records, ancestor).find(({ set }) => set.Type === 'NS');
    if (cut !== undefined) return cut.set;
  }
  return undefined;
}

/** The nearest wildcard, unless a name between it and the question exists. */
function wildcardSets(zone: { name: string; records: readonly Entry[] }, name: string): RecordSet[] | undefined {
  if (hasBelow(zone.records, name)) return undefined;
  const labels = name.split('.');
  for (let from = 1; from < labels.length - 1; from += 1) {
    const parent = labels.slice(from).join('.');
    if (!isInZone(parent, zone.name)) return undefined;
    const sets = atName(zone.records, `\\052.${parent}`).map(({ set }) => set);
    if (sets.length > 0) return sets;
    if (atName(zone.records, parent).length > 0 || hasBelow(zone.records, parent)) return undefined;
  }
  return undefined;
}

function hasBelow(records: readonly Entry[], name: string): boolean {
  return records.some(({ set }) => set.Name.endsWith(`.${name}`) && !set.Name.startsWith('\\052.'));
}

function valuesOf(set: RecordSet): string[] {
  return (set.ResourceRecords ?? []).map(({ Value = '' }) => Value);
}
