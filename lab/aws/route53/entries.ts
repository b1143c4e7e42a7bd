// The sorted record sets of a zone: find, range by name, insert and remove, by binary search. Pure.
import { reversedName } from './names.ts';
import { keyOf, type Entry, type RecordSet } from './record-set.ts';

/** Where a key is, or would be. */
export function positionOf(entries: readonly Entry[], key: string): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.key ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The entry of a key, or nothing. */
export function find(entries: readonly Entry[], key: string): Entry | undefined {
  const entry = entries[positionOf(entries, key)];
  return entry?.key === key ? entry : undefined;
}

/** All entries of a name, of every type and set identifier. */
export function atName(entries: readonly Entry[], name: string): Entry[] {
  const prefix = `${reversedName(name)}\0`;
  const found: Entry[] = [];
  for (let index = positionOf(entries, prefix); entries[index]?.key.startsWith(prefix) === true; index += 1) {
    const entry = entries[index];
    if (entry !== undefined) found.push(entry);
  }
  return found;
}

/** Puts a record set in its place, over one of the same key. Changes `entries`. */
export function put(entries: Entry[], set: RecordSet): void {
  const key = keyOf(set.Name, set.Type, set.SetIdentifier);
  const position = positionOf(entries, key);
  entries.splice(position, entries[position]?.key === key ? 1 : 0, { key, set });
}

/** Takes a record set out. Changes `entries`. */
export function remove(entries: Entry[], key: string): void {
  const position = positionOf(entries, key);
  if (entries[position]?.key === key) entries.splice(position, 1);
}
