// Tiers 2 and 3 in the lab: the repository's own charts, this product's image as Jobs, stand-ins that log in to the real PostgreSQL behind RDS, Argo CD's PreSync hooks (T2, T3, R2).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EC2Client } from '@aws-sdk/client-ec2';
import { CreateDBInstanceCommand, RDSClient, waitUntilDBInstanceAvailable } from '@aws-sdk/client-rds';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ApplicationFailure } from '@temporalio/common';
import { AppsV1Api, BatchV1Api, CoreV1Api, CustomObjectsApi, KubernetesObjectApi, PatchStrategy, type KubernetesObject } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { databaseActivities } from '../../activities/databases.ts';
import { createKubernetesActivities } from '../../activities/kubernetes-activities.ts';
import { databaseOf, databaseTags } from '../../domain/databases.ts';
import { ensureTools } from '../../lab/tools.ts';
import { type Manifest, persistentValues, renderApplication, renderRoot } from '../support/charts.ts';
import { eventually } from '../support/lab.ts';
import { standInAddress } from '../support/stand-ins.ts';
import { startTestCluster, type TestCluster } from '../support/kubernetes-cluster.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { startRds, type TestRds } from '../support/rds.ts';

const plan = ephemeralPlan();
const WAIT = { timeout: 240_000, interval: 300 };
const CLIENT_SECRETS = { backstage: 'secret of backstage', grafana: 'secret of grafana' };
const ADMIN = { username: 'admin', password: 'a password of an administrator' };
type Login = Record<'username' | 'password' | 'host' | 'port' | 'dbname', string>;

let rds: TestRds;
let world: TestCluster;
let core: CoreV1Api;
let charts: Map<string, Manifest[]>;
const logins: Record<string, Login> = {};

beforeAll(async () => {
  rds = await startRds({ timeScale: 400 });
  world = await startTestCluster({ rdsCa: rds.caFile });
  core = world.config.makeApiClient(CoreV1Api);
  const { helm } = (await ensureTools()).bin;
  charts = new Map(renderRoot(helm, '3', persistentValues()).map((application) => [application.metadata.name, renderApplication(helm, application)]));
  for (const name of ['backstage', 'monitoring', 'keycloak']) await core.createNamespace({ body: { metadata: { name } } });
  await givenDatabases(['backstage', 'grafana', 'keycloak']);
  await givenSecret('keycloak', 'keycloak-admin', ADMIN);
  await givenSecret('keycloak', 'oidc-clients', CLIENT_SECRETS);
  await givenSecret('backstage', 'backstage-oidc', { backstage: CLIENT_SECRETS.backstage });
  await givenSecret('monitoring', 'grafana-oidc', { grafana: CLIENT_SECRETS.grafana });
  await givenSecret('monitoring', 'grafana-admin', ADMIN);
});

afterAll(async () => {
  await world.stop();
  await rds.stop();
});

/** An instance with a database for each application, made by the product's own activity: what External Secrets would bring is what it wrote. */
async function givenDatabases(apps: string[]): Promise<void> {
  const clients = { rds: new RDSClient(rds.aws.client), ec2: new EC2Client(rds.aws.client), secrets: new SecretsManagerClient(rds.aws.client) };
  const instance = { DBInstanceIdentifier: 'goldenpath-dev' };
  await clients.rds.send(new CreateDBInstanceCommand({ ...instance, DBInstanceClass: 'db.t4g.medium', Engine: 'postgres', AllocatedStorage: 20, MasterUsername: 'goldenpath_admin', ManageMasterUserPassword: true, Tags: Object.entries(databaseTags('dev')).map(([Key, Value]) => ({ Key, Value })) }));
  await waitUntilDBInstanceAvailable({ client: clients.rds, maxWaitTime: 240, minDelay: 1, maxDelay: 1 }, instance);
  await databaseActivities(clients, { rdsCaFile: rds.caFile }).applyDatabases({ environment: 'dev', instance: 'goldenpath-dev', databases: apps.map(databaseOf), rotate: false });
  for (const app of apps) {
    const { SecretString = '' } = await clients.secrets.send(new GetSecretValueCommand({ SecretId: `goldenpath/dev/${app}/postgres` }));
    logins[app] = Object.fromEntries(Object.entries(JSON.parse(SecretString) as object).map(([key, value]) => [key, String(value)])) as Login;
  }
}

