// The EKS control plane's role (C1).
import { serviceTrust, type IamContext, type RoleDefinition } from './role.ts';

/** The role that CreateCluster is given. */
export function clusterRole({ partition, clusterName }: IamContext): RoleDefinition {
  return {
    roleName: `${clusterName}-cluster`,
    description: `EKS control plane of ${clusterName}`,
    trustPolicy: serviceTrust('eks.amazonaws.com'),
    // The control plane: its network interfaces and security group in the VPC.
    managedPolicyArns: [`arn:${partition}:iam::aws:policy/AmazonEKSClusterPolicy`],
    policies: {},
  };
}
