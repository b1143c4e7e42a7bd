// A real control plane for a test file: etcd, API server, controllers, kwok nodes, the kubelet of processes, and the activities aimed at it.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IAMClient } from '@aws-sdk/client-iam';
import { RDSClient } from '@aws-sdk/client-rds';
import type { S3Client } from '@aws-sdk/client-s3';
import { KubeConfig } from '@kubernetes/client-node';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { KubernetesDeps } from '../../activities/kubernetes-client.ts';
import { COMPONENTS } from '../../domain/components.ts';
import { startKubernetesCluster, type KubernetesCluster } from '../../lab/kubernetes/control-plane.ts';
import { startEtcd } from '../../lab/kubernetes/etcd.ts';
import { startKubelet } from '../../lab/kubernetes/kubelet.ts';
import { addNodes } from '../../lab/kubernetes/nodes.ts';
import { Supervisor } from '../../lab/processes.ts';
import { ensureTools } from '../../lab/tools.ts';
import { manifestMirror } from './manifest-mirror.ts';
import { memoryS3 } from './memory-s3.ts';

/** Activities that fail on purpose are not worth a page of log each. */
const QUIET = new DefaultLogger('ERROR');

export interface TestCluster {
  cluster: KubernetesCluster;
  deps: KubernetesDeps;
  /** Admin configuration, for a look from outside. */
  config: KubeConfig;
  /** Runs an activity as Temporal would, with this start-to-close and heartbeat time-out. */
  run<In, Out>(activity: (input: In) => Promise<Out>, input: In, limits?: { startToCloseMs?: number }): Promise<Out>;
  dir: string;
  stop(): Promise<void>;
}

/** Starts everything; `nodes` of them are Ready when it resolves. `rdsCa`: what the product's image holds as the authorities of RDS. */
export async function startTestCluster({ nodes = 2, iam, s3 = memoryS3().client, rdsCa }: { nodes?: number; iam?: IAMClient; s3?: S3Client; rdsCa?: string } = {}): Promise<TestCluster> {
  const tools = await ensureTools();
  const dir = await mkdtemp(join(tmpdir(), 'goldenpath-test-'));
  const supervisor = new Supervisor(join(dir, 'processes.json'));
  const etcd = await startEtcd({ binary: tools.bin.etcd, dir: join(dir, 'etcd'), supervisor });
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const oidc = { issuer: 'https://127.0.0.1:9/id/TEST', signingKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
  const cluster = await startKubernetesCluster({ name: 'test', dir: join(dir, 'cluster'), tools, supervisor, etcd, oidc, tokenWebhookUrl: 'http://127.0.0.1:9/' });
  const kubelet = startKubelet({ cluster, tools, supervisor, aws: { AWS_REGION: 'eu-west-2' }, ...(rdsCa === undefined ? {} : { rdsCa }) });
  await addNodes(cluster, Array.from({ length: nodes }, (_, index) => ({ name: `ip-10-0-0-${index + 1}.eu-west-2.compute.internal`, providerId: `aws:///eu-west-2a/i-${index}`, address: `10.0.0.${index + 1}`, labels: {}, taints: [], capacity: { cpu: '4', memory: '16Gi', pods: '110' } })));
  const config = new KubeConfig();
  config.loadFromFile(cluster.adminKubeconfigPath);
  const token = config.getCurrentUser()?.token ?? '';
  return {
    cluster,
    config,
    dir,
    deps: {
      clusterAccess: () => Promise.resolve({ endpoint: cluster.endpoint, caPem: cluster.caPem, token }),
      mintToken: () => Promise.resolve(token),
      iam: iam ?? new IAMClient({ region: 'eu-west-2' }),
      rds: new RDSClient({ region: 'eu-west-2' }),
      s3,
      offers: () => Promise.resolve({ rdsAvailable: false, s3Available: false }), // no foundation here
      manifestMirror: await manifestMirror(dir, tools),
    },
    run: runActivity,
    async stop() {
      await kubelet.stop();
      await cluster.stop();
      await supervisor.stopAll();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Runs an activity in Temporal's own mock environment. */
export function runActivity<In, Out>(activity: (input: In) => Promise<Out>, input: In, { startToCloseMs = 180_000 }: { startToCloseMs?: number } = {}): Promise<Out> {
  const now = Date.now();
  const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: startToCloseMs, scheduleToCloseTimeoutMs: 900_000, scheduledTimestampMs: now, heartbeatTimeoutMs: 20_000 }, { logger: QUIET });
  return environment.run(activity, input);
}

/** A git repository with the real app of apps and a light chart for each component: the extra templates of one, or a ConfigMap. */
export async function lightRepository(dir: string, templates: Readonly<Record<string, string>> = {}): Promise<{ repoUrl: string; revision: string }> {
  const repository = join(dir, 'repository');
  await cp(resolve(import.meta.dirname, '../../gitops/root'), join(repository, 'gitops/root'), { recursive: true });
  for (const { name } of COMPONENTS) {
    const chart = join(repository, 'gitops/apps', name);
    await mkdir(join(chart, 'templates'), { recursive: true });
    await writeFile(join(chart, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
    await writeFile(join(chart, 'templates/all.yaml'), templates[name] ?? configMap(name));
  }
  gitIn(repository, 'init', '--quiet', '--initial-branch=main');
  commitAll(repository);
  return { repoUrl: `file://${repository}`, revision: 'main' };
}

/** Commits other templates of a component to such a repository. Returns the commit. */
export async function recommit(repoUrl: string, component: string, template: string): Promise<string> {
  const repository = fileURLToPath(repoUrl);
  await writeFile(join(repository, 'gitops/apps', component, 'templates/all.yaml'), template);
  return commitAll(repository);
}

function commitAll(repository: string): string {
  gitIn(repository, 'add', '.');
  gitIn(repository, 'commit', '--quiet', '--message=gitops');
  return gitIn(repository, 'rev-parse', 'HEAD').trim();
}

function gitIn(repository: string, ...args: string[]): string {
  return execFileSync('git', ['-C', repository, '-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args], { stdio: 'pipe', encoding: 'utf8' });
}

function configMap(name: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { suffix: "{{ .Values.global.hostSuffix }}" }\n`;
}
