// What is tagged for a platform anywhere in the account and region: every service's own complete listing, and the tagging API for what has none here (X5, failures 36, 39, 40).
import { paginateDescribeLogGroups } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeClusterCommand, paginateListClusters } from '@aws-sdk/client-eks';
import { ListTagsForResourceCommand } from '@aws-sdk/client-cloudwatch-logs';
import { paginateGetResources, paginateGetTagKeys, type ResourceGroupsTaggingAPIClient, type TagFilter } from '@aws-sdk/client-resource-groups-tagging-api';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { GoldenpathError } from '../domain/errors.ts';
import { clustersOf, KUBERNETES_TAG, platformOfCluster, TAG } from '../domain/names.ts';
import type { FoundObject } from '../domain/orphans.ts';
import type { Clients } from './clients.ts';
import { objectOfArn } from './arns.ts';
import { confirm } from './confirm.ts';
import type { Surveys } from './contract.ts';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { iamObjects, oidcProviders } from './iam-objects.ts';
import { instances } from './instances.ts';
import { allLoadBalancers } from './load-balancers.ts';
import { networkObjects } from './network.ts';
import { fromTagList, type TaggedObject } from './ownership.ts';
import { allPages, present } from './pages.ts';
import { taggedSecrets } from './secrets.ts';
import { volumes } from './volumes.ts';

type Input = Parameters<Surveys['surveyAccount']>[0];

export function surveyActivities(clients: Clients): Pick<Surveys, 'surveyAccount' | 'readClusters'> {
  return { surveyAccount: (input) => surveyAccount(clients, input), readClusters: ({ clusters }) => readClusters(clients, clusters) };
}

async function surveyAccount(clients: Clients, { environment, accountId, remembered }: Input): Promise<{ living: string[]; objects: FoundObject[] }> {
  await demandAccount(clients, accountId);
  const living = await allPages(paginateListClusters({ client: clients.eks }, {}), (page) => page.clusters);
  const isWanted = ({ clusters, environment: named }: FoundObject) => (named === null || named === environment) && clusters.some((cluster) => platformOfCluster(cluster, environment) !== undefined && !living.includes(cluster));
  const listed = await nativeObjects(clients, environment);
  const seen = new Set(listed.map(({ id }) => id));
  const tagged = (await taggedObjects(clients.tagging, environment, living)).filter((object) => isWanted(object) && !seen.has(object.id));
  const told = remembered
    .filter(({ cluster }) => !living.includes(cluster))
    .flatMap(({ cluster, objects }) => objects.map((object): FoundObject => ({ ...object, clusters: [cluster], environment, by: 'receipt' })))
    .filter(({ id }) => !seen.has(id) && !tagged.some((object) => object.id === id));
  const confirmed: FoundObject[] = [];
  for (const object of [...tagged, ...told]) {
    // What its service keeps for a set time only is a terminal state, not garbage (failures 31, 32).
    if (['exists', 'unknown'].includes(await confirm(clients, object))) confirmed.push(object);
  }
  return { living, objects: [...listed.filter(isWanted), ...confirmed] };
}

/** In another account nothing of the environment would be found, and that would read as none. */
async function demandAccount({ sts }: Clients, accountId: string): Promise<void> {
  const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}));
  if (Account !== accountId) throw new GoldenpathError('PreflightFailed', `The worker looks into account ${Account ?? 'unknown'}, the environment's is ${accountId}`, [`caller ${Arn ?? 'unknown'} is of account ${Account ?? 'unknown'}; use credentials of account ${accountId}`]);
}

/** What each service lists by itself. Roles and the like begin with the cluster's name, which begins with the environment's: that chooses whom to ask for tags, and decides nothing. */
async function nativeObjects(clients: Clients, environment: string): Promise<FoundObject[]> {
  const { ec2, elb, iam, secrets } = clients;
  const beginning = `goldenpath-${environment}-eks`;
  const [balancers, machines, disks, network, identities, providers, kept, groups] = await Promise.all([
    allLoadBalancers(elb), instances(ec2), volumes(ec2), networkObjects(ec2), iamObjects(iam, (name) => name.startsWith(beginning)), oidcProviders(iam), taggedSecrets(secrets), logGroups(clients, beginning),
  ]);
  return [...[...balancers, ...machines, ...disks, ...network, ...identities, ...providers, ...kept].map(foundObject), ...groups];
}

function foundObject({ object, tags }: TaggedObject): FoundObject {
  return { ...object, clusters: clustersOf(tags), environment: tags[TAG.environment] ?? null, by: 'tags' };
}

/** Control-plane log groups. EKS makes one anew, without tags, when its last lines arrive late: then the reserved name says whose it is (failure 30). */
async function logGroups({ logs }: Clients, beginning: string): Promise<FoundObject[]> {
  const groups = await allPages(paginateDescribeLogGroups({ client: logs }, { logGroupNamePrefix: `/aws/eks/${beginning}` }), (page) => page.logGroups);
  const found: FoundObject[] = [];
  for (const { arn, logGroupName } of groups) {
    const [id, name] = [present(arn, "a log group's ARN").replace(/:\*$/, ''), present(logGroupName, "a log group's name")];
    const answer = await orAbsent(logs.send(new ListTagsForResourceCommand({ resourceArn: id })), NOT_FOUND.logs);
    if (answer === undefined) continue;
    const object = foundObject({ object: { kind: 'logs:log-group', id, name }, tags: answer.tags ?? {} });
    const reservedTo = /^\/aws\/eks\/([^/]+)\/cluster$/.exec(name)?.[1];
    const isUnowned = answer.tags?.[TAG.cluster] === undefined && answer.tags?.[TAG.plane] === undefined;
    found.push(isUnowned && reservedTo !== undefined ? { ...object, clusters: [reservedTo], by: 'reserved-name' } : object);
  }
  return found;
}

/** What the tagging API knows by the tags of this product, of the load balancer controller, and of Kubernetes for each cluster of the environment that EKS does not list. */
async function taggedObjects(tagging: ResourceGroupsTaggingAPIClient, environment: string, living: readonly string[]): Promise<FoundObject[]> {
  const keys = await allPages(paginateGetTagKeys({ client: tagging }, {}), (page) => page.TagKeys);
  const marks = keys.filter((key) => key.startsWith(KUBERNETES_TAG)).filter((key) => {
    const cluster = key.slice(KUBERNETES_TAG.length);
    return platformOfCluster(cluster, environment) !== undefined && !living.includes(cluster);
  });
  const filters: TagFilter[][] = [
    [{ Key: TAG.environment, Values: [environment] }, { Key: TAG.cluster }],
    [{ Key: 'elbv2.k8s.aws/cluster' }],
    ...marks.map((Key) => [{ Key, Values: ['owned'] }]),
  ];
  const objects = new Map<string, FoundObject>();
  for (const TagFilters of filters) {
    for (const { ResourceARN, Tags } of await allPages(paginateGetResources({ client: tagging }, { TagFilters }), (page) => page.ResourceTagMappingList)) {
      const object = foundObject({ object: objectOfArn(present(ResourceARN, 'an ARN')), tags: fromTagList(Tags) });
      objects.set(object.id, object);
    }
  }
  return [...objects.values()];
}

async function readClusters({ eks }: Clients, clusters: readonly string[]): Promise<{ cluster: string; exists: boolean }[]> {
  const seen: { cluster: string; exists: boolean }[] = [];
  for (const cluster of clusters) seen.push({ cluster, exists: (await orAbsent(eks.send(new DescribeClusterCommand({ name: cluster })), NOT_FOUND.eks)) !== undefined });
  return seen;
}
