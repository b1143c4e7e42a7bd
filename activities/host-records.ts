// Do the platform's host names have their records in Route 53, ours, and pointing at the ingress? Pure; the listing comes from zone.ts (T3).
import { isWithin, normaliseName } from '../domain/dns-names.ts';
import { addressOf, type DnsRecord, heritageOwner, normaliseRecord, registryName } from '../domain/dns-records.ts';
import type { CheckResult } from '../domain/foundation.ts';
import type { Target } from '../domain/plan.ts';

/** One check a host. `hosts` are full names (`kong.b-23-01-26-01.dev.example.org`, `*.apps.…`); `ingressAddress` is the load balancer's host name. */
export function hostRecordChecks(listing: readonly DnsRecord[], { target, hosts, ingressAddress }: { target: Pick<Target, 'hostSuffix' | 'ownerId'>; hosts: readonly string[]; ingressAddress: string }): CheckResult[] {
  const records = listing.map((record) => normaliseRecord(record));
  return hosts.map((host) => {
    const name = normaliseName(host);
    const problems = hostProblems(records, name, target, ingressAddress);
    const result = { id: `dns:${name}`, title: `DNS record ${name}` };
    return problems.length === 0
      ? { ...result, ok: true, found: `points at ${ingressAddress}`, fix: '' }
      : { ...result, ok: false, found: problems.join('; '), fix: `look at ExternalDNS's log: it writes this name for an Ingress with host ${name}` };
  });
}

function hostProblems(records: readonly DnsRecord[], name: string, { ownerId, hostSuffix }: Pick<Target, 'hostSuffix' | 'ownerId'>, ingressAddress: string): string[] {
  if (!isWithin(name, hostSuffix)) return [`lies outside ${hostSuffix}`];
  const found = records.find((record) => record.name === name && (record.type === 'A' || record.type === 'CNAME'));
  if (found === undefined) return ['does not exist'];
  const problems: string[] = [];
  if (!found.values.some((value) => addressOf(value) === addressOf(ingressAddress))) problems.push(`${found.type} points at ${found.values.join(', ')}, not at ${ingressAddress}`);
  // ExternalDNS registers an alias under the record it stands for, CNAME, and a plain record under its own type.
  const registries = [...new Set([registryName(name, found.type), registryName(name, 'CNAME')])];
  const owned = records.some((record) => record.type === 'TXT' && registries.includes(record.name) && record.values.some((value) => heritageOwner(value) === ownerId));
  if (!owned) problems.push(`no registry TXT at ${registries.join(' or ')} names owner ${ownerId}`);
  return problems;
}
