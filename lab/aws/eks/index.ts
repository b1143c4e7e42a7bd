// EKS, API 2017-11-01, owned whole by the gateway (requirement C1, lab.md § The gateway). Gaps: README.md.
import * as sdk from '@aws-sdk/client-eks';
import { createServiceInterfaces, type ServiceInterfaces } from '../ec2/interfaces.ts';
import { openBackdoor, type Backdoor } from '../ec2/backdoor.ts';
import { plugService, type OperationsOf, type Plugged, type Service, type World } from '../service.ts';
import {
  associateAccessPolicy, createAccessEntry, deleteAccessEntry, describeAccessEntry, disassociateAccessPolicy, listAccessEntries,
  listAccessPolicies, listAssociatedAccessPolicies, updateAccessEntry,
} from './access.ts';
import { createAddon, deleteAddon, describeAddon, describeAddonVersions, listAddons, updateAddon } from './addons.ts';
import { createCluster, deleteCluster, describeCluster, listClusters } from './clusters.ts';
import { createOidcIssuers } from './issuers.ts';
import { PUBLISHED, type EksDurations } from './lifecycle.ts';
import { createNodegroup, deleteNodegroup, describeNodegroup, listNodegroups, updateNodegroupConfig } from './nodegroups.ts';
import type { KubernetesProvider } from './provider.ts';
import type { EksState } from './state.ts';
import { describeClusterVersions, listFargateProfiles, listPodIdentityAssociations, listTagsForResource, tagResource, untagResource } from './tags.ts';
import { describeUpdate, listUpdates, updateClusterConfig, updateClusterVersion } from './updates.ts';

const eks: Service<EksState, OperationsOf<typeof sdk>> = {
  scope: 'eks',
  protocol: 'rest-json',
  sdk,
  resource: (_operation, input) => [input['clusterName'] ?? input['name'], input['nodegroupName'] ?? input['addonName']].filter((part) => typeof part === 'string').join('/') || undefined,
  operations: {
    CreateCluster: createCluster,
    DescribeCluster: describeCluster,
    ListClusters: listClusters,
    DeleteCluster: deleteCluster,
    UpdateClusterConfig: updateClusterConfig,
    UpdateClusterVersion: updateClusterVersion,
    DescribeUpdate: describeUpdate,
    ListUpdates: listUpdates,
    DescribeClusterVersions: describeClusterVersions,
    CreateNodegroup: createNodegroup,
    DescribeNodegroup: describeNodegroup,
    ListNodegroups: listNodegroups,
    DeleteNodegroup: deleteNodegroup,
    UpdateNodegroupConfig: updateNodegroupConfig,
    CreateAddon: createAddon,
    DescribeAddon: describeAddon,
    ListAddons: listAddons,
    DeleteAddon: deleteAddon,
    UpdateAddon: updateAddon,
    DescribeAddonVersions: describeAddonVersions,
    CreateAccessEntry: createAccessEntry,
    DescribeAccessEntry: describeAccessEntry,
    ListAccessEntries: listAccessEntries,
    UpdateAccessEntry: updateAccessEntry,
    DeleteAccessEntry: deleteAccessEntry,
    AssociateAccessPolicy: associateAccessPolicy,
    DisassociateAccessPolicy: disassociateAccessPolicy,
    ListAssociatedAccessPolicies: listAssociatedAccessPolicies,
    ListAccessPolicies: listAccessPolicies,
    TagResource: tagResource,
    UntagResource: untagResource,
    ListTagsForResource: listTagsForResource,
    ActivateCertificateAuthority: 'not-implemented',
    AssociateEncryptionConfig: 'not-implemented',
    AssociateIdentityProviderConfig: 'not-implemented',
    CancelUpdate: 'not-implemented',
    CreateCapability: 'not-implemented',
    CreateCertificateAuthority: 'not-implemented',
    CreateEksAnywhereSubscription: 'not-implemented',
    CreateFargateProfile: 'not-implemented',
    CreatePodIdentityAssociation: 'not-implemented',
    DeleteCapability: 'not-implemented',
    DeleteCertificateAuthority: 'not-implemented',
    DeleteEksAnywhereSubscription: 'not-implemented',
    DeleteFargateProfile: 'not-implemented',
    DeletePodIdentityAssociation: 'not-implemented',
    DeregisterCluster: 'not-implemented',
    DescribeAddonConfiguration: 'not-implemented',
    DescribeCapability: 'not-implemented',
    DescribeCertificateAuthority: 'not-implemented',
    DescribeEksAnywhereSubscription: 'not-implemented',
    DescribeFargateProfile: 'not-implemented',
    DescribeIdentityProviderConfig: 'not-implemented',
    DescribeInsight: 'not-implemented',
    DescribeInsightsRefresh: 'not-implemented',
    DescribePodIdentityAssociation: 'not-implemented',
    DisassociateIdentityProviderConfig: 'not-implemented',
    ListCapabilities: 'not-implemented',
    ListCertificateAuthorities: 'not-implemented',
    ListEksAnywhereSubscriptions: 'not-implemented',
    ListFargateProfiles: listFargateProfiles,
    ListIdentityProviderConfigs: 'not-implemented',
    ListInsights: 'not-implemented',
    ListPodIdentityAssociations: listPodIdentityAssociations,
    RegisterCluster: 'not-implemented',
    StartInsightsRefresh: 'not-implemented',
    UpdateCapability: 'not-implemented',
    UpdateEksAnywhereSubscription: 'not-implemented',
    UpdateNodegroupVersion: 'not-implemented',
    UpdatePodIdentityAssociation: 'not-implemented',
  },
};

export interface EksOptions {
  world: World;
  provider: KubernetesProvider;
  tokenWebhookUrl: (cluster: string) => string;
  /** Shared with the EC2 overlay, so that it shows the interfaces as AWS does. */
  interfaces?: ServiceInterfaces;
  backdoor?: Backdoor;
  durations?: Partial<EksDurations>;
}

export interface Eks {
  service: Plugged;
  state: EksState;
  /** Stops every control plane, issuer and log delivery; what was made in moto stays. */
  close(): Promise<void>;
}

/** Makes the EKS of one lab, ready for `startGateway`. */
export function createEks({ world, provider, tokenWebhookUrl, durations, ...given }: EksOptions): Eks {
  const backdoor = given.backdoor ?? openBackdoor(world);
  const issuers = createOidcIssuers(world.issuers);
  const state: EksState = {
    clusters: new Map(), requests: new Map(), world, provider, backdoor, issuers, tokenWebhookUrl,
    interfaces: given.interfaces ?? createServiceInterfaces(backdoor.ec2),
    durations: { ...PUBLISHED, ...durations },
  };
  return {
    service: plugService(eks, state),
    state,
    async close() {
      await Promise.all([...state.clusters.values()].map(async (cluster) => {
        await cluster.stopLogging?.();
        await cluster.kubernetes?.stop();
      }));
      await issuers.close();
      if (given.backdoor === undefined) backdoor.close();
    },
  };
}
