// A watch that does not end: an informer of @kubernetes/client-node that starts again whenever it breaks, and waits for a
// kind that is not there yet.
import { makeInformer } from '@kubernetes/client-node';
import { collectionPath, type Kind, type Kube, type Resource } from './kube.ts';

export interface ObjectWatch<T extends Resource = Resource> {
  /** Newest known objects. */
  list(): readonly T[];
  stop(): Promise<void>;
}

/** An informer stays stopped after an error (facts.md); it is started again after this long. */
const RETRY_MS = 1_000;

/** Watches a kind over all namespaces, and reports each object that came, changed or went. */
export function watchKind<T extends Resource>(kube: Kube, kind: Kind<T>, report: { changed: (object: T) => void; deleted: (object: T) => void }): ObjectWatch<T> {
  let stopped = false;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the client types times as Date; nothing here reads one
  const informer = makeInformer(kube.config, collectionPath(kind), (async () => kube.list(kind)) as unknown as Parameters<typeof makeInformer>[2]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same, on the way out
  const typed = (object: unknown): T => object as T;
  const start = (): void => {
    // What keeps it from starting comes as its `error` event, which starts it again.
    void informer.start();
  };
  informer.on('add', (object) => {
    report.changed(typed(object));
  });
  informer.on('update', (object) => {
    report.changed(typed(object));
  });
  informer.on('delete', (object) => {
    report.deleted(typed(object));
  });
  informer.on('error', () => {
    if (!stopped) setTimeout(() => stopped || start(), RETRY_MS).unref();
  });
  start();
  return {
    list: () => informer.list().map(typed),
    async stop() {
      stopped = true;
      await informer.stop();
    },
  };
}
