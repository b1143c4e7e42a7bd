import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../domain/environment.ts';
import { canonicalJson, hashOf } from '../../../domain/hash.ts';
import { applicationsUpTo, makePlan, planProblem, teardownOf } from '../../../domain/plan.ts';
import { bootstrapRequestSchema, problemsOf } from '../../../domain/request.ts';
import { compareTiers, deliveredTiers, maxTierFor, TIERS } from '../../../domain/tiers.ts';
import { versionsSchema } from '../../../domain/versions.ts';
import { environment, ephemeralPlan, persistentPlan, versions } from '../../support/plans.ts';
import { buildId } from './arbitraries.ts';

describe('tiers', () => {
  it('F2: the lifecycle alone decides the ceiling', () => {
    expect(maxTierFor('ephemeral')).toBe('1.5');
    expect(maxTierFor('persistent')).toBe('3');
  });
  it('Words: tiers are strings that compare as numbers', () => { expect([...TIERS].toSorted(compareTiers)).toEqual(['0', '1', '1.5', '2', '3']); });
  it('T1: an ephemeral platform is delivered tiers 1 and 1.5', () => { expect(deliveredTiers('ephemeral')).toEqual(['1', '1.5']); });
});

describe('makePlan', () => {
  it('F1: equal inputs give the equal plan and hash; another build id another hash', () => {
    expect(ephemeralPlan()).toEqual(ephemeralPlan());
    expect(ephemeralPlan('bootstrap', '21-11-26-02').hash).not.toBe(ephemeralPlan().hash);
    expect(ephemeralPlan('teardown').hash).not.toBe(ephemeralPlan('bootstrap').hash);
  });

  it('F1: a plan changed on its way is noticed', () => {
    const plan = ephemeralPlan();
    expect(planProblem(plan)).toBeUndefined();
    expect(planProblem({ ...plan, target: { ...plan.target, hostSuffix: plan.target.zone } })).toContain('the plan was changed after it was made');
  });

  it('X1: a plan that names its platform in two ways is refused, whatever it hashes to: it would prove that another one’s records are gone', () => {
    const { hash: _, ...plan } = ephemeralPlan('teardown', '21-11-26-01');
    const other = ephemeralPlan('teardown', '21-11-26-77').target;
    for (const field of ['ownerId', 'hostSuffix', 'workflowId', 'buildId'] as const) {
      const forged = { ...plan, target: { ...plan.target, [field]: other[field] } };
      expect(planProblem({ ...forged, hash: hashOf(forged) })).toBe(`the plan contradicts itself: ${field} is ${other[field] ?? ''}, of cluster ${plan.target.cluster} it is ${plan.target[field] ?? ''}`);
    }
  });

  it('F1: survives the JSON of a payload', () => { expect(planProblem(JSON.parse(JSON.stringify(ephemeralPlan())))).toBeUndefined(); });

  it('T: an ephemeral plan lists the components of tiers 1 and 1.5 only', () => {
    expect(ephemeralPlan().tiers.map(({ tier, components }) => [tier, components.map(({ name }) => name)])).toEqual([
      ['1', ['aws-load-balancer-controller', 'cert-manager', 'external-secrets', 'external-dns', 'kong', 'cluster-autoscaler']],
      ['1.5', ['prometheus', 'alertmanager', 'grafana']],
    ]);
  });

  it('F3: an environment without ExternalDNS expects no such application', () => {
    const { dns } = environment();
    const names = applicationsUpTo(ephemeralPlan('bootstrap', '21-11-26-01', { dns: { ...dns, externalDns: { enabled: false } } }), '1.5').map(({ name }) => name);
    expect(names).toContain('kong');
    expect(names).toContain('grafana');
    expect(names).not.toContain('external-dns');
  });

  it('T4: an environment that enables it has Backstage in tier 1.5 of its builds, and every other plan keeps its hash', () => {
    const enabled = ephemeralPlan('bootstrap', '21-11-26-01', { backstage: { ephemeral: true } });
    expect(enabled.tiers.map(({ tier, components }) => [tier, components.at(-1)?.name])).toEqual([['1', 'cluster-autoscaler'], ['1.5', 'backstage']]);
    expect([enabled.maxTier, enabled.backstage, enabled.databases]).toEqual(['1.5', { ephemeral: true }, undefined]);
    expect(ephemeralPlan('bootstrap', '21-11-26-01', { backstage: { ephemeral: false } })).toEqual(ephemeralPlan());
    expect(Object.keys(ephemeralPlan())).not.toContain('backstage');
    expect(JSON.stringify(persistentPlan())).not.toContain('lifecycle":"ephemeral');
  });

  it('T4, F4: the secret of the builds’ client is demanded of builds and of the persistent platform, which tells Keycloak; only where it is enabled, and once', () => {
    const backstage = { ephemeral: true };
    const wanted = { name: 'goldenpath/dev/oidc/backstage-builds', keys: ['secret'], tier: '1.5' };
    expect(ephemeralPlan('bootstrap', '21-11-26-01', { backstage }).secrets).toEqual([...ephemeralPlan().secrets, wanted]);
    expect(persistentPlan('bootstrap', { backstage }).secrets).toContainEqual(wanted);
    expect(persistentPlan().secrets.map(({ name }) => name)).not.toContain(wanted.name);
    const declared = { ...wanted, keys: ['secret', 'note'], tier: '1.5' as const };
    expect(ephemeralPlan('bootstrap', '21-11-26-01', { backstage, secrets: [declared] }).secrets.filter(({ name }) => name === wanted.name)).toEqual([declared]);
  });

  it('T4: the persistent platform of such an environment has the same components as ever', () => {
    expect(persistentPlan('bootstrap', { backstage: { ephemeral: true } }).tiers).toEqual(persistentPlan().tiers);
  });

  it('C1: charts that the version manifest pins are rendered at that commit, whatever the environment’s revision; another commit is another plan', () => {
    const input = { operation: 'bootstrap', environment: environment(), lifecycle: 'persistent', buildId: null } as const;
    const at = (commit: string) => makePlan({ ...input, versions: { ...versions(), charts: { commit } } });
    expect(at('a'.repeat(40)).gitops).toEqual({ ...environment().gitops, revision: 'a'.repeat(40) });
    expect(at('a'.repeat(40)).hash).not.toBe(at('b'.repeat(40)).hash);
    expect(makePlan({ ...input, versions: versions() }).gitops.revision).toBe('main');
    expect(versionsSchema.safeParse({ ...versions(), charts: { commit: 'main' } }).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual(['charts.commit: must be a whole commit id: forty characters, 0-9 and a-f']);
  });

  it('D1: every host suffix lies inside its zone and never is the base name', () => {
    fc.assert(fc.property(buildId, (id) => {
      const { hostSuffix, zone } = ephemeralPlan('bootstrap', id).target;
      expect(hostSuffix).toBe(`b-${id}.${zone}`);
    }), { numRuns: 20 });
  });

  it('X2: the gate’s deadline is five minutes where durations are not scaled', () => {
    expect(makePlan({ operation: 'teardown', environment: environment('dev', { timings: { scale: 1, lateSweeps: true } }), lifecycle: 'ephemeral', buildId: '21-11-26-01', versions: versions() }).timings.dnsGate.deadlineMs).toBe(300_000);
  });
});

describe('teardownOf', () => {
  it('X6: the teardown that a bootstrap goes on as has the plan that a person’s teardown would have', () => {
    for (const plan of [ephemeralPlan(), persistentPlan()]) {
      expect(teardownOf(plan)).toEqual(makePlan({ operation: 'teardown', environment: environment(), lifecycle: plan.target.lifecycle, buildId: plan.target.buildId, versions: versions() }));
    }
  });
});

describe('hashing', () => {
  it('F1: the order of keys does not matter, everything else does', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).toReversed());
      expect(hashOf(reversed)).toBe(hashOf(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }));
  });
});

