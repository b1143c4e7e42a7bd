// Bad input: every problem of a request at once, each with the field, what was given, what is allowed and what to do (F5).
import { GoldenpathError } from '../domain/errors.ts';

export interface InputProblem {
  /** The option, or file and field: `--build-id`, `environments/dev.yaml: dns.zone`. */
  field: string;
  given?: string | undefined;
  /** What is wrong with it. */
  problem: string;
  allowed?: string | undefined;
  fix: string;
}

/** A request that is refused before its first side effect. */
export class InputRefused extends GoldenpathError {
  readonly inputProblems: InputProblem[];

  constructor(inputProblems: InputProblem[]) {
    super('InvalidInput', inputProblems.length === 1 ? 'Refused: one problem with what was asked for' : `Refused: ${inputProblems.length} problems with what was asked for`, inputProblems.map((problem) => problemLine(problem)));
    this.inputProblems = inputProblems;
  }
}

/** What all of these give. Where some are refused: throws one InputRefused with every problem of them; any other error is thrown as it is. */
export async function together<T extends readonly Promise<unknown>[] | []>(asked: T): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  const settled = await Promise.allSettled<unknown>(asked);
  const reasons = settled.map((result): unknown => (result.status === 'rejected' ? result.reason : undefined));
  await asked[reasons.findIndex((reason) => reason !== undefined && !(reason instanceof InputRefused))];
  const problems = reasons.flatMap((reason) => (reason instanceof InputRefused ? reason.inputProblems : []));
  if (problems.length > 0) throw new InputRefused(problems);
  return Promise.all(asked);
}

function problemLine({ field, given, problem, allowed, fix }: InputProblem): string {
  return `${field}${given === undefined ? '' : ` (given: ${given})`}: ${problem}${allowed === undefined ? '' : `; allowed: ${allowed}`}; ${fix}`;
}
