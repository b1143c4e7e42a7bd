// The checks that run inside the cluster, as `goldenpath preflight` and `goldenpath accept`: what they are told by their environment, how answers are judged, what they say (T2, T3). Pure.
import { z } from 'zod';
import { type CheckResult, judge, type Reading } from './checks.ts';
import { isPort } from './database-network.ts';
import { jsonOf } from './json.ts';
import { REALM } from './platform-secrets.ts';
import type { Tier } from './tiers.ts';

export type ProbeOperation = 'preflight' | 'accept';

export interface NamedUrl {
  name: string;
  url: string;
}

/** What a probe is told by its environment. */
export interface ProbeSettings {
  database: { host: string; port: number; user: string; password: string; database: string } | undefined;
  urls: NamedUrl[];
  bucket: { name: string; region: string } | undefined;
}

/** One JSON document on stdout, and the container's termination message. */
export interface ProbeReport {
  schema: 1;
  operation: ProbeOperation;
  tier: Tier;
  /** `unknown`: something could not be asked, so nothing is said. */
  state: 'passed' | 'failed' | 'refused' | 'unknown';
  checks: CheckResult[];
  error?: { type: string; message: string; problems: string[] };
  /** Set where texts were shortened to fit into a termination message. */
  cut?: true;
}

/** What is wrong with a variable. A password is never among what was given. */
export interface SettingProblem {
  field: string;
  given?: string;
  problem: string;
  allowed: string;
  fix: string;
}

const POSTGRES = ['POSTGRES_HOST', 'POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB'] as const;

/** The settings, or every problem with them. An empty variable counts as not set. */
export function probeSettings(env: Readonly<Record<string, string | undefined>>): { value: ProbeSettings; problems: [] } | { value?: undefined; problems: SettingProblem[] } {
  const [database, urls, bucket] = [databaseOf(env), urlsOf(env['GOLDENPATH_URLS'] ?? ''), bucketOf(env)];
  const problems = [...database.problems, ...urls.problems, ...bucket.problems];
  return problems.length > 0 ? { problems } : { value: { database: database.value, urls: urls.value, bucket: bucket.value }, problems: [] };
}

interface Parsed<T> {
  value: T;
  problems: SettingProblem[];
}

function databaseOf(env: Readonly<Record<string, string | undefined>>): Parsed<ProbeSettings['database']> {
  if (POSTGRES.every((name) => isEmpty(env[name]))) return { value: undefined, problems: [] };
  const missing = POSTGRES.filter((name) => isEmpty(env[name])).map((name): SettingProblem => ({ field: name, problem: 'is missing, and others of the database are set', allowed: POSTGRES.join(', '), fix: 'give all five, from the synced Secret' }));
  const [host = '', given = '', user = '', password = '', database = ''] = POSTGRES.map((name) => env[name]);
  const port = Number(given);
  const wrong = given === '' || isPort(port) ? [] : [{ field: 'POSTGRES_PORT', given, problem: 'is no port', allowed: '1 to 65535', fix: 'give the key port of the synced Secret' }];
  return { value: { host, port, user, password, database }, problems: [...missing, ...wrong] };
}

function urlsOf(text: string): Parsed<NamedUrl[]> {
  const entries = text.split(',').map((entry) => entry.trim()).filter((entry) => entry !== '');
  const urls = entries.map((entry) => ({ name: entry.slice(0, Math.max(entry.indexOf('='), 0)), url: entry.slice(entry.indexOf('=') + 1) }));
  const names = urls.map(({ name }) => name);
  const problems = urls.flatMap(({ name, url }, index) => {
    const problem = !/^[a-z][a-z0-9-]*$/.test(name) ? 'has no name before =' : names.indexOf(name) < index ? `names ${name} twice` : isHttpUrl(url) ? undefined : `${name} is no http or https URL without a login`;
    return problem === undefined ? [] : [{ field: 'GOLDENPATH_URLS', problem, allowed: 'name=url, several with commas between them', fix: 'e.g. realm=http://keycloak.keycloak:8080/realms/goldenpath' }];
  });
  return { value: urls, problems };
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}

function bucketOf(env: Readonly<Record<string, string | undefined>>): Parsed<ProbeSettings['bucket']> {
  const [name = '', region = ''] = [env['GOLDENPATH_BUCKET'], env['AWS_REGION']];
  if (name === '') return { value: undefined, problems: [] };
  if (region === '') return { value: undefined, problems: [{ field: 'AWS_REGION', problem: 'is missing: GOLDENPATH_BUCKET must be in it', allowed: 'an AWS region', fix: 'give the region of the platform' }] };
  return { value: { name, region }, problems: [] };
}

function isEmpty(value: string | undefined): boolean {
  return value === undefined || value === '';
}

/** What acceptance asks the applications of a tier, by the names of their Services (T3). */
export function acceptanceUrls(tier: Tier): NamedUrl[] {
  if (tier === '2') {
    return [
      { name: 'backstage', url: 'http://backstage.backstage:7007/.backstage/health/v1/readiness' },
      { name: 'loki', url: 'http://loki.monitoring:3100/ready' },
      { name: 'grafana-postgresql', url: 'http://grafana-postgresql.monitoring:3000/api/health' },
    ];
  }
  return tier === '3' ? [{ name: 'realm', url: `http://keycloak.keycloak:8080/realms/${REALM}/.well-known/openid-configuration` }] : [];
}

/** What an application answered. */
export interface UrlAnswer {
  status: number;
  body: string;
}

const health = z.object({ database: z.string() });
/** Backstage's frontend answers any path with 200 and a page. Source: Backstage, "Root Health Service". */
const readiness = z.object({ status: z.literal('ok') });
const discovery = z.object({ issuer: z.string() });

