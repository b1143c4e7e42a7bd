// The environment files that a worker holds: what plans say of their approvers is compared with them (B1, B2; docs/decisions/0007).
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseDocument } from 'yaml';
import { type Environment, environmentSchema } from '../domain/environment.ts';
import type { HeldEnvironments } from '../domain/own-policy.ts';
import { SettingsProblem } from './environment.ts';

const VERSIONS = 'versions.yaml';

/** Reads every `<environment>.yaml` of the folder, once: a new file counts from the worker's next start on. Throws SettingsProblem with the problems of all files. */
export async function readEnvironments(folder: string): Promise<HeldEnvironments> {
  const files = (await readable(readdir(folder), folder)).filter((file) => file.endsWith('.yaml') && file !== VERSIONS).toSorted();
  if (files.length === 0) throw new SettingsProblem([`GOLDENPATH_ENVIRONMENTS (${folder}): holds no <environment>.yaml`]);
  const read = await Promise.all(files.map((file) => readEnvironment(join(folder, file))));
  const problems = read.flatMap((result) => ('problems' in result ? result.problems : []));
  if (problems.length > 0) throw new SettingsProblem(problems.map((problem) => `GOLDENPATH_ENVIRONMENTS: ${problem}`));
  return new Map(read.flatMap((result) => ('environment' in result ? [[result.environment.name, result.environment]] : [])));
}

async function readEnvironment(path: string): Promise<{ environment: Environment } | { problems: string[] }> {
  const document = parseDocument(await readable(readFile(path, 'utf8'), path));
  const syntax = [...document.errors, ...document.warnings]; // an unknown tag is only a warning, and not meant
  if (syntax.length > 0) return { problems: syntax.map(({ message }) => `${path}: ${message.split('\n')[0] ?? message}`) };
  const parsed = environmentSchema.safeParse(document.toJS());
  if (!parsed.success) return { problems: parsed.error.issues.map(({ path: at, message }) => `${path}: ${at.length === 0 ? '(whole)' : at.join('.')}: ${message}`) };
  const { name } = parsed.data;
  return name === basename(path, '.yaml') ? { environment: parsed.data } : { problems: [`${path}: name: is ${name}, and differs from the name of its file`] };
}

/** The answer; a file or folder that cannot be read is the setting's problem, every other error is thrown on. */
async function readable<T>(reading: Promise<T>, path: string): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) throw error;
    throw new SettingsProblem([`GOLDENPATH_ENVIRONMENTS (${path}): cannot be read (${String(error.code)})`]);
  }
}
