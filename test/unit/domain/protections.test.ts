import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeDecisionRequest } from '../../../domain/break-glass.ts';
import type { OwnedRecord } from '../../../domain/dns-records.ts';
import {
  asksForProtection, balancerProtection, budgetProtection, clusterProtection, confirmationProtection, demandDecidedOn, isDecidedOn, keptProtection, liftSubject, ownRecordProtections, type Protection,
  protectionLine, recordProtection, settingProtection, syncOption, uncascadingProtection, unprunedProtection, withoutProtection,
} from '../../../domain/protections.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const plan = ephemeralPlan('teardown');
const cluster = clusterProtection('goldenpath-dev-eks-21-11-26-01');
const balancer = balancerProtection({ name: 'k8s-kong', arn: 'arn:lb/1' });
const record = recordProtection({ name: 'kong.b-21-11-26-01.dev.goldenpathidp.io.', type: 'A', comment: 'ask ops' });
const setting = settingProtection('Service kong/kong-proxy', 'annotation service.beta.kubernetes.io/aws-load-balancer-attributes');
const confirmation = confirmationProtection('kong', ['Namespace kong']);
const budget = budgetProtection('PodDisruptionBudget kong/kong');
const kept = keptProtection('Ingress kong/status', 'Delete=false', 'dns-source');
const all = [cluster, balancer, record, setting, confirmation, budget, kept, unprunedProtection('Service kong/kong'), uncascadingProtection('kong')];
const request = (protections: readonly Protection[]) => makeDecisionRequest(plan, { runId: 'r', requester: 'ana', gate: 'inventory', subject: liftSubject(protections), decisions: ['lift', 'abort'], sequence: 1, now: 0 });

describe('what needs approval', () => {
  it('item 9: what somebody told AWS or Argo CD to refuse; not what only leaves objects alone or slows a drain', () => {
    expect(all.filter(({ needsApproval }) => needsApproval).map(({ kind }) => kind)).toEqual(['eks-deletion-protection', 'load-balancer-deletion-protection', 'record-set-protection', 'load-balancer-setting', 'argocd-confirmation']);
    expect(all.filter(({ needsApproval }) => !needsApproval).map(({ kind }) => kind)).toEqual(['disruption-budget', 'argocd-kept', 'argocd-unpruned', 'application-not-cascading']);
  });

  it('B1: all of it is one list, whose lines say what protects what, and what would be done', () => {
    expect(liftSubject(all)).toEqual([
      'argocd-confirmation: Argo CD asks for confirmation before it deletes application kong, for Namespace kong; confirmed to Argo CD when the application is deleted',
      'eks-deletion-protection: cluster goldenpath-dev-eks-21-11-26-01 has deletion protection on; turned off in EKS',
      'load-balancer-deletion-protection: load balancer k8s-kong has deletion protection on (arn:lb/1); turned off in ELBv2',
      'load-balancer-setting: Service kong/kong-proxy asks for deletion_protection.enabled in annotation service.beta.kubernetes.io/aws-load-balancer-attributes; set to false, once GitOps is frozen and cannot put it back',
      'record-set-protection: Route 53 protects every record set kong.b-21-11-26-01.dev.goldenpathidp.io A, comment "ask ops"; removed in Route 53: one protected name fails the whole batch in which ExternalDNS deletes',
    ]);
  });

  it('B1: the order in which they are found does not matter, any other change does', () => {
    const pool = [cluster, balancer, record, setting, confirmation];
    fc.assert(fc.property(fc.subarray(pool), fc.subarray(pool), fc.integer(), (asked, found, seed) => {
      const shuffled = found.toSorted((a, b) => Math.sin(seed + a.what.length) - Math.sin(seed + b.what.length));
      const same = asked.length === found.length && found.every((one) => asked.includes(one));
      expect(isDecidedOn([...shuffled, budget], request(asked))).toBe(same);
    }));
  });

  it('B1: who lifts finds nothing that was not decided on; what is gone by then is no obstacle', () => {
    const decided = request([cluster, balancer]);
    expect(() => { demandDecidedOn([cluster, balancer, budget], decided); }).not.toThrow();
    expect(() => { demandDecidedOn([balancer], decided); }).not.toThrow();
    expect(() => { demandDecidedOn([balancer, record], decided); }).toThrow(expect.objectContaining({ type: 'PreflightFailed', problems: [protectionLine(record)] }));
  });
});

