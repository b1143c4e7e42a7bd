// A folder of the pinned manifests under the names that the product looks for, from the module cache: no test asks the internet for them.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tools } from '../../lab/tools.ts';

/** Makes it in `dir`; returns its path. */
export async function manifestMirror(dir: string, { manifests }: Pick<Tools, 'manifests'>): Promise<string> {
  const folder = join(dir, 'manifests');
  await mkdir(folder);
  for (const file of [manifests.argocdCoreInstall, manifests.externalSecretsCrds, ...manifests.certManagerCrds]) await copyFile(file, join(folder, `${createHash('sha256').update(await readFile(file)).digest('hex')}.yaml`));
  return folder;
}
