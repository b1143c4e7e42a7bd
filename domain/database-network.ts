// What keeps a platform, or a worker beside it, from the environment's database: another VPC, a closed port (R3, F4). Pure.
import { covers } from './cidr.ts';

/** PostgreSQL's port, on which RDS listens unless told otherwise. */
export const POSTGRES_PORT = 5432;

/** Whether it is a TCP port. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

/** Where an instance lies, and what is open to it. */
export interface InstanceWay {
  identifier: string;
  vpcId: string;
  /** The foundation's VPCs, by tag. */
  vpcIds: readonly string[];
  /** CIDR blocks to which the instance's security groups open its port. */
  openTo: readonly string[];
  /** The foundation's private subnets. */
  subnets: readonly { id: string; cidr: string }[];
}

/** One line where the instance lies in no VPC of the foundation: platforms reach no other, and RDS moves none between VPCs by itself. */
export function vpcProblems({ identifier, vpcId, vpcIds }: Pick<InstanceWay, 'identifier' | 'vpcId' | 'vpcIds'>): string[] {
  return vpcIds.includes(vpcId) ? [] : [`${identifier} is in ${vpcId}, the foundation's VPC is ${vpcIds.join(', ') || 'absent'}`];
}

/** What mends an instance in another VPC. */
export function vpcFix(identifier: string, apply: string): string {
  return `restore a snapshot of ${identifier} into the foundation's VPC, or make a new instance there (another databases.instance.identifier, then ${apply}): RDS moves none between VPCs by itself`;
}

/** A line for each private subnet that the instance's groups keep out. */
export function portProblems({ openTo, subnets }: Pick<InstanceWay, 'openTo' | 'subnets'>): string[] {
  if (subnets.length === 0) return ['the foundation has no private subnet'];
  return subnets.filter(({ cidr }) => !openTo.some((block) => covers(block, cidr))).map(({ id, cidr }) => `port ${POSTGRES_PORT} is closed to subnet ${id} (${cidr})`);
}

/** Why an instance that serves gives no answer: what people must mend in its network, with how; nothing where its network is as the contract demands. */
export function wayProblems(way: InstanceWay, environment: string): string[] {
  const apply = `goldenpath database apply --env ${environment}`;
  return [
    ...vpcProblems(way).map((problem) => `${problem}: ${vpcFix(way.identifier, apply)}`),
    ...portProblems(way).map((problem) => `${problem}: open it in the security groups that ${way.identifier} uses; ${apply} opens the environment's own, and says how an instance comes to use that`),
  ];
}
