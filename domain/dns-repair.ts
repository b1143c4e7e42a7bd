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
 * Throws DnsRecordsRemain where the list is another; then nothing may be changed.
 */
export function repairOf<Item>(items: readonly Item[], record: (item: Item) => OwnedRecord, { request, begun, zone }: { request: DecisionRequest; begun: boolean; zone: string }): Repair<Item> {
  const owned = items.map(record);
  const decided = new Set(request.subject);
  const now = subjectOf(owned);
  const appeared = now.filter((line) => !decided.has(line));
  const vanished = begun || subjectHash(now) === request.subjectHash ? [] : request.subject.filter((line) => !now.includes(line));
  const apex = owned.filter((each) => isApex(each, zone)).map(subjectLine);
  const problems = [...appeared.map((line) => `not decided on: ${line}`), ...vanished.map((line) => `decided on, but not listed any more: ${line}`), ...apex.map((line) => `never deleted: ${line}`)];
  if (problems.length > 0) throw new GoldenpathError('DnsRecordsRemain', `Nothing was deleted in ${zone}: the records are not the ones that were decided on`, problems);
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
