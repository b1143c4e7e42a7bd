// What the load balancer overlay remembers beside moto.
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Clock } from '../clock.ts';
import type { ServiceInterfaces } from '../ec2/interfaces.ts';
import type { Elbv2Durations } from './lifecycle.ts';

export interface BalancerRecord {
  interfaceIds: string[];
  /** False while it is being provisioned. */
  active: boolean;
}

export interface Elbv2State {
  /** By ARN as AWS writes it. */
  balancers: Map<string, BalancerRecord>;
  /** Ids of the network load balancers that there ever were. */
  network: Set<string>;
  elbv2: ElasticLoadBalancingV2Client;
  ec2: EC2Client;
  interfaces: ServiceInterfaces;
  clock: Clock;
  region: string;
  durations: Elbv2Durations;
}
