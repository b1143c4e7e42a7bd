// Readies what a container's process needs on this machine: folders, tokens, environment, and the adapted command.
import { mkdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { CoreV1Api, V1Container, V1Pod } from '@kubernetes/client-node';
import { FRUGAL_GO } from '../../frugal.ts';
import type { Tools } from '../../tools.ts';
import { isStatus } from '../client.ts';
import type { KubernetesCluster } from '../control-plane.ts';
import { writeKubeconfig } from '../kubeconfig.ts';
import { otherTag, programOf } from '../programs.ts';
import { NotRunnable, adapt } from './adapt.ts';
import type { Command } from './adapt.ts';
import { containerEnv } from './environment.ts';
import type { Sources } from './environment.ts';
import type { ServiceProxy } from './service-proxy.ts';
import { expand, movePaths, serviceAddress } from './texts.ts';
import { freshTerminationLog, terminationLogOf } from './termination.ts';
import { API_TOKEN_SECONDS, ROLE_ARN, STS_AUDIENCE, STS_TOKEN_SECONDS, keepToken } from './tokens.ts';
import { layOutVolumes, mountPaths } from './volumes.ts';

/** What all pods of a cluster share. */
export interface KubeletContext {
  readonly cluster: KubernetesCluster;
  readonly api: CoreV1Api;
  readonly tools: Tools;
  readonly proxy: ServiceProxy;
  /** AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS and AWS_REGION of the lab; a container's own variables win. */
  readonly aws: Readonly<Record<string, string>>;
  /** What the product's image holds as the authorities of RDS. */
  readonly rdsCa?: string;
}

/** A pod's place on this machine. */
export interface Place {
  readonly root: string;
  readonly kubeconfig: string | undefined;
  /** Role and token file of IRSA, and where AWS is. */
  readonly aws: Readonly<Record<string, string>>;
  readonly sources: Sources;
}

/** Lays out a pod's volumes and credentials below `root`. Throws ConfigMissing where something is not there yet. */
export async function makePlace(context: KubeletContext, pod: V1Pod, root: string, signal: AbortSignal): Promise<Place> {
  const sources = sourcesOf(context.api, pod.metadata?.namespace ?? 'default');
  for (const folder of ['tmp', 'home']) await mkdir(join(root, folder), { recursive: true, mode: 0o700 });
  await layOutVolumes(pod, root, sources);
  return { root, sources, kubeconfig: await apiAccess(context, pod, root, signal), aws: { ...context.aws, ...(await irsa(context, pod, root, signal)) } };
}

/** The process for a container, or `skip`. Throws ConfigMissing or NotRunnable. */
export async function commandOf(
  context: KubeletContext,
  input: { readonly pod: V1Pod; readonly container: V1Container; readonly place: Place; readonly hostPort: (port: number) => number },
): Promise<Command | 'skip'> {
  const { pod, container, place, hostPort } = input;
  const { image = '' } = container;
  const program = programOf(container);
  if (program === undefined) throw new NotRunnable(`the lab has no program for ${image}`);
  const tag = otherTag(container);
  if (tag !== undefined) throw new NotRunnable(`the lab has ${program} ${tag} and no other version`);
  const own = await containerEnv(container, pod, place.sources);
  const terminationLog = terminationLogOf(place.root, container);
  await freshTerminationLog(terminationLog);
  const mounts = mountPaths(container);
  const local = (text: string) => movePaths(expand(text, own), mounts, place.root);
  const env = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, movePaths(value, mounts, place.root)]));
  const namespace = pod.metadata?.namespace ?? 'default';
  const command = await adapt({
    tools: context.tools,
    program,
    command: (container.command ?? []).map(local),
    args: (container.args ?? []).map(local),
    env,
    root: place.root,
    kubeconfig: place.kubeconfig,
    terminationLog,
    rdsCa: context.rdsCa,
    hostPort,
    reach: async (address) => {
      const service = serviceAddress(address, namespace);
      return service === undefined ? address : context.proxy.address(service);
    },
  });
  return command === 'skip' ? command : { ...command, env: { ...baseEnv(context, pod, place), ...command.env } };
}

/** What a container image and the kubelet would set; nothing of the daemon's own environment leaks in but the system's PATH. */
function baseEnv({ tools }: KubeletContext, pod: V1Pod, { root, aws }: Place): Record<string, string> {
  return {
    PATH: [dirname(tools.bin.helm), process.env['PATH'] ?? ''].join(delimiter),
    HOME: join(root, 'home'),
    TMPDIR: join(root, 'tmp'),
    HOSTNAME: pod.metadata?.name ?? '',
    AWS_EC2_METADATA_DISABLED: 'true', // there is no instance to ask
    ...FRUGAL_GO,
    ...aws,
  };
}

async function apiAccess({ api, cluster }: KubeletContext, pod: V1Pod, root: string, signal: AbortSignal): Promise<string | undefined> {
  if (pod.spec?.automountServiceAccountToken === false) return undefined;
  const folder = join(root, 'var', 'run', 'secrets', 'kubernetes.io', 'serviceaccount');
  const tokenFile = join(folder, 'token');
  await keepToken({ api, pod, seconds: API_TOKEN_SECONDS, file: tokenFile }, signal);
  const { endpoint: server, caPem } = cluster;
  const namespace = pod.metadata?.namespace ?? 'default';
  return writeKubeconfig(join(folder, 'kubeconfig'), { server, caPem, credentials: { tokenFile }, namespace });
}

/** What EKS's pod identity webhook adds to a pod whose service account names a role. */
async function irsa({ api }: KubeletContext, pod: V1Pod, root: string, signal: AbortSignal): Promise<Record<string, string>> {
  const name = pod.spec?.serviceAccountName ?? 'default';
  const account = await api.readNamespacedServiceAccount({ name, namespace: pod.metadata?.namespace ?? 'default' });
  const role = account.metadata?.annotations?.[ROLE_ARN];
  if (role === undefined) return {};
  const file = join(root, 'var', 'run', 'secrets', 'eks.amazonaws.com', 'serviceaccount', 'token');
  await keepToken({ api, pod, audience: STS_AUDIENCE, seconds: STS_TOKEN_SECONDS, file }, signal);
  return { AWS_ROLE_ARN: role, AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_STS_REGIONAL_ENDPOINTS: 'regional' };
}

function sourcesOf(api: CoreV1Api, namespace: string): Sources {
  return {
    configMap: (name) => absentAsUndefined(async () => (await api.readNamespacedConfigMap({ name, namespace })).data ?? {}),
    secret: (name) =>
      absentAsUndefined(async () => {
        const { data = {} } = await api.readNamespacedSecret({ name, namespace });
        return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
      }),
  };
}

async function absentAsUndefined<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}
