// Readiness probes against a process's loopback ports (core/v1, Probe).
import { get } from 'node:http';
import { connect } from 'node:net';
import type { V1Container } from '@kubernetes/client-node';

const TIMEOUT_MS = 2_000;

/** The container port that a probe names, by number or by the container's name for it. */
export function containerPort(container: V1Container, port: number | string): number | undefined {
  if (typeof port === 'number') return port;
  return (container.ports ?? []).find(({ name }) => name === port)?.containerPort;
}

/** Asks once. A container without a readiness probe, or with one the lab cannot ask (exec, gRPC), is ready as soon as it runs. */
export async function isContainerReady(container: V1Container, hostPort: (port: number) => number): Promise<boolean> {
  const { httpGet, tcpSocket } = container.readinessProbe ?? {};
  const named = httpGet?.port ?? tcpSocket?.port;
  if (named === undefined) return true;
  const port = containerPort(container, named);
  if (port === undefined) return false;
  return httpGet === undefined ? accepts(hostPort(port)) : answersOk(hostPort(port), httpGet.path ?? '/');
}

async function answersOk(port: number, path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  get({ host: '127.0.0.1', port, path, timeout: TIMEOUT_MS, agent: false }, ({ statusCode = 500, socket }) => {
    resolve(statusCode >= 200 && statusCode < 400);
    socket.destroy();
  })
    .on('error', () => {
      resolve(false); // a probe that cannot connect has failed, whatever the cause
    })
    .on('timeout', () => {
      resolve(false);
    });
  return promise;
}

async function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port, timeout: TIMEOUT_MS });
  for (const [event, open] of [['connect', true], ['error', false], ['timeout', false]] as const) {
    socket.once(event, () => {
      resolve(open);
      socket.destroy();
    });
  }
  return promise;
}
