// Raises a lab's world: servers, the gateway with its services, clusters as EKS asks for them, foundation, repository, worker.
import { appendFileSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { realKubernetes } from '../aws/eks/kubernetes.ts';
import { startGateway } from '../aws/gateway.ts';
import type { Gateway } from '../aws/gateway.ts';
import { motoCommand, waitForMoto } from '../aws/moto.ts';
import { realPostgres } from '../aws/rds/postgres.ts';
import { createPlatformServices } from '../aws/platform-services.ts';
import type { PlatformServices } from '../aws/platform-services.ts';
import { startControllers } from '../controllers/index.ts';
import { seedFoundation } from '../foundation.ts';
import type { KubernetesCluster } from '../kubernetes/control-plane.ts';
import { startEtcd } from '../kubernetes/etcd.ts';
import type { Etcd } from '../kubernetes/etcd.ts';
import { startKubelet } from '../kubernetes/kubelet.ts';
import { freePort } from '../ports.ts';
import type { Supervisor } from '../processes.ts';
import type { Tools } from '../tools.ts';
import { writeEnvironments } from './environments.ts';
import { makeKeys } from './keys.ts';
import { mirrorManifests } from './manifests.ts';
import { publishGitops } from './repository.ts';
import type { LabPaths, LabSettings, LabState } from './state.ts';
import { startTemporal } from './temporal.ts';
import { labVariables } from './variables.ts';
import { startWorker } from './worker.ts';

/** The one account and region of a lab (issue: fixed in the environment files). */
const ACCOUNT = '111122223333';
const REGION = 'eu-west-2';
const WORK_TREE = resolve(import.meta.dirname, '..', '..');

export interface WorldInput {
  readonly paths: LabPaths;
  readonly settings: LabSettings;
  readonly tools: Tools;
  readonly supervisor: Supervisor;
  /** The daemon's state so far; the worker's variables are made from it. */
  readonly state: LabState;
  readonly onProgress: (line: string) => void;
}

export interface World {
  /** The daemon's state with endpoints and credentials. */
  readonly state: LabState;
  /** Ends clusters and the gateway; processes are the supervisor's to end. */
  stop(): Promise<void>;
}

interface Aws {
  readonly gateway: Gateway;
  readonly platform: PlatformServices;
}

/** Starts everything, each part when what it leans on answers. Throws NotReady, or what a part throws. */
export async function raiseWorld(input: WorldInput): Promise<World> {
  const { paths, settings, tools, supervisor, onProgress } = input;
  onProgress('starting etcd, Temporal and moto');
  const [etcd, temporal, motoUrl] = await Promise.all([
    startEtcd({ binary: tools.bin.etcd, dir: join(paths.root, 'etcd'), supervisor }),
    startTemporal({ binary: tools.bin.temporal, dir: join(paths.root, 'temporal'), supervisor }),
    startMoto(input),
  ]);
  onProgress('starting the AWS gateway and seeding the foundation');
  const aws = await startAws(input, etcd, motoUrl);
  try {
    const { gateway } = aws;
    const repoUrl = await publishGitops({ workTree: WORK_TREE, repository: paths.repository });
    const environments = await writeEnvironments(join(WORK_TREE, 'environments'), paths.environments, { repoUrl, ...settings, approvers: await makeKeys(paths.keys) });
    const { adminKey: credentials } = await seedFoundation(gateway, environments);
    await mirrorManifests(tools.manifests, paths.manifests);
    await linkPrograms(input);
    onProgress('starting the worker');
    const endpoints = { aws: gateway.url, temporal: temporal.address, temporalUi: temporal.ui, workerMetrics: gateway.url };
    const reachable: LabState = { ...input.state, endpoints, credentials, region: REGION };
    const workerMetrics = await startWorker({ dir: join(paths.root, 'worker'), supervisor, env: labVariables(paths, reachable) });
    return { state: { ...reachable, state: 'ready', endpoints: { ...endpoints, workerMetrics } }, stop: () => stopAws(aws) };
  } catch (error) {
    await stopAws(aws);
    throw error;
  }
}

async function startMoto({ paths, tools, supervisor }: WorldInput): Promise<string> {
  const dir = join(paths.root, 'moto');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { args, env } = motoCommand({ port });
  await supervisor.start({
    name: 'moto',
    file: tools.python.motoServer,
    args,
    env: { PATH: process.env['PATH'] ?? '', HOME: dir, ...env },
    logFile: join(dir, 'moto.log'),
    ready: async () => {
      await waitForMoto(url);
      return true;
    },
  });
  return url;
}

async function startAws(input: WorldInput, etcd: Etcd, motoUrl: string): Promise<Aws> {
  const { paths, settings, tools, supervisor } = input;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const provider = realKubernetes({ dir: join(paths.root, 'clusters'), tools, supervisor, etcd, attend: (cluster) => attend(input, cluster, url) });
  const servers = await realPostgres({ dir: paths.databases, caFile: paths.rdsCa, supervisor });
  let platform: PlatformServices | undefined;
  const gateway = await startGateway({
    port,
    timeScale: settings.timeScale,
    motoUrl,
    account: ACCOUNT,
    region: REGION,
    services: (world) => {
      platform = createPlatformServices(world, { provider, servers, tokenWebhookUrl: (cluster) => `${url}/_lab/token-review/${encodeURIComponent(cluster)}` });
      return platform.services;
    },
  });
  if (platform === undefined) throw new Error('the gateway did not ask for its services');
  return { gateway, platform };
}

async function stopAws({ gateway, platform }: Aws): Promise<void> {
  await platform.close();
  await gateway.close();
}

/** What lives with a cluster: the kubelet of processes and the stand-ins for controllers. */
async function attend({ paths, tools, supervisor }: WorldInput, cluster: KubernetesCluster, awsEndpoint: string): Promise<() => Promise<void>> {
  const aws = { AWS_ENDPOINT_URL: awsEndpoint, AWS_ENDPOINT_URL_STS: awsEndpoint, AWS_REGION: REGION };
  const kubelet = startKubelet({ cluster, tools, supervisor, aws, rdsCa: paths.rdsCa });
  const log = join(cluster.dir, 'controllers.log');
  const controllers = startControllers({
    kubeconfigPath: cluster.adminKubeconfigPath,
    clusterName: cluster.name,
    region: REGION,
    awsEndpoint,
    onLog: (line) => {
      appendFileSync(log, `${new Date().toISOString()} ${line}\n`);
    },
  });
  return async () => {
    await controllers.stop();
    await kubelet.stop();
  };
}

/** Puts the lab's kubectl and temporal where `lab env` finds them. */
async function linkPrograms({ paths, tools }: WorldInput): Promise<void> {
  await mkdir(paths.bin, { recursive: true, mode: 0o700 });
  for (const name of ['kubectl', 'temporal'] as const) await symlink(tools.bin[name], join(paths.bin, name));
}
