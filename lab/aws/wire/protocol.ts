// From a request to an operation and its input, and from an output to an answer, for the five protocols of AWS.
// Source: Smithy's aws.protocols; the bindings themselves are read from the SDK's schemas.
import { AwsError, type Plugged, type Protocol, type WireRequest } from '../service.ts';
import { fromForm } from './form.ts';
import { membersToJson, structureFromJson } from './json.ts';
import { scalarFromText, scalarToText } from './scalar.ts';
import { isRecord, isStructure, operationsIn, traitText, type Member, type Operation, type Shape } from './schema.ts';
import { element, membersToXml, parseXml, structureFromXml } from './xml.ts';

/** An answer on the wire. */
export interface WireAnswer {
  status: number;
  headers: Record<string, string | string[]>;
  body: Buffer;
}

/** A service's operations, ready to match requests. */
export interface Wire {
  /** The operation of a request with the values of its path, or nothing. */
  match(request: WireRequest): { operation: Operation; labels: Record<string, string> } | undefined;
  /** @throws AwsError (MalformedInput, SerializationException, missing members) when the request is no input of it */
  readInput(operation: Operation, labels: Record<string, string>, request: WireRequest): Record<string, unknown>;
  writeOutput(operation: Operation, output: unknown, requestId: string): WireAnswer;
  /** Reads what moto answered to the operation (a success). */
  readOutput(operation: Operation, answer: WireAnswer): unknown;
}

/** Prepares a service's operations. */
export function wireOf({ sdk, protocol, namespace = '' }: Pick<Plugged, 'sdk' | 'protocol' | 'namespace'>): Wire {
  const operations = operationsIn(sdk);
  const routes = protocol.startsWith('rest') ? routesOf(operations) : [];
  return {
    match(request) {
      if (protocol.startsWith('rest')) return matchRoute(routes, request);
      const operation = operations.get(protocol === 'json' ? targetOf(request) : actionOf(request));
      return operation && { operation, labels: {} };
    },
    readInput(operation, labels, request) {
      const input = readInput(protocol, operation, labels, request);
      requireMembers(protocol, operation.input, input, '');
      return input;
    },
    writeOutput: (operation, output, requestId) => writeOutput(protocol, namespace, operation, output, requestId),
    readOutput: (operation, answer) => readOutput(protocol, operation, answer),
  };
}

interface Route {
  operation: Operation;
  method: string;
  pattern: RegExp;
  names: string[];
  constants: [string, string][];
  literals: number;
}

function routesOf(operations: Map<string, Operation>): Route[] {
  const routes: Route[] = [];
  for (const operation of operations.values()) {
    if (operation.http === undefined) continue;
    const [path = '', constants = ''] = operation.http.path.split('?');
    const names: string[] = [];
    const pattern = path.replace(/[.$^*()[\]\\|]/g, String.raw`\$&`).replace(/\{(\w+)(\+?)\}/g, (_, name: string, greedy: string) => {
      names.push(name);
      return greedy === '' ? '([^/]+)' : '(.+)';
    });
    routes.push({
      operation,
      method: operation.http.method,
      pattern: new RegExp(`^${pattern}/?$`),
      names,
      constants: [...new URLSearchParams(constants)],
      literals: path.split('/').filter((segment) => segment !== '' && !segment.startsWith('{')).length + constants.length,
    });
  }
  return routes.toSorted((a, b) => b.literals - a.literals);
}

function matchRoute(routes: Route[], request: WireRequest) {
  for (const route of routes) {
    if (route.method !== request.method) continue;
    const found = route.pattern.exec(request.path);
    if (found === null || !route.constants.every(([name, value]) => request.query.has(name) && (value === '' || request.query.get(name) === value))) continue;
    return { operation: route.operation, labels: Object.fromEntries(route.names.map((name, index) => [name, decode(found[index + 1] ?? '')])) };
  }
  return undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    if (cause instanceof URIError) return text;
    throw cause;
  }
}

function targetOf(request: WireRequest): string {
  const target = request.headers['x-amz-target'];
  return typeof target === 'string' ? target.slice(target.lastIndexOf('.') + 1) : '';
}

/** The parameters of a query request: the URL's and, for a form, the body's. */
export function formOf(request: WireRequest): [string, string][] {
  const isForm = request.method === 'POST' && (request.headers['content-type'] ?? '').includes('x-www-form-urlencoded');
  return [...request.query, ...(isForm ? new URLSearchParams(request.body.toString('utf8')) : [])];
}

function actionOf(request: WireRequest): string {
  return formOf(request).find(([name]) => name === 'Action')?.[1] ?? '';
}

function readInput(protocol: Protocol, operation: Operation, labels: Record<string, string>, request: WireRequest): Record<string, unknown> {
  if (!isStructure(operation.input)) return {};
  if (protocol === 'query' || protocol === 'ec2') return fromForm(operation.input, formOf(request), protocol);
  const members = operation.input.members;
  const inBody = members.filter(({ shape }) => locationOf(shape) === 'body');
  const body = protocol === 'rest-xml' ? xmlBody(operation.input.name, inBody, request.body) : jsonBody(inBody, request.body);
  return { ...body, ...bound(members, labels, request) };
}

function xmlBody(root: string, members: Member[], body: Buffer): Record<string, unknown> {
  if (members.length === 0 || body.length === 0) return {};
  const document = attempt(() => parseXml(body.toString('utf8')), () => new AwsError('InvalidInput', 'Invalid XML'));
  if (document.root !== root) throw new AwsError('MalformedInput', `${document.root} is not valid, expected ${root}`);
  return structureFromXml(members, document.content);
}

