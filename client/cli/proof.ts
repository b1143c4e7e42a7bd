// What the demo shows of AWS: the records ExternalDNS wrote, and what is left of a platform, read through the AWS SDK.
import { CloudWatchLogsClient, paginateDescribeLogGroups } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client, paginateDescribeInstances, paginateDescribeNetworkInterfaces, paginateDescribeSecurityGroups, paginateDescribeVolumes } from '@aws-sdk/client-ec2';
import { EKSClient, paginateListClusters } from '@aws-sdk/client-eks';
import { DescribeTagsCommand, ElasticLoadBalancingV2Client, paginateDescribeLoadBalancers } from '@aws-sdk/client-elastic-load-balancing-v2';
import { IAMClient, ListOpenIDConnectProvidersCommand, ListOpenIDConnectProviderTagsCommand, ListRoleTagsCommand, paginateListRoles } from '@aws-sdk/client-iam';
import { paginateGetResources, ResourceGroupsTaggingAPIClient } from '@aws-sdk/client-resource-groups-tagging-api';
import { ListResourceRecordSetsCommand, type ListResourceRecordSetsCommandOutput, type ResourceRecordSet, Route53Client } from '@aws-sdk/client-route-53';
import { isWithin, normaliseName } from '../../domain/dns-names.ts';
import { TAG } from '../../domain/names.ts';
import type { Target } from '../../domain/plan.ts';

export interface ZoneRecord {
  name: string;
  type: string;
  value: string;
}

/** Something of one kind that is left, by name or ARN. */
export interface LeftOver {
  kind: string;
  found: string[];
}

/** The records inside the platform's host suffix, as Route 53 lists them, in its order. */
export async function recordsOf({ region, hostedZoneId, hostSuffix }: Target): Promise<ZoneRecord[]> {
  const records = await listed(recordPages(new Route53Client({ region }), hostedZoneId), ({ ResourceRecordSets }) => ResourceRecordSets);
  return records.filter(({ Name = '' }) => isWithin(Name, hostSuffix)).map((record) => ({ name: normaliseName(record.Name ?? ''), type: record.Type ?? '', value: valueOf(record) }));
}

/** What there is of the platform in every service that could hold some of it; kinds without any are listed too. */
export async function leftOf(target: Target): Promise<LeftOver[]> {
  const { region, cluster } = target;
  const ec2 = new EC2Client({ region });
  const tagged = { Filters: [{ Name: `tag:${TAG.cluster}`, Values: [cluster] }] };
  const ofKubernetes = { Filters: [{ Name: 'tag-key', Values: [`kubernetes.io/cluster/${cluster}`] }, { Name: 'tag-value', Values: ['owned'] }] };
  const living = { Name: 'instance-state-name', Values: ['pending', 'running', 'shutting-down', 'stopping', 'stopped'] }; // EC2 and the tagging API list terminated ones for an hour
  const byTag = async (kind: string, read: (filter: typeof tagged) => Promise<(string | undefined)[]>): Promise<LeftOver> => ({ kind, found: [...new Set([...(await read(tagged)), ...(await read(ofKubernetes))])].filter((id) => id !== undefined) });
  return [
    { kind: 'Route 53 records', found: (await recordsOf(target)).map(({ name, type }) => `${name} ${type}`) },
    { kind: 'EKS clusters', found: (await listed(paginateListClusters({ client: new EKSClient({ region }) }, {}), ({ clusters }) => clusters)).filter((name) => name === cluster) },
    { kind: 'load balancers', found: await loadBalancersOf(target) },
    await byTag('instances', async ({ Filters }) => (await listed(paginateDescribeInstances({ client: ec2 }, { Filters: [...Filters, living] }), ({ Reservations }) => Reservations)).flatMap(({ Instances = [] }) => Instances.map(({ InstanceId }) => InstanceId))),
    await byTag('network interfaces', async (filter) => (await listed(paginateDescribeNetworkInterfaces({ client: ec2 }, filter), ({ NetworkInterfaces }) => NetworkInterfaces)).map(({ NetworkInterfaceId }) => NetworkInterfaceId)),
    await byTag('security groups', async (filter) => (await listed(paginateDescribeSecurityGroups({ client: ec2 }, filter), ({ SecurityGroups }) => SecurityGroups)).map(({ GroupId }) => GroupId)),
    await byTag('volumes', async (filter) => (await listed(paginateDescribeVolumes({ client: ec2 }, filter), ({ Volumes }) => Volumes)).map(({ VolumeId }) => VolumeId)),
    ...(await identityOf(target)),
    { kind: 'log groups', found: (await listed(paginateDescribeLogGroups({ client: new CloudWatchLogsClient({ region }) }, { logGroupNamePrefix: `/aws/eks/${cluster}/` }), ({ logGroups }) => logGroups)).map(({ logGroupName = '' }) => logGroupName) },
    { kind: 'anything else by tag', found: (await listed(paginateGetResources({ client: new ResourceGroupsTaggingAPIClient({ region }) }, { TagFilters: [{ Key: TAG.cluster, Values: [cluster] }] }), ({ ResourceTagMappingList }) => ResourceTagMappingList)).map(({ ResourceARN = '' }) => ResourceARN).filter((arn) => !arn.includes(':instance/')) },
  ];
}

