// The lab's approvers: keys that only their owner can read, and public halves that environment files take.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { environmentSchema } from '../../../../domain/environment.ts';
import { makeKeys } from '../../../../lab/daemon/keys.ts';
import { environment } from '../../../support/plans.ts';

test('B2: the lab makes a key for each approver; private halves are files of mode 0600, public halves fit the schema', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gp-keys-'));
  try {
    const approvers = await makeKeys(join(folder, 'keys'));

    expect(approvers.map(({ name }) => name)).toEqual(['alice', 'bob', 'carol']);
    for (const { name, publicKey } of approvers) {
      const file = join(folder, 'keys', `${name}.key`);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const key = createPrivateKey(await readFile(file));
      expect(key.asymmetricKeyType).toBe('ed25519');
      expect(createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64')).toBe(publicKey);
    }
    const dev = environment();
    expect(environmentSchema.parse({ ...dev, breakGlass: { ...dev.breakGlass, approvers } }).breakGlass.approvers).toEqual(approvers);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
