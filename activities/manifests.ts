// Pinned upstream manifests: fetched from a local mirror or their URL, and checked by sha256 before anything of them is applied (A2, A1).
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { loadAllYaml, type KubernetesObject } from '@kubernetes/client-node';
import { GoldenpathError } from '../domain/errors.ts';
import type { Versions } from '../domain/versions.ts';

export type Manifest = Versions['manifests']['argocd'];

/** One download, redirects and body included; the largest file is 1.5 MB. */
const DOWNLOAD_TIMEOUT_MS = 30_000;

/**
 * The manifest's objects in the order of its files. Throws PreflightFailed where a file's sha256 differs, before anything is
 * returned, where it was refused, or where a document is no Kubernetes object; Unavailable where a file could not be had.
 */
export async function loadManifest(manifest: Manifest, source: ManifestSource): Promise<KubernetesObject[]> {
  const texts = await Promise.all(manifest.files.map(async (file) => ({ url: file.url, text: (await loadFile(file, source)).toString('utf8') })));
  return texts.flatMap(({ url, text }) => parseManifest(url, text));
}

/** Where manifests come from: a folder of them by sha256, and the internet. */
export interface ManifestSource {
  mirror?: string | undefined;
  signal: AbortSignal;
}

/** The bytes of one file. Throws PreflightFailed where its sha256 differs or it was refused, Unavailable where it could not be had. */
export async function loadFile({ url, sha256 }: { url: string; sha256: string }, { mirror, signal }: ManifestSource): Promise<Buffer> {
  const bytes = (await fromMirror(sha256, mirror)) ?? (await fromUrl(url, signal));
  demandSum(url, sha256, bytes);
  return bytes;
}

/** A site that does not answer for a moment is asked again. */
const PAUSE_MS = 1_000;
/** For all files together: well within one attempt of a reading (`callMs`, domain/timings.ts), so that the report of everything else is not lost for a site that is silent. */
const READING_MS = 20_000;

/** What is wrong with each pinned file, null where it can be had with its sha256. */
export async function readPinnedFiles(manifests: Versions['manifests'], source: ManifestSource): Promise<{ url: string; problem: string | null }[]> {
  const files = Object.values(manifests).flatMap((manifest) => manifest.files);
  const timeUp = AbortSignal.timeout(READING_MS);
  return Promise.all(files.map(async (file) => ({ url: file.url, problem: await problemOf(file, source, timeUp) })));
}

async function problemOf(file: Manifest['files'][number], { mirror, signal }: ManifestSource, timeUp: AbortSignal): Promise<string | null> {
  const either = AbortSignal.any([signal, timeUp]);
  for (let last = 'it did not answer'; ;) {
    try {
      await loadFile(file, { mirror, signal: either });
      return null;
    } catch (error) {
      signal.throwIfAborted();
      if (timeUp.aborted) return `${file.url} could not be had within ${READING_MS / 1_000} s (${last}), and GOLDENPATH_MANIFEST_MIRROR has no copy`;
      if (!(error instanceof GoldenpathError)) throw error;
      if (error.type !== 'Unavailable') return error.message;
      last = error.message;
    }
    await setTimeout(PAUSE_MS, undefined, { signal: either }).catch(() => {}); // why it ended is asked above
  }
}

/** The Kubernetes objects of a YAML text. Documents without content are left out; one without apiVersion, kind or name is refused (A1). */
export function parseManifest(url: string, text: string): KubernetesObject[] {
  // The client's own loader, since only it keeps every field of a CRD; it fails on an empty document (facts.md). A line of three dashes always separates documents.
  const documents = text.split(/^---(?:[ \t].*)?$/m).filter((document) => document.split('\n').some((line) => /^\s*[^#\s]/.test(line)));
  return documents.flatMap((document) => {
    const objects = (loadAllYaml(document) as unknown[]).filter(isObject);
    const nameless = objects.find(({ apiVersion, kind, metadata }) => apiVersion === undefined || kind === undefined || metadata?.name === undefined);
    if (nameless !== undefined) throw new GoldenpathError('PreflightFailed', `${url} holds a document without apiVersion, kind or name`);
    return objects;
  });
}

function isObject(value: unknown): value is KubernetesObject {
  return typeof value === 'object' && value !== null;
}

function demandSum(url: string, expected: string, bytes: Buffer): void {
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual === expected) return;
  const problem = `${url} has sha256 ${actual}, the version manifest pins ${expected}: nothing of it was applied`;
  throw new GoldenpathError('PreflightFailed', problem, [problem]);
}

async function fromMirror(sha256: string, mirror: string | undefined): Promise<Buffer | undefined> {
  if (mirror === undefined) return undefined;
  try {
    return await readFile(join(mirror, `${sha256}.yaml`));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined; // the mirror need not be complete
    throw error;
  }
}

async function fromUrl(url: string, signal: AbortSignal): Promise<Buffer> {
  const { ok, status, bytes } = await download(url, signal);
  if (ok) return bytes;
  const problem = `${url} answered ${status}`;
  throw new GoldenpathError(status === 429 || status >= 500 ? 'Unavailable' : 'PreflightFailed', problem, [problem]);
}

async function download(url: string, cancellation: AbortSignal): Promise<{ ok: boolean; status: number; bytes: Buffer }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([cancellation, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]) });
    return { ok: response.ok, status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
  } catch (error) {
    cancellation.throwIfAborted();
    // fetch throws TypeError for every network failure, and the time-out's own error.
    if (!(error instanceof TypeError) && !(error instanceof Error && error.name === 'TimeoutError')) throw error;
    const problem = `${url} could not be fetched (${error.message}), and GOLDENPATH_MANIFEST_MIRROR has no copy`;
    throw new GoldenpathError('Unavailable', problem, [problem], { cause: error });
  }
}
