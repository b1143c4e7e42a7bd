// The AWS actions that a run performs, each group with what needs it: the foundation check simulates them before the first
// change (F4). docs/reference/iam.md lists the same.
import type { Plan } from '../domain/plan.ts';
import { partitionOf } from './iam.ts';

/** Actions on one kind of resource. */
export interface RequiredActions {
  /** The activity or stage that performs them. */
  why: string;
  /** ARN patterns the actions are simulated on; `*` for actions that AWS authorises without a resource. */
  resources: string[];
  actions: string[];
  /** Condition keys of the calls, with every value they come with: a policy may allow no more than these. */
  conditions?: Record<string, string[]>;
}

type Needs = Pick<Plan, 'target' | 'registry' | 'secrets' | 'databases' | 'objectStorage'>;

/** What the worker's principal must be allowed, for bootstrap and teardown of this plan. */
export function requiredActions(needs: Needs): RequiredActions[] {
  return [...foundationActions(needs), ...tier2Actions(needs), ...clusterActions(needs), ...identityActions(needs), ...leftoverActions(needs), ...orphanActions(needs)].filter(({ resources }) => resources.length > 0);
}

/** What the foundation check, the registry, the DNS gate and the probes read and write. */
function foundationActions({ target, registry, secrets }: Needs): RequiredActions[] {
  const { accountId, region, hostedZoneId } = target;
  const aws = `arn:${partitionOf(region)}`;
  return [
    {
      why: 'foundation, load balancer, network and volume probes',
      resources: ['*'],
      actions: [
        'ec2:DescribeVpcs', 'ec2:DescribeVpcAttribute', 'ec2:DescribeSubnets', 'ec2:DescribeInstances', 'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSecurityGroups', 'ec2:DescribeVolumes', 'elasticloadbalancing:DescribeLoadBalancers',
        'elasticloadbalancing:DescribeLoadBalancerAttributes', 'elasticloadbalancing:DescribeTargetGroups',
        'elasticloadbalancing:DescribeListeners', 'elasticloadbalancing:DescribeRules', 'elasticloadbalancing:DescribeTags',
      ],
    },
    {
      why: 'foundation: quota, permissions, delegation',
      resources: ['*'],
      actions: ['servicequotas:GetServiceQuota', 'eks:ListClusters', 'iam:SimulatePrincipalPolicy', 'route53:ListHostedZonesByName'],
    },
    {
      why: 'foundation: secrets; sweep',
      resources: secrets.map(({ name }) => `${aws}:secretsmanager:${region}:${accountId}:secret:${name}-??????`),
      actions: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
    },
    {
      why: 'claimBuild, writeReceipt, recordAudit; every destroying call',
      resources: [`${aws}:s3:::${registry.bucket}/*`],
      actions: ['s3:GetObject', 's3:PutObject'],
    },
    // Without ListBucket, S3 answers AccessDenied for an object that is not there: nothing could be told from that.
    {
      why: 'foundation: registry bucket; repairRecords',
      resources: [`${aws}:s3:::${registry.bucket}`],
      actions: ['s3:ListBucket'],
    },
    {
      why: 'foundation: zone, DNS gate',
      resources: [`${aws}:route53:::hostedzone/${hostedZoneId}`],
      actions: ['route53:GetHostedZone', 'route53:ListResourceRecordSets'],
    },
    // Break-glass: the only change of records that the worker ever makes, after people decided on exactly these (D4).
    {
      why: 'repairRecords',
      resources: [`${aws}:route53:::hostedzone/${hostedZoneId}`],
      actions: ['route53:ChangeResourceRecordSets'],
      conditions: { 'route53:ChangeResourceRecordSetsActions': ['DELETE'] },
    },
    {
      why: 'listRecordProtections, repairRecords; liftRecordProtections',
      resources: [`${aws}:route53:::hostedzone/${hostedZoneId}`],
      actions: ['route53:ListResourceRecordSetProtections', 'route53:DeleteResourceRecordSetProtections'],
    },
    {
      why: 'repairRecords',
      resources: [`${aws}:route53:::change/*`],
      actions: ['route53:GetChange'],
    },
  ];
}

