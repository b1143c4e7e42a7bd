import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMPONENTS } from '../../../../domain/components.ts';
import { isWithin } from '../../../../domain/dns-names.ts';
import { annotationText, nameProblem, namesIn, reservedNames } from '../../../../domain/manifests/host-names.ts';
import { breaches } from '../../../../domain/manifests/rules.ts';
import { scopeOf } from '../../../support/corpus.ts';
import { buildId, hostName, label } from '../arbitraries.ts';

const ephemeral = scopeOf('ephemeral');
const persistent = scopeOf('persistent');
const mayWrite = (name: string, scope = ephemeral, namespace = 'kong') => nameProblem(name, scope, namespace) === undefined;
/** Names near the scope, so that both verdicts really occur. */
const near = fc.tuple(fc.array(fc.oneof(label, fc.constantFrom('b-21-11-26-01', 'b-21-11-26-011', 'xb-21-11-26-01', '*')), { maxLength: 3 }), fc.constantFrom('dev.goldenpathidp.io', 'b-21-11-26-01.dev.goldenpathidp.io', 'goldenpathidp.io', 'b-21-11-26-01.dev.goldenpathidp.io.example.org')).map(([labels, end]) => [...labels, end].join('.'));
/** Every way in which a name gets into an object. */
const placed: ((name: string) => object)[] = [
  (host) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'x', namespace: 'kong' }, spec: { rules: [{ host: 'kong.b-21-11-26-01.dev.goldenpathidp.io' }, { host }] } }),
  (host) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'x', namespace: 'kong' }, spec: { tls: [{ hosts: [host] }] } }),
  (host) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'x', namespace: 'kong', annotations: { 'external-dns.alpha.kubernetes.io/hostname': host } } }),
  (host) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'x', namespace: 'kong', annotations: { 'external-dns.alpha.kubernetes.io/internal-hostname': `kong.b-21-11-26-01.dev.goldenpathidp.io , ${host}.` } } }),
  (host) => ({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'x', namespace: 'kong' }, spec: { listeners: [{ hostname: host }] } }),
  (host) => ({ apiVersion: 'gateway.networking.k8s.io/v1alpha2', kind: 'TLSRoute', metadata: { name: 'x', namespace: 'kong' }, spec: { hostnames: [host] } }),
  (host) => ({ apiVersion: 'externaldns.k8s.io/v1alpha1', kind: 'DNSEndpoint', metadata: { name: 'x', namespace: 'kong' }, spec: { endpoints: [{ dnsName: host }] } }),
];

