// Keycloak's admin REST API, as far as the realm and its clients need it. Source: https://www.keycloak.org/docs-api/latest/rest-api/index.html
import { z } from 'zod';
import { type ErrorType, GoldenpathError } from '../domain/errors.ts';
import type { Representation } from '../domain/oidc.ts';

/** Keycloak answers within seconds, also while it starts. */
const TIMEOUT_MS = 15_000;

const token = z.object({ access_token: z.string() });
const representation = z.record(z.string(), z.unknown());
const clients = z.array(representation.and(z.object({ id: z.string() })));
const secret = z.object({ value: z.string().optional() });
/** The forms of its errors: of the admin API, of a realm's endpoints. */
const problem = z.object({ errorMessage: z.string(), error_description: z.string(), error: z.string() }).partial();

export interface KeycloakAdmin {
  /** The realm, or undefined where there is none of the name. */
  realm(name: string): Promise<Representation | undefined>;
  createRealm(wanted: Representation): Promise<void>;
  updateRealm(name: string, wanted: Representation): Promise<void>;
  /** The client with its secret, or undefined where the realm has none of the name. */
  client(realm: string, clientId: string): Promise<(Representation & { id: string }) | undefined>;
  createClient(realm: string, wanted: Representation): Promise<void>;
  updateClient(realm: string, id: string, wanted: Representation): Promise<void>;
}

/** Logs in as an administrator of realm `master`. Throws AccessDenied, or Unavailable where Keycloak does not answer. */
export async function openKeycloak({ url, username, password }: { url: string; username: string; password: string }): Promise<KeycloakAdmin> {
  const base = url.replace(/\/+$/, '');
  const login = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username, password });
  const answer = await ask(`${base}/realms/master/protocol/openid-connect/token`, { method: 'POST', body: login });
  const { access_token: bearer } = token.parse(await answer.json());
  const admin = (path: string, method = 'GET', body?: Representation) =>
    ask(`${base}/admin/realms${path}`, { method, headers: { authorization: `Bearer ${bearer}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return {
    realm: async (name) => orAbsent(async () => representation.parse(await (await admin(realmPath(name))).json())),
    createRealm: async (wanted) => { await admin('', 'POST', wanted); },
    updateRealm: async (name, wanted) => { await admin(realmPath(name), 'PUT', wanted); },
    async client(realm, clientId) {
      const found = clients.parse(await (await admin(`${realmPath(realm)}/clients?${new URLSearchParams({ clientId }).toString()}`)).json());
      const one = found.find((client) => client['clientId'] === clientId);
      if (one === undefined) return undefined;
      const { value } = secret.parse(await (await admin(`${realmPath(realm)}/clients/${one.id}/client-secret`)).json());
      return { ...one, secret: value };
    },
    createClient: async (realm, wanted) => { await admin(`${realmPath(realm)}/clients`, 'POST', wanted); },
    updateClient: async (realm, id, wanted) => { await admin(`${realmPath(realm)}/clients/${id}`, 'PUT', wanted); },
  };
}

function realmPath(name: string): string {
  return `/${encodeURIComponent(name)}`;
}

class NotFound extends GoldenpathError {}

/** Only Keycloak's own 404 says that something is not there. */
async function orAbsent<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}

/** The answer, where it is a good one. Throws with Keycloak's own words; never with what was sent. */
async function ask(url: string, init: RequestInit): Promise<Response> {
  const { host, pathname } = new URL(url);
  let answer: Response;
  try {
    answer = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    if (!(error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError'))) throw error;
    const text = `Keycloak at ${host} does not answer`;
    throw new GoldenpathError('Unavailable', text, [text], { cause: error });
  }
  if (answer.ok) return answer;
  const said = wordsOf(await answer.text());
  const text = `Keycloak at ${host} answers ${init.method ?? 'GET'} ${pathname} with ${answer.status}${said === undefined ? '' : `: ${said}`}`;
  if (answer.status === 404 && said !== undefined) throw new NotFound('PreflightFailed', text, [text]);
  throw new GoldenpathError(typeOf(answer.status), text, [text]);
}

function typeOf(status: number): ErrorType {
  if (status === 401 || status === 403) return 'AccessDenied';
  if (status === 409) return 'Conflict'; // somebody else made it between reading and writing
  if (status === 429) return 'Throttled';
  return status >= 500 ? 'Unavailable' : 'TerminalState';
}

/** Keycloak's words in a JSON body; undefined where the body is another's, such as a proxy's page. */
function wordsOf(body: string): string | undefined {
  try {
    const parsed = problem.safeParse(JSON.parse(body));
    return parsed.success ? (parsed.data.errorMessage ?? parsed.data.error_description ?? parsed.data.error) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
