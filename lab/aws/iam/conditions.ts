// Condition blocks of IAM policies. Pure. Source: IAM user guide, "IAM JSON policy elements: Condition operators" and
// "Single-valued vs. multivalued context keys".
import { matchesPattern } from '../request-log.ts';

/** Operator → condition key → accepted values, e.g. `{ StringEquals: { 'aws:username': 'x' } }`. */
export type ConditionBlock = Record<string, Record<string, ConditionValue | ConditionValue[]>>;

type ConditionValue = string | number | boolean;
type Test = (value: string, accepted: string) => boolean;

const equal: Test = (value, accepted) => value === accepted;
const equalIgnoringCase: Test = (value, accepted) => value.toLowerCase() === accepted.toLowerCase();
const like: Test = (value, accepted) => matchesPattern(accepted, value);
/** ARN parts match each within its own colon. */
const arnLike: Test = (value, accepted) => {
  const [given, patterns] = [arnParts(value), arnParts(accepted)];
  return patterns.length === given.length && patterns.every((pattern, index) => matchesPattern(pattern, given[index] ?? ''));
};

/** Positive tests by operator; the negated ones are their opposite. */
const TESTS: Record<string, Test> = {
  StringEquals: equal,
  StringEqualsIgnoreCase: equalIgnoringCase,
  StringLike: like,
  ArnEquals: arnLike,
  ArnLike: arnLike,
  Bool: equalIgnoringCase,
  NumericEquals: (value, accepted) => Number(value) === Number(accepted),
  NumericLessThan: (value, accepted) => Number(value) < Number(accepted),
  NumericLessThanEquals: (value, accepted) => Number(value) <= Number(accepted),
  NumericGreaterThan: (value, accepted) => Number(value) > Number(accepted),
  NumericGreaterThanEquals: (value, accepted) => Number(value) >= Number(accepted),
  DateEquals: (value, accepted) => Date.parse(value) === Date.parse(accepted),
  DateLessThan: (value, accepted) => Date.parse(value) < Date.parse(accepted),
  DateGreaterThan: (value, accepted) => Date.parse(value) > Date.parse(accepted),
};
const NEGATED: Record<string, string> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
};

/**
 * Do all operators and keys of a block hold?
 * @throws TypeError for an operator that is not known here: a guard that is not understood must not pass for a guard
 */
export function conditionHolds(block: ConditionBlock, context: Record<string, readonly string[]>): boolean {
  const values = new Map(Object.entries(context).map(([key, list]) => [key.toLowerCase(), list]));
  return Object.entries(block).every(([operator, keys]) =>
    Object.entries(keys).every(([key, accepted]) => {
      const list = (Array.isArray(accepted) ? accepted : [accepted]).map(String);
      return operatorHolds(operator, values.get(key.toLowerCase()), list);
    }));
}

function operatorHolds(operator: string, values: readonly string[] | undefined, accepted: string[]): boolean {
  const { quantifier, base, ifExists } = parts(operator);
  if (base === 'Null') return accepted.includes(String(values === undefined || values.length === 0));
  const negated = NEGATED[base];
  const test = TESTS[negated ?? base];
  if (test === undefined) throw new TypeError(`condition operator ${operator} is not known to the lab`);
  const passes = (value: string): boolean => {
    const among = accepted.some((candidate) => test(value, candidate));
    return negated === undefined ? among : !among;
  };
  // A key that is not there: ForAllValues and …IfExists hold, and so does a negated operator; all others do not.
  if (values === undefined || values.length === 0) return quantifier === 'ForAllValues' || ifExists || (negated !== undefined && quantifier === undefined);
  if (quantifier === 'ForAllValues') return values.every(passes);
  if (quantifier === 'ForAnyValue' || negated === undefined) return values.some(passes);
  return values.every(passes);
}

function parts(operator: string): { quantifier: 'ForAllValues' | 'ForAnyValue' | undefined; base: string; ifExists: boolean } {
  const [head = '', tail] = operator.split(':');
  const quantifier = tail !== undefined && (head === 'ForAllValues' || head === 'ForAnyValue') ? head : undefined;
  const full = tail ?? head;
  const ifExists = full.endsWith('IfExists');
  return { quantifier, base: ifExists ? full.slice(0, -'IfExists'.length) : full, ifExists };
}

/** The first five colons part an ARN; the resource keeps its own. */
function arnParts(arn: string): string[] {
  const pieces = arn.split(':');
  return pieces.length <= 6 ? pieces : [...pieces.slice(0, 5), pieces.slice(5).join(':')];
}
