// The stages of every run, in order, with the words a person reads (architecture.md § How a run flows). A run that ends without having visited each of its stages has failed.
import { deliveredTiers, type Lifecycle, type Tier } from './tiers.ts';

export const OPERATIONS = ['bootstrap', 'teardown', 'remove-orphans', 'destroy-database'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** The operation as a noun, for a sentence with "of <cluster>" after it. */
export const OPERATION_NOUN: Record<Operation, string> = { bootstrap: 'bootstrap', teardown: 'teardown', 'remove-orphans': 'removal of the orphans', 'destroy-database': 'destruction of the database instance' };

/** The noun at the beginning of a title. */
export function operationTitle(operation: Operation): string {
  const noun = OPERATION_NOUN[operation];
  return `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`;
}

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
    { id: 'claim', title: lifecycle === 'ephemeral' ? 'Claim the build id' : 'Record the hosted zone' },
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

/** The stages of removing what a platform that is gone left behind (X5), in the order of a teardown's end. */
export function orphanStages(): StageSpec[] {
  return [
    { id: 'gone', title: 'Prove that the platform is gone, and read what it left' },
    { id: 'dns-gate', title: 'Prove in Route 53 that it has no records' },
    { id: 'load-balancers', title: 'Remove load balancers and target groups' },
    { id: 'nodes', title: 'Terminate left-over nodes' },
    { id: 'network', title: 'Remove network interfaces, security groups and the log group' },
    { id: 'volumes', title: 'Remove volumes' },
    { id: 'identity', title: 'Remove roles, policies and OIDC providers' },
    { id: 'sweep', title: 'Sweep every service by ownership tag' },
    { id: 'receipt', title: 'Write the receipt' },
  ];
}

/** The stages of destroying an environment's database instance (R4; failure 33). */
export function databaseDestructionStages(): StageSpec[] {
  return [
    { id: 'approval', title: 'Read what would be lost, and ask two people' },
    { id: 'snapshot', title: 'Take a snapshot and see it available' },
    { id: 'destroy', title: 'Turn deletion protection off and delete, with a last snapshot' },
    { id: 'gone', title: 'See the instance gone and its last snapshot available' },
    { id: 'receipt', title: 'Write the receipt' },
  ];
}

/** The stages of an operation. */
export function stagesOf(operation: Operation, lifecycle: Lifecycle): StageSpec[] {
  if (operation === 'bootstrap') return bootstrapStages(lifecycle);
  if (operation === 'destroy-database') return databaseDestructionStages();
  return operation === 'teardown' ? teardownStages() : orphanStages();
}
