// The approvers of a lab: three people whose Ed25519 keys are made with it, so that break-glass can be tried whole (B2).
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Enough for two approvers of prod beside a requester. */
const PEOPLE = ['alice', 'bob', 'carol'];

export interface Approver {
  readonly name: string;
  /** SPKI DER in base64, as environment files hold it. */
  readonly publicKey: string;
}

/** Makes a key for each, `<folder>/<name>.key` (PEM, for its owner's eyes only), and returns the public halves. */
export async function makeKeys(folder: string): Promise<Approver[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return Promise.all(PEOPLE.map(async (name) => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    await writeFile(join(folder, `${name}.key`), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    return { name, publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64') };
  }));
}
