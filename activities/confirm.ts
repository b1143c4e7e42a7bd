// Does this object still exist? Each kind is asked of its own service: the tagging API lags, and a ledger is only a memory (failures 32, 40).
import {
  DescribeAddressesCommand, DescribeInstancesCommand, DescribeLaunchTemplatesCommand, DescribeNetworkInterfacesCommand, DescribeSecurityGroupsCommand, DescribeSnapshotsCommand,
} from '@aws-sdk/client-ec2';
import { DescribeAddonCommand, DescribeClusterCommand, DescribeFargateProfileCommand, DescribeNodegroupCommand } from '@aws-sdk/client-eks';
import { DescribeListenersCommand, DescribeLoadBalancersCommand, DescribeRulesCommand, DescribeTargetGroupsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { paginateDescribeLogGroups } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { GetBucketLocationCommand } from '@aws-sdk/client-s3';
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import type { OwnedObject } from '../domain/report.ts';
import { partsOf } from './arns.ts';
import type { Clients } from './clients.ts';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { getOidcProvider, getRole } from './iam.ts';
import { getInstanceProfile, policyExists } from './iam-objects.ts';
import { allPages } from './pages.ts';
import { volumeExists } from './volumes.ts';

/** `going`: the service keeps it for a set time and then removes it, which nobody can hasten: a terminal state, not garbage. `unknown`: no service here can be asked. */
export type Existence = 'exists' | 'gone' | 'going' | 'unknown';

type Ask = (clients: Clients, object: OwnedObject) => Promise<Existence>;

/** How each kind is asked for. The last parts of an EKS ARN are names: `nodegroup/<cluster>/<name>/<uuid>`. */
const ASK: Record<string, Ask> = {
  'eks:cluster': ({ eks }, { id }) => seen(orAbsent(eks.send(new DescribeClusterCommand({ name: partsOf(id)[1] })), NOT_FOUND.eks)),
  'eks:nodegroup': ({ eks }, { id }) => seen(orAbsent(eks.send(new DescribeNodegroupCommand({ clusterName: partsOf(id)[1], nodegroupName: partsOf(id)[2] })), NOT_FOUND.eks)),
  'eks:addon': ({ eks }, { id }) => seen(orAbsent(eks.send(new DescribeAddonCommand({ clusterName: partsOf(id)[1], addonName: partsOf(id)[2] })), NOT_FOUND.eks)),
  'eks:fargateprofile': ({ eks }, { id }) => seen(orAbsent(eks.send(new DescribeFargateProfileCommand({ clusterName: partsOf(id)[1], fargateProfileName: partsOf(id)[2] })), NOT_FOUND.eks)),
  'iam:role': ({ iam }, { id }) => seen(getRole(iam, partsOf(id).at(-1) ?? id)),
  'iam:policy': async ({ iam }, { id }) => ((await policyExists(iam, id)) ? 'exists' : 'gone'),
  'iam:instance-profile': ({ iam }, { id }) => seen(getInstanceProfile(iam, partsOf(id).at(-1) ?? id)),
  'iam:oidc-provider': ({ iam }, { id }) => seen(getOidcProvider(iam, id)),
  'logs:log-group': ({ logs }, { id }) => logGroupExistence(logs, id),
  'elasticloadbalancing:loadbalancer': ({ elb }, { id }) => seen(orAbsent(elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [id] })), NOT_FOUND.loadBalancer)),
  'elasticloadbalancing:targetgroup': ({ elb }, { id }) => seen(orAbsent(elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [id] })), NOT_FOUND.targetGroup)),
  'elasticloadbalancing:listener': ({ elb }, { id }) => seen(orAbsent(elb.send(new DescribeListenersCommand({ ListenerArns: [id] })), [...NOT_FOUND.listener, ...NOT_FOUND.loadBalancer])),
  'elasticloadbalancing:listener-rule': ({ elb }, { id }) => seen(orAbsent(elb.send(new DescribeRulesCommand({ RuleArns: [id] })), [...NOT_FOUND.rule, ...NOT_FOUND.listener, ...NOT_FOUND.loadBalancer])),
  'ec2:instance': ({ ec2 }, { id }) => instanceExistence(ec2, id),
  'ec2:volume': async ({ ec2 }, { id }) => ((await volumeExists(ec2, id)) ? 'exists' : 'gone'),
  'ec2:snapshot': ({ ec2 }, { id }) => seen(orAbsent(ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] })), NOT_FOUND.snapshot)),
  'ec2:elastic-ip': ({ ec2 }, { id }) => seen(orAbsent(ec2.send(new DescribeAddressesCommand({ AllocationIds: [id] })), NOT_FOUND.address)),
  'ec2:launch-template': ({ ec2 }, { id }) => seen(orAbsent(ec2.send(new DescribeLaunchTemplatesCommand({ LaunchTemplateIds: [id] })), NOT_FOUND.launchTemplate)),
  'ec2:security-group': ({ ec2 }, { id }) => seen(orAbsent(ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] })), NOT_FOUND.securityGroup)),
  'ec2:network-interface': ({ ec2 }, { id }) => seen(orAbsent(ec2.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [id] })), NOT_FOUND.networkInterface)),
  's3:bucket': ({ s3 }, { name }) => seen(orAbsent(s3.send(new GetBucketLocationCommand({ Bucket: name })), NOT_FOUND.bucket)),
  'kms:key': ({ kms }, { id }) => keyExistence(kms, id),
  'secretsmanager:secret': ({ secrets }, { id }) => secretExistence(secrets, id),
};

