// The Kubernetes client of one activity: token minted for it (failure 29), every call bounded, absence only by typed NotFound and by discovery (failure 36, facts.md § Kubernetes client).
import { Context } from '@temporalio/activity';
import {
  ApisApi, createConfiguration, HttpMethod, KubeConfig, KubernetesObjectApi, type KubernetesObject, PatchStrategy, RequestContext, ServerConfiguration, VersionApi,
  type V1APIResource,
} from '@kubernetes/client-node';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { RDSClient } from '@aws-sdk/client-rds';
import type { S3Client } from '@aws-sdk/client-s3';
import { GoldenpathError } from '../domain/errors.ts';
import type { Tier2Needs } from '../domain/foundation-tier-2.ts';
import type { Target } from '../domain/plan.ts';
import type { Offers } from '../domain/root-application.ts';
import type { ClusterAccess } from './eks-token.ts';
import { isNotFound, isUnauthorized, mapKubernetesError } from './kubernetes-errors.ts';

/** What the Kubernetes activities need of the outside. */
export interface KubernetesDeps {
  clusterAccess(target: Target): Promise<ClusterAccess>;
  mintToken(target: Target): Promise<string>;
  iam: IAMClient;
  /** What the preflights of tiers 2 and 3 ask for the database. */
  rds: RDSClient;
  /** Where the guard puts destroying calls on record. */
  s3: S3Client;
  /** What the foundation offers just now. */
  offers(needs: Tier2Needs): Promise<Offers>;
  /** Directory of pinned manifests named `<sha256>.yaml`, for places without the internet (GOLDENPATH_MANIFEST_MIRROR). */
  manifestMirror?: string | undefined;
}

/** One object's address. */
export interface ObjectRef {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string | undefined;
}

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

/** Owner of the fields that the product applies (server-side apply). */
export const FIELD_MANAGER = 'goldenpath';

/** One request. Below the API server's own 60 s, and below the plan's heartbeat time-out, so that a hung request never looks like a dead worker. */
const REQUEST_TIMEOUT_MS = 15_000;
/** Tokens are signed for 60 s; a fresh one before that costs no call. */
const TOKEN_LIFE_MS = 45_000;

type Dispatcher = ReturnType<RequestContext['getDispatcher']>;

/** Kubernetes objects as the product handles them: one client, one cluster, one activity. */
export class ClusterClient {
  private readonly config: KubeConfig;
  private readonly dispatcher: Dispatcher;
  private readonly mint: () => Promise<string>;
  private readonly signal: AbortSignal;
  private readonly objects: DiscoveringApi;
  private readonly groups: ApisApi;
  private readonly versions: VersionApi;
  private token: string;
  private mintedAt = Date.now();

  constructor(config: KubeConfig, dispatcher: Dispatcher, token: string, mint: () => Promise<string>, signal: AbortSignal) {
    this.config = config;
    this.dispatcher = dispatcher;
    this.token = token;
    this.mint = mint;
    this.signal = signal;
    const authentication = { getName: () => 'eks-token', applySecurityAuthentication: (request: RequestContext) => this.authenticate(request) };
    const server = config.getCurrentCluster()?.server ?? '';
    const configuration = createConfiguration({ baseServer: new ServerConfiguration(server, {}), authMethods: { default: authentication } });
    this.objects = new DiscoveringApi(configuration);
    this.groups = new ApisApi(configuration);
    this.versions = new VersionApi(configuration);
  }

  /** The object, or undefined where the API server says that it does not exist. */
  async read<T extends KubernetesObject>({ apiVersion, kind, name, namespace }: ObjectRef): Promise<T | undefined> {
    return this.orAbsent(() => this.objects.read<T>({ apiVersion, kind, metadata: metadata(name, namespace) }));
  }

  /** Every object of the kind, whole: the client loses the continue token of custom resources, so nothing is paged. */
  async list<T extends KubernetesObject>(apiVersion: string, kind: string, { namespace, labels }: { namespace?: string | undefined; labels?: string } = {}): Promise<T[]> {
    const list = await this.call(() => this.objects.list<T>(apiVersion, kind, namespace, undefined, undefined, undefined, undefined, labels));
    // Typed lists leave both out of their items.
    return list.items.map((item) => Object.assign(item, { apiVersion, kind }));
  }

