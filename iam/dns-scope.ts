// The DNS scope as IAM condition keys: a guard that AWS enforces, whatever a controller is told (C2, D1).
import { buildLikes } from '../domain/dns-names.ts';
import type { IamContext, Statement } from './role.ts';

/**
 * Conditions under which a caller may change records: only these names, only these types. AWS compares *normalized*
 * names: lower case, no trailing dot, and every character but a-z 0-9 - _ . as an octal escape, so the wildcard
 * `*.apps` arrives as `\052.apps`, which a pattern's own `*` covers. `Null` refuses a request without names, for which
 * ForAllValues alone would be true.
 * Source: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
 */
export function recordScope(namePatterns: readonly string[], types: readonly string[]): Record<string, Record<string, string | readonly string[]>> {
  return {
    'ForAllValues:StringLike': { 'route53:ChangeResourceRecordSetsNormalizedRecordNames': namePatterns },
    'ForAllValues:StringEquals': { 'route53:ChangeResourceRecordSetsRecordTypes': types },
    Null: { 'route53:ChangeResourceRecordSetsNormalizedRecordNames': 'false' },
  };
}

/**
 * A persistent platform's suffix is the whole zone; what it is denied there is every subtree of a build, whether that
 * build exists or not (D1). A denial and not a narrower permission: it also holds where someone attaches another policy
 * to the role, and `ForAnyValue` refuses the whole batch for one such name in it. An ephemeral platform's permission
 * ends at its own subtree, so nothing is left to deny.
 */
export function buildsDenied({ lifecycle, hostSuffix }: Pick<IamContext, 'lifecycle' | 'hostSuffix'>, zoneArn: string): Statement[] {
  if (lifecycle === 'ephemeral') return [];
  return [
    {
      Sid: 'NeverInsideABuild',
      Effect: 'Deny',
      Action: ['route53:ChangeResourceRecordSets'],
      Resource: [zoneArn],
      Condition: { 'ForAnyValue:StringLike': { 'route53:ChangeResourceRecordSetsNormalizedRecordNames': buildLikes(hostSuffix) } },
    },
  ];
}

/**
 * What ExternalDNS is denied whatever the lifecycle: the names at which cert-manager proves certificates, since whoever writes there for a tenant proves
 * names for them; and hosts whose registry entry is that of a wildcard (domain/manifests/host-names.ts). Its own TXT have a label in front.
 */
export function reservedDenied(zoneArn: string): Statement {
  return {
    Sid: 'NeverAReservedName',
    Effect: 'Deny',
    Action: ['route53:ChangeResourceRecordSets'],
    Resource: [zoneArn],
    Condition: { 'ForAnyValue:StringLike': { 'route53:ChangeResourceRecordSetsNormalizedRecordNames': ['_acme-challenge.*', '*._acme-challenge.*', 'wildcard.*'] } },
  };
}

/** Patterns for the suffix itself and every name below it by whole labels. */
export function suffixPatterns(hostSuffix: string): string[] {
  return [hostSuffix, `*.${hostSuffix}`];
}

/** Patterns for ACME's DNS-01 names of the suffix and of every name below it. */
export function challengePatterns(hostSuffix: string): string[] {
  return [`_acme-challenge.${hostSuffix}`, `_acme-challenge.*.${hostSuffix}`];
}
