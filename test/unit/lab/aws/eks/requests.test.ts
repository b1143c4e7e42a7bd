// Idempotency tokens and paging of the EKS API (C1).
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { fingerprint, page, replayOf } from '../../../../../lab/aws/eks/requests.ts';

it('C1: a fingerprint does not depend on the order of keys, nor on the token', () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (input) => {
    const turned = Object.fromEntries(Object.entries(input).toReversed());
    expect(fingerprint({ ...turned, clientRequestToken: 'b' })).toBe(fingerprint({ ...input, clientRequestToken: 'a' }));
  }));
});

it('C1: the same token with other parameters is told apart', () => {
  const seen = new Map([['CreateCluster t', fingerprint({ name: 'a', tags: { x: '1' } })]]);
  expect(replayOf(seen, 'CreateCluster t', fingerprint({ tags: { x: '1' }, name: 'a' }))).toBe('same');
  expect(replayOf(seen, 'CreateCluster t', fingerprint({ name: 'a', tags: { x: '2' } }))).toBe('different');
  expect(replayOf(seen, 'CreateCluster u', fingerprint({ name: 'a' }))).toBe('new');
});

it('C1: pages give every name once, in order, whatever their size', () => {
  fc.assert(fc.property(fc.uniqueArray(fc.string()), fc.integer({ min: 1, max: 7 }), (names, maxResults) => {
    const got: string[] = [];
    let nextToken: string | undefined;
    do {
      const result = page(names, (name) => name, { maxResults, nextToken });
      got.push(...result.items);
      ({ nextToken } = result);
    } while (nextToken !== undefined);
    expect(got).toEqual(names.toSorted((a, b) => (a < b ? -1 : 1)));
  }));
});

it('C1: a name that goes between two pages hides no other', () => {
  const first = page(['a', 'b', 'c', 'd'], (name) => name, { maxResults: 2 });
  const second = page(['a', 'c', 'd'], (name) => name, { maxResults: 2, nextToken: first.nextToken });
  expect(second).toEqual({ items: ['c', 'd'] });
});

it('C1: a token that no page gave, and a size out of bounds, are refused', () => {
  expect(() => page(['a'], (name) => name, { nextToken: 'nonsense' })).toThrow(RangeError);
  expect(() => page(['a'], (name) => name, { maxResults: 0 })).toThrow(RangeError);
  expect(() => page(['a'], (name) => name, { maxResults: 101 })).toThrow(RangeError);
});
