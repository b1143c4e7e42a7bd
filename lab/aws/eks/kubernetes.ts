// The real KubernetesProvider: control planes of the lab, nodes of kwok, add-ons as objects that real controllers run (C1, C3).
import { join } from 'node:path';
import { AppsV1Api, KubernetesObjectApi, PatchStrategy, type KubernetesObject } from '@kubernetes/client-node';
import { adminConfig, isStatus } from '../../kubernetes/client.ts';
import { startKubernetesCluster, type ClusterInput, type KubernetesCluster } from '../../kubernetes/control-plane.ts';
import { addNodes, removeNodes } from '../../kubernetes/nodes.ts';
import { accessPolicyBindings, addonObjects } from './addon-objects.ts';
import type { AddonSpec, KubernetesProvider, RunningCluster } from './provider.ts';

export interface RealKubernetesOptions extends Pick<ClusterInput, 'tools' | 'supervisor' | 'etcd'> {
  /** Each cluster gets a folder of its name in it. */
  dir: string;
  /** Starts what lives with a cluster (kubelet, controllers of the lab) before it is ACTIVE; the result stops it before the control plane stops. */
  attend?: (cluster: KubernetesCluster) => Promise<() => Promise<void>>;
}

/** Control planes of real processes. */
export function realKubernetes({ dir, attend, ...parts }: RealKubernetesOptions): KubernetesProvider {
  return {
    async startCluster({ name, oidc, tokenWebhookUrl }) {
      const cluster = await startKubernetesCluster({ ...parts, name, dir: join(dir, name), oidc, tokenWebhookUrl });
      try {
        for (const object of accessPolicyBindings()) await apply(cluster, object);
        return running(cluster, await attend?.(cluster));
      } catch (error) {
        await cluster.stop();
        throw error;
      }
    },
  };
}

function running(cluster: KubernetesCluster, leave: (() => Promise<void>) | undefined): RunningCluster {
  return {
    endpoint: cluster.endpoint,
    caPem: cluster.caPem,
    addNodes: (nodes) => addNodes(cluster, nodes),
    removeNodes: (names) => removeNodes(cluster, names),
    async installAddon(addon) {
      for (const object of addonObjects(addon)) await apply(cluster, object);
    },
    async removeAddon(name) {
      for (const object of addonObjects({ name, version: '' }).toReversed()) await remove(cluster, object);
    },
    addonRuns: (name) => addonRuns(cluster, { name, version: '' }),
    async stop() {
      await leave?.();
      await cluster.stop();
    },
  };
}

/** Server-side apply, forced, under EKS's own field manager. */
async function apply(cluster: KubernetesCluster, object: KubernetesObject): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(adminConfig(cluster));
  await api.patch(object, undefined, undefined, 'eks', true, PatchStrategy.ServerSideApply);
}

async function remove(cluster: KubernetesCluster, object: KubernetesObject): Promise<void> {
  try {
    await KubernetesObjectApi.makeApiClient(adminConfig(cluster)).delete(object);
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
  }
}

/** Every Deployment has its replicas available, every DaemonSet a pod on each node that wants one, at the present generation. */
async function addonRuns(cluster: KubernetesCluster, addon: AddonSpec): Promise<boolean> {
  const api = adminConfig(cluster).makeApiClient(AppsV1Api);
  const verdicts = await Promise.all(addonObjects(addon).map(async ({ kind, metadata }) => {
    const ref = { name: metadata?.name ?? '', namespace: metadata?.namespace ?? '' };
    if (kind === 'Deployment') {
      const { status, spec, metadata: { generation } = {} } = await api.readNamespacedDeployment(ref);
      return status?.observedGeneration === generation && (status?.availableReplicas ?? 0) >= (spec?.replicas ?? 1);
    }
    if (kind !== 'DaemonSet') return true;
    const { status, metadata: { generation } = {} } = await api.readNamespacedDaemonSet(ref);
    return status?.observedGeneration === generation && (status?.numberAvailable ?? 0) >= (status?.desiredNumberScheduled ?? 0);
  }));
  return verdicts.every(Boolean);
}
