// Route 53 records and whose they are: ExternalDNS's TXT registry with our prefix, and the exact owner (D2, D3, failures 14–16).
import { isWithin, normaliseName } from './dns-names.ts';

/** A record set as the Route 53 listing gives it, reduced to what comparing and deleting need. */
export interface DnsRecord {
  name: string;
  type: string;
  setIdentifier?: string;
  /** Resource records, or one entry `ALIAS <target>` (see ALIAS) for an alias; sorted. */
  values: string[];
  ttl?: number;
}

/** What an owned record is, and why it counts as the platform's. */
export interface OwnedRecord extends DnsRecord {
  because: 'owner-txt' | 'registry-txt' | 'inside-scope';
}

/** ExternalDNS is run with these two options (lab.md); the registry's names derive from them. */
export const TXT_PREFIX = '%{record_type}-xdns.';
export const TXT_WILDCARD_REPLACEMENT = 'wildcard';
/** What the one value of an alias record begins with. */
export const ALIAS = 'ALIAS ';
/** The record types ExternalDNS manages (D2); TXT is its registry's. */
export const MANAGED_TYPES = ['A', 'AAAA', 'CNAME'] as const;

/** A record in the one comparable form: normal name, upper-case type, sorted values. */
export function normaliseRecord(record: DnsRecord): DnsRecord {
  return { ...record, name: normaliseName(record.name), type: record.type.toUpperCase(), values: record.values.toSorted() };
}

/** One line for people and for hashing: name, type, set identifier, values. */
export function recordLine({ name, type, setIdentifier, values }: DnsRecord): string {
  return `${normaliseName(name)} ${type}${setIdentifier === undefined ? '' : ` [${setIdentifier}]`} ${values.join(' ')}`;
}

/**
 * The name of the registry TXT of a record, with our prefix: `app.example.org` A → `a-xdns.app.example.org`;
 * a wildcard's star becomes the word `wildcard`. Source: ExternalDNS 0.21 registry/mapper, `ToTXTName`.
 */
export function registryName(name: string, type: string): string {
  const prefix = TXT_PREFIX.replace('%{record_type}', type.toLowerCase());
  return `${prefix}${normaliseName(name).replace(/^\*/, TXT_WILDCARD_REPLACEMENT)}`;
}

/** The record names and type a registry TXT name may speak of, or undefined where the name has not our form. The wildcard form is ambiguous: `wildcard.x` may be `*.x` or a host of that name. */
export function registrySubject(txtName: string): { names: string[]; type: string } | undefined {
  const match = /^(a|aaaa|cname)-xdns\.(.+)$/.exec(normaliseName(txtName));
  const [, type, name] = match ?? [];
  if (type === undefined || name === undefined) return undefined;
  const wildcard = new RegExp(`^${TXT_WILDCARD_REPLACEMENT}\\.`);
  return { names: wildcard.test(name) ? [name, name.replace(wildcard, '*.')] : [name], type: type.toUpperCase() };
}

/** The owner in a registry TXT's value, or undefined where it is no ExternalDNS heritage. Exact: `owner=a-1` never reads as `a-11` (failure 16). */
export function heritageOwner(value: string): string | undefined {
  const text = value.trim().replaceAll(/^"|"$/g, '');
  const fields = text.split(',');
  if (!fields.includes('heritage=external-dns')) return undefined;
  return fields.find((field) => field.startsWith('external-dns/owner='))?.slice('external-dns/owner='.length);
}

/** The type under which ExternalDNS registers a record: an A alias stands for the CNAME that it made it from. Seen with ExternalDNS 0.21: `cname-xdns.` beside an alias A, `aaaa-xdns.` beside its AAAA. */
function registeredType({ type, values }: DnsRecord): string {
  return type === 'A' && values.some((value) => value.startsWith(ALIAS)) ? 'CNAME' : type;
}

/**
 * The records of a listing that belong to a platform (D2): the registry TXT records that carry its exact owner, the
 * records those speak of, and, where the platform owns a subtree of its own (ephemeral), whatever lies inside it —
 * owned by someone else, or by no one (failures 15, 18). A persistent platform's suffix contains every ephemeral
 * one's names, so there the suffix alone is never proof (failure 17).
 */
export function ownedRecords(listing: readonly DnsRecord[], owner: { ownerId: string; hostSuffix: string; lifecycle: 'ephemeral' | 'persistent' }): OwnedRecord[] {
  const records = listing.map(normaliseRecord);
  const registry = records.filter((record) => record.type === 'TXT' && record.values.some((value) => heritageOwner(value) === owner.ownerId));
  const subjects = new Set<string>();
  for (const txt of registry) {
    const subject = registrySubject(txt.name);
    // A TXT without our prefix (another prefix once, or none) speaks of its own name, whatever the type (failure 15).
    for (const name of subject?.names ?? [txt.name]) subjects.add(subject === undefined ? name : `${name} ${subject.type}`);
  }
  return records.flatMap((record): OwnedRecord[] => {
    if (record.type === 'NS' || record.type === 'SOA') return owner.lifecycle === 'ephemeral' && isWithin(record.name, owner.hostSuffix) ? [{ ...record, because: 'inside-scope' }] : [];
    if (registry.includes(record)) return [{ ...record, because: 'registry-txt' }];
    const managed = (MANAGED_TYPES as readonly string[]).includes(record.type);
    if (managed && [`${record.name} ${registeredType(record)}`, `${record.name} ${record.type}`, record.name].some((subject) => subjects.has(subject))) return [{ ...record, because: 'owner-txt' }];
    if (owner.lifecycle === 'ephemeral' && isWithin(record.name, owner.hostSuffix)) return [{ ...record, because: 'inside-scope' }];
    return [];
  });
}