async function loadBalancersOf({ region, cluster }: Target): Promise<string[]> {
  const client = new ElasticLoadBalancingV2Client({ region });
  const all = await listed(paginateDescribeLoadBalancers({ client }, {}), ({ LoadBalancers }) => LoadBalancers);
  const arns = all.map(({ LoadBalancerArn }) => LoadBalancerArn).filter((arn) => arn !== undefined);
  if (arns.length === 0) return [];
  const { TagDescriptions = [] } = await client.send(new DescribeTagsCommand({ ResourceArns: arns }));
  return TagDescriptions.filter(({ Tags = [] }) => Tags.some(({ Key, Value }) => (Key === 'elbv2.k8s.aws/cluster' || Key === TAG.cluster) && Value === cluster)).map(({ ResourceArn = '' }) => ResourceArn);
}

async function identityOf({ region, cluster }: Target): Promise<LeftOver[]> {
  const client = new IAMClient({ region });
  const roles: string[] = [];
  for (const { RoleName } of await listed(paginateListRoles({ client }, {}), ({ Roles }) => Roles)) {
    const { Tags = [] } = await client.send(new ListRoleTagsCommand({ RoleName }));
    if (RoleName !== undefined && Tags.some(({ Key, Value }) => Key === TAG.cluster && Value === cluster)) roles.push(RoleName);
  }
  const providers: string[] = [];
  const { OpenIDConnectProviderList = [] } = await client.send(new ListOpenIDConnectProvidersCommand({}));
  for (const { Arn } of OpenIDConnectProviderList) {
    const { Tags = [] } = await client.send(new ListOpenIDConnectProviderTagsCommand({ OpenIDConnectProviderArn: Arn }));
    if (Arn !== undefined && Tags.some(({ Key, Value }) => Key === TAG.cluster && Value === cluster)) providers.push(Arn);
  }
  return [{ kind: 'IAM roles', found: roles }, { kind: 'OIDC providers', found: providers }];
}

/** The SDK has no paginator for this listing: its next page is named by three fields. */
async function* recordPages(client: Route53Client, HostedZoneId: string): AsyncGenerator<ListResourceRecordSetsCommandOutput> {
  for (let page: ListResourceRecordSetsCommandOutput | undefined; page === undefined || page.IsTruncated === true; ) {
    page = await client.send(new ListResourceRecordSetsCommand({ HostedZoneId, StartRecordName: page?.NextRecordName, StartRecordType: page?.NextRecordType, StartRecordIdentifier: page?.NextRecordIdentifier }));
    yield page;
  }
}

/** Every item of every page. */
async function listed<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => Item[] | undefined): Promise<Item[]> {
  const all: Item[] = [];
  for await (const page of pages) all.push(...(items(page) ?? []));
  return all;
}

function valueOf({ AliasTarget, ResourceRecords = [] }: ResourceRecordSet): string {
  return AliasTarget === undefined ? ResourceRecords.map(({ Value = '' }) => Value.replace('heritage=external-dns,', '').replaceAll('external-dns/', '')).join(' ') : `→ ${normaliseName(AliasTarget.DNSName ?? '')}`;
}
