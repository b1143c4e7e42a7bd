// An approver's key: an Ed25519 private key in a file of its own, and whose it is (B2).
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { environmentsFolder, readEnvironment, readGiven } from './files.ts';
import { type InputProblem, InputRefused } from './problems.ts';

export interface SigningKey {
  /** The file, as it was named. */
  path: string;
  key: KeyObject;
  /** The public half as environment files hold it: SPKI in base64. */
  publicKey: string;
  /** What should be mended, though the key can be used. */
  warnings: string[];
}

const FIELD = '--key';
const ALLOWED = 'a PEM file with an Ed25519 private key (PKCS #8, without passphrase)';
const MAKE_ONE = 'make one with `openssl genpkey -algorithm ed25519 -out NAME.key`, and have its public half put into the environment file';

/** Reads a private key. Throws InputRefused where the file holds none that can sign a decision, with what it holds instead. */
export async function readSigningKey(path: string): Promise<SigningKey> {
  const pem = await readGiven(path, { field: FIELD, allowed: ALLOWED, fix: MAKE_ONE });
  const key = privateKey(pem, path);
  return { path, key, publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64'), warnings: await exposure(path) };
}

/**
 * Who decides: the name that was given; else whose key it is, by the approvers of the environment's file; without a key `fallback`.
 * Throws InputRefused where the key is no approver's.
 */
export async function approverOf(given: string | undefined, key: SigningKey | undefined, { environment, fallback, env }: { environment: string; fallback: string; env: NodeJS.ProcessEnv }): Promise<string> {
  const named = given?.trim();
  if (named !== undefined && named !== '') return named;
  if (key === undefined && fallback !== '') return fallback;
  if (key === undefined) throw new InputRefused([{ field: '--approver', problem: 'is missing', allowed: 'the name of an approver', fix: 'say who decides: --approver NAME' }]);
  const read = await readEnvironment(environmentsFolder(env), environment);
  if (read.value === undefined) throw new InputRefused([{ field: '--approver', problem: `is missing, and the file of ${environment}, which would tell whose key it is, cannot be used`, allowed: 'the name of an approver', fix: 'say who decides: --approver NAME' }, ...read.problems]);
  const { approvers } = read.value.breakGlass;
  const owner = approvers.find(({ publicKey }) => publicKey === key.publicKey);
  if (owner !== undefined) return owner.name;
  const known = approvers.filter(({ publicKey }) => publicKey !== undefined).map(({ name }) => name);
  throw new InputRefused([{ field: FIELD, given: key.path, problem: `is the key of no approver of ${environment}; its public half is ${key.publicKey}`, allowed: known.length === 0 ? `a key of an approver; the file of ${environment} holds none` : `a key of ${known.join(', ')}`, fix: `use that of an approver, or add this one under breakGlass.approvers in environments/${environment}.yaml for later runs` }]);
}

function privateKey(pem: string, path: string): KeyObject {
  const refused = (problem: string, fix = MAKE_ONE) => new InputRefused([{ field: FIELD, given: path, problem, allowed: ALLOWED, fix } satisfies InputProblem]);
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1];
  if (label === undefined) throw refused('is not PEM: it has no BEGIN line');
  if (label.endsWith('PUBLIC KEY')) throw refused('holds a public key, which cannot sign', 'name the file of its private half');
  if (label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:.*ENCRYPTED/m.test(pem)) throw refused('is encrypted', `give it decrypted without a copy on disk: openssl pkey -in ${path} | goldenpath … --key -`);
  if (label === 'OPENSSH PRIVATE KEY') throw refused('is a key in OpenSSH’s own form');
  if (!label.endsWith('PRIVATE KEY')) throw refused(`holds a ${label.toLowerCase()}, no private key`);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error; // OpenSSL's own words
    throw refused(`cannot be read as a private key (${error.message})`);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw refused(`is a key of type ${key.asymmetricKeyType ?? 'unknown'}`);
  return key;
}

/** A private key that others of this machine can read may be somebody else's by now. */
async function exposure(path: string): Promise<string[]> {
  if (path === '-') return [];
  const info = await stat(path);
  const open = info.isFile() && (info.mode & 0o077) !== 0;
  return open ? [`${path} can be read by others than its owner (mode ${(info.mode & 0o777).toString(8)}): chmod 600 ${path}`] : [];
}
