// The stand-in controllers against a real control plane and the gateway, with the repository's own charts and policies (T3, failures 5, 10, 12, 20–24).
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateSubnetCommand, CreateVpcCommand, DescribeSecurityGroupsCommand, DescribeVolumesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateAddonCommand, CreateClusterCommand, CreateNodegroupCommand, DescribeClusterCommand, EKSClient, waitUntilAddonActive, waitUntilClusterActive, waitUntilNodegroupActive,
} from '@aws-sdk/client-eks';
import { DescribeLoadBalancersCommand, DescribeTagsCommand, DescribeTargetGroupsCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { AttachRolePolicyCommand, CreateOpenIDConnectProviderCommand, CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateHostedZoneCommand, ListResourceRecordSetsCommand, Route53Client } from '@aws-sdk/client-route-53';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { defaultStorageClass } from '../../activities/kubernetes.ts';
import { clusterRole, irsaRolesOf, nodeRole, type RoleDefinition } from '../../iam/index.ts';
import { realKubernetes } from '../../lab/aws/eks/kubernetes.ts';
import { createPlatformServices, type PlatformServices } from '../../lab/aws/platform-services.ts';
import { type Controllers, startControllers } from '../../lab/controllers/index.ts';
import { startEtcd } from '../../lab/kubernetes/etcd.ts';
import { Supervisor } from '../../lab/processes.ts';
import { ensureTools, type Tools } from '../../lab/tools.ts';
import { at, type Manifest, renderApplication, renderRoot, rootValues } from '../support/charts.ts';
import { ACCOUNT, REGION, startAws, type TestAws } from '../support/moto.ts';

const CLUSTER = 'goldenpath-dev-eks-21-11-26-01';
const SUFFIX = 'b-21-11-26-01.dev.goldenpathidp.io';
const TAGS = { 'goldenpath.idp/environment': 'dev', 'goldenpath.idp/cluster': CLUSTER };

let dir: string;
let tools: Tools;
let supervisor: Supervisor;
let aws: TestAws;
let platform: PlatformServices;
let controllers: Controllers;
let kubeconfig: string;
let zoneId: string;
let vpcId: string;
let manifests: Map<string, Manifest[]>;
let ec2: EC2Client;
let elb: ElasticLoadBalancingV2Client;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'goldenpath-controllers-'));
  tools = await ensureTools();
  supervisor = new Supervisor(join(dir, 'processes.json'));
  const etcd = await startEtcd({ binary: tools.bin.etcd, dir: join(dir, 'etcd'), supervisor });
  aws = await startAws({
    timeScale: 300,
    services: (world) => {
      const provider = realKubernetes({
        dir: join(dir, 'clusters'), tools, supervisor, etcd,
        attend: (cluster) => {
          kubeconfig = cluster.adminKubeconfigPath;
          controllers = startControllers({ kubeconfigPath: kubeconfig, clusterName: CLUSTER, region: REGION, awsEndpoint: aws.gateway.url });
          return Promise.resolve(() => controllers.stop());
        },
      });
      platform = createPlatformServices(world, { provider, tokenWebhookUrl: () => 'http://127.0.0.1:9/', durations: { eks: { addonGrace: 60_000 } } });
      return platform.services;
    },
  });
  ec2 = new EC2Client(aws.client);
  elb = new ElasticLoadBalancingV2Client(aws.client);
  await givenFoundation();
  const roleArns = await givenCluster();
  await givenPrerequisites();
  const values = rootValues({ roleArns, vpcId, hostedZoneId: zoneId, tags: TAGS });
  manifests = new Map(renderRoot(tools.bin.helm, '1.5', values).map((application) => [application.metadata.name, renderApplication(tools.bin.helm, application)]));
});

afterAll(async () => {
  await platform.close();
  await aws.stop();
  await supervisor.stopAll();
  await rm(dir, { recursive: true, force: true });
});

async function givenFoundation(): Promise<void> {
  const { HostedZone } = await new Route53Client(aws.client).send(new CreateHostedZoneCommand({ Name: 'dev.goldenpathidp.io', CallerReference: 'test' }));
  zoneId = (HostedZone?.Id ?? '').replace('/hostedzone/', '');
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  vpcId = Vpc?.VpcId ?? '';
  await new SecretsManagerClient(aws.client).send(new CreateSecretCommand({ Name: 'goldenpath/dev/grafana/admin', SecretString: '{"username":"admin","password":"from-secrets-manager"}' }));
}

