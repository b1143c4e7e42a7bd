// Break-glass repair of a zone: exactly the records that people decided on, each before the TXT that registers it (D4, failure 17). Pure.
import { type DecisionRequest, subjectHash, subjectLine, subjectOf } from './break-glass.ts';
import { normaliseName } from './dns-names.ts';
import { heritageOwner, type OwnedRecord } from './dns-records.ts';
import { GoldenpathError } from './errors.ts';

/** What is left to delete: first the records themselves, then, once those are gone everywhere, their registry TXT. */
export interface Repair<Item> {
  records: Item[];
  registry: Item[];
}

/**
 * What a repair has left to delete of the platform's records that a complete listing shows. Before the first deletion (`begun` false) the list must be the
 * decided one to the letter; after it, what is gone already is this repair's own work, but nothing new may have appeared.
 * Throws DnsRecordsRemain where the list is another, and PreflightFailed where it is the zone's own NS or SOA; then nothing may be changed.
 */
export function repairOf<Item>(items: readonly Item[], record: (item: Item) => OwnedRecord, { request, begun, zone }: { request: DecisionRequest; begun: boolean; zone: string }): Repair<Item> {
  const owned = items.map(record);
  const decided = new Set(request.subject);
  const now = subjectOf(owned);
  const appeared = now.filter((line) => !decided.has(line));
  const vanished = begun || subjectHash(now) === request.subjectHash ? [] : request.subject.filter((line) => !now.includes(line));
  const apex = owned.filter((each) => isApex(each, zone)).map(subjectLine);
  const problems = [...appeared.map((line) => `not decided on: ${line}`), ...vanished.map((line) => `decided on, but not listed any more: ${line}`)];
  if (problems.length > 0) throw new GoldenpathError('DnsRecordsRemain', `Nothing was deleted in ${zone}: the records are not the ones that were decided on`, problems);
  if (apex.length > 0) throw new GoldenpathError('PreflightFailed', `Nothing was deleted in ${zone}: no zone can live without these`, apex.map((line) => `never deleted: ${line}`));
  const isRegistry = (item: Item) => isRegistryTxt(record(item));
  return { records: items.filter((item) => !isRegistry(item)), registry: items.filter(isRegistry) };
}

/** A zone lives by these two; ExternalDNS never writes them. */
function isApex({ name, type }: OwnedRecord, zone: string): boolean {
  return (type === 'NS' || type === 'SOA') && normaliseName(name) === normaliseName(zone);
}

function isRegistryTxt({ type, values }: OwnedRecord): boolean {
  return type === 'TXT' && values.some((value) => heritageOwner(value) !== undefined);
}

/** "A request cannot contain more than 1,000 ResourceRecord elements", "the sum of the number of characters in all Value elements cannot exceed 32,000" (Route 53 API, ChangeResourceRecordSets). */
const BATCH = { records: 1_000, characters: 32_000 };

/** The items in groups that one change may hold. `values` gives an item's record values; an alias has none and counts as one. */
export function repairBatches<Item>(items: readonly Item[], values: (item: Item) => readonly string[]): Item[][] {
  const batches: Item[][] = [];
  let room = { records: 0, characters: 0 };
  for (const item of items) {
    const [records, characters] = [Math.max(1, values(item).length), values(item).reduce((sum, value) => sum + value.length, 0)];
    const last = batches.at(-1);
    if (last === undefined || records > room.records || characters > room.characters) {
      batches.push([item]);
      room = { ...BATCH };
    } else {
      last.push(item);
    }
    room = { records: room.records - records, characters: room.characters - characters };
  }
  return batches;
}
