// Brings Keycloak's realm and OIDC clients to what a platform wants, and reads them again (T, tier 3). A second run changes nothing.
import { GoldenpathError } from '../domain/errors.ts';
import { addressOf, changedAddresses, differingFields, NO_ADDRESSES, OIDC_CLIENTS, type Representation, wantedBuildsClient, wantedClient, wantedRealm } from '../domain/oidc.ts';
import { BUILDS_CLIENT_ID, REALM } from '../domain/platform-secrets.ts';
import type { KeycloakAdmin } from './keycloak.ts';

export interface OidcRequest {
  hostSuffix: string;
  /** Secret of each client, by its id; of `backstage-builds` only where the environment enables it (T4). */
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
  for (const client of OIDC_CLIENTS) steps.push(await appliedClient(keycloak, client.clientId, wantedClient(client, hostSuffix, secrets[client.clientId] ?? '')));
  const ofBuilds = secrets[BUILDS_CLIENT_ID];
  if (ofBuilds !== undefined) steps.push(await appliedClient(keycloak, BUILDS_CLIENT_ID, wantedBuildsClient(ofBuilds), { ...NO_ADDRESSES }));
  return steps;
}

/** `atFirst`: what a new client gets besides, and nobody looks at afterwards. */
function appliedClient(keycloak: KeycloakAdmin, name: string, client: Representation, atFirst: Representation = {}): Promise<OidcStep> {
  return applied({
    kind: 'client', name, wanted: client,
    read: () => keycloak.client(REALM, name),
    create: (wanted) => keycloak.createClient(REALM, { ...wanted, ...atFirst }),
    update: ({ id }, wanted) => keycloak.updateClient(REALM, id, wanted),
  });
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

/** A build whose Backstage may, or may no longer, log people in. */
export interface BuildRequest {
  environment: string;
  hostSuffix: string;
  remove: boolean;
}

/** What was done with the build's addresses. */
export interface BuildStep {
  client: string;
  redirectUri: string;
  webOrigin: string;
  done: 'added' | 'removed' | 'unchanged';
}

/**
 * Enters a build's addresses in the client `backstage-builds`, or takes them away (T4). A second run changes nothing, and a client that is not there has none to take.
 * Throws PreflightFailed where there is no client to enter them in, Conflict where Keycloak took the change and does not show it.
 */
export async function allowBuild(keycloak: KeycloakAdmin, { environment, hostSuffix, remove }: BuildRequest): Promise<BuildStep> {
  const step = { client: BUILDS_CLIENT_ID, ...addressOf(hostSuffix) };
  const change = remove ? 'remove' : 'add';
  const read = () => keycloak.client(REALM, BUILDS_CLIENT_ID);
  const found = await read();
  if (found === undefined && !remove) {
    const problem = `realm ${REALM} has no client ${BUILDS_CLIENT_ID}: the application oidc-config of the persistent platform makes it. Fix: goldenpath bootstrap --env ${environment} --lifecycle persistent, then this again; see that KEYCLOAK_URL leads to that platform`;
    throw new GoldenpathError('PreflightFailed', problem, [problem]);
  }
  const wanted = found === undefined ? undefined : changedAddresses(found, hostSuffix, change);
  if (found === undefined || wanted === undefined) return { ...step, done: 'unchanged' };
  await keycloak.updateClient(REALM, found.id, { clientId: BUILDS_CLIENT_ID, ...wanted });
  const now = await read();
  if (now !== undefined && changedAddresses(now, hostSuffix, change) === undefined) return { ...step, done: remove ? 'removed' : 'added' };
  const problem = `Keycloak took the change of client ${BUILDS_CLIENT_ID} and does not show it: somebody else may have changed the client at the same moment. Fix: run this again`;
  throw new GoldenpathError('Conflict', problem, [problem]);
}
