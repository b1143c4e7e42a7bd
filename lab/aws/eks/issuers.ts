// The OIDC issuers of EKS clusters: own RSA keys, discovery document and JWKS under https (requirement C1, lab.md § The gateway).
// Layout as AWS serves it: https://<host>/id/<HEX>/.well-known/openid-configuration and …/keys.
import { createHash, generateKeyPair, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { exportJWK, type JSONWebKeySet } from 'jose';
import { selfSigned } from './certificate.ts';
import { newIssuerId } from './state.ts';

export interface ClusterOidc {
  /** The issuer's URL, without a trailing slash. */
  issuer: string;
  signingKeyPem: string;
  publicKeyPem: string;
}

export interface OidcIssuers {
  /** Makes keys for a new cluster and serves its issuer from now on. */
  create(): Promise<ClusterOidc>;
  /** The issuer answers 404 from now on. */
  remove(issuer: string): void;
  /** The certificate that clients of discovery must trust, PEM. */
  readonly caPem: string;
  close(): Promise<void>;
}

const generate = promisify(generateKeyPair);

type Registry = Map<string, JSONWebKeySet>;

/**
 * Serves issuers on a free loopback port, from the first cluster on.
 * @param registry where the gateway looks up the keys of an issuer
 */
export function createOidcIssuers(registry: Registry): OidcIssuers {
  let origin: Promise<string> | undefined;
  const tls = selfSigned('goldenpath lab OIDC issuers');
  const server = createServer(tls, (request, response) => {
    answer(registry, `https://${request.headers.host ?? ''}`, request, response);
  });
  return {
    async create() {
      origin ??= listen(server);
      const issuer = `${await origin}/id/${newIssuerId()}`;
      const { publicKey, privateKey } = await generate('rsa', { modulusLength: 2048 });
      registry.set(issuer, { keys: [{ ...(await exportJWK(publicKey)), kid: keyId(publicKey), alg: 'RS256', use: 'sig' }] });
      return {
        issuer,
        signingKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      };
    },
    remove: (issuer) => void registry.delete(issuer),
    caPem: tls.cert,
    async close() {
      if (origin === undefined) return;
      await origin;
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the issuer has no port');
  return `https://127.0.0.1:${address.port}`;
}

/** The key id that kube-apiserver puts into its tokens: base64url of the SHA-256 of the public key's DER (SPKI). */
function keyId(key: KeyObject): string {
  return createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('base64url');
}

function answer(registry: Registry, origin: string, request: IncomingMessage, response: ServerResponse): void {
  const url = `${origin}${request.url ?? ''}`;
  const [issuer, document] = url.endsWith('/.well-known/openid-configuration')
    ? [url.slice(0, -'/.well-known/openid-configuration'.length), discovery]
    : [url.slice(0, -'/keys'.length), keySet];
  const keys = registry.get(issuer);
  const known = keys !== undefined && (document === discovery || url.endsWith('/keys'));
  response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
  response.end(known ? JSON.stringify(document(issuer, keys)) : '');
}

function discovery(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer}/keys`,
    authorization_endpoint: 'urn:kubernetes:programmatic_authorization',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    claims_supported: ['sub', 'iss'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

function keySet(_issuer: string, keys: JSONWebKeySet): object {
  return keys;
}
