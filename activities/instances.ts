// EC2 instances of a cluster, of whatever made them: node groups, Karpenter (failure 9). Those of a cluster that is gone are nobody's nodes any more.
import { type EC2Client, type Filter, paginateDescribeInstances, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { clustersOf, isSolelyOf, TAG } from '../domain/names.ts';
import type { Removal } from '../domain/removal.ts';
import type { Clients } from './clients.ts';
import type { Destroyers, Destroying } from './contract.ts';
import { demandClusterGone } from './eks.ts';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { destroyer } from './guard.ts';
import { fromTagList, kubernetesClusterTag, type TaggedObject } from './ownership.ts';
import { allPages, present } from './pages.ts';
import { removeEach } from './removal.ts';

export function instanceActivities(clients: Clients): Pick<Destroyers, 'deleteOrphanInstances'> {
  return { deleteOrphanInstances: destroyer(clients.s3, (input) => deleteOrphanInstances(clients, input)) };
}

/** Instances of the cluster that are not yet terminated. */
export async function clusterInstances(ec2: EC2Client, cluster: string): Promise<TaggedObject[]> {
  const filters = [{ Name: `tag:${kubernetesClusterTag(cluster)}`, Values: ['owned'] }, { Name: `tag:${TAG.cluster}`, Values: [cluster] }];
  const found = (await Promise.all(filters.map((filter) => instances(ec2, [filter])))).flat().filter(({ tags }) => clustersOf(tags).includes(cluster));
  return [...new Map(found.map((instance) => [instance.object.id, instance])).values()];
}

/** Instances with their tags that are not yet terminated, all of the region where no filter is given. */
export async function instances(ec2: EC2Client, filters: Filter[] = []): Promise<TaggedObject[]> {
  const states = { Name: 'instance-state-name', Values: ['pending', 'running', 'shutting-down', 'stopping', 'stopped'] };
  const reservations = await allPages(paginateDescribeInstances({ client: ec2 }, { Filters: [...filters, states] }), (page) => page.Reservations);
  return reservations.flatMap(({ Instances = [] }) => Instances.map(({ InstanceId, Tags }) => ({ object: { kind: 'ec2:instance', id: present(InstanceId, "an instance's id"), name: fromTagList(Tags)['Name'] ?? '' }, tags: fromTagList(Tags) })));
}

/** Terminates them. While one shuts down it still holds its interfaces and disks, so it is told as not gone yet. */
async function deleteOrphanInstances({ ec2, eks }: Clients, { target }: Destroying): Promise<Removal> {
  await demandClusterGone(eks, target, 'its nodes go before it, with their node groups');
  const own = (await clusterInstances(ec2, target.cluster)).filter(({ tags }) => isSolelyOf(tags, target.cluster)).map(({ object }) => object);
  const { deleted, refused } = await removeEach(own, ({ id }) => `instance ${id}`, ({ id }) => orAbsent(ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })), NOT_FOUND.instance));
  const left = await clusterInstances(ec2, target.cluster);
  const going = left.filter(({ object }) => own.some(({ id }) => id === object.id) && !refused.some(({ id }) => id === object.id));
  return { deleted, refused: [...refused, ...going.map(({ object }) => ({ id: object.id, why: 'it is still shutting down', passing: true }))] };
}
