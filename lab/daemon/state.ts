// Where a lab keeps itself, and the file in which its daemon says what it is (issue, "The lab").
import { chmod, lstat, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { isErrno } from '../errno.ts';

const settings = z.object({
  name: z.string(),
  /** Durations of AWS operations are divided by it. */
  timeScale: z.number().min(1),
  /** Sweep again an hour and a day after a teardown. */
  lateSweeps: z.boolean(),
});

/** What a person asked of a lab. */
export type LabSettings = z.infer<typeof settings>;

const state = settings.extend({
  state: z.enum(['starting', 'ready', 'stopping', 'failed']),
  /** The daemon's process; pid and start time together tell it from a later one. */
  pid: z.int().positive(),
  startTime: z.string(),
  startedAt: z.string(),
  /** Why it failed. */
  problem: z.string().optional(),
  endpoints: z
    .object({
      /** AWS, every service; `/_lab/` below it takes fault rules and tells the request log. */
      aws: z.url(),
      /** host:port */
      temporal: z.string(),
      temporalUi: z.url(),
      /** Prometheus metrics of the worker. */
      workerMetrics: z.url(),
    })
    .optional(),
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }).optional(),
  region: z.string().optional(),
});

/** The daemon's word on itself. Endpoints and credentials are there once it is ready. */
export type LabState = z.infer<typeof state>;

/** The folders and files of a lab. */
export interface LabPaths {
  readonly root: string;
  /** Held while a lab is being raised, so that two commands do not raise the same one. */
  readonly lock: string;
  readonly state: string;
  readonly settings: string;
  readonly registry: string;
  readonly log: string;
  readonly progress: string;
  readonly bin: string;
  readonly environments: string;
  /** Private keys of the lab's approvers. */
  readonly keys: string;
  readonly manifests: string;
  /** The authority of the lab's RDS, PEM. */
  readonly rdsCa: string;
  /** The data of its PostgreSQL servers. */
  readonly databases: string;
  readonly repository: string;
}

/** A lab that cannot be had as asked; the message says what to do. */
export class LabProblem extends Error {
  override readonly name = 'LabProblem';
}

/** Paths of the lab of a name. Throws LabProblem for a name that is no short lower-case word. */
export function labPaths(name: string): LabPaths {
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) throw new LabProblem(`lab name ${JSON.stringify(name)} must be lower-case letters, digits and hyphens, at most 31`);
  const root = join(labsFolder(), name);
  return {
    root,
    lock: `${root}.lock`,
    state: join(root, 'lab.json'),
    settings: join(root, 'settings.json'),
    registry: join(root, 'processes.json'),
    log: join(root, 'daemon.log'),
    progress: join(root, 'progress.log'),
    bin: join(root, 'bin'),
    environments: join(root, 'environments'),
    keys: join(root, 'keys'),
    manifests: join(root, 'manifests'),
    rdsCa: join(root, 'rds-ca.pem'),
    databases: join(root, 'databases'),
    repository: join(root, 'gitops.git'),
  };
}

/** The folder of all labs of this user. */
export function labsFolder(): string {
  return join(tmpdir(), `goldenpath-${userInfo().uid}`);
}

/** Makes the folder of all labs, for this user only. Throws LabProblem where another user made it before. */
export async function makeLabsFolder(): Promise<void> {
  const parent = labsFolder();
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const found = await lstat(parent);
  if (!found.isDirectory() || found.uid !== userInfo().uid) throw new LabProblem(`${parent} belongs to someone else; set TMPDIR to a folder of your own`);
  await chmod(parent, 0o700);
}

/** The daemon's state, or undefined where there is no such lab. Throws where the file is damaged. */
export async function readState(paths: LabPaths): Promise<LabState | undefined> {
  const text = await read(paths.state);
  return text === undefined ? undefined : state.parse(JSON.parse(text));
}

/** Writes the state; a reader sees the old one or the new one. It holds a key, so only its owner may read it. */
export async function writeState(paths: LabPaths, value: LabState): Promise<void> {
  await replace(paths.state, value);
}

/** What the daemon is started with. */
export async function readSettings(file: string): Promise<LabSettings> {
  return settings.parse(JSON.parse(await readFile(file, 'utf8')));
}

/** Hands the settings to the daemon. */
export async function writeSettings(file: string, value: LabSettings): Promise<void> {
  await replace(file, value);
}

async function replace(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.partial`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.partial`, file);
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