async function givenCluster(): Promise<Record<string, string>> {
  const subnetIds: string[] = [];
  for (const [zone, CidrBlock] of [['a', '10.0.0.0/20'], ['b', '10.0.16.0/20']] as const) {
    const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: vpcId, CidrBlock, AvailabilityZone: `eu-west-2${zone}`, TagSpecifications: [{ ResourceType: 'subnet', Tags: [{ Key: 'kubernetes.io/role/internal-elb', Value: '1' }] }] }));
    subnetIds.push(Subnet?.SubnetId ?? '');
  }
  const context = { partition: 'aws', accountId: ACCOUNT, region: REGION, environment: 'dev', clusterName: CLUSTER, hostedZoneId: zoneId, hostSuffix: SUFFIX, lifecycle: 'ephemeral' as const, secretNames: ['goldenpath/dev/grafana/admin'], lokiBucket: 'goldenpath-dev-loki' };
  const eks = new EKSClient(aws.client);
  const soon = { client: eks, maxWaitTime: 120, minDelay: 1, maxDelay: 1 };
  await eks.send(new CreateClusterCommand({ name: CLUSTER, version: '1.36', roleArn: await givenRole(clusterRole(context)), resourcesVpcConfig: { subnetIds } }));
  await waitUntilClusterActive(soon, { name: CLUSTER });
  const { cluster } = await eks.send(new DescribeClusterCommand({ name: CLUSTER }));
  const oidcIssuer = cluster?.identity?.oidc?.issuer ?? '';
  await new IAMClient(aws.client).send(new CreateOpenIDConnectProviderCommand({ Url: oidcIssuer, ClientIDList: ['sts.amazonaws.com'], ThumbprintList: ['0'.repeat(40)] }));
  const roleArns: Record<string, string> = {};
  for (const role of irsaRolesOf('ephemeral')) roleArns[role.key] = await givenRole(role.define({ ...context, oidcIssuer }));
  await eks.send(new CreateNodegroupCommand({ clusterName: CLUSTER, nodegroupName: 'default', nodeRole: await givenRole(nodeRole(context)), subnets: subnetIds, instanceTypes: ['m6i.large'], scalingConfig: { minSize: 2, maxSize: 2, desiredSize: 2 } }));
  await waitUntilNodegroupActive(soon, { clusterName: CLUSTER, nodegroupName: 'default' });
  await eks.send(new CreateAddonCommand({ clusterName: CLUSTER, addonName: 'aws-ebs-csi-driver', serviceAccountRoleArn: roleArns['aws-ebs-csi-driver'] }));
  await waitUntilAddonActive(soon, { clusterName: CLUSTER, addonName: 'aws-ebs-csi-driver' });
  return roleArns;
}

async function givenRole({ roleName, trustPolicy, policies, managedPolicyArns }: RoleDefinition): Promise<string> {
  const iam = new IAMClient(aws.client);
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: roleName, AssumeRolePolicyDocument: JSON.stringify(trustPolicy) }));
  for (const [PolicyName, document] of Object.entries(policies)) await iam.send(new PutRolePolicyCommand({ RoleName: roleName, PolicyName, PolicyDocument: JSON.stringify(document) }));
  for (const PolicyArn of managedPolicyArns) await iam.send(new AttachRolePolicyCommand({ RoleName: roleName, PolicyArn }));
  return Role?.Arn ?? '';
}

/** Not the synchronous form: gateway and stand-ins live in this process. */
async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const run = promisify(execFile)(tools.bin.kubectl, ['--kubeconfig', kubeconfig, ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  run.child.stdin?.end(input);
  return (await run).stdout;
}

async function get(...args: string[]): Promise<Manifest> {
  return JSON.parse(await kubectl(['get', '-o', 'json', ...args])) as Manifest;
}

async function givenPrerequisites(): Promise<void> {
  for (const file of [tools.manifests.externalSecretsCrds, ...tools.manifests.certManagerCrds]) await kubectl(['apply', '--server-side', '-f', file]);
  await kubectl(['apply', '-f', '-'], JSON.stringify(defaultStorageClass({ tags: TAGS })));
  for (const namespace of ['cert-manager', 'external-secrets', 'external-dns', 'kong', 'monitoring']) await kubectl(['create', 'namespace', namespace]);
}

/** Applies an application as Argo CD does: waves in order. */
async function deploy(name: string): Promise<void> {
  const objects = manifests.get(name) ?? [];
  const wave = (object: Manifest) => Number(object.metadata.annotations?.['argocd.argoproj.io/sync-wave'] ?? 0);
  for (const now of [-1, 0, 1]) {
    const batch = objects.filter((object) => wave(object) === now);
    if (batch.length > 0) await kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: batch }));
    if (batch.some(({ kind }) => kind === 'CustomResourceDefinition')) await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  }
}

