// Environment files and the version manifest, read from the folder of environments and checked by the domain's schemas (F3).
import { createPublicKey } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { type Environment, environmentSchema } from '../domain/environment.ts';
import { MANIFESTS, PUBLIC_KEY, type Versions, versionsSchema } from '../domain/versions.ts';
import { type InputProblem, InputRefused } from './problems.ts';

const VERSIONS = 'versions.yaml';

/** Something read, or every reason why it cannot be used. */
export type Read<T> = { value: T; problems: [] } | { value?: undefined; problems: InputProblem[] };

/** The folder that holds <environment>.yaml and versions.yaml: GOLDENPATH_ENVIRONMENTS, or `environments/` of this package. */
export function environmentsFolder(env: NodeJS.ProcessEnv): string {
  const named = env['GOLDENPATH_ENVIRONMENTS'];
  return named === undefined || named === '' ? resolve(import.meta.dirname, '..', 'environments') : resolve(named);
}

/** Names of the environments that have a file, sorted. A problem where the folder cannot be read. */
export async function knownEnvironments(folder: string): Promise<Read<string[]>> {
  try {
    const files = await readdir(folder);
    return { value: files.filter((file) => file.endsWith('.yaml') && file !== VERSIONS).map((file) => file.slice(0, -'.yaml'.length)).toSorted(), problems: [] };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { problems: [{ field: 'GOLDENPATH_ENVIRONMENTS', given: folder, problem: `cannot be read (${error.code})`, allowed: 'a folder with <environment>.yaml and versions.yaml', fix: 'name such a folder, or unset it to use the ones of this package' }] };
  }
}

/** Reads one environment's file; the name must be one of `knownEnvironments`. */
export async function readEnvironment(folder: string, name: string): Promise<Read<Environment>> {
  const path = join(folder, `${name}.yaml`);
  return readYaml(path, environmentSchema, 'docs/reference/environment.md describes every field', (given) => {
    const written = z.object({ name: z.string() }).safeParse(given).data?.name ?? name;
    return written === name ? [] : [{ field: `${shownPath(path)}: name`, given: written, problem: 'differs from the name of its file', allowed: name, fix: 'rename the file or correct the field' }];
  });
}

export async function readVersions(folder: string): Promise<Read<Versions>> {
  const read = await readYaml(join(folder, VERSIONS), versionsSchema, 'docs/reference/versions.md describes every field');
  return read.value === undefined ? read : withKeys(read.value, folder);
}

/** The manifest with the content of key and signature files in place of their paths: a plan carries, and its hash covers, what counts (G1). */
async function withKeys(versions: Versions, folder: string): Promise<Read<Versions>> {
  const problems: InputProblem[] = [];
  const file = shownPath(join(folder, VERSIONS));
  const content = async (field: string, path: string): Promise<string> => {
    try {
      return await readFile(join(folder, path), 'utf8');
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      problems.push({ field: `${file}: ${field}`, given: path, problem: `cannot be read (${error.code})`, allowed: `a file below ${shownPath(folder)}/`, fix: 'put the file there, or correct its path' });
      return path;
    }
  };
  const keyOf = async (field: string, key: string): Promise<string> => {
    const pem = key.startsWith('-----') ? key : await content(field, key);
    const problem = problems.some(({ given }) => given === key) ? undefined : keyProblem(pem);
    if (problem !== undefined) problems.push({ field: `${file}: ${field}`, problem, allowed: 'a PEM public key of type ec, rsa or ed25519', fix: 'take the .pub file that cosign generate-key-pair or cosign public-key made' });
    return pem;
  };
  const images: Versions['images'] = {};
  for (const [name, image] of Object.entries(versions.images)) {
    images[name] = image.signature === undefined ? image : { ...image, signature: { key: await keyOf(`images.${name}.signature.key`, image.signature.key) } };
  }
  const manifests = { ...versions.manifests };
  for (const name of MANIFESTS) {
    const files = await Promise.all(manifests[name].files.map(async (each, index) => {
      if (each.signature === undefined) return each;
      const { key, value } = each.signature;
      const at = `manifests.${name}.files.${index}.signature`;
      return { ...each, signature: { key: await keyOf(`${at}.key`, key), value: SIGNATURE_PATH.test(value) ? await content(`${at}.value`, value) : value } };
    }));
    manifests[name] = { ...manifests[name], files };
  }
  return problems.length === 0 ? { value: { ...versions, images, manifests }, problems: [] } : { problems };
}

/** No signature begins so: in base64 they begin with M, as bundles with a brace. */
const SIGNATURE_PATH = /^signatures\/[\w.-]+$/;

/** A private key has its public half too, and would go with the plan into histories and logs. */
function keyProblem(pem: string): string | undefined {
  if (!PUBLIC_KEY.test(pem)) return `is no public key (${pem.includes('PRIVATE KEY') ? 'it holds a private one: take that away from here' : 'it is not one block from -----BEGIN PUBLIC KEY----- to -----END PUBLIC KEY-----'})`;
  try {
    const { asymmetricKeyType } = createPublicKey(pem);
    return ['ec', 'rsa', 'ed25519'].includes(asymmetricKeyType ?? '') ? undefined : `is a key of type ${asymmetricKeyType ?? 'unknown'}`;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `is no public key (${error.message})`;
  }
}

/** `alsoWrong`: problems that the schema cannot see; they are named beside its own. */
async function readYaml<T>(path: string, schema: z.ZodType<T>, help: string, alsoWrong: (given: unknown) => InputProblem[] = () => []): Promise<Read<T>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { problems: [{ field: shownPath(path), problem: `cannot be read (${error.code})`, fix: help }] };
  }
  const document = parseDocument(text);
  const syntax = [...document.errors, ...document.warnings]; // an unknown tag is only a warning, and not meant
  if (syntax.length > 0) return { problems: syntax.map(({ message }) => ({ field: shownPath(path), problem: message.split('\n')[0] ?? message, fix: 'correct the YAML' })) };
  const given: unknown = document.toJS();
  const parsed = schema.safeParse(given);
  const others = alsoWrong(given);
  if (parsed.success) return others.length === 0 ? { value: parsed.data, problems: [] } : { problems: others };
  const issues = parsed.error.issues.map(({ path: at, message }) => ({ field: `${shownPath(path)}: ${at.length === 0 ? '(whole)' : at.join('.')}`, given: valueAt(given, at), problem: message, fix: help }));
  return { problems: [...issues, ...others] };
}

/** The text of a file that was named by an option, or of stdin for `-`. Throws InputRefused where it cannot be read. */
export async function readGiven(path: string, { field, allowed, fix }: Pick<InputProblem, 'field' | 'allowed' | 'fix'>): Promise<string> {
  try {
    return path === '-' ? await textOf(process.stdin) : await readFile(path, 'utf8');
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    throw new InputRefused([{ field, given: path, problem: `cannot be read (${error.code})`, allowed, fix }]);
  }
}

function valueAt(given: unknown, path: PropertyKey[]): string | undefined {
  const value = path.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined), given);
  if (value === undefined || path.length === 0) return undefined;
  const text = JSON.stringify(value);
  return text.includes('PRIVATE KEY') ? '(a private key, not shown: take it away from here)' : text; // an error goes to logs
}

/** The path as a person would type it: relative where that is shorter. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.length < path.length ? near : path;
}

/** Whether a path cannot be read for a reason that whoever named it can mend. */
export function isUnreadable(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && ['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR', 'ENXIO', 'ENAMETOOLONG'].includes(error.code);
}