function loginOf(app: string): Login {
  const login = logins[app];
  if (login === undefined) throw new Error(`no login of ${app}`);
  return login;
}

async function givenSecret(namespace: string, name: string, values: Record<string, string>): Promise<void> {
  await apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData: values } as KubernetesObject);
}

async function apply(object: KubernetesObject): Promise<void> {
  await KubernetesObjectApi.makeApiClient(world.config).patch(object, undefined, undefined, 'test', true, PatchStrategy.ServerSideApply);
}

/** An object as the chart of an application renders it. */
function rendered(application: string, kind: string, name: string): Manifest {
  const found = charts.get(application)?.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`${application} renders no ${kind} ${name}`);
  return found;
}

const addressOf = (deployment: string, index = 0) => standInAddress(join(world.dir, 'processes.json'), deployment, index);

async function answer(url: string): Promise<{ status: number; body: unknown }> {
  try {
    const got = await fetch(url);
    const text = await got.text();
    return { status: got.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { status: 0, body: undefined }; // it does not listen yet
  }
}

async function available(namespace: string, name: string): Promise<number> {
  return (await world.config.makeApiClient(AppsV1Api).readNamespacedDeployment({ namespace, name })).status?.availableReplicas ?? 0;
}

/** Replaces the pods of a Deployment, as a rollout after a changed Secret does. */
async function restart(namespace: string, name: string): Promise<void> {
  await core.deleteCollectionNamespacedPod({ namespace, labelSelector: `app.kubernetes.io/name=${name}` });
  await expect.poll(async () => (await core.listNamespacedPod({ namespace, labelSelector: `app.kubernetes.io/name=${name}` })).items.filter(({ metadata }) => metadata?.deletionTimestamp !== undefined).length, WAIT).toBe(0);
}

describe.each([
  { app: 'backstage', application: 'backstage', namespace: 'backstage', port: 0, path: '/.backstage/health/v1/readiness', well: { status: 'ok' } },
  { app: 'grafana', application: 'grafana-postgresql', namespace: 'monitoring', port: 0, path: '/api/health', well: { database: 'ok' } },
  { app: 'keycloak', application: 'keycloak', namespace: 'keycloak', port: 1, path: '/health/ready', well: { status: 'UP' } },
])('the stand-in for $application, deployed by its chart', ({ app, application, namespace, port, path, well }) => {
  it('T3: with a password that PostgreSQL refuses it is not well, and its pod takes no traffic', async () => {
    await givenSecret(namespace, `${app}-postgres`, { ...loginOf(app), password: 'not the password' });
    await apply(rendered(application, 'Service', application));
    for (const map of charts.get(application)?.filter(({ kind }) => kind === 'ConfigMap') ?? []) await apply(map);
    await apply(rendered(application, 'Deployment', application));

    const address = await addressOf(application, port);
    await expect.poll(async () => (await answer(`${address}${path}`)).status, WAIT).toBe(503);
    expect(await available(namespace, application)).toBe(0);
  });

  it('T3, R2: with the login that `database apply` made, over TLS by the authorities of RDS, it is', async () => {
    await givenSecret(namespace, `${app}-postgres`, loginOf(app));
    await restart(namespace, application);

    await expect.poll(() => available(namespace, application), WAIT).toBe(1);
    expect(await answer(`${await addressOf(application, port)}${path}`)).toMatchObject({ status: 200, body: well });
  });
});

describe('oidc-config', () => {
  const batch = () => world.config.makeApiClient(BatchV1Api);
  /** Runs the chart's Job to its end, as each sync does; the document that it printed. */
  const runJob = async () => {
    const job = rendered('oidc-config', 'Job', 'oidc-config');
    await batch().deleteCollectionNamespacedJob({ namespace: 'keycloak', propagationPolicy: 'Background' });
    await expect.poll(async () => (await batch().listNamespacedJob({ namespace: 'keycloak' })).items.length, WAIT).toBe(0);
    await apply(job);
    await expect.poll(async () => {
      const { status } = await batch().readNamespacedJob({ namespace: 'keycloak', name: 'oidc-config' });
      return `${status?.succeeded ?? 0} succeeded, ${status?.failed ?? 0} failed`;
    }, WAIT).toBe('1 succeeded, 0 failed');
    const [pod] = (await core.listNamespacedPod({ namespace: 'keycloak', labelSelector: 'app.kubernetes.io/name=oidc-config' })).items.filter(({ status }) => status?.phase === 'Succeeded').toSorted((a, b) => Number(b.metadata?.creationTimestamp) - Number(a.metadata?.creationTimestamp));
    return JSON.parse(readFileSync(join(world.cluster.dir, 'logs', `${pod?.metadata?.name ?? ''}_oidc-config.log`), 'utf8')) as { state: string; steps: { name: string; done: string; fields: string[] }[] };
  };
  const keycloak = async (path: string, init: RequestInit = {}) => fetch(`${await addressOf('keycloak')}${path}`, init);
  const bearer = async () => {
    const got = await keycloak('/realms/master/protocol/openid-connect/token', { method: 'POST', body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...ADMIN }) });
    return { authorization: `Bearer ${((await got.json()) as { access_token: string }).access_token}` };
  };

  it('T3: the first run makes realm and clients; the realm then answers discovery with the platform’s address', async () => {
    expect((await keycloak('/realms/goldenpath/.well-known/openid-configuration')).status).toBe(404);
    expect((await runJob()).steps.map(({ name, done }) => `${name} ${done}`)).toEqual(['goldenpath created', 'backstage created', 'grafana created']);
    expect(await (await keycloak('/realms/goldenpath/.well-known/openid-configuration')).json()).toMatchObject({ issuer: 'https://keycloak.dev.goldenpathidp.io/realms/goldenpath' });
  });

  it('T3: a second run changes nothing', async () => {
    expect((await runJob()).steps.map(({ name, done }) => `${name} ${done}`)).toEqual(['goldenpath unchanged', 'backstage unchanged', 'grafana unchanged']);
  });

  it('T3: what somebody changed by hand is brought back, also after Keycloak was started anew, and no secret is printed', async () => {
    await restart('keycloak', 'keycloak');
    await expect.poll(() => available('keycloak', 'keycloak'), WAIT).toBe(1);
    const [client] = (await (await keycloak('/admin/realms/goldenpath/clients?clientId=grafana', { headers: await bearer() })).json()) as { id: string }[];
    const changed = await keycloak(`/admin/realms/goldenpath/clients/${client?.id ?? ''}`, { method: 'PUT', headers: { ...(await bearer()), 'content-type': 'application/json' }, body: JSON.stringify({ redirectUris: ['*'], secret: 'guessed' }) });
    expect(changed.status).toBe(204);

    const printed = await runJob();
    expect(printed.steps.find(({ name }) => name === 'grafana')).toEqual({ kind: 'client', name: 'grafana', done: 'updated', fields: ['secret', 'redirectUris'] });
    expect(JSON.stringify(printed)).not.toContain(CLIENT_SECRETS.grafana);
    const refused = await keycloak('/realms/goldenpath/protocol/openid-connect/token', { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'grafana', client_secret: 'guessed' }) });
    expect([refused.status, await refused.json()]).toEqual([401, { error: 'unauthorized_client', error_description: 'Invalid client or Invalid client credentials' }]);
  });

  it('T3: an administrator’s password that is wrong fails the Job, and the pod says why', async () => {
    await givenSecret('keycloak', 'keycloak-admin', { ...ADMIN, password: 'wrong' });
    const job = rendered('oidc-config', 'Job', 'oidc-config');
    await apply({ ...job, metadata: { ...job.metadata, name: 'denied' }, spec: { ...(job['spec'] as object), backoffLimit: 0 } } as KubernetesObject);
    await expect.poll(async () => (await batch().readNamespacedJob({ namespace: 'keycloak', name: 'denied' })).status?.failed ?? 0, WAIT).toBe(1);
    const { items } = await core.listNamespacedPod({ namespace: 'keycloak', labelSelector: 'job-name=denied' });
    const { exitCode, message } = items[0]?.status?.containerStatuses?.[0]?.state?.terminated ?? {};
    expect(exitCode).toBe(4);
    expect(message).toContain('with 401: Invalid user credentials');
    await givenSecret('keycloak', 'keycloak-admin', ADMIN);
  });
});

