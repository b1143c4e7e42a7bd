// The AWS load balancer controller's role: upstream's policy, narrowed to this cluster's tag and to what the chart
// switches on (no WAF, Shield, Cognito, Outposts).
// Source: kubernetes-sigs/aws-load-balancer-controller, docs/install/iam_policy.json, v3.
import { irsaTrust, policyDocument, type IrsaContext, type IrsaRole, type PolicyDocument } from './role.ts';

const namespace = 'kube-system';
const serviceAccount = 'aws-load-balancer-controller';
/** The controller's own tag, on everything it creates; its value is the cluster's name. */
const CLUSTER_TAG = 'elbv2.k8s.aws/cluster';

export const loadBalancerControllerRole: IrsaRole = {
  key: 'aws-load-balancer-controller',
  namespace,
  serviceAccount,
  define: (context) => ({
    roleName: `${context.clusterName}-load-balancer`,
    description: `AWS load balancer controller of ${context.clusterName}`,
    trustPolicy: irsaTrust(context, namespace, serviceAccount),
    managedPolicyArns: [],
    policies: { read: readPolicy(), 'load-balancers': loadBalancerPolicy(context), 'security-groups': securityGroupPolicy(context) },
  }),
};

function readPolicy(): PolicyDocument {
  return policyDocument({
    Sid: 'Read',
    Effect: 'Allow',
    Action: [
      'ec2:DescribeAccountAttributes', // controller: start-up check
      'ec2:DescribeAddresses', // controller: static addresses of a load balancer
      'ec2:DescribeAvailabilityZones', // controller: subnet discovery
      'ec2:DescribeInstances', // controller: instance targets
      'ec2:DescribeInternetGateways', // controller: is a subnet public
      'ec2:DescribeNetworkInterfaces', // controller: security groups of pods' interfaces
      'ec2:DescribeRouteTables', // controller: is a subnet public
      'ec2:DescribeSecurityGroups', // controller: its own groups
      'ec2:DescribeSubnets', // controller: subnet discovery by tag
      'ec2:DescribeTags', // controller: ownership
      'ec2:DescribeVpcs', // controller: the VPC's ranges
      'ec2:GetSecurityGroupsForVpc', // controller: names of groups
      'elasticloadbalancing:DescribeCapacityReservation', // controller: state of a load balancer
      'elasticloadbalancing:DescribeListenerAttributes', // controller: drift of listeners
      'elasticloadbalancing:DescribeListenerCertificates', // controller: drift of listeners
      'elasticloadbalancing:DescribeListeners', // controller: drift of listeners
      'elasticloadbalancing:DescribeLoadBalancerAttributes', // controller: drift of load balancers
      'elasticloadbalancing:DescribeLoadBalancers', // controller: its own load balancers
      'elasticloadbalancing:DescribeRules', // controller: drift of rules
      'elasticloadbalancing:DescribeSSLPolicies', // controller: TLS listeners
      'elasticloadbalancing:DescribeTags', // controller: ownership
      'elasticloadbalancing:DescribeTargetGroupAttributes', // controller: drift of target groups
      'elasticloadbalancing:DescribeTargetGroups', // controller: its own target groups
      'elasticloadbalancing:DescribeTargetHealth', // controller: registered targets
      'elasticloadbalancing:DescribeTrustStores', // controller: mutual TLS
      'acm:ListCertificates', // controller: certificate discovery by host name
      'acm:DescribeCertificate', // controller: certificate discovery by host name
    ],
    Resource: ['*'], // none of these takes a narrower resource
  });
}

