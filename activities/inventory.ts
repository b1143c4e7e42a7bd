// What a platform consists of now, from live state alone: a teardown can start from it (X5, teardown.md steps 1 and 2).
import type { Cluster } from '@aws-sdk/client-eks';
import type { Target } from '../domain/plan.ts';
import type { Clients } from './clients.ts';
import type { Inventory } from './contract.ts';
import { apiAnswers, describeOwnCluster } from './eks.ts';
import { listAddons } from './eks-addons.ts';
import { listFargateProfiles, listNodeGroups } from './eks-nodes.ts';
import { ownedObjects } from './owned-objects.ts';
import { present } from './pages.ts';
import { awsProtections } from './protections.ts';

/** The half of the inventory that the cluster itself answers. */
export type KubernetesHalf = Pick<Inventory, 'kubernetes' | 'argocd' | 'applications' | 'protections' | 'inTheWay'>;

/** Reads both halves; AWS's alone where there is nothing to read the other with, because people gave it up. Throws NotOwned where the cluster is another's. */
export async function readInventory(clients: Clients, target: Target, readKubernetes: ((input: { target: Target }) => Promise<KubernetesHalf>) | undefined): Promise<Inventory> {
  const cluster = await describeOwnCluster(clients.eks, target);
  const oidcIssuer = cluster?.identity?.oidc?.issuer;
  const [described, objects, kubernetes] = await Promise.all([
    cluster === undefined ? null : describe(clients, target, cluster),
    ownedObjects(clients, target, oidcIssuer),
    readKubernetes !== undefined && apiAnswers(cluster) ? readKubernetes({ target }) : ({ kubernetes: 'none', argocd: false, applications: [], protections: [] } satisfies KubernetesHalf),
  ]);
  const aws = await awsProtections(clients, target, objects);
  return { cluster: described, objects, ...kubernetes, protections: [...aws.map(({ protection }) => protection), ...kubernetes.protections] };
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
