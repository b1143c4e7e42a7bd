import { describe, expect, it } from 'vitest';
import { PLATFORM_NAMESPACES } from '../../../../domain/components.ts';
import { admissionPolicies } from '../../../../domain/manifests/admission.ts';
import { APPLICATION_PLACE, CERTIFICATE_REQUEST_PLACE, NAME_PLACES, POD_PLACES, SECRET_PLACE } from '../../../../domain/manifests/places.ts';
import { breaches, RULES } from '../../../../domain/manifests/rules.ts';
import { TRUSTED_NAMESPACES } from '../../../../domain/manifests/secret-keys.ts';
import { REFUSED_SAMPLES } from '../../../../domain/manifests/samples.ts';
import { LIFECYCLES } from '../../../../domain/tiers.ts';
import { scopeOf } from '../../../support/corpus.ts';

const made = admissionPolicies(scopeOf('ephemeral'));
const policyOf = (name: string) => made.find(({ policy }) => policy.metadata.name === `goldenpath-${name}`)?.policy;

describe('admissionPolicies', () => {
  it('G1: every place has its policy, bound to deny, failing closed, for what is created and what is changed', () => {
    expect(made.map(({ policy }) => policy.metadata.name).toSorted()).toEqual([...NAME_PLACES, CERTIFICATE_REQUEST_PLACE, APPLICATION_PLACE, SECRET_PLACE, ...POD_PLACES].map(({ policy }) => `goldenpath-${policy}`).toSorted());
    for (const { policy, binding } of made) {
      expect(binding.spec).toEqual({ policyName: policy.metadata.name, validationActions: ['Deny', 'Audit'] });
      expect(policy.spec.failurePolicy).toBe('Fail');
      for (const { operations } of policy.spec.matchConstraints.resourceRules) expect(operations).toEqual(['CREATE', 'UPDATE']);
    }
  });

  it('G1: every rule about objects is in some policy, under its own name', () => {
    const messages = made.flatMap(({ policy }) => policy.spec.validations.map(({ message }) => message));
    for (const [rule, { demand }] of Object.entries(RULES)) expect(messages.some((message) => message.startsWith(`${rule} (`) && message.includes(demand))).toBe(!['kubernetes-document', 'no-metadata-file'].includes(rule));
  });

  it('G1: the control plane’s namespaces are exempt, Argo CD’s only from the images, whose pinned manifest has tags', () => {
    const exempt = Object.fromEntries(made.map(({ policy }) => [policy.metadata.name, policy.spec.matchConstraints.namespaceSelector.matchExpressions]));
    const notIn = (...values: string[]) => [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values }];
    expect(exempt['goldenpath-ingresses']).toEqual(notIn('kube-system', 'kube-public', 'kube-node-lease'));
    expect(exempt['goldenpath-applications']).toEqual(notIn('kube-system', 'kube-public', 'kube-node-lease'));
    expect(exempt['goldenpath-workloads']).toEqual(notIn('kube-system', 'kube-public', 'kube-node-lease', 'argocd'));
    expect(exempt['goldenpath-external-secrets']).toEqual(notIn(...TRUSTED_NAMESPACES));
    expect(TRUSTED_NAMESPACES).toEqual(expect.arrayContaining(['kube-system', 'kube-public', 'kube-node-lease', ...PLATFORM_NAMESPACES]));
  });

  it('G1: an ephemeral container is judged as well', () => {
    expect(policyOf('pods')?.spec.matchConstraints.resourceRules).toEqual([{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['pods', 'pods/ephemeralcontainers'] }]);
  });

  it('D1: paths become CEL that misses nothing and stumbles over nothing that is absent', () => {
    const names = policyOf('ingresses')?.spec.variables.find(({ name }) => name === 'now')?.expression;
    expect(names).toContain('object.?spec.?rules.orValue([]).map(item0, item0.?host.orValue("")).join(",")');
    expect(names).toContain('object.?spec.?tls.orValue([]).map(item0, item0.?hosts.orValue([]).join(",")).join(",")');
    expect(names).toContain('object.metadata.?annotations[?"external-dns.alpha.kubernetes.io/internal-hostname"].orValue("")');
    const outside = policyOf('ingresses')?.spec.variables.find(({ name }) => name === 'names')?.expression;
    expect(outside).toContain('(name == "b-21-11-26-01.dev.goldenpathidp.io" || name.endsWith(".b-21-11-26-01.dev.goldenpathidp.io"))');
  });

  it('G1: keys are held to the environment and to the namespace of the request, in every version of the kinds', () => {
    const { matchConstraints, variables } = policyOf('external-secrets')?.spec ?? {};
    expect(matchConstraints?.resourceRules.map(({ apiGroups, apiVersions, resources }) => [apiGroups, apiVersions, resources])).toEqual([[['external-secrets.io'], ['*'], ['externalsecrets']], [['external-secrets.io'], ['*'], ['secretstores']]]);
    expect(variables?.find(({ name }) => name === 'own')?.expression).toBe('request.namespace in ["backstage", "grafana", "keycloak", "oidc"] ? [] : ["goldenpath/dev/" + request.namespace + "/"]');
    expect(variables?.find(({ name }) => name === 'now')?.expression).toContain('dyn(object.?spec.?data.orValue([]).map(item, item.?remoteRef.?key.orValue("")).filter(');
  });

  it('A4: the tiers are those up to the ceiling', () => {
    expect(policyOf('applications')?.spec.variables).toEqual([
      { name: 'before', expression: 'oldObject == null ? [] : [oldObject.metadata.?labels[?"goldenpath.idp/tier"].orValue("no tier")]' },
      { name: 'now', expression: '[object.metadata.?labels[?"goldenpath.idp/tier"].orValue("no tier")]' },
      { name: 'tiersBefore', expression: 'variables.before.filter(tier, !(tier in ["0", "1", "1.5"]))' },
      { name: 'tiers', expression: 'variables.now.filter(tier, !(tier in ["0", "1", "1.5"])).filter(found, !(found in variables.tiersBefore))' },
    ]);
  });

  it('D1: a persistent platform’s names keep out of every build’s subtree', () => {
    const persistent = JSON.stringify(admissionPolicies(scopeOf('persistent')));
    expect(persistent).toContain('(^|[.])b-[^.][^.]-[^.][^.]-[^.][^.]-[^.][^.][.]dev[.]goldenpathidp[.]io$');
    expect(JSON.stringify(made)).not.toContain('b-[^.]');
  });
});

describe('REFUSED_SAMPLES', () => {
  it.each(REFUSED_SAMPLES.map(({ policy, object }) => [policy, object] as const))('G1: the check refuses the sample of %s as well', (policy, object) => {
    expect(policyOf(policy)).toBeDefined();
    for (const lifecycle of LIFECYCLES) expect(breaches(object, scopeOf(lifecycle))).toHaveLength(1);
  });

  it('G1: every policy about kinds that a platform serves has one', () => {
    expect(made.map(({ policy }) => policy.metadata.name).filter((name) => !REFUSED_SAMPLES.some(({ policy }) => name === `goldenpath-${policy}`))).toEqual(['goldenpath-gateways', 'goldenpath-routes', 'goldenpath-dns-endpoints']);
  });
});
