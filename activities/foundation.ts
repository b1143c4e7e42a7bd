// Readings of the foundation (F4): what exists, never what ought to. Verdicts are domain/foundation.ts's; a reading that failed is its problem, never an empty list (failure 36).
import { DescribeVpcAttributeCommand, type EC2Client, paginateDescribeSubnets, paginateDescribeVpcs } from '@aws-sdk/client-ec2';
import { paginateListClusters } from '@aws-sdk/client-eks';
import { GetRoleCommand, type IAMClient, paginateSimulatePrincipalPolicy } from '@aws-sdk/client-iam';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Context } from '@temporalio/activity';
import { paginateGetResources, type ResourceGroupsTaggingAPIClient } from '@aws-sdk/client-resource-groups-tagging-api';
import { GetServiceQuotaCommand } from '@aws-sdk/client-service-quotas';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { GoldenpathError } from '../domain/errors.ts';
import type { Subnet } from '../domain/foundation.ts';
import { jsonOf } from '../domain/json.ts';
import { TAG } from '../domain/names.ts';
import type { Plan, Target } from '../domain/plan.ts';
import type { OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import { objectOfArn } from './arns.ts';
import { readBucketRegion } from './buckets.ts';
import type { CoreReadings, Probes } from './contract.ts';
import { type ManifestSource, readPinnedFiles } from './manifests.ts';
import { fromTagList } from './ownership.ts';
import { allPages, present } from './pages.ts';
import { reading } from './reading.ts';
import { recordedZoneId } from './registry.ts';
import { type RequiredActions, requiredActions } from './required-actions.ts';

export function foundationActivities(clients: Clients, { manifestMirror }: { manifestMirror?: string | undefined } = {}): Pick<Probes, 'readCore' | 'readFoundation'> {
  return { readCore: ({ plan }) => readCore(clients, plan, { mirror: manifestMirror, signal: Context.current().cancellationSignal }), readFoundation: ({ target }) => readFoundation(clients.tagging, target) };
}

/** Everything with the foundation's tags, of whatever service: what platforms stand on, and no teardown removes. */
async function readFoundation(tagging: ResourceGroupsTaggingAPIClient, { environment }: Target): Promise<OwnedObject[]> {
  const TagFilters = [{ Key: TAG.environment, Values: [environment] }, { Key: TAG.plane, Values: ['foundation'] }];
  const found = await allPages(paginateGetResources({ client: tagging }, { TagFilters }), (page) => page.ResourceTagMappingList);
  return found.map(({ ResourceARN }) => objectOfArn(present(ResourceARN, 'an ARN')));
}

/** Everything but Route 53 and tier 2's, all at once. Throttling and an AWS that does not answer are errors of the whole, for a retry; a refusal is a reading's problem, for the report. */
async function readCore(clients: Clients, plan: Plan, manifests: ManifestSource): Promise<CoreReadings> {
  const { target } = plan;
  const [caller, vpcs, subnets, recorded, secrets, quota, denied, bucket, pinnedFiles] = await Promise.all([
    reading(readCaller(clients)),
    reading(readVpcs(clients.ec2, target.environment)),
    reading(foundationSubnets(clients.ec2, target)),
    reading(recordedZoneId(clients.s3, plan.registry, target.environment)),
    Promise.all(plan.secrets.map(async ({ name }) => [name, await reading(readSecretKeys(clients.secrets, name))] as const)),
    reading(readQuota(clients, target)),
    reading(readDeniedActions(clients, plan)),
    reading(readBucketRegion(clients.s3, plan.registry.bucket, target.accountId)),
    readPinnedFiles(plan.versions.manifests, manifests),
  ]);
  return { caller, vpcs, subnets, recordedZoneId: recorded, secrets: Object.fromEntries(secrets), quota, deniedActions: denied, bucket, pinnedFiles };
}

export async function readCaller({ sts }: Pick<Clients, 'sts'>): Promise<{ account: string; arn: string }> {
  const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}));
  return { account: present(Account, 'an account'), arn: present(Arn, "the caller's ARN") };
}

/** The filters by which the foundation's objects of an environment are found: its tags, as infrastructure code leaves them. */
export function foundationFilters(environment: string): { Name: string; Values: string[] }[] {
  return [
    { Name: `tag:${TAG.environment}`, Values: [environment] },
    { Name: `tag:${TAG.plane}`, Values: ['foundation'] },
  ];
}

/** The ids of the VPCs with the foundation's tags: one, where all is well. */
export async function foundationVpcIds(ec2: EC2Client, environment: string): Promise<string[]> {
  const vpcs = await allPages(paginateDescribeVpcs({ client: ec2 }, { Filters: foundationFilters(environment) }), (page) => page.Vpcs);
  return vpcs.map(({ VpcId }) => present(VpcId, "a VPC's id"));
}

