import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWithin } from '../../../domain/dns-names.ts';
import { buildIdProblem, isOwnedBy, ownershipTags, platformNames } from '../../../domain/names.ts';
import { buildId } from './arbitraries.ts';

const zone = 'dev.goldenpathidp.io';

describe('buildIdProblem', () => {
  it('F5: takes every calendar day', () => {
    fc.assert(fc.property(buildId, (id) => { expect(buildIdProblem(id)).toBeUndefined(); }));
  });

  it.each([
    ['23-01-26', 'is not of the form DD-MM-YY-NN, e.g. 23-01-26-01'],
    ['23-01-2026-01', 'is not of the form DD-MM-YY-NN, e.g. 23-01-26-01'],
    ['23-01-26-01 ', 'is not of the form DD-MM-YY-NN, e.g. 23-01-26-01'],
    ['23-13-26-01', 'has month 13; months are 01 to 12'],
    ['00-01-26-01', 'has day 00; that month has days 01 to 31'],
    ['31-04-26-01', 'has day 31; that month has days 01 to 30'],
    ['29-02-26-01', 'has day 29; that month has days 01 to 28'],
    ['23-01-26-00', 'has number 00; the first build of a day is 01'],
  ])('F5: refuses %s', (id, problem) => { expect(buildIdProblem(id)).toBe(problem); });

  it('F5: takes a leap day', () => { expect(buildIdProblem('29-02-28-01')).toBeUndefined(); });
});

describe('platformNames', () => {
  it('Words: an ephemeral platform', () => {
    expect(platformNames({ environment: 'dev', lifecycle: 'ephemeral', buildId: '23-01-26-01' }, zone)).toEqual({
      cluster: 'goldenpath-dev-eks-23-01-26-01',
      hostSuffix: 'b-23-01-26-01.dev.goldenpathidp.io',
      ownerId: 'goldenpath-dev-23-01-26-01',
      workflowId: 'platform/dev/goldenpath-dev-eks-23-01-26-01',
    });
  });

  it('Words: the persistent platform', () => {
    expect(platformNames({ environment: 'dev', lifecycle: 'persistent', buildId: null }, zone)).toEqual({
      cluster: 'goldenpath-dev-eks',
      hostSuffix: 'dev.goldenpathidp.io',
      ownerId: 'goldenpath-dev',
      workflowId: 'platform/dev/goldenpath-dev-eks',
    });
  });

  it('failure 16: two builds never share a name, and neither lies inside the other’s scope', () => {
    fc.assert(fc.property(buildId, buildId, (a, b) => {
      fc.pre(a !== b);
      const [one, other] = [a, b].map((id) => platformNames({ environment: 'dev', lifecycle: 'ephemeral', buildId: id }, zone));
      expect(one?.cluster).not.toBe(other?.cluster);
      expect(one?.ownerId).not.toBe(other?.ownerId);
      expect(isWithin(`app.${one?.hostSuffix ?? ''}`, other?.hostSuffix ?? '')).toBe(false);
    }));
  });
});

describe('ownership', () => {
  it('failure 39: the exact tag owns, a name that contains it does not', () => {
    const names = platformNames({ environment: 'dev', lifecycle: 'ephemeral', buildId: '23-01-26-01' }, zone);
    const tags = ownershipTags({ environment: 'dev', lifecycle: 'ephemeral', buildId: '23-01-26-01' }, names);
    expect(isOwnedBy(tags, 'goldenpath-dev-eks-23-01-26-01')).toBe(true);
    expect(isOwnedBy(tags, 'goldenpath-dev-eks-23-01-26-0')).toBe(false);
    expect(isOwnedBy(tags, 'goldenpath-dev-eks')).toBe(false);
    expect(isOwnedBy({ Name: 'goldenpath-dev-eks-23-01-26-01' }, 'goldenpath-dev-eks-23-01-26-01')).toBe(false);
  });
});
