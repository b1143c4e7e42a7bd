// The least time that the lab's injected durations allow each run: what must happen one after the other, everything else beside it.
import { PUBLISHED as EKS } from '../../lab/aws/eks/lifecycle.ts';
import { PUBLISHED as ELB } from '../../lab/aws/elbv2/lifecycle.ts';

/** Seconds of AWS, by what has to wait for what. */
export const CRITICAL_PATH = {
  // The control plane; then nodes, with the add-ons beside them; then Kong's load balancer, which DNS needs.
  bootstrap: [
    { what: 'control plane', seconds: EKS.clusterCreate },
    { what: 'node group, add-ons beside it', seconds: Math.max(EKS.nodegroupCreate, EKS.addonCreate) },
    { what: 'load balancer', seconds: ELB.provision },
  ],
  // The load balancer's interfaces linger; then the nodes; then the control plane.
  teardown: [
    { what: 'load balancer’s interfaces', seconds: ELB.linger },
    { what: 'node group', seconds: EKS.nodegroupDelete },
    { what: 'control plane', seconds: EKS.clusterDelete },
  ],
} as const;

/** The path's length in seconds at a time scale. */
export function criticalSeconds(operation: keyof typeof CRITICAL_PATH, timeScale: number): number {
  return CRITICAL_PATH[operation].reduce((sum, { seconds }) => sum + seconds, 0) / timeScale;
}
