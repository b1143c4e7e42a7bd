// The stages of both runs, in order, with the words a person reads (architecture.md § How a run flows). A run that ends without having visited each of its stages has failed.
import { deliveredTiers, type Lifecycle, type Tier } from './tiers.ts';

export type Operation = 'bootstrap' | 'teardown';

export interface StageSpec {
  id: string;
  /** An operator's sentence, as the CLI and the Temporal UI show it. */
  title: string;
  /** Where the stage is about one tier. */
  tier?: Tier;
}

/** The stages of a bootstrap (C, A, T). */
export function bootstrapStages(lifecycle: Lifecycle): StageSpec[] {
  return [
    { id: 'foundation', title: 'Check the foundation' },
    { id: 'claim', title: 'Claim the build id' },
    { id: 'cluster', title: 'Create the EKS cluster with its nodes, add-ons, roles and CRDs', tier: '0' },
    { id: 'tier-0', title: 'Accept tier 0: the cluster is viable', tier: '0' },
    { id: 'argocd', title: 'Install Argo CD' },
    ...deliveredTiers(lifecycle).map((tier): StageSpec => ({ id: `tier-${tier}`, title: `Raise the gate to tier ${tier} and accept it`, tier })),
    { id: 'receipt', title: 'Write the receipt' },
  ];
}

/** The stages of a teardown, as teardown.md § Order numbers them. */
export function teardownStages(): StageSpec[] {
  return [
    { id: 'inventory', title: 'Read what the platform owns' },
    { id: 'drain-precheck', title: 'Prove that ExternalDNS can delete its records' },
    { id: 'freeze-gitops', title: 'Freeze GitOps: root application first, then its children' },
    { id: 'workloads', title: 'Remove workload tiers above tier 1', tier: '1.5' },
    { id: 'dns-sources', title: 'Remove the DNS sources while their controllers live' },
    { id: 'load-balancers', title: 'Wait until AWS has no load balancer of the cluster' },
    { id: 'dns-gate', title: 'Prove in Route 53 that the records are gone' },
    { id: 'volumes', title: 'Remove volumes while their driver lives' },
    { id: 'controllers', title: 'Remove the tier 1 controllers and Argo CD', tier: '1' },
    { id: 'final-proof', title: 'Verify Route 53 and the network once more' },
    { id: 'destroy', title: 'Destroy nodes, cluster, roles, OIDC provider and log groups' },
    { id: 'sweep', title: 'Sweep every service by ownership tag' },
    { id: 'receipt', title: 'Write the receipt' },
  ];
}