/** Asks the object's own service. Throws what is no typed NotFound: then nothing is known. */
export async function confirm(clients: Clients, object: OwnedObject): Promise<Existence> {
  const ask = ASK[object.kind];
  return ask === undefined ? 'unknown' : ask(clients, object);
}

async function seen(answer: Promise<object | undefined>): Promise<Existence> {
  return (await answer) === undefined ? 'gone' : 'exists';
}

/** Logs has no description by name, and answers a listing without it instead of NotFound. */
async function logGroupExistence(logs: Clients['logs'], arn: string): Promise<Existence> {
  const name = arn.split(':log-group:')[1]?.replace(/:\*$/, '');
  const groups = await allPages(paginateDescribeLogGroups({ client: logs }, { logGroupNamePrefix: name }), (page) => page.logGroups);
  return groups.some((group) => group.logGroupName === name) ? 'exists' : 'gone';
}

/** A terminated instance is listed for about an hour; it is gone all the same. */
async function instanceExistence(ec2: Clients['ec2'], id: string): Promise<Existence> {
  const answer = await orAbsent(ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] })), NOT_FOUND.instance);
  const state = answer?.Reservations?.[0]?.Instances?.[0]?.State?.Name;
  if (answer === undefined || state === undefined || state === 'terminated') return 'gone';
  return state === 'shutting-down' ? 'going' : 'exists';
}

/** A deleted secret keeps its name for its recovery window of 7 to 30 days (failure 31). */
async function secretExistence(secrets: Clients['secrets'], arn: string): Promise<Existence> {
  const answer = await orAbsent(secrets.send(new DescribeSecretCommand({ SecretId: arn })), NOT_FOUND.secretsManager);
  if (answer === undefined) return 'gone';
  return answer.DeletedDate === undefined ? 'exists' : 'going';
}

/** A key whose deletion is scheduled stays for its waiting period of 7 to 30 days (failure 32). */
async function keyExistence(kms: Clients['kms'], arn: string): Promise<Existence> {
  const answer = await orAbsent(kms.send(new DescribeKeyCommand({ KeyId: arn })), NOT_FOUND.kms);
  if (answer === undefined) return 'gone';
  return answer.KeyMetadata?.KeyState === 'PendingDeletion' || answer.KeyMetadata?.KeyState === 'PendingReplicaDeletion' ? 'going' : 'exists';
}
