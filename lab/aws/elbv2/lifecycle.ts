// What a load balancer is called and how long its changes take, pure (lab.md § The gateway, overlays).
import type { LoadBalancer } from '@aws-sdk/client-elastic-load-balancing-v2';

/** Durations in seconds of AWS (lab.md § The gateway). */
export const PUBLISHED = { provision: 150, linger: 90 };
export type Elbv2Durations = typeof PUBLISHED;

/** The hosted zones of load balancers in eu-west-2 (AWS General Reference, Elastic Load Balancing endpoints). */
const ZONES = { application: 'ZHURV8PSTC4K8', network: 'ZD4D7Y8KGAS4G' } as const;

export type Shape = Pick<LoadBalancer, 'LoadBalancerArn' | 'LoadBalancerName' | 'Type' | 'Scheme'>;

/** `app/<name>/<id>` or `net/<name>/<id>`: the end of the ARN, and of its interfaces' description. */
export function fullName({ LoadBalancerArn = '', LoadBalancerName = '', Type }: Shape): string {
  return `${Type === 'network' ? 'net' : 'app'}/${LoadBalancerName}/${LoadBalancerArn.slice(LoadBalancerArn.lastIndexOf('/') + 1)}`;
}

/** The DNS name: application `[internal-]<name>-<number>.<region>.elb…`, network `<name>-<id>.elb.<region>…`. */
export function dnsName(balancer: Shape, region: string): string {
  const id = fullName(balancer).split('/')[2] ?? '';
  const name = balancer.LoadBalancerName ?? '';
  if (balancer.Type === 'network') return `${name}-${id}.elb.${region}.amazonaws.com`;
  const number = String(BigInt(`0x${id === '' ? '0' : id}`)).slice(0, 10);
  return `${balancer.Scheme === 'internal' ? 'internal-' : ''}${name}-${number}.${region}.elb.amazonaws.com`;
}

/** The zone id for alias records. */
export function canonicalZone({ Type }: Shape): string {
  return Type === 'network' ? ZONES.network : ZONES.application;
}

/** Would a second request for this name ask for the same load balancer? AWS then answers the first one again. */
export function sameSettings(
  present: Pick<LoadBalancer, 'Type' | 'Scheme' | 'SecurityGroups' | 'AvailabilityZones'>,
  asked: { type: string; scheme: string; subnets: readonly string[]; groups: readonly string[] },
): boolean {
  const subnets = (present.AvailabilityZones ?? []).map((zone) => zone.SubnetId ?? '');
  return present.Type === asked.type && present.Scheme === asked.scheme
    && sameSet(subnets, asked.subnets) && sameSet(present.SecurityGroups ?? [], asked.groups);
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify([...new Set(a)].toSorted()) === JSON.stringify([...new Set(b)].toSorted());
}
