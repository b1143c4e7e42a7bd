import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sarifLog } from '../../../../client/cli/sarif.ts';
import { checkText } from '../../../../client/manifest-text.ts';
import { corpus, scopeOf } from '../../../support/corpus.ts';
import { runCli } from '../../../support/cli.ts';

const target = ['--env', 'dev', '--build-id', '21-11-26-01'];

/** What SARIF 2.1.0 requires, with its types and limits, of the parts that are used here. Source: sarif-schema-2.1.0.json */
const message = z.strictObject({ text: z.string().min(1) });
const sarif = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.array(z.strictObject({
    tool: z.strictObject({ driver: z.strictObject({
      name: z.string(),
      rules: z.array(z.strictObject({ id: z.string(), shortDescription: message, help: message, defaultConfiguration: z.strictObject({ level: z.enum(['none', 'note', 'warning', 'error']) }), properties: z.looseObject({ tags: z.array(z.string()) }) })),
    }) }),
    columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
    results: z.array(z.strictObject({
      ruleId: z.string(),
      ruleIndex: z.int().min(-1),
      level: z.enum(['none', 'note', 'warning', 'error']),
      message,
      locations: z.array(z.strictObject({ physicalLocation: z.strictObject({ artifactLocation: z.strictObject({ uri: z.string().regex(/^[\w.~!$&'()*+,;=:@%/-]+$/) }), region: z.strictObject({ startLine: z.int().min(1), startColumn: z.int().min(1) }) }) })),
    })),
  })),
});

describe('goldenpath check', () => {
  it('D1: a base host name ends with 1, with file, line and what to do', async () => {
    const { code, stdout, stderr } = await runCli(['check', ...target, 'test/corpus/ephemeral/ingress-base-name.yaml']);
    expect(code).toBe(1);
    expect(stdout).toBe(`test/corpus/ephemeral/ingress-base-name.yaml:8:13 host-name Ingress default/base-name: "shop.dev.goldenpathidp.io" lies outside the DNS subtree of this ephemeral platform
    allowed: names below b-21-11-26-01.dev.goldenpathidp.io, but no wildcard and none of the platform's own: kong, *.apps, prometheus, alertmanager, grafana, backstage, grafana-db, keycloak, _acme-challenge, …-xdns, wildcard
    fix: derive the name from the host suffix (global.hostSuffix in charts)
`);
    expect(stderr).toBe('1 finding: 1 object in 1 file, for b-21-11-26-01.dev.goldenpathidp.io up to tier 1.5\n');
  });

  it('D1: the same name is the persistent platform’s own: 0', async () => {
    const { code, stdout } = await runCli(['check', '--env', 'dev', '--lifecycle', 'persistent', 'test/corpus/ephemeral/ingress-tls.yaml', '-o', 'json']);
    expect(code).toBe(1); // but not the build's
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, state: 'findings', scope: { environment: 'dev', lifecycle: 'persistent', hostSuffix: 'dev.goldenpathidp.io', maxTier: '3' }, files: 1, objects: 1, findings: [{ given: 'shop.b-21-11-26-01.dev.goldenpathidp.io' }, { line: 9 }] });
    expect((await runCli(['check', '--env', 'dev', '--lifecycle', 'persistent', 'test/corpus/persistent/ingress-inside.yaml'])).code).toBe(0);
  });

  it('F5: no path, a path that is not there, an empty stdin and a build id that is missing end with 2', async () => {
    const without = await runCli(['check', ...target]);
    expect([without.code, without.stdout]).toEqual([2, '']);
    expect(without.stderr).toContain('<path>: is missing');
    const { code, stdout } = await runCli(['check', ...target, 'nowhere', '-o', 'json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'refused', error: { problems: [{ given: 'nowhere' }] } });
    const empty = await runCli(['check', ...target, '-']);
    expect([empty.code, empty.stderr]).toEqual([2, expect.stringContaining('holds no object at all')]);
    expect((await runCli(['check', '--env', 'dev', 'test/corpus'])).stderr).toContain('--build-id');
  });
});

describe('SARIF', () => {
  it('D1: has every part that 2.1.0 requires, and each result points at its rule and place', () => {
    const findings = [...corpus('ephemeral'), ...corpus('files')].flatMap(({ name, text }) => checkText(`a folder/${name}`, text, scopeOf('ephemeral')).findings);
    const { runs: [run] } = sarif.parse(sarifLog(findings));
    expect(run?.results).toHaveLength(findings.length);
    for (const [index, { rule, line, column }] of findings.entries()) {
      const result = run?.results[index];
      expect(run?.tool.driver.rules[result?.ruleIndex ?? -1]?.id).toBe(rule);
      expect(result?.locations[0]?.physicalLocation.region).toEqual({ startLine: line, startColumn: column });
    }
    expect(run?.results[0]?.locations[0]?.physicalLocation.artifactLocation.uri).toBe('a%20folder/ephemeral/applications.yaml');
  });

  it('D1: without findings it is a log all the same', () => { expect(sarif.parse(sarifLog([])).runs[0]?.results).toEqual([]); });
});
