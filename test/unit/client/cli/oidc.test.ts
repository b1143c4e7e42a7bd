// `goldenpath oidc` as a process, against an HTTP server that answers as Keycloak's admin API does (T4, F5).
import { createServer, type Server } from 'node:http';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../../support/cli.ts';

const URI = 'https://backstage.b-21-11-26-01.dev.goldenpathidp.io/api/auth/oidc/handler/frame';
const allow = ['oidc', 'allow', '--env', 'dev', '--build-id', '21-11-26-01'];
const builds: Record<string, unknown> = { id: 'id-1', clientId: 'backstage-builds', redirectUris: [], webOrigins: [] };
let server: Server;
let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goldenpath-test-'));
  const ours = resolve(import.meta.dirname, '../../../../environments');
  await writeFile(join(folder, 'versions.yaml'), await readFile(join(ours, 'versions.yaml')));
  await writeFile(join(folder, 'dev.yaml'), `${await readFile(join(ours, 'dev.yaml'), 'utf8')}\nbackstage: { ephemeral: true }\n`);
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = request.url ?? '';
      if (request.method === 'PUT') Object.assign(builds, JSON.parse(Buffer.concat(chunks).toString()));
      response.writeHead(request.method === 'PUT' ? 204 : 200, { 'content-type': 'application/json' });
      response.end(request.method === 'PUT' ? '' : JSON.stringify(url.endsWith('/token') ? { access_token: 't' } : url.endsWith('/client-secret') ? { value: 's' } : [builds]));
    });
  });
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  env = { GOLDENPATH_ENVIRONMENTS: folder, KEYCLOAK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, KEYCLOAK_ADMIN_USERNAME: 'admin', KEYCLOAK_ADMIN_PASSWORD: 'hush' };
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

describe('goldenpath oidc allow', () => {
  it('T4: enters the build’s address, once, and takes it away', async () => {
    const { code, stdout, stderr } = await runCli([...allow, '-o', 'json'], env);
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({ schema: 1, state: 'allowed', client: 'backstage-builds', redirectUri: URI, webOrigin: new URL(URI).origin, done: 'added' });
    expect(builds).toMatchObject({ redirectUris: [URI], webOrigins: [new URL(URI).origin] });
    expect(await runCli(allow, env)).toMatchObject({ code: 0, stdout: `✔ client backstage-builds: ${URI} unchanged\n` });
    expect(JSON.parse((await runCli([...allow, '--remove', '-o', 'json'], env)).stdout)).toMatchObject({ state: 'removed', done: 'removed' });
    expect(builds).toMatchObject({ redirectUris: [], webOrigins: [] });
  });

  it('F5: every problem of build and variables is named at once, and no value of a secret', async () => {
    const { code, stdout } = await runCli(['oidc', 'allow', '--env', 'dev', '--build-id', '1-2', '-o', 'json'], { GOLDENPATH_ENVIRONMENTS: folder, KEYCLOAK_URL: 'keycloak', KEYCLOAK_ADMIN_PASSWORD: 'hush' });
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'refused', error: { problems: [{ field: '--build-id', given: '1-2' }, { field: 'KEYCLOAK_ADMIN_USERNAME' }, { field: 'KEYCLOAK_URL', given: 'keycloak' }] } });
    expect(stdout).not.toContain('hush');
  });

  it('T4, F5: where the environment does not enable it, says in which field; what was entered before can still be taken away', async () => {
    const { GOLDENPATH_ENVIRONMENTS: _, ...ours } = env;
    const { code, stdout } = await runCli([...allow, '-o', 'json'], ours);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { problems: [{ field: 'environments/dev.yaml: backstage.ephemeral', allowed: 'true', fix: expect.stringContaining('bootstrap the persistent platform again') as string }] } });
    expect((await runCli([...allow, '--remove'], ours)).code).toBe(0);
  });
});

describe('goldenpath oidc apply', () => {
  it('T4, F5: a secret of the builds’ client that is empty is refused; one that is not set is not asked for', async () => {
    const clients = { OIDC_SECRET_BACKSTAGE: 'hush' };
    const problems = async (more: Record<string, string>) => (JSON.parse((await runCli(['oidc', 'apply', '-o', 'json'], { ...env, GOLDENPATH_HOST_SUFFIX: 'dev.example.org', ...clients, ...more })).stdout) as { error: { problems: { field: string }[] } }).error.problems.map(({ field }) => field);
    expect(await problems({})).toEqual(['OIDC_SECRET_GRAFANA']);
    expect(await problems({ OIDC_SECRET_BACKSTAGE_BUILDS: '' })).toEqual(['OIDC_SECRET_GRAFANA', 'OIDC_SECRET_BACKSTAGE_BUILDS']);
  });
});
