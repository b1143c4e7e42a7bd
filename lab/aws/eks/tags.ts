// Tags of EKS resources by ARN, and the catalogue of cluster versions (requirement C1, X5).
import type {
  ClusterVersionInformation, DescribeClusterVersionsCommandInput, ListFargateProfilesCommandInput, ListPodIdentityAssociationsCommandInput, ListTagsForResourceCommandInput, TagResourceCommandInput, UntagResourceCommandInput,
} from '@aws-sdk/client-eks';
import { awsError, type Call } from '../service.ts';
import { CLUSTER_VERSIONS, DEFAULT_VERSION } from './catalogue.ts';
import { clusterOf, type EksState } from './state.ts';
import { pageOf } from './validation.ts';

/** Every taggable EKS resource with its tags; the records' own tag objects. */
export function taggedResources(state: Pick<EksState, 'clusters'>): { arn: string; tags: Record<string, string> }[] {
  return [...state.clusters.values()].flatMap(({ detail, nodegroups, addons, entries }) => [
    { arn: detail.arn, tags: detail.tags },
    ...[...nodegroups.values()].map(({ detail: { nodegroupArn: arn, tags } }) => ({ arn, tags })),
    ...[...addons.values()].map(({ detail: { addonArn: arn, tags } }) => ({ arn, tags })),
    ...[...entries.values()].map(({ detail: { accessEntryArn: arn, tags } }) => ({ arn, tags })),
  ]);
}

function tagsOf(state: EksState, arn: string | undefined): Record<string, string> {
  return taggedResources(state).find((resource) => resource.arn === arn)?.tags ?? awsError('NotFoundException', 'Resource was not found', 404);
}

/** Adds tags. @throws AwsError NotFoundException; BadRequestException for more than 50 tags */
export function tagResource({ state }: Call<EksState>, input: TagResourceCommandInput): Record<string, never> {
  const tags = tagsOf(state, input.resourceArn);
  if (Object.keys({ ...tags, ...input.tags }).length > 50) awsError('BadRequestException', 'A resource can have at most 50 tags', 400);
  Object.assign(tags, input.tags);
  return {};
}

/** Removes tags; a key that is not there is no error. */
export function untagResource({ state }: Call<EksState>, input: UntagResourceCommandInput): Record<string, never> {
  const tags = tagsOf(state, input.resourceArn);
  for (const key of input.tagKeys ?? []) Reflect.deleteProperty(tags, key);
  return {};
}

/** @throws AwsError NotFoundException */
export function listTagsForResource({ state }: Call<EksState>, input: ListTagsForResourceCommandInput): { tags: Record<string, string> } {
  return { tags: tagsOf(state, input.resourceArn) };
}

/** The Kubernetes minors on offer; all in standard support. */
export function describeClusterVersions(_call: Call<EksState>, input: DescribeClusterVersionsCommandInput): { clusterVersions: ClusterVersionInformation[]; nextToken?: string } {
  const wanted = input.clusterVersions ?? CLUSTER_VERSIONS;
  const infos = CLUSTER_VERSIONS
    .filter((minor) => wanted.includes(minor) && (input.defaultOnly !== true || minor === DEFAULT_VERSION))
    .map((minor): ClusterVersionInformation => ({
      clusterVersion: minor, clusterType: 'eks', defaultPlatformVersion: 'eks.1', defaultVersion: minor === DEFAULT_VERSION,
      status: 'standard-support', versionStatus: 'STANDARD_SUPPORT', kubernetesPatchVersion: `${minor}.3`,
    }));
  const { items, ...rest } = pageOf(infos, (info) => info.clusterVersion ?? '', input);
  return { clusterVersions: items, ...rest };
}

/** None: the lab creates no Fargate profile. @throws AwsError ResourceNotFoundException for an unknown cluster */
export function listFargateProfiles({ state }: Call<EksState>, input: ListFargateProfilesCommandInput): { fargateProfileNames: string[] } {
  clusterOf(state, input.clusterName);
  return { fargateProfileNames: [] };
}

/** None: the lab creates no pod identity association. @throws AwsError ResourceNotFoundException for an unknown cluster */
export function listPodIdentityAssociations({ state }: Call<EksState>, input: ListPodIdentityAssociationsCommandInput): { associations: [] } {
  clusterOf(state, input.clusterName);
  return { associations: [] };
}
