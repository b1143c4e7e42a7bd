// Gets the lab's programs: each built once into a cache outside the work tree, or taken from where a person has it (issue "The lab", item 5).
// Run by itself it prints the paths as JSON: node lab/tools.ts
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { buildBinary, cacheFolder, moduleSource } from './tools/go.ts';
import { withLock } from './tools/lock.ts';
import { MANIFEST_MODULES, PINS } from './tools/pins.ts';
import type { Pin, ToolName } from './tools/pins.ts';
import { buildPython, pythonFolder, pythonIsComplete, pythonTools } from './tools/python.ts';
import type { PythonTools } from './tools/python.ts';

export type { ToolName } from './tools/pins.ts';

/** Absolute paths of everything the lab runs or applies. */
export interface Tools {
  readonly bin: Readonly<Record<ToolName, string>>;
  readonly python: PythonTools;
  readonly manifests: {
    readonly argocdCoreInstall: string;
    /** Stage files of kwok: nodes fast, heartbeat with lease, pods fast. */
    readonly kwokStages: readonly string[];
    readonly externalSecretsCrds: string;
    readonly certManagerCrds: readonly string[];
  };
}

const MODULES = resolve(import.meta.dirname, '..', 'tools');

/** Folder of finished tools: survives `lab down`, may be deleted at any time. */
export function toolsCache(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME'];
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'), 'goldenpath', 'tools');
}

/** Finds or builds every tool. `onProgress` is told one line at each step of a build. Throws CommandFailed with the compiler's last lines. */
export async function ensureTools({ onProgress = () => {} }: { readonly onProgress?: (line: string) => void } = {}): Promise<Tools> {
  const cache = toolsCache();
  await mkdir(cache, { recursive: true });
  const found = await findAll(cache);
  const requirements = join(MODULES, 'python', 'requirements.txt');
  const python = join(cache, await pythonFolder(requirements));
  const complete = () => [...found.values()].every((path) => path !== undefined) && pythonIsComplete(python);
  if (!complete()) {
    const onWait = (pid: number) => {
      onProgress(`waiting for process ${pid}, which is building the tools`);
    };
    await withLock(join(cache, '.lock'), onWait, async () => {
      if (!pythonIsComplete(python)) await buildPython(python, requirements, onProgress);
      await buildMissing(cache, found, onProgress);
    });
  }
  return { bin: pathsOf(found), python: await pythonTools(python), manifests: await findManifests() };
}

type Found = Map<ToolName, string | undefined>;

async function findAll(cache: string): Promise<Found> {
  const found: Found = new Map();
  for (const pin of PINS) found.set(pin.name, await find(pin, cache));
  return found;
}

async function find(pin: Pin, cache: string): Promise<string | undefined> {
  const variable = toolVariable(pin.name);
  const named = process.env[variable];
  if (named !== undefined) {
    if (!isProgram(named)) throw new Error(`${variable} names ${named}, which is not a program`);
    return resolve(named);
  }
  const built = join(cache, await cacheFolder(pin, MODULES), pin.name);
  return existsSync(built) ? built : onPath(pin);
}

/** Name of the environment variable that names a binary, for example GOLDENPATH_TOOL_KUBE_APISERVER. */
export function toolVariable(name: ToolName): string {
  return `GOLDENPATH_TOOL_${name.toUpperCase().replaceAll('-', '_')}`;
}

function onPath(pin: Pin): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, pin.name);
    if (isAbsolute(folder) && isProgram(candidate) && pin.version.prints.test(versionOf(candidate, pin))) return candidate;
  }
  return undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // whatever the reason, this user cannot run it
  }
}

function versionOf(program: string, pin: Pin): string {
  try {
    return execFileSync(program, [...pin.version.args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 });
  } catch {
    return ''; // a program that cannot tell its version is not the one that is wanted
  }
}

async function buildMissing(cache: string, found: Found, onProgress: (line: string) => void): Promise<void> {
  for (const [index, pin] of PINS.entries()) {
    const folder = join(cache, await cacheFolder(pin, MODULES));
    const binary = join(folder, pin.name);
    const missing = found.get(pin.name) === undefined;
    // Another process may have built it while this one waited for the lock.
    if (missing && !existsSync(binary)) await buildBinary({ pin, modules: MODULES, folder, position: `(${index + 1}/${PINS.length})`, onProgress });
    if (missing) found.set(pin.name, binary);
  }
}

function pathsOf(found: Found): Record<ToolName, string> {
  const path = (name: ToolName) => {
    const value = found.get(name);
    if (value === undefined) throw new Error(`no path for ${name}`);
    return value;
  };
  return {
    temporal: path('temporal'),
    etcd: path('etcd'),
    'kube-apiserver': path('kube-apiserver'),
    'kube-controller-manager': path('kube-controller-manager'),
    'kube-scheduler': path('kube-scheduler'),
    kubectl: path('kubectl'),
    kwok: path('kwok'),
    'external-dns': path('external-dns'),
    argocd: path('argocd'),
    helm: path('helm'),
  };
}

async function findManifests(): Promise<Tools['manifests']> {
  const argocd = await source(MANIFEST_MODULES.argocd);
  const stages = join(await source(MANIFEST_MODULES.kwok), 'kustomize', 'stage');
  const externalSecrets = await source(MANIFEST_MODULES.externalSecrets);
  const certManager = join(await source(MANIFEST_MODULES.certManager), 'deploy', 'crds');
  return {
    argocdCoreInstall: join(argocd, 'manifests', 'core-install.yaml'),
    kwokStages: [
      join(stages, 'node', 'fast', 'node-initialize.yaml'),
      join(stages, 'node', 'heartbeat', 'node-heartbeat.yaml'),
      join(stages, 'pod', 'fast', 'pod-ready.yaml'),
      join(stages, 'pod', 'fast', 'pod-complete.yaml'),
      join(stages, 'pod', 'fast', 'pod-delete.yaml'),
    ],
    externalSecretsCrds: join(externalSecrets, 'deploy', 'crds', 'bundle.yaml'),
    certManagerCrds: (await readdir(certManager)).filter((name) => name.endsWith('.yaml')).map((name) => join(certManager, name)),
  };
}

function source({ module, path }: { readonly module: string; readonly path: string }): Promise<string> {
  return moduleSource(MODULES, module, path);
}

if (import.meta.main) {
  const tools = await ensureTools({ onProgress: (line) => process.stderr.write(`${line}\n`) });
  process.stdout.write(`${JSON.stringify(tools, null, 2)}\n`);
}
