// What the root application is told: the bootstrap contract as Helm values (A3). The bootstrap applies them, `versions verify` compares them. Pure.
import { isMapping } from './json.ts';
import type { Plan, Target } from './plan.ts';
import type { Tier } from './tiers.ts';

/** Where the app of apps lies in the repository. */
export const ROOT_PATH = 'gitops/root';
/** Where the chart of an application lies (gitops/root/templates/applications.yaml). */
export function applicationPath(name: string): string {
  return `gitops/apps/${name}`;
}

/** What the foundation offers a platform at the moment it is told so. */
export interface Offers {
  rdsAvailable: boolean;
  s3Available: boolean;
}

/** What the bootstrap values are made from. */
export interface BootstrapValues {
  target: Target;
  maxTier: Tier;
  gitops: Plan['gitops'];
  images: Plan['versions']['images'];
  externalDns: Plan['externalDns'];
  roleArns: Record<string, string>;
  vpcId: string;
  objectStorage?: Plan['objectStorage'];
  tls?: Plan['tls'];
  backstage?: Plan['backstage'];
  storageClassReady: boolean;
  offers: Offers;
}

/** The values of A3 but the gate itself, which is a Helm parameter. */
export function contractOf({ target, roleArns, storageClassReady, offers: { rdsAvailable, s3Available } }: Omit<BootstrapValues, 'maxTier'>) {
  return {
    bootstrap: { mode: target.lifecycle, env: target.environment, buildId: target.buildId ?? '' },
    platform: { rdsAvailable, storageClassReady, irsaConfigured: Object.keys(roleArns).length > 0, s3Available },
    dns: { hostSuffix: target.hostSuffix, ownerId: target.ownerId },
  };
}

/** The Helm values of the root application (gitops/root/values.yaml). */
export function rootValues(values: Omit<BootstrapValues, 'maxTier'>): Record<string, unknown> {
  const { gitops, target, images, roleArns, vpcId, externalDns, objectStorage, tls, backstage } = values;
  const { bootstrap, platform, dns } = contractOf(values);
  return {
    bootstrap,
    platform,
    dns: { ...dns, hostedZoneId: target.hostedZoneId, externalDnsEnabled: externalDns.enabled },
    cluster: { name: target.cluster, region: target.region, accountId: target.accountId, vpcId, tags: target.tags },
    roleArns,
    // Only what the plan has: an ephemeral platform has neither of the first two.
    ...(objectStorage === undefined ? {} : { objectStorage }),
    ...(tls === undefined ? {} : { tls }),
    ...(backstage === undefined ? {} : { backstage }),
    source: { repoURL: gitops.repoUrl, revision: gitops.revision },
    // Charts render repository and digest; whose key signed them is the product's to know.
    images: Object.fromEntries(Object.entries(images).map(([name, { repository, tag, digest }]) => [name, { repository, tag, digest }])),
  };
}

/** A merge patch that takes away what `found` has and `wanted` has not; undefined where there is nothing. Lists are whole in either. */
export function added(wanted: unknown, found: unknown): Record<string, unknown> | undefined {
  if (!isMapping(wanted) || !isMapping(found)) return undefined;
  const changes = Object.keys(found).map((key) => [key, Object.hasOwn(wanted, key) ? added(wanted[key], found[key]) : null] as const).filter(([, change]) => change !== undefined);
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}
