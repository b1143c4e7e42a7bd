// Without its API a cluster's ExternalDNS cannot be removed, and goes on from memory: its role's permissions are taken through AWS before records are judged (failure 36, X1).
import { Context } from '@temporalio/activity';
import { GoldenpathError } from '../domain/errors.ts';
import { isAboutGone } from '../domain/kubernetes-gone.ts';
import { isSolelyOf } from '../domain/names.ts';
import { writeEntry } from './audit.ts';
import type { Clients } from './clients.ts';
import type { Changes, Deciding } from './contract.ts';
import { demandDecision, ownRun } from './guard.ts';
import { getRole, irsaRoleArn } from './iam.ts';
import { policiesOf, stripPolicies } from './identity.ts';
import { fromTagList } from './ownership.ts';

export function externalDnsRoleActivities(clients: Clients): Pick<Changes, 'revokeExternalDns'> {
  return { revokeExternalDns: (input) => revokeExternalDns(clients, input) };
}

/** The decision is judged anew and put on record before anything is taken. A role that is not there, or bears no tag of the platform, is left alone. */
async function revokeExternalDns({ iam, s3 }: Clients, input: Deciding): Promise<string[]> {
  const { target, request, approvals, registry } = input;
  await demandDecision('leave', input);
  if (!isAboutGone(request, target)) throw new GoldenpathError('ProofMissing', `Refused to take the permissions of ExternalDNS of ${target.cluster}: request ${request.id} is not about its Kubernetes API being gone`);
  const name = irsaRoleArn(target, 'external-dns').replace(/^.*\//, '');
  const role = await getRole(iam, name);
  if (role === undefined) return [`role ${name} is not there`];
  if (!isSolelyOf(fromTagList(role.Tags), target.cluster)) return [`role ${name} bears no tag of the platform: left alone`];
  const policies = await policiesOf(iam, name);
  if (policies === undefined || policies.all.length === 0) return [`role ${name} has no permission to take`];
  const { activityId, attempt } = Context.current().info;
  const { environment, cluster } = target;
  await writeEntry(s3, registry, { schema: 1, at: Date.now(), environment, cluster, ...ownRun(), kind: 'revoke', request, approvals, role: name, policies: policies.all }, `${activityId}-${attempt}`);
  await stripPolicies(iam, name, policies);
  return [`role ${name} lost its permissions: ${policies.all.join(', ')}`];
}