/** What only tiers 2 and 3 read; the logins are among the plan's secrets. */
function tier2Actions({ target, databases, objectStorage }: Needs): RequiredActions[] {
  const aws = `arn:${partitionOf(target.region)}`;
  return [
    { why: 'readTier2Foundation: database', resources: databases === undefined ? [] : ['*'], actions: ['rds:DescribeDBInstances'] },
    { why: "readTier2Foundation: Loki's bucket", resources: objectStorage === undefined ? [] : [`${aws}:s3:::${objectStorage.lokiBucket}`], actions: ['s3:ListBucket'] },
  ];
}

/** EKS: the cluster with its node groups, add-ons and Fargate profiles. */
function clusterActions({ target }: Needs): RequiredActions[] {
  const { accountId, region, cluster } = target;
  const eks = (kind: string) => `arn:${partitionOf(region)}:eks:${region}:${accountId}:${kind}/${cluster}`;
  return [
    {
      why: 'startCluster, liftProtections, startDeleteCluster',
      resources: [eks('cluster')],
      actions: [
        'eks:CreateCluster', 'eks:DescribeCluster', 'eks:UpdateClusterConfig', 'eks:DeleteCluster', 'eks:TagResource', 'eks:CreateNodegroup',
        'eks:ListNodegroups', 'eks:CreateAddon', 'eks:ListAddons', 'eks:ListFargateProfiles',
      ],
    },
    {
      why: 'node groups',
      resources: [`${eks('nodegroup')}/*`],
      actions: ['eks:DescribeNodegroup', 'eks:DeleteNodegroup'],
    },
    {
      why: 'ensureAddon, probeAddons',
      resources: [`${eks('addon')}/*`],
      actions: ['eks:DescribeAddon', 'eks:UpdateAddon'],
    },
    {
      why: 'liftProtections',
      resources: [`arn:${partitionOf(region)}:elasticloadbalancing:${region}:${accountId}:loadbalancer/*`],
      actions: ['elasticloadbalancing:ModifyLoadBalancerAttributes'],
    },
    {
      why: 'startDeleteNodeGroups',
      resources: [`${eks('fargateprofile')}/*`],
      actions: ['eks:DescribeFargateProfile', 'eks:DeleteFargateProfile'],
    },
  ];
}

/** IAM: roles and the OIDC provider. */
function identityActions({ target }: Needs): RequiredActions[] {
  const { accountId, region, cluster } = target;
  const aws = `arn:${partitionOf(region)}`;
  return [
    {
      why: 'ensureClusterRoles, ensureIrsaRoles, deleteIdentity',
      resources: [`${aws}:iam::${accountId}:role/${cluster}-*`],
      actions: [
        'iam:CreateRole', 'iam:GetRole', 'iam:TagRole', 'iam:PassRole', 'iam:UpdateAssumeRolePolicy', 'iam:AttachRolePolicy',
        'iam:DetachRolePolicy', 'iam:PutRolePolicy', 'iam:GetRolePolicy', 'iam:DeleteRolePolicy', 'iam:ListAttachedRolePolicies',
        'iam:ListRolePolicies', 'iam:ListInstanceProfilesForRole', 'iam:DeleteRole',
      ],
    },
    {
      why: 'deleteIdentity: a profile that still holds a role',
      resources: [`${aws}:iam::${accountId}:instance-profile/*`],
      actions: ['iam:RemoveRoleFromInstanceProfile', 'iam:GetInstanceProfile', 'iam:DeleteInstanceProfile'],
    },
    // EKS makes its service-linked roles in the caller's name, once in an account.
    {
      why: 'startCluster, startNodeGroup: the first of an account',
      resources: [`${aws}:iam::${accountId}:role/aws-service-role/*`],
      actions: ['iam:CreateServiceLinkedRole'],
    },
    {
      why: 'ensureIrsaRoles, deleteIdentity',
      resources: [`${aws}:iam::${accountId}:oidc-provider/*`],
      actions: [
        'iam:CreateOpenIDConnectProvider', 'iam:GetOpenIDConnectProvider', 'iam:TagOpenIDConnectProvider',
        'iam:DeleteOpenIDConnectProvider',
      ],
    },
    {
      why: 'deleteIdentity, sweep',
      resources: ['*'],
      actions: [
        'iam:ListRoles', 'iam:ListOpenIDConnectProviders', 'iam:ListInstanceProfiles', 'iam:ListPolicies', 'tag:GetResources',
      ],
    },
  ];
}

