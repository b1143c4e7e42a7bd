// The guard that AWS enforces (C2, D1): what the condition patterns let through, compared with the domain's own scope.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWithin } from '../../../domain/dns-names.ts';
import { registryName } from '../../../domain/dns-records.ts';
import { nameProblem } from '../../../domain/manifests/host-names.ts';
import { platformNames } from '../../../domain/names.ts';
import { certManagerRole } from '../../../iam/cert-manager.ts';
import { externalDnsRole } from '../../../iam/external-dns.ts';
import type { IrsaContext, IrsaRole, PolicyDocument } from '../../../iam/role.ts';
import { evaluate } from '../../../lab/aws/iam/evaluate.ts';
import { buildId } from '../domain/arbitraries.ts';
import { stringLike } from './string-like.ts';

const suffix = 'b-21-11-26-01.dev.goldenpathidp.io';
const context: IrsaContext = {
  partition: 'aws',
  accountId: '111122223333',
  region: 'eu-west-2',
  environment: 'dev',
  clusterName: 'goldenpath-dev-eks-21-11-26-01',
  hostedZoneId: 'Z0427816GOLDENPATHDEV',
  hostSuffix: suffix,
  lifecycle: 'ephemeral',
  secretNames: ['goldenpath/dev/grafana/admin'], lokiBucket: 'goldenpath-dev-loki',
  oidcIssuer: 'https://oidc.eks.eu-west-2.amazonaws.com/id/0123456789ABCDEF',
};

/** A name as Route 53 gives it to IAM: lower case, no trailing dot, other characters as octal escapes. */
function normalised(name: string): string {
  return name
    .toLowerCase()
    .replace(/\.$/, '')
    .replaceAll(/\\(?![0-7]{3})|[^a-z0-9\-_.\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function changeStatement(role: IrsaRole, hostSuffix = suffix): PolicyDocument['Statement'][number] {
  const statements = Object.values(role.define({ ...context, hostSuffix }).policies).flatMap((policy) => policy.Statement);
  const changing = statements.filter((statement) => statement.Effect === 'Allow' && statement.Action.includes('route53:ChangeResourceRecordSets'));
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

describe('ExternalDNS of a persistent platform', () => {
  const zone = 'dev.goldenpathidp.io';
  const persistent: IrsaContext = { ...context, clusterName: 'goldenpath-dev-eks', hostSuffix: zone, lifecycle: 'persistent' };
  /** What IAM says to one change of these names, by all statements of the role together. */
  const decision = (names: readonly string[], role = externalDnsRole, types = ['A']) =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same JSON; the lab's type has no readonly lists
    evaluate(Object.values(role.define(persistent).policies) as unknown as Parameters<typeof evaluate>[0], {
      action: 'route53:ChangeResourceRecordSets',
      resource: 'arn:aws:route53:::hostedzone/Z0427816GOLDENPATHDEV',
      context: { 'route53:ChangeResourceRecordSetsNormalizedRecordNames': names.map((name) => normalised(name)), 'route53:ChangeResourceRecordSetsRecordTypes': types, 'route53:ChangeResourceRecordSetsActions': ['UPSERT'] },
    });
  const suffixOf = (build: string) => platformNames({ environment: 'dev', lifecycle: 'ephemeral', buildId: build }, zone).hostSuffix;
  const below = fc.array(fc.oneof(label, fc.constantFrom('a-xdns', 'cname-xdns', 'wildcard', '_acme-challenge')), { maxLength: 3 });
  const baseName = fc.array(fc.oneof(label, fc.constantFrom('backstage', 'b-blog', 'b-1', 'b-21-11-26-1', 'b-21-11-26-011', 'bb-21-11-26-01', 'xb-21-11-26-01')), { maxLength: 3 }).map((labels) => [...labels, zone].join('.'));

  it('D1: no name in the subtree of any build is ever allowed, be it its apex, a wildcard or a registry TXT, alone or in a batch', () => {
    fc.assert(fc.property(buildId, below, fc.boolean(), fc.constantFrom('A', 'AAAA', 'CNAME'), baseName, (build, labels, wild, type, own) => {
      const name = [...(wild ? ['*'] : []), ...labels, suffixOf(build)].join('.');
      for (const each of [name, registryName(name, type)]) {
        expect(decision([each], externalDnsRole, ['TXT'])).toBe('explicit-deny');
        expect(decision([own, each])).toBe('explicit-deny');
      }
    }));
  });

  it('D1: every other host name of the zone, with its registry TXT, is allowed: what IAM allows is what admission lets through', () => {
    fc.assert(fc.property(fc.oneof(baseName, fc.tuple(below, buildId).map(([labels, build]) => [...labels, suffixOf(build)].join('.'))), fc.boolean(), (base, wild) => {
      const name = wild ? `*.${base}` : base;
      const admitted = nameProblem(name, persistent, 'kong') === undefined;
      expect(decision([name, registryName(name, 'A')], externalDnsRole, ['A', 'TXT'])).toBe(admitted ? 'allow' : 'explicit-deny');
    }));
    for (const name of ['backstage.dev.goldenpathidp.io', 'b-blog.dev.goldenpathidp.io', '*.dev.goldenpathidp.io', 'b-21-11-26-01.apps.dev.goldenpathidp.io']) expect(decision([name])).toBe('allow');
    expect(decision(['staging.goldenpathidp.io'])).toBe('implicit-deny');
  });

  it('D1: ExternalDNS proves no name for anybody, in either lifecycle, and a name at which one is proven spoils its whole batch', () => {
    for (const name of ['_acme-challenge.dev.goldenpathidp.io', '_acme-challenge.shop.apps.dev.goldenpathidp.io', 'cname-xdns._acme-challenge.dev.goldenpathidp.io', 'wildcard.apps.dev.goldenpathidp.io']) {
      expect(decision([name], externalDnsRole, ['TXT'])).toBe('explicit-deny');
      expect(decision(['backstage.dev.goldenpathidp.io', name])).toBe('explicit-deny');
    }
    expect(decision(['cname-xdns.wildcard.apps.dev.goldenpathidp.io', String.raw`\052.apps.dev.goldenpathidp.io`], externalDnsRole, ['TXT', 'A'])).toBe('allow');
  });

  it('D3: a dot that Route 53 writes as an escape makes no way into a build’s subtree', () => {
    expect(decision([String.raw`x\056b-21-11-26-01.dev.goldenpathidp.io`])).toBe('explicit-deny');
  });

  it('D1: cert-manager answers no challenge of a build either', () => {
    fc.assert(fc.property(buildId, below, (build, labels) => {
      expect(decision([['_acme-challenge', ...labels, suffixOf(build)].join('.')], certManagerRole, ['TXT'])).toBe('explicit-deny');
    }));
    expect(decision(['_acme-challenge.dev.goldenpathidp.io'], certManagerRole, ['TXT'])).toBe('allow');
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
