// What the EKS service needs of Kubernetes, so that it can be tested without a control plane (requirement C1).
// The real one is kubernetes.ts.

export interface ClusterSpec {
  name: string;
  /** Minor version as EKS names it, e.g. `1.36`. */
  version: string;
  /** The service-account issuer: its URL and the RSA keys (PKCS #8 and SPKI PEM) that sign and check its tokens. */
  oidc: { issuer: string; signingKeyPem: string; publicKeyPem: string };
  /** Where the API server asks who a bearer token belongs to (TokenReview, authentication.k8s.io/v1). */
  tokenWebhookUrl: string;
}

export interface NodeSpec {
  /** The node's name: its instance's private DNS name. */
  name: string;
  /** `aws:///<zone>/<instance id>` */
  providerId: string;
  address: string;
  labels: Record<string, string>;
  taints: { key: string; value?: string; effect: string }[];
  /** Allocatable `cpu`, `memory` and `pods` as Kubernetes quantities. */
  capacity: Record<string, string>;
  /** As the kubelet of the node group's release tells it, e.g. `v1.36.3-eks-4096722`. */
  kubeletVersion?: string;
}

export interface RunningCluster {
  /** `https://…` of the API server. */
  endpoint: string;
  /** The certificate authority of the endpoint, PEM. */
  caPem: string;
  /** Registers nodes and resolves once each is Ready. */
  addNodes(nodes: readonly NodeSpec[]): Promise<void>;
  /** Evicts what runs on the nodes by deleting them; a node that is not there is no error. */
  removeNodes(names: readonly string[]): Promise<void>;
  /** Applies the add-on's Kubernetes objects; again is no error. */
  installAddon(addon: AddonSpec): Promise<void>;
  /** Deletes the add-on's Kubernetes objects; absent is no error. */
  removeAddon(name: string): Promise<void>;
  /** Do the add-on's workloads run (a Deployment has its replicas, a DaemonSet a pod on every node)? */
  addonRuns(name: string): Promise<boolean>;
  /** Stops the control plane and forgets its data. */
  stop(): Promise<void>;
}

export interface AddonSpec {
  name: string;
  version: string;
  /** The role its service account assumes (IRSA). */
  serviceAccountRoleArn?: string;
}

export interface KubernetesProvider {
  /** Starts a control plane; resolves once it answers `/readyz`. */
  startCluster(spec: ClusterSpec): Promise<RunningCluster>;
}