async function eventually<T>(look: () => T | Promise<T>, check: (value: T) => void, timeout = 60_000): Promise<void> {
  try {
    await vi.waitFor(async () => {
      check(await look());
    }, { timeout, interval: 500 });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\nstand-ins: ${JSON.stringify(controllers.list(), undefined, 1)}`, { cause: error });
  }
}

async function balancers() {
  return (await elb.send(new DescribeLoadBalancersCommand({}))).LoadBalancers ?? [];
}

describe('the tiers on the lab', () => {
  it('T3: the one Service of the load balancer controller gets a Network Load Balancer with the controller’s tags and the platform’s', async () => {
    await deploy('aws-load-balancer-controller');
    await deploy('cert-manager');
    await deploy('external-secrets');
    await deploy('kong');
    await eventually(() => get('service', '-n', 'kong', 'kong-proxy'), (service) => {
      expect(at(service, 'status.loadBalancer.ingress.0.hostname')).toMatch(/^k8s-kong-kongprox-[0-9a-f]{10}-[0-9a-f]{16}\.elb\.eu-west-2\.amazonaws\.com$/);
      expect(service.metadata.finalizers).toContain('service.k8s.aws/resources');
    });
    const [balancer] = await balancers();
    expect(balancer).toMatchObject({ Type: 'network', Scheme: 'internal' });
    const { TagDescriptions: [described] = [] } = await elb.send(new DescribeTagsCommand({ ResourceArns: [balancer?.LoadBalancerArn ?? ''] }));
    expect(Object.fromEntries((described?.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]))).toEqual({
      ...TAGS, 'elbv2.k8s.aws/cluster': CLUSTER, 'service.k8s.aws/stack': 'kong/kong-proxy', 'service.k8s.aws/resource': 'LoadBalancer',
    });
  });

  it('T3: Ingresses of class kong get the address of the proxy', async () => {
    const [balancer] = await balancers();
    await eventually(() => get('ingress', '-n', 'kong'), (list) => {
      const addresses = (list['items'] as Manifest[]).map((ingress) => at(ingress, 'status.loadBalancer.ingress'));
      expect(addresses).toEqual([[{ hostname: balancer?.DNSName }], [{ hostname: balancer?.DNSName }]]);
    });
  });

  it('C2: the certificate is issued, its challenges were inside the suffix and are gone', async () => {
    await eventually(() => get('certificate', '-n', 'kong', 'platform'), (certificate) => {
      expect(at(certificate, 'status.conditions')).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    });
    expect((await get('secret', '-n', 'kong', 'platform-tls'))['type']).toBe('kubernetes.io/tls');
    const { ResourceRecordSets = [] } = await new Route53Client(aws.client).send(new ListResourceRecordSetsCommand({ HostedZoneId: zoneId }));
    expect(new Set(ResourceRecordSets.map(({ Type }) => Type))).toEqual(new Set(['NS', 'SOA']));
    const changes = aws.gateway.requests({ service: 'route53', operation: 'ChangeResourceRecordSets' });
    expect(changes.map(({ status }) => status)).toEqual([200, 200]);
  });

  it('T2: the store is Ready and the administrator’s login comes out of Secrets Manager', async () => {
    await deploy('grafana');
    await eventually(() => get('secret', '-n', 'monitoring', 'grafana-admin'), (secret) => {
      expect(Buffer.from(at(secret, 'data.password') as string, 'base64').toString()).toBe('from-secrets-manager');
    });
    expect(at(await get('clustersecretstore', 'aws-secrets-manager'), 'status.conditions')).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True', reason: 'Valid' }));
    await eventually(() => get('externalsecret', '-n', 'monitoring', 'grafana-admin'), (object) => {
      expect(at(object, 'status.conditions')).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True', reason: 'SecretSynced' }));
    });
  });

  it('T: the claim waits for its pod, then is bound to a volume with the platform’s tags', async () => {
    const claim = (manifests.get('prometheus') ?? []).filter(({ kind }) => kind === 'PersistentVolumeClaim');
    await kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(claim[0]));
    await new Promise((resolve) => { setTimeout(resolve, 2_000); });
    expect(at(await get('pvc', '-n', 'monitoring', 'prometheus'), 'status.phase')).toBe('Pending');
    await deploy('prometheus');
    await eventually(() => get('pvc', '-n', 'monitoring', 'prometheus'), (bound) => {
      expect(at(bound, 'status.phase')).toBe('Bound');
    });
    const { Volumes: [volume] = [] } = await ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: 'tag:kubernetes.io/created-for/pvc/name', Values: ['prometheus'] }] }));
    expect(volume).toMatchObject({ Size: 20, VolumeType: 'gp3' });
    const tags = Object.fromEntries((volume?.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
    expect(tags).toMatchObject({ ...TAGS, 'ebs.csi.aws.com/cluster': 'true', [`kubernetes.io/cluster/${CLUSTER}`]: 'owned', 'kubernetes.io/created-for/pvc/namespace': 'monitoring' });
    await eventually(() => get('volumeattachment'), (list) => {
      expect((list['items'] as Manifest[]).map((item) => at(item, 'status.attached'))).toEqual([true]);
    });
  });
});

describe('a teardown of them', () => {
  it('failure 10: with its pod and claim gone, the volume goes too', async () => {
    await kubectl(['delete', '-n', 'monitoring', 'deployment/prometheus', '--wait=true']);
    await kubectl(['delete', '-n', 'monitoring', 'pvc/prometheus', '--wait=true', '--timeout=60s']);
    await eventually(() => get('pv'), (list) => {
      expect(list['items']).toEqual([]);
    });
    expect((await ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: 'tag:ebs.csi.aws.com/cluster', Values: ['true'] }] }))).Volumes).toEqual([]);
  });

  it('failure 12: without the load balancer controller a Service hangs on its finalizer, and its load balancer stays', async () => {
    await kubectl(['delete', '-n', 'kube-system', 'deployment/aws-load-balancer-controller', '--wait=true']);
    await eventually(() => controllers.list(), (list) => {
      expect(list.find(({ name }) => name === 'aws-load-balancer-controller')?.active).toBe(false);
    });
    await kubectl(['delete', '-n', 'kong', 'service/kong-proxy', '--wait=false']);
    await new Promise((resolve) => { setTimeout(resolve, 3_000); });
    expect((await get('service', '-n', 'kong', 'kong-proxy')).metadata.finalizers).toContain('service.k8s.aws/resources');
    expect(await balancers()).toHaveLength(1);
  });

  it('failures 22, 24: with the controller back, load balancer, target groups and security groups go before the finalizer', async () => {
    await deploy('aws-load-balancer-controller');
    await eventually(() => kubectl(['get', 'service', '-n', 'kong', '-o', 'name']), (names) => {
      expect(names).not.toContain('kong-proxy');
    });
    expect(await balancers()).toEqual([]);
    expect((await elb.send(new DescribeTargetGroupsCommand({}))).TargetGroups).toEqual([]);
    const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'tag-key', Values: ['elbv2.k8s.aws/cluster'] }] }));
    expect(SecurityGroups).toEqual([]);
  });

  it('failure 5: an ExternalSecret hangs where External Secrets went first', async () => {
    await kubectl(['delete', '-n', 'external-secrets', 'deployment/external-secrets', '--wait=true']);
    await eventually(() => controllers.list(), (list) => {
      expect(list.find(({ name }) => name === 'external-secrets')?.active).toBe(false);
    });
    await kubectl(['delete', '-n', 'monitoring', 'externalsecret/grafana-admin', '--wait=false']);
    await new Promise((resolve) => { setTimeout(resolve, 2_000); });
    expect((await get('externalsecret', '-n', 'monitoring', 'grafana-admin')).metadata.finalizers).toEqual(['externalsecrets.external-secrets.io/externalsecret-cleanup']);
    await deploy('external-secrets');
    await eventually(() => kubectl(['get', 'externalsecret', '-n', 'monitoring', '-o', 'name']), (names) => {
      expect(names.trim()).toBe('');
    });
  });
});
