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
/** A watch can go silent without an error, and its stand-in with it: seen in one of a dozen bootstraps, of ExternalSecrets. */
const CHECK_MS = 10_000;

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
  let wasBehind = '';
  const check = setInterval(() => {
    void (async () => {
      const behind = await missing(kube, kind, informer.list().map(typed));
      // Twice in a row the same: no event that is only on its way.
      if (!stopped && behind !== '' && behind === wasBehind) {
        process.stderr.write(`watch of ${kind.plural}: behind in ${behind}, started again\n`);
        await informer.stop();
        start();
      }
      wasBehind = behind;
    })();
  }, CHECK_MS);
  check.unref();
  return {
    list: () => informer.list().map(typed),
    async stop() {
      stopped = true;
      clearInterval(check);
      await informer.stop();
    },
  };
}

/** Objects that the API server has in another version than the watch knows, as text; nothing where the kind is not there, or nobody answers: those the watch tells of itself. */
async function missing(kube: Kube, kind: Kind, known: readonly Resource[]): Promise<string> {
  const versions = new Set(known.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`));
  const { items } = await kube.list(kind).catch(() => ({ items: [] }));
  return items.filter(({ metadata }) => !versions.has(`${metadata.uid} ${metadata.resourceVersion}`)).map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).join(', ');
}
