// The HTTP side of the stand-ins for applications: JSON answers on a loopback port, and a clean end (design: lab).
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

export interface Request {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  /** The body as text, read when asked for. */
  text: () => Promise<string>;
}

/** Bodies of the stand-ins' clients are small; anything longer is a mistake. */
const LONGEST_BODY = 1_000_000;

/** The ports that the kubelet gives: the first argument, one for each port of the program, in its order. */
export function portsOf(argv: readonly string[]): number[] {
  return (argv[2] ?? '').split(',').map(Number);
}

/** A variable that the program cannot run without, as the manifest gives it. */
export function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
}

/** Serves on a loopback port until SIGTERM. What a handler throws is a 500 with its message, and a line in the log. */
export function serve(port: number, handle: (request: Request) => Promise<Answer>): void {
  const server = createServer((incoming, outgoing) => {
    void respond(incoming, outgoing, handle);
  });
  server.listen(port, '127.0.0.1');
  process.once('SIGTERM', () => {
    server.close();
    process.exit(0);
  });
}

async function respond(incoming: IncomingMessage, outgoing: ServerResponse, handle: (request: Request) => Promise<Answer>): Promise<void> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://localhost');
  let answer: Answer;
  try {
    answer = await handle({ method: incoming.method ?? 'GET', path: pathname, query: searchParams, headers: incoming.headers, text: () => textOf(incoming) });
  } catch (error) {
    // Whatever fails is this one request's: a server goes on.
    process.stderr.write(`${incoming.method ?? ''} ${pathname}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    answer = { status: 500, body: { error: 'unknown_error', message: error instanceof Error ? error.message : String(error) } };
  }
  const { status, body, headers } = answer;
  outgoing.writeHead(status, { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of incoming) {
    text += String(part);
    if (text.length > LONGEST_BODY) throw new Error('the body is too long');
  }
  return text;
}
