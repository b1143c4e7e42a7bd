// `goldenpath teardown`: removes a platform from live state, once its name was typed out (X1, X6).
import { Command } from 'commander';
import { platformNames } from '../../domain/names.ts';
import { connect } from '../connection.ts';
import { previewTeardown } from '../preview.ts';
import { allOf, InputRefused } from '../problems.ts';
import { type AskedRun, type Prepared, prepare } from '../request.ts';
import { EXIT } from './exit.ts';
import { askedOf, originOf, type OriginOptions, type OutputOptions, runs, type TargetOptions, withOrigin, withOutput, withTarget } from './options.ts';
import type { Printer } from './print.ts';
import { previewLines } from './render-preview.ts';
import { startAndFollow } from './start.ts';

type Options = TargetOptions & OriginOptions & OutputOptions & { confirm?: string; onFailure?: string; reason?: string; detach?: boolean; plan?: boolean };

export function teardownCommand(): Command {
  const command = withOutput(withOrigin(withTarget(new Command('teardown'))))
    .description('remove a platform: DNS sources first, records proven gone, then the rest. Works from live state; needs no earlier run. Takes over a bootstrap in flight; attaches where a teardown is')
    .option('--confirm <cluster>', 'the name of the cluster, typed out: nothing is removed without it')
    .option('--plan', 'show, from live state, everything that would go, in order, and the approvals it would need; changes nothing, needs no --confirm')
    .option('--on-failure <what>', 'what a stage that fails for good does: fail ends the run, wait keeps it for retry or abort (default: wait)')
    .option('--reason <text>', 'why, for the receipt, and for whoever follows a bootstrap that this interrupts')
    .option('--detach', 'start the run and return')
    .addHelpText('after', '\nExamples:\n  goldenpath teardown --env dev --build-id 23-01-26-01 --confirm goldenpath-dev-eks-23-01-26-01\n  goldenpath teardown --env dev --build-id 23-01-26-01 --confirm goldenpath-dev-eks-23-01-26-01 --on-failure fail -o json\n  goldenpath teardown --env dev --build-id 23-01-26-01 --plan\n  goldenpath teardown --env dev --lifecycle persistent --confirm goldenpath-dev-eks');
  return runs<Options>(command, async (options, printer) => {
    if (options.plan === true) return showPreview(options, printer);
    const prepared = await prepareConfirmed({ ...askedOf(options), ...originOf(options, process.env), operation: 'teardown', onFailure: options.onFailure, reason: options.reason }, options.confirm);
    return startAndFollow(prepared, { detach: options.detach === true }, printer);
  });
}

/** Exit 5 where something would stop the teardown that no approval of a protection mends. */
async function showPreview(options: Options, printer: Printer): Promise<number> {
  const prepared = await prepare({ ...askedOf(options), ...originOf(options, process.env), operation: 'teardown', onFailure: options.onFailure }, process.env);
  const contact = await connect();
  try {
    const preview = await previewTeardown(contact.client, prepared);
    if (printer.format === 'json') printer.document(preview);
    else printer.data(...previewLines(preview, printer.paint));
    return preview.blocks.length > 0 ? EXIT.gateFailed : EXIT.ok;
  } finally {
    await contact.close();
  }
}

/** The plan and the confirmation are judged apart from each other, so that all problems are named at once. */
async function prepareConfirmed(asked: AskedRun, confirm: string | undefined): Promise<Prepared> {
  const [prepared] = await allOf(() => prepare(asked, process.env), () => { demandConfirmation(asked, confirm); });
  return prepared;
}

/** Throws InputRefused unless the name was typed that the cluster has by environment, lifecycle and build id as they were typed. */
function demandConfirmation({ environment = '<env>', lifecycle, buildId = '<build-id>' }: AskedRun, confirm: string | undefined): void {
  const { cluster } = platformNames(lifecycle === 'persistent' ? { environment, lifecycle, buildId: null } : { environment, lifecycle: 'ephemeral', buildId }, '');
  if (confirm === cluster) return;
  const problem = confirm === undefined ? 'is missing: a teardown cannot be undone' : 'is not the name of the cluster';
  throw new InputRefused([{ field: '--confirm', given: confirm, problem, allowed: cluster, fix: `type --confirm ${cluster}` }]);
}
