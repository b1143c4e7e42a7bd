// What lies beside an image in its registry: signatures by Cosign's tag, and bundles by the list of referrers (G1; OCI Distribution 1.1).
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { GoldenpathError } from '../domain/errors.ts';
import type { Reading } from '../domain/checks.ts';
import { parseImage } from '../domain/images.ts';
import { jsonOf } from '../domain/json.ts';
import type { ImageSignature } from './cosign.ts';

/** One request, body included. */
const REQUEST_TIMEOUT_MS = 10_000;
/** A registry that is slow or full for a moment is asked again; what lasts longer is told. */
const ATTEMPTS = 3;
const PAUSE_MS = 500;
/** Payloads and bundles are some kilobytes. */
const LARGEST_BYTES = 4 * 1024 * 1024;

const MANIFEST_TYPES = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'];
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature';
const PAYLOAD_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';
const BUNDLE_TYPE = /^application\/vnd\.dev\.sigstore\.bundle/;

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const manifestSchema = z.object({ layers: z.array(z.object({ mediaType: z.string(), digest, annotations: z.record(z.string(), z.string()).optional() })) });
const indexSchema = z.object({ manifests: z.array(z.object({ digest, artifactType: z.string().optional() })) });
const tokenSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() });

type Layers = z.infer<typeof manifestSchema>['layers'];

/**
 * Every signature that the registry has of the image; one that cannot be had or read is among them as that, since whoever may write beside the image could put it there.
 * Throws Unavailable where the registry does not answer, AccessDenied where it wants a login: then nothing is known of signatures.
 */
export async function signaturesOf(image: { repository: string; digest: string }, signal: AbortSignal): Promise<ImageSignature[]> {
  const registry = new Repository(image.repository, signal);
  const tag = image.digest.replace(':', '-');
  const [byTag, byReference] = await Promise.all([wellFormed(registry.layersAt(`${tag}.sig`)), wellFormed(referrers(registry, image.digest, tag))]);
  const found = await Promise.all([
    ...('problem' in byTag ? [Promise.resolve([unreadable(byTag.problem)])] : (byTag.value ?? []).map((layer) => readable(signatureIn(registry, layer)))),
    ...('problem' in byReference ? [Promise.resolve([unreadable(byReference.problem)])] : byReference.value.map((reference) => readable(signaturesAt(registry, reference)))),
  ]);
  return found.flat();
}

/** What nobody can read is there for everybody to write, and hides no other signature; silence and a login that is wanted are thrown. */
async function wellFormed<T>(asked: Promise<T>): Promise<Reading<T>> {
  try {
    return { value: await asked };
  } catch (error) {
    if (error instanceof GoldenpathError && error.type === 'TerminalState') return { problem: error.message };
    throw error;
  }
}

function unreadable(problem: string): ImageSignature {
  return { kind: 'unreadable', problem };
}

async function signaturesAt(registry: Repository, reference: string): Promise<ImageSignature[]> {
  const layers = (await registry.layersAt(reference)) ?? [];
  return (await Promise.all(layers.map((layer) => signatureIn(registry, layer)))).flat();
}

async function signatureIn(registry: Repository, { mediaType, digest: address, annotations }: Layers[number]): Promise<ImageSignature[]> {
  const signature = annotations?.[SIGNATURE_ANNOTATION];
  if (mediaType === PAYLOAD_TYPE && signature !== undefined) return [{ kind: 'simple', payload: await registry.blob(address), signature }];
  return BUNDLE_TYPE.test(mediaType) ? [{ kind: 'bundle', text: (await registry.blob(address)).toString('utf8') }] : [];
}

async function readable(signatures: Promise<ImageSignature[]>): Promise<ImageSignature[]> {
  try {
    return await signatures;
  } catch (error) {
    if (!(error instanceof GoldenpathError)) throw error;
    return [unreadable(error.message)];
  }
}

/** Digests of the bundles that refer to the image: by the registry's list, or, where it keeps none, by the tag that stands in for it. */
async function referrers(registry: Repository, of: string, tag: string): Promise<string[]> {
  const listed = (await registry.json(`referrers/${of}`, [INDEX_TYPE], indexSchema)) ?? (await registry.json(`manifests/${tag}`, [INDEX_TYPE], indexSchema));
  // What says no type may be one: its layers tell.
  return (listed?.manifests ?? []).filter(({ artifactType }) => artifactType === undefined || BUNDLE_TYPE.test(artifactType)).map(({ digest: address }) => address);
}

/** One repository of a registry, read without a login. */
class Repository {
  private readonly base: string;
  private readonly name: string;
  private readonly signal: AbortSignal;
  private token: string | undefined;

