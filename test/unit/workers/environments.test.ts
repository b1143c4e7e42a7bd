import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SettingsProblem } from '../../../workers/environment.ts';
import { readEnvironments } from '../../../workers/environments.ts';
import { type ApproverFiles, approverFiles } from '../../support/approver-files.ts';

let files: ApproverFiles;
beforeAll(async () => { files = await approverFiles(['alice', 'bob', 'carol']); });
afterAll(() => files.remove());

async function problemsOf(folder: string): Promise<string[]> {
  const error: unknown = await readEnvironments(folder).catch((reason: unknown) => reason);
  if (!(error instanceof SettingsProblem)) throw error;
  return error.problems.map((problem) => problem.replaceAll(files.folder, '…'));
}

async function folderOf(name: string, content: Record<string, string>): Promise<string> {
  const folder = join(files.folder, name);
  await mkdir(folder);
  for (const [file, text] of Object.entries(content)) await writeFile(join(folder, file), text);
  return folder;
}

describe('readEnvironments', () => {
  it('B1: the files of the package are held by name, each with its approvers', async () => {
    const held = await readEnvironments(resolve(import.meta.dirname, '../../../environments'));
    expect([...held.keys()]).toEqual(['dev', 'prod', 'staging']);
    expect(held.get('prod')?.breakGlass.approvals).toBe(2);
    expect((await readEnvironments(files.environments)).get('dev')?.breakGlass).toEqual(files.policy);
  });

  it('F5: a folder that is not there, or holds none, is the setting’s problem', async () => {
    expect(await problemsOf(join(files.folder, 'none'))).toEqual(['GOLDENPATH_ENVIRONMENTS (…/none): cannot be read (ENOENT)']);
    expect(await problemsOf(await folderOf('empty', { 'versions.yaml': 'a: 1' }))).toEqual(['GOLDENPATH_ENVIRONMENTS (…/empty): holds no <environment>.yaml']);
  });

  it('F5: the problems of all files are named at once', async () => {
    const problems = await problemsOf(await folderOf('wrong', { 'dev.yaml': 'name: dev\n  broken', 'qa.yaml': 'name: qa\n' }));
    expect(problems[0]).toMatch(/^GOLDENPATH_ENVIRONMENTS: …\/wrong\/dev\.yaml: /);
    expect(problems).toContain('GOLDENPATH_ENVIRONMENTS: …/wrong/qa.yaml: breakGlass: Invalid input: expected object, received undefined');
  });

  it('F5: a file that is named otherwise than its environment is refused: it would stand for another', async () => {
    const dev = await readFile(join(files.environments, 'dev.yaml'), 'utf8');
    expect(await problemsOf(await folderOf('renamed', { 'prod.yaml': dev }))).toEqual(['GOLDENPATH_ENVIRONMENTS: …/renamed/prod.yaml: name: is dev, and differs from the name of its file']);
  });
});
