// The runner of the lab's stand-ins, on an API server that lets the test say when an object comes and goes (T3).
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DEPLOYMENT } from '../../../../lab/controllers/kinds.ts';
import { apiVersion, collectionPath, type Kind, type Kube, type Resource } from '../../../../lab/controllers/kube.ts';
import { handles, Runner } from '../../../../lab/controllers/runner.ts';

const ORDER: Kind = { group: 'test.goldenpath.idp', version: 'v1', plural: 'orders', kind: 'Order', namespaced: true };
const AGAIN_MS = 100;

let server: Server;
let kube: Kube;
let watches: Map<string, ServerResponse>;
let runner: Runner | undefined;
let looks: string[];

beforeEach(async () => {
  watches = new Map();
  looks = [];
  server = createServer((asked, answer) => {
    const { pathname } = new URL(asked.url ?? '/', 'http://127.0.0.1');
    answer.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    watches.set(pathname, answer);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'test', server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, skipTLSVerify: true }, { name: 'test' });
  const unasked = (): never => { throw new TypeError('the runner itself only lists and watches'); };
  kube = { config, list: () => Promise.resolve({ metadata: { resourceVersion: '1' }, items: [] }), get: unasked, create: unasked, patch: unasked, remove: unasked, token: unasked };
});

afterEach(async () => {
  await runner?.stop();
  server.closeAllConnections();
  await new Promise((resolve) => { server.close(resolve); });
});

/** What the API server tells the watch of a kind. */
function tell(kind: Kind, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Resource & { status?: unknown }): void {
  const watch = watches.get(collectionPath(kind));
  if (watch === undefined) throw new TypeError(`nobody watches ${kind.plural}`);
  watch.write(`${JSON.stringify({ type, object: { apiVersion: apiVersion(kind), kind: kind.kind, ...object } })}\n`);
}

function order(name: string, resourceVersion: string): Resource {
  return { metadata: { namespace: 'shop', name, uid: name, resourceVersion } };
}

it('T3: a stand-in goes on after the only object of its queue was deleted before its turn came', async () => {
  const standIn = { name: 'orders', deployment: { namespace: 'shop', name: 'orders' }, handlers: [handles(ORDER, (_world, { metadata: { name } }) => {
    looks.push(name);
    return Promise.resolve(name === 'hook' ? AGAIN_MS : undefined);
  })] };
  runner = new Runner(kube, standIn, () => {});
  await vi.waitFor(() => { expect(watches.size).toBe(2); });
  tell(DEPLOYMENT, 'ADDED', { metadata: { namespace: 'shop', name: 'orders', uid: 'd', resourceVersion: '2' }, status: { availableReplicas: 1 } });
  tell(ORDER, 'ADDED', order('hook', '3'));
  await vi.waitFor(() => { expect(looks).toEqual(['hook']); });
  tell(ORDER, 'DELETED', order('hook', '4'));
  await new Promise((resolve) => { setTimeout(resolve, 2 * AGAIN_MS); }); // its timer fires, and finds nothing
  expect(looks).toEqual(['hook']);
  tell(ORDER, 'ADDED', order('next', '5'));
  await vi.waitFor(() => { expect(looks).toEqual(['hook', 'next']); });
  expect(runner.state()).toEqual({ name: 'orders', active: true, queued: 0, lastError: undefined });
});
