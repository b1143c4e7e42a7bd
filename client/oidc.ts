// Brings Keycloak's realm and OIDC clients to what a platform wants, and reads them again (T, tier 3). A second run changes nothing.
import { GoldenpathError } from '../domain/errors.ts';
import { differingFields, OIDC_CLIENTS, type Representation, wantedClient, wantedRealm } from '../domain/oidc.ts';
import { REALM } from '../domain/platform-secrets.ts';
import type { KeycloakAdmin } from './keycloak.ts';

export interface OidcRequest {
  hostSuffix: string;
  /** Secret of each client, by its id. */
  secrets: Readonly<Record<string, string>>;
}

/** What was done with a realm or a client; `fields`: the names of those that were otherwise. */
export interface OidcStep {
  kind: 'realm' | 'client';
  name: string;
  done: 'created' | 'updated' | 'unchanged';
  fields: string[];
}

/** The realm first, then each client. Throws TerminalState where Keycloak took a change and does not show it. */
export async function applyOidc(keycloak: KeycloakAdmin, { hostSuffix, secrets }: OidcRequest): Promise<OidcStep[]> {
  const steps = [await applied({
    kind: 'realm', name: REALM, wanted: wantedRealm(),
    read: () => keycloak.realm(REALM),
    create: (wanted) => keycloak.createRealm(wanted),
    update: (_, wanted) => keycloak.updateRealm(REALM, wanted),
  })];
  for (const client of OIDC_CLIENTS) {
    steps.push(await applied({
      kind: 'client', name: client.clientId, wanted: wantedClient(client, hostSuffix, secrets[client.clientId] ?? ''),
      read: () => keycloak.client(REALM, client.clientId),
      create: (wanted) => keycloak.createClient(REALM, wanted),
      update: ({ id }, wanted) => keycloak.updateClient(REALM, id, wanted),
    }));
  }
  return steps;
}

interface Wanted<T> extends Pick<OidcStep, 'kind' | 'name'> {
  wanted: Representation;
  read: () => Promise<T | undefined>;
  create: (wanted: Representation) => Promise<void>;
  update: (found: T, wanted: Representation) => Promise<void>;
}

async function applied<T extends Representation>({ kind, name, wanted, read, create, update }: Wanted<T>): Promise<OidcStep> {
  const found = await read();
  const fields = found === undefined ? [] : differingFields(wanted, found);
  if (found !== undefined && fields.length === 0) return { kind, name, done: 'unchanged', fields };
  await (found === undefined ? create(wanted) : update(found, wanted));
  const now = await read();
  const otherwise = now === undefined ? ['everything'] : differingFields(wanted, now);
  if (otherwise.length === 0) return { kind, name, done: found === undefined ? 'created' : 'updated', fields };
  const problem = `Keycloak took the change of ${kind} ${name}, and still has otherwise: ${otherwise.join(', ')}`;
  throw new GoldenpathError('TerminalState', problem, [problem]);
}
