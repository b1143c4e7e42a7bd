// Objects that a teardown removes neither itself nor by any controller it knows, and that must be gone before it begins (failures 2, 9).
import type { KubernetesObject } from '@kubernetes/client-node';
import { ARGOCD_NAMESPACE } from '../domain/components.ts';
import type { InTheWay } from '../domain/teardown.ts';
import { ARGOCD_API } from './argocd-applications.ts';
import { type ClusterClient, listServed, nameOf, refOf } from './kubernetes-client.ts';

/** Source: Karpenter 1.x API reference; a NodeClaim's `status.providerID` is `aws:///<zone>/<instance id>`. */
const KARPENTER = { group: 'karpenter.sh', kinds: ['NodePool', 'NodeClaim'] } as const;

/** What of it the cluster holds, also what is being deleted. */
export async function readInTheWay(cluster: ClusterClient): Promise<InTheWay> {
  const nodes = await listServed(cluster, KARPENTER.group, KARPENTER.kinds);
  const applications = (await cluster.serves(ARGOCD_API, 'Application')) ? await cluster.list(ARGOCD_API, 'Application') : [];
  return {
    nodes: nodes.map(describeNodes),
    // The Argo CD of a platform looks after its own namespace only; what lies elsewhere is another one's.
    applications: applications.filter(({ metadata }) => metadata?.namespace !== ARGOCD_NAMESPACE).map((application) => nameOf(refOf(application))),
  };
}

function describeNodes(object: KubernetesObject & { status?: { providerID?: string } }): string {
  const instance = object.status?.providerID?.split('/').at(-1);
  return `${nameOf(refOf(object))}${instance === undefined ? '' : ` (instance ${instance})`}`;
}
