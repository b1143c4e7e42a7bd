// The charts of gitops/ as helm renders them (A1, A3, A4, D1, G1).
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Component, componentsUpTo, HOSTS, hostsOf, isPlatformObject } from '../../domain/components.ts';
import { contractedArgs } from '../../domain/external-dns.ts';
import { breaches } from '../../domain/manifests/rules.ts';
import { SECRET_HOLDERS } from '../../domain/platform-secrets.ts';
import { ensureTools } from '../../lab/tools.ts';
import { at, type Manifest, persistentValues, renderApplication, renderRoot, rootValues, versions } from '../support/charts.ts';
import { scopeOf } from '../support/corpus.ts';

const SUFFIX = 'b-21-11-26-01.dev.goldenpathidp.io';
let helm: string;
let applications: Manifest[];
/** Everything that tiers 1 and 1.5 deliver, with the application it comes from. */
let delivered: Delivered[];
/** The same of a persistent platform, to tier 3. */
let persistent: { applications: Manifest[]; delivered: Delivered[] };

interface Delivered { application: string; tier: string; object: Manifest }

beforeAll(async () => {
  helm = (await ensureTools()).bin.helm;
  applications = renderRoot(helm, '1.5');
  delivered = deliveredBy(applications);
  const all = renderRoot(helm, '3', persistentValues());
  persistent = { applications: all, delivered: deliveredBy(all) };
});

function deliveredBy(rendered: Manifest[]): Delivered[] {
  return rendered.flatMap((application) => renderApplication(helm, application).map((object) => ({ application: application.metadata.name, tier: application.metadata.labels?.['goldenpath.idp/tier'] ?? '', object })));
}

/** The hosts of these components as the domain has them, each with the tier of its component. */
function hostsByTier(components: readonly Component[], suffix: string): { host: string; tier: string }[] {
  return components.flatMap((component) => hostsOf([component]).map((host) => ({ host: `${host}.${suffix}`, tier: component.tier })));
}

function objects(kind: string, of = delivered): Manifest[] {
  return of.filter(({ object }) => object.kind === kind).map(({ object }) => object);
}

interface Container { image: string; name: string; args?: string[]; command?: string[]; env?: { name: string; value?: string; valueFrom?: { secretKeyRef?: { name: string; key: string } } }[] }

function podTemplates(of = delivered): { spec: { initContainers?: Container[]; containers: Container[]; serviceAccountName?: string; automountServiceAccountToken?: boolean } }[] {
  return of.filter(({ object }) => ['Deployment', 'StatefulSet', 'DaemonSet', 'Job'].includes(object.kind)).map(({ object }) => at(object, 'spec.template') as ReturnType<typeof podTemplates>[number]);
}

describe('the root', () => {
  it.each([['0', 0], ['1', 6], ['1.5', 9], ['2', 9], ['3', 9]])('A4: at tier %s renders %i applications', (tier, count) => {
    expect(renderRoot(helm, tier)).toHaveLength(count);
  });

  it('A4: renders exactly the components of the domain, with their tier, wave and namespace', () => {
    const rendered = applications.map((application) => ({
      name: application.metadata.name,
      tier: application.metadata.labels?.['goldenpath.idp/tier'],
      wave: Number(application.metadata.annotations?.['argocd.argoproj.io/sync-wave']),
      namespace: at(application, 'spec.destination.namespace'),
    }));
    expect(rendered).toEqual(componentsUpTo('1.5', 'ephemeral'));
  });

  it('failure 2: every application cascades, prunes and heals', () => {
    for (const application of applications) {
      expect(application.metadata.finalizers).toEqual(['resources-finalizer.argocd.argoproj.io']);
      expect(at(application, 'spec.syncPolicy.automated')).toEqual({ prune: true, selfHeal: true });
    }
  });

  it('A3: refuses a gate that is no tier, a mode that is no lifecycle, and a missing host suffix', () => {
    expect(() => renderRoot(helm, '1.6')).toThrow(/bootstrap\.maxTier is "1\.6"/);
    expect(() => renderRoot(helm, '1', { ...rootValues(), bootstrap: { mode: 'eternal', env: 'dev', buildId: '' } })).toThrow(/bootstrap\.mode is "eternal"/);
    expect(() => renderRoot(helm, '1', { ...rootValues(), dns: { ownerId: 'x', hostedZoneId: 'Z1' } })).toThrow(/dns\.hostSuffix/);
  });

  it('G1: an image that the version manifest does not hold stops the rendering', () => {
    const { kong, ...images } = versions().images;
    expect(kong).toBeDefined();
    expect(() => renderRoot(helm, '1', { ...rootValues(), images })).toThrow(/images\.kong of the version manifest/);
  });

  it('F3: leaves ExternalDNS out where the environment says so', () => {
    const values = rootValues();
    const names = renderRoot(helm, '1.5', { ...values, dns: { ...values.dns, externalDnsEnabled: false } }).map(({ metadata }) => metadata.name);
    expect(names).not.toContain('external-dns');
    expect(names).toHaveLength(8);
  });
});

