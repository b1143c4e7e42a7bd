// What `oidc apply` and `oidc allow` do to a Keycloak in memory (T, tier 3; T4).
import { beforeEach, describe, expect, it } from 'vitest';
import type { KeycloakAdmin } from '../../../client/keycloak.ts';
import { allowBuild, applyOidc } from '../../../client/oidc.ts';
import type { Representation } from '../../../domain/oidc.ts';

const SUFFIX = 'b-21-11-26-01.dev.example.org';
const URI = `https://backstage.${SUFFIX}/api/auth/oidc/handler/frame`;
const secrets = { backstage: 'one', grafana: 'two' };
const build = { environment: 'dev', hostSuffix: SUFFIX, remove: false };

let realm: Representation | undefined;
let clients: Map<string, Representation & { id: string }>;
let writes: Representation[];
/** Keeps what is not sent, as Keycloak does. */
const keycloak: KeycloakAdmin = {
  realm: () => Promise.resolve(realm),
  createRealm: (wanted) => { realm = wanted; return Promise.resolve(); },
  updateRealm: (_, wanted) => { realm = { ...realm, ...wanted }; return Promise.resolve(); },
  client: (_, clientId) => Promise.resolve(clients.get(clientId)),
  createClient: (_, wanted) => { clients.set(String(wanted['clientId']), { ...wanted, id: `id-${clients.size}` }); return Promise.resolve(); },
  updateClient: (_, id, wanted) => {
    writes.push(wanted);
    for (const [name, client] of clients) if (client.id === id) clients.set(name, { ...client, ...wanted, id });
    return Promise.resolve();
  },
};
const apply = async (more: Record<string, string> = {}) => (await applyOidc(keycloak, { hostSuffix: 'dev.example.org', secrets: { ...secrets, ...more } })).map(({ name, done, fields }) => [name, done, ...fields].join(' '));
const addresses = () => { const client = clients.get('backstage-builds'); return { redirectUris: client?.['redirectUris'], webOrigins: client?.['webOrigins'] }; };

beforeEach(() => {
  realm = undefined;
  clients = new Map();
  writes = [];
});

describe('apply', () => {
  it('T4: makes the builds’ client where it has a secret of it, with no address', async () => {
    expect(await apply({ 'backstage-builds': 'three' })).toEqual(['goldenpath created', 'backstage created', 'grafana created', 'backstage-builds created']);
    expect(addresses()).toEqual({ redirectUris: [], webOrigins: [] });
  });

  it('T4: and not where it has none', async () => {
    expect(await apply()).toEqual(['goldenpath created', 'backstage created', 'grafana created']);
  });

  it('T4: leaves the addresses of builds alone from then on, also where it changes the secret', async () => {
    await apply({ 'backstage-builds': 'three' });
    await allowBuild(keycloak, build);
    expect(await apply({ 'backstage-builds': 'three' })).toContain('backstage-builds unchanged');
    expect(await apply({ 'backstage-builds': 'four' })).toContain('backstage-builds updated secret');
    expect(addresses()).toEqual({ redirectUris: [URI], webOrigins: [`https://backstage.${SUFFIX}`] });
  });
});

describe('allow', () => {
  const other = { ...build, hostSuffix: 'b-21-11-26-02.dev.example.org' };

  it('T4: enters a build’s address, takes it away, and does neither twice; other builds keep theirs', async () => {
    await apply({ 'backstage-builds': 'three' });
    expect(await allowBuild(keycloak, build)).toEqual({ client: 'backstage-builds', redirectUri: URI, webOrigin: `https://backstage.${SUFFIX}`, done: 'added' });
    expect((await allowBuild(keycloak, other)).done).toBe('added');
    expect((await allowBuild(keycloak, build)).done).toBe('unchanged');
    expect(writes).toHaveLength(2);
    expect((await allowBuild(keycloak, { ...build, remove: true })).done).toBe('removed');
    expect((await allowBuild(keycloak, { ...build, remove: true })).done).toBe('unchanged');
    expect(addresses()).toEqual({ redirectUris: ['https://backstage.b-21-11-26-02.dev.example.org/api/auth/oidc/handler/frame'], webOrigins: ['https://backstage.b-21-11-26-02.dev.example.org'] });
  });

  it('T4: sends addresses and nothing else, so that the secret stays as it is', async () => {
    await apply({ 'backstage-builds': 'three' });
    await allowBuild(keycloak, build);
    expect(writes.map((sent) => Object.keys(sent))).toEqual([['clientId', 'redirectUris', 'webOrigins']]);
    expect(clients.get('backstage-builds')).toMatchObject({ secret: 'three', enabled: true });
  });

  it('T4, F5: where there is no client, it says who makes it; there is nothing to take away', async () => {
    await expect(allowBuild(keycloak, build)).rejects.toMatchObject({ type: 'PreflightFailed', message: expect.stringMatching(/has no client backstage-builds.* Fix: goldenpath bootstrap --env dev --lifecycle persistent/) as string });
    expect((await allowBuild(keycloak, { ...build, remove: true })).done).toBe('unchanged');
  });

  it('T4: a change that Keycloak takes and does not show is an error', async () => {
    await apply({ 'backstage-builds': 'three' });
    await expect(allowBuild({ ...keycloak, updateClient: () => Promise.resolve() }, build)).rejects.toMatchObject({ type: 'Conflict', message: expect.stringContaining('run this again') as string });
  });
});
