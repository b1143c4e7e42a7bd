// The repository's own environment files and version manifest (F3, C1, G1): they keep to their schemas, and to one another.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { COMPONENTS } from '../../../domain/components.ts';
import { type Environment, environmentSchema } from '../../../domain/environment.ts';
import { makePlan } from '../../../domain/plan.ts';
import { type Versions, versionsSchema } from '../../../domain/versions.ts';
import { ADDONS } from '../../../lab/aws/eks/catalogue.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const names = ['dev', 'staging', 'prod'];

function environment(name: string): Environment {
  return environmentSchema.parse(parse(readFileSync(join(ROOT, 'environments', `${name}.yaml`), 'utf8')));
}

function versions(): Versions {
  return versionsSchema.parse(parse(readFileSync(join(ROOT, 'environments/versions.yaml'), 'utf8')));
}

describe('environments/', () => {
  it('F3: the files are these, and each keeps to the schema', () => {
    expect(readdirSync(join(ROOT, 'environments')).toSorted()).toEqual(['dev.yaml', 'prod.yaml', 'staging.yaml', 'versions.yaml']);
    expect(names.map((name) => environment(name).name)).toEqual(names);
  });

  it('G1: a secret of another name than goldenpath/<environment>/… is refused: admission keeps tenants from those alone', () => {
    const dev = environment('dev');
    const [first] = dev.secrets;
    const { error } = environmentSchema.safeParse({ ...dev, secrets: [first, { name: 'shared/smtp', keys: ['password'] }, { name: 'goldenpath/prod/grafana/admin', keys: ['password'] }] });
    expect(error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual(['secrets.1.name: must begin with goldenpath/dev/', 'secrets.2.name: must begin with goldenpath/dev/']);
  });

  it('F3: no two environments share a zone, a hosted zone or a registry', () => {
    const all = names.map(environment);
    for (const values of [all.map(({ dns }) => dns.zone), all.map(({ dns }) => dns.hostedZoneId), all.map(({ registry }) => registry.bucket)]) expect(new Set(values).size).toBe(names.length);
  });

  it.each(names)('F4: %s names every secret that a chart reads, and only its own', (name) => {
    const charts = [...new Set(COMPONENTS.map(({ name: app }) => app))].map((app) => join(ROOT, 'gitops/apps', app, 'templates'));
    const texts = charts.flatMap((folder) => readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))).join('\n');
    const delivered = new Set<string>(COMPONENTS.map(({ tier }) => tier));
    // With all that a file may enable, because the charts' texts hold all of it.
    const { secrets } = makePlan({ operation: 'bootstrap', environment: { ...environment(name), backstage: { ephemeral: true } }, lifecycle: 'persistent', buildId: null, versions: versions() });
    const granted = secrets.filter(({ tier = '1.5' }) => delivered.has(tier)).flatMap((secret) => secret.keys.map((key) => `${secret.name} ${key}`));
    const wanted = [...texts.replaceAll('{{ .Values.global.environment }}', name).matchAll(/remoteRef: \{ key: (\S+), property: (\w+) \}/g)].map(([, key = '', property = '']) => `${key} ${property}`);
    expect(wanted.length).toBeGreaterThan(0);
    expect(new Set(granted)).toEqual(new Set(wanted));
  });
});

describe('environments/versions.yaml', () => {
  it('C1: the lab offers exactly the add-on versions that it names', () => {
    const { addons, kubernetes } = versions();
    const missing = Object.entries(addons).filter(([name, version]) => !(ADDONS.find((addon) => addon.name === name)?.versions[kubernetes] ?? []).includes(version));
    expect(missing).toEqual([]);
  });

  it('G1: every image has a digest of its own', () => {
    const digests = Object.values(versions().images).map(({ digest }) => digest);
    expect(new Set(digests).size).toBe(digests.length);
  });
});
