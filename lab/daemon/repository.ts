// The git repository from which the lab's Argo CD reads: gitops/ of this work tree as it is now, committed or not.
import { mkdir } from 'node:fs/promises';
import { run } from '../tools/run.ts';

/** A fixed author and time: the same content is the same commit, and no configuration of the machine takes part. */
const IDENTITY = {
  GIT_AUTHOR_NAME: 'goldenpath lab',
  GIT_AUTHOR_EMAIL: 'lab@goldenpath.invalid',
  GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'goldenpath lab',
  GIT_COMMITTER_EMAIL: 'lab@goldenpath.invalid',
  GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

/** Makes a bare repository with one commit of `<workTree>/gitops` on branch main. Returns its URL. Throws CommandFailed. */
export async function publishGitops(input: { readonly workTree: string; readonly repository: string }): Promise<string> {
  const { workTree, repository } = input;
  await mkdir(repository, { recursive: true, mode: 0o700 });
  const git = async (...args: string[]): Promise<string> => {
    const answer = await run('git', [`--git-dir=${repository}`, ...args], {
      cwd: workTree,
      env: { PATH: process.env['PATH'], ...IDENTITY },
    });
    return answer.trim();
  };
  await git('init', '--quiet', '--bare', '--initial-branch=main');
  await git(`--work-tree=${workTree}`, 'add', '--all', '--', 'gitops');
  const tree = await git('write-tree');
  const commit = await git('commit-tree', tree, '-m', 'The gitops folder of the work tree');
  await git('update-ref', 'refs/heads/main', commit);
  return `file://${repository}`;
}
