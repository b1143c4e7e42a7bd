import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DnsRecord, heritageOwner, isTakenHost, knownAfter, type KnownNames, MANAGED_TYPES, NOTHING_KNOWN, ownedLine, ownedRecords, registryName, registrySubject } from '../../../domain/dns-records.ts';
import { buildOfName, isWithin } from '../../../domain/dns-names.ts';
import { buildId, hostName, label, record } from './arbitraries.ts';

const suffix = 'b-1.dev.example.org';
const me = { ownerId: 'goldenpath-dev-1', hostSuffix: suffix, lifecycle: 'ephemeral' as const };
const persistent = { ownerId: 'goldenpath-dev', hostSuffix: 'dev.example.org', lifecycle: 'persistent' as const };
const txt = (name: string, owner: string): DnsRecord => ({ name, type: 'TXT', values: [`"heritage=external-dns,external-dns/owner=${owner},external-dns/resource=ingress/kong/x"`] });
const a = (name: string): DnsRecord => ({ name, type: 'A', values: ['192.0.2.1'] });
const namesOf = (records: readonly DnsRecord[]) => records.map(({ name, type }) => `${name} ${type}`);

describe('registry names', () => {
  it('D2: carry the record type and stand below the record’s own name', () => {
    expect(registryName('App.B-1.dev.example.org.', 'A')).toBe('a-xdns.app.b-1.dev.example.org');
    expect(registryName(String.raw`\052.apps.example.org`, 'CNAME')).toBe('cname-xdns.wildcard.apps.example.org');
  });

  it('D2: lie inside the scope whenever their record does', () => {
    fc.assert(fc.property(fc.option(label), fc.constantFrom('A', 'AAAA', 'CNAME'), (first, type) => {
      const name = first === null ? suffix : `${first}.${suffix}`;
      expect(isWithin(registryName(name, type), suffix)).toBe(true);
    }));
  });

  it('D2: the subject of a registry name is its record', () => {
    fc.assert(fc.property(hostName, fc.constantFrom('A', 'AAAA', 'CNAME'), fc.boolean(), (host, type, wildcard) => {
      const name = wildcard ? `*.${host}` : host;
      const subject = registrySubject(registryName(name, type));
      expect(subject?.type).toBe(type);
      expect(subject?.names).toContain(name);
    }));
  });
});

describe('heritageOwner', () => {
  it('failure 16: reads the owner exactly', () => {
    expect(heritageOwner('"heritage=external-dns,external-dns/owner=goldenpath-dev-11,external-dns/resource=x"')).toBe('goldenpath-dev-11');
    expect(heritageOwner('"v=spf1 -all"')).toBeUndefined();
    expect(heritageOwner('"heritage=other,external-dns/owner=a"')).toBeUndefined();
  });
});

