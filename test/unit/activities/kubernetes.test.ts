// Verdicts on what the API server shows: tier 0, sources, volumes, addresses, ExternalDNS's flags, its scope (C3, D1, T3, failures 10, 12, 13).
import type { V1DaemonSet, V1Deployment, V1Ingress, V1Node, V1PersistentVolume } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { ingressCheck, platformAddress } from '../../../activities/acceptance.ts';
import { forbiddenChanges, neededChanges } from '../../../activities/dns-scope.ts';
import { isSource } from '../../../activities/dns-sources.ts';
import { flagsOf } from '../../../activities/external-dns.ts';
import { defaultStorageClass, nodesCheck, tier0Checks, workloadProblem } from '../../../activities/kubernetes.ts';
import { isCloudVolume, mounts, retainedDisk, whyKept } from '../../../activities/kubernetes-volumes.ts';
import { buildOfName, isWithin, normaliseName } from '../../../domain/dns-names.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const { target } = ephemeralPlan();
const node = (name: string, ready = 'True'): V1Node => ({ metadata: { name }, status: { conditions: [{ type: 'Ready', status: ready }] } });
const deployment = (status: object, spec: object = { replicas: 2 }): V1Deployment => ({ metadata: { name: 'x', generation: 2 }, spec, status }) as V1Deployment;
const available = { observedGeneration: 2, availableReplicas: 2, updatedReplicas: 2 };
const cni = (status: object): V1DaemonSet => ({ metadata: { generation: 1 }, status: { observedGeneration: 1, ...status } }) as V1DaemonSet;

describe('tier 0', () => {
  it('C3: accepts what is there, point by point', () => {
    const checks = tier0Checks({ version: 'v1.36.3', nodes: [node('a'), node('b')], cni: cni({ desiredNumberScheduled: 2, numberAvailable: 2 }), dns: deployment(available) }, 2);
    expect(checks.map(({ id, ok, found }) => `${id} ${ok} ${found}`)).toEqual(['api true answers, v1.36.3', 'nodes true 2 nodes, all Ready', 'cni true available on 2 nodes', 'dns true 2 replicas available']);
  });

  it('C3: names every point that fails at once', () => {
    const checks = tier0Checks({ version: 'v', nodes: [node('a', 'Unknown'), { metadata: { name: 'b' } }], cni: cni({ desiredNumberScheduled: 2, numberAvailable: 1 }), dns: undefined }, 2);
    expect(checks.filter(({ ok }) => !ok).map(({ found }) => found)).toEqual(['not Ready: a, b', 'available on 1 of 2 nodes', 'its Deployment does not exist']);
    expect(checks.filter(({ ok }) => !ok).every(({ fix }) => fix !== '')).toBe(true);
  });

  it('C3: a CNI that wants no node is not available, nor are too few nodes', () => {
    expect(tier0Checks({ version: 'v', nodes: [node('a')], cni: cni({ desiredNumberScheduled: 0, numberAvailable: 0 }), dns: undefined }, 1)[2]?.found).toBe('available on 0 of 0 nodes');
    expect(nodesCheck([node('a')], 3)).toMatchObject({ ok: false, found: '1 of 3 nodes have joined' });
  });

  it.each([
    ['a status of an older generation', { ...available, observedGeneration: 1 }, undefined, 'its controller has not seen its latest change'],
    ['too few available', { ...available, availableReplicas: 1 }, undefined, '1 of 2 replicas are available, 2 up to date'],
    ['old pods still serving', { ...available, updatedReplicas: 1 }, undefined, '2 of 2 replicas are available, 1 up to date'],
    ['no status yet', {}, undefined, 'its controller has not seen its latest change'],
    ['none wanted', available, { replicas: 0 }, 'it is scaled to 0'],
  ])('C3: %s is not available', (_, status, spec, problem) => {
    expect(workloadProblem(deployment(status, spec))).toBe(problem);
    expect(workloadProblem(deployment(available))).toBeUndefined();
  });

  it("C1: every volume of the default StorageClass carries the platform's tags", () => {
    const { parameters } = defaultStorageClass(target);
    expect(Object.entries(parameters ?? {}).filter(([key]) => key.startsWith('tagSpecification_')).map(([, value]) => value)).toEqual(Object.entries(target.tags).map(([key, value]) => `${key}=${value}`));
  });
});

