// The Secrets that acceptance asks for are those that the charts bring, key by key (T3).
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { COMPONENTS } from '../../../domain/components.ts';
import { SECRET_KEYS } from '../../../domain/connectivity.ts';
import { chartSecrets, DATABASE_APPS, syncedSecrets } from '../../../domain/platform-secrets.ts';

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

/** What charts read from Secrets Manager, hooks included, below `goldenpath/{environment}/`: by name, with the properties. */
function readBy(components: readonly { name: string }[]): string[] {
  const properties = new Map<string, Set<string>>();
  for (const { name } of components) {
    const folder = join(APPS, name, 'templates');
    const text = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
    for (const [, path = '', property = ''] of text.matchAll(/remoteRef: \{ key: goldenpath\/\{\{ \.Values\.global\.environment \}\}\/(\S+), property: (\S+) \}/g)) properties.set(path, (properties.get(path) ?? new Set()).add(property));
  }
  return [...properties].map(([path, keys]) => `goldenpath/dev/${path}: ${[...keys].toSorted().join(', ')}`).toSorted();
}

it('F4: every secret that a chart reads is demanded, with its keys, and no other', () => {
  const lines = (secrets: readonly { name: string; keys: readonly string[] }[]) => secrets.map(({ name, keys }) => `${name}: ${keys.toSorted().join(', ')}`).toSorted();
  // Backstage's chart serves tier 2 and builds; what it reads in a build is another secret (T4).
  expect(lines(chartSecrets('dev', '1.5'))).toEqual(readBy(COMPONENTS.filter(({ name, tier }) => ['0', '1', '1.5'].includes(tier) && name !== 'backstage')));
  const logins = DATABASE_APPS.map((app) => ({ name: `goldenpath/dev/${app}/postgres`, keys: SECRET_KEYS }));
  expect(lines([...chartSecrets('dev', '3'), ...logins, { name: 'goldenpath/dev/oidc/backstage-builds', keys: ['secret'] }])).toEqual(readBy(COMPONENTS));
});