describe('nameProblem', () => {
  it('D1: no name outside the suffix passes, in any place of any kind', () => {
    fc.assert(fc.property(fc.oneof(hostName, near), fc.constantFrom(...placed), (name, place) => {
      fc.pre(!isWithin(name, ephemeral.hostSuffix));
      expect(mayWrite(name)).toBe(false);
      expect(breaches(place(name), ephemeral)).toMatchObject([{ rule: 'host-name' }]);
    }));
  });

  it('D1: every name inside passes, whatever its case and with a trailing dot', () => {
    fc.assert(fc.property(fc.array(label, { maxLength: 3 }), fc.boolean(), fc.constantFrom(...placed), (labels, wild, place) => {
      const name = [...(wild ? ['*'] : []), ...labels, ephemeral.hostSuffix].join('.');
      expect(breaches(place(name.toUpperCase()), ephemeral)).toEqual([]);
      expect(namesIn(`${name.toUpperCase()}.`).every((each) => mayWrite(each.name))).toBe(true);
    }));
  });

  it('failure 16: b-21-11-26-01 is neither xb-21-11-26-01 nor b-21-11-26-011', () => {
    expect(mayWrite('app.b-21-11-26-011.dev.goldenpathidp.io')).toBe(false);
    expect(mayWrite('app.xb-21-11-26-01.dev.goldenpathidp.io')).toBe(false);
    expect(mayWrite('xb-21-11-26-01.dev.goldenpathidp.io')).toBe(false);
    expect(mayWrite('app.b-21-11-26-01.dev.goldenpathidp.io')).toBe(true);
  });

  it('D1: an ephemeral platform never writes the base name or its wildcard', () => {
    expect(mayWrite('dev.goldenpathidp.io')).toBe(false);
    expect(mayWrite('*.dev.goldenpathidp.io')).toBe(false);
  });

  it('D1: a persistent platform writes in no build’s subtree', () => {
    fc.assert(fc.property(buildId, fc.array(label, { maxLength: 2 }), (build, labels) => {
      expect(mayWrite([...labels, `b-${build}`, 'dev.goldenpathidp.io'].join('.'), persistent)).toBe(false);
    }));
    expect(mayWrite('*.b-21-11-26-01.dev.goldenpathidp.io', persistent)).toBe(false);
  });

  it('D1: a persistent platform writes everything else in its zone', () => {
    for (const name of ['dev.goldenpathidp.io', '*.dev.goldenpathidp.io', 'backstage.dev.goldenpathidp.io', 'b-blog.dev.goldenpathidp.io', 'b-21-11-26-011.dev.goldenpathidp.io', 'bb-21-11-26-01.dev.goldenpathidp.io', 'b-21-11-26-01.apps.dev.goldenpathidp.io', '_sip.dev.goldenpathidp.io']) expect(mayWrite(name, persistent)).toBe(true);
    expect(mayWrite('staging.goldenpathidp.io', persistent)).toBe(false);
  });

  it('D1: nobody’s manifest names a place where certificates are proven, or where the registry stands', () => {
    fc.assert(fc.property(fc.array(label, { maxLength: 2 }), fc.constantFrom('_acme-challenge', '*._acme-challenge', 'a-xdns.shop', '*.cname-xdns', 'aaaa-xdns.wildcard.apps', 'wildcard.apps', 'wildcard'), fc.constantFrom(undefined, 'team-a', 'kong'), (labels, reserved, namespace) => {
      const names = /xdns|^wildcard/.test(reserved) ? [`${reserved}.dev.goldenpathidp.io`] : [[reserved, ...labels, 'dev.goldenpathidp.io'].join('.')];
      for (const name of names) expect(nameProblem(name, persistent, namespace)).toMatch(/^is reserved/);
    }));
    for (const name of ['acme-challenge.dev.goldenpathidp.io', 'xdns.dev.goldenpathidp.io', 'shop.a-xdns-1.dev.goldenpathidp.io']) expect(mayWrite(name, persistent, 'team-a')).toBe(true);
  });

  it('D1: the platform’s own names, its suffix and its wildcard are its own namespaces’ alone, in every tier and lifecycle', () => {
    for (const scope of [ephemeral, persistent]) {
      for (const name of reservedNames(scope)) {
        expect([name, mayWrite(name, scope, 'team-a'), nameProblem(name, scope, undefined) === undefined]).toEqual([name, false, false]);
        for (const { namespace } of COMPONENTS) expect(mayWrite(name, scope, namespace)).toBe(true);
      }
      for (const name of ['*.shop.apps', '*.keycloak', '*']) expect([name, mayWrite(`${name}.${scope.hostSuffix}`, scope, 'team-a'), mayWrite(`${name}.${scope.hostSuffix}`, scope, 'kong')]).toEqual([name, false, true]);
      for (const name of ['shop', 'shop.apps', 'keycloak.shop', 'a.wildcard.apps']) expect(mayWrite(`${name}.${scope.hostSuffix}`, scope, 'team-a')).toBe(true);
    }
    expect(reservedNames(persistent)).toContain('keycloak.dev.goldenpathidp.io');
  });

  it('D3: escapes, blanks and letters beyond ASCII are no host name, so that nobody reads another one in them', () => {
    for (const name of [String.raw`\142-1.dev.goldenpathidp.io`, String.raw`x\056b-21-11-26-01.dev.goldenpathidp.io`, 'a b.dev.goldenpathidp.io', 'ſ.dev.goldenpathidp.io', 'x.*.dev.goldenpathidp.io', '.dev.goldenpathidp.io', '*']) {
      expect(nameProblem(name, persistent, undefined)).toBe('is no host name');
    }
    expect(namesIn('\u212A.Dev')).toEqual([{ given: '\u212A.Dev', name: '\u212A.dev' }]); // the Kelvin sign, which JavaScript would lower to k
  });
});

describe('namesIn', () => {
  it('D1: gives each name of an annotation as ExternalDNS takes it apart', () => {
    expect(namesIn(annotationText(' A.example.org. , b. example.org,,\n')).map(({ name }) => name)).toEqual(['a.example.org', 'b.example.org']);
  });
});
