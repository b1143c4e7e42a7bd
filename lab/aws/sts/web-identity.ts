// Checks the token of AssumeRoleWithWebIdentity as STS does: provider in IAM, audience, signature by the issuer's keys,
// expiry (IRSA, C3). Source: STS API reference, errors of AssumeRoleWithWebIdentity.
import { createLocalJWKSet, decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import type { PolicyStore } from '../iam/policy-store.ts';
import { awsError, type World } from '../service.ts';

export interface WebIdentity {
  issuer: string;
  subject: string;
  audience: string;
}

/**
 * Who a web identity token speaks for.
 * @throws AwsError InvalidIdentityToken or ExpiredTokenException, with STS's texts
 */
export async function admitWebIdentity(world: World, policies: PolicyStore, token: string, now: Date): Promise<WebIdentity> {
  const claims = claimsOf(token);
  const issuer = claims.iss ?? '';
  const audiences = await policies.oidcAudiences(issuer);
  if (audiences === undefined) awsError('InvalidIdentityToken', `No OpenIDConnect provider found in your account for ${issuer}`, 400);
  const audience = [claims.aud ?? []].flat().find((candidate) => audiences.includes(candidate));
  if (audience === undefined) awsError('InvalidIdentityToken', 'Incorrect token audience', 400);
  const keys = world.issuers.get(issuer) ?? awsError('InvalidIdentityToken', "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements", 400);
  try {
    await jwtVerify(token, createLocalJWKSet(keys), { issuer, audience, currentDate: now, requiredClaims: ['sub', 'exp', 'iat'] });
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) {
      awsError('ExpiredTokenException', `Token expired: current date/time ${seconds(now)} must be before the expiration date/time ${claims.exp ?? 0}`, 400);
    }
    if (cause instanceof errors.JOSEError) awsError('InvalidIdentityToken', `The web identity token that was passed could not be validated: ${cause.message}`, 400);
    throw cause;
  }
  return { issuer, subject: claims.sub ?? '', audience };
}

function claimsOf(token: string): JWTPayload {
  try {
    return decodeJwt(token);
  } catch (cause) {
    if (cause instanceof errors.JOSEError) return awsError('InvalidIdentityToken', 'The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)', 400);
    throw cause;
  }
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
