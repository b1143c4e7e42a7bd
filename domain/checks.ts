// A check as every report shows it: what was looked at, what was found, and what a person does about it (F4, T2, T3).

/** One check. `found` says what was seen, `fix` what a person does about it. */
export interface CheckResult {
  id: string;
  title: string;
  ok: boolean;
  found: string;
  fix: string;
}

/** A reading, or why there is none: a reading that failed is never an empty list (failure 36). */
export type Reading<T> = { value: T } | { problem: string };

/** The check of a reading: each problem is named, and a reading that failed is one. */
export function judge<T>(id: string, title: string, reading: Reading<T>, rule: { problems: (value: T) => string[]; describe: (value: T) => string; fix: string }): CheckResult {
  const problems = 'problem' in reading ? [reading.problem] : rule.problems(reading.value);
  if (problems.length > 0) return { id, title, ok: false, found: problems.join('; '), fix: rule.fix };
  return { id, title, ok: true, found: 'value' in reading ? rule.describe(reading.value) : '', fix: '' };
}
