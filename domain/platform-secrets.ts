// The Secrets that External Secrets brings into a platform for tiers 2 and 3: by name, with their keys; charts declare them, acceptance asks for them (T3, R2).
import { SECRET_KEYS } from './connectivity.ts';
import type { Environment } from './environment.ts';
import { compareTiers, type Tier } from './tiers.ts';

export interface SyncedSecret {
  /** The first tier that needs it. */
  tier: Tier;
  namespace: string;
  /** Name of the ExternalSecret and of the Secret that it makes. */
  name: string;
  keys: readonly string[];
  /** What the acceptance from inside does with it: try the login, ask Keycloak; of the others it is enough that they are there. */
  use: 'login' | 'keycloak' | 'none';
}

export const KEYCLOAK_ADMIN = 'keycloak-admin';
export const OIDC_CLIENTS = 'oidc-clients';
export const KEYCLOAK_NAMESPACE = 'keycloak';
/** The applications that log people in through Keycloak, by their client ids; keys of the Secret with the client secrets. */
export const OIDC_CLIENT_IDS = ['backstage', 'grafana'] as const;
/** The one client of every build's Backstage (T4), and the key of its secret. */
export const BUILDS_CLIENT_ID = 'backstage-builds';
const BUILDS_SECRET_KEY = 'secret';
/** The realm of the platform. */
export const REALM = 'goldenpath';

/** What the platform's own secrets stand under in Secrets Manager: `goldenpath/{env}/<holder>/…`. A namespace of such a name is not theirs (`grafana` runs in `monitoring`). */
export const SECRET_HOLDERS: readonly string[] = ['backstage', 'grafana', 'keycloak', 'oidc'];

const SYNCED_SECRETS: readonly SyncedSecret[] = [
  { tier: '2', namespace: 'backstage', name: 'backstage-postgres', keys: SECRET_KEYS, use: 'login' },
  { tier: '2', namespace: 'monitoring', name: 'grafana-postgres', keys: SECRET_KEYS, use: 'login' },
  { tier: '2', namespace: 'backstage', name: 'backstage-oidc', keys: ['backstage'], use: 'none' },
  { tier: '2', namespace: 'monitoring', name: 'grafana-oidc', keys: ['grafana'], use: 'none' },
  { tier: '3', namespace: KEYCLOAK_NAMESPACE, name: 'keycloak-postgres', keys: SECRET_KEYS, use: 'login' },
  { tier: '3', namespace: KEYCLOAK_NAMESPACE, name: KEYCLOAK_ADMIN, keys: ['username', 'password'], use: 'keycloak' },
  { tier: '3', namespace: KEYCLOAK_NAMESPACE, name: OIDC_CLIENTS, keys: OIDC_CLIENT_IDS, use: 'keycloak' },
];

/** What the charts read from Secrets Manager beside the databases' logins: `goldenpath/{env}/<path>`. A platform needs it whether its environment file says so or not. */
const CHART_SECRETS: readonly { path: string; keys: readonly string[]; tier: Tier }[] = [
  { path: 'grafana/admin', keys: ['username', 'password'], tier: '1.5' },
  { path: 'oidc/clients', keys: OIDC_CLIENT_IDS, tier: '2' },
  { path: 'keycloak/admin', keys: ['username', 'password'], tier: '3' },
];

/** The secrets that the charts of a platform of this ceiling read, the databases' logins left out. */
export function chartSecrets(environment: string, maxTier: Tier): { name: string; keys: readonly string[] }[] {
  return CHART_SECRETS.filter(({ tier }) => compareTiers(tier, maxTier) <= 0).map(({ path, keys }) => ({ name: `goldenpath/${environment}/${path}`, keys }));
}

const DATABASE_SECRET = /-postgres$/;
/** The applications of tiers 2 and 3 that keep their state in a database of the environment's instance. */
export const DATABASE_APPS: readonly string[] = SYNCED_SECRETS.filter(({ use }) => use === 'login').map(({ name }) => name.replace(DATABASE_SECRET, ''));

/** The Secrets that come with this tier. */
export function syncedSecrets(tier: Tier): SyncedSecret[] {
  return SYNCED_SECRETS.filter((secret) => compareTiers(secret.tier, tier) === 0);
}

/** The secret of the client `backstage-builds`, where the environment enables it: builds log in with it, and the persistent platform tells Keycloak (T4). */
export function buildsSecrets({ name: environment, backstage, secrets }: Pick<Environment, 'name' | 'backstage' | 'secrets'>): Environment['secrets'] {
  const name = `goldenpath/${environment}/oidc/${BUILDS_CLIENT_ID}`;
  return backstage?.ephemeral === true && !secrets.some((declared) => declared.name === name) ? [{ name, keys: [BUILDS_SECRET_KEY], tier: '1.5' }] : [];
}
