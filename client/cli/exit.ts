// Exit codes: one meaning each, the same for every command (issue 3 § 8).
import { exitCodeOf } from '../../domain/errors.ts';
import { isAnswered } from '../answers.ts';
import type { RunView } from '../watch.ts';

export const EXIT = { ok: 0, failed: 1, badInput: 2, waiting: 3, notAuthorized: 4, gateFailed: 5, timedOut: 124, interrupted: 130 } as const;

export const EXIT_HELP = `Exit codes:
  0    ok: the platform is ready, or clean
  1    failed, cancelled, interrupted by a teardown, or a teardown that left something behind; check: findings
  2    bad input: refused before the first change, every problem named
  3    the run waits for a decision; the command says how to answer
  4    not authorized
  5    a gate failed: foundation check, preflight, acceptance, DNS records that remain; versions: drift
  124  the watch timed out while the run goes on
  130  interrupted: the run goes on, the command says how to resume`;

/** The exit code that a view of a run gives, or undefined where the run goes on by itself. */
export function exitOfView({ report, outcome }: RunView): number | undefined {
  if (outcome === undefined) return report?.waiting === undefined || isAnswered(report) ? undefined : EXIT.waiting;
  if (outcome.error !== undefined) return exitCodeOf(outcome.error.type);
  return outcome.report?.state === 'ready' || outcome.report?.state === 'clean' ? EXIT.ok : EXIT.failed;
}
