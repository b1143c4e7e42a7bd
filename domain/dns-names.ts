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

/** Whether a host name may be written by a platform: within its suffix, and for an ephemeral platform never a base name (D1, F5). */
export function hostSuffixProblem(hostSuffix: string, zone: string, lifecycle: 'ephemeral' | 'persistent'): string | undefined {
  if (!isWithin(hostSuffix, zone)) return `host suffix ${hostSuffix} lies outside the zone ${zone}`;
  if (lifecycle === 'ephemeral' && normaliseName(hostSuffix) === normaliseName(zone)) return `an ephemeral platform may not own the base name ${zone}`;
  return undefined;
}
