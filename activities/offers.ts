// What the foundation offers a platform at the moment it is told so: the platform.* values of the bootstrap contract, read and never assumed (A3).
import { lokiBucketCheck, instanceCheck, type Tier2Needs } from '../domain/foundation-tier-2.ts';
import type { Offers } from '../domain/root-application.ts';
import type { Clients } from './clients.ts';
import { readInstance, readLokiBucket } from './foundation-tier-2.ts';

/** What AWS says now of what the plan needs; a platform below tier 2 needs none of it, and nothing is asked (F4). Throws where AWS does not say. */
export async function readOffers(clients: Pick<Clients, 'rds' | 's3'>, needs: Tier2Needs): Promise<Offers> {
  const [instance, bucket] = await Promise.all([readInstance(clients, needs), readLokiBucket(clients, needs)]);
  return { rdsAvailable: instanceCheck(needs, { value: instance }).ok, s3Available: lokiBucketCheck(needs, { value: bucket }).ok };
}
