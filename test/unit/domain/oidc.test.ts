// What Keycloak ought to have, and what differs (T, tier 3).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOSTS } from '../../../domain/components.ts';
import { OIDC_CLIENT_IDS } from '../../../domain/platform-secrets.ts';
import { differingFields, OIDC_CLIENTS, wantedClient, wantedRealm } from '../../../domain/oidc.ts';

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
