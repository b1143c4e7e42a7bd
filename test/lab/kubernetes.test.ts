// A real control plane with the kubelet of processes (design: lab): what core-install and ExternalDNS need of it, and what it survives.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppsV1Api, CoreV1Api, CustomObjectsApi, KubeConfig, KubernetesObjectApi, PatchStrategy, loadAllYaml } from '@kubernetes/client-node';
import type { KubernetesObject, V1Deployment, V1Pod } from '@kubernetes/client-node';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { removeNodes } from '../../lab/kubernetes/nodes.ts';
import { processStartTime } from '../../lab/process-identity.ts';
import { livingProcesses } from '../../lab/process-registry.ts';
import { ensureTools } from '../../lab/tools.ts';
import { startTestCluster } from '../support/kubernetes-cluster.ts';
import type { TestCluster } from '../support/kubernetes-cluster.ts';

let lab: TestCluster;
let core: CoreV1Api;
let apps: AppsV1Api;

beforeAll(async () => {
  lab = await startTestCluster();
  core = lab.config.makeApiClient(CoreV1Api);
  apps = lab.config.makeApiClient(AppsV1Api);
});

afterAll(async () => {
  await lab.stop();
});

const WAIT = { timeout: 60_000, interval: 200 };

function processOf(name: string) {
  return livingProcesses(join(lab.dir, 'processes.json')).then((all) => all.find((entry) => entry.name.includes(name)));
}

function deployment(name: string, image: string, spec: Partial<V1Deployment['spec'] & { serviceAccountName: string; args: string[]; replicas: number }> = {}): V1Deployment {
  const labels = { app: name };
  const { serviceAccountName = 'default', args = [], replicas = 1 } = spec;
  return {
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { serviceAccountName, terminationGracePeriodSeconds: 5, containers: [{ name: 'main', image, args }] } } },
  };
}

async function podOf(name: string, namespace = 'default'): Promise<V1Pod | undefined> {
  const { items } = await core.listNamespacedPod({ namespace, labelSelector: `app=${name}` });
  return items[0];
}

async function available(name: string, namespace = 'default'): Promise<number> {
  return (await apps.readNamespacedDeployment({ name, namespace })).status?.availableReplicas ?? 0;
}

test('C3: nodes are Ready, and pods that need no process are kwok’s', async () => {
  await apps.createNamespacedDeployment({ namespace: 'default', body: deployment('web', 'nginx', { replicas: 3 }) });

  await expect.poll(() => available('web'), WAIT).toBe(3);
  expect(await processOf('web-')).toBeUndefined();
  expect((await core.listNode()).items.map(({ spec }) => spec?.providerID)).toEqual(['aws:///eu-west-2a/i-0', 'aws:///eu-west-2a/i-1']);
});

test('A2: Argo CD runs from upstream’s unmodified core-install, and syncs an application from a file repository', async () => {
  const api = KubernetesObjectApi.makeApiClient(lab.config);
  const apply = (object: KubernetesObject) => api.patch(object, undefined, undefined, 'test', true, PatchStrategy.ServerSideApply);
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  const { manifests } = await ensureTools();
  for (const object of loadAllYaml(await readFile(manifests.argocdCoreInstall, 'utf8')) as KubernetesObject[]) {
    await apply({ ...object, metadata: Object.assign({}, object.metadata, { namespace: 'argocd' }) });
  }
  for (const name of ['argocd-redis', 'argocd-repo-server', 'argocd-applicationset-controller']) await expect.poll(() => available(name, 'argocd'), WAIT).toBe(1);

  await createArgo('appprojects', { kind: 'AppProject', metadata: { name: 'default' }, spec: { sourceRepos: ['*'], destinations: [{ namespace: '*', server: '*' }], clusterResourceWhitelist: [{ group: '*', kind: '*' }] } });
  await createArgo('applications', {
    kind: 'Application',
    metadata: { name: 'shop' },
    spec: { project: 'default', source: { repoURL: await repository(), path: 'app', targetRevision: 'main' }, destination: { server: 'https://kubernetes.default.svc', namespace: 'default' }, syncPolicy: { automated: {} } },
  });

  await expect.poll(() => argoStatus('shop'), WAIT).toEqual({ sync: 'Synced', health: 'Healthy' });
  expect(await available('shop')).toBe(1);
});

