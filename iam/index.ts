// Every role of a platform (C1): two that AWS services assume, and one for each controller that calls AWS.
import type { Lifecycle } from '../domain/tiers.ts';
import { certManagerRole } from './cert-manager.ts';
import { clusterAutoscalerRole } from './cluster-autoscaler.ts';
import { ebsCsiRole } from './ebs-csi.ts';
import { externalDnsRole } from './external-dns.ts';
import { externalSecretsRole } from './external-secrets.ts';
import { loadBalancerControllerRole } from './load-balancer-controller.ts';
import { lokiRole } from './loki.ts';
import { preflightRole } from './preflight.ts';
import type { IrsaRole } from './role.ts';

export { clusterRole } from './cluster.ts';
export { nodeRole } from './node.ts';
export type { IamContext, IrsaContext, IrsaRole, PolicyDocument, RoleDefinition, TrustPolicy } from './role.ts';

/** The roles that service accounts assume, each with the account that may. */
export const irsaRoles: readonly IrsaRole[] = [loadBalancerControllerRole, certManagerRole, externalSecretsRole, externalDnsRole, clusterAutoscalerRole, ebsCsiRole, lokiRole, preflightRole];

/** Those of a platform of this lifecycle. */
export function irsaRolesOf(lifecycle: Lifecycle): IrsaRole[] {
  return irsaRoles.filter(({ lifecycles }) => lifecycles === undefined || lifecycles.includes(lifecycle));
}
