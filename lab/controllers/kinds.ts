// The kinds that the stand-in controllers read and write, each with as much of its shape as they use.
import type { Kind, Resource } from './kube.ts';

export interface Condition { type: string; status: 'True' | 'False' | 'Unknown'; reason?: string; message?: string; lastTransitionTime?: string; observedGeneration?: number }
interface EnvVar { name: string; value?: string }
interface Container { name: string; args?: string[]; command?: string[]; env?: EnvVar[] }

export interface Deployment extends Resource {
  spec: { replicas?: number; template: { spec: { serviceAccountName?: string; containers: Container[] } } };
  status?: { availableReplicas?: number };
}
export interface ServiceAccount extends Resource { secrets?: unknown }
export interface Service extends Resource {
  spec: { type?: string; loadBalancerClass?: string; ports?: { name?: string; port: number; protocol?: string; nodePort?: number; targetPort?: number | string }[] };
  status?: { loadBalancer?: LoadBalancerStatus };
}
export interface LoadBalancerStatus { ingress?: { hostname?: string; ip?: string }[] }
export interface Ingress extends Resource {
  spec?: { ingressClassName?: string };
  status?: { loadBalancer?: LoadBalancerStatus };
}
export interface IngressClass extends Resource { spec?: { controller?: string } }
export interface Secret extends Resource { type?: string; data?: Record<string, string> }
export interface Node extends Resource { spec?: { providerID?: string } }

export const DEPLOYMENT: Kind<Deployment> = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true };
export const SERVICE_ACCOUNT: Kind<ServiceAccount> = { group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true };
export const SERVICE: Kind<Service> = { group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true };
export const SECRET: Kind<Secret> = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };
export const NODE: Kind<Node> = { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false };
export const INGRESS: Kind<Ingress> = { group: 'networking.k8s.io', version: 'v1', plural: 'ingresses', kind: 'Ingress', namespaced: true };
export const INGRESS_CLASS: Kind<IngressClass> = { group: 'networking.k8s.io', version: 'v1', plural: 'ingressclasses', kind: 'IngressClass', namespaced: false };

/** The conditions with one of them set; its transition time moves only when its status does. */
export function withCondition(conditions: readonly Condition[] | undefined, condition: Condition, now: Date): Condition[] {
  const present = conditions?.find(({ type }) => type === condition.type);
  const lastTransitionTime = present?.status === condition.status && present.lastTransitionTime !== undefined ? present.lastTransitionTime : stamp(now);
  return [...(conditions ?? []).filter(({ type }) => type !== condition.type), { ...condition, lastTransitionTime }];
}

/** Does the object already say this? Spares a write, and with it the event that the write would cause. */
export function saysAlready(conditions: readonly Condition[] | undefined, { type, status, reason, message }: Condition): boolean {
  return conditions?.some((present) => present.type === type && present.status === status && present.reason === reason && present.message === message) ?? false;
}

/** RFC 3339 to the second, as Kubernetes writes times. */
export function stamp(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Value of `--name=value` in the arguments of a Deployment's container, or undefined. */
export function argumentOf(deployment: Deployment, container: string, name: string): string | undefined {
  const found = deployment.spec.template.spec.containers.find((candidate) => candidate.name === container);
  const argument = [...(found?.command ?? []), ...(found?.args ?? [])].find((text) => text.startsWith(`--${name}=`));
  return argument?.slice(name.length + 3);
}

/** `a=b,c=d` as a record; the first `=` splits. */
export function pairs(text: string | undefined): Record<string, string> {
  const entries = (text ?? '').split(',').filter((pair) => pair.includes('='));
  return Object.fromEntries(entries.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}