describe('requests and environments', () => {
  const base = { environment: 'dev', lifecycle: 'ephemeral', buildId: '21-11-26-01', requester: 'ana', onFailure: 'fail' };
  const problems = (request: unknown) => {
    const result = bootstrapRequestSchema.safeParse(request);
    return result.success ? [] : problemsOf(result.error, 'request');
  };
  it('F5: a persistent platform has no build id', () => {
    expect(problems({ ...base, lifecycle: 'persistent' })).toEqual(['request: buildId: is 21-11-26-01, but a persistent platform has no build id: leave it out, or ask for lifecycle ephemeral']);
  });
  it('F5: an ephemeral platform needs one', () => {
    expect(problems({ ...base, buildId: null })).toEqual(['request: buildId: is missing: an ephemeral platform needs one, DD-MM-YY-NN, e.g. 23-01-26-01']);
  });
  it('F2: no request can override the tier', () => { expect(problems({ ...base, maxTier: '3' })).toEqual(['request: (whole): Unrecognized key: "maxTier"']); });
  it('F3: each committed environment file is valid', () => { for (const name of ['dev', 'staging', 'prod']) expect(environment(name).name).toBe(name); });
  it('T4: an environment says whether its builds have Backstage, with yes or no and nothing else', () => {
    const problemsWith = (backstage: unknown) => {
      const result = environmentSchema.safeParse({ ...environment(), backstage });
      return result.success ? [] : problemsOf(result.error, 'dev.yaml');
    };
    for (const sound of [undefined, { ephemeral: true }, { ephemeral: false }]) expect(problemsWith(sound)).toEqual([]);
    expect(problemsWith({ ephemeral: 'yes' })).toEqual([expect.stringContaining('dev.yaml: backstage.ephemeral: ') as string]);
    expect(problemsWith({ ephemeral: true, persistent: true })).toEqual([expect.stringContaining('"persistent"') as string]);
  });
  it('F3: a zone outside its parent is refused, naming the field', () => {
    const dev = environment();
    const result = environmentSchema.safeParse({ ...dev, dns: { ...dev.dns, zone: 'dev.elsewhere.io' } });
    expect(result.success ? [] : problemsOf(result.error, 'dev.yaml')).toEqual(['dev.yaml: dns.zone: must lie below dns.parentZone goldenpathidp.io']);
  });
});
