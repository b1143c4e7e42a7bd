// The pure pieces of installing, steering, freezing and removing Argo CD (A2–A4, T1, failures 1, 2, 6, 7).
import { describe, expect, it } from 'vitest';
import { argocdObjects, bootstrapConfig, rootApplication } from '../../../activities/argocd.ts';
import { type Application, applicationState, dueForRefresh, isStale, type Nudge, remaining } from '../../../activities/argocd-applications.ts';
import { freezingPatches, uncompared } from '../../../activities/argocd-freeze.ts';
import { removalRank } from '../../../activities/argocd-removal.ts';
import { added, type BootstrapValues } from '../../../domain/root-application.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const plan = ephemeralPlan();
const values: BootstrapValues = { target: plan.target, maxTier: '1.5', gitops: plan.gitops, images: plan.versions.images, externalDns: { enabled: false }, roleArns: { 'external-dns': 'arn:x' }, vpcId: 'vpc-1', storageClassReady: true, offers: { rdsAvailable: false, s3Available: false } };
const FINALIZER = 'resources-finalizer.argocd.argoproj.io';
const named = (name: string, wave?: string): Application => ({ metadata: { name, ...(wave === undefined ? {} : { annotations: { 'argocd.argoproj.io/sync-wave': wave } }) } });

describe('installing', () => {
  it('A2: only namespaced objects get the namespace; the product adds its settings to what is there', () => {
    const [role, config, other] = argocdObjects(
      [{ kind: 'ClusterRole', metadata: { name: 'r' } }, { kind: 'ConfigMap', metadata: { name: 'argocd-cm' }, data: { kept: 'yes' } }, { kind: 'ConfigMap', metadata: { name: 'argocd-rbac-cm' } }] as never[],
      ({ kind }) => kind === 'ConfigMap',
    );
    expect(role).toEqual({ kind: 'ClusterRole', metadata: { name: 'r' } });
    expect(config).toMatchObject({ metadata: { name: 'argocd-cm', namespace: 'argocd' }, data: { kept: 'yes', 'resource.customizations.health.argoproj.io_Application': expect.stringContaining('hs.status = obj.status.health.status') as string } });
    expect(other).toEqual({ kind: 'ConfigMap', metadata: { name: 'argocd-rbac-cm', namespace: 'argocd' } });
  });
});

describe('the bootstrap contract', () => {
  it('A3: the ConfigMap holds exactly the contract, as strings', () => {
    expect(bootstrapConfig(values).data).toEqual({
      'bootstrap.mode': 'ephemeral', 'bootstrap.maxTier': '1.5', 'bootstrap.env': 'dev', 'bootstrap.buildId': '21-11-26-01',
      'platform.rdsAvailable': 'false', 'platform.storageClassReady': 'true', 'platform.irsaConfigured': 'true', 'platform.s3Available': 'false',
      'dns.hostSuffix': 'b-21-11-26-01.dev.goldenpathidp.io', 'dns.ownerId': 'goldenpath-dev-21-11-26-01',
    });
  });

  it('A3, A4: the root application gets the same as values, and the gate alone as a string parameter', () => {
    const { metadata, spec } = rootApplication(values);
    expect(metadata).toMatchObject({ name: 'goldenpath', namespace: 'argocd', labels: { 'goldenpath.idp/tier': '0' }, finalizers: [FINALIZER] });
    expect(spec?.source).toMatchObject({ repoURL: plan.gitops.repoUrl, targetRevision: 'main', path: 'gitops/root', helm: { parameters: [{ name: 'bootstrap.maxTier', value: '1.5', forceString: true }] } });
    expect(spec?.source?.helm?.valuesObject).toMatchObject({
      bootstrap: { mode: 'ephemeral', env: 'dev', buildId: '21-11-26-01' },
      dns: { hostSuffix: 'b-21-11-26-01.dev.goldenpathidp.io', ownerId: 'goldenpath-dev-21-11-26-01', hostedZoneId: plan.target.hostedZoneId, externalDnsEnabled: false },
      cluster: { name: 'goldenpath-dev-eks-21-11-26-01', vpcId: 'vpc-1', tags: plan.target.tags },
    });
    expect(spec?.syncPolicy?.automated).toEqual({ prune: true, selfHeal: true });
  });

  it('A3: what the foundation offers is told as it was read, and what only a persistent plan has comes along', () => {
    const offered: BootstrapValues = { ...values, offers: { rdsAvailable: true, s3Available: true }, objectStorage: { lokiBucket: 'goldenpath-dev-loki' }, tls: { issuerEmail: 'platform@example.org' } };
    expect(bootstrapConfig(offered).data).toMatchObject({ 'platform.rdsAvailable': 'true', 'platform.s3Available': 'true' });
    expect(rootApplication(offered).spec?.source?.helm?.valuesObject).toMatchObject({ platform: { rdsAvailable: true, s3Available: true }, objectStorage: { lokiBucket: 'goldenpath-dev-loki' }, tls: { issuerEmail: 'platform@example.org' } });
    expect(Object.keys(rootApplication(values).spec?.source?.helm?.valuesObject ?? {})).not.toContain('objectStorage');
  });

  it('T4: the root is told of the ephemeral Backstage only where the plan has it', () => {
    expect(rootApplication({ ...values, backstage: { ephemeral: true } }).spec?.source?.helm?.valuesObject).toMatchObject({ backstage: { ephemeral: true } });
    expect(Object.keys(rootApplication(values).spec?.source?.helm?.valuesObject ?? {})).not.toContain('backstage');
  });

  it('T1: two gates differ in that one parameter and in nothing else', () => {
    const differing = (maxTier: '1' | '1.5') => JSON.stringify(rootApplication({ ...values, maxTier })).replaceAll(`"value":"${maxTier}"`, '"value":"?"');
    expect(differing('1')).toBe(differing('1.5'));
  });
});

