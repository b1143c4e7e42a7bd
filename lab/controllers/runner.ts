// Runs one stand-in: watches its kinds, keeps a queue of objects to look at, and acts only while the Deployment it stands
// for is available. A controller that was removed too early must be felt, in the lab as on AWS (teardown failures 5, 10, 12).
import { DEPLOYMENT, type Deployment } from './kinds.ts';
import type { Kind, Kube, Resource } from './kube.ts';
import { type ObjectWatch, watchKind } from './watch.ts';

/** What a stand-in sees of the world when it looks at one object. */
export interface World {
  readonly kube: Kube;
  /** The Deployment it stands for: its arguments and its service account are the configuration. */
  readonly deployment: Deployment;
  /** Newest known objects of one of its kinds. */
  readonly known: <T extends Resource>(kind: Kind<T>) => readonly T[];
}

/** Makes the world agree with one object. Returns after how many milliseconds to look again, if at all. Errors are retried with back-off. */
type Reconcile<T extends Resource> = (world: World, object: T) => Promise<number | undefined>;

export interface Handler {
  readonly kind: Kind;
  readonly reconcile: Reconcile<Resource>;
}

export interface StandIn {
  readonly name: string;
  /** The Deployment it stands for. */
  readonly deployment: { namespace: string; name: string };
  readonly handlers: readonly Handler[];
  readonly stop?: () => void;
}

/** What `list` of the controllers says of a stand-in. */
export interface StandInState {
  name: string;
  /** Is its Deployment available, so that it acts? */
  active: boolean;
  queued: number;
  lastError?: string | undefined;
}

/** Ties a kind to what is done with its objects. */
export function handles<T extends Resource>(kind: Kind<T>, reconcile: Reconcile<T>): Handler {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the runner hands each handler objects of its own kind
  return { kind, reconcile: reconcile as unknown as Reconcile<Resource> };
}

interface Queued { handler: Handler; namespace: string | undefined; name: string; due: number; failures: number }

/** Back-off of failing objects, first and longest. */
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 10_000;

/** A running stand-in. It never fails for what the cluster lacks; it waits for it. */
export class Runner {
  readonly #kube: Kube;
  readonly #standIn: StandIn;
  readonly #log: (line: string) => void;
  readonly #queue = new Map<string, Queued>();
  readonly #watches: Map<Handler, ObjectWatch>;
  readonly #gate: ObjectWatch<Deployment>;
  #deployment: Deployment | undefined;
  #lastError: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> | undefined;
  #stopped = false;

  constructor(kube: Kube, standIn: StandIn, log: (line: string) => void) {
    this.#kube = kube;
    this.#standIn = standIn;
    this.#log = log;
    this.#watches = new Map(
      standIn.handlers.map((handler) => [
        handler,
        watchKind(kube, handler.kind, {
          changed: (object) => {
            this.#enqueue(handler, object);
          },
          deleted: (object) => this.#queue.delete(keyOf(handler.kind, object.metadata)),
        }),
      ]),
    );
    this.#gate = watchKind(kube, DEPLOYMENT, {
      changed: (object) => {
        this.#turn(object, object);
      },
      deleted: (object) => {
        this.#turn(object, undefined);
      },
    });
  }

  state(): StandInState {
    return { name: this.#standIn.name, active: this.#deployment !== undefined, queued: this.#queue.size, lastError: this.#lastError };
  }

  /** Ends the watches; resolves when the object in hand is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await Promise.all([...this.#watches.values(), this.#gate].map((watch) => watch.stop()));
    await this.#work;
    this.#standIn.stop?.();
  }

  /** Opens or closes the gate when the Deployment it stands for comes, changes or goes. */
  #turn({ metadata: { namespace, name } }: Deployment, seen: Deployment | undefined): void {
    if (namespace !== this.#standIn.deployment.namespace || name !== this.#standIn.deployment.name) return;
    const available = seen?.metadata.deletionTimestamp === undefined && (seen?.status?.availableReplicas ?? 0) > 0;
    const before = this.#deployment;
    this.#deployment = available ? seen : undefined;
    if (before === undefined && this.#deployment !== undefined) {
      this.#log(`${this.#standIn.name}: acts`);
      for (const [handler, watch] of this.#watches) for (const object of watch.list()) this.#enqueue(handler, object);
    }
    if (before !== undefined && this.#deployment === undefined) this.#log(`${this.#standIn.name}: its Deployment is not available, so it does nothing`);
  }

  #enqueue(handler: Handler, { metadata: { namespace, name } }: Resource): void {
    const key = keyOf(handler.kind, { namespace, name });
    this.#queue.set(key, { handler, namespace, name, due: Date.now(), failures: this.#queue.get(key)?.failures ?? 0 });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#stopped || this.#work !== undefined) return;
    clearTimeout(this.#timer);
    if (this.#deployment === undefined || this.#queue.size === 0) return;
    const next = Math.min(...[...this.#queue.values()].map(({ due }) => due));
    this.#timer = setTimeout(() => {
      this.#work = this.#drain().finally(() => {
        this.#work = undefined;
        this.#schedule();
      });
    }, Math.max(0, next - Date.now()));
  }

  /** Looks at every object that is due, one after the other. */
  async #drain(): Promise<void> {
    for (let item = this.#nextDue(); item !== undefined; item = this.#nextDue()) await this.#look(item);
  }

  #nextDue(): Queued | undefined {
    if (this.#stopped || this.#deployment === undefined) return undefined;
    const now = Date.now();
    return [...this.#queue.values()].find(({ due }) => due <= now);
  }

  async #look(item: Queued): Promise<void> {
    const key = keyOf(item.handler.kind, item);
    const object = this.#watches.get(item.handler)?.list().find(({ metadata }) => metadata.name === item.name && metadata.namespace === item.namespace);
    this.#queue.delete(key);
    if (object === undefined || this.#deployment === undefined) return;
    try {
      const again = await item.handler.reconcile({ kube: this.#kube, deployment: this.#deployment, known: (kind) => this.#known(kind) }, object);
      if (again !== undefined && !this.#queue.has(key)) this.#queue.set(key, { ...item, failures: 0, due: Date.now() + again });
    } catch (error) {
      // Whatever fails is retried, as controller-runtime does; the reason is kept for `lab status`.
      this.#lastError = `${item.handler.kind.kind} ${item.namespace ?? ''}/${item.name}: ${error instanceof Error ? error.message : String(error)}`;
      this.#log(`${this.#standIn.name}: ${this.#lastError}`);
      this.#queue.set(key, { ...item, failures: item.failures + 1, due: Date.now() + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** item.failures) });
    }
  }

  #known<T extends Resource>(kind: Kind<T>): readonly T[] {
    for (const [handler, watch] of this.#watches) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the watch is of this very kind
      if (handler.kind.plural === kind.plural && handler.kind.group === kind.group) return watch.list() as readonly T[];
    }
    throw new TypeError(`${this.#standIn.name} does not watch ${kind.kind}`);
  }
}

function keyOf(kind: Kind, { namespace, name }: { namespace?: string | undefined; name: string }): string {
  return `${kind.group}/${kind.plural}/${namespace ?? ''}/${name}`;
}
