// Volumes outlive their applications: what an application's deletion would take along before the DNS gate is kept for the step behind it (teardown.md steps 4 and 8, failure 10).
import type { V1PersistentVolumeClaim, V1StatefulSet } from '@kubernetes/client-node';
import { syncOption } from '../domain/protections.ts';
import { type Application, SYNC_OPTIONS } from './argocd-applications.ts';
import { type ClusterClient, nameOf, type ObjectRef } from './kubernetes-client.ts';
import { inGroups } from './pages.ts';

/**
 * Tells Argo CD to leave the claims of these applications, and StatefulSets to leave theirs, so that no disk goes before the DNS gate lets anything be
 * destroyed. Returns what was changed; a second time nothing. For frozen applications: self-heal would put a StatefulSet's policy back.
 */
export async function keepClaims(cluster: ClusterClient, applications: readonly Application[]): Promise<string[]> {
  const managed = applications.flatMap(({ status }) => status?.resources ?? []);
  const refs = managed.flatMap(({ kind = '', group = '', name = '', namespace }): ObjectRef[] => {
    if (kind === 'PersistentVolumeClaim' && group === '') return [{ apiVersion: 'v1', kind, name, namespace }];
    return kind === 'StatefulSet' && group === 'apps' ? [{ apiVersion: 'apps/v1', kind, name, namespace }] : [];
  });
  const done: string[] = [];
  for (const group of inGroups(refs, 4)) done.push(...(await Promise.all(group.map((ref) => keep(cluster, ref)))).flat());
  return done;
}

async function keep(cluster: ClusterClient, ref: ObjectRef): Promise<string[]> {
  const change = ref.kind === 'StatefulSet' ? retained(await cluster.read<V1StatefulSet>(ref)) : left(await cluster.read<V1PersistentVolumeClaim>(ref));
  const changed = change === undefined ? undefined : await cluster.patch(ref, change);
  return changed === undefined ? [] : [`${nameOf(ref)}: its volumes stay until the DNS gate lets them go`];
}

/** What is kept for good (`Delete=false` already, also by a person) stays as it is. */
function left(claim: V1PersistentVolumeClaim | undefined): Record<string, unknown> | undefined {
  const options = claim?.metadata?.annotations?.[SYNC_OPTIONS] ?? '';
  if (claim === undefined || syncOption(options, 'Delete') === 'false') return undefined;
  const others = options.split(',').map((option) => option.trim()).filter((option) => option !== '' && !option.startsWith('Delete='));
  return { metadata: { annotations: { [SYNC_OPTIONS]: [...others, 'Delete=false'].join(',') } } };
}

/** Else the claims of its template have it as their owner, and go when it goes. Source: Kubernetes, StatefulSet, "PersistentVolumeClaim retention". */
function retained(set: V1StatefulSet | undefined): Record<string, unknown> | undefined {
  return set?.spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete' ? { spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain' } } } : undefined;
}
