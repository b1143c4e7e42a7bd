import { describe, expect, it } from 'vitest';
import { previewLines } from '../../../client/cli/render-preview.ts';
import type { ApplicationState } from '../../../domain/applications.ts';
import { componentsUpTo, ROOT_APPLICATION } from '../../../domain/components.ts';
import { clusterProtection } from '../../../domain/protections.ts';
import { type PreviewReadings, teardownPreview } from '../../../domain/teardown-preview.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const plan = ephemeralPlan('teardown');
const application = (name: string, tier?: string): ApplicationState => ({ name, tier, sync: 'Synced', health: 'Healthy', comparedParameters: {}, sourceCompared: true, conditions: [], automated: true, finalizers: [] });
const object = (kind: string, name: string) => ({ kind, id: `arn:${name}`, name });
const readings: PreviewReadings = {
  platform: {
    cluster: { status: 'ACTIVE' },
    argocd: true,
    applications: [application(ROOT_APPLICATION), ...componentsUpTo('1.5', 'ephemeral').map(({ name, tier }) => application(name, tier))],
    objects: [
      object('logs:log-group', 'logs'), object('iam:role', 'role'), object('eks:cluster', 'cluster'), object('ec2:instance', 'node'), object('eks:nodegroup', 'system'), object('iam:oidc-provider', 'oidc'), object('kms:key', 'key'),
      object('elasticloadbalancing:loadbalancer', 'lb'), object('ec2:volume', 'disk'), { kind: 'ec2:volume', id: 'vol-9', name: 'old' },
    ],
    protections: [],
  },
  kubernetesGone: null,
  zone: { value: { name: 'dev.goldenpathidp.io', privateZone: false, nameServers: [] } },
  recordedZoneId: null,
  claimed: true,
  ledger: [],
  owned: [{ name: 'kong.b-21-11-26-01.dev.goldenpathidp.io', type: 'A', values: ['ALIAS lb'], because: 'owner-txt', owner: plan.target.ownerId }],
  recordCount: 7,
  recordProtections: [],
  sources: ['Ingress monitoring/grafana', 'Service kong/kong'],
  drain: { managed: { grafana: ['Deployment monitoring/grafana', 'Ingress monitoring/grafana'] }, claims: ['PersistentVolumeClaim monitoring/data'], keptVolumes: ['PersistentVolume old keeps its disk vol-9: its reclaim policy is Retain'] },
  foundation: [object('ec2:vpc', 'vpc')],
  externalDnsProblems: [],
};
const preview = (changes: Partial<PreviewReadings> = {}, requester = 'ana') => teardownPreview(plan, { ...readings, ...changes }, { requester, now: 5 });
const plain = (_: string, text: string) => text;

