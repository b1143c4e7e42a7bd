// The token webhook of EKS clusters: a `k8s-aws-v1.` token is a presigned GetCallerIdentity with the cluster's name signed
// into it. Source: aws-iam-authenticator (pkg/token); Kubernetes TokenReview, authentication.k8s.io/v1.
import { anonymousPrincipal, type Principal } from '../principals.ts';
import type { WireRequest, World } from '../service.ts';
import { checkSignature, readSignature } from '../sigv4.ts';
import { isRecord } from '../wire/schema.ts';

const PREFIX = 'k8s-aws-v1.';
const CLUSTER_HEADER = 'x-k8s-aws-id';
/** A token whose URL asks for longer is refused. */
const LONGEST_SECONDS = 900;
/** Parameters that a token's URL may have; others could make it another call. */
const PARAMETERS = new Set([
  'action', 'version', 'x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-expires', 'x-amz-security-token',
  'x-amz-signature', 'x-amz-signedheaders', 'x-amz-user-agent', 'x-amz-content-sha256', 'x-id',
]);

export type TokenVerdict = { principal: Principal; accessKeyId: string } | { reason: string };

/** Whom a Kubernetes bearer token speaks for on the named cluster, or why it is refused. */
export function verifyEksToken(world: World, token: string, clusterName: string): TokenVerdict {
  if (!token.startsWith(PREFIX)) return { reason: `token is missing expected "${PREFIX}" prefix` };
  const text = Buffer.from(token.slice(PREFIX.length), 'base64url').toString('utf8');
  if (!URL.canParse(text)) return { reason: 'token holds no URL' };
  const url = new URL(text);
  const strange = [...url.searchParams.keys()].find((name) => !PARAMETERS.has(name.toLowerCase()));
  if (strange !== undefined) return { reason: `non-whitelisted query parameter "${strange}"` };
  if (url.searchParams.get('Action') !== 'GetCallerIdentity') return { reason: 'unexpected action parameter in pre-signed URL' };
  const request = presignedGet(url, clusterName);
  const signed = readSignature(request);
  if (signed === undefined || signed.service !== 'sts') return { reason: 'the URL is not signed for sts' };
  if (!signed.signedHeaders.includes(CLUSTER_HEADER)) return { reason: `client did not sign the ${CLUSTER_HEADER} header in the pre-signed URL` };
  if (!(signed.expiresIn !== undefined && signed.expiresIn >= 0 && signed.expiresIn <= LONGEST_SECONDS)) return { reason: 'invalid X-Amz-Expires parameter in pre-signed URL' };
  const key = world.keys.get(signed.accessKeyId);
  if (key === undefined || key.sessionToken !== signed.sessionToken) return { reason: 'the security token included in the request is invalid' };
  const now = world.clock.now();
  const problem = checkSignature(request, signed, key.secretAccessKey, now);
  if (problem !== undefined) return { reason: problem === 'request-expired' ? 'token has expired' : `the signature is not for this cluster or not of this key (${problem})` };
  if (key.expiresAt !== undefined && key.expiresAt <= now) return { reason: 'the security token included in the request is expired' };
  return { principal: key.principal, accessKeyId: key.accessKeyId };
}

/** The request that the URL was signed for. */
function presignedGet(url: URL, clusterName: string): WireRequest {
  const headers = { host: url.host, [CLUSTER_HEADER]: clusterName };
  return {
    method: 'GET',
    path: url.pathname,
    query: url.searchParams,
    rawQuery: url.search.slice(1),
    headers,
    rawHeaders: Object.entries(headers).flat(),
    body: Buffer.alloc(0),
  };
}

/** Answers a TokenReview (v1) for a cluster: authenticated where the token is good and an access entry knows its principal. */
export function reviewToken(world: World, clusterName: string, review: unknown): object {
  const spec = isRecord(review) && isRecord(review['spec']) ? review['spec'] : {};
  const token = typeof spec['token'] === 'string' ? spec['token'] : '';
  return { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status: statusOf(world, clusterName, token) };
}

function statusOf(world: World, clusterName: string, token: string): object {
  const cluster = world.clusters.get(clusterName);
  if (cluster === undefined) return { authenticated: false, error: `no cluster ${clusterName}` };
  const verdict = verifyEksToken(world, token, clusterName);
  if ('reason' in verdict) return { authenticated: false, error: verdict.reason };
  const { principal } = verdict;
  const identity = principal.arn === anonymousPrincipal(world.account).arn ? undefined : cluster.identify(principal);
  if (identity === undefined) return { authenticated: false, error: `${principal.arn} has no access entry in ${clusterName}` };
  const extra = {
    accessKeyId: [verdict.accessKeyId],
    arn: [principal.arn],
    canonicalArn: [principal.identityArn],
    principalId: [principal.userId.split(':')[0] ?? ''],
    sessionName: [principal.userId.split(':')[1] ?? ''],
  };
  return { authenticated: true, user: { username: identity.username, uid: `aws-iam-authenticator:${principal.account}:${extra.principalId[0]}`, groups: identity.groups, extra } };
}
