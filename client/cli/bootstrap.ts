// `goldenpath bootstrap`: raises a platform, or attaches to the run that does (U1).
import { Command } from 'commander';
import { prepare } from '../request.ts';
import { askedOf, originOf, type OriginOptions, type OutputOptions, runs, type TargetOptions, withOrigin, withOutput, withTarget } from './options.ts';
import { startAndFollow } from './start.ts';

type Options = TargetOptions & OriginOptions & OutputOptions & { onFailure?: string; detach?: boolean };

export function bootstrapCommand(): Command {
  const command = withOutput(withOrigin(withTarget(new Command('bootstrap'))))
    .description('raise a platform: foundation check, EKS, Argo CD, tier waves, receipt. Attaches where that run is in flight')
    .option('--on-failure <what>', 'what a stage that fails for good does: fail ends the run, wait keeps it for retry or abort, teardown ends it and removes what it made (default: fail; persistent: wait)')
    .option('--detach', 'start the run and return')
    .addHelpText('after', '\nExamples:\n  goldenpath bootstrap --env dev --lifecycle ephemeral --build-id 23-01-26-01\n  goldenpath bootstrap --env dev --build-id 23-01-26-01 --on-failure wait\n  goldenpath bootstrap --env dev --build-id 23-01-26-01 --on-failure teardown\n  goldenpath bootstrap --env dev --lifecycle persistent\n  goldenpath bootstrap --env dev --build-id 23-01-26-01 --detach -o json | jq -r .workflowId');
  return runs<Options>(command, async (options, printer) => {
    const prepared = await prepare({ ...askedOf(options), ...originOf(options, process.env), operation: 'bootstrap', onFailure: options.onFailure }, process.env);
    return startAndFollow(prepared, { detach: options.detach === true }, printer);
  });
}
