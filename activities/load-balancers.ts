// Load balancers and target groups of a cluster, by the tags of whichever controller made them (teardown.md step 6, failure 22).
import {
  DeleteLoadBalancerCommand, DeleteTargetGroupCommand, DescribeTagsCommand, type ElasticLoadBalancingV2Client, paginateDescribeLoadBalancers, paginateDescribeTargetGroups,
  type TagDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { GoldenpathError } from '../domain/errors.ts';
import type { CheckResult } from '../domain/foundation.ts';
import { clustersOf, isSolelyOf } from '../domain/names.ts';
import { joinRemovals, type Removal } from '../domain/removal.ts';
import type { OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import type { Destroyers, Destroying, Probes, Waiting } from './contract.ts';
import { isNamed, NOT_FOUND, notReady, orAbsent } from './errors.ts';
import { destroyer } from './guard.ts';
import { fromTagList, type TaggedObject } from './ownership.ts';
import { allPages, inGroups, present } from './pages.ts';
import { removeEach } from './removal.ts';

/** DescribeTags takes at most 20 ARNs (ELBv2 API). */
const TAGS_PER_CALL = 20;
const GONE = [...NOT_FOUND.loadBalancer, ...NOT_FOUND.targetGroup];

export function loadBalancerActivities({ elb, s3 }: Clients): Pick<Probes, 'probeLoadBalancersGone' | 'probeLoadBalancerActive'> & Pick<Destroyers, 'deleteLoadBalancers'> {
  return {
    probeLoadBalancersGone: (input) => probeLoadBalancersGone(elb, input),
    probeLoadBalancerActive: (input) => probeLoadBalancerActive(elb, input),
    deleteLoadBalancers: destroyer(s3, (input) => deleteLoadBalancers(elb, input)),
  };
}

/**
 * Whether tags of ELBv2, EC2 or EBS say that an object was made for the cluster: by the load balancer controller
 * (`elbv2.k8s.aws/cluster`), by the cloud provider (`kubernetes.io/cluster/<name>: owned`), or by this product. The last
 * tag alone misses what the controllers made (failure 22); `shared` is never the cluster's own.
 */
export function isMadeForCluster(tags: Record<string, string>, cluster: string): boolean {
  return clustersOf(tags).includes(cluster);
}

/** All load balancers and target groups of the cluster, from complete listings of the region. */
export async function clusterLoadBalancers(elb: ElasticLoadBalancingV2Client, cluster: string): Promise<OwnedObject[]> {
  const all = await allLoadBalancers(elb);
  return all.filter(({ tags }) => isMadeForCluster(tags, cluster)).map(({ object }) => object);
}

/** All load balancers and target groups of the region, with their tags. */
export async function allLoadBalancers(elb: ElasticLoadBalancingV2Client): Promise<TaggedObject[]> {
  const [balancers, groups] = await Promise.all([
    allPages(paginateDescribeLoadBalancers({ client: elb }, {}), (page) => page.LoadBalancers),
    allPages(paginateDescribeTargetGroups({ client: elb }, {}), (page) => page.TargetGroups),
  ]);
  const objects: OwnedObject[] = [
    ...balancers.map(({ LoadBalancerArn, LoadBalancerName, DNSName }) => ({ kind: 'elasticloadbalancing:loadbalancer', id: present(LoadBalancerArn, "a load balancer's ARN"), name: LoadBalancerName ?? '', ...(DNSName === undefined ? {} : { address: DNSName }) })),
    ...groups.map(({ TargetGroupArn, TargetGroupName }) => ({ kind: 'elasticloadbalancing:targetgroup', id: present(TargetGroupArn, "a target group's ARN"), name: TargetGroupName ?? '' })),
  ];
  const tags = await tagsOf(elb, objects.map(({ id }) => id));
  return objects.map((object) => ({ object, tags: tags.get(object.id) ?? {} }));
}

/** Tags by ARN; what is gone by now has none. */
async function tagsOf(elb: ElasticLoadBalancingV2Client, arns: readonly string[]): Promise<Map<string, Record<string, string>>> {
  const described = await Promise.all(inGroups(arns, TAGS_PER_CALL).map((group) => describeTags(elb, group)));
  return new Map(described.flat().map(({ ResourceArn, Tags }) => [present(ResourceArn, "a tagged object's ARN"), fromTagList(Tags)]));
}

/** One object that is gone fails the call for its whole group: then each is asked for by itself. */
async function describeTags(elb: ElasticLoadBalancingV2Client, arns: string[]): Promise<TagDescription[]> {
  try {
    const { TagDescriptions = [] } = await elb.send(new DescribeTagsCommand({ ResourceArns: arns }));
    return TagDescriptions;
  } catch (error) {
    if (!isNamed(error, GONE)) throw error;
    if (arns.length === 1) return [];
    return (await Promise.all(arns.map((arn) => describeTags(elb, [arn])))).flat();
  }
}

/** The load balancer controller publishes an address at once; AWS takes minutes more until anything answers there. */
async function probeLoadBalancerActive(elb: ElasticLoadBalancingV2Client, input: Parameters<Probes['probeLoadBalancerActive']>[0]): Promise<CheckResult[]> {
  const balancers = await allPages(paginateDescribeLoadBalancers({ client: elb }, {}), (page) => page.LoadBalancers);
  const found = balancers.find(({ DNSName = '' }) => DNSName.toLowerCase() === input.address.toLowerCase());
  if (found === undefined) throw notReady(`no load balancer has the address ${input.address}`, input);
  const { LoadBalancerName = '', LoadBalancerArn = '', CreatedTime, State } = found;
  const state = State?.Code ?? 'unknown';
  const why = State?.Reason === undefined ? '' : `: ${State.Reason}`;
  if (state === 'failed') throw new GoldenpathError('TerminalState', `load balancer ${LoadBalancerName} is failed${why}`, [`${LoadBalancerArn} is failed${why}`]);
  // active_impaired: it takes traffic and cannot scale; AWS mends that, and a platform that answers is not held up for it.
  if (state !== 'active' && state !== 'active_impaired') throw notReady(`load balancer ${LoadBalancerName} is ${state}${why}`, { startedAt: CreatedTime?.getTime() ?? input.startedAt, wait: input.wait });
  return [{ id: 'load-balancer', title: 'Load balancer', ok: true, found: `${LoadBalancerName} is ${state}`, fix: '' }];
}

async function probeLoadBalancersGone(elb: ElasticLoadBalancingV2Client, input: Waiting): Promise<void> {
  const left = await clusterLoadBalancers(elb, input.target.cluster);
  if (left.length > 0) throw notReady(`${left.length} left in ELBv2: ${left.map(({ name }) => name).join(', ')}`, input, left.map(({ kind, id }) => `${kind} ${id}`));
}

/**
 * Load balancers, which take their listeners and rules with them, then their target groups (failure 22); security groups come after them, in network.ts.
 * Deletion protection is respected: the load balancer is refused (failure 21). A target group that a listener still uses is refused for the time being.
 */
async function deleteLoadBalancers(elb: ElasticLoadBalancingV2Client, { target }: Destroying): Promise<Removal> {
  const own = (await allLoadBalancers(elb)).filter(({ tags }) => isSolelyOf(tags, target.cluster)).map(({ object }) => object);
  const balancers = own.filter(({ kind }) => kind === 'elasticloadbalancing:loadbalancer');
  const groups = own.filter(({ kind }) => kind === 'elasticloadbalancing:targetgroup');
  return joinRemovals([
    await removeEach(balancers, ({ name }) => `load balancer ${name}`, ({ id }) => orAbsent(elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: id })), NOT_FOUND.loadBalancer)),
    await removeEach(groups, ({ name }) => `target group ${name}`, ({ id }) => orAbsent(elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: id })), NOT_FOUND.targetGroup)),
  ]);
}
