// `goldenpath lab up|down|status|env`: the embedded world in which everything runs without a cloud account.
import { Command } from 'commander';
import { delimiter } from 'node:path';
import { GoldenpathError } from '../../domain/errors.ts';
import type * as lab from '../../lab/lab.ts';
import { allOf, InputRefused } from '../problems.ts';
import { EXIT } from './exit.ts';
import { type OutputOptions, runs, withOutput } from './options.ts';
import type { Paint, Printer } from './print.ts';
import { withProgress } from './progress.ts';

type Lab = typeof lab;
type Options = OutputOptions & { name?: string };
type UpOptions = Options & { timeScale: string; lateSweeps?: boolean };

export function labCommand(): Command {
  return new Command('lab')
    .description('the lab: Temporal, Kubernetes, Argo CD, ExternalDNS and an AWS of its own on this machine, without containers')
    .addHelpText('after', '\nExamples:\n  goldenpath lab up --time-scale 60 && eval "$(goldenpath lab env)"\n  goldenpath lab status -o json | jq \'.processes[] | {name, pid}\'\n  goldenpath lab down')
    .addCommand(upCommand())
    .addCommand(downCommand())
    .addCommand(statusCommand())
    .addCommand(envCommand());
}

function upCommand(): Command {
  const command = named(new Command('up'))
    .description('build the tools where they are missing, and raise a lab; one that is up already is left as it is')
    .option('--time-scale <n>', 'divide the durations of AWS operations by n', '1')
    .option('--late-sweeps', 'let teardowns sweep again an hour and a day later (divided by the time scale)')
    .addHelpText('after', '\nThe first time builds the tools, 15 to 30 minutes on two cores; they stay in ~/.cache/goldenpath.\n\nExamples:\n  goldenpath lab up --time-scale 60 && eval "$(goldenpath lab env)"\n  goldenpath lab up --name other --time-scale 10');
  return runs<UpOptions>(command, async (options, printer) => {
    const [name, timeScale] = await allOf(() => labNameOf(options.name, process.env), () => timeScaleOf(options.timeScale));
    const wanted = { name, timeScale, lateSweeps: options.lateSweeps === true };
    const stop = new AbortController();
    process.on('SIGINT', () => { stop.abort(); });
    const status = await raiseLab(wanted, printer, stop.signal);
    if (status === false) {
      await withLab(({ labDown }) => labDown({ name: wanted.name }));
      process.exit(EXIT.interrupted); // a build that was let go of holds the process up otherwise
    }
    if (printer.format === 'json') printer.document({ schema: 1, ...status });
    else printer.data(...labLines(status, printer.paint), `point this shell at it: eval "$(goldenpath lab env${options.name === undefined ? '' : ` --name ${options.name}`})"`);
    return EXIT.ok;
  });
}

function downCommand(): Command {
  const command = named(new Command('down')).description('end a lab: no process and no file of it is left, but the cache of tools').addHelpText('after', '\nExample:\n  goldenpath lab down');
  return runs<Options>(command, async (options, printer) => {
    const name = labNameOf(options.name, process.env);
    const existed = await withLab(({ labDown }) => labDown({ name }));
    if (printer.format === 'json') printer.document({ schema: 1, name, existed });
    else printer.message(existed ? `Lab ${name} is gone.` : `There was no lab ${name}.`);
    return EXIT.ok;
  });
}

function statusCommand(): Command {
  const command = named(new Command('status')).description('what runs, with pids and memory; exit code 1 where the lab is not ready').addHelpText('after', '\nExample:\n  goldenpath lab status -o json | jq .state');
  return runs<Options>(command, async (options, printer) => {
    const name = labNameOf(options.name, process.env);
    const status = await withLab(({ labStatus }) => labStatus({ name }));
    if (printer.format === 'json') printer.document({ schema: 1, ...status });
    else printer.data(...labLines(status, printer.paint), ...processLines(status));
    return status.state === 'ready' ? EXIT.ok : EXIT.failed;
  });
}

function envCommand(): Command {
  const command = named(new Command('env')).description('print what points a shell at the lab, for eval').addHelpText('after', '\nExamples:\n  eval "$(goldenpath lab env)"\n  goldenpath lab env -o json | jq -r .GOLDENPATH_UI');
  return runs<Options>(command, async (options, printer) => {
    const name = labNameOf(options.name, process.env);
    const variables = await withLab(({ labEnv }) => labEnv({ name }));
    if (printer.format === 'json') printer.document(variables);
    else printer.data(...exportLines(variables));
    return EXIT.ok;
  });
}

