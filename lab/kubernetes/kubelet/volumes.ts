// A pod's volumes as folders under a root that stands for `/` of its containers.
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { V1Container, V1KeyToPath, V1Pod, V1Volume } from '@kubernetes/client-node';
import { ConfigMissing } from './environment.ts';
import type { Sources } from './environment.ts';

/** Lays out the pod's volumes below `root`. Throws ConfigMissing where a ConfigMap or Secret is not there and not optional. */
export async function layOutVolumes(pod: V1Pod, root: string, sources: Sources): Promise<void> {
  const folders = `${root}.volumes`;
  for (const volume of pod.spec?.volumes ?? []) await fill(volume, join(folders, volume.name), sources);
  for (const container of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) await mount(container, root, folders);
}

/** Where the containers of a pod have volumes: paths that must be moved below the root. */
export function mountPaths(container: V1Container): string[] {
  return (container.volumeMounts ?? []).map(({ mountPath }) => mountPath.replace(/\/+$/, ''));
}

async function fill(volume: V1Volume, folder: string, sources: Sources): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { configMap, secret } = volume;
  if (configMap !== undefined) await write(folder, await sources.configMap(configMap.name ?? ''), configMap, `configmap "${configMap.name ?? ''}"`);
  if (secret !== undefined) await write(folder, await sources.secret(secret.secretName ?? ''), secret, `secret "${secret.secretName ?? ''}"`);
}

interface Projection {
  readonly items?: readonly V1KeyToPath[];
  readonly optional?: boolean;
}

async function write(folder: string, values: Readonly<Record<string, string>> | undefined, projection: Projection, what: string): Promise<void> {
  if (values === undefined) {
    if (projection.optional === true) return;
    throw new ConfigMissing(`${what} not found`);
  }
  const items = projection.items ?? Object.keys(values).map((key) => ({ key, path: key }));
  for (const { key, path } of items) {
    const value = values[key];
    if (value === undefined && projection.optional === true) continue;
    if (value === undefined) throw new ConfigMissing(`${what} has no key ${key}`);
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, value, { mode: 0o600 });
  }
}

/** Links each mount to its volume, the shortest path first, so that one mount may lie inside another. */
async function mount(container: V1Container, root: string, folders: string): Promise<void> {
  const mounts = (container.volumeMounts ?? []).toSorted((a, b) => a.mountPath.length - b.mountPath.length);
  for (const { mountPath, name, subPath = '' } of mounts) {
    const link = join(root, mountPath);
    await mkdir(dirname(link), { recursive: true, mode: 0o700 });
    await rm(link, { recursive: true, force: true });
    await symlink(join(folders, name, subPath), link);
  }
}
