// What a teardown cannot get past by itself, and so must be mended before anything is drained: objects that no controller it knows removes, and a controller that is missing (failures 2, 9, 12).
import type { KubernetesObject, V1Deployment } from '@kubernetes/client-node';
import { ARGOCD_NAMESPACE, LOAD_BALANCER_CONTROLLER } from '../domain/components.ts';
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
    balancing: await readBalancing(cluster),
    // The Argo CD of a platform looks after its own namespace only; what lies elsewhere is another one's.
    applications: applications.filter(({ metadata }) => metadata?.namespace !== ARGOCD_NAMESPACE).map((application) => nameOf(refOf(application))),
  };
}

/** Finalizers of the load balancer controller, by their ends. Source: aws-load-balancer-controller, docs, "Finalizers"; teardown.md, failure 20. */
const BALANCER_FINALIZER = /(^|\.)k8s\.aws\//;
const CONTROLLER = { apiVersion: 'apps/v1', kind: 'Deployment', name: LOAD_BALANCER_CONTROLLER.name, namespace: LOAD_BALANCER_CONTROLLER.namespace };

/** Objects that hold the controller's finalizer while no replica of it is there; undefined where it runs, or nothing waits for it. */
async function readBalancing(cluster: ClusterClient): Promise<InTheWay['balancing']> {
  const controller = await cluster.read<V1Deployment>(CONTROLLER);
  if ((controller?.status?.availableReplicas ?? 0) > 0) return undefined;
  const held = [...(await cluster.list('networking.k8s.io/v1', 'Ingress')), ...(await cluster.list('v1', 'Service')), ...(await listServed(cluster, 'elbv2.k8s.aws', ['TargetGroupBinding']))];
  const waiting = held.filter(({ metadata }) => (metadata?.finalizers ?? []).some((finalizer) => BALANCER_FINALIZER.test(finalizer))).map((object) => nameOf(refOf(object)));
  return waiting.length === 0 ? undefined : { problem: controller === undefined ? 'does not exist' : 'has no available replica', waiting };
}

function describeNodes(object: KubernetesObject & { status?: { providerID?: string } }): string {
  const instance = object.status?.providerID?.split('/').at(-1);
  return `${nameOf(refOf(object))}${instance === undefined ? '' : ` (instance ${instance})`}`;
}