test('Lab: a container that dies is started again and counted', async () => {
  const before = await processOf('argocd-repo-server');
  process.kill(before?.pid ?? 0, 'SIGKILL');

  const restarts = async () => {
    const { items } = await core.listNamespacedPod({ namespace: 'argocd', labelSelector: 'app.kubernetes.io/name=argocd-repo-server' });
    const status = items[0]?.status?.containerStatuses?.[0];
    return { restarts: status?.restartCount, ready: status?.ready, lastExit: status?.lastState?.terminated?.exitCode };
  };
  await expect.poll(restarts, WAIT).toEqual({ restarts: 1, ready: true, lastExit: 137 });
  expect((await processOf('argocd-repo-server'))?.pid).not.toBe(before?.pid);
});

test('Lab: an image of another version waits with the reason, and runs nothing', async () => {
  await apps.createNamespacedDeployment({ namespace: 'default', body: deployment('newer', 'quay.io/argoproj/argocd:v9.9.9', { args: ['argocd-repo-server'] }) });

  const reason = async () => (await podOf('newer'))?.status?.containerStatuses?.[0]?.state?.waiting;
  await expect.poll(reason, WAIT).toEqual({ reason: 'ErrImageNeverPull', message: 'the lab has argocd v3.2.11 and no other version' });
  expect(await processOf('newer-')).toBeUndefined();
  await apps.deleteNamespacedDeployment({ name: 'newer', namespace: 'default' });
});

