// The Job that accepts a tier from inside, on a real control plane: the kubelet of processes runs this product's command line with the pod's own account, against a real PostgreSQL (T3).
// The applications themselves do not run here: whole platforms are seen in the lab.
import { BatchV1Api, CoreV1Api, RbacAuthorizationV1Api, type V1Job } from '@kubernetes/client-node';
import { EC2Client } from '@aws-sdk/client-ec2';
import { CreateDBInstanceCommand, RDSClient, waitUntilDBInstanceAvailable } from '@aws-sdk/client-rds';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { databaseActivities } from '../../activities/databases.ts';
import { createKubernetesActivities } from '../../activities/kubernetes-activities.ts';
import { objectOf } from '../../domain/database-secret.ts';
import { databaseOf, databaseTags } from '../../domain/databases.ts';
import { breaches } from '../../domain/manifests/rules.ts';
import { manifestScope } from '../../domain/manifests/scope.ts';
import { makePlan } from '../../domain/plan.ts';
import { startTestCluster, type TestCluster } from '../support/kubernetes-cluster.ts';
import { environment, versions } from '../support/plans.ts';
import { startRds, type TestRds } from '../support/rds.ts';

const NAMESPACE = 'goldenpath-system';
const { target, versions: { images } } = makePlan({ operation: 'bootstrap', environment: environment(), lifecycle: 'persistent', buildId: null, versions: versions() });
const own = images['goldenpath'];
const image = `${own?.repository}@${own?.digest}`;
let lab: TestRds;
let world: TestCluster;
let activities: ReturnType<typeof createKubernetesActivities>;
let core: CoreV1Api;
let batch: BatchV1Api;

beforeAll(async () => {
  lab = await startRds({ timeScale: 400 });
  world = await startTestCluster({ nodes: 1, rdsCa: lab.caFile });
  activities = createKubernetesActivities(world.deps);
  [core, batch] = [world.config.makeApiClient(CoreV1Api), world.config.makeApiClient(BatchV1Api)];
  const { client } = lab.aws;
  const [rds, ec2, secrets] = [new RDSClient(client), new EC2Client(client), new SecretsManagerClient(client)];
  const instance = { DBInstanceIdentifier: 'goldenpath-dev' };
  await rds.send(new CreateDBInstanceCommand({ ...instance, DBInstanceClass: 'db.t4g.medium', Engine: 'postgres', AllocatedStorage: 20, MasterUsername: 'goldenpath_admin', ManageMasterUserPassword: true, Tags: Object.entries(databaseTags('dev')).map(([Key, Value]) => ({ Key, Value })) }));
  await waitUntilDBInstanceAvailable({ client: rds, maxWaitTime: 120, minDelay: 1, maxDelay: 1 }, instance);
  await databaseActivities({ rds, ec2, secrets }, { rdsCaFile: lab.caFile }).applyDatabases({ environment: 'dev', instance: 'goldenpath-dev', databases: [databaseOf('backstage'), databaseOf('grafana')], rotate: false });
  for (const [app, namespace, changes] of [['backstage', 'backstage', {}], ['grafana', 'monitoring', { password: 'stale-pa55' }]] as const) {
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: `goldenpath/dev/${app}/postgres` }));
    const login = Object.entries<unknown>({ ...objectOf(SecretString), ...changes }).map(([key, value]) => [key, String(value)]);
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    await core.createNamespacedSecret({ namespace, body: { metadata: { name: `${app}-postgres` }, stringData: Object.fromEntries(login) as Record<string, string> } });
  }
});
afterAll(async () => {
  await world.stop();
  await lab.stop();
});

const accept = (changes: { image?: string | undefined; deadlineMs?: number } = {}) => world.run(activities.awaitAcceptanceJob, { target, tier: '2', image, deadlineMs: 180_000, ...changes });

/** The Job as the API server has it, once it is not suspended any more. */
async function runningJob(): Promise<V1Job> {
  for (;;) {
    const [job] = (await batch.listNamespacedJob({ namespace: NAMESPACE })).items;
    if (job?.spec?.suspend === false) return job;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}

/** What of it is left in the cluster. */
async function left(): Promise<string[]> {
  const rbac = world.config.makeApiClient(RbacAuthorizationV1Api);
  const [jobs, roles, bindings] = await Promise.all([batch.listNamespacedJob({ namespace: NAMESPACE }), rbac.listRoleForAllNamespaces(), rbac.listRoleBindingForAllNamespaces()]);
  const ours = [...roles.items, ...bindings.items].filter(({ metadata }) => metadata?.name === 'goldenpath-acceptance');
  return [...jobs.items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined), ...ours].map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`);
}

it('T3: each login with the synced Secret is tried and each application asked, from inside; what fails is named, nothing is left', async () => {
  await core.createNamespace({ body: { metadata: { name: NAMESPACE } } });
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'x', image: 'x' }] } };
  await batch.createNamespacedJob({ namespace: NAMESPACE, body: { metadata: { name: 'goldenpath-acceptance-2', annotations: { 'goldenpath.idp/asked-by': 'another run' } }, spec: { suspend: true, template } } });

  const [checks, job] = await Promise.all([accept(), runningJob()]);

  expect(breaches({ apiVersion: 'batch/v1', kind: 'Job', ...JSON.parse(JSON.stringify(job)) as object }, manifestScope(target, images))).toEqual([]); // G1: admission takes it
  expect(job.metadata?.annotations?.['goldenpath.idp/asked-by']).not.toBe('another run');
  expect(checks.map(({ id, ok }) => `${id} ${ok}`).toSorted()).toEqual(['login:backstage/backstage-postgres true', 'login:monitoring/grafana-postgres false', 'url:backstage false', 'url:grafana-postgresql false', 'url:loki false']);
  expect(checks.find(({ id }) => id.startsWith('login:backstage'))?.found).toMatch(/^PostgreSQL 18\.\d at 127\.0\.0\.1:\d+ lets backstage into backstage, TLSv1\.3$/);
  expect(checks.find(({ id }) => id.startsWith('login:monitoring'))).toMatchObject({ found: expect.stringMatching(/refuses user grafana with this password/) as string, fix: expect.stringContaining('--rotate') as string });
  expect(JSON.stringify(checks)).not.toContain('stale-pa55');
  await expect.poll(left, { timeout: 30_000 }).toEqual([]);
});

it('T3: a Secret that is not there cannot be asked for, and fails by its name', async () => {
  await core.deleteNamespacedSecret({ namespace: 'monitoring', name: 'grafana-postgres' });
  const checks = await accept();
  expect(checks).toMatchObject([{ id: 'in-cluster', ok: false, found: 'Secret monitoring/grafana-postgres does not exist' }]);
  await expect.poll(left, { timeout: 30_000 }).toEqual([]);
});

it('T3: an image that does not run is no verdict: what its pod waits for is told', async () => {
  const [check, ...others] = await accept({ image: `ghcr.io/goldenpathidp/goldenpath:other@${own?.digest}`.replace('goldenpathidp/goldenpath', 'argoproj/argocd'), deadlineMs: 20_000 });
  expect(others).toEqual([]);
  expect(check).toMatchObject({ id: 'acceptance-job', ok: false });
  expect(check?.found).toMatch(/the Job ended as Failed \(DeadlineExceeded\); .*pod goldenpath-acceptance-2-\w+ is Pending/);
});

it('G1: without the product’s own image in the version manifest nothing is applied', async () => {
  await expect(accept({ image: undefined })).rejects.toMatchObject({ type: 'PreflightFailed', message: expect.stringContaining('names no image goldenpath') as string });
  expect(await left()).toEqual([]);
});
