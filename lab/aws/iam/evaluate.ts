// Decides what IAM policies say to a request. Pure. Source: IAM user guide, "Policy evaluation logic" and
// "IAM JSON policy elements".
import { matchesPattern } from '../request-log.ts';
import { conditionHolds, type ConditionBlock } from './conditions.ts';

/** A policy document as AWS writes it; a single statement, action or resource may stand without its list. */
export interface PolicyDocument {
  Version?: string;
  Statement: Statement | Statement[];
}

export interface Statement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Action?: string | string[];
  NotAction?: string | string[];
  Resource?: string | string[];
  NotResource?: string | string[];
  Principal?: '*' | Record<string, string | string[]>;
  NotPrincipal?: '*' | Record<string, string | string[]>;
  Condition?: ConditionBlock;
}

/** What is asked. Context values by condition key; keys are compared without case. */
export interface EvaluationRequest {
  action: string;
  resource: string;
  context: Record<string, readonly string[]>;
  /** Who asks, for policies with a Principal (trust policies); by kind, e.g. `{ AWS: [roleArn, accountRootArn] }`. */
  principal?: Record<string, readonly string[]>;
}

export type Decision = 'allow' | 'implicit-deny' | 'explicit-deny';

/** The verdict of a set of policies of one kind: a denial anywhere wins, else one statement must allow. */
export function evaluate(policies: readonly PolicyDocument[], request: EvaluationRequest): Decision {
  const matching = policies.flatMap((policy) => listOf(policy.Statement)).filter((statement) => statementMatches(statement, request));
  if (matching.some(({ Effect }) => Effect === 'Deny')) return 'explicit-deny';
  return matching.some(({ Effect }) => Effect === 'Allow') ? 'allow' : 'implicit-deny';
}

function statementMatches(statement: Statement, request: EvaluationRequest): boolean {
  return (
    principalMatches(statement, request) &&
    actionMatches(statement, request.action) &&
    resourceMatches(statement, request) &&
    conditionHolds(statement.Condition ?? {}, request.context)
  );
}

function actionMatches({ Action, NotAction }: Statement, action: string): boolean {
  const among = (patterns: string | string[]) => listOf(patterns).some((pattern) => matchesPattern(pattern.toLowerCase(), action.toLowerCase()));
  if (Action !== undefined) return among(Action);
  return NotAction !== undefined && !among(NotAction);
}

/** Trust policies have no Resource: they speak of the role they belong to. */
function resourceMatches({ Resource, NotResource }: Statement, { resource, context }: EvaluationRequest): boolean {
  const among = (patterns: string | string[]) => listOf(patterns).some((pattern) => matchesPattern(withVariables(pattern, context), resource));
  if (Resource !== undefined) return among(Resource);
  return NotResource === undefined || !among(NotResource);
}

function principalMatches({ Principal, NotPrincipal }: Statement, { principal }: EvaluationRequest): boolean {
  if (Principal === undefined && NotPrincipal === undefined) return true;
  const among = (wanted: NonNullable<Statement['Principal']>) =>
    wanted === '*' ||
    Object.entries(wanted).some(([kind, patterns]) =>
      listOf(patterns).some((pattern) => pattern === '*' || (principal?.[kind] ?? []).includes(accountArn(pattern))));
  return Principal !== undefined ? among(Principal) : NotPrincipal !== undefined && !among(NotPrincipal);
}

/** A bare account number stands for its root. */
function accountArn(pattern: string): string {
  return /^\d{12}$/.test(pattern) ? `arn:aws:iam::${pattern}:root` : pattern;
}

/** Policy variables: `${aws:username}`; one without a value matches nothing. */
function withVariables(pattern: string, context: Record<string, readonly string[]>): string {
  return pattern.replace(/\$\{([^}]+)\}/g, (_, key: string) => {
    if (['*', '?', '$'].includes(key)) return key;
    const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase());
    return found?.[1][0] ?? '\u0000';
  });
}

function listOf<Item>(value: Item | Item[]): Item[] {
  return Array.isArray(value) ? value : [value];
}
