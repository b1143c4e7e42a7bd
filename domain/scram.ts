// What PostgreSQL keeps of a password, made on this side: the password itself goes into no statement, and so into no server's log (R2). Pure.
import { hmac } from '@noble/hashes/hmac.js';
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

/** PostgreSQL's own default (`scram_iterations`). */
const ITERATIONS = 4096;

/**
 * The verifier `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, which `PASSWORD '…'` takes as it is. Sources: RFC 5802, RFC 7677;
 * PostgreSQL manual, "pg_authid". Throws TypeError for a password beyond printable ASCII, which would have to be normalised first (SASLprep).
 * @param salt random, 16 bytes
 */
export function scramVerifier(password: string, salt: Uint8Array): string {
  if (!/^[!-~]+$/.test(password)) throw new TypeError('a password for PostgreSQL must be printable ASCII');
  const salted = pbkdf2(sha256, utf8ToBytes(password), salt, { c: ITERATIONS, dkLen: 32 });
  const key = (label: string): Uint8Array => hmac(sha256, salted, utf8ToBytes(label));
  return `SCRAM-SHA-256$${ITERATIONS}:${base64(salt)}$${base64(sha256(key('Client Key')))}:${base64(key('Server Key'))}`;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
