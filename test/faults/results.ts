// The results of `npm run test:faults`: one line a run, appended as they come; and the page that tells them (docs/reference/faults.md).
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** One teardown: at which points its worker was killed, and what came of it. */
export interface Result {
  /** ISO 8601. */
  at: string;
  commit: string;
  points: string[];
  /** Points of this run at which the worker was not killed after all. */
  missed: string[];
  /** Seconds that the teardown took; the kill's detection is most of what it took longer. */
  seconds: number;
  /** Every line of the outside state that is not as after the undisturbed run; or why there is none to compare. */
  differences: string[];
}

const RESULTS = resolve(import.meta.dirname, 'results.jsonl');
const PAGE = resolve(import.meta.dirname, '../../docs/reference/faults.md');
const TABLE = '<!-- written by test/faults/results.ts -->';

export function readResults(): Result[] {
  if (!existsSync(RESULTS)) return [];
  return readFileSync(RESULTS, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Result);
}

/** Begins anew. */
export function forgetResults(): void {
  writeFileSync(RESULTS, '');
}

/** Keeps a result, and writes the page's table anew. `points`: all there are. */
export function addResult(result: Result, points: readonly string[]): void {
  appendFileSync(RESULTS, `${JSON.stringify(result)}\n`);
  writePage(points);
}

/** A run that died as it should, and ended as if nothing had been. */
export function isSame({ missed, differences }: Result): boolean {
  return missed.length === 0 && differences.length === 0;
}

function writePage(points: readonly string[]): void {
  const results = readResults();
  const alone = new Set(results.filter((result) => result.points.length === 1 && isSame(result)).flatMap((result) => result.points));
  const any = new Set(results.filter((result) => result.differences.length === 0).flatMap(({ points: killed, missed }) => killed.filter((point) => !missed.includes(point))));
  const rows = results.map((result) => `| ${result.at.slice(0, 16).replace('T', ' ')} | ${result.commit} | ${result.points.map((point) => (result.missed.includes(point) ? `~~\`${point}\`~~` : `\`${point}\``)).join('<br>')} | ${result.seconds} s | ${outcome(result)} |`);
  const summary = `${alone.size} of ${points.length} points were run alone and ended the same; ${any.size} of ${points.length} alone or together with others.`;
  const [head = ''] = readFileSync(PAGE, 'utf8').split(TABLE);
  writeFileSync(PAGE, `${head}${TABLE}\n\n${summary}\n\n| when (UTC) | commit | the worker was killed at | teardown took | outside state |\n|---|---|---|---|---|\n${rows.join('\n')}\n`);
}

function outcome(result: Result): string {
  const told = result.differences.toSorted((a, b) => Number(b.includes('the run:')) - Number(a.includes('the run:'))).slice(0, 3);
  if (told.length > 0) return `**differs** in ${result.differences.length} lines: ${told.join('; ').replaceAll('|', String.raw`\|`)}`;
  return result.missed.length === 0 ? 'the same' : 'the same; the points struck out were not reached';
}
