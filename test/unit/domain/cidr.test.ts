import fc from 'fast-check';
import { expect, it } from 'vitest';
import { covers } from '../../../domain/cidr.ts';

const octet = fc.integer({ min: 0, max: 255 });
const block = fc.tuple(octet, octet, octet, octet, fc.integer({ min: 0, max: 32 })).map(([a, b, c, d, bits]) => ({ address: [a, b, c, d].join('.'), bits }));
const bitsOf = (address: string) => address.split('.').map((part) => Number(part).toString(2).padStart(8, '0')).join('');

it('F4: a block holds another where its prefix begins the other, bit by bit', () => {
  fc.assert(fc.property(block, block, (outer, inner) => {
    const expected = outer.bits <= inner.bits && bitsOf(outer.address).slice(0, outer.bits) === bitsOf(inner.address).slice(0, outer.bits);
    expect(covers(`${outer.address}/${outer.bits}`, `${inner.address}/${inner.bits}`)).toBe(expected);
  }));
});

it.each<[string, string, boolean]>([
  ['10.0.0.0/16', '10.0.16.0/20', true],
  ['0.0.0.0/0', '255.255.255.255/32', true],
  ['10.0.16.0/20', '10.0.0.0/16', false],
  ['10.1.0.0/16', '10.0.16.0/20', false],
  ['', '10.0.16.0/20', false],
  ['10.0.0.256/8', '10.0.0.1/32', false],
  ['2001:db8::/32', '2001:db8::/32', true],
])('F4: %s over %s: %s', (outer, inner, expected) => { expect(covers(outer, inner)).toBe(expected); });
