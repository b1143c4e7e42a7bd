// The lab's copies of environments/: the same files, with what differs in the lab put in their place.
import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, parseDocument } from 'yaml';
import { environmentSchema } from '../../domain/environment.ts';
import type { Environment } from '../../domain/environment.ts';
import type { Approver } from './keys.ts';

/** What differs in the lab. */
export interface Overlay {
  readonly repoUrl: string;
  readonly timeScale: number;
  readonly lateSweeps: boolean;
  /** In place of the files' own, whose private keys nobody has. */
  readonly approvers: readonly Approver[];
}

const VERSIONS = 'versions.yaml';

/** Writes the lab's copies, comments included, and returns the environments. Throws where a file is no YAML or no environment. */
export async function writeEnvironments(from: string, to: string, overlay: Overlay): Promise<Environment[]> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const environments: Environment[] = [];
  for (const file of (await readdir(from)).filter((name) => name.endsWith('.yaml')).toSorted()) {
    const given = await readFile(join(from, file), 'utf8');
    const text = file === VERSIONS ? given : overlaid(given, overlay);
    await writeFile(join(to, file), text);
    if (file !== VERSIONS) environments.push(environmentSchema.parse(parse(text)));
  }
  // Keys and signatures that the version manifest names by their paths.
  for (const folder of (await readdir(from, { withFileTypes: true })).filter((entry) => entry.isDirectory())) await cp(join(from, folder.name), join(to, folder.name), { recursive: true });
  return environments;
}

/** One environment file with the lab's values. */
export function overlaid(text: string, { repoUrl, timeScale, lateSweeps, approvers }: Overlay): string {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw problem;
  document.setIn(['gitops', 'repoUrl'], repoUrl);
  document.setIn(['gitops', 'revision'], 'main');
  document.setIn(['timings', 'scale'], timeScale);
  document.setIn(['timings', 'lateSweeps'], lateSweeps);
  document.setIn(['breakGlass', 'approvers'], approvers);
  return document.toString({ lineWidth: 0 });
}
