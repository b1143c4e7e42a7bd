// Pinned manifests (A1, A2).
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadManifest, parseManifest, readPinnedFiles } from '../../../activities/manifests.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const TEXT = '---\n# a comment\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: one\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: two\ndata:\n  text: |\n    --- not a separator\n    x\n---\n';
let server: Server;
let base: string;
let mirror: string;
const asked = new Set<string>();
const timeoutOf = AbortSignal.timeout.bind(AbortSignal);

beforeAll(async () => {
  mirror = await mkdtemp(join(tmpdir(), 'goldenpath-mirror-'));
  server = createServer((request, response) => {
    const [code = '200', once] = (request.url ?? '').slice(1).split('-');
    response.writeHead(once !== undefined && asked.has(code) ? 200 : Number(code)).end(TEXT);
    asked.add(code);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  await rm(mirror, { recursive: true });
});

const load = (url: string, hash = sha256(TEXT), from: string | undefined = mirror) => loadManifest({ version: 'v1', files: [{ url, sha256: hash }] }, { mirror: from, signal: AbortSignal.timeout(5_000) });

describe('parsing', () => {
  it('A1: documents without content are left out, the others keep their order and text', () => {
    const [one, two, ...others] = parseManifest('x', TEXT);
    expect([one, two]).toMatchObject([{ kind: 'Namespace', metadata: { name: 'one' } }, { kind: 'ConfigMap', metadata: { name: 'two' }, data: { text: '--- not a separator\nx\n' } }]);
    expect(others).toEqual([]);
  });

  it('A1: a document that is no Kubernetes object is refused', () => {
    expect(() => parseManifest('https://example.org/x.yaml', 'kind: Deployment\nreplicas: 3\n')).toThrow('https://example.org/x.yaml holds a document without apiVersion, kind or name');
  });

  it('A1: a CRD keeps the fields that a plain YAML parser loses', () => {
    const text = 'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: x.y.z }\nspec:\n  versions:\n    - name: v1\n      schema: { openAPIV3Schema: { type: object, default: {}, enum: [a], x-kubernetes-preserve-unknown-fields: true } }\n';
    const [crd] = parseManifest('x', text) as { spec?: { versions: { schema: { openAPIV3Schema: object } }[] } }[];
    expect(crd?.spec?.versions[0]?.schema.openAPIV3Schema).toMatchObject({ _enum: ['a'], _default: {}, x_kubernetes_preserve_unknown_fields: true });
  });
});

describe('loading', () => {
  it('A2: the mirror comes before the network, and is checked like it', async () => {
    await writeFile(join(mirror, `${sha256(TEXT)}.yaml`), TEXT);
    expect(await load('http://127.0.0.1:1/never')).toHaveLength(2);
    const wrong = sha256('other');
    await writeFile(join(mirror, `${wrong}.yaml`), TEXT);
    await expect(load('https://example.org/x.yaml', wrong)).rejects.toMatchObject({ type: 'PreflightFailed', message: `https://example.org/x.yaml has sha256 ${sha256(TEXT)}, the version manifest pins ${wrong}: nothing of it was applied` });
  });

  it('A2: what the mirror lacks comes from its URL', async () => {
    await rm(join(mirror, `${sha256(TEXT)}.yaml`), { force: true });
    expect(await load(`${base}/200`)).toHaveLength(2);
    expect(await load(`${base}/200`, sha256(TEXT), undefined)).toHaveLength(2);
  });

  it.each([['/503', 'Unavailable'], ['/429', 'Unavailable'], ['/404', 'PreflightFailed']])('A2: an answer %s is %s', async (path, type) => {
    await expect(load(`${base}${path}`)).rejects.toMatchObject({ type, message: `${base}${path} answered ${path.slice(1)}` });
  });

  it('F4, A2: each pinned file is asked for before anything is made, and one that fails for a moment is asked for again', async () => {
    const [good, wrong] = [sha256(TEXT), sha256('other')];
    const manifest = (...files: [path: string, sum: string][]) => ({ version: 'v1', files: files.map(([path, sum]) => ({ url: `${base}${path}`, sha256: sum })) });
    const manifests = { argocd: manifest(['/200', good], ['/503-once', good]), externalSecretsCrds: manifest(['/200', wrong]), certManagerCrds: manifest(['/404', good]) };
    expect((await readPinnedFiles(manifests, { mirror: undefined, signal: AbortSignal.timeout(5_000) })).map(({ problem }) => problem)).toEqual([
      null, null, `${base}/200 has sha256 ${good}, the version manifest pins ${wrong}: nothing of it was applied`, `${base}/404 answered 404`,
    ]);
  });

  it('F4, A2: a site that takes the connection and never answers is told when the share of an attempt is over', async () => {
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => timeoutOf(milliseconds / 40));
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => { silent.listen(0, '127.0.0.1', resolve); });
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/x`;
    const none = { version: 'v1', files: [] };
    const files = await readPinnedFiles({ argocd: { version: 'v1', files: [{ url, sha256: sha256(TEXT) }] }, externalSecretsCrds: none, certManagerCrds: none }, { mirror: undefined, signal: new AbortController().signal });
    expect(files).toEqual([{ url, problem: expect.stringMatching(/^http:\S+ could not be had within 20 s \(/) as string }]);
    silent.closeAllConnections();
    silent.close();
    vi.restoreAllMocks();
  });

  it('A2: no network and no mirror is said in one line', async () => {
    await expect(load('http://127.0.0.1:1/x')).rejects.toMatchObject({ type: 'Unavailable', message: expect.stringContaining('GOLDENPATH_MANIFEST_MIRROR has no copy') as string });
  });
});
