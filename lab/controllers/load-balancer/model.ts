// What the AWS load balancer controller makes of a Service, pure: names, tags, ports, attributes.
// Source: kubernetes-sigs/aws-load-balancer-controller, docs/guide/service/annotations.md and pkg/service.
import { createHash } from 'node:crypto';
import { argumentOf, type Deployment, pairs, type Service } from '../kinds.ts';

const PREFIX = 'service.beta.kubernetes.io/aws-load-balancer-';
export const FINALIZER = 'service.k8s.aws/resources';
export const DELETION_PROTECTION = 'deletion_protection.enabled';
export const TAG = { cluster: 'elbv2.k8s.aws/cluster', stack: 'service.k8s.aws/stack', resource: 'service.k8s.aws/resource', backend: 'elbv2.k8s.aws/resource' } as const;

/** What the controller's own arguments say. */
export interface ControllerSettings {
  clusterName: string;
  vpcId: string;
  /** `--default-tags`, on everything the controller creates. */
  defaultTags: Record<string, string>;
}

export interface PortModel {
  port: number;
  protocol: 'TCP' | 'UDP' | 'TCP_UDP' | 'TLS';
  targetGroupName: string;
  targetPort: number;
  tags: Record<string, string>;
  listenerTags: Record<string, string>;
}

/** The load balancer that a Service asks for. */
export interface StackModel {
  /** `namespace/name` of the Service. */
  stack: string;
  name: string;
  scheme: 'internal' | 'internet-facing';
  /** Which subnets: those with this tag set to 1. */
  subnetRole: 'kubernetes.io/role/internal-elb' | 'kubernetes.io/role/elb';
  targetType: 'ip' | 'instance';
  tags: Record<string, string>;
  securityGroup: { name: string; tags: Record<string, string> };
  ports: PortModel[];
  attributes: Record<string, string>;
  health: { protocol: 'TCP' | 'HTTP'; port: string; path?: string };
}

/** Settings from the arguments of the controller's Deployment. Throws where one it cannot do without is missing. */
export function settingsOf(deployment: Deployment): ControllerSettings {
  const [clusterName, vpcId, tags] = ['cluster-name', 'aws-vpc-id', 'default-tags'].map((name) => argumentOf(deployment, 'controller', name));
  if (clusterName === undefined || clusterName === '') throw new Error('the controller runs without --cluster-name');
  if (vpcId === undefined || vpcId === '') throw new Error('the controller runs without --aws-vpc-id');
  return { clusterName, vpcId, defaultTags: pairs(tags) };
}

/** Is this Service the controller's? By class, or by the older annotation. */
export function isManaged({ metadata, spec }: Service): boolean {
  if (spec.type !== 'LoadBalancer') return false;
  if (spec.loadBalancerClass !== undefined) return spec.loadBalancerClass === 'service.k8s.aws/nlb';
  const type = metadata.annotations?.[`${PREFIX}type`];
  return type === 'external' || type === 'nlb-ip';
}

/** Does the Service ask for a protected load balancer? Then the controller deletes neither. */
export function isProtected({ metadata }: Service): boolean {
  return pairs(metadata.annotations?.[`${PREFIX}attributes`])[DELETION_PROTECTION] === 'true';
}

export function stackOf({ metadata: { namespace = 'default', name } }: Service): string {
  return `${namespace}/${name}`;
}

/** The whole model of a Service. */
export function stackModel(service: Service, { clusterName, defaultTags }: ControllerSettings): StackModel {
  const stack = stackOf(service);
  const annotation = (name: string): string | undefined => service.metadata.annotations?.[`${PREFIX}${name}`];
  const scheme = annotation('scheme') === 'internet-facing' ? 'internet-facing' : 'internal';
  const tags = (resource: string): Record<string, string> => ({ ...defaultTags, ...pairs(annotation('additional-resource-tags')), [TAG.cluster]: clusterName, [TAG.stack]: stack, [TAG.resource]: resource });
  const path = annotation('healthcheck-path');
  const targetType = annotation('nlb-target-type') === 'instance' ? 'instance' : 'ip';
  return {
    stack,
    name: annotation('name') ?? resourceName(service, clusterName, scheme),
    scheme,
    subnetRole: scheme === 'internal' ? 'kubernetes.io/role/internal-elb' : 'kubernetes.io/role/elb',
    targetType,
    tags: tags('LoadBalancer'),
    securityGroup: { name: resourceName(service, clusterName, 'security-group'), tags: tags('ManagedLBSecurityGroup') },
    ports: (service.spec.ports ?? []).map((port) => ({
      port: port.port,
      protocol: protocolOf(port.protocol),
      targetGroupName: resourceName(service, clusterName, `target-group ${port.port} ${targetType}`),
      targetPort: targetType === 'instance' ? (port.nodePort ?? port.port) : typeof port.targetPort === 'number' ? port.targetPort : port.port,
      tags: tags(`${stack}:${port.port}`),
      listenerTags: tags(String(port.port)),
    })),
    attributes: pairs(annotation('attributes')),
    health: { protocol: annotation('healthcheck-protocol')?.toUpperCase() === 'HTTP' ? 'HTTP' : 'TCP', port: annotation('healthcheck-port') ?? 'traffic-port', ...(path !== undefined && { path }) },
  };
}

/** The security group that load balancers share towards the nodes: `k8s-traffic-<cluster>-<hash>`. */
export function backendGroup({ clusterName, defaultTags }: ControllerSettings): { name: string; tags: Record<string, string> } {
  return { name: `k8s-traffic-${plain(clusterName)}-${hash(clusterName)}`, tags: { ...defaultTags, [TAG.cluster]: clusterName, [TAG.backend]: 'backend-sg' } };
}

function protocolOf(protocol: string | undefined): PortModel['protocol'] {
  return protocol === 'UDP' ? 'UDP' : 'TCP';
}

/** `k8s-<namespace>-<name>-<hash>`, at most 8 characters of each and 10 of the hash: AWS allows 32 in all. */
function resourceName({ metadata }: Service, clusterName: string, what: string): string {
  return `k8s-${plain(metadata.namespace ?? 'default').slice(0, 8)}-${plain(metadata.name).slice(0, 8)}-${hash(`${clusterName} ${metadata.uid ?? ''} ${what}`)}`;
}

function plain(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9]/g, '');
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}
