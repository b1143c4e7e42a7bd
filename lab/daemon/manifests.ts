// A folder of the pinned upstream manifests by their sha256, which the worker reads instead of the internet (A2).
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tools } from '../tools.ts';

/** Writes `<folder>/<sha256>.yaml` for each manifest that lies in Go's module cache; the product checks the sum again. */
export async function mirrorManifests(manifests: Tools['manifests'], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const file of [manifests.argocdCoreInstall, manifests.externalSecretsCrds, ...manifests.certManagerCrds]) {
    const content = await readFile(file);
    await writeFile(join(folder, `${createHash('sha256').update(content).digest('hex')}.yaml`), content);
  }
}
