// Nothing is left behind, whatever modes a program gave its folders (issue, "Seen to be done").
import { chmod, mkdir, mkdtemp, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeTree } from '../../../lab/remove-tree.ts';

test('Lab: a folder that its owner may not list is removed, and what a link points at stays', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gp-remove-'));
  const [tree, outside] = [join(dir, 'tree'), join(dir, 'outside')];
  await mkdir(join(tree, '_argocd-repo', 'inner'), { recursive: true });
  await mkdir(outside);
  await writeFile(join(tree, '_argocd-repo', 'inner', 'file'), 'x');
  await symlink(outside, join(tree, '_argocd-repo', 'link'));
  await chmod(join(tree, '_argocd-repo', 'inner'), 0o000);
  await chmod(join(tree, '_argocd-repo'), 0o300);

  await removeTree(tree);
  await removeTree(tree);

  await expect(stat(tree)).rejects.toThrow('ENOENT');
  expect((await stat(outside)).isDirectory()).toBe(true);
  await removeTree(dir);
});
