// Versions as a person reads them: what drifted, then what to do about each. Pure.
import type { VersionItem, VersionsReport } from '../../domain/version-drift.ts';
import type { Paint } from './print.ts';
import { count, tableLines } from './render-words.ts';

export function versionLines({ cluster, items }: VersionsReport, paint: Paint): string[] {
  const drifted = items.filter(({ ok }) => !ok);
  if (drifted.length === 0) return [`${paint('green', 'as pinned')}: all ${items.length} items of ${cluster}`];
  return [
    `${paint('yellow', 'drift')}: ${drifted.length} of ${count(items.length, 'item')} of ${cluster} ${drifted.length === 1 ? 'is' : 'are'} not as environments/versions.yaml pins ${drifted.length === 1 ? 'it' : 'them'}`,
    '',
    ...tableLines(['ITEM', 'PINNED', 'FOUND', 'WHERE'], drifted.map(row), paint),
    '',
    paint('bold', 'What to do'),
    ...drifted.map(({ id, fix }) => `  ${id}: ${fix}`),
  ];
}

/** A digest's first characters tell it from another; `-o json` has all of them. */
function row({ id, expected, found, where }: VersionItem): string[] {
  return [id, short(expected), short(found), where];
}

function short(text: string): string {
  return text.replaceAll(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, '$1…');
}
