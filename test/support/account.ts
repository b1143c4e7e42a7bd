// Everything that an AWS account holds, one line an object, read by the SDK alone: what a run may leave behind, and what it must not touch.
import { CloudWatchLogsClient, paginateDescribeLogGroups } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeAddressesCommand, EC2Client, paginateDescribeInstances, paginateDescribeNatGateways, paginateDescribeNetworkInterfaces, paginateDescribeRouteTables,
  paginateDescribeSecurityGroups, paginateDescribeSubnets, paginateDescribeVolumes, paginateDescribeVpcs, type Tag,
} from '@aws-sdk/client-ec2';
import { EKSClient, paginateListClusters } from '@aws-sdk/client-eks';
import { ElasticLoadBalancingV2Client, paginateDescribeLoadBalancers, paginateDescribeTargetGroups } from '@aws-sdk/client-elastic-load-balancing-v2';
import { IAMClient, ListOpenIDConnectProvidersCommand, paginateListInstanceProfiles, paginateListPolicies, paginateListRoles } from '@aws-sdk/client-iam';
import { ListResourceRecordSetsCommand, paginateListHostedZones, type ResourceRecordSet, Route53Client } from '@aws-sdk/client-route-53';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { paginateListSecrets, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

export interface Reach {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

/** How the variables of `lab env` reach AWS. */
export function reachOf(env: Readonly<Record<string, string>>): Reach {
  const of = (name: string) => {
    const value = env[name];
    if (value === undefined) throw new Error(`lab env has no ${name}`);
    return value;
  };
  return { endpoint: of('AWS_ENDPOINT_URL'), region: of('AWS_REGION'), credentials: { accessKeyId: of('AWS_ACCESS_KEY_ID'), secretAccessKey: of('AWS_SECRET_ACCESS_KEY') } };
}

/** The account by kind of object, each list sorted. Foundation objects with their tags, so that a changed tag shows. Objects in buckets are left out: the registry is to grow. */
export async function accountOf(reach: Reach): Promise<Record<string, string[]>> {
  const [compute, rest] = await Promise.all([ec2Of(new EC2Client(reach)), othersOf(reach)]);
  return Object.fromEntries(Object.entries({ ...compute, ...rest }).map(([kind, lines]) => [kind, lines.toSorted()]));
}

/** The records of all zones, `name type values`. Looks again where Route 53 is busy: its rate is the whole account's. */
export async function recordsOf(reach: Reach): Promise<string[]> {
  const client = new Route53Client({ ...reach, maxAttempts: 10 });
  const lines: string[] = [];
  for (const { Id } of await all(paginateListHostedZones({ client }, {}), (page) => page.HostedZones)) {
    const { ResourceRecordSets = [], IsTruncated } = await client.send(new ListResourceRecordSetsCommand({ HostedZoneId: Id, MaxItems: 300 }));
    if (IsTruncated === true) throw new Error(`zone ${Id} holds more than a page`);
    lines.push(...ResourceRecordSets.map((set) => recordLine(set)));
  }
  return lines.toSorted();
}

function recordLine({ Name, Type, AliasTarget, ResourceRecords = [] }: ResourceRecordSet): string {
  return `${Name} ${Type} ${AliasTarget?.DNSName ?? ResourceRecords.map(({ Value }) => Value).join(' ')}`;
}

async function ec2Of(client: EC2Client): Promise<Record<string, string[]>> {
  const [vpcs, subnets, groups, interfaces, volumes, reservations, gateways, tables, { Addresses = [] }] = await Promise.all([
    all(paginateDescribeVpcs({ client }, {}), (page) => page.Vpcs),
    all(paginateDescribeSubnets({ client }, {}), (page) => page.Subnets),
    all(paginateDescribeSecurityGroups({ client }, {}), (page) => page.SecurityGroups),
    all(paginateDescribeNetworkInterfaces({ client }, {}), (page) => page.NetworkInterfaces),
    all(paginateDescribeVolumes({ client }, {}), (page) => page.Volumes),
    all(paginateDescribeInstances({ client }, {}), (page) => page.Reservations),
    all(paginateDescribeNatGateways({ client }, {}), (page) => page.NatGateways),
    all(paginateDescribeRouteTables({ client }, {}), (page) => page.RouteTables),
    client.send(new DescribeAddressesCommand({})),
  ]);
  return {
    vpcs: vpcs.map(({ VpcId, Tags }) => `${VpcId} ${tagged(Tags)}`),
    subnets: subnets.map(({ SubnetId, Tags }) => `${SubnetId} ${tagged(Tags)}`),
    'security groups': groups.map(({ GroupId, GroupName, Tags }) => `${GroupId} ${GroupName} ${tagged(Tags)}`),
    'network interfaces': interfaces.map(({ NetworkInterfaceId, Description }) => `${NetworkInterfaceId} ${Description}`),
    volumes: volumes.map(({ VolumeId }) => VolumeId ?? ''),
    // EC2 lists terminated ones for an hour.
    instances: reservations.flatMap(({ Instances = [] }) => Instances).filter(({ State }) => State?.Name !== 'terminated').map(({ InstanceId }) => InstanceId ?? ''),
    'NAT gateways': gateways.map(({ NatGatewayId, State }) => `${NatGatewayId} ${State}`),
    'route tables': tables.map(({ RouteTableId, Tags }) => `${RouteTableId} ${tagged(Tags)}`),
    addresses: Addresses.map(({ AllocationId }) => AllocationId ?? ''),
  };
}

async function othersOf(reach: Reach): Promise<Record<string, string[]>> {
  const [elb, iam] = [new ElasticLoadBalancingV2Client(reach), new IAMClient(reach)];
  const [clusters, balancers, targets, roles, policies, profiles, { OpenIDConnectProviderList = [] }, logs, secrets, { Buckets = [] }, zones, records] = await Promise.all([
    all(paginateListClusters({ client: new EKSClient(reach) }, {}), (page) => page.clusters),
    all(paginateDescribeLoadBalancers({ client: elb }, {}), (page) => page.LoadBalancers),
    all(paginateDescribeTargetGroups({ client: elb }, {}), (page) => page.TargetGroups),
    all(paginateListRoles({ client: iam }, {}), (page) => page.Roles),
    all(paginateListPolicies({ client: iam }, { Scope: 'Local' }), (page) => page.Policies),
    all(paginateListInstanceProfiles({ client: iam }, {}), (page) => page.InstanceProfiles),
    iam.send(new ListOpenIDConnectProvidersCommand({})),
    all(paginateDescribeLogGroups({ client: new CloudWatchLogsClient(reach) }, {}), (page) => page.logGroups),
    all(paginateListSecrets({ client: new SecretsManagerClient(reach) }, {}), (page) => page.SecretList),
    new S3Client({ ...reach, forcePathStyle: true }).send(new ListBucketsCommand({})),
    all(paginateListHostedZones({ client: new Route53Client(reach) }, {}), (page) => page.HostedZones),
    recordsOf(reach),
  ]);
  return {
    clusters,
    'load balancers': balancers.map(({ LoadBalancerArn }) => LoadBalancerArn ?? ''),
    'target groups': targets.map(({ TargetGroupArn }) => TargetGroupArn ?? ''),
    roles: roles.map(({ Arn }) => Arn ?? ''),
    policies: policies.map(({ Arn }) => Arn ?? ''),
    'instance profiles': profiles.map(({ Arn }) => Arn ?? ''),
    'OIDC providers': OpenIDConnectProviderList.map(({ Arn }) => Arn ?? ''),
    'log groups': logs.map(({ logGroupName }) => logGroupName ?? ''),
    secrets: secrets.map(({ ARN, Tags }) => `${ARN} ${tagged(Tags)}`),
    buckets: Buckets.map(({ Name }) => Name ?? ''),
    zones: zones.map(({ Id, Name }) => `${Id} ${Name}`),
    records,
  };
}

function tagged(tags: readonly Tag[] = []): string {
  return tags.map(({ Key, Value }) => `${Key}=${Value}`).toSorted().join(' ');
}

async function all<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => Item[] | undefined): Promise<Item[]> {
  const found: Item[] = [];
  for await (const page of pages) found.push(...(items(page) ?? []));
  return found;
}
