// Everything in AWS that belongs to a cluster, from each service's own complete listing and by exact tag (X5, failures 39, 40).
import { DescribeAddonCommand, DescribeFargateProfileCommand, type EKSClient } from '@aws-sdk/client-eks';
import type { Target } from '../domain/plan.ts';
import type { OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import { describeOwnCluster } from './eks.ts';
import { listAddons } from './eks-addons.ts';
import { describeNodeGroup, listFargateProfiles, listNodeGroups } from './eks-nodes.ts';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { ownedIamObjects, ownedOidcProviders } from './identity.ts';
import { clusterInstances } from './instances.ts';
import { clusterLoadBalancers } from './load-balancers.ts';
import { findLogGroup, isPlatformLogGroup } from './logs.ts';
import { clusterInterfaces, clusterSecurityGroups, interfaceObject, securityGroupObject } from './network.ts';
import { present } from './pages.ts';
import { clusterSecrets } from './secrets.ts';
import { clusterVolumes } from './volumes.ts';

/** What exists now. Complete or an error. */
export async function ownedObjects(clients: Clients, target: Target, oidcIssuer: string | undefined): Promise<OwnedObject[]> {
  const { cluster } = target;
  const { eks, ec2, elb, iam, logs, secrets } = clients;
  const found = await Promise.all([
    eksObjects(eks, target),
    clusterInstances(ec2, cluster).then((instances) => instances.map(({ object }) => object)),
    clusterLoadBalancers(elb, cluster),
    clusterVolumes(ec2, cluster),
    clusterSecurityGroups(ec2, cluster).then((groups) => groups.map((group) => securityGroupObject(group))),
    clusterInterfaces(ec2, cluster).then((interfaces) => interfaces.map((item) => interfaceObject(item))),
    ownedIamObjects(iam, target),
    ownedOidcProviders(iam, target, oidcIssuer),
    clusterSecrets(secrets, cluster),
    findLogGroup(logs, target).then((group) => (group !== undefined && isPlatformLogGroup(group.tags, cluster) ? [group.group] : [])),
  ]);
  return found.flat();
}

/** The cluster with its node groups, Fargate profiles and add-ons; none where EKS says that there is no such cluster. */
async function eksObjects(eks: EKSClient, target: Target): Promise<OwnedObject[]> {
  const { cluster } = target;
  const own = await describeOwnCluster(eks, target);
  if (own === undefined) return [];
  const [groups, profiles, addons] = await Promise.all([listNodeGroups(eks, cluster), listFargateProfiles(eks, cluster), listAddons(eks, cluster)]);
  const parts = await Promise.all([
    ...groups.map(async (name) => toObject('eks:nodegroup', name, (await describeNodeGroup(eks, cluster, name))?.nodegroupArn)),
    ...profiles.map(async (name) => {
      const answer = await orAbsent(eks.send(new DescribeFargateProfileCommand({ clusterName: cluster, fargateProfileName: name })), NOT_FOUND.eks);
      return toObject('eks:fargateprofile', name, answer?.fargateProfile?.fargateProfileArn);
    }),
    ...addons.map(async (name) => toObject('eks:addon', name, (await orAbsent(eks.send(new DescribeAddonCommand({ clusterName: cluster, addonName: name })), NOT_FOUND.eks))?.addon?.addonArn)),
  ]);
  return [{ kind: 'eks:cluster', id: present(own.arn, "the cluster's ARN"), name: cluster }, ...parts.flat()];
}

/** None where the object went between listing and description. */
function toObject(kind: string, name: string, arn: string | undefined): OwnedObject[] {
  return arn === undefined ? [] : [{ kind, id: arn, name }];
}
