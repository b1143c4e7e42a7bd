// The charts of gitops/ rendered by the lab's helm, as Argo CD would: the root with the contract's values, each child with what the root gives it (A3, A4).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { type Versions, versionsSchema } from '../../domain/versions.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string>; finalizers?: string[] };
  [field: string]: unknown;
}

/** What lies at a path of an object, e.g. `spec.template.spec`; undefined where nothing does. */
export function at(object: unknown, path: string): unknown {
  return path.split('.').reduce((value: unknown, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined), object);
}

/** The version manifest of the repository. */
export function versions(): Versions {
  return versionsSchema.parse(parse(readFileSync(join(REPOSITORY, 'environments/versions.yaml'), 'utf8')));
}

/** Values of the contract for an ephemeral platform, but the gate. */
export function rootValues(more: { roleArns?: Record<string, string>; vpcId?: string; hostedZoneId?: string; tags?: Record<string, string> } = {}) {
  const roles = ['aws-load-balancer-controller', 'cert-manager', 'external-secrets', 'external-dns', 'cluster-autoscaler'];
  return {
    bootstrap: { mode: 'ephemeral', env: 'dev', buildId: '21-11-26-01' },
    platform: { rdsAvailable: false, storageClassReady: true, irsaConfigured: true, s3Available: false },
    dns: { hostSuffix: 'b-21-11-26-01.dev.goldenpathidp.io', ownerId: 'goldenpath-dev-21-11-26-01', hostedZoneId: more.hostedZoneId ?? 'Z0427816GOLDENPATHDEV' },
    cluster: {
      name: 'goldenpath-dev-eks-21-11-26-01', region: 'eu-west-2', accountId: '111122223333', vpcId: more.vpcId ?? 'vpc-1',
      tags: more.tags ?? { 'goldenpath.idp/environment': 'dev', 'goldenpath.idp/cluster': 'goldenpath-dev-eks-21-11-26-01', 'goldenpath.idp/workflow-id': 'platform/dev/goldenpath-dev-eks-21-11-26-01' },
    },
    roleArns: more.roleArns ?? Object.fromEntries(roles.map((role) => [role, `arn:aws:iam::111122223333:role/${role}`])),
    source: { repoURL: 'file:///repository', revision: 'main' },
    images: versions().images,
  };
}

/** The same for a persistent platform whose foundation has a database and a bucket. */
export function persistentValues(more: { roleArns?: Record<string, string>; hostedZoneId?: string } = {}) {
  const values = rootValues(more);
  return {
    ...values,
    bootstrap: { mode: 'persistent', env: 'dev', buildId: '' },
    platform: { ...values.platform, rdsAvailable: true, s3Available: true },
    dns: { ...values.dns, hostSuffix: 'dev.goldenpathidp.io', ownerId: 'goldenpath-dev' },
    cluster: { ...values.cluster, name: 'goldenpath-dev-eks', tags: { 'goldenpath.idp/environment': 'dev', 'goldenpath.idp/cluster': 'goldenpath-dev-eks', 'goldenpath.idp/workflow-id': 'platform/dev/goldenpath-dev-eks' } },
    roleArns: { ...values.roleArns, ...(more.roleArns ?? Object.fromEntries(['loki', 'preflight'].map((role) => [role, `arn:aws:iam::111122223333:role/${role}`]))) },
    objectStorage: { lokiBucket: 'goldenpath-dev-loki' },
    tls: { issuerEmail: 'platform@goldenpathidp.io' },
  };
}

/** Renders a chart of the repository. `parameters` are Helm parameters with forceString. Throws with helm's own message. */
export function helmTemplate(helm: string, chart: string, release: string, namespace: string, values: object, parameters: Record<string, string> = {}): Manifest[] {
  const dir = mkdtempSync(join(tmpdir(), 'goldenpath-charts-'));
  try {
    const file = join(dir, 'values.yaml');
    writeFileSync(file, stringify(values));
    const flags = Object.entries(parameters).flatMap(([name, value]) => ['--set-string', `${name}=${value}`]);
    const text = execFileSync(helm, ['template', release, join(REPOSITORY, chart), '--namespace', namespace, '--values', file, ...flags], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return parseAllDocuments(text).map((document) => document.toJS() as Manifest | null).filter((object) => object !== null);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The Applications that the root renders at a gate. */
export function renderRoot(helm: string, maxTier: string, values: object = rootValues()): Manifest[] {
  return helmTemplate(helm, 'gitops/root', 'goldenpath', 'argocd', values, { 'bootstrap.maxTier': maxTier });
}

/** What an Application's own chart renders. */
export function renderApplication(helm: string, application: Manifest): Manifest[] {
  const { source, destination } = application['spec'] as { source: { path: string; helm: { valuesObject: object } }; destination: { namespace: string } };
  return helmTemplate(helm, source.path, application.metadata.name, destination.namespace, source.helm.valuesObject);
}
