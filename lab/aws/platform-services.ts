// The services in which a platform's cloud resources live, bound to one another: EKS, EC2 and load balancers share the
// network interfaces that AWS itself makes (lab.md § The gateway); RDS and
// its secrets. For `startGateway({ services })`.
import { openBackdoor } from './ec2/backdoor.ts';
import { plugEc2 } from './ec2/index.ts';
import { createServiceInterfaces } from './ec2/interfaces.ts';
import { createEks, type Eks, type EksOptions } from './eks/index.ts';
import { plugElbv2 } from './elbv2/index.ts';
import type { Elbv2Durations } from './elbv2/lifecycle.ts';
import { createRds, type RdsOptions } from './rds/index.ts';
import { plugSecretsManager } from './secretsmanager/index.ts';
import type { Plugged, World } from './service.ts';
import { plugServiceQuotas } from './servicequotas/index.ts';
import { plugTagging } from './tagging/index.ts';

export interface PlatformServices {
  services: Plugged[];
  eks: Eks;
  /** Stops control planes, issuers and database servers; what was made in moto stays. Call it before the gateway's own close. */
  close(): Promise<void>;
}

export interface PlatformOptions extends Pick<EksOptions, 'provider' | 'tokenWebhookUrl'>, Pick<RdsOptions, 'servers'> {
  /** In seconds of AWS; the published ones where nothing is given. */
  durations?: { eks?: EksOptions['durations']; elbv2?: Partial<Elbv2Durations>; rds?: RdsOptions['durations'] };
}

/** Makes the platform's services of one lab. */
export function createPlatformServices(world: World, { provider, tokenWebhookUrl, servers, durations = {} }: PlatformOptions): PlatformServices {
  const backdoor = openBackdoor(world);
  const interfaces = createServiceInterfaces(backdoor.ec2);
  const eks = createEks({ world, provider, tokenWebhookUrl, backdoor, interfaces, ...(durations.eks !== undefined && { durations: durations.eks }) });
  const elbv2 = plugElbv2({ elbv2: backdoor.elbv2, ec2: backdoor.ec2, interfaces, clock: world.clock, region: world.region }, durations.elbv2);
  const rds = createRds(world, { servers, durations: durations.rds });
  const secrets = plugSecretsManager(world);
  return {
    services: [eks.service, rds.service, secrets.service, plugEc2({ ec2: backdoor.ec2, interfaces }), elbv2.service, plugTagging({ eks: eks.state, network: elbv2.state.network }), plugServiceQuotas()],
    eks,
    async close() {
      await eks.close();
      await rds.close();
      secrets.close();
      backdoor.close();
    },
  };
}
