// Route 53 records and whose they are: ExternalDNS's TXT registry with our prefix, and the exact owner (D2, D3, failures 14–16).
import { platformHosts } from './components.ts';
import { buildOfName, isWithin, normaliseName } from './dns-names.ts';

/** A record set as the Route 53 listing gives it, reduced to what comparing and deleting need. */
export interface DnsRecord {
  name: string;
  type: string;
  setIdentifier?: string;
  /** Resource records, or one entry `ALIAS <target>` (see ALIAS) for an alias; sorted. */
  values: string[];
  ttl?: number;
  /** Weight, region, health check and the like of a set, and zone and health of an alias's target: `Weight=10 HealthCheckId=…`. */
  routing?: string;
}

/** What an owned record is, and why it counts as the platform's. */
export interface OwnedRecord extends DnsRecord {
  because: 'owner-txt' | 'registry-txt' | 'inside-scope' | 'own-name' | 'own-address';
  /** The owner that a registry TXT names for it, ours or another; absent where none does. */
  owner?: string;
}

/**
 * What a run knows of a persistent platform beyond one listing: names that were its own in an earlier one, and the addresses of its load balancers.
 * ExternalDNS that replaces a record by one of another type may leave the new one without its TXT, and takes the other types' TXT away first (seen with 0.21).
 */
export interface KnownNames {
  names: string[];
  addresses: string[];
}

/** ExternalDNS is run with these two options (lab.md); the registry's names derive from them. */
export const TXT_PREFIX = '%{record_type}-xdns.';
export const TXT_WILDCARD_REPLACEMENT = 'wildcard';
/** What the one value of an alias record begins with. */
export const ALIAS = 'ALIAS ';
/** What a name begins with at which a certificate for the rest of it is proven (RFC 8555 § 8.4). */
const CHALLENGE = '_acme-challenge.';
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