describe('DNS sources', () => {
  it.each([
    ['a LoadBalancer', { spec: { type: 'LoadBalancer' } }, true],
    ['one that was a LoadBalancer and still has its address', { spec: { type: 'ClusterIP' }, status: { loadBalancer: { ingress: [{ hostname: 'x' }] } } }, true],
    ['a host name annotation', { metadata: { annotations: { 'external-dns.alpha.kubernetes.io/hostname': 'x' } }, spec: { type: 'ClusterIP' } }, true],
    ['an internal host name annotation', { metadata: { annotations: { 'external-dns.alpha.kubernetes.io/internal-hostname': 'x' } } }, true],
    ['a plain Service', { spec: { type: 'ClusterIP' }, status: { loadBalancer: {} } }, false],
  ])('failure 12: %s', (_, service, source) => {
    expect(isSource(service)).toBe(source);
  });
});

describe('volumes', () => {
  const volume = (spec: object, phase = 'Bound') => ({ spec, status: { phase } }) as V1PersistentVolume;

  it('failure 10: disks in the cloud, and which of them outlive their claim', () => {
    expect(isCloudVolume(volume({ csi: { driver: 'ebs.csi.aws.com', volumeHandle: 'vol-1' } }))).toBe(true);
    expect(isCloudVolume(volume({ awsElasticBlockStore: { volumeID: 'vol-1' } }))).toBe(true);
    expect(isCloudVolume(volume({ hostPath: { path: '/x' } }))).toBe(false);
    expect(whyKept(volume({ persistentVolumeReclaimPolicy: 'Retain' }))).toBe('its reclaim policy is Retain');
    expect(whyKept(volume({ persistentVolumeReclaimPolicy: 'Delete' }, 'Available'))).toBe('no claim ever held it');
    for (const phase of ['Bound', 'Released', 'Failed']) expect(whyKept(volume({ persistentVolumeReclaimPolicy: 'Delete' }, phase))).toBeUndefined();
  });

  it('failure 10: policy Retain keeps an EBS volume, by either form; another policy or another kind of disk gives none', () => {
    const named = (spec: object) => ({ spec, metadata: { name: 'pv-1' } }) as V1PersistentVolume;
    const csi = { driver: 'ebs.csi.aws.com', volumeHandle: 'vol-1' };
    expect(retainedDisk(named({ persistentVolumeReclaimPolicy: 'Retain', csi }))).toEqual([{ kind: 'ec2:volume', id: 'vol-1', name: 'pv-1', why: 'the reclaim policy of its PersistentVolume pv-1 is Retain: its data is kept on purpose' }]);
    expect(retainedDisk(named({ persistentVolumeReclaimPolicy: 'Retain', awsElasticBlockStore: { volumeID: 'aws://eu-west-2a/vol-2' } }))).toMatchObject([{ id: 'vol-2' }]);
    expect(retainedDisk(named({ persistentVolumeReclaimPolicy: 'Delete', csi }))).toEqual([]);
    expect(retainedDisk(named({ persistentVolumeReclaimPolicy: 'Retain', csi: { driver: 'efs.csi.aws.com', volumeHandle: 'fs-1' } }))).toEqual([]);
  });

  it('failure 10: a pod holds a claim of its own namespace, by name or by its ephemeral volume', () => {
    const pod = { metadata: { name: 'db-0', namespace: 'a' }, spec: { containers: [], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'one' } }, { name: 'scratch', ephemeral: {} }] } };
    expect(mounts(pod, { metadata: { name: 'one', namespace: 'a' } })).toBe(true);
    expect(mounts(pod, { metadata: { name: 'db-0-scratch', namespace: 'a' } })).toBe(true);
    expect(mounts(pod, { metadata: { name: 'one', namespace: 'b' } })).toBe(false);
    expect(mounts(pod, { metadata: { name: 'data', namespace: 'a' } })).toBe(false);
  });
});

