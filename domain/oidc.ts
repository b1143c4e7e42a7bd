// Realm and OIDC clients of a persistent platform as Keycloak ought to have them, and what of it Keycloak has otherwise (T, tier 3). Pure.
import { canonicalJson } from './hash.ts';
import { BUILDS_CLIENT_ID, REALM } from './platform-secrets.ts';

/** What Keycloak's admin API shows of a realm or a client, and takes. */
export type Representation = Readonly<Record<string, unknown>>;

/** An application that logs people in through Keycloak. */
export interface OidcClient {
  clientId: string;
  /** Its host name below the host suffix. */
  host: string;
  /** Where Keycloak sends a browser back to. Sources: Backstage, "OIDC provider"; Grafana, "Configure generic OAuth2 authentication". */
  callback: string;
}

const BACKSTAGE_CALLBACK = '/api/auth/oidc/handler/frame';

export const OIDC_CLIENTS: readonly OidcClient[] = [
  { clientId: 'backstage', host: 'backstage', callback: BACKSTAGE_CALLBACK },
  { clientId: 'grafana', host: 'grafana-db', callback: '/login/generic_oauth' },
];

/** The realm: who is in it is not decided here. */
export function wantedRealm(): Representation {
  return { realm: REALM, enabled: true, displayName: 'goldenpath', sslRequired: 'external', registrationAllowed: false, bruteForceProtected: true };
}

/** A confidential client with the authorization code flow alone, back to its own host and nowhere else. */
export function wantedClient({ clientId, host, callback }: OidcClient, hostSuffix: string, secret: string): Representation {
  const origin = `https://${host}.${hostSuffix}`;
  return { ...confidential(clientId, secret), rootUrl: origin, redirectUris: [`${origin}${callback}`], webOrigins: [origin] };
}

function confidential(clientId: string, secret: string): Representation {
  return {
    clientId, secret, enabled: true, protocol: 'openid-connect', publicClient: false, clientAuthenticatorType: 'client-secret',
    standardFlowEnabled: true, implicitFlowEnabled: false, directAccessGrantsEnabled: false, serviceAccountsEnabled: false,
  };
}

/** The addresses that a client may lead a browser back to, and call from. */
export interface Addresses {
  redirectUris: readonly string[];
  webOrigins: readonly string[];
}

/** What the client of every build's Backstage is made with; from then on its addresses are `oidc allow`'s alone (T4). */
export const NO_ADDRESSES: Addresses = { redirectUris: [], webOrigins: [] };

/** The client of every build's Backstage (T4), but its addresses: Keycloak takes no wildcard within a host name, so each build's are entered by themselves. */
export function wantedBuildsClient(secret: string): Representation {
  return confidential(BUILDS_CLIENT_ID, secret);
}

/** The one address of each kind of a build's Backstage. */
export function addressOf(hostSuffix: string): { redirectUri: string; webOrigin: string } {
  const webOrigin = `https://backstage.${hostSuffix}`;
  return { redirectUri: `${webOrigin}${BACKSTAGE_CALLBACK}`, webOrigin };
}

/** The client's addresses with the build's, or without them. Undefined where that is what it has. */
export function changedAddresses(found: Representation, hostSuffix: string, change: 'add' | 'remove'): Addresses | undefined {
  const { redirectUri, webOrigin } = addressOf(hostSuffix);
  const [redirectUris, webOrigins] = [textsOf(found['redirectUris']), textsOf(found['webOrigins'])];
  const changed = (texts: string[], text: string) => [...texts.filter((each) => each !== text), ...(change === 'add' ? [text] : [])];
  const wanted = { redirectUris: changed(redirectUris, redirectUri), webOrigins: changed(webOrigins, webOrigin) };
  return differingFields({ ...wanted }, { redirectUris, webOrigins }).length === 0 ? undefined : wanted;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** Names of the wanted fields that Keycloak has otherwise, never their values: one is a secret. What is not wanted is not looked at. */
export function differingFields(wanted: Representation, found: Representation): string[] {
  return Object.entries(wanted).filter(([field, value]) => canonicalJson(ordered(value)) !== canonicalJson(ordered(found[field] ?? null))).map(([field]) => field);
}

/** Keycloak keeps its lists as sets. */
function ordered(value: unknown): unknown {
  return Array.isArray(value) ? value.map(String).toSorted() : value;
}
