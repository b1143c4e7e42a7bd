import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptanceUrls, checksOfMessage, clientCheck, probeReport, probeSettings, terminationText, urlCheck } from '../../../domain/probes.ts';

const login = { POSTGRES_HOST: 'db', POSTGRES_PORT: '5432', POSTGRES_USER: 'backstage', POSTGRES_PASSWORD: 'pa55', POSTGRES_DB: 'backstage' };
const fields = (env: Record<string, string>) => probeSettings(env).problems.map(({ field }) => field);

describe('probeSettings', () => {
  it('T2: what is not set is not checked', () => { expect(probeSettings({ POSTGRES_HOST: '', GOLDENPATH_URLS: '' }).value).toEqual({ database: undefined, urls: [], bucket: undefined }); });

  it('T2: a login, named addresses and a bucket', () => {
    expect(probeSettings({ ...login, GOLDENPATH_URLS: 'realm=http://keycloak.keycloak:8080/realms/x?a=b, loki=https://loki:3100/ready', GOLDENPATH_BUCKET: 'chunks', AWS_REGION: 'eu-west-2' }).value).toEqual({
      database: { host: 'db', port: 5432, user: 'backstage', password: 'pa55', database: 'backstage' },
      urls: [{ name: 'realm', url: 'http://keycloak.keycloak:8080/realms/x?a=b' }, { name: 'loki', url: 'https://loki:3100/ready' }],
      bucket: { name: 'chunks', region: 'eu-west-2' },
    });
  });

  it('F5: every problem at once, and no password among what was given', () => {
    const { POSTGRES_PASSWORD: _, ...rest } = login;
    expect(fields({ ...rest, POSTGRES_PORT: '70000', GOLDENPATH_URLS: 'http://loki:3100,a=ftp://x,a=http://b', GOLDENPATH_BUCKET: 'chunks' })).toEqual(['POSTGRES_PASSWORD', 'POSTGRES_PORT', 'GOLDENPATH_URLS', 'GOLDENPATH_URLS', 'GOLDENPATH_URLS', 'AWS_REGION']);
    expect(JSON.stringify(probeSettings({ ...login, POSTGRES_PORT: 'x' }))).not.toContain('pa55');
    expect(JSON.stringify(probeSettings({ GOLDENPATH_URLS: 'a=http://me:pa55@b' }).problems)).not.toContain('pa55');
    expect(fields({ GOLDENPATH_URLS: 'a=http://me:pa55@b' })).toEqual(['GOLDENPATH_URLS']);
  });
});

describe('urlCheck', () => {
  const [backstage, , grafana] = acceptanceUrls('2');
  const [realm] = acceptanceUrls('3');
  const found = (url: typeof realm, status: number, body: string, operation: 'preflight' | 'accept' = 'accept') => {
    const { ok, found: text } = urlCheck(url ?? { name: '', url: '' }, { value: { status, body } }, operation);
    return `${ok ? 'ok' : 'no'}: ${text.replace(url?.url ?? '', 'it')}`;
  };

  it.each<[string, string, string]>([
    ['200', found(backstage, 200, '{"status":"ok"}'), 'ok: it answered 200'],
    ['a page of its frontend', found(backstage, 200, '<!DOCTYPE html>'), 'no: the answer is not the one of its health service, {"status":"ok"}'],
    ['503', found(backstage, 503, ''), 'no: it answered 503'],
    ['Grafana with its database', found(grafana, 200, '{"database":"ok"}'), 'ok: it answered 200, its database is ok'],
    ['Grafana without its database', found(grafana, 200, '{"database":"failing"}'), 'no: its database is failing'],
    ['somebody else in Grafana’s place', found(grafana, 200, '<html>'), 'no: its database is not named in the answer'],
    ['the realm', found(realm, 200, '{"issuer":"https://keycloak.dev.example.org/realms/goldenpath"}'), 'ok: it answered 200, issuer https://keycloak.dev.example.org/realms/goldenpath'],
    ['another realm', found(realm, 200, '{"issuer":"https://k/realms/master"}'), 'no: its issuer is https://k/realms/master, not that of realm goldenpath'],
    ['a preflight looks at the status alone', found(grafana, 200, '{"database":"failing"}', 'preflight'), 'ok: it answered 200'],
  ])('T3: %s', (_, actual, expected) => { expect(actual).toBe(expected); });

  it('failure 36: no answer is a failed check', () => { expect(urlCheck({ name: 'a', url: 'http://a' }, { problem: 'http://a: no answer (ECONNREFUSED)' }, 'accept')).toMatchObject({ ok: false, found: 'http://a: no answer (ECONNREFUSED)' }); });
});

describe('clientCheck', () => {
  it.each<[string, Parameters<typeof clientCheck>[1], string]>([
    ['missing', { value: null }, 'realm goldenpath has no client grafana'],
    ['disabled, with another secret', { value: { enabled: false, sameSecret: false } }, 'it is disabled; its secret is not that of the synced Secret'],
    ['as it should be', { value: { enabled: true, sameSecret: true } }, 'enabled in realm goldenpath, with the synced secret'],
  ])('T3: a client %s', (_, reading, found) => { expect(clientCheck('grafana', reading).found).toBe(found); });
});

describe('terminationText', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 600 });
  const check = fc.record({ id: text, title: text, ok: fc.boolean(), found: text, fix: text });

  it('T2: whatever the checks say, it fits, is JSON, and its verdict stays', () => {
    fc.assert(fc.property(fc.array(check, { maxLength: 30 }), (checks) => {
      const report = probeReport({ operation: 'preflight', tier: '2' }, checks);
      const message = terminationText(report);
      expect(Buffer.byteLength(message)).toBeLessThanOrEqual(4096);
      const read = JSON.parse(message) as typeof report;
      expect(read.state).toBe(report.state);
      const fits = Buffer.byteLength(JSON.stringify(report)) <= 4096;
      expect(read.cut).toBe(fits ? undefined : true);
      expect(read.checks.length).toBeLessThanOrEqual(report.checks.length);
    }), { numRuns: 60 });
  });

  it('T3: a failed check is kept before all passed ones', () => {
    const passed = Array.from({ length: 40 }, (_, index) => ({ id: `p${index}`, title: 'x'.repeat(100), ok: true, found: 'y'.repeat(100), fix: '' }));
    const report = probeReport({ operation: 'accept', tier: '2' }, [...passed, { id: 'login:grafana', title: 'Login', ok: false, found: 'refused', fix: 'rotate' }]);
    expect(checksOfMessage(terminationText(report))).toEqual([{ id: 'login:grafana', title: 'Login', ok: false, found: 'refused', fix: 'rotate' }]);
  });
});

describe('checksOfMessage', () => {
  it('T3: what is no report of ours proves nothing', () => {
    for (const message of ['', 'OOMKilled', '{}', '{"state":"failed","checks":[]}']) expect(checksOfMessage(message)).toBeUndefined();
  });
  it('T3: something that could not be asked is a failed check', () => {
    expect(checksOfMessage('{"state":"unknown","checks":[],"error":{"message":"Kubernetes API: HTTP 403","problems":["secrets is forbidden"]}}')).toMatchObject([{ id: 'in-cluster', ok: false, found: 'Kubernetes API: HTTP 403; secrets is forbidden' }]);
  });
  it('T3: passed checks are read back', () => {
    const checks = [{ id: 'a', title: 'A', ok: true, found: 'fine', fix: '' }];
    expect(checksOfMessage(terminationText(probeReport({ operation: 'accept', tier: '3' }, checks)))).toEqual(checks);
  });
});
