// What PostgreSQL's errors mean (R1), and the passwords that are made (R2).
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { isLost, mapPostgresError, newPassword, rdsAuthorities } from '../../../activities/postgres.ts';
import { scramVerifier } from '../../../domain/scram.ts';

const answered = (code: string, message = 'something') => mapPostgresError(Object.assign(new pg.DatabaseError(message, 0, 'error'), { code }))?.type;
const met = (code: string) => mapPostgresError(Object.assign(new Error('something'), { code }))?.type;

describe('mapPostgresError', () => {
  it.each([
    ['28P01', 'AccessDenied'], ['28000', 'AccessDenied'], ['42501', 'AccessDenied'],
    ['40001', 'Conflict'], ['42710', 'Conflict'], ['42P04', 'Conflict'], ['55006', 'Conflict'],
    ['08006', 'Unavailable'], ['53300', 'Unavailable'], ['57P03', 'Unavailable'], ['57014', 'Unavailable'],
  ])('R1: %s is %s', (code, type) => { expect(answered(code)).toBe(type); });

  it('R1: a bug stays a bug: syntax errors, unknown codes and other errors are not recognised', () => {
    for (const code of ['42601', '22P02', 'XX000', '57000']) expect(answered(code)).toBeUndefined();
    expect(mapPostgresError(new TypeError('x is not a function'))).toBeUndefined();
    expect(mapPostgresError('text')).toBeUndefined();
  });

  it('R1: two writers at one row of a catalogue are a conflict, though the code says internal error', () => {
    expect(answered('XX000', 'tuple concurrently updated')).toBe('Conflict');
  });

  it('R1: a certificate that nobody vouches for is no time-out, and a time-out no certificate', () => {
    for (const code of ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID']) expect(met(code)).toBe('AccessDenied');
    for (const message of ['timeout expired', 'Connection terminated unexpectedly', 'Query read timeout']) expect(mapPostgresError(new Error(message))?.type).toBe('Unavailable');
    expect(met('ECONNREFUSED')).toBeUndefined(); // sockets are known to AWS's mapper, which comes after
  });
});

it('R2: a password is made of 32 random bytes, anew each time, in letters that need no quoting anywhere', () => {
  const passwords = Array.from({ length: 50 }, () => newPassword());
  expect(new Set(passwords).size).toBe(50);
  for (const password of passwords) expect(password).toMatch(/^[\w-]{43}$/);
  expect(scramVerifier(passwords[0] ?? '', new Uint8Array(16))).not.toContain(passwords[0]);
});

it('R1: without a file of authorities nothing is talked to', async () => {
  await expect(rdsAuthorities(undefined)).rejects.toMatchObject({ type: 'PreflightFailed' });
});

it('R3: only what never came back may be the network’s doing: a refused connection and PostgreSQL’s own words came through it', () => {
  const coded = (error: Error, code: string) => Object.assign(error, { code });
  expect([new Error('timeout expired'), coded(new Error('connect'), 'ETIMEDOUT'), coded(new Error('connect'), 'EHOSTUNREACH')].map(isLost)).toEqual([true, true, true]);
  expect([coded(new Error('connect'), 'ECONNREFUSED'), new Error('Connection terminated unexpectedly'), ...['57P03', '53300'].map((code) => coded(new pg.DatabaseError('timeout expired', 0, 'error'), code)), 'timeout expired'].map(isLost)).toEqual([false, false, false, false, false]);
});