  /** Server-side apply as field manager goldenpath; takes over fields that others own. */
  async apply<T extends KubernetesObject>(object: T): Promise<T> {
    return this.call(() => this.objects.patch(object, undefined, undefined, FIELD_MANAGER, true, PatchStrategy.ServerSideApply));
  }

  /** The object as `apply` would leave it, which the API server does not keep. */
  async wouldApply<T extends KubernetesObject>(object: T): Promise<T> {
    return this.call(() => this.objects.patch(object, undefined, 'All', FIELD_MANAGER, true, PatchStrategy.ServerSideApply));
  }

  /** Whether the API server would take a new object, which it does not keep: undefined where it would, its own words where it refuses. */
  async refusal(object: KubernetesObject): Promise<string | undefined> {
    try {
      await this.call(() => this.objects.create(object, undefined, 'All', FIELD_MANAGER));
      return undefined;
    } catch (error) {
      if (error instanceof GoldenpathError && error.type === 'TerminalState') return error.message;
      throw error;
    }
  }

  /** JSON merge patch; null removes a field. undefined where the object does not exist. */
  async patch({ apiVersion, kind, name, namespace }: ObjectRef, change: Record<string, unknown>, resourceVersion?: string): Promise<KubernetesObject | undefined> {
    const changed = isObject(change['metadata']) ? change['metadata'] : {};
    const guard = resourceVersion === undefined ? {} : { resourceVersion }; // the API server refuses the patch of another version with 409
    const body: KubernetesObject = { ...change, apiVersion, kind, metadata: { ...changed, ...guard, ...metadata(name, namespace) } };
    return this.orAbsent(() => this.objects.patch(body, undefined, undefined, FIELD_MANAGER, undefined, PatchStrategy.MergePatch));
  }

  /** Asks for the object's deletion: true where it was accepted, false where the object did not exist. */
  async remove({ apiVersion, kind, name, namespace }: ObjectRef, propagation: Propagation = 'Background'): Promise<boolean> {
    const body = { apiVersion, kind, metadata: metadata(name, namespace) };
    const answer = await this.orAbsent(async () => {
      await this.objects.delete(body, undefined, undefined, undefined, undefined, propagation);
      return true;
    });
    return answer ?? false;
  }

  /** Whether the API server serves this kind: by the list of groups and then the group's own list, never by a 404. */
  async serves(apiVersion: string, kind: string): Promise<boolean> {
    const [group, version] = apiVersion.split('/');
    if (version === undefined) return (await this.resource(apiVersion, kind)) !== undefined;
    const served = await this.servedVersions(group ?? '');
    return served.includes(version) && (await this.resource(apiVersion, kind)) !== undefined;
  }

  /** The group's versions, the preferred one first; empty where discovery does not list the group. */
  async servedVersions(name: string): Promise<string[]> {
    const { groups } = await this.call(() => this.groups.getAPIVersions());
    const group = groups.find((candidate) => candidate.name === name);
    const versions = (group?.versions ?? []).map(({ version }) => version);
    const preferred = group?.preferredVersion?.version;
    return versions.toSorted((a, b) => Number(b === preferred) - Number(a === preferred));
  }

  /** How the kind is addressed, or undefined where its group serves no such kind. */
  async resource(apiVersion: string, kind: string): Promise<V1APIResource | undefined> {
    return this.call(() => this.objects.discover(apiVersion, kind));
  }

  /** The API server's version, e.g. `v1.36.3`. */
  async version(): Promise<string> {
    return (await this.call(() => this.versions.getCode())).gitVersion;
  }

  /** The configuration for a watch, with a token that is good now. */
  async watchConfig(): Promise<KubeConfig> {
    const cluster = this.config.getCurrentCluster();
    if (cluster === null) throw new TypeError('the client has no cluster');
    const config = new KubeConfig();
    config.loadFromClusterAndUser(cluster, { name: 'goldenpath', token: await this.freshToken() });
    return config;
  }

  /** Lets go of the sockets. */
  async close(): Promise<void> {
    await this.dispatcher?.close();
  }

