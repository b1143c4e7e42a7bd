import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkText } from '../../../client/manifest-text.ts';
import { checkManifests } from '../../../client/manifests.ts';
import { corpus, scopeOf } from '../../support/corpus.ts';

const scope = scopeOf('ephemeral');

describe('the corpus', () => {
  it.each([...corpus('ephemeral'), ...corpus('persistent'), ...corpus('files')].map((file) => [file.name, file] as const))('D1: %s gets its verdict, at its lines', (name, { text, lifecycle, expected }) => {
    const { findings } = checkText(name, text, scopeOf(lifecycle));
    expect(findings.map(({ rule, line, column }) => `${rule} ${line}:${column}`)).toEqual(expected);
  });

  it('D1: each rule is broken by some file of it', () => {
    const broken = new Set([...corpus('ephemeral'), ...corpus('files')].flatMap(({ expected }) => expected.map((each) => each.split(' ')[0])));
    expect(broken).toEqual(new Set(['application-tier', 'external-dns-arguments', 'host-name', 'image-digest', 'kubernetes-document', 'no-metadata-file', 'secret-key']));
  });
});

describe('checkText', () => {
  it('D1: a finding says what was given, what is allowed and what to do', () => {
    const text = 'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: web, namespace: shop }\nspec: { rules: [{ host: Shop.Dev.goldenpathidp.io }] }\n';
    expect(checkText('a.yaml', text, scope)).toEqual({
      files: 1,
      objects: 1,
      findings: [{
        rule: 'host-name', file: 'a.yaml', line: 4, column: 25, object: 'Ingress shop/web', given: 'Shop.Dev.goldenpathidp.io', problem: 'lies outside the DNS subtree of this ephemeral platform',
        allowed: "names below b-21-11-26-01.dev.goldenpathidp.io, but no wildcard and none of the platform's own: kong, *.apps, prometheus, alertmanager, grafana, backstage, grafana-db, keycloak, _acme-challenge, …-xdns, wildcard", fix: 'derive the name from the host suffix (global.hostSuffix in charts)',
      }],
    });
  });

  it('A1: a chart’s template is named for what it is', () => {
    const [finding] = checkText('t.yaml', '{{- if .Values.x }}\na: 1\n{{- end }}\n', scope).findings;
    expect(finding?.problem).toMatch(/^is a Helm template, not a rendered manifest: /);
    expect(finding?.fix).toContain('helm template <release> <chart> | goldenpath check -');
  });

  it('A1: braces in a text are no template', () => {
    expect(checkText('t.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: alerts }\ndata:\n  rule: "{{ $labels.job }}"\n', scope).findings).toEqual([]);
  });

  it('A1: an alias of nothing, and one that grows without end, are findings and no crash', () => {
    const bomb = `a: &a [1, 1]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, index) => `${name}: &${name} [${Array.from({ length: 12 }, () => `*${'abcdefg'.charAt(index)}`).join(', ')}]`).join('\n')}\n`;
    for (const text of ['a: *nowhere\n', bomb]) expect(checkText('t.yaml', text, scope).findings).toMatchObject([{ rule: 'kubernetes-document', problem: expect.stringMatching(/^is not YAML: /) as string }]);
  });

  it('Speed: 1 000 manifests take less than 2 s', () => {
    const text = corpus('ephemeral').map((file) => file.text).join('\n---\n');
    const { objects } = checkText('all.yaml', text, scope);
    const before = process.cpuUsage(); // of this process: what else the machine does is no matter
    for (let seen = 0; seen < 1_000; seen += objects) checkText('all.yaml', text, scope);
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });
});

describe('checkManifests', () => {
  let dir: string;
  beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'goldenpath-check-')); });
  afterEach(() => { rmSync(dir, { recursive: true }); });
  const put = (path: string, text: string) => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  const CONFIG = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n';

  it('A1: follows links, as Argo CD does, and does not go round in a circle', async () => {
    mkdirSync(join(dir, 'rendered'));
    mkdirSync(join(dir, 'elsewhere'));
    writeFileSync(join(dir, 'elsewhere', 'pod.yaml'), 'apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: { containers: [{ name: a, image: nginx }] }\n');
    symlinkSync('../elsewhere', join(dir, 'rendered', 'linked'));
    symlinkSync('..', join(dir, 'elsewhere', 'round'));
    expect((await checkManifests([join(dir, 'rendered')], scope)).findings).toMatchObject([{ rule: 'image-digest', given: 'nginx' }]);
  });

  it('A1: finds what Argo CD would apply, below every folder but git’s own, hidden ones too, each file once', async () => {
    put('a/.hidden/x.yaml', CONFIG);
    put('a/.dot.yaml', CONFIG);
    put('a/node_modules/x.yaml', CONFIG);
    put('a/b/c.yml', CONFIG);
    put('a/d.json', JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }));
    put('a/notes.md', 'no manifest');
    put('a/.git/x.yaml', 'no manifest');
    expect(await checkManifests([join(dir, 'a'), join(dir, 'a/b/c.yml')], scope)).toEqual({ files: 5, objects: 5, findings: [] });
  });

  it('A1: a chart is one finding that says how to check it', async () => {
    put('shop/Chart.yaml', 'name: shop\n');
    put('shop/templates/all.yaml', '{{ fail }}');
    const { findings } = await checkManifests([dir], scope);
    expect(findings).toMatchObject([{ rule: 'kubernetes-document', line: 1, column: 1, problem: expect.stringContaining('is a Helm chart') as string, fix: expect.stringContaining('helm template') as string }]);
  });

  it('A1: so is Jsonnet, which Argo CD would render', async () => {
    put('a.jsonnet', '{}');
    expect((await checkManifests([dir], scope)).findings).toMatchObject([{ rule: 'kubernetes-document', problem: 'is Jsonnet, and no manifest until it is rendered' }]);
  });

  it('F5: nothing but empty documents is no clean result: what renders them may have failed', async () => {
    put('empty.yaml', '---\n# nothing\n');
    await expect(checkManifests([join(dir, 'empty.yaml')], scope)).rejects.toMatchObject({ type: 'InvalidInput', inputProblems: [{ problem: 'holds no object at all' }] });
  });

  it('F5: every path that is not there, or holds no manifest, is named at once', async () => {
    mkdirSync(join(dir, 'empty'));
    await expect(checkManifests([join(dir, 'nowhere'), join(dir, 'empty')], scope)).rejects.toMatchObject({ type: 'InvalidInput', inputProblems: [{ given: join(dir, 'nowhere'), problem: 'cannot be read (ENOENT)' }, { given: join(dir, 'empty'), problem: 'holds no manifest: no .yaml, .yml, .json or .jsonnet file' }] });
  });
});
