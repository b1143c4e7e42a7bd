// EKS with a real control plane behind it: tokens, access entries, add-ons that really run, the OIDC issuer (C1, C3).
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSubnetCommand, CreateVpcCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  AssociateAccessPolicyCommand, CreateAccessEntryCommand, CreateAddonCommand, CreateClusterCommand, CreateNodegroupCommand, DeleteClusterCommand,
  DeleteNodegroupCommand, DescribeAddonCommand, DescribeClusterCommand, EKSClient, waitUntilAddonActive, waitUntilClusterActive,
  waitUntilClusterDeleted, waitUntilNodegroupActive, waitUntilNodegroupDeleted, type Cluster,
} from '@aws-sdk/client-eks';
import { CreateAccessKeyCommand, CreateRoleCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import { STSClient } from '@aws-sdk/client-sts';
import { ApiException, AppsV1Api, AuthenticationV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mintToken } from '../../activities/eks-token.ts';
import { realKubernetes } from '../../lab/aws/eks/kubernetes.ts';
import { createPlatformServices, type PlatformServices } from '../../lab/aws/platform-services.ts';
import { startEtcd } from '../../lab/kubernetes/etcd.ts';
import { Supervisor } from '../../lab/processes.ts';
import { ensureTools } from '../../lab/tools.ts';
import { startAws, type TestAws } from '../support/moto.ts';

const name = 'real';
const ADDONS = ['vpc-cni', 'kube-proxy', 'coredns', 'aws-ebs-csi-driver'];
let aws: TestAws;
let platform: PlatformServices;
let supervisor: Supervisor;
let dir: string;
let eks: EKSClient;
let cluster: Cluster;
let corednsWithoutNodes: string | undefined;
const soon = () => ({ client: eks, maxWaitTime: 120, minDelay: 1, maxDelay: 1 });

beforeAll(async () => {
  const tools = await ensureTools();
  dir = await mkdtemp(join(tmpdir(), 'goldenpath-test-'));
  supervisor = new Supervisor(join(dir, 'processes.json'));
  const etcd = await startEtcd({ binary: tools.bin.etcd, dir: join(dir, 'etcd'), supervisor });
  aws = await startAws({
    timeScale: 100,
    services: (world) => {
      const provider = realKubernetes({ dir: join(dir, 'clusters'), tools, supervisor, etcd });
      platform = createPlatformServices(world, { provider, tokenWebhookUrl: (of) => `${aws.gateway.url}/_lab/token-review/${of}` });
      return platform.services;
    },
  });
  eks = new EKSClient(aws.client);
  const [ec2, iam] = [new EC2Client(aws.client), new IAMClient(aws.client)];
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'any', AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}' }));
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  const subnets: string[] = [];
  for (const [zone, CidrBlock] of [['a', '10.0.0.0/20'], ['b', '10.0.16.0/20']] as const) {
    const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock, AvailabilityZone: `eu-west-2${zone}` }));
    subnets.push(Subnet?.SubnetId ?? '');
  }
  const roleArn = Role?.Arn;
  await eks.send(new CreateClusterCommand({
    name, roleArn, version: '1.36', resourcesVpcConfig: { subnetIds: subnets }, accessConfig: { authenticationMode: 'API' }, bootstrapSelfManagedAddons: false,
  }));
  await waitUntilClusterActive(soon(), { name });
  cluster = (await eks.send(new DescribeClusterCommand({ name }))).cluster ?? {};
  for (const addonName of ADDONS) await eks.send(new CreateAddonCommand({ clusterName: name, addonName }));
  await waitUntilAddonActive(soon(), { clusterName: name, addonName: 'vpc-cni' });
  corednsWithoutNodes = (await eks.send(new DescribeAddonCommand({ clusterName: name, addonName: 'coredns' }))).addon?.status;
  await eks.send(new CreateNodegroupCommand({ clusterName: name, nodegroupName: 'system', subnets, nodeRole: roleArn, scalingConfig: { minSize: 2, maxSize: 2, desiredSize: 2 } }));
  await waitUntilNodegroupActive(soon(), { clusterName: name, nodegroupName: 'system' });
});

afterAll(async () => {
  await platform.close();
  await supervisor.stopAll();
  await aws.stop();
  await rm(dir, { recursive: true, force: true });
});

