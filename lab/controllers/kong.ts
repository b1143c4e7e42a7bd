// Stands in for Kong's ingress controller: gives Ingresses of its class the address of the proxy's Service (T3, A1).
import { INGRESS, INGRESS_CLASS, type Deployment, type Ingress, SERVICE } from './kinds.ts';
import type { Resource } from './kube.ts';
import { handles, type StandIn, type World } from './runner.ts';

const CONTROLLER = 'ingress-controllers.konghq.com/kong';

export const kong: StandIn = {
  name: 'kong',
  deployment: { namespace: 'kong', name: 'kong' },
  handlers: [
    handles(INGRESS, async (world, ingress) => publish(world, ingress)),
    // Classes and the proxy's Service concern every Ingress.
    handles(INGRESS_CLASS, async (world) => publishAll(world)),
    handles(SERVICE, async (world, service) => (isProxy(world.deployment, service) ? publishAll(world) : undefined)),
  ],
};

/** The Service whose address Kong publishes: `CONTROLLER_PUBLISH_SERVICE`, `namespace/name`. */
function proxyName(deployment: Deployment): string | undefined {
  return deployment.spec.template.spec.containers.flatMap(({ env = [] }) => env).find(({ name }) => name === 'CONTROLLER_PUBLISH_SERVICE')?.value;
}

function isProxy(deployment: Deployment, { metadata: { namespace, name } }: Resource): boolean {
  return proxyName(deployment) === `${namespace ?? ''}/${name}`;
}

async function publishAll(world: World): Promise<undefined> {
  for (const ingress of world.known(INGRESS)) await publish(world, ingress);
  return undefined;
}

/** Writes the proxy's address into the Ingress. A proxy without an address changes nothing, as in Kong. */
async function publish({ kube, deployment, known }: World, ingress: Ingress): Promise<undefined> {
  const { metadata, spec, status } = ingress;
  const className = spec?.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class'];
  const isOurs = known(INGRESS_CLASS).some((candidate) => candidate.metadata.name === className && candidate.spec?.controller === CONTROLLER);
  if (!isOurs || metadata.deletionTimestamp !== undefined) return undefined;
  const proxy = known(SERVICE).find((service) => isProxy(deployment, service));
  const addresses = proxy?.status?.loadBalancer?.ingress ?? [];
  if (addresses.length === 0 || JSON.stringify(addresses.map(address)) === JSON.stringify((status?.loadBalancer?.ingress ?? []).map(address))) return undefined;
  await kube.patch(INGRESS, metadata, { status: { loadBalancer: { ingress: addresses.map(({ hostname, ip }) => ({ ...(hostname !== undefined && { hostname }), ...(ip !== undefined && { ip }) })) } } }, 'status');
  return undefined;
}

function address({ hostname, ip }: { hostname?: string; ip?: string }): string {
  return hostname ?? ip ?? '';
}
