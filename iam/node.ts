// The nodes' role (C1).
import { serviceTrust, type IamContext, type RoleDefinition } from './role.ts';

/** The role that CreateNodegroup is given. */
export function nodeRole({ partition, clusterName }: IamContext): RoleDefinition {
  const managed = (name: string) => `arn:${partition}:iam::aws:policy/${name}`;
  return {
    roleName: `${clusterName}-node`,
    description: `Nodes of ${clusterName}`,
    trustPolicy: serviceTrust('ec2.amazonaws.com'),
    managedPolicyArns: [
      managed('AmazonEKSWorkerNodePolicy'), // kubelet: joins the cluster
      managed('AmazonEKS_CNI_Policy'), // vpc-cni: pods' addresses and network interfaces
      managed('AmazonEC2ContainerRegistryReadOnly'), // kubelet: images of the add-ons
    ],
    policies: {},
  };
}
