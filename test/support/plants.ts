// What people and neighbours have beside a platform, or leave in it: planted before a teardown, to see what it touches (docs/reference/failure-modes.md).
import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateSecurityGroupCommand, CreateVolumeCommand, DescribeVpcsCommand, EC2Client, RunInstancesCommand, type Tag } from '@aws-sdk/client-ec2';
import { CreateOpenIDConnectProviderCommand, CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateKeyCommand, KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import { ChangeResourceRecordSetsCommand, type ResourceRecordSet, Route53Client } from '@aws-sdk/client-route-53';
import { CreateSecretCommand, DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Reach } from './account.ts';
import { query } from './raw-aws.ts';

export const ZONE = { id: 'Z0427816GOLDENPATHDEV', name: 'dev.goldenpathidp.io' };

interface Platform {
  buildId: string;
  cluster: string;
  hostSuffix: string;
  ownerId: string;
}

const TRUST = '{"Version":"2012-10-17","Statement":[]}';
const a = (Name: string, more: Partial<ResourceRecordSet> = {}): ResourceRecordSet => ({ Name, Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.1' }], ...more });
const txt = (Name: string, value: string): ResourceRecordSet => ({ Name, Type: 'TXT', TTL: 300, ResourceRecords: [{ Value: `"${value}"` }] });
const heritage = (Name: string, owner: string) => txt(Name, `heritage=external-dns,external-dns/owner=${owner},external-dns/resource=ingress/kong/kong`);
const weighted = (Name: string): ResourceRecordSet[] => [a(Name, { SetIdentifier: 'one', Weight: 10 }), a(Name, { SetIdentifier: 'two', Weight: 20, ResourceRecords: [{ Value: '192.0.2.2' }] })];

/** Records that no teardown of the platform may touch: the persistent platform's, and those of owners and names that only begin like its own (failures 14, 16). */
export function foreignRecords({ buildId, ownerId, hostSuffix }: Platform): ResourceRecordSet[] {
  const [neighbour, persistent] = [`${ownerId}1`, 'goldenpath-dev'];
  return [
    a(`app.${ZONE.name}`), heritage(`a-xdns.app.${ZONE.name}`, persistent),
    a(`*.apps.${ZONE.name}`), heritage(`a-xdns.wildcard.apps.${ZONE.name}`, persistent),
    ...weighted(`shop.${ZONE.name}`), heritage(`a-xdns.shop.${ZONE.name}`, neighbour),
    a(`kong.b-${buildId}1.${ZONE.name}`), heritage(`a-xdns.kong.b-${buildId}1.${ZONE.name}`, neighbour),
    a(`x${hostSuffix}`), txt(`_acme-challenge.${ZONE.name}`, 'the token of somebody else'),
  ];
}

/** What ExternalDNS never takes away: its own registry in other forms, inside the suffix and outside it (failure 15), sets that nobody owns (14), a challenge (18). */
export function leftoverRecords({ ownerId, hostSuffix }: Platform): ResourceRecordSet[] {
  return [
    ...['legacy', 'a-legacy', 'aaaa-legacy', 'cname-legacy', 'edns-cname-legacy'].map((name) => heritage(`${name}.${hostSuffix}`, ownerId)),
    a(`left.${ZONE.name}`), heritage(`left.${ZONE.name}`, ownerId),
    ...weighted(`*.old.${hostSuffix}`),
    txt(`_acme-challenge.kong.${hostSuffix}`, 'token'),
  ];
}

export async function createRecords(reach: Reach, sets: readonly ResourceRecordSet[]): Promise<void> {
  await new Route53Client(reach).send(new ChangeResourceRecordSetsCommand({ HostedZoneId: ZONE.id, ChangeBatch: { Changes: sets.map((ResourceRecordSet) => ({ Action: 'CREATE', ResourceRecordSet })) } }));
}

/** Objects of a cluster whose name begins with the platform's whole name, an untagged role that begins like it too, secrets and databases with its numbers in their names (failures 31, 33, 39). */
export async function plantNeighbours(reach: Reach, { cluster, buildId }: Platform): Promise<void> {
  const neighbour = `${cluster}1`;
  const tags: Record<string, string> = { 'goldenpath.idp/cluster': neighbour, [`kubernetes.io/cluster/${neighbour}`]: 'owned', 'elbv2.k8s.aws/cluster': neighbour };
  const Tags: Tag[] = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const [ec2, iam, secrets] = [new EC2Client(reach), new IAMClient(reach), new SecretsManagerClient(reach)];
  const { Vpcs: [vpc] = [] } = await ec2.send(new DescribeVpcsCommand({ Filters: [{ Name: 'tag:goldenpath.idp/environment', Values: ['dev'] }] }));
  await ec2.send(new CreateSecurityGroupCommand({ GroupName: `eks-cluster-sg-${neighbour}`, Description: 'a neighbour', VpcId: vpc?.VpcId, TagSpecifications: [{ ResourceType: 'security-group', Tags }] }));
  await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-west-2a', Size: 1, TagSpecifications: [{ ResourceType: 'volume', Tags }] }));
  await iam.send(new CreateRoleCommand({ RoleName: `${neighbour}-node`, AssumeRolePolicyDocument: TRUST, Tags: Tags.map(({ Key, Value }) => ({ Key, Value })) }));
  await iam.send(new CreateRoleCommand({ RoleName: `${cluster}-of-somebody`, AssumeRolePolicyDocument: TRUST }));
  await iam.send(new CreateOpenIDConnectProviderCommand({ Url: 'https://oidc.eks.eu-west-2.amazonaws.com/id/NEIGHBOUR', ClientIDList: ['sts.amazonaws.com'], ThumbprintList: ['9e99a48a9960b14926bb7f3b02e22da2b0ab7280'], Tags: Tags.map(({ Key, Value }) => ({ Key, Value })) }));
  await new CloudWatchLogsClient(reach).send(new CreateLogGroupCommand({ logGroupName: `/aws/eks/${neighbour}/cluster`, tags }));
  for (const Name of ['goldenpath/dev/backstage/db', `goldenpath/dev/${buildId}1/app`, `goldenpath/dev/${buildId}/app`]) await secrets.send(new CreateSecretCommand({ Name, SecretString: '{}' }));
  await createDatabase(reach, 'goldenpath-dev-01', { 'goldenpath.idp/plane': 'foundation' });
  await createDatabase(reach, `goldenpath-dev-${buildId}1`, {});
}

/** Objects that bear the platform's own tag, and that it does not delete: a person's to decide on (failures 9, 31, 32, 33, 37). Their ARNs and ids by what they are. */
export async function plantOwned(reach: Reach, { cluster, buildId }: Platform) {
  const tag = { Key: 'goldenpath.idp/cluster', Value: cluster };
  const [ec2, secrets] = [new EC2Client(reach), new SecretsManagerClient(reach)];
  await createDatabase(reach, 'team-a-01', { [tag.Key]: tag.Value });
  const { ARN: secret } = await secrets.send(new CreateSecretCommand({ Name: `goldenpath/dev/${buildId}/own`, SecretString: '{}', Tags: [tag] }));
  const { ARN: ending } = await secrets.send(new CreateSecretCommand({ Name: `goldenpath/dev/${buildId}/ending`, SecretString: '{}', Tags: [tag] }));
  await secrets.send(new DeleteSecretCommand({ SecretId: ending, RecoveryWindowInDays: 7 }));
  const kms = new KMSClient(reach);
  const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({ Tags: [{ TagKey: tag.Key, TagValue: tag.Value }] }));
  await kms.send(new ScheduleKeyDeletionCommand({ KeyId: key?.KeyId, PendingWindowInDays: 7 }));
  const launch = new RunInstancesCommand({ ImageId: 'ami-0e6b5d3c1a2f49870', MinCount: 2, MaxCount: 2, TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: `kubernetes.io/cluster/${cluster}`, Value: 'owned' }, { Key: 'karpenter.sh/nodepool', Value: 'default' }] }] });
  const { Instances: [claimed, leaked] = [] } = await ec2.send(launch);
  return { database: `arn:aws:rds:${reach.region}:111122223333:db:team-a-01`, secret: secret ?? '', ending: ending ?? '', key: key?.Arn ?? '', claimed: claimed?.InstanceId ?? '', leaked: leaked?.InstanceId ?? '' };
}

