// Name servers of zones: four of distinct top-level domains, distinct for each public zone (so that a delegation can be
// checked for being the right zone's). Source: names as AWS gives them, e.g. ns-331.awsdns-41.com, ns-1749.awsdns-26.co.uk.
import { randomInt } from 'node:crypto';
import { put } from './entries.ts';
import type { Entry } from './record-set.ts';

const DOMAINS = ['com', 'net', 'org', 'co.uk'] as const;
const EACH = 512;
/** Private zones all have these. */
const PRIVATE = ['ns-1536.awsdns-00.co.uk', 'ns-0.awsdns-00.com', 'ns-1024.awsdns-00.org', 'ns-512.awsdns-00.net'];

/** Four name servers of which none serves a zone yet. @param taken those of all public zones */
export function newNameServers(taken: ReadonlySet<string>): string[] {
  return DOMAINS.map((domain, index) => {
    for (;;) {
      const name = serverName(index, randomInt(EACH), domain);
      if (!taken.has(name)) return name;
    }
  });
}

function serverName(index: number, number: number, domain: string): string {
  return `ns-${index * EACH + number}.awsdns-${String(Math.floor(number / 8)).padStart(2, '0')}.${domain}`;
}

/** The name servers of a private zone. */
export function privateNameServers(): string[] {
  return [...PRIVATE];
}

/** The SOA and NS records that a zone is born with. */
export function initialRecords(zone: string, nameServers: readonly string[]): Entry[] {
  const entries: Entry[] = [];
  put(entries, { Name: zone, Type: 'NS', TTL: 172_800, ResourceRecords: nameServers.map((server) => ({ Value: `${server}.` })) });
  put(entries, { Name: zone, Type: 'SOA', TTL: 900, ResourceRecords: [{ Value: `${nameServers[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400` }] });
  return entries;
}
