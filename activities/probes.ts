// What is asked from inside the cluster before and after a tier (T2, T3): logins, addresses, the bucket, OIDC clients, and the Kubernetes API with the pod's own account.
import { setTimeout as sleep } from 'node:timers/promises';
import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import type { V1Secret } from '@kubernetes/client-node';
import { z } from 'zod';
import { type CheckResult, judge, type Reading } from '../domain/checks.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { jsonOf } from '../domain/json.ts';
import { KEYCLOAK_ADMIN, KEYCLOAK_NAMESPACE, OIDC_CLIENT_IDS, OIDC_CLIENTS, REALM, syncedSecrets } from '../domain/platform-secrets.ts';
import { clientCheck, type ClientReading, type NamedUrl, type ProbeOperation, type ProbeSettings, urlCheck, type UrlAnswer } from '../domain/probes.ts';
import { compareTiers, type Tier } from '../domain/tiers.ts';
import { clusterChecks } from './acceptance.ts';
import { readBucketRegion } from './buckets.ts';
import { mapAwsError } from './errors.ts';
import type { ClusterClient } from './kubernetes-client.ts';
import { type Login, tryLogin } from './postgres.ts';
import { reading } from './reading.ts';

/** One answer of an application. Health endpoints answer at once or not at all. */
const ANSWER_MS = 10_000;
/** A pod may be answered before the mesh of Services knows it: one more try hides no fault that lasts. */
const AGAIN_MS = 2_000;
/** Health endpoints and discovery documents are a few kilobytes. */
const BODY_LIMIT = 65_536;

export interface ProbeDeps {
  /** The authorities that sign the certificates of RDS, PEM. Asked only where there is a login to try. */
  authorities(): Promise<string>;
  s3: S3Client;
  /** The cluster that the pod is in, with the pod's account. Asked only where a check needs it. */
  cluster(): Promise<ClusterClient>;
}

/** Every check of the tier, all at once. Throws what could not be asked: that is neither a pass nor a failure. */
export async function runProbe(deps: ProbeDeps, { operation, tier, settings }: { operation: ProbeOperation; tier: Tier; settings: ProbeSettings }): Promise<CheckResult[]> {
  const { database, urls, bucket } = settings;
  const upper = compareTiers(tier, '2') >= 0;
  const asked: Promise<CheckResult[]>[] = [
    ...(upper ? [] : [deps.cluster().then((cluster) => clusterChecks(cluster, operation, tier))]),
    ...(database === undefined ? [] : [alone(loginCheck('postgres', database, deps))]),
    ...urls.map((url) => alone(askUrl(url).then((answer) => urlCheck(url, answer, operation)))),
    ...(bucket === undefined ? [] : [alone(bucketCheck(deps.s3, bucket))]),
    ...(upper && operation === 'accept' ? [acceptUpper(deps, tier, urls)] : []),
  ];
  return (await Promise.all(asked)).flat();
}

async function alone(check: Promise<CheckResult>): Promise<CheckResult[]> {
  return [await check];
}

async function loginCheck(name: string, login: Login, { authorities }: Pick<ProbeDeps, 'authorities'>): Promise<CheckResult> {
  return judge(`login:${name}`, `Login to the database ${login.database}`, await tryLogin({ ...login, ca: await authorities() }), {
    problems: () => [],
    describe: (evidence) => evidence,
    fix: 'run goldenpath database check for the environment: it names what is closed, stopped or wrong; a password that is refused: goldenpath database apply --rotate',
  });
}

/** The bucket in its region, and its list readable: what Loki needs first. */
async function bucketCheck(s3: S3Client, { name, region }: NonNullable<ProbeSettings['bucket']>): Promise<CheckResult> {
  const found = await reading(readBucketRegion(s3, name));
  const listed = 'value' in found && found.value?.region === region ? await reading(s3.send(new ListObjectsV2Command({ Bucket: name, MaxKeys: 1 }))) : undefined;
  return judge('bucket', `Bucket ${name}`, listed !== undefined && 'problem' in listed ? listed : found, {
    problems: (bucket) => (bucket === null ? [`S3 has no bucket ${name}`] : bucket.region === region ? [] : [`it is in ${bucket.region}, not in ${region}`]),
    describe: () => `in ${region}, its objects can be listed`,
    fix: `see that the bucket ${name} is in ${region}, and that the role of the service account may list it`,
  });
}

/** What answered at an address. Redirects are not followed: whoever sends one is not the application. */
export async function askUrl({ url }: NamedUrl, init: RequestInit = {}): Promise<Reading<UrlAnswer>> {
  const first = await answerOf(url, init);
  if ('value' in first && first.value.status < 500) return first;
  await sleep(AGAIN_MS);
  return answerOf(url, init);
}