describe('a PreSync hook', () => {
  const applications = { group: 'argoproj.io', version: 'v1alpha1', namespace: 'argocd', plural: 'applications' };
  const operation = async () => {
    const { status } = (await world.config.makeApiClient(CustomObjectsApi).getNamespacedCustomObject({ ...applications, name: 'gated' })) as { status?: { operationState?: { phase: string; startedAt: string; message?: string } } };
    const { phase = 'none', startedAt = '', message = '' } = status?.operationState ?? {};
    return `${phase} (${startedAt}: ${message})`;
  };
  const isApplied = async () => (await core.listNamespacedConfigMap({ namespace: 'keycloak', fieldSelector: 'metadata.name=gated' })).items.length === 1;
  const sync = async (retry: object = {}) => {
    const body = [{ op: 'add', path: '/operation', value: { sync: {}, retry } }];
    await world.config.makeApiClient(CustomObjectsApi).patchNamespacedCustomObject({ ...applications, name: 'gated', body });
  };

  beforeAll(async () => {
    const activities = createKubernetesActivities(world.deps);
    // As Temporal would: an API server that is slow for a moment is asked again.
    await eventually('Argo CD to be installed', 300, async () => {
      try {
        return await world.run(activities.installArgoCd, { target: plan.target, manifest: plan.versions.manifests.argocd });
      } catch (error) {
        if (error instanceof ApplicationFailure && error.type === 'KubernetesUnavailable') return undefined;
        throw error;
      }
    });
    await givenSecret('keycloak', 'keycloak-preflight', { ...loginOf('keycloak'), password: 'not the password' });
    // The chart's own hook, and one object that must not come before it says yes.
    const repository = await gitRepository({ 'hook.yaml': rendered('keycloak', 'Job', 'keycloak-preflight'), 'gated.yaml': { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'gated' }, data: { a: 'b' } } });
    await apply({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'gated', namespace: 'argocd' }, spec: { project: 'default', source: { repoURL: repository, path: 'app', targetRevision: 'main' }, destination: { server: 'https://kubernetes.default.svc', namespace: 'keycloak' } } } as KubernetesObject);
    await sync();
  });

  it('T2: a preflight that fails fails the sync: nothing is applied, and the pod’s status has the verdict', async () => {
    await expect.poll(operation, WAIT).toMatch(/^Failed/);
    expect(await isApplied()).toBe(false);
    const { items } = await core.listNamespacedPod({ namespace: 'keycloak', labelSelector: 'job-name=keycloak-preflight' });
    const { exitCode, message = '' } = items[0]?.status?.containerStatuses?.[0]?.state?.terminated ?? {};
    expect(exitCode).toBe(5);
    expect(JSON.parse(message)).toMatchObject({ checks: [{ ok: false, found: expect.stringContaining('password authentication failed') as string }] });
    expect(message).not.toContain('not the password');
  });

  it('T2: once what it checks is mended, the same sync passes and applies', async () => {
    await givenSecret('keycloak', 'keycloak-preflight', loginOf('keycloak'));
    // As the platform's Applications try again: Argo CD may take the failed Job, which it deletes just then, for the new one.
    await sync({ limit: 10, backoff: { duration: '5s', factor: 2, maxDuration: '1m' } });
    await expect.poll(operation, WAIT).toMatch(/^Succeeded/);
    expect(await isApplied()).toBe(true);
  });
});

async function gitRepository(files: Record<string, object>): Promise<string> {
  const folder = join(world.dir, 'gated');
  await mkdir(join(folder, 'app'), { recursive: true });
  for (const [name, object] of Object.entries(files)) await writeFile(join(folder, 'app', name), stringify(object));
  const git = (...args: string[]) => execFileSync('git', ['-C', folder, '-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args], { stdio: 'pipe' });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('commit', '--quiet', '--message=gated');
  return `file://${folder}`;
}
