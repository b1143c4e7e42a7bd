// The Kubernetes API as a pod reaches it: with its own service account, or with the kubeconfig that KUBECONFIG names (T2).
import { readFile } from 'node:fs/promises';
import { HttpMethod, KubeConfig, loadYaml, RequestContext } from '@kubernetes/client-node';
import { z } from 'zod';
import { GoldenpathError } from '../domain/errors.ts';
import { ClusterClient } from './kubernetes-client.ts';

/** Of a kubeconfig, what the library does not read: the file of a token that somebody renews. Source: Kubernetes, kubeconfig (v1), AuthInfo. */
const tokenFiles = z.object({ users: z.array(z.object({ name: z.string(), user: z.object({ tokenFile: z.string().optional() }) })).default([]) });

/** Opens a client of the cluster around this process. Throws PreflightFailed where there is none. */
export async function openLocalCluster(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<ClusterClient> {
  const config = new KubeConfig();
  const file = env['KUBECONFIG'] ?? '';
  // Neither of the library's other ways: the kubeconfig of whoever is logged in, and http://localhost:8080.
  if (file !== '') config.loadFromString(await readFile(file, 'utf8'));
  else if (env['KUBERNETES_SERVICE_HOST'] !== undefined) config.loadFromCluster();
  else throw new GoldenpathError('PreflightFailed', 'there is no Kubernetes API to ask: this is no pod with a service account, and KUBECONFIG names no file');
  const tokenFile = file === '' ? undefined : await tokenFileOf(config, file);
  const first = await authenticated(config);
  // Read anew each time: the kubelet renews it.
  const token = async () => (tokenFile === undefined ? tokenOf(await authenticated(config)) : (await readFile(tokenFile, 'utf8')).trim());
  return new ClusterClient(config, first.getDispatcher(), await token(), token, signal);
}

async function tokenFileOf(config: KubeConfig, file: string): Promise<string | undefined> {
  const { users } = tokenFiles.parse(loadYaml(await readFile(file, 'utf8')));
  return users.find(({ name }) => name === config.getCurrentUser()?.name)?.user.tokenFile;
}

/** A request as the library would send it. */
async function authenticated(config: KubeConfig): Promise<RequestContext> {
  const request = new RequestContext(config.getCurrentCluster()?.server ?? '', HttpMethod.GET);
  await config.applySecurityAuthentication(request);
  return request;
}

function tokenOf(request: RequestContext): string {
  return (request.getHeaders()['Authorization'] ?? '').replace(/^Bearer /, '');
}
