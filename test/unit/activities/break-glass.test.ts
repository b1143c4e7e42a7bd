// What a signature is worth (B2): real Ed25519 keys, every forgery an answer with a reason and never an exception.
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyDecision } from '../../../activities/break-glass.ts';
import type { DecisionInput } from '../../../domain/break-glass.ts';
import { canonicalJson } from '../../../domain/hash.ts';
import { people, questionOf, sayOf, signed } from '../../support/decisions.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const { keys, policy } = people();
const request = questionOf(ephemeralPlan('teardown'));
const claims = sayOf(request, 'alice', 'repair');
const check = (jws: string, changes = {}) => verifyDecision({ decision: { jws }, policy: policy(changes) });
const encode = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const WRONG_KEY = 'it was not made with the key that the environment has for its signer, or what was signed was changed';

describe('verifyDecision', () => {
  it('B2: a decision signed by an approver is valid and names the signer', async () => {
    await expect(check(await signed(keys.alice, claims))).resolves.toEqual({ claims, signature: { kind: 'valid', signer: 'alice' } });
  });

  it('B2: unsigned claims have no signature', async () => {
    await expect(verifyDecision({ decision: { claims }, policy: policy() })).resolves.toEqual({ claims, signature: { kind: 'none' } });
  });

  it('B2: the signer is who signed, not who the claims name', async () => {
    const { signature } = await check(await signed(keys.bob, claims, { kid: 'bob' }));
    expect(signature).toEqual({ kind: 'valid', signer: 'bob' });
  });

  it('B2: algorithm none, with and without a signature, is worth nothing', async () => {
    const header = encode({ alg: 'none', typ: 'goldenpath-decision', kid: 'alice' });
    for (const jws of [`${header}.${encode(claims)}.`, `${header}.${encode(claims)}.AAAA`]) {
      const { signature } = await check(jws);
      expect(signature.kind).toBe('invalid');
    }
    expect(await check(`${header}.${encode(claims)}.AAAA`)).toMatchObject({ claims, signature: { why: 'its algorithm is "none", not EdDSA' } });
  });

  it('B2: a HMAC with the public key as its secret is worth nothing', async () => {
    const secret = Buffer.from(policy().approvers[0]?.publicKey ?? '', 'base64');
    const { signature } = await check(await signed(secret, claims, { alg: 'HS256' }));
    expect(signature).toEqual({ kind: 'invalid', why: 'its algorithm is "HS256", not EdDSA' });
  });

  it('B2: a signature of another type of document is worth nothing', async () => {
    expect((await check(await signed(keys.alice, claims, { typ: 'JWT' }))).signature).toEqual({ kind: 'invalid', why: 'its type is "JWT", not goldenpath-decision' });
  });

  it('B2: an unknown signer, another approver’s name and a stranger’s key are worth nothing', async () => {
    expect((await check(await signed(keys.alice, claims, { kid: 'mallory' }))).signature).toEqual({ kind: 'invalid', why: 'its key id "mallory" names no approver of the environment' });
    expect((await check(await signed(keys.alice, claims, { kid: 'bob' }))).signature).toEqual({ kind: 'invalid', why: WRONG_KEY });
    expect((await check(await signed(generateKeyPairSync('ed25519').privateKey, claims))).signature).toEqual({ kind: 'invalid', why: WRONG_KEY });
  });

  it('B2: an approver without a key in the environment cannot sign', async () => {
    const { signature } = await check(await signed(keys.alice, claims), { approvers: [{ name: 'alice' }] });
    expect(signature).toEqual({ kind: 'invalid', why: 'the environment holds no public key of alice' });
  });

  it('B2: a changed payload and a changed header are worth nothing, and what was claimed is still told', async () => {
    const [header = '', , signature = ''] = (await signed(keys.alice, claims)).split('.');
    const changed = { ...claims, decision: 'leave' as const };
    expect(await check(`${header}.${encode(changed)}.${signature}`)).toEqual({ claims: changed, signature: { kind: 'invalid', why: WRONG_KEY } });
    const other = encode({ alg: 'EdDSA', typ: 'goldenpath-decision', kid: 'alice', cty: 'x' });
    expect((await check(`${other}.${encode(claims)}.${signature}`)).signature).toEqual({ kind: 'invalid', why: WRONG_KEY });
  });

  it('B2: a header that demands an extension is refused', async () => {
    const header = encode({ alg: 'EdDSA', typ: 'goldenpath-decision', kid: 'alice', crit: ['b64'], b64: false });
    expect((await check(`${header}.${encode(claims)}.AAAA`)).signature).toEqual({ kind: 'invalid', why: 'its header demands extensions, and there are none' });
  });

  it('B2: what is signed must be a decision', async () => {
    for (const payload of ['no json', { ...claims, v: 2 }, { ...claims, extra: 1 }, { ...claims, decision: 'everything' }]) {
      await expect(check(await signed(keys.alice, payload, { kid: 'alice' }))).resolves.toEqual({ claims: null, signature: { kind: 'invalid', why: 'what was signed is not a decision' } });
    }
  });

  it('B2: a policy that holds no key where a key should be refuses, and does not fall over', async () => {
    const { signature } = await check(await signed(keys.alice, claims), { approvers: [{ name: 'alice', publicKey: 'bm8ga2V5' }] });
    expect(signature.kind).toBe('invalid');
  });

  it('B2: garbage of any kind is an answer, never an exception, and never valid', async () => {
    const part = fc.oneof(fc.string(), fc.base64String(), fc.constant(encode({ alg: 'EdDSA', typ: 'goldenpath-decision', kid: 'alice' })), fc.constant(encode(claims)));
    const given = fc.oneof(fc.tuple(part, part, part).map((parts) => ({ jws: parts.join('.') })), fc.anything().map((anything) => anything as DecisionInput));
    await fc.assert(fc.asyncProperty(given, async (decision) => {
      const { signature } = await verifyDecision({ decision, policy: policy() });
      expect(['invalid', 'none']).toContain(signature.kind);
    }), { numRuns: 500 });
  });

  it('B2: no bit of a signed decision can be changed', async () => {
    const jws = await signed(keys.alice, claims);
    await fc.assert(fc.asyncProperty(fc.nat(jws.length - 1), fc.constantFrom('A', 'a', '0', '_', '-', 'Z', 'z', '9'), async (at, letter) => {
      if (jws[at] === letter || jws[at] === '.') return;
      const { signature, claims: told } = await check(jws.slice(0, at) + letter + jws.slice(at + 1));
      // The last letter of a part may carry bits that are no part of it; then nothing was changed.
      expect(signature.kind === 'invalid' || canonicalJson(told) === canonicalJson(claims)).toBe(true);
    }), { numRuns: 500 });
  });
});
