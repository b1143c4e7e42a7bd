// The version manifest against what runs: each difference is an item of its own, and nothing else is one (C1, G1, A2).
import { describe, expect, it } from 'vitest';
import { parseImage } from '../../../domain/images.ts';
import { applicationsUpTo } from '../../../domain/plan.ts';
import { rootValues } from '../../../domain/root-application.ts';
import { type ApplicationSourceReading, differencesOf, type VersionReadings, versionsReport } from '../../../domain/version-drift.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const plan = ephemeralPlan();
const { versions, gitops, target: { cluster } } = plan;
const commit = 'a'.repeat(40);
const kong = { digest: versions.images['kong']?.digest ?? '' };
const argocdImage = 'quay.io/argoproj/argocd:v3.2.11';

const kongApplication = { name: 'kong', repoUrl: gitops.repoUrl, revision: gitops.revision, commit, sync: 'Synced', path: 'gitops/apps/kong', parameters: {}, otherSettings: [] };
const roleArns = { 'external-dns': 'arn:aws:iam::111122223333:role/x' };
const values = rootValues({ target: plan.target, gitops, images: versions.images, externalDns: plan.externalDns, roleArns, vpcId: 'vpc-1', storageClassReady: false, offers: { rdsAvailable: false, s3Available: false } });
const root: ApplicationSourceReading = { ...kongApplication, name: 'goldenpath', path: 'gitops/root', parameters: { 'bootstrap.maxTier': '1' }, values };
const tier1 = applicationsUpTo(plan, '1').map(({ name }) => ({ ...kongApplication, name, path: `gitops/apps/${name}` }));
const others = tier1.filter(({ name }) => name !== 'kong');

function asPinned(): VersionReadings {
  return {
    eks: {
      kubernetes: '1.36',
      vpcId: 'vpc-1',
      addons: Object.entries(versions.addons).map(([name, version]) => ({ name, version })),
      nodeGroups: [{ name: 'system', version: '1.36', releaseVersion: '1.36.0-20261101' }],
    },
    manifests: { argocd: { objects: 34, drifted: [], images: [argocdImage] }, externalSecretsCrds: { objects: 24, drifted: [], images: [] }, certManagerCrds: { objects: 6, drifted: [], images: [] } },
    running: {
      kubelets: [{ node: 'ip-10-0-0-1', version: 'v1.36.2-eks-1234567' }],
      roleArns,
      applications: [root, ...tier1],
      images: [
        { namespace: 'kong', workload: 'Deployment kong/kong', image: `kong@${kong.digest}` },
        { namespace: 'argocd', workload: 'StatefulSet argocd/argocd-application-controller', image: argocdImage },
        { namespace: 'kube-system', workload: 'DaemonSet kube-system/aws-node', image: '602401143452.dkr.ecr.eu-west-2.amazonaws.com/amazon-k8s-cni:v1.21.2' },
      ],
    },
    signatures: [],
  };
}
const drift = (change: (readings: VersionReadings) => void) => {
  const readings = asPinned();
  change(readings);
  const report = versionsReport(plan, readings);
  return { state: report.state, items: report.items.filter(({ ok }) => !ok).map(({ id, expected, found }) => [id, expected, found]), fixes: report.items.filter(({ ok }) => !ok).map(({ fix }) => fix) };
};