async function answerOf(url: string, init: RequestInit): Promise<Reading<UrlAnswer>> {
  try {
    const answer = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) });
    return { value: { status: answer.status, body: (await answer.text()).slice(0, BODY_LIMIT) } };
  } catch (error) {
    const reason = noAnswer(error);
    if (reason === undefined) throw error;
    return { problem: `${url}: no answer (${reason})` };
  }
}

/** Why fetch got no answer; undefined for bugs. Source: undici wraps a socket's error into a TypeError with a cause. */
function noAnswer(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'TimeoutError') return `nothing came within ${ANSWER_MS / 1_000} s`;
  const { cause } = error;
  if (!(error instanceof TypeError) || !(cause instanceof Error)) return undefined;
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : mapAwsError(cause)?.message ?? cause.message;
}

/** Acceptance of tiers 2 and 3: every synced login is tried, and Keycloak is asked for its clients. */
async function acceptUpper(deps: ProbeDeps, tier: Tier, urls: readonly NamedUrl[]): Promise<CheckResult[]> {
  const cluster = await deps.cluster();
  const logins = syncedSecrets(tier).filter(({ use }) => use === 'login').map(async ({ namespace, name }) => {
    const { username = '', password = '', host = '', port = '', dbname = '' } = await readSynced(cluster, namespace, name);
    return loginCheck(`${namespace}/${name}`, { host, port: Number(port), user: username, password, database: dbname }, deps);
  });
  const realm = urls.find(({ name }) => name === 'realm');
  const clients = realm === undefined ? [] : await clientChecks(cluster, new URL(realm.url).origin);
  return [...(await Promise.all(logins)), ...clients];
}

/** The values of a synced Secret. They leave this process only for the system that they are for. */
async function readSynced(cluster: ClusterClient, namespace: string, name: string): Promise<Partial<Record<string, string>>> {
  const secret = await cluster.read<V1Secret>({ apiVersion: 'v1', kind: 'Secret', name, namespace });
  if (secret === undefined) throw new GoldenpathError('PreflightFailed', `Secret ${namespace}/${name} does not exist`);
  return Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}

const token = z.object({ access_token: z.string() });
const clientsOf = z.array(z.object({ id: z.string(), clientId: z.string(), enabled: z.boolean().default(true) }));
const secretOf = z.object({ value: z.string() });

/** The realm's clients by Keycloak's admin API. Source: https://www.keycloak.org/docs-api/latest/rest-api/index.html */
async function clientChecks(cluster: ClusterClient, origin: string): Promise<CheckResult[]> {
  const [admin, wanted] = [await readSynced(cluster, KEYCLOAK_NAMESPACE, KEYCLOAK_ADMIN), await readSynced(cluster, KEYCLOAK_NAMESPACE, OIDC_CLIENTS)];
  const body = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username: admin['username'] ?? '', password: admin['password'] ?? '' });
  const login = await askUrl({ name: 'token', url: `${origin}/realms/master/protocol/openid-connect/token` }, { method: 'POST', body });
  const access = parsed('the token', login, token);
  return Promise.all(OIDC_CLIENT_IDS.map(async (clientId) => clientCheck(clientId, 'problem' in access ? access : await readClient(origin, access.value.access_token, clientId, wanted[clientId]))));
}

async function readClient(origin: string, access: string, clientId: string, wanted: string | undefined): Promise<ClientReading> {
  const clients = `${origin}/admin/realms/${REALM}/clients`;
  const init = { headers: { authorization: `Bearer ${access}` } };
  const listed = parsed('the clients', await askUrl({ name: clientId, url: `${clients}?clientId=${encodeURIComponent(clientId)}` }, init), clientsOf);
  if ('problem' in listed) return listed;
  const client = listed.value.find((each) => each.clientId === clientId);
  if (client === undefined) return { value: null };
  const secret = parsed(`the secret of ${clientId}`, await askUrl({ name: clientId, url: `${clients}/${client.id}/client-secret` }, init), secretOf);
  if ('problem' in secret) return secret;
  return { value: { enabled: client.enabled, sameSecret: wanted !== undefined && secret.value.value === wanted } };
}

/** An answer in its form; a refusal and another form are problems that quote nothing: answers hold tokens and secrets. */
function parsed<T>(what: string, answer: Reading<UrlAnswer>, schema: z.ZodType<T>): Reading<T> {
  if ('problem' in answer) return answer;
  const { status, body } = answer.value;
  if (status !== 200) return { problem: `Keycloak answered ${status} to the request for ${what}` };
  const { data, success } = schema.safeParse(jsonOf(body));
  return success ? { value: data } : { problem: `Keycloak's answer to the request for ${what} has another form` };
}
