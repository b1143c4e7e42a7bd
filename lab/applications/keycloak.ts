// Stands in for Keycloak: discovery, tokens, and of the admin REST API realms and clients, kept in the pod's PostgreSQL database (T3). Gaps: README.md.
// Source: https://www.keycloak.org/docs-api/latest/rest-api/index.html; texts as Keycloak 26 answers.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { databaseProblem, openPool } from './database.ts';
import { KeycloakStore, type Representation } from './keycloak-store.ts';
import { type Answer, portsOf, type Request, serve, variable } from './server.ts';

/** Keycloak's default life of an access token of realm `master`. */
const TOKEN_SECONDS = 60;

const [port = 0, managementPort = 0] = portsOf(process.argv);
const pool = openPool({ ...databaseOf(variable('KC_DB_URL')), user: variable('KC_DB_USERNAME'), password: variable('KC_DB_PASSWORD') });
const store = new KeycloakStore(pool);
const admin = { username: variable('KC_BOOTSTRAP_ADMIN_USERNAME'), password: variable('KC_BOOTSTRAP_ADMIN_PASSWORD') };
const frontend = variable('KC_HOSTNAME').replace(/\/+$/, '');
const tokens = new Map<string, number>();
const representation = z.record(z.string(), z.unknown());

serve(managementPort, async ({ path }) => {
  if (path === '/health/live') return { status: 200, body: { status: 'UP', checks: [] } };
  if (path !== '/health/ready' && path !== '/health') return { status: 404 };
  const up = (await databaseProblem(pool)) === undefined;
  return { status: up ? 200 : 503, body: { status: up ? 'UP' : 'DOWN', checks: [{ name: 'Keycloak database connections async health check', status: up ? 'UP' : 'DOWN' }] } };
});

serve(port, async (request) => {
  const problem = await databaseProblem(pool);
  if (problem !== undefined) return { status: 503, body: { error: 'unknown_error', error_description: problem } };
  await store.prepare(admin);
  return route(request);
});

async function route(request: Request): Promise<Answer> {
  const [first = '', second = '', ...rest] = request.path.split('/').slice(1).map(decodeURIComponent);
  if (first === 'realms') return realmEndpoint(request, second, rest.join('/'));
  if (first !== 'admin' || second !== 'realms') return { status: 404, body: { error: 'HTTP 404 Not Found' } };
  if (!isAuthorized(request)) return { status: 401, body: { error: 'HTTP 401 Unauthorized' } };
  const [realm, collection, id] = rest;
  if (realm === undefined) return request.method === 'POST' ? createRealm(request) : notAllowed();
  const known = await store.realm(realm);
  if (known === undefined) return { status: 404, body: { error: 'Realm not found.' } };
  if (collection === undefined) return oneRealm(request, realm, known);
  if (collection !== 'clients') return { status: 404, body: { error: 'HTTP 404 Not Found' } };
  return id === undefined ? allClients(request, realm) : oneClient(request, realm, id, rest[3]);
}

/** What anybody may ask of a realm. */
async function realmEndpoint(request: Request, realm: string, endpoint: string): Promise<Answer> {
  if ((await store.realm(realm)) === undefined) return { status: 404, body: { error: 'Realm does not exist' } };
  if (endpoint === '.well-known/openid-configuration') return { status: 200, body: discovery(realm) };
  if (endpoint === 'protocol/openid-connect/token' && request.method === 'POST') return token(realm, new URLSearchParams(await request.text()));
  return { status: 404, body: { error: 'HTTP 404 Not Found' } };
}

function discovery(realm: string): Representation {
  const issuer = `${frontend}/realms/${realm}`;
  const at = (endpoint: string) => `${issuer}/protocol/openid-connect/${endpoint}`;
  return {
    issuer, authorization_endpoint: at('auth'), token_endpoint: at('token'), userinfo_endpoint: at('userinfo'), jwks_uri: at('certs'), end_session_endpoint: at('logout'),
    grant_types_supported: ['authorization_code', 'client_credentials', 'password', 'refresh_token'], response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'],
  };
}

