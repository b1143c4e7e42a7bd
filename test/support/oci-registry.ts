// A registry on loopback that speaks the OCI distribution API, with tokens as the specification has them, and signatures as Cosign leaves them.
import { createHash, type KeyObject, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { preAuthentication } from '../../activities/cosign.ts';

const SIMPLE = 'application/vnd.dev.cosign.simplesigning.v1+json';
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

export interface TestRegistry {
  /** `127.0.0.1:<port>` */
  host: string;
  /** What was asked, in order: method, path and whether it carried the token. */
  requests: string[];
  /** Keeps this many requests to come unanswered with 503. */
  failNext(times: number): void;
  /** Signs as `cosign sign --key` of versions 1 and 2: a payload behind a tag made of the digest; several signatures stand beside each other. */
  signByTag(repository: string, digest: string, key: KeyObject, payload?: string): void;
  /** Signs as version 3: a bundle that refers to the image. `list`: by the registry's own list, or by the tag that stands in for it. */
  signByBundle(repository: string, digest: string, key: KeyObject, options?: { list?: 'referrers' | 'tag'; predicateType?: string; subject?: string }): void;
  /** Puts a manifest of this text beside the image, as anybody may who can push there; it says no type. */
  refer(repository: string, digest: string, manifest: string): void;
  /** Puts a manifest of this text at a tag. */
  tag(repository: string, tag: string, manifest: string): void;
  /** Puts other bytes behind a digest. */
  corrupt(): void;
  stop(): Promise<void>;
}

interface State {
  manifests: Map<string, { type: string; body: string }>;
  blobs: Map<string, Buffer>;
  referrers: Map<string, object[]>;
}

/** `login`: whether it gives tokens to whoever asks, to nobody, or wants none. */
export async function startRegistry({ login = 'anonymous' }: { login?: 'anonymous' | 'refused' | 'none' } = {}): Promise<TestRegistry> {
  const state: State = { manifests: new Map(), blobs: new Map(), referrers: new Map() };
  const requests: string[] = [];
  let failures = 0;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    requests.push(`${request.method ?? ''} ${path}${request.headers.authorization === undefined ? '' : ' with token'}`);
    if (failures > 0) { failures -= 1; answer(response, 503, 'text/plain', 'busy'); return; }
    if (path.startsWith('/token')) { answer(response, login === 'refused' ? 401 : 200, 'application/json', JSON.stringify({ token: 'anonymous' })); return; }
    if (login !== 'none' && request.headers.authorization !== 'Bearer anonymous') { challenge(request, response); return; }
    serve(state, path, response);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    requests,
    failNext: (times) => { failures = times; },
    corrupt: () => { for (const address of state.blobs.keys()) state.blobs.set(address, Buffer.from('something else')); },
    signByTag: (repository, digest, key, payload = simplePayload(`${host}/${repository}`, digest)) => {
      const at = `${repository}/manifests/${digest.replace(':', '-')}.sig`;
      const { layers = [] } = JSON.parse(state.manifests.get(at)?.body ?? '{}') as { layers?: object[] };
      const layer = { mediaType: SIMPLE, size: payload.length, digest: store(state, Buffer.from(payload)), annotations: { 'dev.cosignproject.cosign/signature': sign(hashOf(key), Buffer.from(payload), key).toString('base64') } };
      state.manifests.set(at, { type: MANIFEST, body: JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, layers: [...layers, layer] }) });
    },
    signByBundle: (repository, digest, key, { list = 'referrers', predicateType, subject = digest } = {}) => {
      const body = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, artifactType: BUNDLE, layers: [{ mediaType: BUNDLE, size: 1, digest: store(state, Buffer.from(bundleOf(subject, key, predicateType))) }] });
      const address = `sha256:${createHash('sha256').update(body).digest('hex')}`;
      state.manifests.set(`${repository}/manifests/${address}`, { type: MANIFEST, body });
      const descriptor = { mediaType: MANIFEST, digest: address, size: body.length, artifactType: BUNDLE };
      const referring = [...(state.referrers.get(`${repository} ${digest}`) ?? []), descriptor];
      if (list === 'referrers') state.referrers.set(`${repository} ${digest}`, referring);
      else state.manifests.set(`${repository}/manifests/${digest.replace(':', '-')}`, { type: INDEX, body: JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [descriptor] }) });
    },
    refer: (repository, digest, manifest) => {
      const address = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
      state.manifests.set(`${repository}/manifests/${address}`, { type: MANIFEST, body: manifest });
      state.referrers.set(`${repository} ${digest}`, [...(state.referrers.get(`${repository} ${digest}`) ?? []), { mediaType: MANIFEST, digest: address, size: manifest.length }]);
    },
    tag: (repository, tag, manifest) => { state.manifests.set(`${repository}/manifests/${tag}`, { type: MANIFEST, body: manifest }); },
    stop: () => new Promise((resolve) => { server.closeAllConnections(); server.close(() => { resolve(); }); }),
  };
}

function challenge({ headers: { host = '' } }: IncomingMessage, response: ServerResponse): void {
  response.setHeader('www-authenticate', `Bearer realm="http://${host}/token",service="${host}",scope="repository:team/app:pull"`);
  answer(response, 401, 'application/json', '{"errors":[{"code":"UNAUTHORIZED"}]}');
}

function serve({ manifests, blobs, referrers }: State, path: string, response: ServerResponse): void {
  const [, repository = '', kind = '', reference = ''] = /^\/v2\/(.+)\/(manifests|blobs|referrers)\/([^/?]+)/.exec(path) ?? [];
  const manifest = manifests.get(`${repository}/manifests/${reference}`);
  const listed = referrers.get(`${repository} ${reference}`);
  const blob = blobs.get(reference);
  if (kind === 'manifests' && manifest !== undefined) answer(response, 200, manifest.type, manifest.body);
  else if (kind === 'referrers' && listed !== undefined) answer(response, 200, INDEX, JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: listed }));
  else if (kind === 'blobs' && blob !== undefined) answer(response, 200, 'application/octet-stream', blob);
  else answer(response, 404, 'application/json', '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
}

function answer(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}

function store({ blobs }: State, bytes: Buffer): string {
  const address = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  blobs.set(address, bytes);
  return address;
}

/** As Cosign writes it. */
export function simplePayload(reference: string, digest: string, type = 'cosign container image signature'): string {
  return JSON.stringify({ critical: { identity: { 'docker-reference': reference }, image: { 'docker-manifest-digest': digest }, type }, optional: null });
}

/** A bundle with the statement of `cosign sign` of version 3. */
function bundleOf(digest: string, key: KeyObject, predicateType = 'https://sigstore.dev/cosign/sign/v1'): string {
  const payloadType = 'application/vnd.in-toto+json';
  const statement = Buffer.from(JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }], predicateType, predicate: {} }));
  const sig = sign(hashOf(key), preAuthentication(payloadType, statement), key).toString('base64');
  return JSON.stringify({ mediaType: BUNDLE, verificationMaterial: { publicKey: { hint: '' }, tlogEntries: [] }, dsseEnvelope: { payload: statement.toString('base64'), payloadType, signatures: [{ sig }] } });
}

/** A bundle of `cosign sign-blob --key --bundle`. */
export function blobBundle(bytes: Buffer, key: KeyObject): string {
  return JSON.stringify({ mediaType: BUNDLE, verificationMaterial: { publicKey: { hint: '' }, tlogEntries: [] }, messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: createHash('sha256').update(bytes).digest('base64') }, signature: sign(hashOf(key), bytes, key).toString('base64') } });
}

function hashOf(key: KeyObject): 'sha256' | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}
