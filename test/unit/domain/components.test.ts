// Which components and hosts a platform has (T, T4, F2), and their waves.
import { describe, expect, it } from 'vitest';
import { componentsUpTo, hostsOf, PLATFORM_NAMESPACES } from '../../../domain/components.ts';
import { waveOf } from '../../../domain/teardown.ts';
import { compareTiers, LIFECYCLES, maxTierFor, TIERS } from '../../../domain/tiers.ts';

const backstageOf = (...given: Parameters<typeof componentsUpTo>) => componentsUpTo(...given).filter(({ name }) => name === 'backstage').map(({ tier, wave }) => `${tier} at ${wave}`);

describe('components', () => {
  it('T4: an ephemeral platform has Backstage in tier 1.5 where its environment enables it, and nowhere else', () => {
    expect(backstageOf('1.5', 'ephemeral', { ephemeralBackstage: true })).toEqual(['1.5 at 53']);
    expect(backstageOf('1', 'ephemeral', { ephemeralBackstage: true })).toEqual([]);
    expect(backstageOf('1.5', 'ephemeral')).toEqual([]);
  });

  it('T4: a persistent platform has one Backstage, in tier 2, whatever its environment enables', () => {
    expect(backstageOf('3', 'persistent', { ephemeralBackstage: true })).toEqual(['2 at 100']);
    expect(backstageOf('1.5', 'persistent', { ephemeralBackstage: true })).toEqual([]);
    expect(componentsUpTo('3', 'persistent', { ephemeralBackstage: true })).toEqual(componentsUpTo('3', 'persistent'));
  });

  it('F2: no lifecycle has a component above its ceiling, nor two of one name', () => {
    for (const lifecycle of LIFECYCLES) {
      for (const tier of TIERS) {
        const components = componentsUpTo(tier, lifecycle, { ephemeralBackstage: true });
        expect(components.filter((component) => compareTiers(component.tier, maxTierFor(lifecycle)) > 0)).toEqual([]);
        expect(new Set(components.map(({ name }) => name)).size).toBe(components.length);
      }
    }
  });

  it('D1: the namespace of Backstage is the platform’s in every lifecycle', () => { expect(PLATFORM_NAMESPACES).toContain('backstage'); });
});

describe('hosts', () => {
  const ofTier = (tier: '1.5' | '2', ...rest: [lifecycle: 'ephemeral' | 'persistent', options?: { ephemeralBackstage: boolean }]) => hostsOf(componentsUpTo(tier, ...rest).filter((component) => component.tier === tier));

  it('T3: Backstage’s is looked for in the tier that brings it, and not where nothing does', () => {
    expect(ofTier('1.5', 'ephemeral')).toEqual(['prometheus', 'alertmanager', 'grafana']);
    expect(ofTier('1.5', 'ephemeral', { ephemeralBackstage: true })).toEqual(['prometheus', 'alertmanager', 'grafana', 'backstage']);
    expect(ofTier('1.5', 'persistent', { ephemeralBackstage: true })).toEqual(['prometheus', 'alertmanager', 'grafana']);
    expect(ofTier('2', 'persistent')).toEqual(['backstage', 'grafana-db']);
  });
});

describe('waves', () => {
  it('step 9: a wave is that of the component’s tier, of its name where the tier is unknown, 0 of what is none', () => {
    expect([waveOf({ name: 'backstage', tier: '1.5' }), waveOf({ name: 'backstage', tier: '2' }), waveOf({ name: 'kong', tier: undefined }), waveOf({ name: 'mystery', tier: '1' })]).toEqual([53, 100, 30, 0]);
  });
});
