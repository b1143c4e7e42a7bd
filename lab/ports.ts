// Free loopback ports: several labs share a machine, so no port is fixed (issue, "Seen to be done").
import { createServer } from 'node:net';

/** Ports that this process has handed out: the program that asked may not listen yet. */
const handedOut = new Set<number>();

/** A TCP port of 127.0.0.1 that is free now and that this process has not handed out before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await probe();
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    return port;
  }
}

async function probe(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => {
      if (address === null || typeof address === 'string') reject(new Error('no port of the probe is known'));
      else resolve(address.port);
    });
  });
  return promise;
}