describe('what they are read from', () => {
  it.each([
    ['deletion_protection.enabled=true', true],
    ['idle_timeout.timeout_seconds=60, deletion_protection.enabled=TRUE', true],
    ['deletion_protection.enabled=false', false],
    ['x.deletion_protection.enabled=true', false],
    ['', false],
  ])('failure 21: the attributes %j ask for protection: %s', (attributes, asks) => { expect(asksForProtection(attributes)).toBe(asks); });

  it('failure 21: only the protection is taken out of the attributes, and said to be off', () => {
    expect(withoutProtection('idle_timeout.timeout_seconds=60, deletion_protection.enabled=true,access_logs.s3.prefix=a=b')).toBe('idle_timeout.timeout_seconds=60,deletion_protection.enabled=false,access_logs.s3.prefix=a=b');
    fc.assert(fc.property(fc.string(), (text) => { expect(asksForProtection(withoutProtection(`${text},deletion_protection.enabled=true`))).toBe(false); }));
  });

  it('item 9: sync options are read as Argo CD reads them', () => {
    expect(syncOption('Prune=false, Delete=false', 'Delete')).toBe('false');
    expect(syncOption('Delete=confirm', 'Delete')).toBe('confirm');
    expect(syncOption(['CreateNamespace=true', 'Prune=false'], 'Prune')).toBe('false');
    expect(syncOption(undefined, 'Delete')).toBeUndefined();
  });

  it('failure 41: those on the platform’s records count, and those inside an ephemeral suffix; a neighbour’s never', () => {
    const names = ['kong.b-21-11-26-01.dev.goldenpathidp.io', '\\052.apps.b-21-11-26-01.dev.goldenpathidp.io.', 'reserved.b-21-11-26-01.dev.goldenpathidp.io', 'kong.b-21-11-26-011.dev.goldenpathidp.io', 'dev.goldenpathidp.io', 'outside.dev.goldenpathidp.io'];
    const protections = names.map((name) => ({ name, type: 'A' }));
    const owned: OwnedRecord[] = [{ name: '*.apps.b-21-11-26-01.dev.goldenpathidp.io', type: 'A', values: ['x'], because: 'owner-txt' }, { name: 'outside.dev.goldenpathidp.io', type: 'TXT', values: ['x'], because: 'registry-txt' }];
    expect(ownRecordProtections(protections, owned, plan.target).map(({ name }) => name)).toEqual(names.slice(0, 3));
    expect(ownRecordProtections(protections, owned, { ...plan.target, lifecycle: 'persistent', hostSuffix: 'dev.goldenpathidp.io' }).map(({ name }) => name)).toEqual(names.slice(1, 2));
  });

  it('failures 2, 8: what needs nobody says what becomes of it', () => {
    expect([budget, kept, uncascadingProtection('kong')].map(protectionLine)).toEqual([
      'disruption-budget: PodDisruptionBudget kong/kong allows no disruption now; stays: the run drains no node itself, and EKS terminates a node by force that is not drained within 5 minutes',
      'argocd-kept: Ingress kong/status has Delete=false: Argo CD leaves it when its application is deleted; deleted by the run itself with the other DNS sources, before the DNS gate',
      'application-not-cascading: application kong has no finalizer by which its deletion takes its objects along; gets the finalizer when GitOps is frozen, before anything is deleted',
    ]);
  });
});
