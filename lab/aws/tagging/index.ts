// Resource Groups Tagging API, API 2017-01-26: moto's answer with what moto does not hold (requirement X5; teardown.md,
// step 12): the gateway's own EKS, and the ARNs of network load balancers as AWS writes them. Gaps: eks/README.md.
import * as sdk from '@aws-sdk/client-resource-groups-tagging-api';
import type { EksState } from '../eks/state.ts';
import { taggedResources } from '../eks/tags.ts';
import { asOnAws, everyText, forMoto } from '../elbv2/names.ts';
import { plugOverlay, type Call, type OperationsOf, type Overlay, type Plugged } from '../service.ts';

interface TaggingState {
  eks: Pick<EksState, 'clusters'>;
  /** Ids of network load balancers. */
  network: ReadonlySet<string>;
}

const overlay: Overlay<TaggingState, OperationsOf<typeof sdk>> = {
  scope: 'tagging',
  protocol: 'json',
  sdk,
  mends: { GetResources: getResources },
};

/** Binds the overlay to the EKS of the same lab. */
export function plugTagging(state: TaggingState): Plugged {
  return plugOverlay(overlay, state);
}

async function getResources({ state }: Call<TaggingState>, input: sdk.GetResourcesCommandInput, answer: () => Promise<sdk.GetResourcesOutput>): Promise<sdk.GetResourcesOutput> {
  const output = await answer();
  const own = everyText(output.ResourceTagMappingList ?? [], (text) => asOnAws(text, state.network));
  // EKS comes with the last page, as moto knows nothing of it.
  const more = (output.PaginationToken ?? '') === '' ? eksResources(state.eks, input) : [];
  const asked = input.ResourceARNList;
  const all = [...own, ...more];
  return { ...output, ResourceTagMappingList: asked === undefined ? all : all.filter(({ ResourceARN = '' }) => asked.some((arn) => forMoto(arn) === forMoto(ResourceARN))) };
}

/** The EKS resources that a request's filters let through. */
function eksResources(eks: TaggingState['eks'], { TagFilters = [], ResourceTypeFilters }: sdk.GetResourcesCommandInput): sdk.ResourceTagMapping[] {
  return taggedResources(eks)
    .filter(({ arn }) => ResourceTypeFilters === undefined || ResourceTypeFilters.length === 0 || ResourceTypeFilters.some((type) => isOfType(arn, type)))
    .filter(({ tags }) => TagFilters.every((filter) => matches(tags, filter)))
    .filter(({ tags }) => Object.keys(tags).length > 0)
    .map(({ arn, tags }) => ({ ResourceARN: arn, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }));
}

/** `eks` or `eks:cluster` against an ARN. */
export function isOfType(arn: string, type: string): boolean {
  const [service, kind] = type.split(':');
  const [, , ofService, , , resource = ''] = arn.split(':');
  return service === ofService && (kind === undefined || resource.startsWith(`${kind}/`));
}

/** A key that is there and, where values are named, has one of them. */
export function matches(tags: Record<string, string>, { Key = '', Values = [] }: sdk.TagFilter): boolean {
  const value = tags[Key];
  return value !== undefined && (Values.length === 0 || Values.includes(value));
}