async function readVpcs(ec2: EC2Client, environment: string): Promise<{ id: string; dnsSupport: boolean; dnsHostnames: boolean }[]> {
  const ids = await foundationVpcIds(ec2, environment);
  return Promise.all(
    ids.map(async (id) => {
      const [support, hostnames] = await Promise.all([
        ec2.send(new DescribeVpcAttributeCommand({ VpcId: id, Attribute: 'enableDnsSupport' })),
        ec2.send(new DescribeVpcAttributeCommand({ VpcId: id, Attribute: 'enableDnsHostnames' })),
      ]);
      return { id, dnsSupport: support.EnableDnsSupport?.Value === true, dnsHostnames: hostnames.EnableDnsHostnames?.Value === true };
    }),
  );
}

/** The subnets of the environment's foundation, by its tags. */
export async function foundationSubnets(ec2: EC2Client, { environment }: Pick<Target, 'environment'>): Promise<Subnet[]> {
  const subnets = await allPages(paginateDescribeSubnets({ client: ec2 }, { Filters: foundationFilters(environment) }), (page) => page.Subnets);
  return subnets.map(({ SubnetId, AvailabilityZone, AvailableIpAddressCount, Tags }) => ({
    id: present(SubnetId, "a subnet's id"),
    zone: present(AvailabilityZone, "a subnet's zone"),
    freeAddresses: present(AvailableIpAddressCount, "a subnet's free addresses"),
    tags: fromTagList(Tags),
  }));
}

/** The keys of a JSON secret. Its values never leave this function (R2). */
export async function readSecretKeys(secrets: SecretsManagerClient, name: string): Promise<string[]> {
  const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: name }));
  if (SecretString === undefined) throw new GoldenpathError('PreflightFailed', 'is binary, not JSON');
  const value = jsonOf(SecretString);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new GoldenpathError('PreflightFailed', 'is not a JSON object');
  return Object.keys(value);
}

/** EKS clusters of the region against the quota "Clusters" (L-1194D53C). */
async function readQuota({ eks, quotas }: Clients, { cluster }: Target): Promise<{ clusters: number; limit: number; own: boolean }> {
  const [clusters, { Quota }] = await Promise.all([
    allPages(paginateListClusters({ client: eks }, {}), (page) => page.clusters),
    quotas.send(new GetServiceQuotaCommand({ ServiceCode: 'eks', QuotaCode: 'L-1194D53C' })),
  ]);
  return { clusters: clusters.length, limit: present(Quota?.Value, "the quota's value"), own: clusters.includes(cluster) };
}

/** The run's actions that the caller's policies do not allow, each with its resource. The account's root may do everything and cannot be simulated. */
function readDeniedActions(clients: Clients, plan: Plan): Promise<string[]> {
  return deniedActions(clients, requiredActions(plan), plan.target.tags);
}

/** Those of the actions that the caller's policies do not allow, asked with these tags on whatever is made or touched. */
export async function deniedActions(clients: Pick<Clients, 'sts' | 'iam'>, required: readonly RequiredActions[], ownTags: Record<string, string>): Promise<string[]> {
  const { arn } = await readCaller(clients);
  if (arn.endsWith(':root')) return [];
  const principal = await policySourceArn(clients.iam, arn);
  const tags = Object.entries(ownTags);
  const denied = await Promise.all(
    required.map(async ({ actions, resources, why, conditions = {} }) => {
      const results = await allPages(
        paginateSimulatePrincipalPolicy({ client: clients.iam }, {
          PolicySourceArn: principal,
          ActionNames: actions,
          ResourceArns: resources,
          // Policies that allow only our own tags are as good as those that allow all.
          ContextEntries: [
            ...tags.flatMap(([key, value]) => ['aws:RequestTag', 'aws:ResourceTag'].map((scope) => ({ ContextKeyName: `${scope}/${key}`, ContextKeyType: 'string' as const, ContextKeyValues: [value] }))),
            ...Object.entries(conditions).map(([key, values]) => ({ ContextKeyName: key, ContextKeyType: 'stringList' as const, ContextKeyValues: values })),
          ],
        }),
        (page) => page.EvaluationResults,
      );
      return results.filter((result) => result.EvalDecision !== 'allowed').map((result) => `${result.EvalActionName} on ${result.EvalResourceName ?? resources.join(', ')} (${why})`);
    }),
  );
  return denied.flat();
}

/** The ARN that policies hang on: a session's role (with its path, which the session's ARN lacks), else the caller itself. */
async function policySourceArn(iam: IAMClient, callerArn: string): Promise<string> {
  const session = /^arn:[^:]+:sts::\d+:assumed-role\/([^/]+)\//.exec(callerArn);
  if (session?.[1] === undefined) return callerArn;
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: session[1] }));
  return present(Role?.Arn, "the role's ARN");
}
