// EBS volumes that the CSI driver made for a cluster (teardown.md step 8, failure 10).
import { DeleteVolumeCommand, DescribeVolumesCommand, type EC2Client, type Filter, paginateDescribeVolumes, type Volume } from '@aws-sdk/client-ec2';
import { clustersOf, isSolelyOf, TAG } from '../domain/names.ts';
import type { Removal } from '../domain/removal.ts';
import type { OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import type { Destroyers, Destroying, Probes, Waiting } from './contract.ts';
import { demandClusterGone } from './eks.ts';
import { NOT_FOUND, notReady, orAbsent } from './errors.ts';
import { destroyer } from './guard.ts';
import { fromTagList, kubernetesClusterTag, type TaggedObject } from './ownership.ts';
import { allPages, present } from './pages.ts';
import { removeEach } from './removal.ts';

export function volumeActivities({ ec2, eks, s3 }: Clients): Pick<Probes, 'probeVolumesGone'> & Pick<Destroyers, 'deleteOrphanVolumes'> {
  return {
    probeVolumesGone: (input) => probeVolumesGone(ec2, input),
    deleteOrphanVolumes: destroyer(s3, (input) => deleteOrphanVolumes({ ec2, eks }, input)),
  };
}

/** The cluster's volumes by the CSI driver's tag or by this product's, without the nodes' own disks, which go with their instances. */
export async function clusterVolumes(ec2: EC2Client, cluster: string): Promise<OwnedObject[]> {
  return (await taggedVolumes(ec2, cluster)).map(({ object }) => object);
}

async function taggedVolumes(ec2: EC2Client, cluster: string): Promise<TaggedObject[]> {
  const filters: Filter[] = [{ Name: `tag:${kubernetesClusterTag(cluster)}`, Values: ['owned'] }, { Name: `tag:${TAG.cluster}`, Values: [cluster] }];
  const found = (await Promise.all(filters.map((filter) => volumes(ec2, [filter])))).flat().filter(({ tags }) => clustersOf(tags).includes(cluster));
  return [...new Map(found.map((volume) => [volume.object.id, volume])).values()];
}

/** Volumes with their tags, all of the region where no filter is given; without the nodes' own disks. */
export async function volumes(ec2: EC2Client, filters: Filter[] = []): Promise<TaggedObject[]> {
  const found = await allPages(paginateDescribeVolumes({ client: ec2 }, filters.length === 0 ? {} : { Filters: filters }), (page) => page.Volumes);
  return found.filter((volume) => !goesWithInstance(volume)).map((volume) => ({ object: toObject(volume), tags: fromTagList(volume.Tags) }));
}

function goesWithInstance({ Attachments = [] }: Volume): boolean {
  return Attachments.length > 0 && Attachments.every(({ DeleteOnTermination }) => DeleteOnTermination === true);
}

function toObject({ VolumeId, Tags }: Volume): OwnedObject {
  const claim = fromTagList(Tags)['kubernetes.io/created-for/pvc/name'];
  const id = present(VolumeId, "a volume's id");
  return { kind: 'ec2:volume', id, name: claim ?? id };
}

/** Whether EC2 still has the volume: only its typed NotFound says no. */
export async function volumeExists(ec2: EC2Client, id: string): Promise<boolean> {
  return (await orAbsent(ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] })), NOT_FOUND.volume)) !== undefined;
}

async function probeVolumesGone(ec2: EC2Client, input: Waiting & { kept: string[] }): Promise<void> {
  const left = (await clusterVolumes(ec2, input.target.cluster)).filter(({ id }) => !input.kept.includes(id));
  if (left.length > 0) throw notReady(`${left.length} volumes left: ${left.map(({ name }) => name).join(', ')}`, input, left.map(({ id, name }) => `volume ${id} (${name})`));
}

/** Volumes of a cluster that is gone: no driver is left to delete them. One that is attached is refused for the time being. */
async function deleteOrphanVolumes({ ec2, eks }: Pick<Clients, 'ec2' | 'eks'>, { target, kept }: Destroying & { kept: string[] }): Promise<Removal> {
  await demandClusterGone(eks, target, 'its volumes are for its driver to delete');
  const own = (await taggedVolumes(ec2, target.cluster)).filter(({ tags }) => isSolelyOf(tags, target.cluster)).map(({ object }) => object);
  return removeEach(own.filter(({ id }) => !kept.includes(id)), ({ id, name }) => `volume ${id} (${name})`, ({ id }) => orAbsent(ec2.send(new DeleteVolumeCommand({ VolumeId: id })), NOT_FOUND.volume));
}
