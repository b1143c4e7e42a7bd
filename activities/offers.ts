// What the foundation offers a platform at the moment it is told so: the platform.* values of the bootstrap contract, read and never assumed (A3).
import { SERVING_STATES } from '../domain/databases.ts';
import type { Plan, Target } from '../domain/plan.ts';
import { readBucketRegion } from './buckets.ts';
import type { Clients } from './clients.ts';
import { describeInstance, isOfEnvironment } from './rds.ts';

export interface Offers {
  rdsAvailable: boolean;
  s3Available: boolean;
}

/** What a plan says that a platform needs of the foundation; a platform below tier 2 needs none of it, and nothing is asked (F4). */
export type Needs = { target: Pick<Target, 'environment' | 'region'> } & Pick<Plan, 'databases' | 'objectStorage'>;

/** Throws what AWS answers when it does not say: no answer is not an absence (failure 36). */
export async function readOffers({ rds, s3 }: Pick<Clients, 'rds' | 's3'>, { target, databases, objectStorage }: Needs): Promise<Offers> {
  const [instance, bucket] = await Promise.all([
    databases === undefined ? undefined : describeInstance({ rds }, databases.instance.identifier),
    objectStorage === undefined ? null : readBucketRegion(s3, objectStorage.lokiBucket),
  ]);
  return {
    rdsAvailable: instance !== undefined && SERVING_STATES.includes(instance.DBInstanceStatus ?? '') && isOfEnvironment(instance.TagList, target.environment),
    s3Available: bucket?.region === target.region,
  };
}
