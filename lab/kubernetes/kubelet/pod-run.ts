// One pod as real processes: init containers, containers, restarts with back-off, readiness, status, and a clean end.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { freePort } from '../../ports.ts';
import type { Exit, Supervisor } from '../../processes.ts';
import { removeTree } from '../../remove-tree.ts';
import { isStatus } from '../client.ts';
import { programOf } from '../programs.ts';
import { LISTENS_ON, NotRunnable } from './adapt.ts';
import { ConfigMissing } from './environment.ts';
import { commandOf, makePlace } from './place.ts';
import type { KubeletContext, Place } from './place.ts';
import { containerPort, isContainerReady } from './probe.ts';
import { StatusReporter } from './reporter.ts';
import { waiting } from './status.ts';
import { terminationMessage } from './termination.ts';

const CONFIG_RETRY_MS = 500;
/** Probes begin at once and often, where a kubelet waits for initialDelaySeconds: nothing here is slower for being asked. */
const PROBE_MS = 500;
/** Shorter than the kubelet's 10 s to 5 min, for a lab whose hours are minutes. */
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 30_000;
const HEALTHY_AFTER_MS = 60_000;

export interface PodRunInput {
  readonly context: KubeletContext;
  readonly supervisor: Supervisor;
  readonly pod: V1Pod;
  readonly podIP: string;
  readonly hostIP: string;
}

/** Runs a pod from the moment it is scheduled until it is terminated or discarded. */
export class PodRun {
  readonly #input: PodRunInput;
  readonly #root: string;
  readonly #stopped = new AbortController();
  readonly #ports = new Map<number, number>();
  readonly #report: StatusReporter;
  readonly #running = new Set<string>();
  #done: Promise<void> | undefined;

  constructor(input: PodRunInput) {
    this.#input = input;
    this.#root = join(input.context.cluster.dir, 'pods', (input.pod.metadata?.uid ?? '').slice(0, 8));
    this.#report = new StatusReporter(input);
  }

  /** Begins; what goes wrong is the pod's status. */
  start(): void {
    this.#done ??= this.#live();
  }

  /** Has this pod these labels, and is each of its containers ready? */
  isReadyWith(namespace: string, selector: Readonly<Record<string, string>>): boolean {
    const { metadata } = this.#input.pod;
    const labels = metadata?.labels ?? {};
    return metadata?.namespace === namespace && Object.entries(selector).every(([key, value]) => labels[key] === value) && this.#report.isReady();
  }

