// What `goldenpath check` says to people: one finding, and all of them in a line (D1).
import type { ManifestScope } from '../../domain/manifests/scope.ts';
import type { ManifestFinding, ManifestReport } from '../manifest-text.ts';
import type { Paint } from './print.ts';

/** A finding as compilers write theirs, so that editors and terminals lead to the place. */
export function findingLines({ file, line, column, rule, object, given, problem, allowed, fix }: ManifestFinding, paint: Paint): string[] {
  const place = `${file}:${line}:${column}`;
  const what = given === '' ? problem : `${JSON.stringify(given)} ${problem}`;
  return [`${paint('bold', place)} ${paint('red', rule)} ${object === undefined ? '' : `${object}: `}${what}`, `    allowed: ${allowed}`, `    fix: ${fix}`];
}

export function summaryLine({ files, objects, findings }: ManifestReport, { hostSuffix, maxTier }: Pick<ManifestScope, 'hostSuffix' | 'maxTier'>): string {
  const looked = `${counted(objects, 'object')} in ${counted(files, 'file')}, for ${hostSuffix} up to tier ${maxTier}`;
  return findings.length === 0 ? `Clean: ${looked}` : `${counted(findings.length, 'finding')}: ${looked}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
