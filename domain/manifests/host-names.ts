// Which host names a platform may write: one verdict, whose patterns the admission policies share (D1, D3).
import { HOSTS, PLATFORM_NAMESPACES, platformHosts } from '../components.ts';
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

/**
 * Names that no manifest gives, whatever its namespace: where certificates are proven (ACME DNS-01, RFC 8555 § 8.4), and where ExternalDNS's registry
 * stands. A record of another type there keeps cert-manager's or the registry's TXT out; a TXT there speaks for a name. `wildcard` in front shares its
 * registry entry with the wildcard of the rest (ExternalDNS's --txt-wildcard-replacement): made and deleted, it takes that one's owner away.
 */
export const NEVER_PATTERN = '(^|[.])_acme-challenge([.]|$)|^([*][.])?[a-z0-9]+-xdns[.]|^wildcard[.]';

/** A wildcard, which only the platform's own namespaces may give: it answers for every name below it that is not there, others' challenges (`_acme-challenge`) among them. */
export const WILDCARD = '*.';

/**
 * Names that only the platform's own namespaces may give, beside wildcards: the suffix itself, and the platform's hosts, so that nobody takes one before its
 * tier is raised, or beside it.
 */
export function reservedNames({ hostSuffix }: Pick<ManifestScope, 'hostSuffix'>): string[] {
  return [hostSuffix, ...platformHosts(hostSuffix)];
}

/**
 * Why an object of this namespace may not have a name, in compared form, or undefined where it may: a host name, the suffix itself or below it by whole labels, for
 * a persistent platform in no build's subtree, and none that is reserved.
 */
export function nameProblem(name: string, scope: Pick<ManifestScope, 'lifecycle' | 'hostSuffix'>, namespace: string | undefined): string | undefined {
  if (!new RegExp(NAME_PATTERN).test(name)) return 'is no host name';
  if (name !== scope.hostSuffix && !name.endsWith(`.${scope.hostSuffix}`)) return `lies outside the DNS subtree of this ${scope.lifecycle} platform`;
  const foreign = foreignPattern(scope);
  if (foreign !== undefined && new RegExp(foreign).test(name)) return "lies in an ephemeral platform's DNS subtree";
  if (new RegExp(NEVER_PATTERN).test(name)) return "is reserved: certificates are proven there, or ExternalDNS's registry speaks of it";
  if (isPlatformNamespace(namespace) || !(name.startsWith(WILDCARD) || reservedNames(scope).includes(name))) return undefined;
  return `is reserved to the platform's own namespaces, and this is in ${namespace ?? 'none by its metadata, so in whichever it is applied to'}`;
}

function isPlatformNamespace(namespace: string | undefined): boolean {
  return namespace !== undefined && PLATFORM_NAMESPACES.includes(namespace);
}

/** What is allowed, in words. */
export function allowedNames({ lifecycle, hostSuffix }: Pick<ManifestScope, 'lifecycle' | 'hostSuffix'>): string {
  const builds = lifecycle === 'ephemeral' ? '' : `, but none in an ephemeral platform's b-DD-MM-YY-NN.${hostSuffix}`;
  return `names below ${hostSuffix}${builds}, but no wildcard and none of the platform's own: ${HOSTS.map(({ host }) => host).join(', ')}, _acme-challenge, …-xdns, wildcard`;
}
