// The deployed ExternalDNS as it is, and whether its role could still delete the platform's records: asked before anything is drained (failure 13, D2).
import type { IAMClient } from '@aws-sdk/client-iam';
import type { V1Container, V1Deployment, V1ServiceAccount } from '@kubernetes/client-node';
import type { ExternalDnsState } from '../domain/external-dns.ts';
import type { Target } from '../domain/plan.ts';
import { externalDnsRole } from '../iam/external-dns.ts';
import { allowedChanges, neededChanges } from './dns-scope.ts';
import { getRole, irsaRoleArn } from './iam.ts';
import type { ClusterClient } from './kubernetes-client.ts';

const NAME = 'external-dns';
const { key, namespace } = externalDnsRole;
const ROLE_ANNOTATION = 'eks.amazonaws.com/role-arn';
/** Every flag can also come from the environment. Source: ExternalDNS 0.21 pkg/apis/externaldns, `DefaultEnvars`. */
const FLAG_VARIABLE = /^EXTERNAL_DNS_([A-Z0-9_]+)$/;

export const deploymentRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: NAME, namespace };

/** The Deployment, its arguments and role, and why the role could not delete the records. Absent only by typed NotFound. */
export async function readExternalDns(cluster: ClusterClient, iam: IAMClient, target: Target): Promise<{ state: ExternalDnsState; expectedRoleArn: string; roleProblems: string[] }> {
  const deployment = await cluster.read<V1Deployment>(deploymentRef);
  const expectedRoleArn = irsaRoleArn(target, key);
  const roleProblems = await externalDnsRoleProblems(iam, target);
  if (deployment === undefined) return { state: {}, expectedRoleArn, roleProblems };
  const pod = deployment.spec?.template.spec;
  const container = pod?.containers.find(({ name }) => name === NAME) ?? pod?.containers[0];
  const account = await cluster.read<V1ServiceAccount>({ apiVersion: 'v1', kind: 'ServiceAccount', name: pod?.serviceAccountName ?? 'default', namespace });
  const state: ExternalDnsState = {
    deployment: {
      args: container === undefined ? [] : flagsOf(container),
      replicas: deployment.spec?.replicas ?? 1,
      available: deployment.status?.availableReplicas ?? 0,
      serviceAccountRoleArn: account?.metadata?.annotations?.[ROLE_ANNOTATION],
    },
  };
  return { state, expectedRoleArn, roleProblems };
}

/** The flags a container runs ExternalDNS with: its arguments, and those that its environment adds. */
export function flagsOf({ args = [], command = [], env = [] }: Pick<V1Container, 'args' | 'command' | 'env'>): string[] {
  const fromEnvironment = env.flatMap(({ name, value }) => {
    const flag = FLAG_VARIABLE.exec(name)?.[1];
    return flag === undefined ? [] : [`--${flag.toLowerCase().replaceAll('_', '-')}=${value ?? ''}`];
  });
  return [...command.slice(1), ...args, ...fromEnvironment];
}

async function externalDnsRoleProblems(iam: IAMClient, target: Target): Promise<string[]> {
  const arn = irsaRoleArn(target, key);
  const name = arn.slice(arn.lastIndexOf('/') + 1);
  if ((await getRole(iam, name)) === undefined) return [`the role ${arn} does not exist: ExternalDNS cannot delete its records. Fix: make it again as iam/external-dns.ts writes it`];
  const needed = neededChanges(target);
  const allowed = await allowedChanges(iam, target, needed);
  const fix = `compare its policy with iam/external-dns.ts: aws iam list-role-policies --role-name ${name}`;
  return needed.filter((change) => !allowed.includes(change)).map(({ why, names }) => `the role ${arn} may not change ${why} (${names.join(', ')}) in zone ${target.hostedZoneId}. Fix: ${fix}`);
}
