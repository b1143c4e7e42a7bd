// The Kubernetes objects of the managed add-ons, by EKS's own names (requirement C1, C3): what clients look for is real,
// their containers are kwok's. Reduced from the add-ons' own manifests.
import type { KubernetesObject, V1Container, V1DaemonSet, V1Deployment, V1ServiceAccount } from '@kubernetes/client-node';
import type { AddonSpec } from './provider.ts';

/** The registry of EKS's own images in eu-west-2 (EKS User Guide, container image registries). */
const REGISTRY = '602401143452.dkr.ecr.eu-west-2.amazonaws.com';
const NAMESPACE = 'kube-system';
/** The tenth address of the service range, as on EKS. */
const CLUSTER_DNS = '10.100.0.10';

interface WorkloadSpec {
  name: string;
  labels: Record<string, string>;
  serviceAccount: string;
  containers: V1Container[];
}

type Build = (addon: AddonSpec) => KubernetesObject[];

const BUILDERS: Record<string, Build> = {
  'vpc-cni': (addon) => [
    serviceAccount('aws-node', addon.serviceAccountRoleArn),
    daemonSet({
      name: 'aws-node', labels: { 'k8s-app': 'aws-node' }, serviceAccount: 'aws-node',
      containers: [{ name: 'aws-node', image: `${REGISTRY}/amazon-k8s-cni:${addon.version}` }],
    }),
  ],
  'kube-proxy': (addon) => [
    serviceAccount('kube-proxy'),
    daemonSet({
      name: 'kube-proxy', labels: { 'k8s-app': 'kube-proxy' }, serviceAccount: 'kube-proxy',
      containers: [{ name: 'kube-proxy', image: `${REGISTRY}/eks/kube-proxy:${addon.version}`, resources: { requests: { cpu: '100m' } } }],
    }),
  ],
  coredns: (addon) => [
    serviceAccount('coredns'),
    deployment({
      name: 'coredns', labels: { 'eks.amazonaws.com/component': 'coredns', 'k8s-app': 'kube-dns' }, serviceAccount: 'coredns',
      containers: [{
        name: 'coredns', image: `${REGISTRY}/eks/coredns:${addon.version}`,
        ports: [{ name: 'dns', containerPort: 53, protocol: 'UDP' }, { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' }],
        resources: { requests: { cpu: '100m', memory: '70Mi' } },
      }],
    }),
    {
      apiVersion: 'v1', kind: 'Service', metadata: { name: 'kube-dns', namespace: NAMESPACE, labels: { 'k8s-app': 'kube-dns' } },
      spec: {
        clusterIP: CLUSTER_DNS, selector: { 'k8s-app': 'kube-dns' },
        ports: [{ name: 'dns', port: 53, protocol: 'UDP' }, { name: 'dns-tcp', port: 53, protocol: 'TCP' }],
      },
    } as KubernetesObject,
  ],
  'aws-ebs-csi-driver': (addon) => [
    serviceAccount('ebs-csi-controller-sa', addon.serviceAccountRoleArn),
    serviceAccount('ebs-csi-node-sa'),
    { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: 'ebs.csi.aws.com' }, spec: { attachRequired: true, podInfoOnMount: false, fsGroupPolicy: 'File' } } as KubernetesObject,
    deployment({
      name: 'ebs-csi-controller', labels: { app: 'ebs-csi-controller', 'app.kubernetes.io/name': 'aws-ebs-csi-driver' }, serviceAccount: 'ebs-csi-controller-sa',
      containers: [{ name: 'ebs-plugin', image: `${REGISTRY}/eks/aws-ebs-csi-driver:${addon.version}`, resources: { requests: { cpu: '10m', memory: '40Mi' } } }],
    }),
    daemonSet({
      name: 'ebs-csi-node', labels: { app: 'ebs-csi-node', 'app.kubernetes.io/name': 'aws-ebs-csi-driver' }, serviceAccount: 'ebs-csi-node-sa',
      containers: [{ name: 'ebs-plugin', image: `${REGISTRY}/eks/aws-ebs-csi-driver:${addon.version}`, resources: { requests: { cpu: '10m', memory: '40Mi' } } }],
    }),
    // EKS installs it on clusters without a Windows node, too, where it runs nowhere.
    daemonSet({
      name: 'ebs-csi-node-windows', labels: { app: 'ebs-csi-node-windows', 'app.kubernetes.io/name': 'aws-ebs-csi-driver' }, serviceAccount: 'ebs-csi-node-sa', nodeSelector: { 'kubernetes.io/os': 'windows' },
      containers: [{ name: 'ebs-plugin', image: `${REGISTRY}/eks/aws-ebs-csi-driver:${addon.version}` }],
    }),
  ],
};

/** The objects of an add-on, in an order in which they can be applied. @throws Error for an add-on without any */
export function addonObjects(addon: AddonSpec): KubernetesObject[] {
  const build = BUILDERS[addon.name];
  if (build === undefined) throw new Error(`the lab has no objects for the add-on ${addon.name}`);
  return build(addon);
}

/** Who may do what by EKS's access policies: each policy's group gets the cluster role of that name, cluster-wide. */
export function accessPolicyBindings(): KubernetesObject[] {
  return ['admin', 'edit', 'view'].map((role) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: `eks:access-policy:${role}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: `eks:access-policy:${role}` }],
  }));
}

function serviceAccount(name: string, roleArn?: string): V1ServiceAccount {
  return {
    apiVersion: 'v1', kind: 'ServiceAccount',
    metadata: { name, namespace: NAMESPACE, ...(roleArn !== undefined && { annotations: { 'eks.amazonaws.com/role-arn': roleArn } }) },
  };
}

function daemonSet({ name, labels, serviceAccount: account, nodeSelector, containers }: WorkloadSpec & { nodeSelector?: Record<string, string> }): V1DaemonSet {
  return {
    apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name, namespace: NAMESPACE, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { serviceAccountName: account, priorityClassName: 'system-node-critical', hostNetwork: true, tolerations: [{ operator: 'Exists' }], ...(nodeSelector === undefined ? {} : { nodeSelector }), containers },
      },
    },
  };
}

function deployment({ name, labels, serviceAccount: account, containers }: WorkloadSpec): V1Deployment {
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: NAMESPACE, labels },
    spec: {
      replicas: 2, selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: account, priorityClassName: 'system-cluster-critical', containers,
          tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }],
        },
      },
    },
  };
}
