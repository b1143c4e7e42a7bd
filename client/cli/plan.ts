// `goldenpath plan`: shows a run's plan and touches nothing (F1).
import { Command, Option } from 'commander';
import type { Operation } from '../../domain/stages.ts';
import { prepare } from '../request.ts';
import { EXIT } from './exit.ts';
import { askedOf, type OutputOptions, runs, type TargetOptions, withOutput, withTarget } from './options.ts';
import { planLines } from './render.ts';

type Options = TargetOptions & OutputOptions & { for: Operation };

export function planCommand(): Command {
  const command = withOutput(withTarget(new Command('plan')))
    .description('show what a run would do: stages, components, versions, DNS scope, hash. Touches nothing')
    .addOption(new Option('--for <operation>', 'the run to plan').choices(['bootstrap', 'teardown']).default('bootstrap'))
    .addHelpText('after', '\nExamples:\n  goldenpath plan --env dev --build-id 23-01-26-01\n  goldenpath plan --env dev --lifecycle persistent\n  goldenpath plan --env dev --build-id 23-01-26-01 --for teardown -o json | jq .stages');
  return runs<Options>(command, async (options, printer) => {
    const { plan } = await prepare({ ...askedOf(options), operation: options.for, requester: 'nobody' }, process.env);
    if (printer.format === 'json') printer.document(plan);
    else printer.data(...planLines(plan, printer.paint));
    return EXIT.ok;
  });
}
