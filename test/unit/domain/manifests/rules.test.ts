import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { breaches } from '../../../../domain/manifests/rules.ts';
import { TIERS } from '../../../../domain/tiers.ts';
import { scopeOf } from '../../../support/corpus.ts';

const scope = scopeOf('ephemeral');
const rulesOf = (object: unknown) => breaches(object, scope).map(({ rule }) => rule);
const application = (tier: unknown) => ({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'x', namespace: 'argocd', labels: { 'goldenpath.idp/tier': tier } } });
const pod = (...containers: object[]) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { containers } });
const [DIGEST = ''] = scope.digests;
const externalDns = (changes: object = {}) => pod({ name: 'x', image: `registry.k8s.io/external-dns/external-dns@${scope.externalDns.digest}`, args: scope.externalDns.args, ...changes });

describe('documents', () => {
  it('A1: without content there is nothing to object to', () => { expect(breaches(null, scope)).toEqual([]); });

  it('A1: what is missing is named, at once', () => {
    expect(breaches({ metadata: {} }, scope)).toMatchObject([{ rule: 'kubernetes-document', problem: 'has no apiVersion, no kind, no metadata.name' }]);
    expect(breaches({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'x-' } }, scope)).toEqual([]);
    for (const document of ['text', 1, [], true]) expect(rulesOf(document)).toEqual(['kubernetes-document']);
  });

  it('D1: the items of a list are judged one by one, also in a list of lists', () => {
    const inner = { apiVersion: 'v1', kind: 'List', items: [application('2')] };
    expect(breaches({ apiVersion: 'v1', kind: 'List', items: [application('1'), inner] }, scope)).toMatchObject([{ rule: 'application-tier', path: ['items', 1, 'items', 0, 'metadata', 'labels', 'goldenpath.idp/tier'] }]);
  });

  it('A1: what has items and is called otherwise is refused: kubectl applies the items, and nobody would have looked at them', () => {
    expect(breaches({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, items: [application('2')] }, scope)).toMatchObject([{ rule: 'kubernetes-document', path: ['items'] }]);
  });
});

