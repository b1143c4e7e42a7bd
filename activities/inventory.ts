// What a platform consists of now, from live state alone: a teardown can start from it (X5, teardown.md steps 1 and 2).
import type { Cluster } from '@aws-sdk/client-eks';
import type { Target } from '../domain/plan.ts';
import type { Clients } from './clients.ts';
import type { Inventory } from './contract.ts';
import { describeOwnCluster } from './eks.ts';
import { listAddons } from './eks-addons.ts';
import { listFargateProfiles, listNodeGroups } from './eks-nodes.ts';
import { loadBalancerProtections } from './load-balancers.ts';
import { ownedObjects } from './owned-objects.ts';
import { present } from './pages.ts';

/** The half of the inventory that the cluster itself answers. */
export type KubernetesHalf = Pick<Inventory, 'kubernetes' | 'argocd' | 'applications'>;

/** In these states the Kubernetes API answers, or ought to: then no answer is an error, not an absence. */
const API_STATES: readonly (string | undefined)[] = ['ACTIVE', 'UPDATING'];

/** Reads both halves. Throws NotOwned where the cluster is another's. */
export async function readInventory(clients: Clients, target: Target, readKubernetes: (input: { target: Target }) => Promise<KubernetesHalf>): Promise<Inventory> {
  const cluster = await describeOwnCluster(clients.eks, target);
  const oidcIssuer = cluster?.identity?.oidc?.issuer;
  const [described, objects, kubernetes] = await Promise.all([
    cluster === undefined ? null : describe(clients, target, cluster),
    ownedObjects(clients, target, oidcIssuer),
    cluster !== undefined && API_STATES.includes(cluster.status) ? readKubernetes({ target }) : ({ kubernetes: 'none', argocd: false, applications: [] } satisfies KubernetesHalf),
  ]);
  const protections = await loadBalancerProtections(clients.elb, objects);
  if (described?.deletionProtection === true) protections.unshift(`cluster ${target.cluster} has deletion protection on. Fix, once that is approved: aws eks update-cluster-config --name ${target.cluster} --no-deletion-protection`);
  return { cluster: described, objects, protections, ...kubernetes };
}

async function describe({ eks }: Clients, target: Target, cluster: Cluster): Promise<NonNullable<Inventory['cluster']>> {
  const [nodeGroups, fargateProfiles, addons] = await Promise.all([listNodeGroups(eks, target.cluster), listFargateProfiles(eks, target.cluster), listAddons(eks, target.cluster)]);
  return {
    arn: present(cluster.arn, "the cluster's ARN"),
    status: present(cluster.status, "the cluster's status"),
    oidcIssuer: cluster.identity?.oidc?.issuer,
    deletionProtection: cluster.deletionProtection === true,
    nodeGroups,
    fargateProfiles,
    addons,
  };
}
