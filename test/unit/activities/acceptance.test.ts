// What acceptance of tier 1.5 asks about Backstage, of a cluster in memory (T3, T4).
import type { KubernetesObject } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { clusterChecks } from '../../../activities/acceptance.ts';
import type { ClusterClient, ObjectRef } from '../../../activities/kubernetes-client.ts';

type Stored = KubernetesObject & Record<string, unknown>;

const healthy = { sync: { status: 'Synced' }, health: { status: 'Healthy' } };
const application = (name: string, tier: string, status: object = healthy): Stored => ({ kind: 'Application', metadata: { name, namespace: 'argocd', labels: { 'goldenpath.idp/tier': tier } }, status });
const deployment = (name: string, namespace: string): Stored => ({ kind: 'Deployment', metadata: { name, namespace }, spec: { replicas: 1 }, status: { replicas: 1, updatedReplicas: 1, availableReplicas: 1 } });
const synced: Stored[] = [
  { kind: 'ExternalSecret', metadata: { name: 'backstage-oidc', namespace: 'backstage' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } },
  { kind: 'Secret', metadata: { name: 'backstage-oidc', namespace: 'backstage' }, data: { backstage: 'c2VjcmV0' } },
];

/** The checks of tier 1.5 that are about Backstage, or what the applications' check says of it. */
async function ofBackstage(mode: string, objects: Stored[]): Promise<string[]> {
  const all: Stored[] = [{ kind: 'ConfigMap', metadata: { name: 'argocd-bootstrap-config', namespace: 'argocd' }, data: { 'bootstrap.mode': mode } }, application('goldenpath', '0'), ...objects];
  const cluster: Pick<ClusterClient, 'list' | 'read' | 'serves'> = {
    list: (_: string, kind: string) => Promise.resolve(all.filter((each) => each.kind === kind) as never),
    read: ({ kind, name, namespace }: ObjectRef) => Promise.resolve(all.find((each) => each.kind === kind && each.metadata?.name === name && each.metadata.namespace === namespace) as never),
    serves: () => Promise.resolve(true),
  };
  const checks = await clusterChecks(cluster as ClusterClient, 'accept', '1.5');
  return checks.filter(({ id, found }) => id.includes('backstage') || found.includes('backstage')).map(({ id, ok, found }) => `${ok ? '✔' : '✘'} ${id}: ${found}`);
}

describe('acceptance of tier 1.5', () => {
  it('T4: a build that has Backstage has its Deployment available and its secret synced', async () => {
    expect(await ofBackstage('ephemeral', [application('backstage', '1.5'), deployment('backstage', 'backstage'), ...synced])).toEqual([
      '✔ backstage: 1 replicas available',
      '✔ synced:backstage/backstage-oidc: synced, with backstage',
    ]);
  });

  it('T4: what of it is missing is named, and an application that is not well too', async () => {
    expect(await ofBackstage('ephemeral', [application('backstage', '1.5', { ...healthy, health: { status: 'Degraded' } })])).toEqual([
      '✘ applications: backstage is Synced, Degraded',
      expect.stringMatching(/^✘ backstage: /),
      '✘ synced:backstage/backstage-oidc: ExternalSecret backstage/backstage-oidc does not exist; Secret backstage/backstage-oidc does not exist',
    ]);
  });

  it('T4: a build without it is asked for nothing of it', async () => {
    expect(await ofBackstage('ephemeral', [])).toEqual([]);
  });

  it('T4: a persistent platform that is bootstrapped again is not asked for it in this tier, even where it is broken: it is of tier 2', async () => {
    expect(await ofBackstage('persistent', [application('backstage', '2', { ...healthy, health: { status: 'Degraded' } })])).toEqual([]);
  });
});