/** The same for a record that is in the way: why it counts as the platform's, and whose it says it is. */
export function ownedLine(record: OwnedRecord): string {
  return `${recordLine(record)} (${record.because}, ${record.owner === undefined ? 'no owner' : `owner ${record.owner}`})`;
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

/** Whose records a listing is asked for. */
export interface DnsOwner {
  ownerId: string;
  hostSuffix: string;
  lifecycle: 'ephemeral' | 'persistent';
}

/**
 * The records of a listing that belong to a platform (D2): the registry TXT records that carry its exact owner, the
 * records those speak of, and, where the platform owns a subtree of its own (ephemeral), whatever lies inside it —
 * owned by someone else, or by no one (failures 15, 18). A persistent platform's suffix contains every ephemeral
 * one's names, so there the suffix alone is never proof (failure 17); and what lies in a build's subtree is not its own
 * whatever a TXT says: IAM lets it write nothing there (D1), so someone else did. Beside those with its TXT, a persistent
 * platform is held responsible for records that no registry TXT gives to anybody else and that bear one of its own names
 * (HOSTS and their challenges, a name that a TXT of another type gives it, or that was its own before), and for whatever points
 * at its load balancer: once that is gone, whoever gets its address next is served under the name.
 */
export function ownedRecords(listing: readonly DnsRecord[], owner: DnsOwner, known: KnownNames = NOTHING_KNOWN): OwnedRecord[] {
  const records = listing.map(normaliseRecord);
  const owners = ownersOf(records);
  const own = owner.lifecycle === 'persistent' ? ownNames(owners, owner, known) : { names: new Set<string>(), addresses: new Set<string>() };
  return records.flatMap((record): OwnedRecord[] => {
    const because = claimOf(record, owners, owner, own);
    if (because === undefined) return [];
    const named = ownersNamed(record, owners);
    const shown = named.has(owner.ownerId) ? owner.ownerId : [...named][0];
    return [{ ...record, because, ...(shown === undefined ? {} : { owner: shown }) }];
  });
}

/** Whether a record takes one of the platform's hosts from ExternalDNS, which leaves alone what no TXT registers. A challenge there is cert-manager's, which renews while the platform stands. */
export function isTakenHost({ because, type }: OwnedRecord): boolean {
  return because === 'own-name' && type !== 'TXT';
}

export const NOTHING_KNOWN: KnownNames = { names: [], addresses: [] };

/** The addresses that a ledger's load balancers had, once each: a record that points at one is the platform's to remove. */
export function addressesIn(ledger: readonly { address?: string }[]): string[] {
  return [...new Set(ledger.flatMap(({ address }) => (address === undefined ? [] : [addressOf(address)])))].toSorted();
}

/** What is known after a listing showed these records. An ephemeral platform's suffix says enough; a record that only points at the platform gives it no name. */
export function knownAfter(known: KnownNames, owned: readonly OwnedRecord[], { lifecycle }: Pick<DnsOwner, 'lifecycle'>): KnownNames {
  if (lifecycle === 'ephemeral') return known;
  const names = owned.filter(({ because }) => because !== 'own-address').flatMap((record) => (record.type === 'TXT' ? (registrySubject(record.name)?.names ?? []) : [record.name]));
  return { ...known, names: [...new Set([...known.names, ...names])].toSorted() };
}

/** Each record of a listing, in comparable form, with every owner that some registry TXT names for it. */
export function recordOwners(listing: readonly DnsRecord[]): { record: DnsRecord; owners: string[] }[] {
  const records = listing.map(normaliseRecord);
  const owners = ownersOf(records);
  return records.map((record) => ({ record, owners: [...ownersNamed(record, owners)] }));
}

/** Owners by what their registry TXT speaks of: `name TYPE`, or the bare name where the TXT has not our prefix (another prefix once, or none: then it speaks of its own name, whatever the type, failure 15). */
type Owners = Map<string, Set<string>>;

function ownersOf(records: readonly DnsRecord[]): Owners {
  const owners: Owners = new Map();
  for (const txt of records.filter(({ type }) => type === 'TXT')) {
    const subject = registrySubject(txt.name);
    const subjects = subject === undefined ? [txt.name] : subject.names.map((name) => `${name} ${subject.type}`);
    for (const named of txt.values.flatMap((value) => heritageOwner(value) ?? [])) {
      for (const key of subjects) owners.set(key, (owners.get(key) ?? new Set()).add(named));
    }
  }
  return owners;
}

function claimOf(record: DnsRecord, owners: Owners, { ownerId, hostSuffix, lifecycle }: DnsOwner, own: OwnNames): OwnedRecord['because'] | undefined {
  if (lifecycle === 'persistent' && buildOfName(record.name, hostSuffix) !== undefined) return undefined;
  const inside = lifecycle === 'ephemeral' && isWithin(record.name, hostSuffix) ? 'inside-scope' : undefined;
  if (record.type === 'NS' || record.type === 'SOA') return inside;
  // Left by cert-manager, which no TXT registers (failure 18).
  if (record.type === 'TXT') return record.values.some((value) => heritageOwner(value) === ownerId) ? 'registry-txt' : record.name.startsWith(CHALLENGE) && own.names.has(record.name) ? 'own-name' : inside;
  const named = ownersNamed(record, owners);
  const isManaged = (MANAGED_TYPES as readonly string[]).includes(record.type);
  if (isManaged && named.has(ownerId)) return 'owner-txt';
  if (inside !== undefined) return inside;
  // Of whatever type, and whoever else claims it: the address is the platform's, and goes with it.
  if (record.values.some((value) => own.addresses.has(addressOf(value)))) return 'own-address';
  return isManaged && named.size === 0 && own.names.has(record.name) ? 'own-name' : undefined;
}

interface OwnNames {
  names: ReadonlySet<string>;
  addresses: ReadonlySet<string>;
}

/** The names that are a persistent platform's whatever the type of their record, and the addresses that are its own. */
function ownNames(owners: Owners, { ownerId, hostSuffix }: DnsOwner, known: KnownNames): OwnNames {
  const registered = [...owners].flatMap(([subject, named]) => (named.has(ownerId) ? (subject.split(' ')[0] ?? []) : []));
  const hosts = platformHosts(hostSuffix);
  const challenges = [hostSuffix, ...hosts].map((name) => `${CHALLENGE}${name.replace(/^\*\./, '')}`);
  return { names: new Set([...registered, ...[...hosts, ...challenges, ...known.names].map(normaliseName)]), addresses: new Set(known.addresses.map(addressOf)) };
}

/** Where a record's value points: an alias's target, a CNAME's or an address. Route 53 also takes `dualstack.` before a load balancer's name. */
export function addressOf(value: string): string {
  return normaliseName(value.startsWith(ALIAS) ? value.slice(ALIAS.length) : value).replace(/^dualstack\./, '');
}

/** Every owner that some registry TXT, or the record itself where it is one, names. */
function ownersNamed(record: DnsRecord, owners: Owners): Set<string> {
  if (record.type === 'TXT') return new Set(record.values.flatMap((value) => heritageOwner(value) ?? []));
  const subjects = [`${record.name} ${registeredType(record)}`, `${record.name} ${record.type}`, record.name];
  return new Set(subjects.flatMap((subject) => [...(owners.get(subject) ?? [])]));
}
