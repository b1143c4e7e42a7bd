// The AWS endpoint of the lab (lab.md § The gateway): one loopback server that checks who calls, screens for faults, and
// lets its own services or moto answer. The list of its own services is at the end of this file.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createClock } from './clock.ts';
import { answerControl, type Controlled } from './control.ts';
import { createFaults, type Faults } from './faults.ts';
import { openPolicyStore, type PolicyStore } from './iam/policy-store.ts';
import { iamOverlay } from './iam/service.ts';
import { createMotoProxy } from './moto-proxy.ts';
import { createPipeline } from './pipeline.ts';
import type { AccessKey } from './principals.ts';
import { openRoute53 } from './route53/state.ts';
import { route53 } from './route53/service.ts';
import { createRequestLog, type RequestLog } from './request-log.ts';
import { plugOverlay, plugService, type Plugged, type WireRequest, type World } from './service.ts';

import { sts } from './sts/service.ts';

export interface GatewayOptions {
  /** 0 (the default) takes a free one. */
  port?: number;
  /** How many seconds of AWS pass in one real second; 1 by default. */
  timeScale?: number;
  /** Where moto listens, e.g. `http://127.0.0.1:5000`. */
  motoUrl: string;
  account: string;
  region: string;
  /** Access keys known from the start. */
  keys?: readonly AccessKey[];
  /** Further services, bound to their states: `(world) => [plugService(eks, openEks(world, …)), plugOverlay(elbv2, …)]`. */
  services?(world: World): Plugged[];
}

export interface Gateway {
  url: string;
  port: number;
  world: World;
  faults: Faults;
  requests: RequestLog['requests'];
  counters: RequestLog['counters'];
  /** IAM as the gateway reads it from moto. */
  policies: PolicyStore;
  /** The state a service was plugged with, by its SigV4 scope. */
  state(scope: string): unknown;
  close(): Promise<void>;
}

/** Starts the gateway on 127.0.0.1. @throws Error (EADDRINUSE) when a given port is taken */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const world: World = {
    account: options.account,
    region: options.region,
    clock: createClock(options.timeScale ?? 1),
    motoUrl: options.motoUrl,
    keys: new Map(options.keys?.map((key) => [key.accessKeyId, key])),
    issuers: new Map(),
    clusters: new Map(),
  };
  const [faults, log, moto, policies] = [createFaults(), createRequestLog(), createMotoProxy(options.motoUrl), openPolicyStore(world)];
  const services = [...ownServices(world, policies), ...(options.services?.(world) ?? [])];
  const answer = createPipeline({ world, faults, log, moto, policies, services });
  const controlled: Controlled = { world, faults, requests: log.requests, counters: log.counters };
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch((cause: unknown) => outgoing.destroy(cause instanceof Error ? cause : undefined));
  });
  // An idle connection that is closed under a client's keep-alive looks like a reset: never close one first.
  Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    const result = request.path.startsWith('/_lab/') ? await answerControl(controlled, request) : await answer(request);
    if (result === 'reset') incoming.socket.resetAndDestroy();
    else outgoing.writeHead(result.status, { ...result.headers, ...lengthOf(request, result) }).end(request.method === 'HEAD' ? undefined : result.body);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server's address is never a pipe's name
  const { port } = server.address() as AddressInfo;
  return {
    ...controlled,
    url: `http://127.0.0.1:${port}`,
    port,
    policies,
    state: (scope) => services.find((service) => service.scope === scope)?.state,
    async close() {
      world.clock.close();
      moto.close();
      policies.close();
      server.closeAllConnections();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
}

async function readRequest(incoming: IncomingMessage): Promise<WireRequest> {
  const url = incoming.url ?? '/';
  const mark = url.indexOf('?');
  const rawQuery = mark === -1 ? '' : url.slice(mark + 1);
  return {
    method: incoming.method ?? 'GET',
    path: mark === -1 ? url : url.slice(0, mark),
    query: new URLSearchParams(rawQuery.replace(/\+/g, '%2B')), // SigV4 writes a space as %20; a plus is a plus
    rawQuery,
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body: await buffer(incoming),
  };
}

/** HEAD keeps the length that moto named for the body it did not send. */
function lengthOf(request: WireRequest, { status, body }: { status: number; body: Buffer }): Record<string, number> {
  return request.method === 'HEAD' || status === 204 || status === 304 ? {} : { 'content-length': body.length };
}

/** The services of the gateway itself. */
function ownServices(world: World, policies: PolicyStore): Plugged[] {
  return [plugService(route53, openRoute53(world)), plugOverlay(sts, { policies }), plugOverlay(iamOverlay, { policies })];
}