describe('ownedRecords', () => {
  it('D2: finds record and registry TXT by the exact owner, wildcard and escape included', () => {
    const listing = [a(String.raw`\052.apps.${suffix}.`), txt(`a-xdns.wildcard.apps.${suffix}.`, me.ownerId), a(`app.${suffix}`), txt(`a-xdns.app.${suffix}`, me.ownerId)];
    expect(namesOf(ownedRecords(listing, me))).toEqual([`*.apps.${suffix} A`, `a-xdns.wildcard.apps.${suffix} TXT`, `app.${suffix} A`, `a-xdns.app.${suffix} TXT`]);
  });

  it('failure 18: names inside an ephemeral scope count, whoever wrote them', () => {
    const listing: DnsRecord[] = [{ name: `_acme-challenge.app.${suffix}`, type: 'TXT', values: ['"token"'] }, a(`by-hand.${suffix}`), txt(`a-xdns.other.${suffix}`, 'someone-else')];
    expect(ownedRecords(listing, me).map(({ because }) => because)).toEqual(['inside-scope', 'inside-scope', 'inside-scope']);
  });

  it('X2: a record that is in the way tells whose it says it is', () => {
    const listing = [a(`app.${suffix}`), txt(`a-xdns.app.${suffix}`, 'someone-else'), a(`by-hand.${suffix}`)];
    expect(ownedRecords(listing, me).map(ownedLine)).toEqual([
      `app.${suffix} A 192.0.2.1 (inside-scope, owner someone-else)`,
      expect.stringMatching(/^a-xdns\.app\..* \(inside-scope, owner someone-else\)$/),
      `by-hand.${suffix} A 192.0.2.1 (inside-scope, no owner)`,
    ]);
  });

  it('failure 15: a record that the owner’s TXT claims outside the scope counts too', () => {
    expect(namesOf(ownedRecords([a('app.dev.example.org'), txt('a-xdns.app.dev.example.org', me.ownerId)], me))).toEqual(['app.dev.example.org A', 'a-xdns.app.dev.example.org TXT']);
  });

  it('D2: an alias A is registered as the CNAME it stands for, also where only the owner’s TXT tells whose it is', () => {
    const alias: DnsRecord = { name: 'kong.dev.example.org', type: 'A', values: ['ALIAS lb.elb.eu-west-2.amazonaws.com'] };
    const listing = [alias, { ...alias, type: 'AAAA' }, txt('cname-xdns.kong.dev.example.org', persistent.ownerId), txt('aaaa-xdns.kong.dev.example.org', persistent.ownerId)];
    expect(namesOf(ownedRecords(listing, persistent))).toEqual(['kong.dev.example.org A', 'kong.dev.example.org AAAA', 'cname-xdns.kong.dev.example.org TXT', 'aaaa-xdns.kong.dev.example.org TXT']);
    expect(ownedRecords([a('shop.dev.example.org'), txt('cname-xdns.shop.dev.example.org', persistent.ownerId)], persistent).map(({ because }) => because)).toEqual(['own-name', 'registry-txt']);
  });

  it('X2: a record that ExternalDNS left without its TXT, when it replaced one of another type, is held to be the platform’s: by a TXT of another type, by an earlier listing, by HOSTS, or by where it points', () => {
    const alias: DnsRecord = { name: 'shop.dev.example.org', type: 'A', values: ['ALIAS dualstack.lb.elb.eu-west-2.amazonaws.com'] };
    const because = (listing: DnsRecord[], known?: KnownNames) => ownedRecords(listing, persistent, known).map((owned) => `${owned.name} ${owned.type} ${owned.because}`);
    expect(because([alias, txt('aaaa-xdns.shop.dev.example.org', persistent.ownerId)])).toEqual(['shop.dev.example.org A own-name', 'aaaa-xdns.shop.dev.example.org TXT registry-txt']);
    expect(because([alias])).toEqual([]);
    expect(because([alias], { names: ['shop.dev.example.org'], addresses: [] })).toEqual(['shop.dev.example.org A own-name']);
    expect(because([alias], { names: [], addresses: ['LB.elb.eu-west-2.amazonaws.com'] })).toEqual(['shop.dev.example.org A own-address']);
    expect(because([{ ...alias, type: 'CNAME', values: ['lb.elb.eu-west-2.amazonaws.com'] }], { names: [], addresses: ['lb.elb.eu-west-2.amazonaws.com'] })).toEqual(['shop.dev.example.org CNAME own-address']);
    expect(because([{ ...alias, name: 'keycloak.dev.example.org' }, { ...alias, name: String.raw`\052.apps.dev.example.org` }])).toEqual(['keycloak.dev.example.org A own-name', '*.apps.dev.example.org A own-name']);
  });

  it('X3: a record that a TXT gives to somebody else is theirs, whatever it is called; so is what lies in a build’s subtree', () => {
    const known = { names: ['shop.dev.example.org', `kong.b-21-11-26-01.dev.example.org`], addresses: ['lb.example.org'] };
    const alias = (name: string): DnsRecord => ({ name, type: 'A', values: ['ALIAS theirs.example.org'] });
    expect(ownedRecords([alias('shop.dev.example.org'), txt('a-xdns.shop.dev.example.org', 'another'), txt('aaaa-xdns.shop.dev.example.org', 'another')], persistent, known)).toEqual([]);
    expect(ownedRecords([alias('kong.dev.example.org'), txt('cname-xdns.kong.dev.example.org', 'another')], persistent, known)).toEqual([]);
    expect(ownedRecords([alias('kong.b-21-11-26-01.dev.example.org')], persistent, known)).toEqual([]);
    expect(ownedRecords([alias('shop.dev.example.org')], me, known)).toEqual([]);
  });

  it('X2: what points at the platform’s load balancer holds the gate, of whatever type and whoever claims it; a challenge for one of its hosts too (failure 18)', () => {
    const known = { names: [], addresses: ['lb.example.org'] };
    const alias = (type: string): DnsRecord => ({ name: 'shop.dev.example.org', type, values: ['ALIAS lb.example.org'] });
    expect(ownedRecords([alias('A'), txt('cname-xdns.shop.dev.example.org', 'another'), alias('HTTPS')], persistent, known).map(ownedLine)).toEqual([
      'shop.dev.example.org A ALIAS lb.example.org (own-address, owner another)', 'shop.dev.example.org HTTPS ALIAS lb.example.org (own-address, no owner)',
    ]);
    const text = (name: string): DnsRecord => ({ name, type: 'TXT', values: ['"token"'] });
    expect(namesOf(ownedRecords(['_acme-challenge.dev', '_acme-challenge.keycloak.dev', '_acme-challenge.apps.dev', '_acme-challenge.shop.dev', 'keycloak.dev', 'dev'].map((name) => text(`${name}.example.org`)), persistent))).toEqual(['_acme-challenge.dev.example.org TXT', '_acme-challenge.keycloak.dev.example.org TXT', '_acme-challenge.apps.dev.example.org TXT']);
  });

  it('F4: a record without an owner takes a host from the platform; a challenge, which cert-manager leaves while it renews, does not', () => {
    const listing: DnsRecord[] = [a('keycloak.dev.example.org'), { name: '_acme-challenge.keycloak.dev.example.org', type: 'TXT', values: ['"token"'] }, a('kong.dev.example.org'), txt('a-xdns.kong.dev.example.org', persistent.ownerId), a('shop.dev.example.org')];
    expect(namesOf(ownedRecords(listing, persistent).filter(isTakenHost))).toEqual(['keycloak.dev.example.org A']);
  });

  it('X2: a name that was the platform’s in one listing stays its own in every later one, until no record bears it', () => {
    fc.assert(fc.property(fc.uniqueArray(hostName, { minLength: 1 }), fc.constantFrom(...MANAGED_TYPES), fc.constantFrom(...MANAGED_TYPES), (hosts, before, after) => {
      const names = hosts.map((host) => `${host}.dev.example.org`).filter((name) => buildOfName(name, 'dev.example.org') === undefined);
      const first = ownedRecords(names.flatMap((name) => [{ name, type: before, values: ['x'] }, txt(registryName(name, before), persistent.ownerId)]), persistent);
      const known = knownAfter(NOTHING_KNOWN, first, persistent);
      const later = ownedRecords(names.map((name) => ({ name, type: after, values: ['y'] })), persistent, known);
      expect(later.map(({ name }) => name)).toEqual(names);
    }));
    expect(knownAfter(NOTHING_KNOWN, ownedRecords([a(`app.${suffix}`)], me), me)).toEqual(NOTHING_KNOWN);
  });

  it('failure 17: for a persistent platform the suffix alone is never proof', () => {
    const listing = [a(`app.${suffix}`), txt(`a-xdns.app.${suffix}`, me.ownerId), a('base.dev.example.org'), txt('a-xdns.base.dev.example.org', persistent.ownerId), a('by-hand.dev.example.org')];
    expect(namesOf(ownedRecords(listing, persistent))).toEqual(['base.dev.example.org A', 'a-xdns.base.dev.example.org TXT']);
  });

  it('D1, failure 17: what lies in a build’s subtree is never a persistent platform’s, whatever a TXT there says', () => {
    fc.assert(fc.property(buildId, fc.array(label, { maxLength: 2 }), fc.constantFrom(persistent.ownerId, 'goldenpath-dev-x'), (build, labels, owner) => {
      const name = [...labels, `b-${build}`, 'dev.example.org'].join('.');
      expect(ownedRecords([a(name), txt(registryName(name, 'A'), owner), txt(name, owner)], persistent)).toEqual([]);
    }));
    expect(namesOf(ownedRecords([a('b-blog.dev.example.org'), txt('a-xdns.b-blog.dev.example.org', persistent.ownerId)], persistent))).toEqual(['b-blog.dev.example.org A', 'a-xdns.b-blog.dev.example.org TXT']);
  });

  it('failure 16: a platform whose owner id begins with mine owns nothing of mine', () => {
    fc.assert(fc.property(label, (more) => {
      const listing = [a('app.dev.example.org'), txt('a-xdns.app.dev.example.org', `${persistent.ownerId}${more}`), txt('a-xdns.app.dev.example.org', `${more}${persistent.ownerId}`)];
      expect(ownedRecords(listing, persistent)).toEqual([]);
    }));
  });

  it('D2: without an owner’s TXT nothing outside the scope is ever owned', () => {
    fc.assert(fc.property(fc.array(record), (listing) => {
      for (const owned of ownedRecords(listing, me)) expect(isWithin(owned.name, suffix)).toBe(true);
      expect(ownedRecords(listing, persistent)).toEqual([]);
    }));
  });

  it('failure 19: the zone’s own NS and SOA are never a platform’s', () => {
    const zone: DnsRecord[] = [{ name: 'dev.example.org', type: 'NS', values: ['ns-1'] }, { name: 'dev.example.org', type: 'SOA', values: ['x'] }];
    expect(ownedRecords(zone, persistent)).toEqual([]);
    expect(ownedRecords(zone, me)).toEqual([]);
  });
});
