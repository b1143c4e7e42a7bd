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

/** What all of these give; where some refuse, one refusal with the problems of every one of them. Any other error is thrown as it is. */
export async function allOf<T extends readonly (() => unknown)[]>(...asks: T): Promise<{ -readonly [K in keyof T]: Awaited<ReturnType<T[K]>> }> {
  const outcomes = await Promise.allSettled(asks.map(async (ask) => ask()));
  const reasons = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }): unknown => reason);
  const refusals = reasons.filter((reason) => reason instanceof InputRefused);
  const bug = reasons.find((reason) => !(reason instanceof InputRefused));
  if (bug instanceof Error) throw bug; // nothing else is ever thrown: lint sees to it
  if (refusals.length > 0) throw new InputRefused(refusals.flatMap(({ inputProblems }) => inputProblems));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one value for each of them, in their order
  return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : undefined)) as { -readonly [K in keyof T]: Awaited<ReturnType<T[K]>> };
}

function problemLine({ field, given, problem, allowed, fix }: InputProblem): string {
  return `${field}${given === undefined ? '' : ` (given: ${given})`}: ${problem}${allowed === undefined ? '' : `; allowed: ${allowed}`}; ${fix}`;
}