/** Answered with 200; at an acceptance also with what the application says of itself. */
export function urlCheck({ name, url }: NamedUrl, answer: Reading<UrlAnswer>, operation: ProbeOperation): CheckResult {
  return judge(`url:${name}`, `${name} answers`, answer, {
    problems: ({ status, body }) => (status !== 200 ? [`${url} answered ${status}`] : operation === 'accept' ? bodyProblems(name, body) : []),
    describe: ({ body }) => `${url} answered 200${operation === 'accept' ? evidenceOf(name, body) : ''}`,
    fix: `look at the pods behind ${url}, and at the application's log`,
  });
}

function bodyProblems(name: string, body: string): string[] {
  if (name === 'grafana-postgresql') {
    const state = health.safeParse(jsonOf(body)).data?.database;
    return state === 'ok' ? [] : [`its database is ${state ?? 'not named in the answer'}`];
  }
  if (name === 'backstage') return readiness.safeParse(jsonOf(body)).success ? [] : ['the answer is not the one of its health service, {"status":"ok"}'];
  if (name !== 'realm') return [];
  const issuer = discovery.safeParse(jsonOf(body)).data?.issuer;
  return issuer?.endsWith(`/realms/${REALM}`) === true ? [] : [`its issuer is ${issuer ?? 'not named in the answer'}, not that of realm ${REALM}`];
}

function evidenceOf(name: string, body: string): string {
  if (name === 'grafana-postgresql') return ', its database is ok';
  return name === 'realm' ? `, issuer ${discovery.safeParse(jsonOf(body)).data?.issuer ?? ''}` : '';
}

/** A client of the realm as Keycloak has it; null where it has none. `sameSecret`: whether its secret is that of the synced Secret; neither is ever shown. */
export type ClientReading = Reading<{ enabled: boolean; sameSecret: boolean } | null>;

export function clientCheck(clientId: string, reading: ClientReading): CheckResult {
  return judge(`oidc:${clientId}`, `OIDC client ${clientId}`, reading, {
    problems: (client) => (client === null ? [`realm ${REALM} has no client ${clientId}`] : [...(client.enabled ? [] : ['it is disabled']), ...(client.sameSecret ? [] : ['its secret is not that of the synced Secret']) ]),
    describe: () => `enabled in realm ${REALM}, with the synced secret`,
    fix: 'sync the application oidc-config again: it makes and mends the clients',
  });
}

/** The report of checks that could be made. */
export function probeReport({ operation, tier }: Pick<ProbeReport, 'operation' | 'tier'>, checks: CheckResult[]): ProbeReport {
  return { schema: 1, operation, tier, state: checks.every(({ ok }) => ok) ? 'passed' : 'failed', checks };
}

/** What the kubelet keeps of a termination message. Source: Kubernetes, "Determine the Reason for Pod Failure". */
const TERMINATION_BYTES = 4096;
/** Texts are cut to ever fewer characters until the report fits. */
const LENGTHS = [400, 200, 100, 50, 25] as const;

/** The report as JSON that fits into a termination message: long texts are shortened first, then passed checks are left out, then the last failed ones. It stays valid JSON. */
export function terminationText(report: ProbeReport, limit = TERMINATION_BYTES): string {
  const whole = JSON.stringify(report);
  if (bytesOf(whole) <= limit) return whole;
  const failed = report.checks.filter(({ ok }) => !ok);
  const selections = [report.checks, failed, ...failed.map((_, index) => failed.slice(0, failed.length - 1 - index))];
  const candidates = selections.flatMap((checks) => LENGTHS.map((length) => shortened({ ...report, checks }, length)));
  return candidates.find((text) => bytesOf(text) <= limit) ?? JSON.stringify({ schema: 1, operation: report.operation, tier: report.tier, state: report.state, checks: [], cut: true });
}

function shortened({ error, checks, ...rest }: ProbeReport, length: number): string {
  const cut = (text: string) => (text.length <= length ? text : `${text.slice(0, length)}…`);
  const report: ProbeReport = {
    ...rest,
    checks: checks.map(({ ok, ...texts }) => ({ ok, id: cut(texts.id), title: cut(texts.title), found: cut(texts.found), fix: cut(texts.fix) })),
    ...(error === undefined ? {} : { error: { type: error.type, message: cut(error.message), problems: error.problems.slice(0, 5).map(cut) } }),
    cut: true,
  };
  return JSON.stringify(report);
}

/** UTF-8. */
function bytesOf(text: string): number {
  return encodeURIComponent(text.toWellFormed()).replaceAll(/%[0-9A-F]{2}/g, 'x').length;
}

const checkSchema = z.object({ id: z.string(), title: z.string(), ok: z.boolean(), found: z.string(), fix: z.string() });
const reportSchema = z.object({ state: z.enum(['passed', 'failed', 'refused', 'unknown']), checks: z.array(checkSchema), error: z.object({ message: z.string(), problems: z.array(z.string()) }).optional() });

/** A termination message read back: the checks, or undefined where it is none of ours. Something that could not be asked is a failed check. */
export function checksOfMessage(message: string): CheckResult[] | undefined {
  const { data } = reportSchema.safeParse(jsonOf(message));
  if (data === undefined) return undefined;
  const { checks, error, state } = data;
  if (error === undefined) return state === 'passed' || checks.some(({ ok }) => !ok) ? checks : undefined;
  return [...checks, { id: 'in-cluster', title: 'Checks inside the cluster', ok: false, found: [error.message, ...error.problems].join('; '), fix: 'look at the log of the Job, and at what it could not ask' }];
}
