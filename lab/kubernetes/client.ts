// The lab's own way into a cluster, as a member of system:masters.
import { ApiException, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { KubernetesCluster } from './control-plane.ts';

/** Configuration for any client of @kubernetes/client-node. */
export function adminConfig(cluster: Pick<KubernetesCluster, 'adminKubeconfigPath'>): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(cluster.adminKubeconfigPath);
  return config;
}

/** The core API as admin. */
export function coreApi(cluster: Pick<KubernetesCluster, 'adminKubeconfigPath'>): CoreV1Api {
  return adminConfig(cluster).makeApiClient(CoreV1Api);
}

/** Did the API server answer with this status? */
export function isStatus(error: unknown, ...codes: readonly number[]): boolean {
  return error instanceof ApiException && codes.includes(error.code);
}

/** Did nobody answer? Undici says so of a refused connection, and of one that hangs: after 10 s of its beginning, after 300 s without an answer. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof TypeError && error.message === 'fetch failed';
}
