// The Kubernetes API as a pod reaches it: with its own service account, or with the kubeconfig that KUBECONFIG names (T2).
import { HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';
import { GoldenpathError } from '../domain/errors.ts';
import { ClusterClient } from './kubernetes-client.ts';

/** Opens a client of the cluster around this process. Throws PreflightFailed where there is none. */
export async function openLocalCluster(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<ClusterClient> {
  const config = new KubeConfig();
  // Neither of the library's other ways: the kubeconfig of whoever is logged in, and http://localhost:8080.
  if (env['KUBECONFIG'] !== undefined && env['KUBECONFIG'] !== '') config.loadFromFile(env['KUBECONFIG']);
  else if (env['KUBERNETES_SERVICE_HOST'] !== undefined) config.loadFromCluster();
  else throw new GoldenpathError('PreflightFailed', 'there is no Kubernetes API to ask: this is no pod with a service account, and KUBECONFIG names no file');
  const first = await authenticated(config);
  return new ClusterClient(config, first.getDispatcher(), tokenOf(first), async () => tokenOf(await authenticated(config)), signal);
}

/** A request as the library would send it: the token is read from its file each time, since the kubelet renews it. */
async function authenticated(config: KubeConfig): Promise<RequestContext> {
  const request = new RequestContext(config.getCurrentCluster()?.server ?? '', HttpMethod.GET);
  await config.applySecurityAuthentication(request);
  return request;
}

function tokenOf(request: RequestContext): string {
  return (request.getHeaders()['Authorization'] ?? '').replace(/^Bearer /, '');
}
