// What a platform's manifests are held against: derived from its plan, in one place, for the check and for admission (D1, A4, G1).
import { contractedArgs } from '../external-dns.ts';
import type { Target } from '../plan.ts';
import { compareTiers, type Lifecycle, maxTierFor, type Tier, TIERS } from '../tiers.ts';
import type { Versions } from '../versions.ts';

/** The name of ExternalDNS's image in the version manifest. */
const EXTERNAL_DNS_IMAGE = 'external-dns';

export interface ManifestScope {
  environment: string;
  lifecycle: Lifecycle;
  /** The DNS subtree that the platform may write in (D1). */
  hostSuffix: string;
  maxTier: Tier;
  /** What `goldenpath.idp/tier` may be: every tier up to the lifecycle's ceiling (F2). */
  tiers: Tier[];
  /** `sha256:…` of every image of the version manifest. */
  digests: string[];
  externalDns: {
    /** The arguments of the contract (D2). */
    args: string[];
    /** By which a container is known as ExternalDNS whatever its image is called; undefined where the manifest has no such image. */
    digest: string | undefined;
  };
}

/** The scope of a platform with the images of its version manifest. */
export function manifestScope(target: Target, images: Versions['images']): ManifestScope {
  const maxTier = maxTierFor(target.lifecycle);
  return {
    environment: target.environment,
    lifecycle: target.lifecycle,
    hostSuffix: target.hostSuffix,
    maxTier,
    tiers: TIERS.filter((tier) => compareTiers(tier, maxTier) <= 0),
    digests: [...new Set(Object.values(images).map(({ digest }) => digest))].toSorted(),
    externalDns: { args: contractedArgs(target), digest: images[EXTERNAL_DNS_IMAGE]?.digest },
  };
}