function jsonBody(members: Member[], body: Buffer): Record<string, unknown> {
  if (members.length === 0 || body.length === 0) return {};
  const document: unknown = attempt(() => JSON.parse(body.toString('utf8')) as unknown, () => new AwsError('SerializationException', 'the body is no JSON'));
  return structureFromJson(members, document);
}

function attempt<T>(parse: () => T, refusal: () => AwsError): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof Error) throw refusal(); // what does not parse is the caller's mistake
    throw cause;
  }
}

function bound(members: readonly Member[], labels: Record<string, string>, request: WireRequest): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const { name, shape } of members) {
    const query = traitText(shape.traits, 'httpQuery');
    const header = traitText(shape.traits, 'httpHeader');
    if (labels[name] !== undefined) input[name] = scalarFromText(shape, labels[name]);
    else if (query !== undefined && request.query.has(query)) {
      const values = request.query.getAll(query);
      input[name] = shape.kind === 'list' ? values.map((value) => scalarFromText(shape.item, value)) : scalarFromText(shape, values[0] ?? '');
    } else if (header !== undefined && typeof request.headers[header.toLowerCase()] === 'string') {
      input[name] = scalarFromText(shape, String(request.headers[header.toLowerCase()]));
    }
  }
  return input;
}

function locationOf(shape: Shape): 'body' | 'elsewhere' {
  const { traits } = shape;
  const elsewhere = ['httpLabel', 'httpQuery', 'httpHeader', 'httpPrefixHeaders', 'httpQueryParams', 'httpResponseCode', 'httpPayload'];
  return elsewhere.some((trait) => traits[trait] !== undefined) ? 'elsewhere' : 'body';
}

/** A required member that is missing, as AWS words it. */
function requireMembers(protocol: Protocol, shape: Shape, value: unknown, path: string): void {
  if (shape.kind === 'list' && Array.isArray(value)) {
    for (const [index, item] of value.entries()) requireMembers(protocol, shape.item, item, `${path}.${index + 1}.member`);
  }
  if (shape.kind !== 'structure' || !isRecord(value)) return;
  for (const { name, required, shape: member } of shape.members) {
    const at = path === '' ? lowerFirst(name) : `${path}.${lowerFirst(name)}`;
    if (required && value[name] === undefined && locationOf(member) === 'body') {
      const code = protocol === 'rest-xml' ? 'InvalidInput' : protocol === 'query' ? 'ValidationError' : protocol === 'ec2' ? 'MissingParameter' : 'ValidationException';
      throw new AwsError(code, `1 validation error detected: Value null at '${at}' failed to satisfy constraint: Member must not be null`);
    }
    if (value[name] !== undefined) requireMembers(protocol, member, value[name], at);
  }
}

function lowerFirst(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1);
}

function writeOutput(protocol: Protocol, namespace: string, operation: Operation, output: unknown, requestId: string): WireAnswer {
  const value = isRecord(output) ? output : {};
  const members = isStructure(operation.output) ? operation.output.members : [];
  const inBody = members.filter(({ shape }) => locationOf(shape) === 'body');
  const headers: Record<string, string> = { 'x-amzn-requestid': requestId };
  for (const { name, shape } of members) {
    const header = traitText(shape.traits, 'httpHeader');
    if (header !== undefined && value[name] !== undefined) headers[header.toLowerCase()] = scalarToText(shape, value[name], 'http-date');
  }
  const status = operation.http?.status ?? 200;
  if (protocol === 'json' || protocol === 'rest-json') {
    headers['content-type'] = protocol === 'json' ? 'application/x-amz-json-1.1' : 'application/json';
    return { status, headers, body: Buffer.from(JSON.stringify(membersToJson(inBody, value))) };
  }
  headers['content-type'] = 'text/xml';
  const xml = envelope(protocol, namespace, operation, membersToXml(inBody, value), requestId);
  return { status, headers, body: Buffer.from(`<?xml version="1.0"?>\n${xml}`) };
}

function envelope(protocol: Protocol, namespace: string, operation: Operation, content: string, requestId: string): string {
  if (protocol === 'query') {
    const metadata = `<ResponseMetadata>${element('RequestId', requestId)}</ResponseMetadata>`;
    return `<${operation.name}Response xmlns="${namespace}"><${operation.name}Result>${content}</${operation.name}Result>${metadata}</${operation.name}Response>`;
  }
  if (protocol === 'ec2') return `<${operation.name}Response xmlns="${namespace}">${element('requestId', requestId)}${content}</${operation.name}Response>`;
  const root = isStructure(operation.output) ? operation.output.name : `${operation.name}Response`;
  return `<${root} xmlns="${namespace}">${content}</${root}>`;
}

function readOutput(protocol: Protocol, operation: Operation, answer: WireAnswer): unknown {
  if (!isStructure(operation.output) || answer.body.length === 0) return {};
  const text = answer.body.toString('utf8');
  if (protocol === 'json' || protocol === 'rest-json') return structureFromJson(operation.output.members, JSON.parse(text) as unknown);
  const { content } = parseXml(text);
  const result = protocol === 'query' && isRecord(content) ? content[`${operation.name}Result`] : content;
  return structureFromXml(operation.output.members, result);
}
