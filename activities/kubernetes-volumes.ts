// Volumes go while the CSI driver lives: claims and what mounts them first, then their volumes (teardown.md step 8, failure 10).
import type { KubernetesObject, V1PersistentVolume, V1PersistentVolumeClaim, V1Pod } from '@kubernetes/client-node';
import type { KeptDisk } from './contract.ts';
import { awaitFinding } from './kubernetes-watch.ts';
import { type ClusterClient, nameOf, refOf } from './kubernetes-client.ts';

/** A CSI driver releases a volume in seconds. */
const VOLUME_POLL_MS = 1_000;

/**
 * Deletes every claim that holds or asks for a cloud volume, with whatever runs on it, and waits until its driver has taken
 * each volume away; AWS is asked afterwards whether the disks are gone. Volumes that keep their disk are named in `done`:
 * those with policy Retain, whose EBS volumes are `kept`, and those that no claim ever held, whose disks the platform did not make.
 */
export async function deleteVolumes(cluster: ClusterClient): Promise<{ done: string[]; kept: KeptDisk[] }> {
  const done: string[] = [];
  const named = new Map<string, string>();
  const kept = new Map<string, KeptDisk>();
  await awaitFinding('the volumes to go', async () => {
    const { volumes, claims, kept: keeping } = await cloudVolumes(cluster);
    for (const [volume, line] of keeping) named.set(volume, line);
    for (const disk of volumes.flatMap(retainedDisk)) kept.set(disk.id, disk);
    done.push(...(await deleteClaims(cluster, claims)));
    const left = volumes.filter((volume) => whyKept(volume) === undefined);
    const waitingFor = [...claims.map(describe), ...left.map((volume) => `${describe(volume)} (${volume.status?.phase ?? 'no phase'})`)];
    return waitingFor.length === 0 ? { done: true, result: undefined } : { done: false, waitingFor };
  }, { everyMs: VOLUME_POLL_MS });
  return { done: [...done, ...named.values(), 'no claim of a cloud volume and no volume to reclaim is left'], kept: [...kept.values()] };
}

/** What `deleteVolumes` would find: the claims that go, and the volumes that keep their disks, each with the reason. */
export async function readVolumes(cluster: ClusterClient): Promise<{ claims: string[]; keptVolumes: string[] }> {
  const { claims, kept } = await cloudVolumes(cluster);
  return { claims: claims.map(describe), keptVolumes: [...kept.values()] };
}

/** Cloud volumes, the claims that hold or ask for one, and those that keep their disks, with the reason. */
async function cloudVolumes(cluster: ClusterClient): Promise<{ volumes: V1PersistentVolume[]; claims: V1PersistentVolumeClaim[]; kept: Map<string, string> }> {
  const volumes = (await cluster.list<V1PersistentVolume>('v1', 'PersistentVolume')).filter(isCloudVolume);
  const claims = (await cluster.list<V1PersistentVolumeClaim>('v1', 'PersistentVolumeClaim')).filter((claim) => asksForCloudVolume(claim, volumes));
  const kept = volumes.flatMap((volume): [string, string][] => {
    const reason = whyKept(volume);
    return reason === undefined ? [] : [[describe(volume), `${describe(volume)} keeps its disk ${diskOf(volume)}: ${reason}`]];
  });
  return { volumes, claims, kept: new Map(kept) };
}

/** Why a volume's disk outlives its claim; undefined where its driver deletes it. */
export function whyKept({ spec, status }: V1PersistentVolume): string | undefined {
  if (spec?.persistentVolumeReclaimPolicy === 'Retain') return 'its reclaim policy is Retain';
  return status?.phase === 'Available' ? 'no claim ever held it' : undefined;
}

/** The EBS volume that policy Retain keeps; none where the policy is another, or the disk is not EBS's. */
export function retainedDisk(volume: V1PersistentVolume): KeptDisk[] {
  const id = diskOf(volume);
  if (volume.spec?.persistentVolumeReclaimPolicy !== 'Retain' || !id.startsWith('vol-')) return [];
  const { name = id } = volume.metadata ?? {};
  return [{ kind: 'ec2:volume', id, name, why: `the reclaim policy of its PersistentVolume ${name} is Retain: its data is kept on purpose` }];
}

/** Whether a PersistentVolume is a disk in the cloud: a CSI driver's, or EBS's own older form. */
export function isCloudVolume({ spec }: V1PersistentVolume): boolean {
  return spec?.csi !== undefined || spec?.awsElasticBlockStore !== undefined;
}

/** The older form may hold the zone too: `aws://eu-west-2a/vol-1`. */
function diskOf({ spec }: V1PersistentVolume): string {
  return spec?.csi?.volumeHandle ?? spec?.awsElasticBlockStore?.volumeID.split('/').at(-1) ?? 'unknown';
}

/** A claim of a cloud volume, or one that a driver may yet answer with a volume. */
function asksForCloudVolume({ spec }: V1PersistentVolumeClaim, volumes: readonly V1PersistentVolume[]): boolean {
  const { volumeName } = spec ?? {};
  return volumeName === undefined || volumeName === '' || volumes.some(({ metadata }) => metadata?.name === volumeName);
}

/** Owners of the pods on a claim go first, since they would make the pods anew; then the claims. */
async function deleteClaims(cluster: ClusterClient, claims: readonly V1PersistentVolumeClaim[]): Promise<string[]> {
  const done: string[] = [];
  if (claims.length === 0) return done;
  const pods = await cluster.list<V1Pod>('v1', 'Pod');
  for (const claim of claims) {
    for (const pod of pods.filter((candidate) => mounts(candidate, claim))) {
      const owner = await topOwner(cluster, pod);
      if (owner.metadata?.deletionTimestamp === undefined && (await cluster.remove(refOf(owner)))) done.push(`${describe(owner)}, which runs on ${describe(claim)}, is being deleted`);
    }
    if (claim.metadata?.deletionTimestamp === undefined && (await cluster.remove(refOf(claim)))) done.push(`${describe(claim)} is being deleted`);
  }
  return done;
}

/** Whether a pod holds the claim: by name, or as the owner of the claim of a generic ephemeral volume. */
export function mounts({ metadata, spec }: V1Pod, claim: V1PersistentVolumeClaim): boolean {
  if (metadata?.namespace !== claim.metadata?.namespace) return false;
  return (spec?.volumes ?? []).some(({ name, persistentVolumeClaim, ephemeral }) => (persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${metadata?.name ?? ''}-${name}`)) === claim.metadata?.name);
}

/** The object at the top of the chain of controllers, the pod itself where it has none. */
async function topOwner(cluster: ClusterClient, object: KubernetesObject): Promise<KubernetesObject> {
  const controller = (object.metadata?.ownerReferences ?? []).find(({ controller: controls }) => controls === true);
  if (controller === undefined) return object;
  const { apiVersion, kind, name } = controller;
  const owner = await cluster.read({ apiVersion, kind, name, namespace: object.metadata?.namespace });
  return owner === undefined ? object : topOwner(cluster, Object.assign(owner, { apiVersion, kind }));
}

function describe(object: KubernetesObject): string {
  return nameOf(refOf(object));
}
