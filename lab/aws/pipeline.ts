// A request's way through the gateway: who calls → which operation → faults → may it → own service or moto → log.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { authenticate, scopeOf, type Caller } from './authenticate.ts';
import type { ActiveFault, FaultAnswer, Faults } from './faults.ts';
import { refusal } from './iam/authorize.ts';
import type { PolicyStore } from './iam/policy-store.ts';
import type { MotoProxy } from './moto-proxy.ts';
import { anonymousPrincipal } from './principals.ts';
import type { RequestLog } from './request-log.ts';
import { nameRequest, protocolOf } from './scopes.ts';
import { AwsError, type Call, type Plugged, type WireRequest, type World } from './service.ts';
import { readSignature } from './sigv4.ts';
import { commonError, readError, writeError, type Speaker } from './wire/errors.ts';
import { wireOf, type Wire, type WireAnswer } from './wire/protocol.ts';
import type { Operation } from './wire/schema.ts';

export interface PipelineParts {
  world: World;
  faults: Faults;
  log: RequestLog;
  moto: MotoProxy;
  policies: PolicyStore;
  services: readonly Plugged[];
}

/** An operation that is about to run. */
interface Target {
  speaker: Speaker;
  service: Plugged | undefined;
  wire: Wire | undefined;
  operation: Operation | undefined;
  input: Record<string, unknown>;
  name: string;
  resource: string | undefined;
  changes: string[] | undefined;
}

/** Answers requests; `reset` stands for a connection to be cut. */
export type Pipeline = (request: WireRequest) => Promise<WireAnswer | 'reset'>;

/** Reads of which the previous answer is kept for stale reads. */
const READ = /^(Get|List|Describe|Head|BatchGet|TestDNSAnswer)/;
const KEPT_ANSWERS = 2000;

/** Prepares the way for requests to the given services; two services of one scope are a mistake. */
export function createPipeline(parts: PipelineParts): Pipeline {
  const { world, log } = parts;
  const services = new Map(parts.services.map((service) => [service.scope, { service, wire: wireOf(service) }]));
  if (services.size !== parts.services.length) throw new Error('two services are plugged for one scope');
  const previous = new Map<string, WireAnswer>();

  return async (request) => {
    const [started, requestId] = [performance.now(), randomUUID()];
    const time = world.clock.now().toISOString();
    const signed = readSignature(request);
    const scope = scopeOf(request, signed);
    const known = services.get(scope);
    const speaker: Speaker = known === undefined ? { scope, protocol: protocolOf(scope, request) } : known.service;
    let caller: Caller = { principal: anonymousPrincipal(world.account), key: undefined };
    let target: Target = { speaker, service: known?.service, wire: known?.wire, operation: undefined, input: {}, changes: undefined, ...named(scope, request) };
    let firing: ActiveFault[] = [];
    let errorCode: string | undefined;
    let result: WireAnswer | 'reset';
    try {
      target = identify(target, request);
      caller = authenticate(world, speaker, request, signed);
      target = readInput(target, request);
      const key = readKey(target, request);
      firing = parts.faults.screen({ service: scope, operation: target.name, resource: target.resource, principal: caller.principal.arn, answered: key !== undefined && previous.has(key) });
      result = await screened({ parts, target, request, requestId, caller, previous, key }, firing);
    } catch (cause) {
      if (!(cause instanceof AwsError)) reportBug(cause, target.name);
      const error = cause instanceof AwsError ? cause : new AwsError('InternalFailure', `the lab failed: ${String(cause)}`, 500);
      errorCode = error.code;
      result = writeError(speaker, error, requestId);
    }
    if (result !== 'reset' && result.status >= 400) errorCode ??= readError(speaker, result).code;
    log.add({
      time, service: scope, operation: target.name, method: request.method, path: request.path, resource: target.resource, changes: target.changes,
      principal: caller.principal.arn, userAgent: request.headers['user-agent'] ?? '', status: result === 'reset' ? 0 : result.status,
      errorCode: result === 'reset' ? 'ConnectionReset' : errorCode, fault: firing.at(-1)?.id, durationMs: performance.now() - started, requestId,
    });
    return result;
  };
}

function named(scope: string, request: WireRequest): { name: string; resource: string | undefined } {
  const { operation, resource } = nameRequest(scope, request);
  return { name: operation, resource };
}

/** A bug of the lab must be seen, not only answered as a 500. */
function reportBug(cause: unknown, operation: string): void {
  process.stderr.write(`gateway: ${operation} failed: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`);
}