describe('the applications', () => {
  it('G1: every image is pinned by the digest of the version manifest', () => {
    const pinned = new Set(Object.values(versions().images).map(({ repository, digest }) => `${repository}@${digest}`));
    const used = podTemplates(persistent.delivered).flatMap(({ spec }) => [...(spec.initContainers ?? []), ...spec.containers].map(({ image }) => image));
    expect(used.filter((image) => !pinned.has(image))).toEqual([]);
    expect(new Set(used)).toEqual(pinned);
  });

  it('D1: every host of every Ingress lies inside the suffix, and they are the hosts of the domain', () => {
    const hosts = delivered.filter(({ object }) => object.kind === 'Ingress').flatMap(({ tier, object }) => (at(object, 'spec.rules') as { host: string }[]).map(({ host }) => ({ host, tier })));
    const own = hostsByTier(componentsUpTo('1.5', 'ephemeral'), SUFFIX);
    expect(hosts).toHaveLength(own.length);
    expect(hosts).toEqual(expect.arrayContaining(own));
  });

  it('A1: one IngressClass, one ClusterSecretStore, one ClusterIssuer, each in its own application', () => {
    const owners = (kind: string) => delivered.filter(({ object }) => object.kind === kind).map(({ application }) => application);
    expect(owners('IngressClass')).toEqual(['kong']);
    expect(owners('ClusterSecretStore')).toEqual(['external-secrets']);
    expect(owners('ClusterIssuer')).toEqual(['cert-manager']);
    expect(objects('Ingress', persistent.delivered).map((ingress) => at(ingress, 'spec.ingressClassName'))).toEqual(HOSTS.map(() => 'kong'));
  });

  it('T3: what acceptance asks about is known as the platform’s own', () => {
    const asked = ['Ingress', 'ClusterSecretStore', 'ClusterIssuer', 'Certificate'].flatMap((kind) => objects(kind, persistent.delivered));
    expect(asked.filter((object) => !isPlatformObject(object))).toEqual([]);
    expect([...applications, ...persistent.applications].filter((object) => !isPlatformObject(object))).toEqual([]);
  });

  it('A1: no chart holds a definition of External Secrets or cert-manager', () => {
    expect(objects('CustomResourceDefinition').map((definition) => at(definition, 'spec.group'))).toEqual(['elbv2.k8s.aws', 'elbv2.k8s.aws']);
  });

  it('G1: nothing that the root and the charts render is refused by the check, and so by admission', () => {
    const all = [...applications, ...delivered.map(({ object }) => object)];
    expect(all.flatMap((object) => breaches(object, scopeOf('ephemeral')))).toEqual([]);
  });

  it('G1: every secret that a chart asks for is under a name that no tenant’s namespace can claim', () => {
    const keys = objects('ExternalSecret', persistent.delivered).flatMap((secret) => (at(secret, 'spec.data') as { remoteRef: { key: string } }[]).map(({ remoteRef }) => remoteRef.key.split('/')));
    expect(new Set(keys.map(([product, environment]) => `${product ?? ''}/${environment ?? ''}`))).toEqual(new Set(['goldenpath/dev']));
    expect([...new Set(keys.map(([, , holder = '']) => holder))].toSorted()).toEqual(SECRET_HOLDERS);
  });

  it('failure 4: no chart registers an admission webhook', () => {
    expect([...objects('ValidatingWebhookConfiguration'), ...objects('MutatingWebhookConfiguration')]).toEqual([]);
  });

  it('D2: ExternalDNS runs with the contract and nothing else that decides what it deletes', () => {
    const args = podTemplates().flatMap(({ spec }) => spec.containers).find(({ name }) => name === 'external-dns')?.args ?? [];
    expect(args).toEqual([...contractedArgs({ ownerId: 'goldenpath-dev-21-11-26-01', hostSuffix: SUFFIX, hostedZoneId: 'Z0427816GOLDENPATHDEV' }), '--interval=30s', '--events']);
  });

  it('C1: the controllers that call AWS carry their role', () => {
    const roles = Object.fromEntries(objects('ServiceAccount').flatMap(({ metadata }) => (metadata.annotations?.['eks.amazonaws.com/role-arn'] === undefined ? [] : [[metadata.name, metadata.annotations['eks.amazonaws.com/role-arn']]])));
    expect(roles).toEqual(Object.fromEntries(['aws-load-balancer-controller', 'cert-manager', 'external-secrets', 'external-dns', 'cluster-autoscaler'].map((name) => [name, `arn:aws:iam::111122223333:role/${name}`])));
  });

  it('C1: the load balancer controller tags what it makes as the platform’s', () => {
    const args = podTemplates().flatMap(({ spec }) => spec.containers).find(({ name }) => name === 'controller')?.args;
    expect(args).toContain('--default-tags=goldenpath.idp/cluster=goldenpath-dev-eks-21-11-26-01,goldenpath.idp/environment=dev,goldenpath.idp/workflow-id=platform/dev/goldenpath-dev-eks-21-11-26-01');
  });

  it('T1: every object carries the tier of its application', () => {
    expect(delivered.filter(({ tier, object }) => object.metadata.labels?.['goldenpath.idp/tier'] !== tier).map(({ object }) => `${object.kind}/${object.metadata.name}`)).toEqual([]);
  });

  it('T: the platform has one load balancer, of the controller’s class, not open to the Internet', () => {
    const services = objects('Service').filter((service) => at(service, 'spec.type') === 'LoadBalancer');
    expect(services.map(({ metadata }) => metadata.name)).toEqual(['kong-proxy']);
    expect(at(services[0], 'spec.loadBalancerClass')).toBe('service.k8s.aws/nlb');
    expect(services[0]?.metadata.annotations?.['service.beta.kubernetes.io/aws-load-balancer-scheme']).toBe('internal');
  });

  it('X5: the volume belongs to an application, so that it goes with it', () => {
    expect(objects('PersistentVolumeClaim').map(({ metadata }) => metadata.name)).toEqual(['prometheus']);
    expect(objects('StatefulSet')).toEqual([]);
  });
});

