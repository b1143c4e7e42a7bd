// The sweep after a teardown: whatever still belongs to the cluster, each hit confirmed by its own service (teardown.md step 12; X4, failures 30, 32, 37, 39, 40).
import { paginateGetResources, type ResourceGroupsTaggingAPIClient } from '@aws-sdk/client-resource-groups-tagging-api';
import { clustersOf, TAG } from '../domain/names.ts';
import { addToLedger, type OwnedObject, type Residue } from '../domain/report.ts';
import { residueOf } from '../domain/what-to-do.ts';
import type { Clients } from './clients.ts';
import { objectOfArn } from './arns.ts';
import { confirm } from './confirm.ts';
import type { Probes } from './contract.ts';
import { ownedObjects } from './owned-objects.ts';
import { fromTagList, kubernetesClusterTag } from './ownership.ts';
import { allPages, present } from './pages.ts';

export function sweepActivities(clients: Clients): Pick<Probes, 'sweep'> {
  return { sweep: (input) => sweep(clients, input) };
}

/** Own listings, tags and ledger together; an object that its service says is gone, or keeps for a set time only, is no residue. */
async function sweep(clients: Clients, { target, ledger, oidcIssuer }: Parameters<Probes['sweep']>[0]): Promise<Residue[]> {
  const [listed, tagged] = await Promise.all([ownedObjects(clients, target, oidcIssuer), taggedObjects(clients.tagging, target.cluster)]);
  const seen = new Set(listed.map((object) => object.id));
  const doubtful = addToLedger(ledger, tagged).filter(({ id }) => !seen.has(id));
  const confirmed = await Promise.all(doubtful.map(async (object) => ({ object, existence: await confirm(clients, object) })));
  return [
    ...listed.map((object) => residueOf(object, `it belongs to ${target.cluster} by its tags, and its service lists it`)),
    ...confirmed.flatMap(({ object, existence }) => {
      if (existence === 'exists') return [residueOf(object, `the run knew of it, or its tags name ${target.cluster}, and its service still has it`)];
      return existence === 'unknown' ? [residueOf(object, `the tagging API lists it for ${target.cluster}; the sweep cannot ask its service`)] : [];
    }),
  ];
}

/** The tags by which a platform's objects are known, whoever made them. The tagging API joins filters by AND, so each is a question of its own. */
async function taggedObjects(tagging: ResourceGroupsTaggingAPIClient, cluster: string): Promise<OwnedObject[]> {
  const filters = [
    { Key: TAG.cluster, Values: [cluster] },
    { Key: kubernetesClusterTag(cluster), Values: ['owned'] },
    { Key: 'elbv2.k8s.aws/cluster', Values: [cluster] },
  ];
  const found = await Promise.all(filters.map((filter) => allPages(paginateGetResources({ client: tagging }, { TagFilters: [filter] }), (page) => page.ResourceTagMappingList)));
  // The foundation's own stays out, whatever else is written on it (X3).
  const arns = new Set(found.flat().filter(({ Tags }) => clustersOf(fromTagList(Tags)).includes(cluster)).map(({ ResourceARN }) => present(ResourceARN, 'an ARN')));
  return [...arns].map((arn) => objectOfArn(arn));
}
