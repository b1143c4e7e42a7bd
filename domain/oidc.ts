// Realm and OIDC clients of a persistent platform as Keycloak ought to have them, and what of it Keycloak has otherwise (T, tier 3). Pure.
import { canonicalJson } from './hash.ts';
import { REALM } from './platform-secrets.ts';

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

export const OIDC_CLIENTS: readonly OidcClient[] = [
  { clientId: 'backstage', host: 'backstage', callback: '/api/auth/oidc/handler/frame' },
  { clientId: 'grafana', host: 'grafana-db', callback: '/login/generic_oauth' },
];

/** The realm: who is in it is not decided here. */
export function wantedRealm(): Representation {
  return { realm: REALM, enabled: true, displayName: 'goldenpath', sslRequired: 'external', registrationAllowed: false, bruteForceProtected: true };
}

/** A confidential client with the authorization code flow alone, back to its own host and nowhere else. */
export function wantedClient({ clientId, host, callback }: OidcClient, hostSuffix: string, secret: string): Representation {
  const origin = `https://${host}.${hostSuffix}`;
  return {
    clientId, secret, enabled: true, protocol: 'openid-connect', publicClient: false, clientAuthenticatorType: 'client-secret',
    standardFlowEnabled: true, implicitFlowEnabled: false, directAccessGrantsEnabled: false, serviceAccountsEnabled: false,
    rootUrl: origin, redirectUris: [`${origin}${callback}`], webOrigins: [origin],
  };
}

/** Names of the wanted fields that Keycloak has otherwise, never their values: one is a secret. What is not wanted is not looked at. */
export function differingFields(wanted: Representation, found: Representation): string[] {
  return Object.entries(wanted).filter(([field, value]) => canonicalJson(ordered(value)) !== canonicalJson(ordered(found[field] ?? null))).map(([field]) => field);
}

/** Keycloak keeps its lists as sets. */
function ordered(value: unknown): unknown {
  return Array.isArray(value) ? value.map(String).toSorted() : value;
}