describe('tiers', () => {
  it('A4: exactly the tiers up to the ceiling pass', () => {
    fc.assert(fc.property(fc.oneof(fc.constantFrom(...TIERS), fc.string(), fc.double({ noNaN: true }), fc.constant(undefined)), (tier) => {
      expect(rulesOf(application(tier))).toEqual(tier === '0' || tier === '1' || tier === '1.5' ? [] : ['application-tier']);
    }));
  });

  it('A4: the template of an ApplicationSet carries a tier as well', () => {
    const set = (labels: object) => ({ apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', metadata: { name: 'x', namespace: 'argocd' }, spec: { template: { metadata: { labels } } } });
    expect(rulesOf(set({ 'goldenpath.idp/tier': '1.5' }))).toEqual([]);
    expect(breaches(set({ 'goldenpath.idp/tier': '3' }), scope)).toMatchObject([{ rule: 'application-tier', path: ['spec', 'template', 'metadata', 'labels', 'goldenpath.idp/tier'], given: '3' }]);
    expect(breaches(set({}), scope)).toMatchObject([{ problem: 'carries no label goldenpath.idp/tier' }]);
  });

  it('A4: says why', () => {
    const said = [undefined, 1.5, '2', '1.50'].map((tier) => breaches(application(tier), scope)[0]?.problem);
    expect(said).toEqual(['carries no label goldenpath.idp/tier', 'is no text: a tier stands in quotes', 'is a tier above 1.5, the ceiling of the lifecycle', 'is no tier']);
  });
});

describe('images', () => {
  it('G1: only a digest of the version manifest passes, in every list of containers', () => {
    fc.assert(fc.property(fc.constantFrom('containers', 'initContainers', 'ephemeralContainers'), fc.oneof(fc.string(), fc.constantFrom('nginx', 'nginx:1', `nginx@sha256:${'0'.repeat(64)}`, DIGEST, `@${DIGEST}`, `nginx@${DIGEST}0`, `nginx:${DIGEST}`)), (list, image) => {
      fc.pre(image !== '' && !image.includes(','));
      expect(breaches({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { [list]: [{ name: 'a', image: `mirror.example.org/a:1@${DIGEST}` }, { name: 'b', image }] } }, scope)).toMatchObject([{ rule: 'image-digest', path: ['spec', list, 1, 'image'], given: image }]);
    }));
  });

  it('G1: an image that would read as two is two', () => { expect(rulesOf(pod({ name: 'x', image: `evil:1,x@${DIGEST}` }))).toEqual(['image-digest']); });
  it('G1: an image that is no text is refused', () => { expect(rulesOf(pod({ name: 'x', image: { a: 1 } }))).toEqual(['image-digest']); });

  it('G1: a volume that is an image is pinned as one, in a pod and in a template of pods', () => {
    const volumes = [{ name: 'a', image: { reference: `models@${DIGEST}` } }, { name: 'b', image: { reference: 'models:latest' } }, { name: 'c', emptyDir: {} }];
    expect(breaches({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { containers: [], volumes } }, scope)).toMatchObject([{ rule: 'image-digest', path: ['spec', 'volumes', 1, 'image', 'reference'], given: 'models:latest' }]);
    expect(breaches({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: { template: { spec: { volumes } } } }, scope)).toMatchObject([{ given: 'models:latest' }]);
  });
});

describe('ExternalDNS', () => {
  it('D2: runs with the contract, and with what decides nothing', () => {
    expect(rulesOf(externalDns())).toEqual([]);
    expect(rulesOf(externalDns({ args: [...scope.externalDns.args, '--interval=30s', '--events', '--log-level=debug'], env: [{ name: 'AWS_REGION', value: 'x' }], command: [], envFrom: [] }))).toEqual([]);
  });

  it('D2: any argument less is noticed', () => {
    fc.assert(fc.property(fc.constantFrom(...scope.externalDns.args), (gone) => {
      expect(breaches(externalDns({ args: scope.externalDns.args.filter((arg) => arg !== gone) }), scope)).toMatchObject([{ rule: 'external-dns-arguments', problem: `ExternalDNS runs without ${gone}`, allowed: gone }]);
    }));
  });

  it.each(['--policy=upsert-only', '--domain-filter=dev.goldenpathidp.io', '--domain-filter', '--fqdn-template={{.Name}}.dev.goldenpathidp.io', '--annotation-prefix=other/', '--source=crd', '--exclude-domains=x', '--dry-run', '--no-aws-zone-match-parent', '--interval=30s --once'])('D2: %s beside the contract is noticed', (arg) => {
    expect(rulesOf(externalDns({ args: [...scope.externalDns.args, arg] }))).toEqual(['external-dns-arguments']);
  });

  it('D2: what can stand for an argument is noticed: a command, a variable, variables from elsewhere', () => {
    expect(rulesOf(externalDns({ command: ['external-dns', '--once'] }))).toEqual(['external-dns-arguments']);
    expect(rulesOf(externalDns({ env: [{ name: 'EXTERNAL_DNS_DOMAIN_FILTER', value: 'x' }] }))).toEqual(['external-dns-arguments']);
    expect(rulesOf(externalDns({ envFrom: [{ configMapRef: { name: 'x' } }] }))).toEqual(['external-dns-arguments']);
  });

  it('D2: it is known by its name and by its digest, whatever it is called', () => {
    expect(rulesOf(externalDns({ image: `mirror.example.org/innocent@${scope.externalDns.digest}`, args: [] })).length).toBe(scope.externalDns.args.length);
    expect(rulesOf(pod({ name: 'x', image: 'external-dns:v0.21.0', args: scope.externalDns.args }))).toEqual(['image-digest']);
  });
});
