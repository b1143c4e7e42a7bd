// The lab's copies of the environment files, and that the lab and the workflows mean the same search attributes.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { overlaid, writeEnvironments } from '../../../../lab/daemon/environments.ts';
import { SEARCH_ATTRIBUTES } from '../../../../lab/daemon/temporal.ts';
import { searchAttribute } from '../../../../workflows/messages.ts';

const approvers = ['alice', 'bob', 'carol'].map((name, index) => ({ name, publicKey: `MCowBQYDK2VwAyEA${'A'.repeat(42)}${index}=` }));
const overlay = { repoUrl: 'file:///lab/gitops.git', timeScale: 60, lateSweeps: false, approvers };

test('F3: a copy differs in the repository, the timings and the approvers only, and keeps its comments', () => {
  const text = '# The environment.\nname: dev\ngitops:\n  repoUrl: https://example.org/x.git # read by Argo CD\n  revision: v1\ntimings: { scale: 1, lateSweeps: true }\nbreakGlass:\n  approvers: [] # people\n';

  expect(overlaid(text, { ...overlay, approvers: [] })).toBe(
    '# The environment.\nname: dev\ngitops:\n  repoUrl: file:///lab/gitops.git # read by Argo CD\n  revision: main\ntimings: { scale: 60, lateSweeps: false }\nbreakGlass:\n  approvers: []\n',
  );
});

test('F3: a file that is no YAML is refused, not half written', () => {
  expect(() => overlaid('name: [dev', overlay)).toThrow(/flow/i);
});

test('F3: every environment of this repository has a copy that the schema accepts; versions are the same', async () => {
  const from = resolve(import.meta.dirname, '../../../../environments');
  const to = await mkdtemp(join(tmpdir(), 'gp-environments-'));
  try {
    const environments = await writeEnvironments(from, to, overlay);

    expect(environments.map(({ name }) => name)).toEqual(['dev', 'prod', 'staging']);
    expect(environments.every(({ timings, gitops }) => timings.scale === 60 && gitops.repoUrl === overlay.repoUrl)).toBe(true);
    expect(environments.map(({ breakGlass }) => `${breakGlass.signatures} ${breakGlass.approvals} ${breakGlass.approvers.map(({ name }) => name).join(' ')}`)).toEqual(['optional 1 alice bob carol', 'required 2 alice bob carol', 'required 1 alice bob carol']);
    expect(await readFile(join(to, 'versions.yaml'), 'utf8')).toBe(await readFile(join(from, 'versions.yaml'), 'utf8'));
  } finally {
    await rm(to, { recursive: true, force: true });
  }
});

test('Lab: its Temporal server knows every search attribute of the workflows, by name and type', () => {
  const keys = Object.values(searchAttribute);

  expect(keys.map(({ name }) => name).toSorted()).toEqual(SEARCH_ATTRIBUTES.toSorted());
  expect(new Set(keys.map(({ type }) => type))).toEqual(new Set(['KEYWORD']));
});
