// The Kubernetes API as the stand-in controllers use it: plain JSON over HTTPS, the same for every kind (lab.md § What is real).
import { request } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';

/** What every object has. Times are RFC 3339 text: nothing here is turned into a Date. */
export interface Resource {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    generation?: number;
    resourceVersion?: string;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
    ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean; blockOwnerDeletion?: boolean }[];
  };
}

/** Where a kind lives in the API, with the shape of its objects. */
export interface Kind<T extends Resource = Resource> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly example?: T;
}

export interface Ref { namespace?: string | undefined; name: string }

/** The API server refused a request. `reason` is the Status object's own, where it sent one. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly status: number;
  readonly reason: string | undefined;
  constructor(status: number, reason: string | undefined, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export interface Kube {
  readonly config: KubeConfig;
  /** Undefined only where the API server itself says NotFound. Throws KubeError, or the socket's error. */
  get<T extends Resource>(kind: Kind<T>, ref: Ref): Promise<T | undefined>;
  list<T extends Resource>(kind: Kind<T>): Promise<{ metadata?: { resourceVersion?: string }; items: T[] }>;
  create<T extends Resource>(kind: Kind<T>, object: Omit<T, 'apiVersion' | 'kind'>): Promise<T>;
  /** JSON merge patch of the object, or of its status. Returns undefined where the object is gone. */
  patch<T extends Resource>(kind: Kind<T>, ref: Ref, patch: object, part?: 'status'): Promise<T | undefined>;
  /** Asks for deletion; an object that is gone is no error. */
  remove(kind: Kind, ref: Ref): Promise<void>;
  /** A token of the service account for an audience (TokenRequest), and when it ends. */
  token(serviceAccount: Ref, audience: string): Promise<{ token: string; expires: Date }>;
}

/** Path of a kind's collection, over all namespaces where no namespace is given. */
export function collectionPath({ group, version, plural, namespaced }: Kind, namespace?: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespaced && namespace !== undefined ? `/namespaces/${namespace}` : ''}/${plural}`;
}

function objectPath(kind: Kind, { namespace, name }: Ref): string {
  return `${collectionPath(kind, namespace)}/${name}`;
}

/** Opens the API of a cluster by an administrator's kubeconfig file. */
export function openKube(kubeconfigPath: string): Kube {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const send = sender(config);
  return {
    config,
    get: (kind, ref) => unlessGone(send('GET', objectPath(kind, ref))),
    list: (kind) => send('GET', collectionPath(kind)),
    create: (kind, object) => send('POST', collectionPath(kind, object.metadata.namespace), { apiVersion: apiVersion(kind), kind: kind.kind, ...object }),
    patch: (kind, ref, patch, part) => unlessGone(send('PATCH', `${objectPath(kind, ref)}${part === undefined ? '' : `/${part}`}`, patch)),
    async remove(kind, ref) {
      await unlessGone(send('DELETE', objectPath(kind, ref)));
    },
    async token({ namespace, name }, audience) {
      const path = `/api/v1/namespaces/${namespace ?? 'default'}/serviceaccounts/${name}/token`;
      const answer: TokenAnswer = await send('POST', path, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [audience], expirationSeconds: 3_600 } });
      return { token: answer.status.token, expires: new Date(answer.status.expirationTimestamp) };
    },
  };
}

interface TokenAnswer { status: { token: string; expirationTimestamp: string } }

export function apiVersion({ group, version }: Kind): string {
  return group === '' ? version : `${group}/${version}`;
}

type Send = <T>(method: string, path: string, body?: object) => Promise<T>;

function sender(config: KubeConfig): Send {
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new TypeError('the kubeconfig names no current cluster');
  const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
  const ready = config.applyToHTTPSOptions(options);
  return async <T>(method: string, path: string, body?: object): Promise<T> => {
    await ready;
    const { status, text } = await exchange(new URL(path, server), { ...options, method }, body);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the API server's own schema stands for the shape
    if (status < 300) return JSON.parse(text) as T;
    throw refusal(method, path, status, text);
  };
}

/** A stand-in looks at its objects one after the other: a call without an answer would stop it for good. */
export const ANSWER_MS = 15_000;

function exchange(url: URL, options: object, body: object | undefined): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const outgoing = request(url, options, (answer) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('error', reject);
    answer.on('end', () => {
      resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
    });
  });
  outgoing.setHeader('accept', 'application/json');
  if (sent !== undefined) outgoing.setHeader('content-type', 'method' in options && options.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
  outgoing.on('error', reject);
  outgoing.setTimeout(ANSWER_MS, () => { outgoing.destroy(new Error(`${url.pathname}: no answer within ${ANSWER_MS / 1_000} s`)); });
  outgoing.end(sent);
  return promise;
}

/** A refusal as an error. The Status object's reason decides what is absent: a bare 404 may be a missing API group. */
function refusal(method: string, path: string, status: number, text: string): KubeError {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read with defaults below
    const { reason, message } = JSON.parse(text) as { reason?: string; message?: string };
    return new KubeError(status, reason, `${method} ${path}: ${status} ${message ?? reason ?? ''}`);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return new KubeError(status, undefined, `${method} ${path}: ${status} ${text.slice(0, 200)}`);
  }
}

async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404 && error.reason === 'NotFound') return undefined;
    throw error;
  }
}