function identify(target: Target, request: WireRequest): Target {
  const found = target.wire?.match(request);
  if (found === undefined) return target;
  return { ...target, operation: found.operation, name: found.operation.name };
}

function readInput(target: Target, request: WireRequest): Target {
  const { service, wire, operation } = target;
  if (service === undefined || wire === undefined) return target;
  const found = wire.match(request);
  if (operation === undefined || found === undefined) {
    if (service.overlay) return target;
    throw service.protocol === 'query' || service.protocol === 'ec2'
      ? new AwsError('InvalidAction', `The action ${target.name} is not valid for this endpoint.`, 400)
      : new AwsError('UnknownOperationException', `no operation of ${service.scope} is ${request.method} ${request.path}`, 404);
  }
  // What moto answers alone is validated by moto.
  if (service.overlay && service.handler(operation.name) === undefined) return target;
  const input = wire.readInput(operation, found.labels, request);
  return { ...target, input, resource: service.resource(operation.name, input) ?? target.resource, changes: service.changes(operation.name, input) };
}

interface Screened {
  parts: PipelineParts;
  target: Target;
  request: WireRequest;
  requestId: string;
  caller: Caller;
  previous: Map<string, WireAnswer>;
  /** Of a read: what tells it from others, under which its answer is kept. */
  key: string | undefined;
}

function readKey({ speaker, name }: Target, { path, rawQuery, body }: WireRequest): string | undefined {
  return READ.test(name) ? [speaker.scope, name, path, rawQuery, body.toString('latin1')].join('\n') : undefined;
}

async function screened(context: Screened, firing: readonly ActiveFault[]): Promise<WireAnswer | 'reset'> {
  const { parts, target, previous, key } = context;
  for (const fault of firing) {
    const early = await strike(fault.answer, target.speaker);
    if (early === 'reset') return 'reset';
    const stale = fault.answer === 'stale' && key !== undefined ? previous.get(key) : undefined;
    if (stale !== undefined) return stale;
  }
  const answer = await run(context);
  if (target.speaker.scope === 'iam' && key === undefined) parts.policies.forget();
  if (firing.some((fault) => fault.answer === 'reset-after')) return 'reset';
  if (key !== undefined && answer.status < 300) {
    if (previous.size >= KEPT_ANSWERS) previous.delete(previous.keys().next().value ?? '');
    previous.delete(key);
    previous.set(key, answer);
  }
  return answer;
}

/** What a fault does before the call: wait, refuse, or cut the connection. */
async function strike(answer: FaultAnswer, speaker: Speaker): Promise<'reset' | undefined> {
  if (answer === 503) throw commonError(speaker, 'unavailable');
  if (typeof answer === 'number') throw new AwsError(answer >= 500 ? 'InternalFailure' : 'BadRequest', `fault by rule: ${answer}`, answer);
  if (answer === 'throttle') throw commonError(speaker, 'throttled');
  if (answer === 'expired') throw commonError(speaker, 'expired-token');
  if (typeof answer === 'object' && 'code' in answer) throw new AwsError(answer.code, answer.message, answer.status);
  if (typeof answer === 'object') await sleep(answer.latencyMs);
  return answer === 'reset-before' ? 'reset' : undefined;
}

async function run({ parts, target, request, requestId, caller }: Screened): Promise<WireAnswer> {
  const { world, policies, moto } = parts;
  const { service, wire, operation, input } = target;
  const toMoto = () => moto.forward(request, caller.principal.account);
  if (service === undefined || wire === undefined || operation === undefined) return toMoto();

  const denied = await refusal(policies, world, caller.principal, caller.key, service.needs(operation.name, input, world));
  if (denied !== undefined) throw commonError(target.speaker, 'denied', denied);
  const handler = service.handler(operation.name);
  if (handler === undefined) {
    if (service.overlay) return toMoto();
    throw new AwsError('NotImplemented', `${service.scope}:${operation.name} is not implemented in the lab`, 501);
  }
  const call: Omit<Call<unknown>, 'state'> = {
    world, now: world.clock.now(), clock: world.clock, account: caller.principal.account, region: world.region,
    principal: caller.principal, operation: operation.name, requestId, request,
  };
  const output = await handler(call, input, async () => {
    const answer = await toMoto();
    if (answer.status >= 300) throw readError(target.speaker, answer);
    return wire.readOutput(operation, answer);
  });
  return wire.writeOutput(operation, output, requestId);
}
