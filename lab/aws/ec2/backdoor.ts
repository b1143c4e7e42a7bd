// SDK clients that speak to moto directly, past the gateway: what AWS's own services do behind the API is neither
// logged, nor throttled, nor hit by fault rules (lab.md § The gateway).
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { IAMClient } from '@aws-sdk/client-iam';
import { inAccount, motoClientConfig } from '../moto.ts';
import type { World } from '../service.ts';

export interface Backdoor {
  ec2: EC2Client;
  elbv2: ElasticLoadBalancingV2Client;
  iam: IAMClient;
  logs: CloudWatchLogsClient;
  close(): void;
}

/** Clients for the lab's account in moto. */
export function openBackdoor(world: Pick<World, 'account' | 'region' | 'motoUrl'>): Backdoor {
  const config = motoClientConfig(world);
  const clients = {
    ec2: inAccount(new EC2Client(config), world.account),
    elbv2: inAccount(new ElasticLoadBalancingV2Client(config), world.account),
    iam: inAccount(new IAMClient(config), world.account),
    logs: inAccount(new CloudWatchLogsClient(config), world.account),
  };
  return {
    ...clients,
    close() {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}
