// What EKS offers: Kubernetes versions, add-ons with their versions, access policies, instance sizes (requirement C1).
// A subset of what `aws eks describe-cluster-versions`, `describe-addon-versions` and `list-access-policies` print.

import type { _InstanceType } from '@aws-sdk/client-ec2';

/** Kubernetes minors in standard support, oldest first; the last is the default and what the lab's binaries are. */
export const CLUSTER_VERSIONS = ['1.33', '1.34', '1.35', '1.36'] as const;
export const DEFAULT_VERSION = '1.36';

export interface CatalogueAddon {
  name: string;
  type: string;
  /** Versions of the add-on by Kubernetes minor, newest (default) first. */
  versions: Record<string, readonly string[]>;
  /** Does its service account need a role? */
  requiresIam: boolean;
}

const everywhere = (versions: readonly string[]): Record<string, readonly string[]> =>
  Object.fromEntries(CLUSTER_VERSIONS.map((minor) => [minor, versions]));

export const ADDONS: readonly CatalogueAddon[] = [
  { name: 'vpc-cni', type: 'networking', requiresIam: true, versions: everywhere(['v1.21.2-eksbuild.2', 'v1.21.1-eksbuild.1', 'v1.20.4-eksbuild.1']) },
  { name: 'coredns', type: 'networking', requiresIam: false, versions: everywhere(['v1.14.2-eksbuild.4', 'v1.13.1-eksbuild.1', 'v1.12.4-eksbuild.1']) },
  { name: 'aws-ebs-csi-driver', type: 'storage', requiresIam: true, versions: everywhere(['v1.62.0-eksbuild.1', 'v1.53.0-eksbuild.1', 'v1.51.1-eksbuild.1']) },
  {
    name: 'kube-proxy',
    type: 'networking',
    requiresIam: false,
    versions: {
      '1.33': ['v1.33.8-eksbuild.1'],
      '1.34': ['v1.34.6-eksbuild.1'],
      '1.35': ['v1.35.4-eksbuild.1'],
      '1.36': ['v1.36.0-eksbuild.7', 'v1.36.0-eksbuild.2'],
    },
  },
];

/** Access policies that the lab can enforce, with the Kubernetes group or role that stands for each. */
export const ACCESS_POLICIES: Record<string, string> = {
  AmazonEKSClusterAdminPolicy: 'system:masters',
  AmazonEKSAdminPolicy: 'eks:access-policy:admin',
  AmazonEKSEditPolicy: 'eks:access-policy:edit',
  AmazonEKSViewPolicy: 'eks:access-policy:view',
};

export const POLICY_ARN_PREFIX = 'arn:aws:eks::aws:cluster-access-policy/';

/** vCPU, memory (GiB) and pod limit (ENIs × (addresses − 1) + 2) of the instance types that node groups may name. */
const INSTANCE_TYPES = {
  't3.medium': { cpu: 2, gib: 4, pods: 17 },
  't3.large': { cpu: 2, gib: 8, pods: 35 },
  't3.xlarge': { cpu: 4, gib: 16, pods: 58 },
  'm5.large': { cpu: 2, gib: 8, pods: 29 },
  'm5.xlarge': { cpu: 4, gib: 16, pods: 58 },
  'm6i.large': { cpu: 2, gib: 8, pods: 29 },
  'm6i.xlarge': { cpu: 4, gib: 16, pods: 58 },
  'm7i.large': { cpu: 2, gib: 8, pods: 29 },
  'm7i.xlarge': { cpu: 4, gib: 16, pods: 58 },
} as const satisfies Partial<Record<_InstanceType, { cpu: number; gib: number; pods: number }>>;
export type KnownInstanceType = keyof typeof INSTANCE_TYPES;

/** Does the lab know this instance type? */
export function isKnownInstanceType(type: string): type is KnownInstanceType {
  return Object.hasOwn(INSTANCE_TYPES, type);
}

/** A node's allocatable resources. */
export function capacityOf(instanceType: KnownInstanceType): Record<string, string> {
  const size = INSTANCE_TYPES[instanceType];
  return { cpu: String(size.cpu), memory: `${size.gib}Gi`, pods: String(size.pods), 'ephemeral-storage': '20Gi' };
}

/** The add-on's versions for a Kubernetes minor, newest first; empty if EKS does not offer it there. */
export function addonVersions(name: string, minor: string): readonly string[] {
  return ADDONS.find((addon) => addon.name === name)?.versions[minor] ?? [];
}
