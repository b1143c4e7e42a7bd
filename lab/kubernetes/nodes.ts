// Nodes of a cluster: objects that kwok keeps Ready (C1, C3).
import { setTimeout as sleep } from 'node:timers/promises';
import type { CoreV1Api, V1Node, V1NodeSystemInfo } from '@kubernetes/client-node';
import type { NodeSpec } from '../aws/eks/provider.ts';
import { coreApi, isStatus, isUnanswered } from './client.ts';
import type { KubernetesCluster } from './control-plane.ts';

const POLL_MS = 100;
/** kwok makes a node Ready in less than a second; two busy cores may take longer. */
const READY_MS = 60_000;
/** After this long what still runs on a removed node is left to Kubernetes' pod garbage collector. */
const EVICTION_MS = 30_000;

/** Registers nodes as a kubelet would and resolves when each is Ready. One that exists is left as it is. */
export async function addNodes(cluster: KubernetesCluster, nodes: readonly NodeSpec[]): Promise<void> {
  const api = coreApi(cluster);
  for (const node of nodes) {
    try {
      await api.createNode({ body: nodeObject(node) });
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
    }
  }
  const names = new Set(nodes.map(({ name }) => name));
  await until(READY_MS, `nodes of ${cluster.name} Ready`, async () => {
    const { items } = await api.listNode();
    return items.filter((item) => names.has(item.metadata?.name ?? '') && isReady(item)).length === names.size;
  });
}

/**
 * Takes nodes away as a managed node group does: cordon, evict, delete. A node that is not there is no error. Nor is an API server that does not answer: the instances
 * are AWS's and end by force. Source: https://docs.aws.amazon.com/eks/latest/userguide/delete-managed-node-group.html
 */
export async function removeNodes(cluster: KubernetesCluster, names: readonly string[]): Promise<void> {
  const api = coreApi(cluster);
  try {
    for (const name of names) await cordon(api, name);
    for (const name of names) await drain(api, name);
    for (const name of names) await remove(api, name);
  } catch (error) {
    if (!isUnanswered(error)) throw error;
  }
}

/** The object a kubelet registers: status included, because admission keeps a node's status on creation. */
export function nodeObject(node: NodeSpec): V1Node {
  return {
    metadata: {
      name: node.name,
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' }, // else no VolumeAttachment is made for its pods
      labels: {
        'kubernetes.io/hostname': node.name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        ...node.labels,
      },
    },
    spec: {
      providerID: node.providerId,
      taints: node.taints.map(({ key, value, effect }) => ({ key, effect, ...(value === undefined ? {} : { value }) })),
    },
    status: {
      capacity: node.capacity,
      allocatable: node.capacity,
      addresses: [
        { type: 'InternalIP', address: node.address },
        { type: 'Hostname', address: node.name },
      ],
      ...(node.kubeletVersion === undefined ? {} : { nodeInfo: nodeInfo(node.kubeletVersion) }),
    },
  };
}

/** What kwok leaves as it is, where it is told; its own name for all of it else. */
function nodeInfo(kubeletVersion: string): V1NodeSystemInfo {
  return { kubeletVersion, kubeProxyVersion: kubeletVersion, architecture: 'amd64', operatingSystem: 'linux', osImage: 'Amazon Linux 2023', kernelVersion: '6.12.0', containerRuntimeVersion: 'containerd://2.1.5', bootID: '', machineID: '', systemUUID: '' };
}

async function remove(api: CoreV1Api, name: string): Promise<void> {
  try {
    await api.deleteNode({ name });
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
  }
}

async function cordon(api: CoreV1Api, name: string): Promise<void> {
  try {
    await api.patchNode({ name, body: [{ op: 'add', path: '/spec/unschedulable', value: true }] });
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
  }
}

/** Deletes the pods of a node but those of DaemonSets, which would come back, and waits until they are gone. */
async function drain(api: CoreV1Api, name: string): Promise<void> {
  const list = async () => {
    const { items } = await api.listPodForAllNamespaces({ fieldSelector: `spec.nodeName=${name}` });
    return items.filter((pod) => !(pod.metadata?.ownerReferences ?? []).some(({ kind }) => kind === 'DaemonSet'));
  };
  for (const { metadata } of await list()) {
    try {
      await api.deleteNamespacedPod({ name: metadata?.name ?? '', namespace: metadata?.namespace ?? '' });
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }
  const deadline = Date.now() + EVICTION_MS;
  while ((await list()).length > 0 && Date.now() < deadline) await sleep(POLL_MS);
}

function isReady(node: V1Node): boolean {
  return (node.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
}

async function until(timeoutMs: number, what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not ${what} after ${timeoutMs / 1000} s`);
    await sleep(POLL_MS);
  }
}
