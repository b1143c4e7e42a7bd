// DNS names as Route 53 keeps them: lower case, a trailing dot, escape codes for unusual characters; and their order.
// Source: Route 53 developer guide, "DNS domain name format"; ListResourceRecordSets, "sort order".

/** Is a name well formed? The text says why not, in Route 53's words. */
export type NameVerdict = { name: string } | { problem: string };

const LONGEST_LABEL = 63;
const LONGEST_NAME = 255;

/** The form in which Route 53 stores and returns a name: `*.Example.com` → `\052.example.com.`. */
export function canonicalName(text: string): NameVerdict {
  const plain = unescape(text).toLowerCase();
  if (plain === '' || plain === '.') return { problem: fatal('DomainNameEmpty', 'Domain name is empty', text) };
  const labels = (plain.endsWith('.') ? plain.slice(0, -1) : plain).split('.');
  if (labels.includes('')) return { problem: fatal('DomainLabelEmpty', 'Domain label is empty', text) };
  if (labels.some((label) => label.length > LONGEST_LABEL)) return { problem: fatal('DomainLabelTooLong', 'Domain label is too long', text) };
  const name = `${labels.join('.')}.`;
  if (name.length > LONGEST_NAME) return { problem: fatal('DomainNameTooLong', 'Domain name is too long', text) };
  // A control character or one beyond ASCII must come as an escape code; Route 53 takes no raw ones.
  if (/[^\u0020-\u007e]/.test(text)) return { problem: fatal('UnsupportedCharacter', 'Value contains unsupported characters', text) };
  return { name: escape(name) };
}

/** Like {@link canonicalName} for a name that is known to be well formed. */
export function knownName(text: string): string {
  const verdict = canonicalName(text);
  return 'name' in verdict ? verdict.name : text;
}

/** Is a canonical name the zone's own or below it? */
export function isInZone(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

/** What sorts names as Route 53 does: the labels reversed, with the trailing dot, in ASCII order of the plain characters. */
export function reversedName(name: string): string {
  return `${unescape(name).slice(0, -1).split('.').toReversed().join('.')}.`;
}

/** A problem of Route 53's parser, in its words. */
export function fatal(code: string, text: string, value: string): string {
  return `FATAL problem: ${code} (${text}) encountered with '${value}'`;
}

/** Escape codes are three octal digits: `\052` is `*`. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function escape(name: string): string {
  return name.replace(/[^a-z0-9._-]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