function named(command: Command): Command {
  return withOutput(command).option('--name <name>', 'which lab (default: GOLDENPATH_LAB, or "default")');
}

export interface LabWanted {
  name: string;
  timeScale: number;
  lateSweeps: boolean;
}

/** Calls the lab; its own word on what is wrong becomes an error that the CLI prints. */
export async function withLab<T>(ask: (lab: Lab) => Promise<T>): Promise<T> {
  const loaded = await import('../../lab/lab.ts');
  try {
    return await ask(loaded);
  } catch (error) {
    if (error instanceof loaded.LabProblem) throw new GoldenpathError('TerminalState', error.message, [], { cause: error });
    throw error;
  }
}

/** Raises a lab with its progress shown. False where the signal aborts first: then the caller takes down what there is. */
export async function raiseLab({ name, timeScale, lateSweeps }: LabWanted, printer: Printer, signal: AbortSignal): Promise<lab.LabStatus | false> {
  const letGo = new Error('let go of');
  const aborted = new Promise<never>((_, reject) => { signal.addEventListener('abort', () => { reject(letGo); }); });
  try {
    return await withProgress(printer, `Raise the lab ${name}, AWS durations divided by ${timeScale}`, (say) => Promise.race([withLab(({ labUp }) => labUp({ name, timeScale, lateSweeps, onProgress: say })), aborted]));
  } catch (error) {
    if (error === letGo || signal.aborted) return false;
    throw error;
  }
}

/** The time scale as it was typed. Throws InputRefused. */
export function timeScaleOf(given: string): number {
  const scale = Number(given);
  if (given.trim() !== '' && scale >= 1 && scale <= 1_000) return scale;
  throw new InputRefused([{ field: '--time-scale', given, problem: 'is not a time scale', allowed: 'a number from 1 to 1000', fix: '1 keeps the durations of AWS, 60 makes minutes seconds' }]);
}

/** The lab's name as it was typed, or as `lab env` left it. Throws InputRefused. */
export function labNameOf(given: string | undefined, env: NodeJS.ProcessEnv): string {
  const name = given ?? (env['GOLDENPATH_LAB'] === '' ? undefined : env['GOLDENPATH_LAB']) ?? 'default';
  if (/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) return name;
  throw new InputRefused([{ field: '--name', given: name, problem: 'is not a name of a lab', allowed: 'lower-case letters, digits and hyphens, at most 31', fix: 'choose such a name, or leave it out' }]);
}

/** Lines for a shell's eval. Of PATH only the lab's own folder is put in front: this process' PATH has folders of npm in it that the shell has not. */
export function exportLines(variables: Record<string, string>): string[] {
  return Object.entries(variables).map(([variable, value]) => (variable === 'PATH' ? `export PATH=${shellQuoted(value.split(delimiter)[0] ?? '')}:"$PATH"` : `export ${variable}=${shellQuoted(value)}`));
}

/** A word that any POSIX shell reads as it is. */
function shellQuoted(value: string): string {
  return `'${value.replaceAll("'", String.raw`'\''`)}'`;
}

function labLines({ name, state, timeScale, endpoints, problem, folder, memoryBytes, processes }: lab.LabStatus, paint: Paint): string[] {
  return [
    `${paint('bold', `Lab ${name}`)}: ${paint(state === 'ready' ? 'green' : 'yellow', state)}${timeScale === undefined ? '' : `, time scale ${timeScale}`}${processes.length === 0 ? '' : `, ${processes.length} processes, ${Math.round(memoryBytes / 1e6)} MB`}`,
    ...(problem === undefined ? [] : [`  ${problem}`]),
    ...(endpoints === undefined ? [] : [`  AWS          ${endpoints.aws}`, `  Temporal     ${endpoints.temporal}`, `  Temporal UI  ${endpoints.temporalUi}`, `  metrics      ${endpoints.workerMetrics}`]),
    ...(state === 'absent' ? [] : [`  files        ${folder}`]),
  ];
}

function processLines({ processes }: lab.LabStatus): string[] {
  const width = Math.max(0, ...processes.map(({ name }) => name.length));
  return processes.map(({ name, pid, rssBytes = 0, restarts }) => `  ${name.padEnd(width)}  pid ${String(pid).padEnd(7)} ${String(Math.round(rssBytes / 1e6)).padStart(4)} MB${restarts === 0 ? '' : `  restarted ${restarts} times`}`);
}
