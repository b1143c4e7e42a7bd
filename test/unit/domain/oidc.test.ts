// What Keycloak ought to have, and what differs (T, tier 3).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOSTS } from '../../../domain/components.ts';
import { BUILDS_CLIENT_ID, OIDC_CLIENT_IDS } from '../../../domain/platform-secrets.ts';
import { changedAddresses, differingFields, OIDC_CLIENTS, wantedBuildsClient, wantedClient, wantedRealm } from '../../../domain/oidc.ts';

const [backstage] = OIDC_CLIENTS;
if (backstage === undefined) throw new Error('no client');

describe('the clients', () => {
  it('T3: each leads back to its own host of the platform and to nothing else', () => {
    expect(OIDC_CLIENTS.map((client) => [client.clientId, wantedClient(client, 'dev.example.org', 's')['redirectUris']])).toEqual([
      ['backstage', ['https://backstage.dev.example.org/api/auth/oidc/handler/frame']],
      ['grafana', ['https://grafana-db.dev.example.org/login/generic_oauth']],
    ]);
    expect(OIDC_CLIENTS.map(({ clientId }) => clientId)).toEqual(OIDC_CLIENT_IDS);
    expect(OIDC_CLIENTS.filter(({ host }) => !HOSTS.some((each) => each.host === host))).toEqual([]);
  });

  it('T3: a client is confidential, and only a person can log in through it', () => {
    expect(wantedClient(backstage, 'dev.example.org', 's')).toMatchObject({ publicClient: false, standardFlowEnabled: true, implicitFlowEnabled: false, directAccessGrantsEnabled: false, serviceAccountsEnabled: false });
  });
});

describe('the client of the builds', () => {
  const suffix = 'b-21-11-26-01.dev.example.org';
  const uri = `https://backstage.${suffix}/api/auth/oidc/handler/frame`;

  it('T4: is a client like the others, but what is wanted of it says nothing of addresses', () => {
    const { rootUrl, redirectUris, webOrigins, ...common } = wantedClient({ ...backstage, clientId: BUILDS_CLIENT_ID }, 'dev.example.org', 's');
    expect([rootUrl, redirectUris, webOrigins]).not.toContain(undefined);
    expect(wantedBuildsClient('s')).toEqual(common);
  });

  it('T4: a build’s address is entered beside those that are there, and taken away alone', () => {
    const others = { redirectUris: ['https://other/callback'], webOrigins: ['https://other'] };
    const both = { redirectUris: ['https://other/callback', uri], webOrigins: ['https://other', `https://backstage.${suffix}`] };
    expect(changedAddresses(others, suffix, 'add')).toEqual(both);
    expect(changedAddresses(both, suffix, 'remove')).toEqual(others);
    expect(changedAddresses({}, suffix, 'add')?.redirectUris).toEqual([uri]);
    expect(changedAddresses({ ...both, webOrigins: [] }, suffix, 'add')?.webOrigins).toEqual([`https://backstage.${suffix}`]);
  });

  it('T4: what is so already is no change, whatever else the client has', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.webUrl()), fc.uniqueArray(fc.webUrl()), fc.constantFrom('add' as const, 'remove' as const), (redirectUris, webOrigins, change) => {
      const found = { redirectUris, webOrigins };
      expect(changedAddresses({ ...found, ...changedAddresses(found, suffix, change) }, suffix, change)).toBeUndefined();
    }));
  });
});

describe('what differs', () => {
  it('T3: nothing in what Keycloak adds, nor in the order of its lists', () => {
    const wanted = { redirectUris: ['https://b', 'https://a'], enabled: true };
    expect(differingFields(wanted, { id: '1', enabled: true, redirectUris: ['https://a', 'https://b'], attributes: { x: 'y' } })).toEqual([]);
    expect(differingFields(wantedRealm(), { ...wantedRealm(), id: '1' })).toEqual([]);
  });

  it('T3: every changed or missing field by its name, and no value, since one is a secret', () => {
    const wanted = wantedClient(backstage, 'dev.example.org', 'the-secret');
    const { enabled, ...rest } = wanted;
    expect(enabled).toBe(true);
    expect(differingFields(wanted, { ...rest, secret: 'another', webOrigins: [] })).toEqual(['secret', 'enabled', 'webOrigins']);
  });

  it('T3: whatever Keycloak has, bringing it to what is wanted leaves no difference', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (found) => {
      const wanted = wantedClient(backstage, 'dev.example.org', 's');
      expect(differingFields(wanted, { ...found, ...wanted })).toEqual([]);
    }));
  });
});
