// `goldenpath orphans`: lists what belongs to platforms that are gone; with --remove and the cluster typed out, removes one platform's (X5, D4).
import { Command } from 'commander';
import type { Environment } from '../../domain/environment.ts';
import type { OrphanReport } from '../../domain/orphans.ts';
import { connect } from '../connection.ts';
import { environmentsFolder } from '../files.ts';
import { findOrphans } from '../orphans.ts';
import { InputRefused } from '../problems.ts';
import { findEnvironment, prepare, type Prepared } from '../request.ts';
import { EXIT } from './exit.ts';
import { originOf, type OriginOptions, type OutputOptions, runs, withOrigin, withOutput } from './options.ts';
import { type Printer } from './print.ts';
import { withProgress } from './progress.ts';
import { orphanLines } from './render-orphans.ts';
import { startAndFollow } from './start.ts';

type Options = OriginOptions & OutputOptions & { env?: string; remove?: boolean; confirm?: string; onFailure?: string; detach?: boolean };

export function orphansCommand(): Command {
  const command = withOutput(withOrigin(new Command('orphans').option('-e, --env <name>', 'environment: a file of environments/, e.g. dev')))
    .description('list what belongs to platforms that are gone; changes nothing unless --remove is given')
    .option('--remove', 'remove the orphans of the one platform that --confirm names')
    .option('--confirm <cluster>', 'the name of the platform’s cluster, typed out: nothing is removed without it')
    .option('--on-failure <what>', 'what a stage of the removal that fails for good does: fail ends the run, wait keeps it for retry or abort (default: wait)')
    .option('--detach', 'start the removal and return')
    .addHelpText('after', `
A platform is gone when EKS answers NotFound for its cluster and Temporal has no run in flight under its workflow id.
What belongs to it is known by exact ownership tags, by the exact owner in Route 53's registry TXT, by the names inside its
own suffix, and by what its last receipt left behind; never by a likeness of names. Where anything cannot be read the
command fails: it says "none" of a complete look only.

Records go only by a decision of approvers (goldenpath approve --decision repair); the removal waits for it with exit code 3.

Examples:
  goldenpath orphans --env dev
  goldenpath orphans --env dev -o json | jq '.platforms[].cluster'
  goldenpath orphans --env dev --remove --confirm goldenpath-dev-eks-23-01-26-01`);
  return runs<Options>(command, async (options, printer) => {
    const environment = await environmentOf(options);
    if (options.remove !== true && options.confirm === undefined) return list(environment, printer);
    return remove(environment, options, printer);
  });
}

async function environmentOf({ env }: Options): Promise<Environment> {
  const found = await findEnvironment(environmentsFolder(process.env), env);
  if (found.value === undefined) throw new InputRefused(found.problems);
  return found.value;
}

async function list(environment: Environment, printer: Printer): Promise<number> {
  const report = await look(environment, printer);
  if (printer.format === 'json') printer.document(report);
  else printer.data(...orphanLines(report, printer.paint));
  return EXIT.ok;
}

async function look(environment: Environment, printer: Printer): Promise<OrphanReport> {
  const contact = await connect();
  try {
    return await withProgress(printer, `Looking for what belongs to platforms of ${environment.name} that are gone`, (say) => findOrphans(contact.client, environment, say));
  } finally {
    await contact.close();
  }
}

/** Looks first: what is removed is what was just listed, of a platform that was just seen to be gone. The run itself asks again, under the platform's lock. */
async function remove(environment: Environment, options: Options, printer: Printer): Promise<number> {
  const { confirm } = options;
  if (options.remove !== true) throw new InputRefused([{ field: '--remove', problem: 'is missing: --confirm alone removes nothing', fix: 'say --remove as well, or leave --confirm out to list' }]);
  const report = await look(environment, printer);
  const removable = report.platforms.filter(({ lifecycle }) => lifecycle === 'ephemeral');
  const platform = removable.find(({ cluster }) => cluster === confirm);
  if (platform === undefined) throw new InputRefused([unconfirmed(confirm, removable.map(({ cluster }) => cluster), environment.name)]);
  printer.message(...orphanLines({ ...report, platforms: [platform], disputed: [] }, printer.paintMessage).slice(0, -2));
  const prepared: Prepared = await prepare({ environment: environment.name, lifecycle: platform.lifecycle, buildId: platform.buildId ?? undefined, ...originOf(options, process.env), operation: 'remove-orphans', onFailure: options.onFailure }, process.env);
  return startAndFollow(prepared, { detach: options.detach === true }, printer);
}

function unconfirmed(confirm: string | undefined, clusters: readonly string[], environment: string): { field: string; given?: string; problem: string; allowed: string; fix: string } {
  return {
    field: '--confirm',
    ...(confirm === undefined ? {} : { given: confirm }),
    problem: confirm === undefined ? 'is missing: a removal cannot be undone' : 'is not the cluster of a platform that is gone and left something',
    allowed: clusters.length === 0 ? 'none: there is nothing to remove' : `one of ${clusters.join(', ')}`,
    fix: `see \`goldenpath orphans --env ${environment}\`, and type the name of one platform’s cluster`,
  };
}