  private async orAbsent<T>(request: () => Promise<T>): Promise<T | undefined> {
    return this.call(async () => {
      try {
        return await request();
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    });
  }

  /** One request; a token that is not accepted is minted anew once, since an access entry or a clock may have been late. */
  private async call<T>(request: () => Promise<T>): Promise<T> {
    try {
      try {
        return await request();
      } catch (error) {
        if (!isUnauthorized(error)) throw error;
        this.mintedAt = 0;
        return await request();
      }
    } catch (error) {
      this.signal.throwIfAborted(); // a cancelled request fails in many words; the reason is one
      throw mapKubernetesError(error) ?? error;
    }
  }

  private async authenticate(request: RequestContext): Promise<void> {
    request.setHeaderParam('Authorization', `Bearer ${await this.freshToken()}`);
    if (this.dispatcher !== undefined) request.setDispatcher(this.dispatcher);
    request.setSignal(AbortSignal.any([this.signal, timeLimit(REQUEST_TIMEOUT_MS)]));
  }

  private async freshToken(): Promise<string> {
    if (Date.now() - this.mintedAt > TOKEN_LIFE_MS) {
      this.token = await this.mint();
      this.mintedAt = Date.now();
    }
    return this.token;
  }
}

/** Opens a client from endpoint, CA and token. `signal` aborts every request. */
export async function openCluster(access: ClusterAccess, mint: () => Promise<string>, signal: AbortSignal): Promise<ClusterClient> {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'target', server: access.endpoint, caData: Buffer.from(access.caPem).toString('base64'), skipTLSVerify: false }, { name: 'goldenpath', token: access.token });
  // The library makes a new connection pool for each request; one request's pool serves all of ours.
  const first = new RequestContext(access.endpoint, HttpMethod.GET);
  await config.applySecurityAuthentication(first);
  return new ClusterClient(config, first.getDispatcher(), access.token, mint, signal);
}

/** Runs an activity's body with a client of the target's cluster, bound to the activity's cancellation. */
export async function withCluster<T>(deps: KubernetesDeps, target: Target, use: (cluster: ClusterClient) => Promise<T>): Promise<T> {
  const cluster = await openCluster(await deps.clusterAccess(target), () => deps.mintToken(target), Context.current().cancellationSignal);
  try {
    return await use(cluster);
  } finally {
    await cluster.close();
  }
}

/** Address of an object that was read. */
export function refOf(object: KubernetesObject): ObjectRef {
  return { apiVersion: object.apiVersion ?? '', kind: object.kind ?? '', name: object.metadata?.name ?? '', namespace: object.metadata?.namespace };
}

/** `Ingress kong/proxy`, `Namespace argocd`: how people read an address. */
export function nameOf({ kind, name, namespace }: Pick<ObjectRef, 'kind' | 'name' | 'namespace'>): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** Every object of these kinds of a group; none of a kind that the cluster does not serve. */
export async function listServed(cluster: ClusterClient, group: string, kinds: readonly string[]): Promise<KubernetesObject[]> {
  const objects: KubernetesObject[] = [];
  const versions = await cluster.servedVersions(group);
  for (const kind of kinds) {
    for (const version of versions) {
      if ((await cluster.resource(`${group}/${version}`, kind)) === undefined) continue;
      objects.push(...(await cluster.list(`${group}/${version}`, kind)));
      break; // every version shows the same objects
    }
  }
  return objects;
}

/** As AbortSignal.timeout, with a reason whose message can be written to: discovery puts words of its own in front of it, and a DOMException's is read-only. */
function timeLimit(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => { controller.abort(Object.assign(new Error(`nothing came within ${ms / 1_000} s`), { name: 'TimeoutError' })); }, ms).unref();
  return controller.signal;
}

class DiscoveringApi extends KubernetesObjectApi {
  /** The library's own discovery, which it keeps to itself. */
  async discover(apiVersion: string, kind: string): Promise<V1APIResource | undefined> {
    return this.resource(apiVersion, kind);
  }
}

function metadata(name: string, namespace: string | undefined): { name: string; namespace?: string } {
  return namespace === undefined ? { name } : { name, namespace };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