describe('a persistent platform', () => {
  const applicationsOf = (tier: string) => persistent.delivered.filter((each) => each.tier === tier);
  const job = (name: string) => objects('Job', persistent.delivered).find(({ metadata }) => metadata.name === name);
  const containerOf = (object: Manifest | undefined) => (at(object, 'spec.template.spec.containers') as Container[] | undefined)?.[0];

  it.each([['1.5', 9], ['2', 12], ['3', 14]])('A4: at tier %s it has %i applications', (tier, count) => {
    expect(renderRoot(helm, tier, persistentValues())).toHaveLength(count);
  });

  it('A4: its applications are the components of the domain, with their tier, wave and namespace', () => {
    const rendered = persistent.applications.map((application) => ({
      name: application.metadata.name,
      tier: application.metadata.labels?.['goldenpath.idp/tier'],
      wave: Number(application.metadata.annotations?.['argocd.argoproj.io/sync-wave']),
      namespace: at(application, 'spec.destination.namespace'),
    }));
    expect(rendered).toEqual(componentsUpTo('3', 'persistent'));
  });

  it('D1: its hosts are the hosts of the domain, in the base domain', () => {
    const hosts = persistent.delivered.filter(({ object }) => object.kind === 'Ingress').flatMap(({ tier, object }) => (at(object, 'spec.rules') as { host: string }[]).map(({ host }) => ({ host, tier })));
    expect(hosts).toHaveLength(HOSTS.length);
    expect(hosts).toEqual(expect.arrayContaining(hostsByTier(componentsUpTo('3', 'persistent'), 'dev.goldenpathidp.io')));
  });

  it('G1: nothing of it is refused by the check, and so by admission', () => {
    const all = [...persistent.applications, ...persistent.delivered.map(({ object }) => object)];
    expect(all.flatMap((object) => breaches(object, scopeOf('persistent')))).toEqual([]);
  });

  it('T1: every object carries the tier of its application', () => {
    expect(persistent.delivered.filter(({ tier, object }) => object.metadata.labels?.['goldenpath.idp/tier'] !== tier).map(({ object }) => `${object.kind}/${object.metadata.name}`)).toEqual([]);
  });

  it.each([
    ['backstage', 'rdsAvailable'],
    ['loki', 's3Available'],
    ['grafana-postgresql', 'rdsAvailable'],
    ['keycloak', 'rdsAvailable'],
  ] as const)('A3: %s refuses to render without platform.%s', (name, value) => {
    const values = persistentValues();
    const rendered = renderRoot(helm, '3', { ...values, platform: { ...values.platform, [value]: false } });
    const application = rendered.find(({ metadata }) => metadata.name === name) as Manifest;
    expect(() => renderApplication(helm, application)).toThrow(`platform.${value} is false`);
  });

  it.each([
    ['backstage-preflight', '2', ['POSTGRES_HOST', 'POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB']],
    ['loki-preflight', '2', ['AWS_REGION', 'GOLDENPATH_BUCKET']],
    ['grafana-postgresql-preflight', '2', ['POSTGRES_HOST', 'POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB']],
    ['keycloak-preflight', '3', ['POSTGRES_HOST', 'POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB']],
    ['oidc-config-preflight', '3', ['GOLDENPATH_URLS']],
  ])('T2: %s gates every sync with this product’s own image', (name, tier, variables) => {
    const hook = job(name);
    expect(hook?.metadata.annotations).toMatchObject({ 'argocd.argoproj.io/hook': 'PreSync', 'argocd.argoproj.io/hook-delete-policy': 'BeforeHookCreation', 'argocd.argoproj.io/sync-wave': '1' });
    expect([at(hook, 'spec.backoffLimit'), at(hook, 'spec.template.spec.restartPolicy'), at(hook, 'spec.template.spec.automountServiceAccountToken')]).toEqual([0, 'Never', false]);
    expect(containerOf(hook)).toMatchObject({ command: ['node', 'client/cli/main.ts'], args: ['preflight', '--tier', tier] });
    expect(containerOf(hook)?.image).toMatch(/^ghcr\.io\/goldenpathidp\/goldenpath@sha256:/);
    expect(containerOf(hook)?.env?.map((each) => each.name)).toEqual(variables);
  });

  it('T2: a hook takes no Secret but what comes with it: nothing else of its application is there yet', () => {
    for (const hook of objects('Job', persistent.delivered).filter(({ metadata }) => metadata.name.endsWith('-preflight'))) {
      const namespace = hook.metadata.namespace;
      const wanted = new Set(containerOf(hook)?.env?.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? []));
      const brought = objects('ExternalSecret', persistent.delivered).filter(({ metadata }) => metadata.namespace === namespace && metadata.annotations?.['argocd.argoproj.io/hook'] === 'PreSync').map((secret) => at(secret, 'spec.target.name'));
      expect([...wanted].filter((name) => !brought.includes(name))).toEqual([]);
    }
  });

  it('T2, C1: the preflight of the bucket has a role of its own, and so has Loki; nobody else of these tiers has one', () => {
    const accounts = applicationsOf('2').concat(applicationsOf('3')).filter(({ object }) => object.kind === 'ServiceAccount').map(({ object }) => [object.metadata.name, object.metadata.annotations?.['eks.amazonaws.com/role-arn']]);
    expect(Object.fromEntries(accounts)).toEqual({ loki: 'arn:aws:iam::111122223333:role/loki', preflight: 'arn:aws:iam::111122223333:role/preflight' });
    expect(at(job('loki-preflight'), 'spec.template.spec.serviceAccountName')).toBe('preflight');
  });

  it('R2: no value of a login or a client is in a manifest: each comes from a Secret that an ExternalSecret makes', () => {
    const secrets = new Set(objects('ExternalSecret', persistent.delivered).map((secret) => `${secret.metadata.namespace ?? ''}/${String(at(secret, 'spec.target.name'))}`));
    const pods = persistent.delivered.filter(({ object }) => ['Deployment', 'Job'].includes(object.kind));
    const asked = pods.flatMap(({ object }) => (at(object, 'spec.template.spec.containers') as Container[]).flatMap(({ env = [] }) => env.map((each) => ({ ...each, namespace: object.metadata.namespace ?? '' }))));
    expect(asked.flatMap(({ namespace, valueFrom }) => (valueFrom?.secretKeyRef === undefined ? [] : `${namespace}/${valueFrom.secretKeyRef.name}`)).filter((name) => !secrets.has(name))).toEqual([]);
    expect(asked.filter(({ name, value }) => /PASSWORD|SECRET/.test(name) && value !== undefined && !/^\$\(\w+\)$/.test(value))).toEqual([]);
  });

  it('T3: Keycloak and Grafana verify the name of the database’s server, by authorities that this product’s image brings', () => {
    const [keycloak, grafana] = ['keycloak', 'grafana-postgresql'].map((name) => containerOf(objects('Deployment', persistent.delivered).find(({ metadata }) => metadata.name === name))?.env ?? []);
    expect(keycloak?.find(({ name }) => name === 'KC_DB_URL')?.value).toBe('jdbc:postgresql://$(POSTGRES_HOST):$(POSTGRES_PORT)/$(POSTGRES_DB)?sslmode=verify-full&sslrootcert=/rds-ca/bundle.pem');
    expect(grafana).toEqual(expect.arrayContaining([{ name: 'GF_DATABASE_SSL_MODE', value: 'verify-full' }, { name: 'GF_DATABASE_CA_CERT_PATH', value: '/rds-ca/bundle.pem' }]));
    const bringers = podTemplates(persistent.delivered).flatMap(({ spec }) => spec.initContainers ?? []).map(({ command }) => command);
    expect(bringers).toEqual(['backstage', 'grafana-postgresql', 'keycloak'].map(() => ['cp', '/app/rds-global-bundle.pem', '/rds-ca/bundle.pem']));
  });

  it('T4: one certificate, the wildcard of the base domain; its issuer has the address that the environment names', () => {
    expect(objects('Certificate', persistent.delivered).map((certificate) => at(certificate, 'spec.dnsNames'))).toEqual([['*.dev.goldenpathidp.io', '*.apps.dev.goldenpathidp.io']]);
    expect(objects('ClusterIssuer', persistent.delivered).map((issuer) => at(issuer, 'spec.acme'))).toMatchObject([{ server: 'https://acme-v02.api.letsencrypt.org/directory', email: 'platform@goldenpathidp.io' }]);
  });

  it('T4: the proxy gets the certificate, and each renewed one, by one Ingress for exactly its names; ExternalDNS makes none of them from it (D1)', () => {
    const named = objects('Ingress', persistent.delivered).filter((ingress) => at(ingress, 'spec.tls') !== undefined);
    expect(named.map((ingress) => [ingress.metadata.name, at(ingress, 'spec.tls')])).toEqual([['kong', [{ secretName: 'platform-tls', hosts: at(objects('Certificate', persistent.delivered)[0], 'spec.dnsNames') }]]]);
    expect(named[0]?.metadata.annotations).toEqual({ 'external-dns.alpha.kubernetes.io/ingress-hostname-source': 'annotation-only', 'external-dns.alpha.kubernetes.io/hostname': 'kong.dev.goldenpathidp.io' });
  });

  it('T4: an ephemeral platform has a certificate of its build, from the directory without limits, and no address', () => {
    expect(objects('Certificate').map((certificate) => at(certificate, 'spec.dnsNames'))).toEqual([[`*.${SUFFIX}`, `*.apps.${SUFFIX}`]]);
    expect(objects('ClusterIssuer').map((issuer) => Object.keys(at(issuer, 'spec.acme') as object))).toEqual([['server', 'privateKeySecretRef', 'solvers']]);
  });
});

