// What Route 53 remembers: zones with their records, changes on their way, tags, health checks. One store for all accounts.
import { randomBytes } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-route-53';
import { awsError, type Call, type OperationsOf, type World } from '../service.ts';
import type { Entry } from './record-set.ts';
import { createRateLimit, type RateLimit } from './rate-limit.ts';

export type Operations = OperationsOf<typeof sdk>;
export type Input<Name extends keyof Operations> = Operations[Name]['input'];
export type Output<Name extends keyof Operations> = Operations[Name]['output'];
export type Route53Call = Call<ZoneStore>;

export interface Zone {
  /** Without `/hostedzone/`. */
  id: string;
  account: string;
  /** Canonical, with a trailing dot. */
  name: string;
  callerReference: string;
  comment: string | undefined;
  nameServers: readonly string[];
  /** The VPCs of a private zone; nothing for a public one. */
  vpcs: readonly sdk.VPC[] | undefined;
  /** VPCs of other accounts that may be associated. */
  authorized: readonly sdk.VPC[];
  /** Sorted; replaced as a whole. */
  records: readonly Entry[];
  signing: 'NOT_SIGNING' | 'SIGNING';
  signingKeys: readonly sdk.KeySigningKey[];
  /** Sorted by name and type; replaced as a whole. */
  protections: readonly sdk.ResourceRecordSetProtection[];
}

export interface HealthCheckRecord {
  account: string;
  check: sdk.HealthCheck;
}

export interface ZoneStore {
  zones: Map<string, Zone>;
  changes: Map<string, sdk.ChangeInfo>;
  healthChecks: Map<string, HealthCheckRecord>;
  /** By `hostedzone/<id>` or `healthcheck/<id>`. */
  tags: Map<string, Map<string, string>>;
  rate: RateLimit;
  /** AWS seconds from PENDING to INSYNC. */
  propagationSeconds: number;
}

/** "Changes generally propagate to all Route 53 name servers within 60 seconds"; half of it is typical. */
const PROPAGATION_SECONDS = 30;

/** An empty Route 53. The rate limit counts real seconds: clients' back-offs are real, too. */
export function openRoute53(world: Pick<World, 'clock'>, { propagationSeconds = PROPAGATION_SECONDS }: { propagationSeconds?: number } = {}): ZoneStore {
  return {
    zones: new Map(),
    changes: new Map(),
    healthChecks: new Map(),
    tags: new Map(),
    rate: createRateLimit(() => world.clock.now().getTime()),
    propagationSeconds,
  };
}

/** The zone of an id as callers write it (`Z…` or `/hostedzone/Z…`). @throws AwsError NoSuchHostedZone */
export function zoneOf({ state, account }: Route53Call, id: string | undefined): Zone {
  const bare = bareId(id);
  const zone = state.zones.get(bare);
  if (zone === undefined || zone.account !== account) awsError('NoSuchHostedZone', `No hosted zone found with ID: ${bare}`);
  return zone;
}

/** Ids are given back with a path, and taken with or without it. */
export function bareId(id = ''): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** Records that something changes and will be in sync after a while. */
export function openChange({ state, now, clock }: Route53Call, comment?: string): sdk.ChangeInfo {
  const info: sdk.ChangeInfo = { Id: `/change/${newId('C')}`, Status: 'PENDING', SubmittedAt: now, ...(comment !== undefined && { Comment: comment }) };
  state.changes.set(bareId(info.Id), info);
  clock.after(state.propagationSeconds, () => {
    state.changes.set(bareId(info.Id), { ...info, Status: 'INSYNC' });
  });
  return info;
}

/** An id as Route 53 makes them: a letter, then upper-case letters and digits. */
export function newId(letter: 'Z' | 'C'): string {
  const text = [...randomBytes(20)].map((byte) => (byte % 36).toString(36)).join('');
  return `${letter}0${text.toUpperCase()}`.slice(0, 21);
}

/** A page of a list by a marker, as most lists of Route 53 have it. @throws AwsError InvalidInput for a size below 1 */
export function pageOf<Item>(items: readonly Item[], idOf: (item: Item) => string, marker: string | undefined, maxItems: number | undefined) {
  const size = Math.min(maxItems ?? 100, 100);
  if (!(size >= 1)) awsError('InvalidInput', '1 validation error detected: maxItems must be at least 1');
  const first = marker === undefined ? 0 : items.findIndex((item) => idOf(item) === marker);
  if (first === -1) awsError('InvalidInput', `The marker ${marker} is not valid`);
  const next = items[first + size];
  return { page: items.slice(first, first + size), size, truncated: next !== undefined, next: next && idOf(next) };
}