  /** The loopback port behind a container port or its name. */
  hostPort(target: number | string): number | undefined {
    for (const container of this.#input.pod.spec?.containers ?? []) {
      const port = containerPort(container, target);
      const found = port === undefined ? undefined : this.#ports.get(port);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Ends the processes (SIGTERM, after the grace SIGKILL). Does not touch the pod's object. */
  async discard(graceSeconds: number): Promise<void> {
    this.#stopped.abort();
    const { supervisor } = this.#input;
    await Promise.all([...this.#running].map((name) => supervisor.stop(name, graceSeconds * 1000)));
    await this.#done;
    await this.#report.settled();
    await removeTree(this.#root);
    await removeTree(`${this.#root}.volumes`);
  }

  /** What deleting a pod does: end its processes, then take the object away. */
  async terminate(graceSeconds: number): Promise<void> {
    await this.discard(graceSeconds);
    await deletePod(this.#input.context, this.#input.pod);
  }

  async #live(): Promise<void> {
    const { pod } = this.#input;
    await this.#allocatePorts();
    const place = await this.#untilDone(pod.spec?.containers[0]?.name ?? '', () =>
      makePlace(this.#input.context, pod, this.#root, this.#stopped.signal),
    );
    if (place === undefined) return;
    for (const container of pod.spec?.initContainers ?? []) await this.#runToSuccess(container, place);
    await Promise.all((pod.spec?.containers ?? []).map((container) => this.#keepRunning(container, place)));
  }

  async #allocatePorts(): Promise<void> {
    for (const container of this.#input.pod.spec?.containers ?? []) {
      const program = programOf(container);
      for (const port of program === undefined ? [] : LISTENS_ON[program]) this.#ports.set(port, await freePort());
    }
  }

  /** Repeats `work` until it succeeds, with what is missing as the container's status; undefined when the pod is stopped meanwhile. */
  async #untilDone<T>(container: string, work: () => Promise<T>): Promise<T | undefined> {
    while (!this.#stopped.signal.aborted) {
      try {
        return await work();
      } catch (error) {
        // Like a kubelet's sync loop: whatever the cause, it is reported where a person looks for it, and tried again.
        this.#report.set(container, waiting(reasonOf(error), error instanceof Error ? error.message : String(error)));
        await this.#pause(CONFIG_RETRY_MS);
      }
    }
    return undefined;
  }

  async #runToSuccess(container: V1Container, place: Place): Promise<void> {
    let backoff = FIRST_BACKOFF_MS;
    while (!this.#stopped.signal.aborted) {
      const exit = await this.#runOnce(container, place);
      if (exit?.code === 0) return;
      await this.#pause(backoff);
      backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
    }
  }

  async #keepRunning(container: V1Container, place: Place): Promise<void> {
    let backoff = FIRST_BACKOFF_MS;
    const policy = this.#input.pod.spec?.restartPolicy ?? 'Always';
    while (!this.#stopped.signal.aborted) {
      const begun = Date.now();
      const exit = await this.#runOnce(container, place);
      if (exit === undefined || policy === 'Never' || (policy === 'OnFailure' && exit.code === 0)) return;
      if (Date.now() - begun > HEALTHY_AFTER_MS) backoff = FIRST_BACKOFF_MS;
      this.#report.backOff(container.name);
      await this.#pause(backoff);
      backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
      this.#report.restarted(container.name);
    }
  }

  /** Starts a container's process and resolves when it has ended; undefined when the pod was stopped before. */
  async #runOnce(container: V1Container, place: Place): Promise<Exit | undefined> {
    const { context, pod, supervisor } = this.#input;
    const hostPort = (port: number) => this.#portOf(port);
    const command = await this.#untilDone(container.name, () => commandOf(context, { pod, container, place, hostPort }));
    if (command === undefined) return undefined;
    if (command === 'skip') return this.#ended(container, new Date(), { code: 0, signal: null });
    const logs = join(context.cluster.dir, 'logs');
    const logFile = join(logs, `${pod.metadata?.name ?? ''}_${container.name}.log`);
    await mkdir(logs, { recursive: true });
    if (this.#stopped.signal.aborted) return undefined;
    const { promise, resolve } = Promise.withResolvers<Exit>();
    const name = `${pod.metadata?.name ?? ''}/${container.name} ${context.cluster.name}`;
    const startedAt = new Date();
    this.#running.add(name);
    await supervisor.start({ name, ...command, cwd: this.#root, logFile, onExit: resolve });
    this.#report.started(container.name, startedAt);
    const probing = new AbortController();
    const probes = this.#probe(container, AbortSignal.any([probing.signal, this.#stopped.signal]));
    const exit = await Promise.race([promise, aborted(this.#stopped.signal)]);
    probing.abort();
    await probes;
    if (exit === undefined) return undefined; // `discard` ends the process
    this.#running.delete(name);
    return this.#ended(container, startedAt, exit, await terminationMessage(container, { root: this.#root, logFile, failed: exit.code !== 0 }));
  }

  #ended(container: V1Container, startedAt: Date, exit: Exit, message = ''): Exit {
    this.#report.ended(container.name, { startedAt, exit, message });
    return exit;
  }

  async #probe(container: V1Container, signal: AbortSignal): Promise<void> {
    const settledMs = (container.readinessProbe?.periodSeconds ?? 10) * 1000;
    const failures = container.readinessProbe?.failureThreshold ?? 3;
    for (let failed = 0; !signal.aborted; ) {
      const ready = await isContainerReady(container, (port) => this.#portOf(port));
      failed = ready ? 0 : failed + 1;
      if (!signal.aborted && (ready || failed >= failures)) this.#report.setReady(container.name, ready);
      await pause(ready ? settledMs : PROBE_MS, signal);
    }
  }

  #portOf(port: number): number {
    const found = this.#ports.get(port);
    if (found === undefined) throw new NotRunnable(`the lab does not know that the program listens on ${port}`);
    return found;
  }

  #pause(ms: number): Promise<void> {
    return pause(ms, this.#stopped.signal);
  }
}

/** Takes a pod's object away, if it is still the same one. */
export async function deletePod({ api }: KubeletContext, pod: V1Pod): Promise<void> {
  const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
  try {
    await api.deleteNamespacedPod({ name, namespace, body: { gracePeriodSeconds: 0, preconditions: { uid } } });
  } catch (error) {
    if (!isStatus(error, 404, 409)) throw error; // gone, or another pod of that name
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ConfigMissing) return 'CreateContainerConfigError';
  return error instanceof NotRunnable ? 'ErrImageNeverPull' : 'CreateContainerError';
}

/** Waits, but not beyond the abort. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await Promise.race([sleep(ms, undefined, { ref: false }), aborted(signal)]);
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  if (signal.aborted) resolve(undefined);
  else signal.addEventListener('abort', () => { resolve(undefined); }, { once: true });
  return promise;
}
