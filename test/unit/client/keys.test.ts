import { generateKeyPairSync } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approverOf, readSigningKey } from '../../../client/keys.ts';
import { type InputProblem, InputRefused } from '../../../client/problems.ts';
import { type ApproverFiles, approverFiles } from '../../support/approver-files.ts';

let files: ApproverFiles;
beforeAll(async () => { files = await approverFiles(['alice', 'bob']); });
afterAll(async () => { await files.remove(); });

async function problemOf(call: Promise<unknown>): Promise<InputProblem | undefined> {
  const error: unknown = await call.then(() => undefined, (reason: unknown) => reason);
  if (!(error instanceof InputRefused)) throw new Error(`expected a refusal, got ${String(error)}`);
  return error.inputProblems[0];
}
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
const BAD: [string, () => string, RegExp][] = [
  ['text', () => 'hello', /^is not PEM/],
  ['a public key', () => generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(), /^holds a public key/],
  ['an encrypted key', () => generateKeyPairSync('ed25519').privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'x' }).toString(), /^is encrypted$/],
  ['an RSA key', () => generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export(pkcs8).toString(), /^is a key of type rsa$/],
  ['an X25519 key', () => generateKeyPairSync('x25519').privateKey.export(pkcs8).toString(), /^is a key of type x25519$/],
  ['an OpenSSH key', () => '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n', /OpenSSH/],
  ['a certificate', () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', /^holds a certificate/],
  ['a broken key', () => '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', /^cannot be read as a private key/],
];

describe('readSigningKey', () => {
  it('B2: the public half is what the environment file holds', async () => {
    const { publicKey, warnings } = await readSigningKey(files.keyOf('bob'));
    expect(publicKey).toBe(files.policy.approvers[1]?.publicKey);
    expect(warnings).toEqual([]);
  });

  it('B2: reads the form that OpenSSL writes (the example of RFC 8410 § 10)', async () => {
    const path = await files.write('rfc.key', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n');
    expect((await readSigningKey(path)).publicKey).toBe('MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=');
  });

  it.each(BAD)('F5, B2: %s is no key to sign with, and the refusal says what it is', async (_, pem, problem) => {
    const path = await files.write('bad.key', pem());
    const found = await problemOf(readSigningKey(path));
    expect(found).toMatchObject({ field: '--key', given: path, allowed: expect.stringContaining('Ed25519') as string });
    expect(found?.problem).toMatch(problem);
    expect(found?.fix).not.toBe('');
  });

  it('B2: the way to use an encrypted key leaves no decrypted copy', async () => {
    const path = await files.write('enc.key', generateKeyPairSync('ed25519').privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'x' }).toString());
    expect((await problemOf(readSigningKey(path)))?.fix).toContain(`openssl pkey -in ${path} | goldenpath … --key -`);
  });

  it('F5: a file that is not there, or a folder, is named with its error', async () => {
    expect(await problemOf(readSigningKey(`${files.folder}/none.key`))).toMatchObject({ problem: 'cannot be read (ENOENT)' });
    expect(await problemOf(readSigningKey(files.folder))).toMatchObject({ problem: 'cannot be read (EISDIR)' });
  });

  it('B2: a key that others can read is used, with a warning', async () => {
    await chmod(files.keyOf('alice'), 0o640);
    const { warnings } = await readSigningKey(files.keyOf('alice'));
    expect(warnings).toEqual([`${files.keyOf('alice')} can be read by others than its owner (mode 640): chmod 600 ${files.keyOf('alice')}`]);
    await chmod(files.keyOf('alice'), 0o600);
  });
});

describe('approverOf', () => {
  const asked = () => ({ environment: 'dev', fallback: 'shell-user', env: { GOLDENPATH_ENVIRONMENTS: files.environments } });

  it('B2: whose key it is decides, unless a name is given; without either it is who works here', async () => {
    const key = await readSigningKey(files.keyOf('bob'));
    expect(await approverOf(undefined, key, asked())).toBe('bob');
    expect(await approverOf('carol', key, asked())).toBe('carol');
    expect(await approverOf(undefined, undefined, asked())).toBe('shell-user');
  });

  it('B2: a key of nobody is refused with its public half, ready for the environment file', async () => {
    const path = await files.write('stray.key', generateKeyPairSync('ed25519').privateKey.export(pkcs8).toString());
    const key = await readSigningKey(path);
    expect(await problemOf(approverOf(undefined, key, asked()))).toMatchObject({ field: '--key', given: path, problem: expect.stringContaining(key.publicKey) as string, allowed: 'a key of alice, bob' });
  });

  it('F5: where no file tells whose key it is, a name is asked for', async () => {
    const key = await readSigningKey(files.keyOf('bob'));
    expect(await problemOf(approverOf(undefined, key, { ...asked(), environment: 'nowhere' }))).toMatchObject({ field: '--approver', fix: 'say who decides: --approver NAME' });
    expect(await problemOf(approverOf(undefined, undefined, { ...asked(), fallback: '' }))).toMatchObject({ field: '--approver' });
  });
});