describe('ExternalDNS', () => {
  it('failure 13: a flag from the environment counts like an argument', () => {
    expect(flagsOf({ command: ['external-dns', '--once'], args: ['--policy=sync'], env: [{ name: 'EXTERNAL_DNS_TXT_SUFFIX', value: '-x' }, { name: 'AWS_REGION', value: 'eu-west-2' }] })).toEqual(['--once', '--policy=sync', '--txt-suffix=-x']);
    expect(flagsOf({})).toEqual([]);
  });

  it.each([['ephemeral', target.hostSuffix], ['persistent', target.zone]] as const)('D1: %s: every needed change lies inside the names of the platform, every forbidden one names something outside, something reserved or a foreign type', (lifecycle, hostSuffix) => {
    const scope = { ...target, lifecycle, hostSuffix };
    const outside = (name: string) => !isWithin(normaliseName(name), hostSuffix) || (lifecycle === 'persistent' && buildOfName(name, target.zone) !== undefined);
    expect(neededChanges(scope).flatMap(({ names }) => names).filter(outside)).toEqual([]);
    expect(forbiddenChanges(scope).filter(({ names, types }) => !names.some((name) => outside(name) || /^(_acme-challenge|wildcard)[.]/.test(name)) && !types.includes('NS'))).toEqual([]);
  });

  it('D1: an ephemeral platform is asked about the base name, its wildcard and a longer first label', () => {
    const names = forbiddenChanges(target).flatMap((change) => change.names);
    for (const name of ['dev.goldenpathidp.io', '\\052.dev.goldenpathidp.io', 'xb-21-11-26-01.dev.goldenpathidp.io', 'goldenpathidp.io']) expect(names).toContain(name);
  });

  it('D1: a persistent platform is asked about the subtree of a build that never is: its apex, a wildcard, a registry TXT, and a batch with one such name', () => {
    const changes = forbiddenChanges({ ...target, lifecycle: 'persistent', hostSuffix: target.zone });
    for (const name of ['b-00-00-00-00.dev.goldenpathidp.io', 'kong.b-00-00-00-00.dev.goldenpathidp.io', '\\052.b-00-00-00-00.dev.goldenpathidp.io', 'a-xdns.b-00-00-00-00.dev.goldenpathidp.io']) expect(changes.flatMap(({ names }) => names)).toContain(name);
    expect(changes.map(({ names }) => names)).toContainEqual(['kong.dev.goldenpathidp.io', '\\052.b-00-00-00-00.dev.goldenpathidp.io']);
  });
});

describe('addresses', () => {
  const ingress = (name: string, host: string, hostname?: string, namespace = 'kong'): V1Ingress => ({ kind: 'Ingress', metadata: { name, namespace, labels: { 'app.kubernetes.io/part-of': 'goldenpath' } }, spec: { rules: [{ host }] }, ...(hostname === undefined ? {} : { status: { loadBalancer: { ingress: [{ hostname }] } } }) });

  it('T3: every Ingress has an address; no Ingress at all is no success', () => {
    expect(ingressCheck([])).toMatchObject({ ok: false, found: 'there is no Ingress of the platform' });
    expect(ingressCheck([ingress('a', 'x', 'lb'), ingress('b', 'y')])).toMatchObject({ ok: false, found: 'without an address: Ingress kong/b' });
    expect(ingressCheck([ingress('a', 'x', 'lb'), ingress('b', 'y', 'lb')])).toMatchObject({ ok: true, found: '2 Ingresses at lb' });
  });

  it('T3: a tenant’s Ingress holds no platform up and says nothing of its address, whatever it carries', () => {
    const theirs = [ingress('kong', `kong.${target.hostSuffix}`, undefined, 'team-a'), { metadata: { name: 'x', namespace: 'kong' }, spec: { rules: [{ host: `kong.${target.hostSuffix}` }] }, status: { loadBalancer: { ingress: [{ hostname: 'elsewhere' }] } } }];
    const own = ingress('a', `kong.${target.hostSuffix}`, 'lb');
    expect(ingressCheck([...theirs, own])).toMatchObject({ ok: true, found: '1 Ingresses at lb' });
    expect(ingressCheck(theirs)).toMatchObject({ ok: false });
    expect(platformAddress([...theirs, own], target)).toBe('lb');
  });

  it("T3: the platform's own host says where its names must point", () => {
    expect(platformAddress([ingress('a', 'other.example.org', 'elsewhere'), ingress('b', `kong.${target.hostSuffix}`, 'lb')], target)).toBe('lb');
    expect(platformAddress([ingress('a', 'other.example.org', 'elsewhere')], target)).toBe('');
  });
});
