// `goldenpath status`: how one run stands, or the latest runs of all platforms (U1).
import { Command } from 'commander';
import { connect, type Contact } from '../connection.ts';
import { InputRefused } from '../problems.ts';
import { knownEnvironments, environmentsFolder } from '../files.ts';
import { listRuns } from '../runs.ts';
import { look } from '../watch.ts';
import { EXIT } from './exit.ts';
import { type OutputOptions, runs, type TargetOptions, withOutput, withTarget } from './options.ts';
import type { Printer } from './print.ts';
import { runLines, viewLines } from './render.ts';
import { RUN_HELP, runOf } from './run-ref.ts';

type Options = TargetOptions & OutputOptions;

export function statusCommand(): Command {
  const command = withOutput(withTarget(new Command('status')))
    .argument('[run]', RUN_HELP)
    .description('show how a run stands; without a build, list the latest runs')
    .addHelpText('after', '\nExamples:\n  goldenpath status\n  goldenpath status --env dev\n  goldenpath status --env dev --build-id 23-01-26-01\n  goldenpath status goldenpath-dev-eks-23-01-26-01 -o json | jq .report.state');
  return runs<Options>(command, async (options, printer, [name]) => {
    const one = name !== undefined || options.buildId !== undefined || options.lifecycle !== undefined;
    const ref = one ? await runOf(name, options, process.env) : await listedEnvironment(options);
    const contact = await connect();
    try {
      return await (typeof ref === 'object' ? showOne(contact, ref, printer) : showAll(contact, ref, printer));
    } finally {
      await contact.close();
    }
  });
}

/** The environment whose runs are listed, undefined for all. Throws InputRefused where it is unknown. */
async function listedEnvironment({ env }: Options): Promise<string | undefined> {
  if (env === undefined) return undefined;
  const known = await knownEnvironments(environmentsFolder(process.env));
  if (known.value === undefined) throw new InputRefused(known.problems);
  if (!known.value.includes(env)) throw new InputRefused([{ field: '--env', given: env, problem: 'is not an environment', allowed: known.value.join(', '), fix: 'choose one of these' }]);
  return env;
}

async function showAll({ client }: Contact, environment: string | undefined, printer: Printer): Promise<number> {
  const found = await listRuns(client, environment);
  if (printer.format === 'json') printer.document({ schema: 1, runs: found });
  else printer.data(...runLines(found, printer.paint, Date.now()));
  return EXIT.ok;
}

async function showOne({ client }: Contact, ref: { workflowId: string }, printer: Printer): Promise<number> {
  const view = await look(client, ref);
  if (printer.format === 'json') printer.document({ schema: 1, run: view.run, pending: view.pending, silent: view.silent ?? null, error: view.outcome?.error ?? null, report: view.report ?? null });
  else printer.data(...viewLines(view, printer.paint));
  return EXIT.ok;
}