it('C3: the creator sees Ready nodes by a token of its own, and add-ons that are ACTIVE run', async () => {
  expect(corednsWithoutNodes).toBe('CREATING');
  for (const addonName of ADDONS) await waitUntilAddonActive(soon(), { clusterName: name, addonName });
  const config = await configOf(aws.client);
  const { items } = await config.makeApiClient(CoreV1Api).listNode();
  expect(items.map(({ status }) => status?.conditions?.find(({ type }) => type === 'Ready')?.status)).toEqual(['True', 'True']);
  expect(items[0]?.spec?.providerID).toMatch(/^aws:\/\/\/eu-west-2[ab]\/i-[0-9a-f]+$/);
  const apps = config.makeApiClient(AppsV1Api);
  expect((await apps.readNamespacedDeployment({ namespace: 'kube-system', name: 'coredns' })).status?.availableReplicas).toBe(2);
  expect((await apps.readNamespacedDaemonSet({ namespace: 'kube-system', name: 'aws-node' })).status?.numberAvailable).toBe(2);
});

it('C1: who has no access entry is nobody; with a view policy they may read and not write', async () => {
  const iam = new IAMClient(aws.client);
  const { User } = await iam.send(new CreateUserCommand({ UserName: 'reader' }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'reader' }));
  const reader = { ...aws.client, credentials: { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' } };
  const namespace = { body: { metadata: { name: 'not-theirs' } } };
  const api = async () => (await configOf(reader)).makeApiClient(CoreV1Api);
  await expect((await api()).listNamespacedPod({ namespace: 'kube-system' })).rejects.toSatisfy((error) => isStatus(error, 401));

  const principalArn = User?.Arn;
  await eks.send(new CreateAccessEntryCommand({ clusterName: name, principalArn }));
  await eks.send(new AssociateAccessPolicyCommand({ clusterName: name, principalArn, policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy', accessScope: { type: 'cluster' } }));
  expect((await (await api()).listNamespacedPod({ namespace: 'kube-system' })).items.length).toBeGreaterThan(0);
  await expect((await api()).createNamespace(namespace)).rejects.toSatisfy((error) => isStatus(error, 403));
});

it('C1: tokens of service accounts carry the cluster\'s issuer, and its published keys verify them', async () => {
  const api = (await configOf(aws.client)).makeApiClient(CoreV1Api);
  const { status } = await api.createNamespacedServiceAccountToken({
    namespace: 'kube-system', name: 'coredns', body: { spec: { audiences: ['sts.amazonaws.com'], expirationSeconds: 600 } },
  });
  const issuer = cluster.identity?.oidc?.issuer ?? '';
  const discovery = await fetchJson(`${issuer}/.well-known/openid-configuration`) as { issuer: string; jwks_uri: string };
  expect(discovery.issuer).toBe(issuer);
  const keys = createLocalJWKSet(await fetchJson(discovery.jwks_uri) as JSONWebKeySet);
  const { payload } = await jwtVerify(status?.token ?? '', keys, { issuer, audience: 'sts.amazonaws.com' });
  expect(payload.sub).toBe('system:serviceaccount:kube-system:coredns');
});

it('C1: the API server calls its own token reviews authentic, and the webhook names the session', async () => {
  const review = await (await configOf(aws.client)).makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} });
  expect(review.status?.userInfo).toMatchObject({ username: 'arn:aws:iam::111122223333:root', groups: expect.arrayContaining(['system:masters']) as string[] });
});

it('C1: deleting node group and cluster ends the nodes and every process of the control plane', async () => {
  await eks.send(new DeleteNodegroupCommand({ clusterName: name, nodegroupName: 'system' }));
  await waitUntilNodegroupDeleted(soon(), { clusterName: name, nodegroupName: 'system' });
  expect((await (await configOf(aws.client)).makeApiClient(CoreV1Api).listNode()).items).toEqual([]);
  await eks.send(new DeleteClusterCommand({ name }));
  await waitUntilClusterDeleted(soon(), { name });
  expect(supervisor.list().map((process) => process.name)).toEqual(['etcd']);
  await expect(fetchJson(`${cluster.identity?.oidc?.issuer ?? ''}/keys`)).rejects.toThrow('404');
});

/** A client configuration with a fresh token of the caller. */
async function configOf(caller: TestAws['client']): Promise<KubeConfig> {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name, server: cluster.endpoint ?? '', caData: cluster.certificateAuthority?.data ?? '' }],
    users: [{ name, token: await mintToken(new STSClient(caller), name) }],
    contexts: [{ name, cluster: name, user: name }],
    currentContext: name,
  });
  return config;
}

function isStatus(error: unknown, code: number): boolean {
  return error instanceof ApiException && error.code === code;
}

/** GET over the issuer's own certificate. */
function fetchJson(url: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  get(url, { ca: platform.eks.state.issuers.caPem }, (answer) => {
    let text = '';
    answer.on('data', (chunk: Buffer) => { text += chunk.toString(); });
    answer.on('end', () => {
      if (answer.statusCode === 200) resolve(JSON.parse(text));
      else reject(new Error(`${url} answered ${answer.statusCode}`));
    });
  }).on('error', reject);
  return promise;
}