describe('teardownPreview', () => {
  it('X5: every object stands once, in the order in which the stages remove it', () => {
    const { steps } = preview();
    expect(steps.map(({ stage, objects }) => [stage, ...objects.map(({ name }) => name)])).toEqual([
      ['workloads', 'grafana', 'alertmanager', 'prometheus'],
      ['dns-sources', 'monitoring/grafana', 'kong/kong'],
      ['load-balancers', 'lb'],
      ['dns-gate', 'kong.b-21-11-26-01.dev.goldenpathidp.io A ALIAS lb (owner-txt, owner goldenpath-dev-21-11-26-01)'],
      ['volumes', 'PersistentVolumeClaim monitoring/data', 'disk'],
      ['controllers', 'cluster-autoscaler', 'kong', 'external-dns', 'external-secrets', 'cert-manager', 'aws-load-balancer-controller', ROOT_APPLICATION, 'Argo CD itself'],
      ['destroy', 'system', 'node', 'cluster', 'role', 'oidc', 'logs', 'key'],
    ]);
    expect(steps[0]?.objects[0]?.objects).toEqual(['Deployment monitoring/grafana', 'Ingress monitoring/grafana']);
    expect(steps[1]?.objects.map(({ note }) => note)).toEqual(['goes with application grafana already', undefined]);
    const removed = steps.flatMap(({ objects }) => objects.map(({ id }) => id));
    expect(readings.platform.objects.filter(({ id }) => id !== 'vol-9' && !removed.includes(id))).toEqual([]);
  });

  it('X5: what stays is said: the foundation, disks that are to be kept, other records of the zone', () => {
    expect(preview().kept.map(({ name }) => name)).toEqual(['vpc', 'PersistentVolume old keeps its disk vol-9: its reclaim policy is Retain', '6 other records of zone dev.goldenpathidp.io', 'receipts and audit trail', 'databases: a teardown of an ephemeral platform looks for none']);
  });

  it('B1: a protection names the approvals it would need, without whoever asks; it is no block', () => {
    const { approvals, blocks } = preview({ platform: { ...readings.platform, protections: [clusterProtection('c')] } }, 'Bob');
    expect(blocks).toEqual([]);
    expect(approvals).toEqual([{ decisions: ['lift', 'abort'], about: ['eks-deletion-protection: cluster c has deletion protection on; turned off in EKS'], approvals: plan.breakGlass.approvals, approvers: plan.breakGlass.approvers.map(({ name }) => name).filter((name) => name !== 'bob'), requester: 'Bob', signatures: plan.breakGlass.signatures }]);
  });

  it('failure 13: an ExternalDNS that cannot delete blocks, and what could be decided about the records is named', () => {
    const { approvals, blocks } = preview({ externalDnsProblems: ['ExternalDNS is scaled to 0'] });
    expect(blocks).toEqual(['ExternalDNS is scaled to 0']);
    expect(approvals).toMatchObject([{ decisions: ['repair', 'leave', 'abort'], about: ['kong.b-21-11-26-01.dev.goldenpathidp.io A ALIAS lb (owner-txt, owner goldenpath-dev-21-11-26-01)'] }]);
  });

  it('failure 36: a Kubernetes API that does not answer blocks, and says what could be decided', () => {
    const { approvals, blocks } = preview({ kubernetesGone: { problem: 'no answer (ECONNREFUSED)', subject: ['the API is gone'] } });
    expect(blocks).toEqual(['the Kubernetes API does not answer: no answer (ECONNREFUSED)']);
    expect(approvals).toMatchObject([{ decisions: ['leave', 'abort'], about: ['the API is gone'] }]);
  });

  it('F3: another zone blocks; a cluster in the making is waited for', () => {
    const { blocks, steps } = preview({ recordedZoneId: 'ZOTHER', platform: { ...readings.platform, cluster: { status: 'CREATING' } } });
    expect(blocks.map((line) => line.split(':')[0])).toEqual(['zone-recorded']);
    expect(steps.at(-1)?.objects.find(({ kind }) => kind === 'eks:cluster')?.note).toBe('is CREATING now; that is waited for before anything else');
  });

  it('X5: where nothing is left it says that there is no platform', () => {
    const none = preview({ platform: { cluster: null, argocd: false, applications: [], objects: [], protections: [] }, owned: [], sources: [], drain: { managed: {}, claims: [], keptVolumes: [] } });
    expect(none.exists).toBe(false);
    expect(previewLines(none, plain)).toEqual([`There is no platform ${plan.target.cluster}. A teardown would remove nothing.`, '  it is gone: the build id was claimed, or receipts name objects of it, and nothing of it is left']);
    const never = preview({ claimed: false, platform: { cluster: null, argocd: false, applications: [], objects: [], protections: [] }, owned: [], sources: [], drain: { managed: {}, claims: [], keptVolumes: [] } });
    expect(never.absence).toContain('buildId: 21-11-26-01 names no platform of dev that ever was');
  });

  it('U1: as text it is a numbered list, each object with its number', () => {
    const lines = previewLines(preview({ platform: { ...readings.platform, protections: [clusterProtection('c')] } }), plain);
    expect(lines).toContain('1. Remove workload tiers above tier 1');
    expect(lines).toContain('   1.1 application grafana, with its 2 objects: 1 Deployment, 1 Ingress');
    expect(lines).toContain('   2.1 Ingress monitoring/grafana; goes with application grafana already');
    expect(lines).toContain('   5.1 PersistentVolumeClaim monitoring/data');
    expect(lines).toContain('   7.2 ec2:instance node (arn:node); goes with its node group, and its disk with it');
    expect(lines).toContain('  - cluster c has deletion protection on; with approval: turned off in EKS');
    expect(lines.at(-1)).toBe('Nothing else would stop it.');
  });
});
