// Secrets that carry a platform's tag (teardown.md step 12, failure 31). One in its recovery window is not listed: that is a terminal state, not garbage.
import { paginateListSecrets, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { clustersOf, TAG } from '../domain/names.ts';
import type { OwnedObject } from '../domain/report.ts';
import { fromTagList, type TaggedObject } from './ownership.ts';
import { allPages, present } from './pages.ts';

/** All secrets with an ownership tag of this product, with their tags. */
export async function taggedSecrets(secrets: SecretsManagerClient): Promise<TaggedObject[]> {
  const found = await allPages(paginateListSecrets({ client: secrets }, { Filters: [{ Key: 'tag-key', Values: [TAG.cluster] }] }), (page) => page.SecretList);
  return found.map(({ ARN, Name, Tags }) => ({ object: { kind: 'secretsmanager:secret', id: present(ARN, "a secret's ARN"), name: Name ?? '' }, tags: fromTagList(Tags) }));
}

export async function clusterSecrets(secrets: SecretsManagerClient, cluster: string): Promise<OwnedObject[]> {
  return (await taggedSecrets(secrets)).filter(({ tags }) => clustersOf(tags).includes(cluster)).map(({ object }) => object);
}