describe('versionsReport', () => {
  it('C1: a platform as its manifest says has no drift, and no item asks for anything', () => {
    const report = versionsReport(plan, asPinned());
    expect(report).toMatchObject({ schema: 1, state: 'as-pinned', environment: 'dev', cluster });
    expect(report.items.map(({ ok, fix }) => [ok, fix]).every(([ok, fix]) => ok === true && fix === '')).toBe(true);
    expect(report.items.map(({ id }) => id)).toEqual([
      'kubernetes', 'node-group:system', 'addon:vpc-cni', 'addon:kube-proxy', 'addon:coredns', 'addon:aws-ebs-csi-driver', 'kubelet:ip-10-0-0-1',
      'manifest:argocd', 'manifest:externalSecretsCrds', 'manifest:certManagerCrds', 'application:goldenpath', ...tier1.map(({ name }) => `application:${name}`), 'image:kong/docker.io/library/kong', 'image:argocd/quay.io/argoproj/argocd',
    ]);
  });

  it('C1: EKS, a node group, a kubelet and add-ons drift each by itself, with the command that mends it', () => {
    const { state, items, fixes } = drift(({ eks, running }) => {
      eks.kubernetes = '1.37';
      eks.nodeGroups = [{ name: 'system', version: '1.35', releaseVersion: '1.35.4-20261001' }];
      eks.addons = [...eks.addons.filter(({ name }) => name !== 'vpc-cni' && name !== 'coredns'), { name: 'coredns', version: 'v1.13.0-eksbuild.1' }, { name: 'adot', version: 'v0.1.0' }];
      running.kubelets = [{ node: 'ip-10-0-0-1', version: 'v1.35.4-eks-1234567' }];
    });
    expect(state).toBe('drift');
    expect(items).toEqual([
      ['kubernetes', '1.36', '1.37'],
      ['node-group:system', '1.36', '1.35'],
      ['addon:vpc-cni', 'v1.21.2-eksbuild.2', 'not installed'],
      ['addon:coredns', 'v1.14.2-eksbuild.4', 'v1.13.0-eksbuild.1'],
      ['addon:adot', 'not installed', 'v0.1.0'],
      ['kubelet:ip-10-0-0-1', '1.36', 'v1.35.4-eks-1234567'],
    ]);
    expect(fixes[3]).toBe(`aws eks update-addon --cluster-name ${cluster} --addon-name coredns --addon-version v1.14.2-eksbuild.4, or pin the other version in environments/versions.yaml`);
  });

  it('A2: an object of a pinned manifest that was changed or removed is named, with the fields', () => {
    const { items, fixes } = drift(({ manifests }) => {
      manifests.argocd.drifted = [
        { object: 'Deployment argocd/argocd-repo-server', differences: [{ path: 'spec.replicas', pinned: 1, found: 0 }, { path: 'spec.paused', pinned: undefined, found: true }] },
        { object: 'CustomResourceDefinition applications.argoproj.io', differences: null },
      ];
    });
    expect(items).toEqual([
      ['manifest:argocd', '34 as pinned', '32 as pinned'],
      ['manifest:argocd:Deployment argocd/argocd-repo-server', 'spec.replicas = 1; spec.paused = (none)', 'spec.replicas = 0; spec.paused = true'],
      ['manifest:argocd:CustomResourceDefinition applications.argoproj.io', 'as in argocd v3.2.11', 'does not exist'],
    ]);
    expect(fixes[1]).toContain('kubectl -n argocd get deployment argocd-repo-server -o yaml --show-managed-fields');
  });

  it('A4: an application of another source, of another commit than the root’s, or that Argo CD could not compare is drift; others’ are their owners’', () => {
    const other = 'b'.repeat(40);
    const { items } = drift(({ running }) => {
      running.applications = [root, ...others, { ...kongApplication, commit: other }, { ...kongApplication, name: 'grafana', path: 'gitops/apps/grafana', revision: 'my-branch' }, { ...kongApplication, name: 'prometheus', path: 'gitops/apps/prometheus', commit: '', sync: 'Unknown' }, { ...kongApplication, name: 'shop', repoUrl: 'https://example.org/shop.git' }];
    });
    expect(items.map(([id, , found]) => [id, found])).toEqual([
      ['application:kong', `${gitops.repoUrl} main at bbbbbbbbbbbb, Synced`],
      ['application:grafana', `${gitops.repoUrl} my-branch at aaaaaaaaaaaa, Synced`],
      ['application:prometheus', `${gitops.repoUrl} main at no commit, Unknown`],
    ]);
  });

  it('A4: an application that should be there by the raised gate and is not, is drift; one above the gate is not missed', () => {
    expect(drift(({ running }) => { running.applications = [root, ...others]; }).items).toEqual([['application:kong', 'exists', 'does not exist']]);
    expect(drift(({ running }) => { running.applications = [{ ...root, parameters: { 'bootstrap.maxTier': '1.5' } }, ...tier1]; }).items.map(([id]) => id)).toEqual(['application:prometheus', 'application:alertmanager', 'application:grafana']);
    expect(drift(({ running }) => { running.applications = tier1; }).items.map(([id]) => id)).toContain('application:goldenpath');
  });

  it('A3: Helm parameters that somebody set, and values of the root that are not the manifest’s, are drift', () => {
    const [name = ''] = Object.keys(versions.images);
    const { items } = drift(({ running }) => {
      running.applications = [{ ...root, parameters: { 'bootstrap.maxTier': '1', 'images.kong.digest': 'sha256:0' }, values: { ...values, images: { ...versions.images, [name]: undefined } } }, ...others, { ...kongApplication, parameters: { replicas: '9' } }];
    });
    expect(items.map(([id, , found]) => [id, found])).toEqual([
      ['application:goldenpath:parameters', 'images.kong.digest=sha256:0'], ['application:goldenpath:values', `images.${name} = (none)`], ['application:kong:parameters', 'replicas=9'],
    ]);
  });

  it.each<[string, object]>([
    ['dns.hostSuffix = other.example.org', { dns: { ...(values['dns'] as object), hostSuffix: 'other.example.org' } }],
    ['roleArns.external-dns = arn:aws:iam::999988887777:role/theirs', { roleArns: { 'external-dns': 'arn:aws:iam::999988887777:role/theirs' } }],
    ['cluster.vpcId = vpc-2', { cluster: { ...(values['cluster'] as object), vpcId: 'vpc-2' } }],
    ['source.revision = theirs', { source: { ...(values['source'] as object), revision: 'theirs' } }],
    ['components = [{"name":"miner"}]', { components: [{ name: 'miner' }] }],
  ])('A3: the root application with %s is drift: nobody but a bootstrap puts it back', (found, change) => {
    expect(drift(({ running }) => { running.applications = [{ ...root, values: { ...values, ...change } }, ...tier1]; }).items.map(([id, , is]) => [id, is])).toEqual([['application:goldenpath:values', found]]);
  });

  it('A3: what the foundation offered when the platform was told is no drift', () => {
    expect(drift(({ running }) => { running.applications = [{ ...root, values: { ...values, platform: { rdsAvailable: true } } }, ...tier1]; }).state).toBe('as-pinned');
  });

  it('A4: another folder of the same commit, and settings that this product never makes, are drift', () => {
    expect(drift(({ running }) => { running.applications = [{ ...root, path: 'gitops/theirs', otherSettings: ['source.helm.fileParameters'] }, ...tier1.map((each) => (each.name === 'kong' ? { ...each, otherSettings: ['sources'] } : each))]; }).items).toEqual([
      ['application:goldenpath:settings', 'gitops/root', 'gitops/theirs, source.helm.fileParameters'], ['application:kong:settings', 'gitops/apps/kong', 'sources'],
    ]);
  });

  it('G1: another digest, a tag, and an image that nobody pinned are drift, whoever runs them; in argocd only its manifest’s images are not', () => {
    const { items } = drift(({ running }) => {
      running.images = [
        { namespace: 'kong', workload: 'Deployment kong/kong', image: `docker.io/library/kong@sha256:${'0'.repeat(64)}` },
        { namespace: 'shop', workload: 'Pod shop/debug', image: 'kong:3.9.3' },
        { namespace: 'kube-system', workload: 'Deployment kube-system/miner', image: 'evil/miner' },
        // In an add-on's own workload only what EKS's registries hold is EKS's to choose.
        { namespace: 'kube-system', workload: 'Deployment kube-system/coredns', image: 'docker.io/evil/coredns:latest' },
        { namespace: 'kube-system', workload: 'DaemonSet kube-system/aws-node', image: '111122223333.dkr.ecr.eu-west-2.amazonaws.com/eks/aws-node:v1' },
        { namespace: 'kube-system', workload: 'DaemonSet kube-system/ebs-csi-node-windows', image: '602401143452.dkr.ecr.eu-west-2.amazonaws.com/eks/aws-ebs-csi-driver:v1' },
        { namespace: 'kube-system', workload: 'Deployment kube-system/other', image: '602401143452.dkr.ecr.eu-west-2.amazonaws.com/eks/coredns:v1' },
        { namespace: 'argocd', workload: 'Deployment argocd/argocd-repo-server', image: 'quay.io/argoproj/argocd:latest' },
        { namespace: 'shop', workload: 'Pod shop/argocd', image: argocdImage },
      ];
    });
    const pinned = `docker.io/library/kong@${kong.digest}`;
    expect(items).toEqual([
      ['image:kong/docker.io/library/kong', pinned, `docker.io/library/kong@sha256:${'0'.repeat(64)}`],
      ['image:shop/docker.io/library/kong', pinned, 'kong:3.9.3'],
      ['image:kube-system/docker.io/evil/miner', 'an image of environments/versions.yaml', 'evil/miner'],
      ['image:kube-system/docker.io/evil/coredns', 'an image of environments/versions.yaml', 'docker.io/evil/coredns:latest'],
      ['image:kube-system/111122223333.dkr.ecr.eu-west-2.amazonaws.com/eks/aws-node', 'an image of environments/versions.yaml', '111122223333.dkr.ecr.eu-west-2.amazonaws.com/eks/aws-node:v1'],
      ['image:kube-system/602401143452.dkr.ecr.eu-west-2.amazonaws.com/eks/coredns', 'an image of environments/versions.yaml', '602401143452.dkr.ecr.eu-west-2.amazonaws.com/eks/coredns:v1'],
      ['image:argocd/quay.io/argoproj/argocd', argocdImage, 'quay.io/argoproj/argocd:latest'],
      ['image:shop/quay.io/argoproj/argocd', 'an image of environments/versions.yaml', argocdImage],
    ]);
  });
});

describe('parseImage', () => {
  it.for([
    ['kong', 'docker.io/library/kong', undefined, undefined],
    ['grafana/grafana:13.2.1', 'docker.io/grafana/grafana', '13.2.1', undefined],
    ['index.docker.io/grafana/grafana', 'docker.io/grafana/grafana', undefined, undefined],
    ['localhost:5000/a/b:c@sha256:1', 'localhost:5000/a/b', 'c', 'sha256:1'],
    ['registry.k8s.io/external-dns/external-dns@sha256:2', 'registry.k8s.io/external-dns/external-dns', undefined, 'sha256:2'],
  ] as const)('G1: %s', ([image, repository, tag, digest]) => { expect(parseImage(image)).toEqual({ repository, tag, digest }); });
});

it('A2: differences name the field on both sides, in lists by index, and nothing that is equal', () => {
  expect(differencesOf({ a: [1, { b: 2 }], same: { x: null } }, { a: [1, { b: 3 }, 4], same: { x: null }, extra: 'e' })).toEqual([
    { path: 'a[1].b', pinned: 2, found: 3 },
    { path: 'a[2]', pinned: undefined, found: 4 },
    { path: 'extra', pinned: undefined, found: 'e' },
  ]);
});
