import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostSuffixProblem, isWithin, normaliseName } from '../../../domain/dns-names.ts';
import { hostName, label } from './arbitraries.ts';

describe('normaliseName', () => {
  it('D3: undoes the escape of a wildcard, the trailing dot and upper case', () => {
    expect(normaliseName(String.raw`\052.Apps.B-1.dev.example.org.`)).toBe('*.apps.b-1.dev.example.org');
  });

  it('D3: undoes every occurrence of an escape', () => {
    expect(normaliseName(String.raw`\052.\052.example.org`)).toBe('*.*.example.org');
  });

  it('D3: is idempotent', () => {
    fc.assert(fc.property(hostName, (name) => { expect(normaliseName(normaliseName(`${name}.`))).toBe(name); }));
  });
});

describe('isWithin', () => {
  it('D1: holds for the suffix itself and for names below it, in any spelling', () => {
    fc.assert(fc.property(label, hostName, (first, suffix) => {
      expect(isWithin(suffix, suffix)).toBe(true);
      expect(isWithin(`${first}.${suffix}`.toUpperCase(), `${suffix}.`)).toBe(true);
    }));
  });

  it('D1: a longer first label never slips into the suffix', () => {
    fc.assert(fc.property(label, hostName, (extra, suffix) => { expect(isWithin(`${extra}${suffix}`, suffix)).toBe(false); }));
  });

  it('D1: no name outside the scope is ever called inside it', () => {
    fc.assert(fc.property(hostName, hostName, (name, suffix) => {
      const [labels, scope] = [name.split('.'), suffix.split('.')];
      const inside = labels.length >= scope.length && scope.every((part, index) => labels[labels.length - scope.length + index] === part);
      expect(isWithin(name, suffix)).toBe(inside);
    }));
  });

  it('failure 16: b-1 never matches xb-1 or b-11', () => {
    expect(isWithin('app.b-11.dev.example.org', 'b-1.dev.example.org')).toBe(false);
    expect(isWithin('app.xb-1.dev.example.org', 'b-1.dev.example.org')).toBe(false);
    expect(isWithin('app.b-1.dev.example.org', 'b-1.dev.example.org')).toBe(true);
  });

  it('D1: the empty suffix contains nothing', () => {
    expect(isWithin('example.org', '')).toBe(false);
    expect(isWithin('', '.')).toBe(false);
  });
});

describe('hostSuffixProblem', () => {
  it('F5: an ephemeral platform may not own the base name', () => {
    expect(hostSuffixProblem('dev.example.org', 'dev.example.org', 'ephemeral')).toBe('an ephemeral platform may not own the base name dev.example.org');
    expect(hostSuffixProblem('dev.example.org', 'dev.example.org', 'persistent')).toBeUndefined();
  });

  it('D1: a suffix outside the zone is refused', () => {
    expect(hostSuffixProblem('b-1.dev.example.org', 'dev.example.org', 'ephemeral')).toBe('host suffix b-1.dev.example.org is not that of a build, b-DD-MM-YY-NN.dev.example.org');
    expect(hostSuffixProblem('app.b-21-11-26-01.dev.example.org', 'dev.example.org', 'ephemeral')).toBe('host suffix app.b-21-11-26-01.dev.example.org is not that of a build, b-DD-MM-YY-NN.dev.example.org');
    expect(hostSuffixProblem('b-21-11-26-01.dev.example.org', 'dev.example.org', 'ephemeral')).toBeUndefined();
    expect(hostSuffixProblem('b-21-11-26-01.dev.example.org', 'dev.example.org', 'persistent')).toBe('host suffix b-21-11-26-01.dev.example.org lies in the subtree of a build, which no persistent platform may own');
    expect(hostSuffixProblem('b-1.prod.example.org', 'dev.example.org', 'ephemeral')).toBe('host suffix b-1.prod.example.org lies outside the zone dev.example.org');
  });
});