describe('an ephemeral Backstage', () => {
  const enabled = { backstage: { ephemeral: true } };
  let rendered: Manifest[];
  let own: Delivered[];
  const container = () => podTemplates(own)[0]?.spec.containers[0];
  const config = () => parse((at(objects('ConfigMap', own)[0], 'data') as Record<string, string>)['app-config.yaml'] ?? '') as unknown;

  beforeAll(() => {
    rendered = renderRoot(helm, '1.5', { ...rootValues(), ...enabled });
    own = deliveredBy(rendered.filter(({ metadata }) => metadata.name === 'backstage'));
  });

  it('T4, F2: where the environment enables it, it is one application more, of tier 1.5; of tier 1 there is none yet', () => {
    const names = rendered.map(({ metadata }) => metadata.name);
    expect(names).toEqual([...applications.map(({ metadata }) => metadata.name), 'backstage']);
    expect(names).toEqual(componentsUpTo('1.5', 'ephemeral', { ephemeralBackstage: true }).map(({ name }) => name));
    expect(rendered.at(-1)?.metadata).toMatchObject({ labels: { 'goldenpath.idp/tier': '1.5' }, annotations: { 'argocd.argoproj.io/sync-wave': '53' } });
    expect(renderRoot(helm, '1', { ...rootValues(), ...enabled })).toHaveLength(6);
  });

  it('T4: where it does not, there is none', () => {
    expect(applications.map(({ metadata }) => metadata.name)).not.toContain('backstage');
  });

  it('T4, A3: it logs people in at the Keycloak of the base domain, as the client of all builds', () => {
    expect(config()).toMatchObject({
      app: { baseUrl: `https://backstage.${SUFFIX}` },
      auth: { providers: { oidc: { production: { metadataUrl: 'https://keycloak.dev.goldenpathidp.io/realms/goldenpath/.well-known/openid-configuration', clientId: 'backstage-builds', clientSecret: '${OIDC_CLIENT_SECRET}' } } } },
    });
    expect(objects('ExternalSecret', own).map((secret) => [secret.metadata.name, at(secret, 'spec.data')])).toEqual([
      ['backstage-oidc', [{ secretKey: 'backstage', remoteRef: { key: 'goldenpath/dev/oidc/backstage-builds', property: 'secret' } }]],
    ]);
  });

  it('F4: it has SQLite in its own memory, and nothing of a database', () => {
    expect(at(config(), 'backend.database')).toEqual({ client: 'better-sqlite3', connection: ':memory:' });
    expect(JSON.stringify(own)).not.toMatch(/postgres|rds/i);
    expect(objects('Job', own)).toEqual([]);
    expect(container()?.env?.map(({ name }) => name)).toEqual(['NODE_ENV', 'OIDC_CLIENT_SECRET']);
  });

  it('G1, D1, T1: nothing of it is refused by the check, its host is the domain’s, and every object carries its tier', () => {
    expect([...rendered, ...own.map(({ object }) => object)].flatMap((object) => breaches(object, scopeOf('ephemeral')))).toEqual([]);
    expect(objects('Ingress', own).map((ingress) => at(ingress, 'spec.rules.0.host'))).toEqual([`backstage.${SUFFIX}`]);
    expect(own.filter(({ object }) => object.metadata.labels?.['goldenpath.idp/tier'] !== '1.5')).toEqual([]);
  });

  it('T4: the persistent platform of such an environment differs in the client’s secret alone, which its oidc-config tells Keycloak', () => {
    const all = renderRoot(helm, '3', { ...persistentValues(), ...enabled });
    const changed = deliveredBy(all.filter(({ metadata }) => metadata.name === 'oidc-config'));
    expect(all.filter(({ metadata }) => metadata.name !== 'oidc-config')).toEqual(persistent.applications.filter(({ metadata }) => metadata.name !== 'oidc-config'));
    expect(objects('ExternalSecret', changed).map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(['oidc-clients', 'oidc-backstage-builds']));
    const job = objects('Job', changed).find(({ metadata }) => metadata.name === 'oidc-config');
    expect((at(job, 'spec.template.spec.containers') as Container[])[0]?.env?.at(-1)).toEqual({ name: 'OIDC_SECRET_BACKSTAGE_BUILDS', valueFrom: { secretKeyRef: { name: 'oidc-backstage-builds', key: 'secret' } } });
    expect(changed.flatMap(({ object }) => breaches(object, scopeOf('persistent')))).toEqual([]);
    expect(JSON.stringify(persistent.delivered)).not.toContain('backstage-builds');
  });
});
