// Pages of a zone's record sets in Route 53's order. Pure. Source: API_ListResourceRecordSets.
import type { ResourceRecordSet, RRType } from '@aws-sdk/client-route-53';
import { positionOf } from './entries.ts';
import { reversedName } from './names.ts';
import { keyOf, type Entry } from './record-set.ts';

/** "ListResourceRecordSets returns up to 300 resource record sets at a time". */
export const MOST_ITEMS = 300;

export interface RecordPage {
  ResourceRecordSets: ResourceRecordSet[];
  IsTruncated: boolean;
  MaxItems: number;
  NextRecordName?: string;
  NextRecordType?: RRType;
  NextRecordIdentifier?: string;
}

/**
 * The page that starts at a record, or where it would be.
 * @param start canonical name, with type and set identifier where the caller gave them; nothing starts at the top
 */
export function listPage(entries: readonly Entry[], start: { name: string; type?: string; identifier?: string } | undefined, maxItems = MOST_ITEMS): RecordPage {
  const size = Math.min(maxItems, MOST_ITEMS);
  const first = start === undefined ? 0 : positionOf(entries, startKey(start));
  const page = entries.slice(first, first + size);
  const next = entries[first + size]?.set;
  return {
    ResourceRecordSets: page.map(({ set }) => set),
    IsTruncated: next !== undefined,
    MaxItems: size,
    ...(next !== undefined && { NextRecordName: next.Name, NextRecordType: next.Type }),
    ...(next?.SetIdentifier !== undefined && { NextRecordIdentifier: next.SetIdentifier }),
  };
}

function startKey({ name, type, identifier }: { name: string; type?: string; identifier?: string }): string {
  return type === undefined ? `${reversedName(name)}\0` : keyOf(name, type, identifier);
}