it('A3: what somebody added to the root application is named for removal, and nothing that is ours', () => {
  const wanted = { path: 'gitops/root', helm: { valuesObject: { dns: { hostSuffix: 'a' }, images: {} }, parameters: [{ name: 'x' }] } };
  expect(added(wanted, structuredClone(wanted))).toBeUndefined();
  expect(added(wanted, { ...wanted, directory: { recurse: true }, helm: { ...wanted.helm, fileParameters: [{ name: 'y' }], valuesObject: { dns: { hostSuffix: 'a', extra: 1 }, images: {}, components: [{ name: 'miner' }] } } })).toEqual({
    directory: null, helm: { fileParameters: null, valuesObject: { dns: { extra: null }, components: null } },
  });
});

describe('reading applications', () => {
  it('T1: a status becomes what the verdict needs', () => {
    expect(applicationState({
      metadata: { name: 'kong', labels: { 'goldenpath.idp/tier': '1' }, finalizers: [FINALIZER] },
      spec: { syncPolicy: { automated: {} } },
      status: { sync: { status: 'OutOfSync', comparedTo: { source: { helm: { parameters: [{ name: 'bootstrap.maxTier', value: '1' }] } } } }, health: { status: 'Degraded', message: 'no address' }, operationState: { phase: 'Failed', message: 'denied' }, conditions: [{ type: 'ComparisonError', message: 'no repository' }, { type: 'OrphanedResourceWarning', message: 'x' }] },
    })).toEqual({ name: 'kong', tier: '1', sync: 'OutOfSync', health: 'Degraded', healthMessage: 'no address', comparedParameters: { 'bootstrap.maxTier': '1' }, sourceCompared: false, operation: 'Failed', operationMessage: 'denied', conditions: ['ComparisonError: no repository'], automated: true, finalizers: [FINALIZER] });
  });

  it('T1: an application without a status is Unknown, never Healthy', () => {
    expect(applicationState(named('new'))).toMatchObject({ sync: 'Unknown', health: 'Unknown', automated: false, comparedParameters: {} });
  });

  it('T1: which source was compared is told by the whole of it, whatever Argo CD leaves out of its copy', () => {
    const source = rootApplication(values).spec?.source ?? {};
    const compared = (now: object, before: object | undefined) => applicationState({ ...named('goldenpath'), spec: { source: now }, status: { sync: { status: 'Synced', ...(before === undefined ? {} : { comparedTo: { source: before } }) } } }).sourceCompared;
    expect(compared(source, structuredClone(source))).toBe(true);
    expect(compared({ ...source, chart: '', helm: { ...source.helm, skipCrds: false, valueFiles: [] } }, source)).toBe(true);
    for (const other of [rootApplication({ ...values, gitops: { ...values.gitops, revision: 'v9' } }), rootApplication({ ...values, maxTier: '1' }), rootApplication({ ...values, vpcId: 'vpc-of-another' })]) expect(compared(other.spec?.source ?? {}, source)).toBe(false);
    expect(compared({ ...source, helm: { ...source.helm, valuesObject: { enabled: false } } }, { ...source, helm: { ...source.helm, valuesObject: {} } })).toBe(false); // values are kept as they are
    expect(compared(source, undefined)).toBe(false);
    // Asked to look again, Argo CD has not looked yet.
    expect(applicationState({ metadata: { name: 'kong', annotations: { 'argocd.argoproj.io/refresh': 'normal' } }, spec: { source }, status: { sync: { comparedTo: { source } } } }).sourceCompared).toBe(false);
  });

  it('failure 3: what is left says why', () => {
    expect(remaining({ metadata: { name: 'kong', deletionTimestamp: new Date(0), finalizers: [FINALIZER] }, status: { conditions: [{ type: 'DeletionError', message: 'webhook refused' }] } })).toBe(`application kong is being deleted, finalizers ${FINALIZER}: webhook refused`);
    expect(remaining(named('kong'))).toBe('application kong is not being deleted');
  });
});

