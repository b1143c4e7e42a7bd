// EBS volumes that the CSI driver made for a cluster (teardown.md step 8, failure 10).
import { DescribeVolumesCommand, type EC2Client, paginateDescribeVolumes, type Volume } from '@aws-sdk/client-ec2';
import type { OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import type { Probes, Waiting } from './contract.ts';
import { NOT_FOUND, notReady, orAbsent } from './errors.ts';
import { fromTagList, kubernetesClusterTag } from './ownership.ts';
import { allPages, present } from './pages.ts';

export function volumeActivities({ ec2 }: Clients): Pick<Probes, 'probeVolumesGone'> {
  return { probeVolumesGone: (input) => probeVolumesGone(ec2, input) };
}

/** The volumes with the tag `kubernetes.io/cluster/<cluster>: owned`, without the nodes' own disks, which go with their instances. */
export async function clusterVolumes(ec2: EC2Client, cluster: string): Promise<OwnedObject[]> {
  const volumes = await allPages(paginateDescribeVolumes({ client: ec2 }, { Filters: [{ Name: `tag:${kubernetesClusterTag(cluster)}`, Values: ['owned'] }] }), (page) => page.Volumes);
  return volumes.filter((volume) => !goesWithInstance(volume)).map((volume) => toObject(volume));
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
