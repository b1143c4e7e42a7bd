// Passes a request on to moto as it came, with the account named in a header, and gives its whole answer.
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { WireRequest } from './service.ts';
import type { WireAnswer } from './wire/protocol.ts';

export interface MotoProxy {
  /** @throws Error (ECONNREFUSED, …) when moto cannot be reached */
  forward(request: WireRequest, account: string): Promise<WireAnswer>;
  close(): void;
}

/** Headers that speak of one connection, not of the message. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'expect', 'upgrade', 'proxy-connection', 'te', 'trailer']);

/** Opens the way to moto at `motoUrl`. */
export function createMotoProxy(motoUrl: string): MotoProxy {
  const { hostname, port } = new URL(motoUrl);
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });

  function attempt(request: WireRequest, account: string, again: boolean): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({ agent, hostname, port, method: request.method, path: target(request), headers: headersFor(request, account) });
      outgoing.on('response', (response) => {
        buffer(response).then((body) => resolve(answerOf(response, body)), reject);
      });
      outgoing.on('error', (cause: NodeJS.ErrnoException) => {
        // An idle connection that moto had just closed: the request never reached it.
        if (again && outgoing.reusedSocket && cause.code === 'ECONNRESET') attempt(request, account, false).then(resolve, reject);
        else reject(cause);
      });
      outgoing.end(request.body);
    });
  }

  return { forward: (request, account) => attempt(request, account, true), close: () => agent.destroy() };
}

function target({ path, rawQuery }: WireRequest): string {
  return rawQuery === '' ? path : `${path}?${rawQuery}`;
}

/** The headers as they came, flat, with the body's real length (the body is passed on whole). */
function headersFor(request: WireRequest, account: string): string[] {
  const headers: string[] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const [name = '', value = ''] = [request.rawHeaders[index], request.rawHeaders[index + 1]];
    if (!HOP_BY_HOP.has(name.toLowerCase()) && name.toLowerCase() !== 'content-length') headers.push(name, value);
  }
  if (request.body.length > 0 || ['POST', 'PUT', 'PATCH'].includes(request.method)) headers.push('Content-Length', String(request.body.length));
  headers.push('x-moto-account-id', account);
  return headers;
}

function answerOf(response: IncomingMessage, body: Buffer): WireAnswer {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name)) headers[name] = value;
  }
  return { status: response.statusCode ?? 502, headers, body };
}
