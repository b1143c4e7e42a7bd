// The charts of gitops/ as helm renders them (A1, A3, A4, D1, G1).
import { beforeAll, describe, expect, it } from 'vitest';
import { COMPONENTS, HOSTS } from '../../domain/components.ts';
import { contractedArgs } from '../../domain/external-dns.ts';
import { breaches } from '../../domain/manifests/rules.ts';
import { ensureTools } from '../../lab/tools.ts';
import { at, type Manifest, renderApplication, renderRoot, rootValues, versions } from '../support/charts.ts';
import { scopeOf } from '../support/corpus.ts';

const SUFFIX = 'b-21-11-26-01.dev.goldenpathidp.io';
let helm: string;
let applications: Manifest[];
/** Everything that tiers 1 and 1.5 deliver, with the application it comes from. */
let delivered: { application: string; tier: string; object: Manifest }[];

beforeAll(async () => {
  helm = (await ensureTools()).bin.helm;
  applications = renderRoot(helm, '1.5');
  delivered = applications.flatMap((application) => renderApplication(helm, application).map((object) => ({ application: application.metadata.name, tier: application.metadata.labels?.['goldenpath.idp/tier'] ?? '', object })));
});

function objects(kind: string): Manifest[] {
  return delivered.filter(({ object }) => object.kind === kind).map(({ object }) => object);
}

function podTemplates(): { spec: { containers: { image: string; name: string; args?: string[]; command?: string[] }[] } }[] {
  return delivered.filter(({ object }) => ['Deployment', 'StatefulSet', 'DaemonSet', 'Job'].includes(object.kind)).map(({ object }) => at(object, 'spec.template') as ReturnType<typeof podTemplates>[number]);
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
    expect(rendered).toEqual(COMPONENTS);
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
    const used = podTemplates().flatMap(({ spec }) => spec.containers.map(({ image }) => image));
    expect(used.filter((image) => !pinned.has(image))).toEqual([]);
    expect(new Set(used)).toEqual(pinned);
  });

  it('D1: every host of every Ingress lies inside the suffix, and they are the hosts of the domain', () => {
    const hosts = delivered.filter(({ object }) => object.kind === 'Ingress').flatMap(({ tier, object }) => (at(object, 'spec.rules') as { host: string }[]).map(({ host }) => ({ host, tier })));
    expect(hosts).toHaveLength(HOSTS.length);
    expect(hosts).toEqual(expect.arrayContaining(HOSTS.map(({ host, tier }) => ({ host: `${host}.${SUFFIX}`, tier }))));
  });

  it('A1: one IngressClass, one ClusterSecretStore, one ClusterIssuer, each in its own application', () => {
    const owners = (kind: string) => delivered.filter(({ object }) => object.kind === kind).map(({ application }) => application);
    expect(owners('IngressClass')).toEqual(['kong']);
    expect(owners('ClusterSecretStore')).toEqual(['external-secrets']);
    expect(owners('ClusterIssuer')).toEqual(['cert-manager']);
    expect(objects('Ingress').map((ingress) => at(ingress, 'spec.ingressClassName'))).toEqual(HOSTS.map(() => 'kong'));
  });

  it('A1: no chart holds a definition of External Secrets or cert-manager', () => {
    expect(objects('CustomResourceDefinition').map((definition) => at(definition, 'spec.group'))).toEqual(['elbv2.k8s.aws', 'elbv2.k8s.aws']);
  });

  it('G1: nothing that the root and the charts render is refused by the check, and so by admission', () => {
    const all = [...applications, ...delivered.map(({ object }) => object)];
    expect(all.flatMap((object) => breaches(object, scopeOf('ephemeral')))).toEqual([]);
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
