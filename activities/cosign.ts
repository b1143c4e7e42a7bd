// Signatures made with a key, as Cosign makes them, verified with what the machine has: no transparency log, no certificate, no network (G1).
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { GoldenpathError } from '../domain/errors.ts';
import { type Bundle, parseBundle, payloadProblem, statementProblem } from '../domain/signatures.ts';

/** The key of a PEM text. Throws InvalidInput for what is none, or of a kind that Cosign does not sign with. */
export function publicKeyOf(pem: string): KeyObject {
  const key = keyIn(pem);
  if (key.asymmetricKeyType !== 'ec' && key.asymmetricKeyType !== 'rsa' && key.asymmetricKeyType !== 'ed25519') {
    throw new GoldenpathError('InvalidInput', `the key is of type ${key.asymmetricKeyType ?? 'unknown'}; Cosign signs with ec, rsa and ed25519`);
  }
  return key;
}

function keyIn(pem: string): KeyObject {
  try {
    return createPublicKey({ key: pem, format: 'pem' });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new GoldenpathError('InvalidInput', `the key cannot be read: ${error.message}`, [], { cause: error });
  }
}

/** Why a detached signature of these bytes does not count; undefined where it does. `value`: base64 as `cosign sign-blob` prints it, or a bundle. */
export function blobProblem(bytes: Buffer, key: KeyObject, value: string): string | undefined {
  const text = value.trim();
  if (!text.startsWith('{')) return signed(key, bytes, text) ? undefined : 'the signature was not made of these bytes with this key';
  const bundle = parseBundle(text);
  if (bundle === undefined) return 'the signature is no Sigstore bundle';
  const { messageSignature } = bundle;
  if (messageSignature === undefined) return 'the bundle holds no signature of a file';
  const { messageDigest, signature } = messageSignature;
  const digest = createHash('sha256').update(bytes).digest('base64');
  if (messageDigest !== undefined && (messageDigest.algorithm !== 'SHA2_256' || messageDigest.digest !== digest)) return 'the bundle is of another file';
  return signed(key, bytes, signature) ? undefined : 'the signature was not made of these bytes with this key';
}

/** A signature that was found beside an image: Cosign's own, a bundle of version 3, or what could not be read. */
export type ImageSignature = { kind: 'simple'; payload: Buffer; signature: string } | { kind: 'bundle'; text: string } | { kind: 'unreadable'; problem: string };

/** Why none of the signatures counts for the image of this digest; undefined where one does. */
export function imageProblem(signatures: readonly ImageSignature[], key: KeyObject, digest: string): string | undefined {
  if (signatures.length === 0) return 'it is not signed';
  const problems = signatures.map((signature) => problemOf(signature, key, digest));
  if (problems.includes(undefined)) return undefined;
  // One that was made with the key and speaks of something else tells more than those of others.
  const other = problems.find((problem) => problem !== OTHER_KEY);
  return other ?? (signatures.length === 1 ? 'its signature was not made with this key' : `none of its ${signatures.length} signatures was made with this key`);
}

const OTHER_KEY = 'made with another key';

function problemOf(found: ImageSignature, key: KeyObject, digest: string): string | undefined {
  if (found.kind === 'unreadable') return found.problem;
  if (found.kind === 'simple') return signed(key, found.payload, found.signature) ? payloadProblem(found.payload.toString('utf8'), digest) : OTHER_KEY;
  const bundle = parseBundle(found.text);
  return bundle?.dsseEnvelope === undefined ? 'its signature is no bundle with an envelope' : envelopeProblem(bundle.dsseEnvelope, key, digest);
}

function envelopeProblem({ payload, payloadType, signatures }: NonNullable<Bundle['dsseEnvelope']>, key: KeyObject, digest: string): string | undefined {
  const body = Buffer.from(payload, 'base64');
  if (!signatures.some(({ sig }) => signed(key, preAuthentication(payloadType, body), sig))) return OTHER_KEY;
  return statementProblem(body.toString('utf8'), digest);
}

/** What is signed of an envelope. Source: secure-systems-lab/dsse, protocol.md. */
export function preAuthentication(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body]);
}

/** Ed25519 hashes by itself; for the others Cosign takes sha256. Source: sigstore/cosign specs/SIGNATURE_SPEC.md. */
function signed(key: KeyObject, bytes: Buffer, signature: string): boolean {
  return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, key, Buffer.from(signature, 'base64'));
}
