// Whether a plan's approvers are the ones that the worker's own environment files name: whoever may start workflows could bring a list of their own (B1, B2; docs/decisions/0007). Pure.
import type { BreakGlass } from './break-glass.ts';
import type { Environment } from './environment.ts';
import { canonicalJson } from './hash.ts';
import { platformOfCluster } from './names.ts';
import type { Target } from './plan.ts';

/** The environment files that a worker holds, by the environment's name. */
export type HeldEnvironments = ReadonlyMap<string, Pick<Environment, 'breakGlass' | 'dns' | 'databases'>>;

/** What a plan says of who may decide, and about which platform. */
export interface Planned {
  target: Pick<Target, 'environment' | 'cluster' | 'hostedZoneId' | 'zone'>;
  breakGlass: BreakGlass;
}

/** What a person does about it. */
export const OWN_POLICY_FIX = 'if the plan is the newer one, deploy the worker with the new environment file, then retry; else end this run (goldenpath abort) and start it anew with the file that the worker holds';

/**
 * How the plan's policy differs from the worker's own file of the environment, one line each; empty where both say the same, in whatever order the approvers
 * stand, and where the worker holds no files (`held` undefined). A plan that names another environment's cluster or zone could borrow that one's easier policy, and is a problem too.
 */
export function ownPolicyProblems({ target, breakGlass }: Planned, held: HeldEnvironments | undefined): string[] {
  const own = held?.get(target.environment);
  return [...ownTargetProblems(target, held), ...(own === undefined || inOrder(breakGlass) === inOrder(own.breakGlass) ? [] : differences(breakGlass, own.breakGlass))];
}

/** The same for the platform and the zone alone: what a proof is about, which no approver is asked for. */
export function ownTargetProblems({ environment, cluster, hostedZoneId, zone }: Planned['target'], held: HeldEnvironments | undefined): string[] {
  if (held === undefined) return [];
  const own = held.get(environment);
  if (own === undefined) return [`the worker holds no file of environment ${environment}, only of ${[...held.keys()].join(', ') || 'none'}`];
  return [
    // A database run names its instance as its cluster.
    ...(platformOfCluster(cluster, environment) === undefined && cluster !== own.databases?.instance.identifier ? [`cluster ${cluster} is none of environment ${environment}`] : []),
    ...(hostedZoneId === own.dns.hostedZoneId ? [] : [`the hosted zone is ${hostedZoneId} in the plan, ${own.dns.hostedZoneId} in the worker's file of ${environment}`]),
    ...(zone === own.dns.zone ? [] : [`the zone is ${zone} in the plan, ${own.dns.zone} in the worker's file of ${environment}`]),
  ];
}

/** The whole policy as text, approvers in one order. */
function inOrder({ approvers, ...rest }: BreakGlass): string {
  return canonicalJson({ ...rest, approvers: approvers.map((approver) => canonicalJson(approver)).toSorted() });
}

const FIELDS = ['approvals', 'signatures', 'expiresMinutes', 'remindMinutes'] as const;

/** Of two policies that are not the same. Every entry of the plan is looked at, not one a name: signatures are checked against the first. */
function differences(planned: BreakGlass, own: BreakGlass): string[] {
  const names = planned.approvers.map(({ name }) => name);
  const lines = [
    ...FIELDS.filter((field) => planned[field] !== own[field]).map((field) => `breakGlass.${field} is ${planned[field]} in the plan, ${own[field]} in the worker's file`),
    ...planned.approvers.flatMap(({ name, publicKey }) => {
      const known = own.approvers.find((approver) => approver.name === name);
      if (known === undefined) return [`${name} is an approver in the plan, not in the worker's file`];
      return known.publicKey === publicKey ? [] : [`${name} has another public key in the plan than in the worker's file`];
    }),
    ...own.approvers.filter(({ name }) => !names.includes(name)).map(({ name }) => `${name} is an approver in the worker's file, not in the plan`),
    ...[...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map((name) => `${name} stands more than once among the plan's approvers`),
  ];
  return lines.length > 0 ? lines : ['the plan has fields of breakGlass that the worker\'s file has not'];
}
