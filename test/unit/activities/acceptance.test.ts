// What acceptance asks of a cluster in memory: Backstage of a build, and of what state that reads Ready speaks (T3, T4).
import type { KubernetesObject } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { clusterChecks } from '../../../activities/acceptance.ts';
import type { ClusterClient, ObjectRef } from '../../../activities/kubernetes-client.ts';

type Stored = KubernetesObject & Record<string, unknown>;

const SOURCE = { repoURL: 'https://git.example.org/platform', targetRevision: 'v2' };
const healthy = { sync: { status: 'Synced', comparedTo: { source: SOURCE } }, health: { status: 'Healthy' } };
const application = (name: string, tier: string, status: object = healthy): Stored => ({ kind: 'Application', metadata: { name, namespace: 'argocd', labels: { 'goldenpath.idp/tier': tier } }, spec: { source: SOURCE }, status });
const deployment = (name: string, namespace: string): Stored => ({ kind: 'Deployment', metadata: { name, namespace }, spec: { replicas: 1 }, status: { replicas: 1, updatedReplicas: 1, availableReplicas: 1 } });
const synced: Stored[] = [
  { kind: 'ExternalSecret', metadata: { name: 'backstage-oidc', namespace: 'backstage', generation: 2 }, status: { conditions: [{ type: 'Ready', status: 'True' }], syncedResourceVersion: '2-abc' } },
  { kind: 'Secret', metadata: { name: 'backstage-oidc', namespace: 'backstage' }, data: { backstage: 'c2VjcmV0' } },
];

/** The checks of a tier that are about something, or what the applications' check says of it. */
async function checksOf(tier: '1' | '1.5', about: string, mode: string, objects: Stored[]): Promise<string[]> {
  const all: Stored[] = [{ kind: 'ConfigMap', metadata: { name: 'argocd-bootstrap-config', namespace: 'argocd' }, data: { 'bootstrap.mode': mode } }, application('goldenpath', '0'), ...objects];
  const cluster: Pick<ClusterClient, 'list' | 'read' | 'serves'> = {
    list: (_: string, kind: string) => Promise.resolve(all.filter((each) => each.kind === kind) as never),
    read: ({ kind, name, namespace }: ObjectRef) => Promise.resolve(all.find((each) => each.kind === kind && each.metadata?.name === name && each.metadata.namespace === namespace) as never),
    serves: () => Promise.resolve(true),
  };
  const checks = await clusterChecks(cluster as ClusterClient, 'accept', tier);
  return checks.filter(({ id, found }) => id.includes(about) || found.includes(about)).map(({ id, ok, found }) => `${ok ? '✔' : '✘'} ${id}: ${found}`);
}

async function ofBackstage(mode: string, objects: Stored[]): Promise<string[]> {
  return checksOf('1.5', 'backstage', mode, objects);
}

const certificate = (status: string, observedGeneration: number): Stored => ({ kind: 'Certificate', metadata: { name: 'platform', namespace: 'kong', generation: 3, labels: { 'app.kubernetes.io/part-of': 'goldenpath' } }, status: { conditions: [{ type: 'Ready', status, observedGeneration, message: 'issuing' }] } });

describe('of what state Ready speaks', () => {
  it('T3: tier 1 wants a Certificate of the platform, Ready in its present form', async () => {
    expect(await checksOf('1', 'certificates', 'ephemeral', [certificate('True', 3)])).toEqual(['✔ certificates: Certificate kong/platform Ready']);
    expect(await checksOf('1', 'certificates', 'ephemeral', [certificate('False', 3)])).toEqual(['✘ certificates: Certificate kong/platform is not Ready: issuing']);
    expect(await checksOf('1', 'certificates', 'ephemeral', [certificate('True', 2)])).toEqual(['✘ certificates: Certificate kong/platform was changed since it became Ready']);
    expect(await checksOf('1', 'certificates', 'ephemeral', [])).toEqual(['✘ certificates: there is no Certificate of the platform']);
  });

  it('T3: an ExternalSecret that was changed since, or a key without a value, is not synced', async () => {
    const [external, secret] = synced;
    const of = async (...objects: Stored[]): Promise<string | undefined> => (await ofBackstage('ephemeral', [application('backstage', '1.5'), deployment('backstage', 'backstage'), ...objects]))[1];
    expect(await of({ ...external, metadata: { name: 'backstage-oidc', namespace: 'backstage', generation: 3 } }, { ...secret })).toBe('✘ synced:backstage/backstage-oidc: ExternalSecret backstage/backstage-oidc was changed since it was synced');
    expect(await of({ ...external }, { ...secret, data: { backstage: '' } })).toBe('✘ synced:backstage/backstage-oidc: Secret backstage/backstage-oidc has nothing for key backstage');
  });

  it('T3: an application that Argo CD compared with another source is no evidence', async () => {
    const old = { ...healthy, sync: { status: 'Synced', comparedTo: { source: { ...SOURCE, targetRevision: 'v1' } } } };
    expect(await checksOf('1.5', 'applications', 'ephemeral', [application('prometheus', '1.5', old)])).toEqual(['✘ applications: prometheus was not compared with the source it has now']);
  });
});

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
