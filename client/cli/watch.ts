// `goldenpath watch`: follows a run that somebody started (U1).
import { Command } from 'commander';
import { connect } from '../connection.ts';
import { allOf, InputRefused } from '../problems.ts';
import { follow, printEnd } from './follow.ts';
import { type OutputOptions, runs, type TargetOptions, withOutput, withTarget } from './options.ts';
import { RUN_HELP, runOf } from './run-ref.ts';

type Options = TargetOptions & OutputOptions & { timeout?: string };

export function watchCommand(): Command {
  const command = withOutput(withTarget(new Command('watch')))
    .argument('[run]', RUN_HELP)
    .description('follow a run until it ends or waits for a decision; Ctrl-C detaches, the run goes on')
    .option('--timeout <seconds>', 'stop watching after so long, with exit code 124')
    .addHelpText('after', '\nWith -o json stdout gets NDJSON: one event a line, each with "schema": 1 and "event":\nrun, stage, awaits, decision-needed, decision, silent, end; or error, where there is nothing to watch.\n\nExamples:\n  goldenpath watch --env dev --build-id 23-01-26-01\n  goldenpath watch goldenpath-dev-eks-23-01-26-01 --timeout 1800\n  goldenpath watch platform/dev/goldenpath-dev-eks-23-01-26-01 -o json | jq -r \'select(.event == "stage")\'');
  return runs<Options>(command, async (options, printer, [name]) => {
    const [ref, timeoutMs] = await allOf(() => runOf(name, options, process.env), () => timeoutOf(options.timeout));
    const contact = await connect();
    try {
      const events = printer.format === 'json';
      const followed = await follow(contact, ref, printer, { events, timeoutMs });
      return events ? followed.exit : printEnd(followed, printer);
    } finally {
      await contact.close();
    }
  }, { events: true });
}

function timeoutOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const seconds = Number(given);
  const most = 2_147_483; // Node's timers hold no more than 2^31 ms
  if (given.trim() !== '' && seconds > 0 && seconds <= most) return seconds * 1_000;
  throw new InputRefused([{ field: '--timeout', given, problem: 'is not a number of seconds', allowed: `above 0, up to ${most}`, fix: 'say how long to watch, e.g. --timeout 1800' }]);
}
