// Findings as a SARIF 2.1.0 log, for code scanning in CI. Source: OASIS, Static Analysis Results Interchange Format 2.1.0
import { RULES } from '../../domain/manifests/rules.ts';
import type { ManifestFinding } from '../manifest-text.ts';

const IDS = Object.keys(RULES);

/** The log of one check. Columns are counted in UTF-16 code units, as JavaScript does. */
export function sarifLog(findings: readonly ManifestFinding[]) {
  const rules = Object.entries(RULES).map(([id, { requirement, demand, fix }]) => ({ id, shortDescription: { text: demand }, help: { text: fix }, defaultConfiguration: { level: 'error' }, properties: { tags: [requirement] } }));
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'goldenpath', rules } }, columnKind: 'utf16CodeUnits', results: findings.map((finding) => result(finding)) }],
  };
}

function result({ rule, file, line, column, object, given, problem, allowed, fix }: ManifestFinding) {
  const text = `${object === undefined ? '' : `${object}: `}${given === '' ? '' : `${JSON.stringify(given)} `}${problem}. Allowed: ${allowed}. To mend it: ${fix}`;
  return { ruleId: rule, ruleIndex: IDS.indexOf(rule), level: 'error', message: { text }, locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(file) }, region: { startLine: line, startColumn: column } } }] };
}

/** The file as a relative reference (RFC 3986): slashes, and every other character of a path escaped. */
function uriOf(file: string): string {
  return file === '-' ? 'stdin' : file.split(/[\\/]/).map((part) => encodeURIComponent(part)).join('/');
}
