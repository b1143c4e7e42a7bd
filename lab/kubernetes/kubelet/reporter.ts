// Keeps what is known of a pod's containers and tells the API server, one patch at a time.
import { setTimeout as sleep } from 'node:timers/promises';
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { V1ContainerStateTerminated, V1Pod } from '@kubernetes/client-node';
import type { Exit } from '../../processes.ts';
import { isStatus } from '../client.ts';
import type { KubeletContext } from './place.ts';
import { podStatus, waiting } from './status.ts';
import type { ContainerRecord } from './status.ts';

const RETRY_MS = 1_000;
/** After this many failures in a row the report waits for the next change. */
const RETRIES = 30;

/** A signal's part in an exit code, as shells and the kubelet write it. */
const SIGNAL_CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGABRT: 134, SIGKILL: 137, SIGSEGV: 139, SIGTERM: 143 };

export interface ReporterInput {
  readonly context: Pick<KubeletContext, 'api'>;
  readonly pod: V1Pod;
  readonly podIP: string;
  readonly hostIP: string;
}

/** Each change is reported; changes during a patch are reported together by the next one. */
export class StatusReporter {
  readonly #input: ReporterInput;
  readonly #containers = new Map<string, ContainerRecord>();
  readonly #startTime = new Date();
  #pod: V1Pod;
  #dirty = false;
  #gone = false;
  #patching: Promise<void> | undefined;

  constructor(input: ReporterInput) {
    this.#input = input;
    this.#pod = input.pod;
  }

  set(container: string, record: ContainerRecord): void {
    const before = this.#containers.get(container);
    this.#containers.set(container, {
      ...record,
      restartCount: before?.restartCount ?? record.restartCount,
      ...(before?.lastState === undefined ? {} : { lastState: before.lastState }),
    });
    this.#changed();
  }

  started(container: string, startedAt: Date): void {
    this.set(container, { state: { running: { startedAt } }, ready: false, restartCount: 0 });
  }

  setReady(container: string, ready: boolean): void {
    const before = this.#containers.get(container);
    if (before === undefined || before.ready === ready) return;
    this.#containers.set(container, { ...before, ready });
    this.#changed();
  }

  ended(container: string, { startedAt, exit, message }: { startedAt: Date; exit: Exit; message: string }): void {
    const exitCode = exit.code ?? SIGNAL_CODES[exit.signal ?? ''] ?? 255;
    const terminated: V1ContainerStateTerminated = { exitCode, startedAt, finishedAt: new Date(), reason: exitCode === 0 ? 'Completed' : 'Error', ...(message === '' ? {} : { message }) };
    this.set(container, { state: { terminated }, ready: false, restartCount: 0 });
  }

  /** Between the end of a process and its next start. */
  backOff(container: string): void {
    const before = this.#containers.get(container);
    const lastState = before?.state;
    const record = { ...waiting('CrashLoopBackOff', 'back-off restarting failed container'), restartCount: before?.restartCount ?? 0 };
    this.#containers.set(container, lastState === undefined ? record : { ...record, lastState });
    this.#changed();
  }

  restarted(container: string): void {
    const before = this.#containers.get(container);
    if (before !== undefined) before.restartCount += 1;
  }

  isReady(): boolean {
    const containers = this.#input.pod.spec?.containers ?? [];
    return containers.every(({ name }) => this.#containers.get(name)?.ready === true);
  }

  /** Resolves when no patch is under way. */
  async settled(): Promise<void> {
    this.#gone = true;
    await this.#patching;
  }

  #changed(): void {
    this.#dirty = true;
    this.#patching ??= this.#patch().finally(() => {
      this.#patching = undefined;
    });
  }

  async #patch(): Promise<void> {
    const { context, podIP, hostIP } = this.#input;
    const { name = '', namespace = '' } = this.#pod.metadata ?? {};
    for (let failures = 0; this.#dirty && !this.#gone && failures < RETRIES; ) {
      this.#dirty = false;
      const status = podStatus({ pod: this.#pod, startTime: this.#startTime, podIP, hostIP, containers: this.#containers }, new Date());
      try {
        const options = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);
        this.#pod = await context.api.patchNamespacedPodStatus({ name, namespace, body: { status } }, options);
        failures = 0;
      } catch (error) {
        if (isStatus(error, 404)) this.#gone = true;
        failures += 1; // the API server may be restarting; the status is told again, or by the next change
        this.#dirty = true;
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }
}
