// `goldenpath retry` and `goldenpath abort`: an operator's answer to a run that waits (U1).
import { Command } from 'commander';
import { answerRun, type Decision } from '../answers.ts';
import { connect } from '../connection.ts';
import { allOf, InputRefused } from '../problems.ts';
import { EXIT } from './exit.ts';
import { originOf, type OutputOptions, runs, type TargetOptions, withOutput, withTarget } from './options.ts';
import { RUN_HELP, runOf } from './run-ref.ts';

type Options = TargetOptions & OutputOptions & { reason?: string; stage?: string; requester?: string };

const WHAT: Record<Decision, string> = {
  retry: 'try the stage again at which a run waits',
  abort: 'end a run at the stage at which it waits; nothing further is changed or destroyed',
};

export function answerCommand(decision: Decision): Command {
  const command = withOutput(withTarget(new Command(decision)))
    .argument('[run]', RUN_HELP)
    .description(WHAT[decision])
    .option('--reason <text>', 'why, for the receipt')
    .option('--stage <id>', 'the stage that is meant; refused where the run waits at another (default: the one it waits at)')
    .option('--requester <name>', 'who answers (default: GOLDENPATH_REQUESTER, GITHUB_ACTOR, or the user of this machine)')
    .addHelpText('after', `\nExamples:\n  goldenpath ${decision} --env dev --build-id 23-01-26-01 --reason 'the controller is repaired'\n  goldenpath ${decision} platform/dev/goldenpath-dev-eks-23-01-26-01 --stage dns-gate --reason 'checked by hand'`);
  return runs<Options>(command, async (options, printer, [name]) => {
    const [ref, reason] = await allOf(() => runOf(name, options, process.env), () => reasonOf(options.reason));
    const contact = await connect();
    try {
      const report = await answerRun(contact.client, ref, decision, { stage: options.stage, by: originOf(options, process.env).requester, reason });
      printer.message(`The run took the answer: ${decision}. Follow it with: goldenpath watch ${ref.workflowId}`);
      if (printer.format === 'json') printer.document(report);
      return EXIT.ok;
    } finally {
      await contact.close();
    }
  });
}

function reasonOf(given = ''): string {
  if (given.trim() !== '') return given;
  throw new InputRefused([{ field: '--reason', problem: 'is missing', allowed: 'a sentence', fix: 'say why: it is kept in the receipt' }]);
}
