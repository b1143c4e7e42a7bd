// Which secrets of Secrets Manager a namespace may have brought to it: one verdict, whose parts the admission policy shares (G1, R2).
import { PLATFORM_NAMESPACES } from '../components.ts';
import { SECRET_HOLDERS } from '../platform-secrets.ts';
import { CONTROL_PLANE_NAMESPACES, type SecretPlace } from './places.ts';
import type { ManifestScope } from './scope.ts';

/** What every secret of the product is called by, in its name and in its ARN. Anywhere in a key: an ARN has more before it. */
export const KEY_MARK = 'goldenpath/';
/** The platform's own namespaces, and the control plane's: their keys are not judged. */
export const TRUSTED_NAMESPACES: readonly string[] = [...new Set([...CONTROL_PLANE_NAMESPACES, ...PLATFORM_NAMESPACES])];

/** What an application's keys begin with before the name of its namespace. */
export function keysBegin({ environment }: Pick<ManifestScope, 'environment'>): string {
  return `${KEY_MARK}${environment}/`;
}

/**
 * Why an object of this namespace may not have a field, or undefined where it may. A namespace has the secrets of the application of its name; none where
 * it has the name of something whose secrets are the platform's.
 */
export function keyProblem(value: unknown, holds: SecretPlace['fields'][number]['holds'], scope: Pick<ManifestScope, 'environment'>, namespace: string | undefined): string | undefined {
  if (holds === 'find') return 'selects secrets by a pattern, whosever they are';
  if (typeof value !== 'string') return 'is no text';
  if (value === '' || (holds === 'key' && !value.includes(KEY_MARK))) return undefined;
  if (namespace === undefined) return 'is of one namespace alone, and this is in none by its metadata, so in whichever it is applied to';
  if (!SECRET_HOLDERS.includes(namespace) && value.startsWith(`${keysBegin(scope)}${namespace}/`)) return undefined;
  return holds === 'key' ? `names a secret that is not of namespace ${namespace}` : `makes keys of which a part is hidden, and does not hold them to namespace ${namespace}`;
}

/** What is allowed, in words. */
export function allowedKeys(scope: Pick<ManifestScope, 'environment'>): string {
  return `keys that begin with ${keysBegin(scope)}<namespace of the object>/, or do not contain ${KEY_MARK}; no prefix but one that begins so; no find; nothing of the platform's own ${SECRET_HOLDERS.join(', ')}`;
}
