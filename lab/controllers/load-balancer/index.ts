// Stands in for the AWS load balancer controller: a Network Load Balancer for each Service of its class, through the
// gateway, with the real tags, finalizer and order of deletion (teardown failures 12, 20, 22, 24).
import { EC2Client } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { type AwsSettings, clientPerDeployment } from '../irsa.ts';
import { SERVICE, type Service } from '../kinds.ts';
import { handles, type StandIn, type World } from '../runner.ts';
import { balancersOf, deleteBalancer, ensureBalancer } from './balancers.ts';
import { FINALIZER, isManaged, isProtected, settingsOf, stackModel, stackOf } from './model.ts';
import { deleteOwnGroup, deleteSharedGroup, ensureGroups } from './security-groups.ts';

/** The real controller looks every 2 s whether a security group's interfaces have gone; looking twice as often costs the lab nothing. */
const GROUP_IN_USE_MS = 1_000;

interface Clients { elb: ElasticLoadBalancingV2Client; ec2: EC2Client; destroy(): void }

/** The AWS load balancer controller of one cluster. */
export function loadBalancerController(settings: AwsSettings): StandIn {
  const clients = clientPerDeployment(settings, (configuration): Clients => {
    const elb = new ElasticLoadBalancingV2Client(configuration);
    const ec2 = new EC2Client(configuration);
    return {
      elb,
      ec2,
      destroy() {
        elb.destroy();
        ec2.destroy();
      },
    };
  });
  return {
    name: 'aws-load-balancer-controller',
    deployment: { namespace: 'kube-system', name: 'aws-load-balancer-controller' },
    handlers: [handles(SERVICE, async (world, service) => reconcile(world, clients.of(world.kube, world.deployment), service))],
    stop: () => {
      clients.stop();
    },
  };
}

async function reconcile(world: World, clients: Clients, service: Service): Promise<number | undefined> {
  const { metadata } = service;
  const finalizers = metadata.finalizers ?? [];
  const wanted = isManaged(service) && metadata.deletionTimestamp === undefined;
  if (!wanted && finalizers.includes(FINALIZER)) {
    if (!(await release(world, clients, service))) return GROUP_IN_USE_MS;
    await world.kube.patch(SERVICE, metadata, { metadata: { resourceVersion: metadata.resourceVersion, finalizers: finalizers.filter((name) => name !== FINALIZER) } });
  }
  if (!wanted) return undefined;
  if (!finalizers.includes(FINALIZER)) {
    // Before anything is created: what exists without a finalizer is orphaned by a deletion.
    await world.kube.patch(SERVICE, metadata, { metadata: { resourceVersion: metadata.resourceVersion, finalizers: [...finalizers, FINALIZER] } });
    return undefined; // the change comes back as an event
  }
  await provide(world, clients, service);
  return undefined;
}

async function provide({ kube, deployment }: World, { elb, ec2 }: Clients, service: Service): Promise<void> {
  const settings = settingsOf(deployment);
  const model = stackModel(service, settings);
  const groups = await ensureGroups(ec2, settings, model);
  const hostname = await ensureBalancer(elb, ec2, settings, model, groups);
  if (service.status?.loadBalancer?.ingress?.[0]?.hostname === hostname) return;
  await kube.patch(SERVICE, service.metadata, { status: { loadBalancer: { ingress: [{ hostname }] } } }, 'status');
}

/** Listeners, load balancer, target groups, its group, and with the last one the shared group. False while a group is in use by interfaces that linger. Throws, as the real one, where the Service asks for protection. */
async function release({ deployment }: World, { elb, ec2 }: Clients, service: Service): Promise<boolean> {
  if (isProtected(service)) throw new Error(`deletion_protection is enabled, cannot delete the service: ${service.metadata.name}`);
  const settings = settingsOf(deployment);
  await deleteBalancer(elb, settings, stackOf(service));
  try {
    await deleteOwnGroup(ec2, settings, stackOf(service));
    if ((await balancersOf(elb, settings)).length === 0) await deleteSharedGroup(ec2, settings);
  } catch (error) {
    if (error instanceof Error && error.name === 'DependencyViolation') return false;
    throw error;
  }
  return true;
}
