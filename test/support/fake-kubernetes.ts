// A KubernetesProvider without a control plane: it remembers what EKS asked of it, and add-ons run by EKS's own rule
// (DaemonSets at once, Deployments once there are nodes). For tests of the EKS service alone.
import type { ClusterSpec, KubernetesProvider, NodeSpec, RunningCluster } from '../../lab/aws/eks/provider.ts';

export interface FakeCluster { spec: ClusterSpec; nodes: Map<string, NodeSpec>; addons: Set<string>; stopped: boolean }

export interface FakeKubernetes extends KubernetesProvider {
  clusters: Map<string, FakeCluster>;
  /** Makes the next start fail. */
  failNext?: Error;
}

/** Makes an empty one. */
export function fakeKubernetes(): FakeKubernetes {
  const fake: FakeKubernetes = {
    clusters: new Map(),
    async startCluster(spec) {
      const { failNext } = fake;
      delete fake.failNext;
      if (failNext !== undefined) throw failNext;
      const cluster: FakeCluster = { spec, nodes: new Map(), addons: new Set(), stopped: false };
      fake.clusters.set(spec.name, cluster);
      return running(cluster);
    },
  };
  return fake;
}

function running(cluster: FakeCluster): RunningCluster {
  return {
    endpoint: 'https://127.0.0.1:6443',
    caPem: '-----BEGIN CERTIFICATE-----\nZmFrZQ==\n-----END CERTIFICATE-----\n',
    addNodes: async (nodes) => {
      for (const node of nodes) cluster.nodes.set(node.name, node);
    },
    removeNodes: async (names) => {
      for (const name of names) cluster.nodes.delete(name);
    },
    installAddon: async ({ name }) => void cluster.addons.add(name),
    removeAddon: async (name) => void cluster.addons.delete(name),
    addonRuns: async (name) => cluster.addons.has(name) && (['vpc-cni', 'kube-proxy'].includes(name) || cluster.nodes.size > 0),
    stop: async () => void (cluster.stopped = true),
  };
}
