// Which host names a platform may write: one verdict, whose patterns the admission policies share (D1, D3).
import { buildPattern } from '../dns-names.ts';
import type { ManifestScope } from './scope.ts';

/** One label, and a name of labels with at most one wildcard, in front. Nothing else passes: an escape (`\142-1`) would be read as another name by Route 53. */
const LABEL = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?';
export const NAME_PATTERN = `^([*][.])?(${LABEL}[.])*${LABEL}$`;

/** What separates names in one text; ExternalDNS's own annotations use it, and no name holds it. */
export const SEPARATOR = ',';

/** The names in one text, each as it is given and in the form in which names are compared: lower case (ASCII alone, as DNS), one trailing dot less. */
export function namesIn(text: string): { given: string; name: string }[] {
  return text.split(SEPARATOR).filter((given) => given !== '').map((given) => ({ given, name: given.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()).replace(/[.]$/, '') }));
}

/** What stands in an annotation: ExternalDNS takes blanks out wherever they are. */
export function annotationText(text: string): string {
  return text.replaceAll(' ', '').trim();
}

/** The pattern of names in its suffix that are not the platform's all the same: of a persistent one, those of the builds that share its zone. undefined where there are none (D1). */
export function foreignPattern({ lifecycle, hostSuffix }: Pick<ManifestScope, 'lifecycle' | 'hostSuffix'>): string | undefined {
  return lifecycle === 'persistent' ? buildPattern(hostSuffix) : undefined;
}

/** Why the platform may not write a name in compared form, or undefined where it may: a host name, the suffix itself or below it by whole labels, and for a persistent platform in no build's subtree. */
export function nameProblem(name: string, scope: Pick<ManifestScope, 'lifecycle' | 'hostSuffix'>): string | undefined {
  if (!new RegExp(NAME_PATTERN).test(name)) return 'is no host name';
  if (name !== scope.hostSuffix && !name.endsWith(`.${scope.hostSuffix}`)) return `lies outside the DNS subtree of this ${scope.lifecycle} platform`;
  const foreign = foreignPattern(scope);
  return foreign !== undefined && new RegExp(foreign).test(name) ? "lies in an ephemeral platform's DNS subtree" : undefined;
}

/** What is allowed, in words. */
export function allowedNames({ lifecycle, hostSuffix }: Pick<ManifestScope, 'lifecycle' | 'hostSuffix'>): string {
  return lifecycle === 'ephemeral' ? `${hostSuffix} and names below it` : `${hostSuffix} and names below it, but none in an ephemeral platform's b-DD-MM-YY-NN.${hostSuffix}`;
}
