// The foundation as infrastructure code leaves it, in the account of a test gateway: network, registry bucket, secret, zones (F4).
import { CreateSubnetCommand, CreateVpcCommand, EC2Client, ModifyVpcAttributeCommand, type TagSpecification } from '@aws-sdk/client-ec2';
import { ChangeResourceRecordSetsCommand, CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { TestAws } from './moto.ts';

const TAGS = { 'goldenpath.idp/environment': 'dev', 'goldenpath.idp/plane': 'foundation' };

export interface TestFoundation {
  vpcId: string;
  privateSubnets: string[];
  hostedZoneId: string;
  parentZoneId: string;
}

/** Makes it. The environment's zone is delegated in the parent. */
export async function seedFoundation({ client }: TestAws): Promise<TestFoundation> {
  const ec2 = new EC2Client(client);
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16', TagSpecifications: tagged('vpc', {}) }));
  const vpcId = Vpc?.VpcId ?? '';
  await ec2.send(new ModifyVpcAttributeCommand({ VpcId: vpcId, EnableDnsSupport: { Value: true } }));
  await ec2.send(new ModifyVpcAttributeCommand({ VpcId: vpcId, EnableDnsHostnames: { Value: true } }));
  const privateSubnets: string[] = [];
  for (const [index, zone] of ['a', 'b'].entries()) {
    for (const role of ['internal-elb', 'elb']) {
      const { Subnet } = await ec2.send(new CreateSubnetCommand({
        VpcId: vpcId, CidrBlock: `10.0.${index * 32 + (role === 'elb' ? 16 : 0)}.0/20`, AvailabilityZone: `eu-west-2${zone}`,
        TagSpecifications: tagged('subnet', { [`kubernetes.io/role/${role}`]: '1' }),
      }));
      if (role === 'internal-elb') privateSubnets.push(Subnet?.SubnetId ?? '');
    }
  }
  await new S3Client({ ...client, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'goldenpath-dev-registry', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
  await new SecretsManagerClient(client).send(new CreateSecretCommand({ Name: 'goldenpath/dev/grafana/admin', SecretString: '{"username":"admin","password":"pa55-of-the-test"}' }));
  return { vpcId, privateSubnets, ...(await seedZones(new Route53Client(client))) };
}

function tagged(ResourceType: 'vpc' | 'subnet', tags: Record<string, string>): TagSpecification[] {
  return [{ ResourceType, Tags: Object.entries({ ...TAGS, ...tags }).map(([Key, Value]) => ({ Key, Value })) }];
}

async function seedZones(route53: Route53Client): Promise<{ hostedZoneId: string; parentZoneId: string }> {
  const parent = await route53.send(new CreateHostedZoneCommand({ Name: 'goldenpathidp.io', CallerReference: 'parent' }));
  const zone = await route53.send(new CreateHostedZoneCommand({ Name: 'dev.goldenpathidp.io', CallerReference: 'dev' }));
  const servers = zone.DelegationSet?.NameServers ?? [];
  await route53.send(new ChangeResourceRecordSetsCommand({
    HostedZoneId: parent.HostedZone?.Id,
    ChangeBatch: { Changes: [{ Action: 'CREATE', ResourceRecordSet: { Name: 'dev.goldenpathidp.io', Type: 'NS', TTL: 172_800, ResourceRecords: servers.map((Value) => ({ Value })) } }] },
  }));
  const idOf = (id: string | undefined) => (id ?? '').replace('/hostedzone/', '');
  return { hostedZoneId: idOf(zone.HostedZone?.Id), parentZoneId: idOf(parent.HostedZone?.Id) };
}
