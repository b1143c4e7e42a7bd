// The client of one cluster where nobody answers (failure 36): a server that hangs is silence, as one that is gone.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openCluster } from '../../../activities/kubernetes-client.ts';
import { selfSigned } from '../../../lab/aws/eks/certificate.ts';

const certificate = selfSigned('hangs');
let server: Server;
beforeEach(async () => {
  server = createServer(certificate, () => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
});

it('failure 36: an API server that takes a request and never answers is silent, also while it is asked which kinds it serves', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const access = { endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, caPem: certificate.cert, token: 'a' };
  const cluster = await openCluster(access, () => Promise.resolve('a'), new AbortController().signal);
  const listed = cluster.list('argoproj.io/v1alpha1', 'Application').catch((error: unknown) => error);
  await once(server, 'request');
  vi.advanceTimersByTime(15_000);
  expect(await listed).toMatchObject({ type: 'KubernetesUnavailable', message: expect.stringContaining('no answer') as string });
}, 10_000);
