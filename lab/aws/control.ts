// The gateway's control endpoint under `/_lab/`, for other processes: request log, counters, fault rules, and the token
// webhook that kube-apiserver calls. It listens on loopback only and asks for no credentials.
import { z } from 'zod';
import type { Faults } from './faults.ts';
import type { RequestLog } from './request-log.ts';
import type { WireRequest, World } from './service.ts';
import { reviewToken } from './sts/eks-token.ts';
import type { WireAnswer } from './wire/protocol.ts';

/** The parts of the gateway that other processes may reach. */
export interface Controlled {
  world: World;
  faults: Faults;
  requests: RequestLog['requests'];
  counters: RequestLog['counters'];
}

const faultRule = z.strictObject({
  service: z.string().optional(),
  operation: z.string().optional(),
  resource: z.string().optional(),
  principal: z.string().optional(),
  nth: z.int().min(1).optional(),
  times: z.int().min(1).optional(),
  probability: z.number().gt(0).max(1).optional(),
  seed: z.int().optional(),
  answer: z.union([
    z.int().min(400).max(599),
    z.enum(['throttle', 'reset-before', 'reset-after', 'stale', 'expired']),
    z.strictObject({ latencyMs: z.number().min(0) }),
    z.strictObject({ code: z.string(), message: z.string(), status: z.int().min(400).max(599) }),
  ]),
});

/** Answers a request under `/_lab/`. */
export async function answerControl(gateway: Controlled, request: WireRequest): Promise<WireAnswer> {
  const [, , room = '', name = ''] = request.path.split('/');
  switch (`${request.method} ${room}`) {
    case 'GET health': return json(200, { ok: true, account: gateway.world.account, region: gateway.world.region, timeScale: gateway.world.clock.timeScale });
    case 'GET requests': return json(200, gateway.requests(Object.fromEntries(request.query)));
    case 'GET counters': return json(200, gateway.counters());
    case 'GET faults': return json(200, gateway.faults.list());
    case 'POST faults': return addFault(gateway, request);
    case 'DELETE faults': return removeFaults(gateway, name);
    case 'POST token-review': return json(200, reviewToken(gateway.world, decodeURIComponent(name), parse(request)));
    default: return json(404, { error: `no ${request.method} ${request.path}` });
  }
}

function addFault(gateway: Controlled, request: WireRequest): WireAnswer {
  const rule = faultRule.safeParse(parse(request));
  if (!rule.success) return json(400, { error: z.prettifyError(rule.error) });
  // Optional keys that zod leaves out are absent, not undefined.
  const present = Object.fromEntries(Object.entries(rule.data).filter(([, value]) => value !== undefined));
  return json(201, { id: gateway.faults.add({ ...present, answer: rule.data.answer }) });
}

function removeFaults(gateway: Controlled, id: string): WireAnswer {
  if (id === '') gateway.faults.clear();
  else if (!gateway.faults.remove(id)) return json(404, { error: `no fault ${id}` });
  return { status: 204, headers: {}, body: Buffer.alloc(0) };
}

function parse(request: WireRequest): unknown {
  try {
    return JSON.parse(request.body.toString('utf8'));
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined; // the schema refuses it with its own words
    throw cause;
  }
}

function json(status: number, value: unknown): WireAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) };
}
