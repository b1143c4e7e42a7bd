// The options that commands share, and the frame in which each command runs: errors become messages and exit codes in one place.
import { type Command, Option } from 'commander';
import { userInfo } from 'node:os';
import { exitCodeOf, GoldenpathError } from '../../domain/errors.ts';
import { type InputProblem, InputRefused } from '../problems.ts';
import type { Asked } from '../request.ts';
import { EXIT } from './exit.ts';
import { createPrinter, type Format, type Paint, type Printer } from './print.ts';
import { problemLines } from './render.ts';

export interface OutputOptions {
  output: Format;
}

export interface TargetOptions {
  env?: string;
  lifecycle?: string;
  buildId?: string;
}

export interface OriginOptions {
  requester?: string;
  commit?: string;
}

export function withOutput(command: Command): Command {
  return command.addOption(new Option('-o, --output <format>', 'what stdout gets').choices(['text', 'json']).default('text'));
}

export function withTarget(command: Command): Command {
  return command
    .option('-e, --env <name>', 'environment: a file of environments/, e.g. dev')
    .option('--lifecycle <lifecycle>', 'ephemeral or persistent (default: ephemeral)')
    .option('--build-id <DD-MM-YY-NN>', 'the build of an ephemeral platform, e.g. 23-01-26-01');
}

export function withOrigin(command: Command): Command {
  return command
    .option('--requester <name>', 'who asks (default: GOLDENPATH_REQUESTER, GITHUB_ACTOR, or the user of this machine)')
    .option('--commit <sha>', 'the commit this is for (default: GITHUB_SHA)');
}

export function askedOf({ env, lifecycle, buildId }: TargetOptions): Asked {
  return { environment: env, lifecycle, buildId };
}

export function originOf({ requester, commit }: OriginOptions, env: NodeJS.ProcessEnv): { requester: string; commit?: string } {
  const sha = given(commit) ?? given(env['GITHUB_SHA']);
  return { requester: given(requester) ?? given(env['GOLDENPATH_REQUESTER']) ?? given(env['GITHUB_ACTOR']) ?? systemUser() ?? '', ...(sha === undefined ? {} : { commit: sha }) };
}

/** What a command does; the number is its exit code. */
export type Handler<O> = (options: O, printer: Printer, args: (string | undefined)[]) => Promise<number>;

/** Gives a command its action: prints what goes wrong, and sets the exit code. A bug keeps its stack. `events`: with -o json the command prints NDJSON, errors too. */
export function runs<O extends OutputOptions>(command: Command, handler: Handler<O>, { events = false }: { events?: boolean } = {}): Command {
  return command.action(async () => {
    const options = command.opts<O>();
    const printer = createPrinter(process, process.env, options.output);
    try {
      process.exitCode = await handler(options, printer, command.args);
    } catch (error) {
      const problem = problemOf(error);
      printer.message(...problem.lines(printer.paintMessage));
      if (printer.format === 'json' && events) printer.line({ schema: 1, at: Date.now(), event: 'error', error: problem.error });
      else if (printer.format === 'json') printer.document({ schema: 1, state: problem.state, error: problem.error });
      process.exitCode = problem.exit;
    }
  });
}

interface Problem {
  exit: number;
  state: 'refused' | 'failed';
  error: { type: string; message: string; problems: InputProblem[] | string[] };
  lines: (paint: Paint) => string[];
}

function problemOf(error: unknown): Problem {
  if (error instanceof InputRefused) return { exit: exitCodeOf(error.type), state: 'refused', error: { type: error.type, message: error.message, problems: error.inputProblems }, lines: (paint) => [error.message, ...problemLines(error.inputProblems, paint)] };
  if (error instanceof GoldenpathError) return { exit: exitCodeOf(error.type), state: error.type === 'ApprovalDenied' ? 'refused' : 'failed', error: { type: error.type, message: error.message, problems: error.problems }, lines: () => [error.message, ...error.problems.map((problem) => `  ${problem}`)] };
  const message = error instanceof Error ? error.message : String(error);
  return { exit: EXIT.failed, state: 'failed', error: { type: 'Bug', message, problems: [] }, lines: () => [error instanceof Error ? (error.stack ?? message) : message] };
}

function given(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

function systemUser(): string | undefined {
  try {
    return userInfo().username;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_SYSTEM_ERROR') return undefined; // a container's user without a name
    throw error;
  }
}
