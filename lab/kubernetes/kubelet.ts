// The kubelet of processes: pods whose images the lab has programs for run as real processes with the manifest's own arguments (design: lab).
// Gaps: README.md in this folder.
import { CoreV1Api } from '@kubernetes/client-node';
import type { KubeConfig, V1Pod } from '@kubernetes/client-node';
import type { Supervisor } from '../processes.ts';
import type { Tools } from '../tools.ts';
import { adminConfig } from './client.ts';
import type { KubernetesCluster } from './control-plane.ts';
import type { KubeletContext } from './kubelet/place.ts';
import { PodRun, deletePod } from './kubelet/pod-run.ts';
import { ServiceProxy } from './kubelet/service-proxy.ts';
import { ListWatch } from './list-watch.ts';
import { runsAsProcesses } from './programs.ts';

export interface KubeletInput {
  readonly cluster: KubernetesCluster;
  readonly tools: Tools;
  readonly supervisor: Supervisor;
  /** AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS and AWS_REGION of the lab. */
  readonly aws: Readonly<Record<string, string>>;
  /** PEM file of the authorities that sign the certificates of the lab's RDS; absent where a test has no RDS. */
  readonly rdsCa?: string;
}

export interface Kubelet {
  /** Ends every process of its pods; the pods' objects stay. */
  stop(): Promise<void>;
}

const DEFAULT_GRACE_SECONDS = 30;

/** Starts watching a cluster's pods. One kubelet serves all nodes of the cluster. */
export function startKubelet(input: KubeletInput): Kubelet {
  return new ProcessKubelet(input);
}

class ProcessKubelet implements Kubelet {
  readonly #input: KubeletInput;
  readonly #api: CoreV1Api;
  readonly #context: KubeletContext;
  readonly #pods: ListWatch<V1Pod>;
  readonly #runs = new Map<string, PodRun>();
  readonly #ending = new Map<string, Promise<void>>();
  #addresses = 0;
  #stopped = false;

  constructor(input: KubeletInput) {
    this.#input = input;
    const config = adminConfig(input.cluster);
    this.#api = config.makeApiClient(CoreV1Api);
    const proxy = new ServiceProxy(this.#api, (namespace, selector, target) => {
      const run = [...this.#runs.values()].toReversed().find((candidate) => candidate.isReadyWith(namespace, selector));
      return run?.hostPort(target);
    });
    this.#context = { cluster: input.cluster, api: this.#api, tools: input.tools, proxy, aws: input.aws, ...(input.rdsCa === undefined ? {} : { rdsCa: input.rdsCa }) };
    this.#pods = this.#watch(config);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#pods.stop();
    await Promise.all([...this.#runs.values()].map((run) => run.discard(2)));
    await Promise.all(this.#ending.values());
    await this.#context.proxy.close();
  }

  #watch(config: KubeConfig): ListWatch<V1Pod> {
    return new ListWatch<V1Pod>({
      config,
      path: '/api/v1/pods',
      list: () => this.#api.listPodForAllNamespaces(),
      changed: (pod) => {
        this.#see(pod);
      },
      deleted: (pod) => {
        this.#end(pod, (run) => run.discard(0));
      },
    });
  }

  #see(pod: V1Pod): void {
    const uid = pod.metadata?.uid ?? '';
    if (this.#stopped || !runsAsProcesses(pod.spec?.containers ?? []) || pod.spec?.nodeName === undefined) return;
    if (pod.metadata?.deletionTimestamp !== undefined) {
      const grace = pod.metadata.deletionGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
      if (this.#runs.has(uid)) this.#end(pod, (run) => run.terminate(grace));
      else if (!this.#ending.has(uid)) this.#track(uid, deletePod(this.#context, pod));
    } else if (!this.#runs.has(uid) && !this.#ending.has(uid) && (pod.status?.phase ?? 'Pending') === 'Pending') {
      this.#begin(uid, pod, pod.spec.nodeName);
    }
  }

  #begin(uid: string, pod: V1Pod, nodeName: string): void {
    this.#addresses += 1;
    const run = new PodRun({
      context: this.#context,
      supervisor: this.#input.supervisor,
      pod,
      podIP: `10.0.${64 + (this.#addresses >> 8)}.${this.#addresses & 255}`, // beside kwok's range; nothing listens there
      hostIP: nodeAddress(nodeName),
    });
    this.#runs.set(uid, run);
    run.start();
  }

  #end(pod: V1Pod, how: (run: PodRun) => Promise<void>): void {
    const uid = pod.metadata?.uid ?? '';
    const run = this.#runs.get(uid);
    if (run === undefined) return;
    this.#runs.delete(uid);
    this.#track(uid, how(run));
  }

  /** Remembers an ending until it is over. One that fails leaves the pod's object: the next change of it tries again. */
  #track(uid: string, ending: Promise<void>): void {
    const over = ending
      .catch((error: unknown) => {
        process.emitWarning(`kubelet of ${this.#input.cluster.name}: ending pod ${uid} failed: ${String(error)}`);
      })
      .finally(() => this.#ending.delete(uid));
    this.#ending.set(uid, over);
  }
}

/** The address in a node's private DNS name, `ip-10-0-1-23.…`; the loopback address for any other name. */
function nodeAddress(nodeName: string): string {
  const match = /^ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})(?:\.|$)/.exec(nodeName);
  return match === null ? '127.0.0.1' : match.slice(1, 5).join('.');
}
