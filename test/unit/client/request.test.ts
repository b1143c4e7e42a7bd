import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type InputProblem, InputRefused } from '../../../client/problems.ts';
import { type AskedRun, prepare, prepareTarget } from '../../../client/request.ts';

const good: AskedRun = { operation: 'bootstrap', environment: 'dev', buildId: '21-11-26-01', requester: 'ana' };
const ours = resolve(import.meta.dirname, '../../../environments');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goldenpath-test-'));
  for (const file of ['dev.yaml', 'versions.yaml']) await writeFile(join(folder, file), await readFile(join(ours, file)));
});
afterEach(async () => { await rm(folder, { recursive: true }); });

async function problemsOf(asked: AskedRun, env: NodeJS.ProcessEnv = {}): Promise<InputProblem[]> {
  const error: unknown = await prepare(asked, env).then(() => undefined, (reason: unknown) => reason);
  if (!(error instanceof InputRefused)) throw new Error(`expected a refusal, got ${String(error)}`);
  return error.inputProblems;
}

async function edit(file: string, from: string | RegExp, to: string): Promise<void> {
  const path = join(folder, file);
  const text = await readFile(path, 'utf8');
  expect(text).toMatch(from);
  await writeFile(path, text.replace(from, to));
}

describe('prepare', () => {
  it('F1: makes the plan from the package’s own files, and the request', async () => {
    const { plan, request } = await prepare(good, {});
    expect(plan.target.workflowId).toBe('platform/dev/goldenpath-dev-eks-21-11-26-01');
    expect(request).toEqual({ environment: 'dev', lifecycle: 'ephemeral', buildId: '21-11-26-01', requester: 'ana', onFailure: 'fail' });
  });

  it('G1: keys and signatures that the version manifest names by path are in the plan with their content, so that its hash covers them', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    await mkdir(join(folder, 'keys'));
    await mkdir(join(folder, 'signatures'));
    await writeFile(join(folder, 'keys/kong.pub'), pem);
    await writeFile(join(folder, 'signatures/argocd.sig'), 'MEQC\n');
    await edit('versions.yaml', /(\n {2}kong:\n(?: {4}.*\n){2} {4}digest: \S+\n)/, '$1    signature: { key: keys/kong.pub }\n');
    await edit('versions.yaml', /(core-install\.yaml\n {8}sha256: \w+\n)/, '$1        signature: { key: keys/kong.pub, value: signatures/argocd.sig }\n');
    const env = { GOLDENPATH_ENVIRONMENTS: folder };
    const { plan } = await prepare(good, env);
    expect(plan.versions.images['kong']?.signature).toEqual({ key: pem });
    expect(plan.versions.manifests.argocd.files[0]?.signature).toEqual({ key: pem, value: 'MEQC\n' });
    await writeFile(join(folder, 'signatures/argocd.sig'), 'MEUC\n');
    expect((await prepare(good, env)).plan.hash).not.toBe(plan.hash);
    // A private key has a public half too: it must not get into a plan, and so into a history, for it.
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await writeFile(join(folder, 'keys/kong.pub'), `${pem}${secret}`); // a public one before it makes it no better
    expect((await problemsOf(good, env)).map(({ problem }) => problem)[0]).toMatch(/^is no public key \(it holds a private one/);
    await writeFile(join(folder, 'keys/kong.pub'), secret);
    const refused = await problemsOf(good, env);
    expect(refused.map(({ problem }) => problem)).toEqual(Array.from({ length: 2 }, () => 'is no public key (it holds a private one: take that away from here)'));
    expect(JSON.stringify(refused)).not.toContain(secret.split('\n')[1]);
    // Nor is one that stands in the manifest itself told to whoever reads the error.
    const manifest = await readFile(join(folder, 'versions.yaml'), 'utf8');
    await writeFile(join(folder, 'versions.yaml'), manifest.replaceAll('keys/kong.pub', JSON.stringify(secret)));
    expect((await problemsOf(good, env)).map(({ given }) => given)).toEqual(Array.from({ length: 2 }, () => '(a private key, not shown: take it away from here)'));
    await writeFile(join(folder, 'versions.yaml'), manifest);
    await writeFile(join(folder, 'keys/kong.pub'), 'no key');
    await rm(join(folder, 'signatures/argocd.sig'));
    expect(await problemsOf(good, env)).toEqual([
      expect.objectContaining({ field: expect.stringMatching(/versions\.yaml: images\.kong\.signature\.key$/) as string, problem: expect.stringMatching(/^is no public key/) as string }),
      expect.objectContaining({ field: expect.stringMatching(/manifests\.argocd\.files\.0\.signature\.key$/) as string }),
      expect.objectContaining({ field: expect.stringMatching(/manifests\.argocd\.files\.0\.signature\.value$/) as string, given: 'signatures/argocd.sig', problem: 'cannot be read (ENOENT)' }),
    ]);
  });

  it('F1: the same request gives the same hash', async () => {
    expect((await prepare(good, {})).plan.hash).toBe((await prepare(good, {})).plan.hash);
  });

  it('X4: a teardown that fails waits for an operator, where nobody says otherwise', async () => {
    expect((await prepare({ ...good, operation: 'teardown' }, {})).request.onFailure).toBe('wait');
    expect((await prepare({ ...good, operation: 'teardown', onFailure: 'fail' }, {})).request.onFailure).toBe('fail');
  });

  it('U1: a bootstrap that fails ends at once, and of a persistent platform waits for an operator, where nobody says otherwise', async () => {
    const persistent = { ...good, buildId: undefined, lifecycle: 'persistent' };
    expect((await prepare(good, {})).request.onFailure).toBe('fail');
    expect((await prepare(persistent, {})).request.onFailure).toBe('wait');
    expect((await prepare({ ...persistent, onFailure: 'fail' }, {})).request.onFailure).toBe('fail');
    expect((await prepare({ ...good, onFailure: 'teardown' }, {})).request.onFailure).toBe('teardown');
  });

  it('U1: no persistent platform tears itself down, and no teardown does so twice', async () => {
    expect(await problemsOf({ ...good, buildId: undefined, lifecycle: 'persistent', onFailure: 'teardown' })).toMatchObject([{ field: '--on-failure', given: 'teardown', problem: 'is not for a persistent platform: none tears itself down' }]);
    expect(await problemsOf({ ...good, operation: 'teardown', onFailure: 'teardown' })).toMatchObject([{ field: '--on-failure', given: 'teardown', problem: 'is not one of these', allowed: 'fail, wait; teardown for the bootstrap of an ephemeral platform' }]);
  });

  it('F5: an unknown environment lists the known ones', async () => {
    expect(await problemsOf({ ...good, environment: 'devv' })).toMatchObject([{ field: '--env', given: 'devv', allowed: 'dev, prod, staging' }]);
  });

  it('F5: a name that is a path reads no file', async () => {
    expect(await problemsOf({ ...good, environment: '../environments/dev' })).toMatchObject([{ field: '--env', given: '../environments/dev' }]);
  });

  it.each([['1-2'], ['31-02-26-01'], ['21-11-26-00'], ['21-11-2026-01'], ['']])('F5: build id %j is refused by its field', async (buildId) => {
    expect(await problemsOf({ ...good, buildId })).toMatchObject([{ field: '--build-id', problem: expect.stringMatching(/is not of the form|has day|has number/) as string }]);
  });

  it('F5: a persistent platform has no build id', async () => {
    expect(await problemsOf({ ...good, lifecycle: 'persistent' })).toMatchObject([{ field: '--build-id', problem: expect.stringContaining('a persistent platform has no build id') as string }]);
  });

  it('F5: every problem of a request is named at once', async () => {
    const problems = await problemsOf({ operation: 'bootstrap', environment: 'nowhere', lifecycle: 'eternal', buildId: '1-2', onFailure: 'panic', requester: '' }, { GOLDENPATH_ENVIRONMENTS: folder });
    expect(problems.map(({ field }) => field).toSorted()).toEqual(['--build-id', '--env', '--lifecycle', '--on-failure', '--requester']);
    for (const { fix } of problems) expect(fix).not.toBe('');
  });

  it('F3: problems of the environment file, of the manifest and of the request come together, each with file and field', async () => {
    await edit('dev.yaml', 'scale: 1', 'scale: none\n  colour: red');
    await edit('dev.yaml', /accountId: "\d+"/, 'accountId: "12"');
    await edit('versions.yaml', 'kubernetes: "1.36"', 'kubernetes: 1.36');
    const fields = (await problemsOf({ ...good, buildId: 'x' }, { GOLDENPATH_ENVIRONMENTS: folder })).map(({ field }) => field.replace(/^.*\//, ''));
    expect(fields).toEqual(expect.arrayContaining(['dev.yaml: accountId', 'dev.yaml: timings.scale', 'dev.yaml: timings', 'versions.yaml: kubernetes', '--build-id']));
  });

  it('F3, F5: rules across fields are judged although another field is wrong, and so is the name of the file', async () => {
    await edit('dev.yaml', /accountId: "\d+"/, 'accountId: "12"');
    await edit('dev.yaml', 'zone: dev.goldenpathidp.io', 'zone: dev.example.org');
    await edit('dev.yaml', /minSize: \d+/, 'minSize: 99');
    await edit('dev.yaml', 'name: dev', 'name: prod');
    const found = (await problemsOf(good, { GOLDENPATH_ENVIRONMENTS: folder })).map(({ field, problem }) => `${field.replace(/^.*\//, '')}: ${problem}`);
    expect(found).toEqual([
      'dev.yaml: accountId: must be the twelve digits of an AWS account, in quotes',
      'dev.yaml: dns.zone: must lie below dns.parentZone goldenpathidp.io',
      expect.stringMatching(/^dev\.yaml: nodeGroup\.desiredSize: must lie between minSize 99 and maxSize \d+$/) as string,
      // As the file says: it is prod's, with secrets of another environment.
      ...[0, 1, 2].map((index) => `dev.yaml: secrets.${index}.name: must begin with goldenpath/prod/`),
      'dev.yaml: breakGlass.approvals: must be at least 2 in prod (B1)',
      'dev.yaml: name: differs from the name of its file',
    ]);
  });

  it('F3: a file that is not YAML, or is named otherwise than its environment, is refused', async () => {
    await edit('dev.yaml', 'name: dev', 'name: staging');
    expect(await problemsOf(good, { GOLDENPATH_ENVIRONMENTS: folder })).toContainEqual(expect.objectContaining({ given: 'staging', allowed: 'dev' }));
    await writeFile(join(folder, 'dev.yaml'), 'name: [dev');
    expect(await problemsOf(good, { GOLDENPATH_ENVIRONMENTS: folder })).toMatchObject([{ fix: 'correct the YAML' }]);
  });

  it('D1: a zone that is not below its parent is refused before there is a plan', async () => {
    await edit('dev.yaml', 'zone: dev.goldenpathidp.io', 'zone: dev.example.org');
    expect(await problemsOf(good, { GOLDENPATH_ENVIRONMENTS: folder })).toMatchObject([{ field: expect.stringMatching(/dev\.yaml: dns\.zone$/) as string, given: '"dev.example.org"' }]);
  });

  it('F5: a folder that is not there is named by its variable', async () => {
    expect(await problemsOf(good, { GOLDENPATH_ENVIRONMENTS: join(folder, 'none') })).toMatchObject([{ field: 'GOLDENPATH_ENVIRONMENTS', given: join(folder, 'none') }, { problem: 'cannot be read (ENOENT)' }]);
  });
});

describe('prepareTarget', () => {
  it('F2: the lifecycle alone decides how far a platform goes', async () => {
    expect((await prepareTarget({ environment: 'dev', lifecycle: 'persistent' }, {})).maxTier).toBe('3');
    expect((await prepareTarget({ environment: 'dev', buildId: '21-11-26-01' }, {})).maxTier).toBe('1.5');
  });
});
