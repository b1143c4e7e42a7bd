// Approvers as files: Ed25519 keys that only their owner can read, and a folder of environments that holds the public halves.
import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import type { BreakGlass } from '../../domain/break-glass.ts';

export interface ApproverFiles {
  folder: string;
  /** For GOLDENPATH_ENVIRONMENTS: the repository's own, with these approvers and a short DNS gate in dev. */
  environments: string;
  policy: BreakGlass;
  /** The file of a person's private key. */
  keyOf(name: string): string;
  /** Writes another file beside them and returns its path. */
  write(name: string, text: string, mode?: number): Promise<string>;
  remove(): Promise<void>;
}

/** Makes a key for each name. */
export async function approverFiles(names: readonly string[], changes: Partial<BreakGlass> = {}): Promise<ApproverFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'goldenpath-test-'));
  const keyOf = (name: string) => join(folder, `${name}.key`);
  const write = async (name: string, text: string, mode = 0o600) => { await writeFile(join(folder, name), text, { mode }); return join(folder, name); };
  const approvers: BreakGlass['approvers'] = [];
  for (const name of names) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    await write(`${name}.key`, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    approvers.push({ name, publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64') });
  }
  const policy: BreakGlass = { approvals: 1, signatures: 'required', expiresMinutes: 240, remindMinutes: 60, approvers, ...changes };
  const environments = join(folder, 'environments');
  await mkdir(environments);
  await cp(resolve(import.meta.dirname, '../../environments'), environments, { recursive: true });
  const dev = parseDocument(await readFile(join(environments, 'dev.yaml'), 'utf8'));
  dev.set('breakGlass', policy);
  // A gate that asks after seconds: what a process starts runs in real time.
  dev.set('timings', { scale: 1, lateSweeps: false, dnsGateDeadlineSeconds: 6 });
  await writeFile(join(environments, 'dev.yaml'), dev.toString());
  return { folder, environments, policy, keyOf, write, remove: () => rm(folder, { recursive: true }) };
}