/** Log groups, and what a deleted cluster leaves in EC2. */
function leftoverActions({ target }: Needs): RequiredActions[] {
  const { accountId, region, cluster } = target;
  const aws = `arn:${partitionOf(region)}`;
  return [
    {
      why: 'ensureLogGroup, deleteLeftovers',
      resources: [`${aws}:logs:${region}:${accountId}:log-group:/aws/eks/${cluster}/cluster:*`],
      actions: ['logs:CreateLogGroup', 'logs:PutRetentionPolicy', 'logs:TagResource', 'logs:ListTagsForResource', 'logs:DeleteLogGroup'],
    },
    {
      why: 'ensureLogGroup',
      resources: ['*'],
      actions: ['logs:DescribeLogGroups'],
    },
    {
      why: 'deleteLeftovers',
      resources: [`${aws}:ec2:${region}:${accountId}:network-interface/*`],
      actions: ['ec2:DeleteNetworkInterface'],
    },
    {
      why: 'deleteLeftovers',
      resources: [`${aws}:ec2:${region}:${accountId}:security-group/*`],
      actions: ['ec2:RevokeSecurityGroupIngress', 'ec2:RevokeSecurityGroupEgress', 'ec2:DeleteSecurityGroup'],
    },
  ];
}

/** What a sweep asks of objects that nothing here makes and a tag may still name, and what the removal of orphans deletes. */
function orphanActions({ target }: Needs): RequiredActions[] {
  const { accountId, region } = target;
  const aws = `arn:${partitionOf(region)}`;
  return [
    {
      why: 'sweep, surveyAccount',
      resources: ['*'],
      actions: [
        'ec2:DescribeSnapshots', 'ec2:DescribeAddresses', 'ec2:DescribeLaunchTemplates', 'kms:DescribeKey', 's3:GetBucketLocation',
        'secretsmanager:ListSecrets', 'tag:GetTagKeys',
      ],
    },
    {
      why: 'deleteOrphanIdentity, sweep',
      resources: [`${aws}:iam::${accountId}:policy/*`],
      actions: ['iam:GetPolicy', 'iam:ListPolicyTags', 'iam:ListPolicyVersions', 'iam:DeletePolicyVersion', 'iam:DeletePolicy'],
    },
    {
      why: 'deleteLoadBalancers',
      resources: [`${aws}:elasticloadbalancing:${region}:${accountId}:loadbalancer/*`],
      actions: ['elasticloadbalancing:DeleteLoadBalancer'],
    },
    {
      why: 'deleteLoadBalancers',
      resources: [`${aws}:elasticloadbalancing:${region}:${accountId}:targetgroup/*`],
      actions: ['elasticloadbalancing:DeleteTargetGroup'],
    },
    {
      why: 'deleteOrphanInstances',
      resources: [`${aws}:ec2:${region}:${accountId}:instance/*`],
      actions: ['ec2:TerminateInstances'],
    },
    {
      why: 'deleteOrphanVolumes',
      resources: [`${aws}:ec2:${region}:${accountId}:volume/*`],
      actions: ['ec2:DeleteVolume'],
    },
  ];
}
