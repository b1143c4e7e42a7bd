// The git repository that the lab's Argo CD reads (A4).
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { publishGitops } from '../../../../lab/daemon/repository.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gp-repository-'));
  await mkdir(join(dir, 'tree', 'gitops', 'apps'), { recursive: true });
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

test('A4: the repository holds gitops/ as it lies there, committed or not, and nothing else', async () => {
  await writeFile(join(dir, 'tree', 'gitops', 'apps', 'a.yaml'), 'kind: A\n');
  await writeFile(join(dir, 'tree', 'secret.txt'), 'x');

  const url = await publishGitops({ workTree: join(dir, 'tree'), repository: join(dir, 'gitops.git') });
  execFileSync('git', ['clone', '--quiet', url, join(dir, 'clone')]);

  const git = (...args: string[]) => execFileSync('git', ['-C', join(dir, 'clone'), ...args], { encoding: 'utf8' }).trim();
  expect(url).toBe(`file://${join(dir, 'gitops.git')}`);
  expect(git('ls-files')).toBe('gitops/apps/a.yaml');
  expect(git('branch', '--show-current')).toBe('main');
  expect(git('log', '--format=%an %s')).toBe('goldenpath lab The gitops folder of the work tree');
});

test('A4: the same content is the same commit', async () => {
  await writeFile(join(dir, 'tree', 'gitops', 'a.yaml'), 'kind: A\n');
  const commits: string[] = [];
  for (const name of ['one.git', 'two.git']) {
    await publishGitops({ workTree: join(dir, 'tree'), repository: join(dir, name) });
    commits.push(execFileSync('git', [`--git-dir=${join(dir, name)}`, 'rev-parse', 'main'], { encoding: 'utf8' }));
  }

  expect(commits[0]).toBe(commits[1]);
});