async function createDatabase(reach: Reach, name: string, tags: Readonly<Record<string, string>>): Promise<void> {
  const tagging = Object.entries(tags).flatMap(([key, value], index) => [[`Tags.Tag.${index + 1}.Key`, key], [`Tags.Tag.${index + 1}.Value`, value]]);
  await query(reach, 'rds', { Action: 'CreateDBInstance', Version: '2014-10-31', DBInstanceIdentifier: name, DBInstanceClass: 'db.t3.micro', Engine: 'postgres', AllocatedStorage: '20', MasterUsername: 'admin', MasterUserPassword: 'a-password-of-the-test', ...Object.fromEntries(tagging) });
}

/** The names of all databases of the account. */
export async function databasesOf(reach: Reach): Promise<string[]> {
  const xml = await query(reach, 'rds', { Action: 'DescribeDBInstances', Version: '2014-10-31' });
  return [...xml.matchAll(/<DBInstanceIdentifier>([^<]+)</g)].map(([, name]) => name ?? '').toSorted();
}

/** A definition of Karpenter's kinds, just enough to hold a NodePool and a NodeClaim with the finalizer by which Karpenter ends its instance. Source: Karpenter 1.x API reference. */
export function karpenterObjects(instanceId: string): { definitions: object[]; objects: object[] } {
  const definition = (kind: string, plural: string) => ({
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.karpenter.sh` },
    spec: { group: 'karpenter.sh', scope: 'Cluster', names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }] },
  });
  return {
    definitions: [definition('NodePool', 'nodepools'), definition('NodeClaim', 'nodeclaims')],
    objects: [
      { apiVersion: 'karpenter.sh/v1', kind: 'NodePool', metadata: { name: 'default' }, spec: {} },
      { apiVersion: 'karpenter.sh/v1', kind: 'NodeClaim', metadata: { name: 'default-x7k2', finalizers: ['karpenter.sh/termination'] }, spec: {}, status: { providerID: `aws:///eu-west-2a/${instanceId}` } },
    ],
  };
}

/** A namespace that cannot end, a webhook without a backend and a budget that allows nothing (failures 4, 6, 8). */
export function awkwardObjects(): object[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team-a' } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'held', namespace: 'team-a', finalizers: ['example.org/held'] } },
    {
      apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'dead' },
      webhooks: [{ name: 'dead.example.org', failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'], clientConfig: { service: { name: 'gone', namespace: 'team-a' } }, namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'argocd' } }, rules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['DELETE'], resources: ['statefulsets'] }] }],
    },
    { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'kong', namespace: 'kong' }, spec: { maxUnavailable: 0, selector: { matchLabels: { 'app.kubernetes.io/name': 'kong' } } } },
  ];
}
