// The cluster autoscaler's role: sees every group, changes only those that carry this cluster's tag (C1).
import { irsaTrust, policyDocument, type IrsaRole } from './role.ts';

const namespace = 'kube-system';
const serviceAccount = 'cluster-autoscaler';

export const clusterAutoscalerRole: IrsaRole = {
  key: 'cluster-autoscaler',
  namespace,
  serviceAccount,
  define: (context) => ({
    roleName: `${context.clusterName}-cluster-autoscaler`,
    description: `Cluster autoscaler of ${context.clusterName}: its own Auto Scaling groups only`,
    trustPolicy: irsaTrust(context, namespace, serviceAccount),
    managedPolicyArns: [],
    policies: {
      'own-groups': policyDocument(
        {
          Sid: 'ChangeOwnGroups',
          Effect: 'Allow',
          Action: [
            'autoscaling:SetDesiredCapacity', // autoscaler: adds nodes
            'autoscaling:TerminateInstanceInAutoScalingGroup', // autoscaler: removes one node
          ],
          Resource: [`arn:${context.partition}:autoscaling:${context.region}:${context.accountId}:autoScalingGroup:*`],
          Condition: { StringEquals: { [`aws:ResourceTag/k8s.io/cluster-autoscaler/${context.clusterName}`]: 'owned' } },
        },
        {
          Sid: 'ReadGroups',
          Effect: 'Allow',
          Action: [
            'autoscaling:DescribeAutoScalingGroups', // autoscaler: discovery by tag, sizes and bounds
            'autoscaling:DescribeAutoScalingInstances', // autoscaler: instance → group
            'autoscaling:DescribeLaunchConfigurations', // autoscaler: the node that a group would add
            'autoscaling:DescribeScalingActivities', // autoscaler: why a scale-up brings no node
            'autoscaling:DescribeTags', // autoscaler: labels and taints of a group at zero
            'ec2:DescribeImages', // autoscaler: the node that a group would add
            'ec2:DescribeInstanceTypes', // autoscaler: capacity of an instance type
            'ec2:DescribeLaunchTemplateVersions', // autoscaler: the node that a group would add
            'ec2:GetInstanceTypesFromInstanceRequirements', // autoscaler: groups with a mix of types
            'eks:DescribeNodegroup', // autoscaler: labels and taints of a managed group at zero
          ],
          Resource: ['*'], // none of these takes a narrower resource
        },
      ),
    },
  }),
};