  constructor(repository: string, signal: AbortSignal) {
    const { repository: full } = parseImage(repository);
    const [host = '', ...path] = full.split('/');
    this.name = path.join('/');
    // Docker Hub's API has a name of its own; a registry on the same machine needs no certificate, as for Docker and Cosign.
    this.base = `${isLocal(host) ? 'http' : 'https'}://${host === 'docker.io' ? 'registry-1.docker.io' : host}/v2/${this.name}`;
    this.signal = signal;
  }

  /** The layers of the manifest of that tag or digest; undefined where there is none. */
  async layersAt(reference: string): Promise<Layers | undefined> {
    return (await this.json(`manifests/${reference}`, MANIFEST_TYPES, manifestSchema))?.layers;
  }

  /** The JSON at a path, or undefined where the registry says that there is none. Throws TerminalState for what is no JSON of this schema. */
  async json<T>(path: string, accept: readonly string[], schema: z.ZodType<T>): Promise<T | undefined> {
    const answer = await this.get(path, accept);
    if (answer === undefined) return undefined;
    const parsed = schema.safeParse(jsonOf(answer.toString('utf8')));
    if (parsed.success) return parsed.data;
    throw new GoldenpathError('TerminalState', `${this.base}/${path} is not what the OCI specification says it is`);
  }

  /** The bytes of a digest. */
  async blob(address: string): Promise<Buffer> {
    const bytes = await this.get(`blobs/${address}`, ['*/*']);
    if (bytes === undefined) throw unavailable(`${this.base}/blobs/${address} is named by a signature and is not there`);
    const actual = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (actual !== address) throw unavailable(`${this.base}/blobs/${address} has digest ${actual}`);
    return bytes;
  }

  private async get(path: string, accept: readonly string[]): Promise<Buffer | undefined> {
    const url = `${this.base}/${path}`;
    let answer = await this.ask(url, accept, this.token);
    if (answer.status === 401) {
      this.token = await this.login(answer.headers.get('www-authenticate') ?? '', url);
      answer = await this.ask(url, accept, this.token);
    }
    if (answer.status === 404) return undefined;
    if (answer.status === 401 || answer.status === 403) throw new GoldenpathError('AccessDenied', `${url} answered ${answer.status}: it wants a login, which the worker has none of`);
    if (!answer.ok) throw unavailable(`${url} answered ${answer.status}`);
    return answer.body;
  }

  /** A token for whoever asks. Source: CNCF Distribution, Token Authentication Specification. */
  private async login(challenge: string, url: string): Promise<string> {
    const fields = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
    const realm = fields.get('realm');
    if (!/^bearer /i.test(challenge) || realm === undefined || !URL.canParse(realm)) throw new GoldenpathError('AccessDenied', `${url} answered 401: it wants a login, which the worker has none of`);
    const asked = new URL(realm);
    for (const name of ['service', 'scope']) if (fields.has(name)) asked.searchParams.set(name, fields.get(name) ?? '');
    const answer = await this.ask(asked.href, ['application/json']);
    if (!answer.ok) throw new GoldenpathError('AccessDenied', `${asked.origin} gave no token for ${this.name}: it answered ${answer.status}`);
    const parsed = tokenSchema.safeParse(jsonOf(answer.body.toString('utf8')));
    const token = parsed.data?.token ?? parsed.data?.access_token;
    if (token === undefined) throw new GoldenpathError('AccessDenied', `${asked.origin} answered without a token`);
    return token;
  }

  private async ask(url: string, accept: readonly string[], token?: string): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.once(url, accept, token);
      if ('status' in answer && answer.status !== 429 && answer.status < 500) return answer;
      if (attempt === ATTEMPTS) {
        if ('status' in answer) return answer;
        throw unavailable(`${url} did not answer (${answer.silence})`);
      }
      await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS * attempt); });
    }
  }

  private async once(url: string, accept: readonly string[], token: string | undefined): Promise<Answer | { silence: string }> {
    try {
      const response = await fetch(url, { headers: { accept: accept.join(', '), ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }, signal: AbortSignal.any([this.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]) });
      return { ok: response.ok, status: response.status, headers: response.headers, body: await bodyOf(response, url) };
    } catch (error) {
      this.signal.throwIfAborted();
      if (error instanceof GoldenpathError) throw error;
      // fetch throws TypeError for every network failure, and the time-out's own error.
      if (error instanceof TypeError) return { silence: error.cause instanceof Error ? error.cause.message || String(Reflect.get(error.cause, 'code')) : error.message };
      if (error instanceof Error && error.name === 'TimeoutError') return { silence: error.message };
      throw error;
    }
  }
}

interface Answer {
  ok: boolean;
  status: number;
  headers: Headers;
  body: Buffer;
}

async function bodyOf(response: Response, url: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > LARGEST_BYTES) throw unavailable(`${url} is larger than any signature`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function isLocal(host: string): boolean {
  const [name] = host.split(':');
  return name === 'localhost' || name === '127.0.0.1';
}

function unavailable(problem: string): GoldenpathError {
  return new GoldenpathError('Unavailable', problem, [problem]);
}