test('C1: a pod whose service account names a role gets it with a token for STS, and its own way into the API', async () => {
  await core.createNamespacedServiceAccount({ namespace: 'default', body: { metadata: { name: 'dns', annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/dns' } } } });
  const args = ['--source=ingress', '--provider=inmemory', '--inmemory-zone=example.org', '--interval=1s'];
  await apps.createNamespacedDeployment({ namespace: 'default', body: deployment('dns', 'registry.k8s.io/external-dns/external-dns:v0.21.0', { serviceAccountName: 'dns', args }) });
  await expect.poll(() => available('dns'), WAIT).toBe(1);

  const pod = await podOf('dns');
  const running = await processOf(pod?.metadata?.name ?? '-');
  const env = Object.fromEntries(readFileSync(`/proc/${running?.pid ?? 0}/environ`, 'utf8').split('\0').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  expect(env).toMatchObject({ AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/dns', AWS_REGION: 'eu-west-2', HOSTNAME: pod?.metadata?.name });
  const token = await readFile(env['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? '', 'utf8');
  expect(decodeJwt(token)).toMatchObject({ aud: ['sts.amazonaws.com'], sub: 'system:serviceaccount:default:dns', iss: 'https://127.0.0.1:9/id/TEST' });
  const commandLine = readFileSync(`/proc/${running?.pid ?? 0}/cmdline`, 'utf8').split('\0');
  expect(commandLine).toEqual(expect.arrayContaining(args));
  // Its way into the API is the service account's own: nobody gave it a role, so it may not list Pods.
  const kubeconfig = commandLine.find((part) => part.startsWith('--kubeconfig='))?.slice('--kubeconfig='.length) ?? '';
  const own = new KubeConfig();
  own.loadFromClusterAndUser(
    { name: 'lab', skipTLSVerify: false, server: lab.cluster.endpoint, caData: Buffer.from(lab.cluster.caPem).toString('base64') },
    { name: 'pod', token: await readFile(join(dirname(kubeconfig), 'token'), 'utf8') }, // the client does not know tokenFile
  );
  await expect(own.makeApiClient(CoreV1Api).listNamespacedPod({ namespace: 'default' })).rejects.toThrow('system:serviceaccount:default:dns');
});

test('Lab: deleting a pod ends its process before the object goes', async () => {
  const pod = await podOf('dns');
  const name = pod?.metadata?.name ?? '';
  const running = await processOf(name);
  await apps.deleteNamespacedDeployment({ name: 'dns', namespace: 'default' });

  await expect.poll(async () => (await podOf('dns')) === undefined, WAIT).toBe(true);
  expect(processStartTime(running?.pid ?? 0)).toBeUndefined();
});

test('Lab: after the API server was killed, pods start and end again within seconds', async () => {
  const server = await processOf('kube-apiserver');
  process.kill(server?.pid ?? 0, 'SIGKILL');
  await expect.poll(() => core.listNode().then(({ items }) => items.length, () => 0), WAIT).toBe(2);

  await apps.createNamespacedDeployment({ namespace: 'default', body: deployment('again', 'redis', { args: ['--save', ''] }) });
  await expect.poll(() => available('again'), WAIT).toBe(1);
  const begun = Date.now();
  await apps.deleteNamespacedDeployment({ name: 'again', namespace: 'default' });
  await expect.poll(async () => (await podOf('again')) === undefined, WAIT).toBe(true);
  expect(Date.now() - begun).toBeLessThan(10_000);
});

test('C1: a removed node takes its pods along, and they start on the one that is left', async () => {
  const [first] = (await core.listNode()).items;
  await removeNodes(lab.cluster, [first?.metadata?.name ?? '']);

  const nodes = async () => new Set((await core.listNamespacedPod({ namespace: 'argocd' })).items.map(({ spec, status }) => `${spec?.nodeName ?? '-'} ${status?.phase ?? '-'}`));
  await expect.poll(nodes, WAIT).toEqual(new Set(['ip-10-0-0-2.eu-west-2.compute.internal Running']));
});

test('Lab: a stopped cluster leaves no process and no key in etcd', async () => {
  const etcd = await processOf('etcd');
  const url = /--advertise-client-urls=(\S+?)\0/.exec(readFileSync(`/proc/${etcd?.pid ?? 0}/cmdline`, 'utf8'))?.[1] ?? '';
  const count = async () => {
    const body = JSON.stringify({ key: Buffer.from('/clusters/test/').toString('base64'), range_end: Buffer.from('/clusters/test0').toString('base64'), count_only: true });
    const answer = (await (await fetch(`${url}/v3/kv/range`, { method: 'POST', body })).json()) as { count?: string };
    return Number(answer.count ?? 0);
  };
  expect(await count()).toBeGreaterThan(100);

  await lab.cluster.stop();
  await sleep(500);

  expect(await count()).toBe(0);
  expect((await livingProcesses(join(lab.dir, 'processes.json'))).filter(({ name }) => name.startsWith('kube-') || name.startsWith('kwok'))).toEqual([]);
});

async function createArgo(plural: string, object: object): Promise<void> {
  const custom = lab.config.makeApiClient(CustomObjectsApi);
  await custom.createNamespacedCustomObject({ group: 'argoproj.io', version: 'v1alpha1', namespace: 'argocd', plural, body: { apiVersion: 'argoproj.io/v1alpha1', ...object } });
}

async function argoStatus(name: string): Promise<{ sync: string | undefined; health: string | undefined }> {
  const custom = lab.config.makeApiClient(CustomObjectsApi);
  const { status } = (await custom.getNamespacedCustomObject({ group: 'argoproj.io', version: 'v1alpha1', namespace: 'argocd', plural: 'applications', name })) as {
    status?: { sync?: { status: string }; health?: { status: string } };
  };
  return { sync: status?.sync?.status, health: status?.health?.status };
}

async function repository(): Promise<string> {
  const folder = join(lab.dir, 'shop');
  await mkdir(join(folder, 'app'), { recursive: true });
  await writeFile(join(folder, 'app', 'shop.yaml'), JSON.stringify(Object.assign({ apiVersion: 'apps/v1', kind: 'Deployment' }, deployment('shop', 'nginx'))));
  const git = (...args: string[]) => execFileSync('git', ['-C', folder, '-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args], { stdio: 'pipe' });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('commit', '--quiet', '--message=shop');
  return `file://${folder}`;
}
