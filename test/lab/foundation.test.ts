// The seeded foundation, seen with the administrator's own key (F4).
import { readFile } from 'node:fs/promises';
import { DescribeNetworkInterfacesCommand, DescribeSubnetsCommand, DescribeVpcAttributeCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetHostedZoneCommand, ListResourceRecordSetsCommand, ListTagsForResourceCommand, Route53Client } from '@aws-sdk/client-route-53';
import { GetBucketVersioningCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { parse } from 'yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { environmentSchema } from '../../domain/environment.ts';
import { createPlatformServices, type PlatformServices } from '../../lab/aws/platform-services.ts';
import { seedFoundation, type Foundation } from '../../lab/foundation.ts';
import { fakeKubernetes } from '../support/fake-kubernetes.ts';
import { startAws, type TestAws } from '../support/moto.ts';

let aws: TestAws;
let platform: PlatformServices;
let foundation: Foundation;
let engineer: { endpoint: string; region: string; credentials: Foundation['adminKey'] };

beforeAll(async () => {
  aws = await startAws({
    services: (world) => {
      platform = createPlatformServices(world, { provider: fakeKubernetes(), tokenWebhookUrl: () => '' });
      return platform.services;
    },
  });
  const environments = await Promise.all(['dev', 'staging'].map(async (name) =>
    environmentSchema.parse(parse(await readFile(new URL(`../../environments/${name}.yaml`, import.meta.url), 'utf8')))));
  foundation = await seedFoundation(aws.gateway, environments);
  engineer = { endpoint: aws.gateway.url, region: 'eu-west-2', credentials: foundation.adminKey };
});

afterAll(async () => {
  await platform.close();
  await aws.stop();
});

it('F4: the administrator is platform-engineer, and the key that seeded is gone', async () => {
  const { Arn } = await new STSClient(engineer).send(new GetCallerIdentityCommand({}));
  expect(Arn).toBe('arn:aws:iam::111122223333:user/platform-engineer');
  expect([...aws.gateway.world.keys.keys()].filter((id) => id.startsWith('AKIASEED'))).toEqual([]);
});

it('F4: the VPC has DNS on; five subnets in three zones carry the role tags and have addresses to spare', async () => {
  const ec2 = new EC2Client(engineer);
  const dev = foundation.environments['dev'];
  for (const [Attribute, key] of [['enableDnsSupport', 'EnableDnsSupport'], ['enableDnsHostnames', 'EnableDnsHostnames']] as const) {
    expect((await ec2.send(new DescribeVpcAttributeCommand({ VpcId: dev?.vpcId, Attribute })))[key]?.Value).toBe(true);
  }
  const filters = [{ Name: 'tag:goldenpath.idp/environment', Values: ['dev'] }, { Name: 'tag:goldenpath.idp/plane', Values: ['foundation'] }];
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ Filters: filters }));
  const roles = Subnets.map(({ Tags = [] }) => Tags.find(({ Key = '' }) => Key.startsWith('kubernetes.io/role/'))?.Key);
  expect(roles.filter((role) => role === 'kubernetes.io/role/elb')).toHaveLength(2);
  expect(roles.filter((role) => role === 'kubernetes.io/role/internal-elb')).toHaveLength(3);
  expect(new Set(Subnets.map((subnet) => subnet.AvailabilityZone)).size).toBe(3);
  expect(Math.min(...Subnets.map((subnet) => subnet.AvailableIpAddressCount ?? 0))).toBeGreaterThan(200);
  expect((await ec2.send(new DescribeNetworkInterfacesCommand({ Filters: [{ Name: 'vpc-id', Values: [dev?.vpcId ?? ''] }] }))).NetworkInterfaces?.length).toBeLessThanOrEqual(1);
});

it('F3: the zone has the id that its file records, and the parent delegates to its own name servers', async () => {
  const route53 = new Route53Client(engineer);
  const { HostedZone, DelegationSet } = await route53.send(new GetHostedZoneCommand({ Id: 'Z0427816GOLDENPATHDEV' }));
  expect(HostedZone?.Name).toBe('dev.goldenpathidp.io.');
  const { ResourceRecordSets = [] } = await route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: foundation.parentZoneId }));
  const delegation = ResourceRecordSets.find(({ Name, Type }) => Name === 'dev.goldenpathidp.io.' && Type === 'NS');
  const named = delegation?.ResourceRecords?.map(({ Value = '' }) => Value.replace(/\.$/, ''));
  expect(new Set(named)).toEqual(new Set(DelegationSet?.NameServers));
  const { ResourceTagSet } = await route53.send(new ListTagsForResourceCommand({ ResourceType: 'hostedzone', ResourceId: 'Z0427816GOLDENPATHDEV' }));
  expect(ResourceTagSet?.Tags).toContainEqual({ Key: 'goldenpath.idp/plane', Value: 'foundation' });
});

it('F4: registry bucket, Loki’s bucket, application secrets and EKS quota are there', async () => {
  const s3 = new S3Client({ ...engineer, forcePathStyle: true });
  expect((await s3.send(new HeadBucketCommand({ Bucket: 'goldenpath-dev-registry' }))).BucketRegion).toBe('eu-west-2');
  expect((await s3.send(new GetBucketVersioningCommand({ Bucket: 'goldenpath-dev-registry' }))).Status).toBe('Enabled');
  expect((await s3.send(new HeadBucketCommand({ Bucket: 'goldenpath-dev-loki' }))).BucketRegion).toBe('eu-west-2');
  const { SecretString = '' } = await new SecretsManagerClient(engineer).send(new GetSecretValueCommand({ SecretId: 'goldenpath/dev/grafana/admin' }));
  expect(Object.keys(JSON.parse(SecretString) as object)).toEqual(['username', 'password']);
  // What tiers 2 and 3 read is there as well, but no login of a database: `database apply` makes those (R2).
  expect(foundation.environments['dev']?.secrets).toEqual(['goldenpath/dev/grafana/admin', 'goldenpath/dev/keycloak/admin', 'goldenpath/dev/oidc/clients']);
  const { Quota } = await new ServiceQuotasClient(engineer).send(new GetServiceQuotaCommand({ ServiceCode: 'eks', QuotaCode: 'L-1194D53C' }));
  expect(Quota?.Value).toBe(100);
});
