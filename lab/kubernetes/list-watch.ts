// A watch that does not end: list, watch, and list again at once when the watch breaks. The client's own informer waits up to
// 30 s between attempts, and a lab whose API server restarts has no such time.
import { setTimeout as sleep } from 'node:timers/promises';
import { Watch } from '@kubernetes/client-node';
import type { KubeConfig, KubernetesObject } from '@kubernetes/client-node';

const AGAIN_MS = 250;

export interface ListWatchInput<T extends KubernetesObject> {
  readonly config: KubeConfig;
  /** Collection of the kind, for example `/api/v1/pods`. */
  readonly path: string;
  readonly list: () => Promise<{ readonly metadata?: { readonly resourceVersion?: string }; readonly items: readonly T[] }>;
  /** Told of each object that is there or changes; again for all of them after each break. Times may be strings. */
  readonly changed: (object: T) => void;
  /** Told of each object that is gone. */
  readonly deleted: (object: T) => void;
}

/** Watches a collection until stopped. */
export class ListWatch<T extends KubernetesObject> {
  readonly #input: ListWatchInput<T>;
  readonly #known = new Map<string, T>();
  readonly #running: Promise<void>;
  #stopped = false;
  #abort: (() => void) | undefined;

  constructor(input: ListWatchInput<T>) {
    this.#input = input;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#abort?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#watchFrom(await this.#list());
      } catch {
        // The API server may be restarting; whatever it is, the next list tells whether it is over.
      }
      await sleep(AGAIN_MS, undefined, { ref: false });
    }
  }

  /** Tells what is there and what is gone since the last time; returns the version to watch from. */
  async #list(): Promise<string> {
    const { metadata, items } = await this.#input.list();
    const present = new Set(items.map(uidOf));
    for (const [uid, object] of this.#known) if (!present.has(uid)) this.#forget(object);
    for (const item of items) this.#learn(item);
    return metadata?.resourceVersion ?? '';
  }

  /** Resolves when the watch has ended, for whatever reason; an idle one ends after 30 s. */
  async #watchFrom(resourceVersion: string): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const controller = await new Watch(this.#input.config).watch(
      this.#input.path,
      { resourceVersion },
      (phase, object: T) => {
        if (phase === 'DELETED') this.#forget(object);
        if (phase === 'ADDED' || phase === 'MODIFIED') this.#learn(object);
      },
      () => {
        ended.resolve();
      },
    );
    this.#abort = () => {
      controller.abort();
    };
    if (this.#stopped) controller.abort();
    await ended.promise;
  }

  #learn(object: T): void {
    this.#known.set(uidOf(object), object);
    if (!this.#stopped) this.#input.changed(object);
  }

  #forget(object: T): void {
    this.#known.delete(uidOf(object));
    if (!this.#stopped) this.#input.deleted(object);
  }
}

function uidOf(object: KubernetesObject): string {
  return object.metadata?.uid ?? '';
}
