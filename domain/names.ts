// Every name a platform has, derived in one place from environment, lifecycle and build id (requirements § Words, A3, D1).
import { buildOfName, buildSuffix } from './dns-names.ts';
import type { Lifecycle } from './tiers.ts';

/** Who a platform is: the input of every name. `buildId` is null for a persistent platform, which has none. */
export interface Identity {
  environment: string;
  lifecycle: Lifecycle;
  buildId: string | null;
}

export interface PlatformNames {
  /** EKS cluster name, e.g. `goldenpath-dev-eks-23-01-26-01`; `goldenpath-dev-eks` for the persistent one. */
  cluster: string;
  /** The DNS subtree the platform owns, e.g. `b-23-01-26-01.dev.goldenpathidp.io`; the zone itself for persistent. */
  hostSuffix: string;
  /** ExternalDNS's `--txt-owner-id`, unique per platform (failure 16). */
  ownerId: string;
  /** Temporal workflow id: its uniqueness is the lock of the cluster (X6). */
  workflowId: string;
}

const BUILD_ID = /^(\d{2})-(\d{2})-(\d{2})-(\d{2})$/;
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Says what is wrong with a build id (`DD-MM-YY-NN`, a calendar date and a number from 01), or undefined where nothing is (F5). */
export function buildIdProblem(buildId: string): string | undefined {
  const parts = BUILD_ID.exec(buildId);
  if (parts === null) return 'is not of the form DD-MM-YY-NN, e.g. 23-01-26-01';
  const [day = 0, month = 0, year = 0, number = 0] = parts.slice(1).map(Number);
  const longest = DAYS_IN_MONTH[month - 1];
  if (longest === undefined) return `has month ${parts[2]}; months are 01 to 12`;
  const days = month === 2 && year % 4 !== 0 ? 28 : longest; // 2000–2099: every fourth year is a leap year
  if (day < 1 || day > days) return `has day ${parts[1]}; that month has days 01 to ${days}`;
  if (number < 1) return 'has number 00; the first build of a day is 01';
  return undefined;
}

/** All names of a platform. The zone is the environment's zone, e.g. `dev.goldenpathidp.io`. */
export function platformNames({ environment, lifecycle, buildId }: Identity, zone: string): PlatformNames {
  if ((lifecycle === 'ephemeral') !== (buildId !== null)) throw new TypeError('an ephemeral platform has a build id, a persistent one has none');
  const build = buildId === null ? '' : `-${buildId}`;
  const cluster = `goldenpath-${environment}-eks${build}`;
  return {
    cluster,
    hostSuffix: buildId === null ? zone : buildSuffix(buildId, zone),
    ownerId: `goldenpath-${environment}${build}`,
    workflowId: `platform/${environment}/${cluster}`,
  };
}

/** The platform of the environment that has exactly this cluster name, or undefined where none can (failure 39). */
export function platformOfCluster(cluster: string, environment: string): Identity | undefined {
  return identityBehind(cluster, `goldenpath-${environment}-eks`, environment);
}

/**
 * Where the names of a plan's platform are not those that its cluster's name gives (X1): proven would be that another platform's records are gone. One line each; none of what is no
 * platform's, such as a database.
 */
export function targetProblems({ environment, cluster, zone, ...given }: PlatformNames & Identity & { zone: string }): string[] {
  const identity = platformOfCluster(cluster, environment);
  if (identity === undefined) return [];
  const wanted = { ...identity, ...platformNames(identity, zone) };
  return (['lifecycle', 'buildId', 'hostSuffix', 'ownerId', 'workflowId'] as const).filter((field) => given[field] !== wanted[field]).map((field) => `${field} is ${given[field] ?? 'none'}, of cluster ${cluster} it is ${wanted[field] ?? 'none'}`);
}

/** The platform of the environment that has exactly this ExternalDNS owner id, or undefined where none can (failure 16). */
export function platformOfOwner(ownerId: string, environment: string): Identity | undefined {
  return identityBehind(ownerId, `goldenpath-${environment}`, environment);
}

/** The ephemeral platform whose suffix a DNS name lies in, or undefined where the name is in no such suffix of the zone (D1). */
export function platformOfName(name: string, { environment, zone }: { environment: string; zone: string }): Identity | undefined {
  const buildId = buildOfName(name, zone);
  return buildId === undefined ? undefined : ephemeral(buildId, environment);
}

/** `beginning` alone is the persistent platform; with a dash and a build id after it, an ephemeral one. */
function identityBehind(name: string, beginning: string, environment: string): Identity | undefined {
  if (name === beginning) return { environment, lifecycle: 'persistent', buildId: null };
  return name.startsWith(`${beginning}-`) ? ephemeral(name.slice(beginning.length + 1), environment) : undefined;
}

function ephemeral(buildId: string, environment: string): Identity | undefined {
  return buildIdProblem(buildId) === undefined ? { environment, lifecycle: 'ephemeral', buildId } : undefined;
}

/** The tags by which a platform's AWS objects are known (C1). Ownership is these tags exactly, never a name (failure 39). */
export const TAG = {
  environment: 'goldenpath.idp/environment',
  cluster: 'goldenpath.idp/cluster',
  buildId: 'goldenpath.idp/build-id',
  lifecycle: 'goldenpath.idp/lifecycle',
  workflowId: 'goldenpath.idp/workflow-id',
  plane: 'goldenpath.idp/plane',
} as const;

/** The ownership tags of everything a run creates (C1). A persistent platform's build id is the word `none`: AWS lists empty values poorly. */
export function ownershipTags(identity: Identity, names: Pick<PlatformNames, 'cluster' | 'workflowId'>): Record<string, string> {
  return {
    [TAG.environment]: identity.environment,
    [TAG.cluster]: names.cluster,
    [TAG.buildId]: identity.buildId ?? 'none',
    [TAG.lifecycle]: identity.lifecycle,
    [TAG.workflowId]: names.workflowId,
  };
}

/** Whether an object with these tags belongs to the cluster: the exact tag and nothing else (failure 39). */
export function isOwnedBy(tags: Record<string, string>, cluster: string): boolean {
  return tags[TAG.cluster] === cluster;
}

/** Tags in which the controllers of a cluster name it: the load balancer controller, and the VPC CNI on its interfaces. */
const CONTROLLER_TAGS = ['elbv2.k8s.aws/cluster', 'cluster.k8s.amazonaws.com/name'] as const;
/** The key under which EKS, the cloud provider and the CSI driver mark what they make for a cluster; `shared` is never the cluster's own. */
export const KUBERNETES_TAG = 'kubernetes.io/cluster/';

/**
 * The clusters that an object's tags name as its owner, whoever wrote them: this product, EKS, a controller (failure 22).
 * What the foundation's tag marks belongs to no platform, whatever else it carries (X3).
 */
export function clustersOf(tags: Record<string, string>): string[] {
  if (tags[TAG.plane] !== undefined) return [];
  const owned = Object.entries(tags).flatMap(([key, value]) => (key.startsWith(KUBERNETES_TAG) && value === 'owned' ? [key.slice(KUBERNETES_TAG.length)] : []));
  return [...new Set([TAG.cluster, ...CONTROLLER_TAGS].flatMap((key) => tags[key] ?? []).concat(owned))];
}

/** Whether the tags name this cluster as the owner and no other: what is disputed is nobody's to destroy. */
export function isSolelyOf(tags: Record<string, string>, cluster: string): boolean {
  const named = clustersOf(tags);
  return named.length === 1 && named[0] === cluster;
}