function loadBalancerPolicy({ partition, region, accountId, clusterName }: IrsaContext): PolicyDocument {
  const arn = (path: string) => `arn:${partition}:elasticloadbalancing:${region}:${accountId}:${path}`;
  const requested = { [`aws:RequestTag/${CLUSTER_TAG}`]: clusterName };
  const owned = { StringEquals: { [`aws:ResourceTag/${CLUSTER_TAG}`]: clusterName } };
  return policyDocument(
    {
      Sid: 'ServiceLinkedRole',
      Effect: 'Allow',
      Action: ['iam:CreateServiceLinkedRole'], // controller: the account's first load balancer
      Resource: [`arn:${partition}:iam::${accountId}:role/aws-service-role/elasticloadbalancing.amazonaws.com/*`],
      Condition: { StringEquals: { 'iam:AWSServiceName': 'elasticloadbalancing.amazonaws.com' } },
    },
    {
      Sid: 'Create',
      Effect: 'Allow',
      Action: [
        'elasticloadbalancing:CreateLoadBalancer', // controller: Service or Ingress
        'elasticloadbalancing:CreateTargetGroup', // controller: each port of it
      ],
      Resource: [arn('loadbalancer/*'), arn('targetgroup/*')],
      Condition: { StringEquals: requested },
    },
    {
      Sid: 'TagNew',
      Effect: 'Allow',
      Action: ['elasticloadbalancing:AddTags'], // controller: tags in the same call
      Resource: [arn('loadbalancer/*'), arn('targetgroup/*')],
      Condition: { StringEquals: { ...requested, 'elasticloadbalancing:CreateAction': ['CreateLoadBalancer', 'CreateTargetGroup'] } },
    },
    {
      Sid: 'ChangeAndDeleteOwn',
      Effect: 'Allow',
      Action: [
        'elasticloadbalancing:AddTags', // controller: changed tags
        'elasticloadbalancing:CreateListener', // controller: each port
        'elasticloadbalancing:DeleteLoadBalancer', // controller: its finalizer
        'elasticloadbalancing:DeleteTargetGroup', // controller: its finalizer
        'elasticloadbalancing:DeregisterTargets', // controller: pods that go
        'elasticloadbalancing:ModifyLoadBalancerAttributes', // controller: annotations
        'elasticloadbalancing:ModifyTargetGroup', // controller: health check annotations
        'elasticloadbalancing:ModifyTargetGroupAttributes', // controller: annotations
        'elasticloadbalancing:RegisterTargets', // controller: pods that come
        'elasticloadbalancing:RemoveTags', // controller: changed tags
        'elasticloadbalancing:SetIpAddressType', // controller: dual stack
        'elasticloadbalancing:SetSecurityGroups', // controller: changed groups
        'elasticloadbalancing:SetSubnets', // controller: changed zones
      ],
      Resource: [arn('loadbalancer/*'), arn('targetgroup/*')],
      Condition: owned,
    },
    {
      Sid: 'Listeners',
      Effect: 'Allow',
      Action: [
        'elasticloadbalancing:AddListenerCertificates', // controller: further certificates of a listener
        'elasticloadbalancing:AddTags', // controller: tags in the same call
        'elasticloadbalancing:CreateRule', // controller: paths of an Ingress
        'elasticloadbalancing:DeleteListener', // controller: a port that goes
        'elasticloadbalancing:DeleteRule', // controller: a path that goes
        'elasticloadbalancing:ModifyListener', // controller: changed port
        'elasticloadbalancing:ModifyListenerAttributes', // controller: annotations
        'elasticloadbalancing:ModifyRule', // controller: changed path
        'elasticloadbalancing:RemoveListenerCertificates', // controller: certificates that go
        'elasticloadbalancing:RemoveTags', // controller: changed tags
        'elasticloadbalancing:SetRulePriorities', // controller: order of paths
      ],
      Resource: [arn('listener/*'), arn('listener-rule/*')], // upstream leaves these untagged in older releases
    },
  );
}

function securityGroupPolicy({ partition, region, accountId, clusterName }: IrsaContext): PolicyDocument {
  const groups = `arn:${partition}:ec2:${region}:${accountId}:security-group/*`;
  return policyDocument(
    {
      Sid: 'CreateGroups',
      Effect: 'Allow',
      Action: ['ec2:CreateSecurityGroup'], // controller: a group for each load balancer, and one for its backends
      Resource: [groups, `arn:${partition}:ec2:${region}:${accountId}:vpc/*`],
    },
    {
      Sid: 'TagNewGroups',
      Effect: 'Allow',
      Action: ['ec2:CreateTags'], // controller: tags in the same call
      Resource: [groups],
      Condition: { StringEquals: { 'ec2:CreateAction': 'CreateSecurityGroup', [`aws:RequestTag/${CLUSTER_TAG}`]: clusterName } },
    },
    {
      Sid: 'ChangeAndDeleteOwnGroups',
      Effect: 'Allow',
      Action: [
        'ec2:CreateTags', // controller: changed tags
        'ec2:DeleteTags', // controller: changed tags
        'ec2:DeleteSecurityGroup', // controller: its finalizer
      ],
      Resource: [groups],
      Condition: { StringEquals: { [`aws:ResourceTag/${CLUSTER_TAG}`]: clusterName } },
    },
    {
      Sid: 'Rules',
      Effect: 'Allow',
      Action: [
        'ec2:AuthorizeSecurityGroupIngress', // controller: listeners' ports, and from the load balancer to the nodes' group, which has no tag of the controller's
        'ec2:RevokeSecurityGroupIngress', // controller: the same, taken back before its group is deleted (failure 24)
      ],
      Resource: [groups],
    },
  );
}
