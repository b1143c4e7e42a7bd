// The Secrets that acceptance asks for are those that the charts bring, key by key (T3).
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { COMPONENTS } from '../../../domain/components.ts';
import { syncedSecrets } from '../../../domain/platform-secrets.ts';

const APPS = resolve(import.meta.dirname, '../../../gitops/apps');

/** ExternalSecrets of a tier's charts. Hooks are left out: they are gone when the sync is over. So is what only some environments have: its Job waits for it. */
function declared(tier: string): string[] {
  return COMPONENTS.filter((component) => component.tier === tier).flatMap(({ name, namespace }) => {
    const folder = join(APPS, name, 'templates');
    const documents = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split(/^---$/m));
    return documents.filter((text) => /^kind: ExternalSecret$/m.test(text) && !text.includes('argocd.argoproj.io/hook') && !text.includes('.Values.global.backstageBuilds')).map((text) => {
      const keys = [...text.matchAll(/secretKey: (\S+)/g)].map(([, key = '']) => key);
      return `${namespace}/${/^ {2}name: (\S+)$/m.exec(text)?.[1]}: ${keys.toSorted().join(', ')}`;
    });
  });
}

it.each(['2', '3'] as const)('T3: tier %s asks for every ExternalSecret of its charts, with its keys', (tier) => {
  expect(syncedSecrets(tier).map(({ namespace, name, keys }) => `${namespace}/${name}: ${keys.toSorted().join(', ')}`).toSorted()).toEqual(declared(tier).toSorted());
});
