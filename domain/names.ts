// Every name a platform has, derived in one place from environment, lifecycle and build id (requirements § Words, A3, D1).
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
    hostSuffix: buildId === null ? zone : `b-${buildId}.${zone}`,
    ownerId: `goldenpath-${environment}${build}`,
    workflowId: `platform/${environment}/${cluster}`,
  };
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
