// DNS names: one normal form, and scope by whole labels (D1, D3).

/**
 * The one form in which names are compared: lower case, no trailing dot, and every octal escape that Route 53
 * answers with (`\052` for `*`, D3) put back to its character.
 * Source: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
 */
export function normaliseName(name: string): string {
  const unescaped = name.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));
  return unescaped.toLowerCase().replace(/\.$/, '');
}

/** Whether the name is the suffix, or below it by whole labels (D1): `xb-1.dev` and `b-11.dev` are not within `b-1.dev`. */
export function isWithin(name: string, suffix: string): boolean {
  const [inner, outer] = [normaliseName(name), normaliseName(suffix)];
  return outer !== '' && (inner === outer || inner.endsWith(`.${outer}`));
}

/**
 * What the label of a build looks like, `b-DD-MM-YY-NN`: the one definition from which plan, IAM, admission and audit
 * each take the form they need (D1; docs/decisions/0010). `?` is any one character, as in IAM's StringLike, which knows no digits.
 */
const BUILD_LABEL = 'b-??-??-??-??';

/** The subtree of a build: its label directly below the zone. */
export function buildSuffix(buildId: string, zone: string): string {
  return `b-${buildId}.${zone}`;
}

/** What follows `b-` in the label of a build whose subtree the name lies in, or undefined where it lies in none. Whether that is a build id, its calendar says. */
export function buildOfName(name: string, zone: string): string | undefined {
  const [inner, outer] = [normaliseName(name), normaliseName(zone)];
  const label = isWithin(inner, outer) ? inner.slice(0, -outer.length - 1).split('.').at(-1) : undefined;
  return label !== undefined && new RegExp(`^${labelPattern()}$`).test(label) ? label.slice('b-'.length) : undefined;
}

/** A pattern of the names in any build's subtree, which JavaScript and RE2 (so CEL) read alike. For names in the normal form. */
export function buildPattern(zone: string): string {
  return `(^|[.])${labelPattern()}[.]${zone.replaceAll('.', '[.]')}$`;
}

/**
 * The same as patterns for IAM's StringLike: of a build's suffix, of all names below it, and, since Route 53 may write a
 * dot within a label as `\056`, of what would be read as one below it.
 */
export function buildLikes(zone: string): string[] {
  return ['', '*.', String.raw`*\056`].map((beginning) => `${beginning}${BUILD_LABEL}.${zone}`);
}

function labelPattern(): string {
  return BUILD_LABEL.replaceAll('?', '[^.]');
}

/** Why a platform may not have this host suffix, or undefined where it may: an ephemeral one has a build's, a persistent one the zone itself (D1, F5). */
export function hostSuffixProblem(hostSuffix: string, zone: string, lifecycle: 'ephemeral' | 'persistent'): string | undefined {
  if (!isWithin(hostSuffix, zone)) return `host suffix ${hostSuffix} lies outside the zone ${zone}`;
  const build = buildOfName(hostSuffix, zone);
  if (lifecycle === 'persistent') return build === undefined ? undefined : `host suffix ${hostSuffix} lies in the subtree of a build, which no persistent platform may own`;
  if (normaliseName(hostSuffix) === normaliseName(zone)) return `an ephemeral platform may not own the base name ${zone}`;
  return build !== undefined && normaliseName(hostSuffix) === normaliseName(buildSuffix(build, zone)) ? undefined : `host suffix ${hostSuffix} is not that of a build, b-DD-MM-YY-NN.${zone}`;
}
