// Reaches Services of a cluster over loopback: names do not resolve here, so each address in use gets a port that forwards (design: lab, "A kubelet of processes").
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { CoreV1Api } from '@kubernetes/client-node';
import type { ServiceAddress } from './texts.ts';

/** Finds the loopback port of a Ready pod with these labels; `target` is a container port or its name. */
export type FindBackend = (namespace: string, selector: Readonly<Record<string, string>>, target: number | string) => number | undefined;

/** The kube-proxy of a lab's cluster. */
export class ServiceProxy {
  readonly #api: CoreV1Api;
  readonly #findBackend: FindBackend;
  readonly #servers = new Map<string, Promise<Server>>();
  readonly #sockets = new Set<Socket>();

  constructor(api: CoreV1Api, findBackend: FindBackend) {
    this.#api = api;
    this.#findBackend = findBackend;
  }

  /** `127.0.0.1:<port>` for an address; always the same one, before the Service exists and while no pod is Ready (connections end then). */
  async address(target: ServiceAddress): Promise<string> {
    const key = `${target.namespace}/${target.service}:${target.port}`;
    let listening = this.#servers.get(key);
    if (listening === undefined) {
      listening = this.#listen(target);
      this.#servers.set(key, listening);
    }
    const bound = (await listening).address();
    if (bound === null || typeof bound === 'string') throw new Error(`the forwarder of ${key} is closed`);
    return `127.0.0.1:${bound.port}`;
  }

  /** Ends all forwarding. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const listening of this.#servers.values()) (await listening).close();
  }

  async #listen(target: ServiceAddress): Promise<Server> {
    const { promise, resolve, reject } = Promise.withResolvers<Server>();
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
      void this.#serve(client, target);
    });
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      resolve(server);
    });
    return promise;
  }

  async #serve(client: Socket, target: ServiceAddress): Promise<void> {
    this.#track(client);
    try {
      this.#join(client, await this.#backend(target));
    } catch {
      client.destroy(); // as a connection to a Service that cannot be looked up
    }
  }

  /** Reads the Service anew for each connection: connections are few and long. */
  async #backend({ namespace, service, port }: ServiceAddress): Promise<number | undefined> {
    const { spec } = await this.#api.readNamespacedService({ name: service, namespace });
    const found = (spec?.ports ?? []).find((entry) => entry.port === port);
    if (found === undefined) return undefined;
    return this.#findBackend(namespace, spec?.selector ?? {}, found.targetPort ?? found.port);
  }

  #join(client: Socket, port: number | undefined): void {
    if (port === undefined) {
      client.destroy();
      return;
    }
    const backend = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#track(backend);
    client.pipe(backend);
    backend.pipe(client);
    client.once('close', () => backend.destroy());
    backend.once('close', () => client.destroy());
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy()); // either end may break off; the other is told by `close`
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