/** The administrator's password, and the credentials of a client, which has no account of its own here. */
async function token(realm: string, form: URLSearchParams): Promise<Answer> {
  const given = (name: string) => form.get(name) ?? '';
  if (given('grant_type') === 'client_credentials') {
    const [client] = await store.clients(realm, given('client_id'));
    if (client === undefined || client['secret'] !== given('client_secret')) return unauthorized('unauthorized_client', 'Invalid client or Invalid client credentials');
    return unauthorized('unauthorized_client', 'Client not enabled to retrieve service account');
  }
  if (given('grant_type') !== 'password') return { status: 400, body: { error: 'unsupported_grant_type', error_description: 'Unsupported grant_type' } };
  if (realm !== 'master' || given('client_id') !== 'admin-cli') return unauthorized('invalid_client', 'Invalid client or Invalid client credentials');
  if (!(await store.isAdministrator(given('username'), given('password')))) return unauthorized('invalid_grant', 'Invalid user credentials');
  const access = randomBytes(32).toString('base64url');
  tokens.set(access, Date.now() + TOKEN_SECONDS * 1_000);
  return { status: 200, body: { access_token: access, expires_in: TOKEN_SECONDS, token_type: 'Bearer', scope: 'email profile' } };
}

function unauthorized(error: string, description: string): Answer {
  return { status: 401, body: { error, error_description: description } };
}

function isAuthorized({ headers }: Request): boolean {
  for (const [known, expires] of tokens) if (expires < Date.now()) tokens.delete(known);
  return tokens.has(/^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '');
}

async function createRealm(request: Request): Promise<Answer> {
  const sent = await bodyOf(request);
  const name = sent['realm'];
  if (typeof name !== 'string' || name === '') return { status: 400, body: { errorMessage: 'Realm name cannot be empty' } };
  if (!(await store.createRealm(name, sent))) return { status: 409, body: { errorMessage: `Realm ${name} already exists` } };
  return { status: 201, headers: { location: `${frontend}/admin/realms/${name}` } };
}

async function oneRealm(request: Request, name: string, known: Representation): Promise<Answer> {
  if (request.method === 'GET') return { status: 200, body: known };
  if (request.method !== 'PUT') return notAllowed();
  await store.updateRealm(name, await bodyOf(request));
  return { status: 204 };
}

async function allClients(request: Request, realm: string): Promise<Answer> {
  if (request.method === 'GET') return { status: 200, body: await store.clients(realm, request.query.get('clientId') ?? undefined) };
  if (request.method !== 'POST') return notAllowed();
  const sent = await bodyOf(request);
  const clientId = sent['clientId'];
  if (typeof clientId !== 'string' || clientId === '') return { status: 400, body: { errorMessage: 'Client ID is missing' } };
  const id = await store.createClient(realm, clientId, sent);
  if (id === undefined) return { status: 409, body: { errorMessage: `Client ${clientId} already exists` } };
  return { status: 201, headers: { location: `${frontend}/admin/realms/${realm}/clients/${id}` } };
}

async function oneClient(request: Request, realm: string, id: string, part: string | undefined): Promise<Answer> {
  const client = await store.client(realm, id);
  if (client === undefined) return { status: 404, body: { error: 'Could not find client' } };
  if (part === 'client-secret' && request.method === 'GET') return { status: 200, body: { type: 'secret', value: client['secret'] } };
  if (part !== undefined) return { status: 404, body: { error: 'HTTP 404 Not Found' } };
  if (request.method === 'GET') return { status: 200, body: client };
  if (request.method !== 'PUT') return notAllowed();
  await store.updateClient(realm, id, await bodyOf(request));
  return { status: 204 };
}

function notAllowed(): Answer {
  return { status: 405, body: { error: 'HTTP 405 Method Not Allowed' } };
}

async function bodyOf(request: Request): Promise<Representation> {
  return representation.parse(JSON.parse(await request.text()));
}

/** Host, port, database and authorities of a JDBC URL such as `jdbc:postgresql://host:5432/keycloak?sslmode=verify-full&sslrootcert=/rds/ca.pem`. */
function databaseOf(jdbcUrl: string): { host: string; port: number; database: string; caFile?: string } {
  const { hostname, port: databasePort, pathname, searchParams, protocol } = new URL(jdbcUrl.replace(/^jdbc:/, ''));
  if (protocol !== 'postgresql:' || searchParams.get('sslmode') !== 'verify-full') throw new Error('KC_DB_URL must be a jdbc:postgresql URL with sslmode=verify-full');
  const caFile = searchParams.get('sslrootcert');
  return { host: hostname, port: Number(databasePort || '5432'), database: pathname.slice(1), ...(caFile === null ? {} : { caFile }) };
}
