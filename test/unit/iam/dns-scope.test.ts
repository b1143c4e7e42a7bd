// The guard that AWS enforces (C2, D1): what the condition patterns let through, compared with the domain's own scope.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWithin } from '../../../domain/dns-names.ts';
import { certManagerRole } from '../../../iam/cert-manager.ts';
import { externalDnsRole } from '../../../iam/external-dns.ts';
import type { IrsaContext, IrsaRole, PolicyDocument } from '../../../iam/role.ts';
import { stringLike } from './string-like.ts';

const suffix = 'b-21-11-26-01.dev.goldenpathidp.io';
const context: IrsaContext = {
  partition: 'aws',
  accountId: '111122223333',
  region: 'eu-west-2',
  clusterName: 'goldenpath-dev-eks-21-11-26-01',
  hostedZoneId: 'Z0427816GOLDENPATHDEV',
  hostSuffix: suffix,
  secretNames: ['goldenpath/dev/grafana/admin'],
  oidcIssuer: 'https://oidc.eks.eu-west-2.amazonaws.com/id/0123456789ABCDEF',
};

/** A name as Route 53 gives it to IAM: lower case, no trailing dot, other characters as octal escapes. */
function normalised(name: string): string {
  return name
    .toLowerCase()
    .replace(/\.$/, '')
    .replaceAll(/[^a-z0-9\-_.]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function changeStatement(role: IrsaRole, hostSuffix = suffix): PolicyDocument['Statement'][number] {
  const statements = Object.values(role.define({ ...context, hostSuffix }).policies).flatMap((policy) => policy.Statement);
  const changing = statements.filter((statement) => statement.Action.includes('route53:ChangeResourceRecordSets'));
  expect(changing).toHaveLength(1);
  return changing[0] as PolicyDocument['Statement'][number];
}

function namePatterns(role: IrsaRole, hostSuffix = suffix): readonly string[] {
  return changeStatement(role, hostSuffix).Condition?.['ForAllValues:StringLike']?.['route53:ChangeResourceRecordSetsNormalizedRecordNames'] as readonly string[];
}

const label = fc.stringMatching(/^[a-z0-9_]([a-z0-9-]{0,10}[a-z0-9])?$/);
const hostName = fc.array(fc.oneof(label, fc.constant('*')), { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const buildSuffix = fc.tuple(fc.integer({ min: 1, max: 31 }), fc.integer({ min: 1, max: 99 })).map(([day, number]) => `b-${String(day).padStart(2, '0')}-11-26-${String(number).padStart(2, '0')}.dev.goldenpathidp.io`);

describe('ExternalDNS', () => {
  it('C2: no name outside the suffix matches the patterns, and every name inside does', () => {
    fc.assert(
      fc.property(hostName, buildSuffix, fc.boolean(), (name, other, inside) => {
        const full = inside ? `${name}.${suffix}` : `${name}.${other}`;
        expect(stringLike(normalised(full), namePatterns(externalDnsRole))).toBe(isWithin(full, suffix));
      }),
    );
  });

  it('D1: a longer first label never slips into the suffix', () => {
    fc.assert(
      fc.property(label, (extra) => {
        expect(stringLike(`${extra}${suffix}`, namePatterns(externalDnsRole))).toBe(false);
      }),
    );
  });

  it('D3: the wildcard arrives as its escape and is inside', () => {
    expect(normalised(`*.apps.${suffix}`)).toBe(String.raw`\052.apps.b-21-11-26-01.dev.goldenpathidp.io`);
    expect(stringLike(normalised(`*.apps.${suffix}`), namePatterns(externalDnsRole))).toBe(true);
    expect(stringLike(normalised('*.dev.goldenpathidp.io'), namePatterns(externalDnsRole))).toBe(false);
  });

  it('C2: names of the base, of a neighbour and of the parent are refused', () => {
    const foreign = ['dev.goldenpathidp.io', 'kong.dev.goldenpathidp.io', `x${suffix}`, 'kong.b-21-11-26-011.dev.goldenpathidp.io', 'goldenpathidp.io', `${suffix}.evil.example`];
    expect(foreign.filter((name) => stringLike(normalised(name), namePatterns(externalDnsRole)))).toEqual([]);
  });

  it('C2: four record types, one zone, and a request without names is refused', () => {
    const { Condition, Resource } = changeStatement(externalDnsRole);
    expect(Resource).toEqual(['arn:aws:route53:::hostedzone/Z0427816GOLDENPATHDEV']);
    expect(Condition?.['ForAllValues:StringEquals']).toEqual({ 'route53:ChangeResourceRecordSetsRecordTypes': ['A', 'AAAA', 'CNAME', 'TXT'] });
    expect(Condition?.['Null']).toEqual({ 'route53:ChangeResourceRecordSetsNormalizedRecordNames': 'false' });
  });
});

describe('cert-manager', () => {
  it('C2: only _acme-challenge names inside the suffix match', () => {
    fc.assert(
      fc.property(hostName, fc.boolean(), (name, challenge) => {
        const full = `${challenge ? '_acme-challenge.' : ''}${name}.${suffix}`;
        const allowed = full.startsWith('_acme-challenge.');
        expect(stringLike(normalised(full), namePatterns(certManagerRole))).toBe(allowed);
      }),
    );
    expect(stringLike(`_acme-challenge.${suffix}`, namePatterns(certManagerRole))).toBe(true);
    expect(stringLike('_acme-challenge.dev.goldenpathidp.io', namePatterns(certManagerRole))).toBe(false);
    expect(stringLike(`_acme-challenge.x${suffix}`, namePatterns(certManagerRole))).toBe(false);
  });

  it('C2: TXT and nothing else', () => {
    expect(changeStatement(certManagerRole).Condition?.['ForAllValues:StringEquals']).toEqual({ 'route53:ChangeResourceRecordSetsRecordTypes': ['TXT'] });
  });
});
