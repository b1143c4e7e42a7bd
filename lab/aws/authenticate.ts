// Who signed a request: the key must be known, unexpired, and the signature its own.
// Source: AWS's common errors; requests of AssumeRoleWithWebIdentity and to public S3 objects carry no signature.
import { anonymousPrincipal, type AccessKey, type Principal } from './principals.ts';
import type { WireRequest, World } from './service.ts';
import { checkSignature, readSignature, type Signed } from './sigv4.ts';
import { commonError, type Speaker } from './wire/errors.ts';
import { formOf } from './wire/protocol.ts';

export interface Caller {
  principal: Principal;
  key: AccessKey | undefined;
}

/** Actions that are called without credentials: the token in the body is the credential. */
const UNSIGNED_ACTIONS = new Set(['AssumeRoleWithWebIdentity', 'AssumeRoleWithSAML']);

/** The service that a request is for: by its credential scope, or by its action where it is unsigned. */
export function scopeOf(request: WireRequest, signed: Signed | undefined): string {
  if (signed !== undefined) return signed.service;
  return formOf(request).some(([name]) => name === 'Action') ? 'sts' : 's3';
}

/**
 * Resolves the caller.
 * @throws AwsError in the service's own words when the credentials are not good
 */
export function authenticate(world: World, speaker: Speaker, request: WireRequest, signed = readSignature(request)): Caller {
  if (signed === undefined) {
    const action = formOf(request).find(([name]) => name === 'Action')?.[1];
    if (speaker.scope === 'sts' && UNSIGNED_ACTIONS.has(action ?? '')) return { principal: anonymousPrincipal(world.account), key: undefined };
    throw commonError(speaker, 'no-credentials');
  }
  const key = world.keys.get(signed.accessKeyId);
  if (key === undefined || key.sessionToken !== signed.sessionToken) throw commonError(speaker, 'unknown-key');
  const now = world.clock.now();
  const problem = checkSignature(request, signed, key.secretAccessKey, now);
  if (problem === 'request-expired') throw commonError(speaker, 'request-expired', `Signature expired: ${signed.timestamp} is not within 15 minutes of ${now.toISOString()}`);
  if (problem !== undefined) throw commonError(speaker, 'bad-signature');
  if (key.expiresAt !== undefined && key.expiresAt <= now) throw commonError(speaker, 'expired-token');
  return { principal: key.principal, key };
}
