// Tags of hosted zones and health checks. Source: API_ChangeTagsForResource and its kin.
import type { ResourceTagSet, TagResourceType } from '@aws-sdk/client-route-53';
import { awsError } from '../service.ts';
import { bareId, zoneOf, type Input, type Output, type Route53Call } from './state.ts';

/** "The maximum number of tags for a health check or a hosted zone"; and ListTagsForResources takes ten ids. */
const MOST_TAGS = 50;
const MOST_IDS = 10;

export function changeTags(call: Route53Call, input: Input<'ChangeTagsForResource'>): Record<string, never> {
  const key = resourceKey(call, input.ResourceType, input.ResourceId);
  const tags = new Map(call.state.tags.get(key));
  for (const name of input.RemoveTagKeys ?? []) tags.delete(name);
  for (const { Key = '', Value = '' } of input.AddTags ?? []) tags.set(Key, Value);
  if (tags.size > MOST_TAGS) awsError('InvalidInput', `Limits Exceeded: a resource may have at most ${MOST_TAGS} tags`);
  call.state.tags.set(key, tags);
  return {};
}

export function listTags(call: Route53Call, input: Input<'ListTagsForResource'>): Output<'ListTagsForResource'> {
  return { ResourceTagSet: tagSet(call, input.ResourceType, input.ResourceId) };
}

export function listTagsOfMany(call: Route53Call, input: Input<'ListTagsForResources'>): Output<'ListTagsForResources'> {
  const ids = input.ResourceIds ?? [];
  if (ids.length > MOST_IDS) awsError('InvalidInput', `1 validation error detected: Value at 'resourceIds' failed to satisfy constraint: Member must have length less than or equal to ${MOST_IDS}`);
  return { ResourceTagSets: ids.map((id) => tagSet(call, input.ResourceType, id)) };
}

function tagSet(call: Route53Call, type: TagResourceType | undefined, id: string | undefined): ResourceTagSet {
  const tags = call.state.tags.get(resourceKey(call, type, id)) ?? new Map<string, string>();
  return { ResourceType: type, ResourceId: bareId(id), Tags: [...tags].map(([Key, Value]) => ({ Key, Value })) };
}

/** @throws AwsError NoSuchHostedZone, NoSuchHealthCheck, InvalidInput */
function resourceKey(call: Route53Call, type: TagResourceType | undefined, id: string | undefined): string {
  if (type === 'hostedzone') return `hostedzone/${zoneOf(call, id).id}`;
  if (type !== 'healthcheck') awsError('InvalidInput', `1 validation error detected: Value '${String(type)}' at 'resourceType' failed to satisfy constraint: Member must satisfy enum value set: [healthcheck, hostedzone]`);
  if (call.state.healthChecks.get(bareId(id))?.account !== call.account) awsError('NoSuchHealthCheck', `No health check exists with the specified ID: ${bareId(id)}`);
  return `healthcheck/${bareId(id)}`;
}