describe('asking Argo CD to look again', () => {
  const state = (changes: object) => ({ ...applicationState(named('kong')), sync: 'Synced', health: 'Healthy', operation: 'Succeeded', sourceCompared: true, revision: 'a1', ...changes });
  const root = state({ name: 'goldenpath', comparedParameters: { 'bootstrap.maxTier': '1.5' } });

  it('T1: a finished sync without health may be old news; a running one is not', () => {
    expect(isStale(state({ health: 'Degraded' }), '1', root)).toBe(true);
    expect(isStale(state({ health: 'Progressing' }), '1', root)).toBe(true);
    expect(isStale(state({ health: 'Degraded', operation: 'Running' }), '1', root)).toBe(false);
    expect(isStale(state({ health: 'Missing', sync: 'OutOfSync' }), '1', root)).toBe(false);
    expect(isStale(state({}), '1', root)).toBe(false);
  });

  it('T1: what was compared with another source than it has now is old news', () => {
    expect(isStale(state({ sourceCompared: false }), '1', root)).toBe(true);
    expect(isStale(state({ sourceCompared: false, operation: 'Running' }), '1', root)).toBe(true);
    expect(isStale(state({ name: 'goldenpath', sourceCompared: false, comparedParameters: { 'bootstrap.maxTier': '1' } }), '1', root)).toBe(true);
  });

  it('T1: what was compared at another commit than the root is old news; what was never compared is new', () => {
    expect(isStale(state({ revision: 'b2' }), '1.5', root)).toBe(true);
    expect(isStale(state({ revision: 'b2' }), '1.5', undefined)).toBe(false);
    expect(isStale(state({ revision: undefined, sourceCompared: false }), '1.5', root)).toBe(false);
  });

  it('T1: a root that reads Synced and Healthy at the old gate is old news', () => {
    expect(isStale(state({ name: 'goldenpath', comparedParameters: { 'bootstrap.maxTier': '1' } }), '1.5', root)).toBe(true);
    expect(isStale(state({ name: 'goldenpath', comparedParameters: { 'bootstrap.maxTier': '1.5' }, health: 'Progressing' }), '1.5', root)).toBe(false);
  });

  it('T1: it is asked after 2 s and then ever more rarely, up to every 30 s, and anew once it was well', () => {
    const nudges = new Map<string, Nudge>();
    const asked: number[] = [];
    for (let second = 0; second <= 100; second += 1) if (dueForRefresh(nudges, ['kong'], second * 1_000).length > 0) asked.push(second);
    expect(asked).toEqual([2, 6, 14, 30, 60, 90]);
    expect(dueForRefresh(nudges, [], 101_000)).toEqual([]);
    expect(dueForRefresh(nudges, ['kong'], 102_000)).toEqual([]);
    expect(dueForRefresh(nudges, ['kong'], 104_000)).toEqual(['kong']);
  });
});

describe('freezing', () => {
  const patchesOf = (application: Application) => freezingPatches(application).map(({ change }) => change);

  it('failures 1, 2: automated sync goes, the cascading finalizer comes', () => {
    expect(patchesOf({ metadata: { name: 'x', finalizers: ['other'] }, spec: { syncPolicy: { automated: {} } } })).toEqual([{ metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } }, spec: { syncPolicy: { automated: null } } }, { metadata: { finalizers: ['other', FINALIZER] } }]);
  });

  it('failure 1: a running sync is terminated, one that has not begun is taken back, a terminating one is awaited', () => {
    const frozen = { metadata: { finalizers: [`${FINALIZER}/background`] }, operation: {} };
    expect(patchesOf({ ...frozen, status: { operationState: { phase: 'Running' } } })).toEqual([{ status: { operationState: { phase: 'Terminating' } } }]);
    expect(patchesOf({ ...frozen, status: { operationState: { phase: 'Succeeded' } } })).toEqual([{ operation: null }]);
    expect(patchesOf({ ...frozen, status: { operationState: { phase: 'Terminating' } } })).toEqual([]);
  });

  it('failure 1: an application counts as frozen only when Argo CD has compared it since, for a comparison under way may still start a sync; one that is being deleted starts none', () => {
    const asked = { name: 'kong', annotations: { 'argocd.argoproj.io/refresh': 'normal' } };
    expect(uncompared({ metadata: asked })).toEqual(['application kong: Argo CD has not compared it since it was frozen']);
    expect(uncompared({ metadata: { ...asked, annotations: { other: 'x' } } })).toEqual([]);
    expect(uncompared({ metadata: { ...asked, deletionTimestamp: new Date(0) } })).toEqual([]);
  });

  it('failure 2: an application that is being deleted cannot get a finalizer', () => {
    expect(patchesOf({ metadata: { name: 'x', deletionTimestamp: new Date(0) } })).toEqual([]);
  });
});

describe('removing', () => {
  it('failures 2, 7, 12: highest wave first, the load balancer controller after the others whatever its wave, the root last', () => {
    const order = [named('goldenpath'), named('aws-load-balancer-controller', '99'), named('cert-manager', '6'), named('kong', '30'), named('early', '-5')].toSorted((a, b) => removalRank(b) - removalRank(a));
    expect(order.map(({ metadata }) => metadata?.name)).toEqual(['kong', 'cert-manager', 'early', 'aws-load-balancer-controller', 'goldenpath']);
  });
});
