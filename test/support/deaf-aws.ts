// An AWS that refuses everything and remembers that it was asked: for tests of what must never be asked.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClients } from '../../activities/clients.ts';

/** Clients of every service that lead to it. `asked` is each request, `method path`; `onAsked` is called before the answer. */
export async function deafAws(region: string) {
  const aws = { asked: [] as string[], onAsked: () => {} };
  const server = createServer((request, response) => {
    aws.asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    aws.onAsked();
    const isQuery = request.headers['content-type']?.includes('x-www-form-urlencoded') === true; // EC2, ELB, IAM; the others here speak JSON
    response.writeHead(403, { 'x-amzn-errortype': 'AccessDeniedException' }).end(isQuery ? '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>' : '{"message":"no"}');
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  const before = { ...process.env };
  Object.assign(process.env, { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
  const clients = createClients(region);
  return {
    aws,
    clients,
    async close() {
      process.env = before;
      server.closeAllConnections();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
}
