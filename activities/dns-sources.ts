// What ExternalDNS and the load balancer controller make records and load balancers from; removed while both live (teardown.md step 5, failures 1, 12).
import type { KubernetesObject, V1Service } from '@kubernetes/client-node';
import { type ClusterClient, listServed, nameOf, refOf } from './kubernetes-client.ts';
import { awaitFinding } from './kubernetes-watch.ts';

/** Kinds outside the core that can be a source, where the cluster serves them. Sources: ExternalDNS 0.21 docs/sources, Gateway API 1.4. */
const OPTIONAL_KINDS: readonly { group: string; kinds: readonly string[] }[] = [
  { group: 'gateway.networking.k8s.io', kinds: ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute', 'Gateway'] },
  { group: 'externaldns.k8s.io', kinds: ['DNSEndpoint'] },
];
/** Annotations by which ExternalDNS takes a Service of any type as a source. Source: ExternalDNS 0.21 docs/annotations/annotations.md. */
const HOSTNAME_ANNOTATIONS = ['external-dns.alpha.kubernetes.io/hostname', 'external-dns.alpha.kubernetes.io/internal-hostname'];
/** Short, so that the end is seen soon; a reading costs the API server a handful of lists. */
const READING_POLL_MS = 500;
/** Readings in a row that must agree (failure 1): a second and a half of them, in which a controller that puts a source back has done so. */
const EMPTY_READINGS = 4;

/** Every DNS source that exists, also one that is being deleted. */
export async function listDnsSources(cluster: ClusterClient): Promise<KubernetesObject[]> {
  const sources: KubernetesObject[] = await cluster.list('networking.k8s.io/v1', 'Ingress');
  sources.push(...(await cluster.list<V1Service>('v1', 'Service')).filter(isSource));
  for (const { group, kinds } of OPTIONAL_KINDS) sources.push(...(await listServed(cluster, group, kinds)));
  return sources;
}

/** Whether an object is one of those: removed in their step, whoever else manages it. */
export function isDnsSource(object: KubernetesObject): boolean {
  const group = object.apiVersion?.split('/').slice(0, -1).join('/') ?? '';
  if (object.kind === 'Service' && group === '') return isSource(object);
  if (object.kind === 'Ingress' && group === 'networking.k8s.io') return true;
  return OPTIONAL_KINDS.some((optional) => optional.group === group && optional.kinds.includes(object.kind ?? ''));
}

/** Whether a Service has a load balancer, or a name that ExternalDNS publishes. */
export function isSource({ spec, status, metadata }: V1Service): boolean {
  const annotations = metadata?.annotations ?? {};
  // One whose type was changed keeps its load balancer until the finalizer is gone.
  return spec?.type === 'LoadBalancer' || (status?.loadBalancer?.ingress ?? []).length > 0 || HOSTNAME_ANNOTATIONS.some((annotation) => annotation in annotations);
}

/** Asks for the deletion of every source that is not being deleted already. Returns what was asked. */
export async function deleteDnsSources(cluster: ClusterClient): Promise<string[]> {
  return deleteSources(cluster, await listDnsSources(cluster));
}

async function deleteSources(cluster: ClusterClient, sources: readonly KubernetesObject[]): Promise<string[]> {
  const done: string[] = [];
  for (const source of sources) {
    if (source.metadata?.deletionTimestamp === undefined && (await cluster.remove(refOf(source)))) done.push(`${nameOf(refOf(source))} is being deleted`);
  }
  return done;
}

/** Until a few readings in a row show no source. One that came back is deleted again. */
export async function awaitDnsSourcesGone(cluster: ClusterClient): Promise<string[]> {
  const again: string[] = [];
  let empty = 0;
  await awaitFinding('the DNS sources to go', async () => {
    const sources = await listDnsSources(cluster);
    empty = sources.length === 0 ? empty + 1 : 0;
    again.push(...(await deleteSources(cluster, sources)));
    if (empty >= EMPTY_READINGS) return { done: true, result: undefined };
    return { done: false, waitingFor: sources.length === 0 ? ['further readings without a DNS source'] : sources.map(sourceLeft) };
  }, { everyMs: READING_POLL_MS });
  return [...again.map((line) => `${line} again: it had come back`), `no DNS source in ${EMPTY_READINGS} readings in a row`];
}

function sourceLeft(source: KubernetesObject): string {
  const finalizers = source.metadata?.finalizers ?? [];
  return `${nameOf(refOf(source))}${finalizers.length === 0 ? '' : ` (finalizers ${finalizers.join(', ')})`}`;
}
