// `goldenpath database apply|create|check|destroy`: the environment's RDS instance and its databases, with a lifecycle of their own (R1–R4).
import type { Client } from '@temporalio/client';
import { Command } from 'commander';
import { appProblem, databaseOf, type Databases, type DatabaseSpec, databaseSecretName } from '../../domain/databases.ts';
import type { DatabaseReport } from '../../domain/database-report.ts';
import type { Environment } from '../../domain/environment.ts';
import { exitCodeOf } from '../../domain/errors.ts';
import type { Versions } from '../../domain/versions.ts';
import { connect } from '../connection.ts';
import { applyDatabases, checkDatabases, createDatabase, type DatabaseRequest, prepareDestruction } from '../databases.ts';
import { environmentsFolder, readVersions, shownPath } from '../files.ts';
import { allOf, InputRefused } from '../problems.ts';
import { findEnvironment } from '../request.ts';
import { EXIT } from './exit.ts';
import { originOf, type OriginOptions, type OutputOptions, runs, withOrigin, withOutput } from './options.ts';
import type { Printer } from './print.ts';
import { withProgress } from './progress.ts';
import { connectivityLines, databaseLines } from './render-database.ts';
import { startAndFollow } from './start.ts';

type Options = OriginOptions & OutputOptions & { env?: string; app?: string; rotate?: boolean };
type DestroyOptions = OriginOptions & OutputOptions & { env?: string; confirm?: string; reason?: string; detach?: boolean };
type WithDatabases = Environment & { databases: Databases };
type Say = (line: string) => void;

export function databaseCommand(): Command {
  return new Command('database')
    .description('the environment’s RDS instance and its databases: they have their own lifecycle, no platform makes or removes them')
    .addHelpText('after', '\nPasswords are in Secrets Manager only, under goldenpath/<env>/<app>/postgres; no command prints one.\n\nExamples:\n  goldenpath database apply --env dev\n  goldenpath database create --env dev --app orders\n  goldenpath database check --env dev -o json')
    .addCommand(applyCommand())
    .addCommand(createCommand())
    .addCommand(checkCommand())
    .addCommand(destroyCommand());
}

function applyCommand(): Command {
  const command = changing(new Command('apply'))
    .description('make the instance and the databases that the environment file declares, where they are missing; adopt what is there')
    .addHelpText('after', '\nExamples:\n  goldenpath database apply --env dev\n  goldenpath database apply --env dev --rotate -o json');
  return runs<Options>(command, async (options, printer) => {
    const request = await requestOf(options);
    return changed(printer, `Applying the databases of ${request.environment}`, (client, say) => applyDatabases(client, request, say));
  });
}

function createCommand(): Command {
  const command = changing(new Command('create'))
    .description('make one application’s database on the instance that is there, with a role of its own and a secret; adopt what is there')
    .option('--app <name>', 'the application: lower-case letters, digits and hyphens')
    .addHelpText('after', '\nExamples:\n  goldenpath database create --env dev --app orders\n  goldenpath database create --env dev --app orders --rotate');
  return runs<Options>(command, async (options, printer) => {
    const [request, app] = await allOf(() => requestOf(options), () => appOf(options));
    return changed(printer, `Making the database of ${app}`, (client, say) => createDatabase(client, request, specOf(request, app), say));
  });
}

function checkCommand(): Command {
  const command = withOutput(withEnvironment(new Command('check')))
    .description('judge the connectivity contract point by point, and try every login; changes nothing')
    .addHelpText('after', '\nExit 5 where a point is broken.\n\nExample:\n  goldenpath database check --env dev -o json | jq \'.points[] | select(.ok | not)\'');
  return runs<Options>(command, async (options, printer) => {
    const request = await requestOf(options);
    const report = await connected((client) => withProgress(printer, `Checking the databases of ${request.environment}`, (say) => checkDatabases(client, request, say)));
    if (printer.format === 'json') printer.document(report);
    else printer.data(...connectivityLines(report, printer.paint));
    return report.state === 'kept' ? EXIT.ok : EXIT.gateFailed;
  });
}

function destroyCommand(): Command {
  const command = withOutput(withOrigin(withEnvironment(new Command('destroy'))))
    .description('destroy the instance with every database on it: two approvers decide, a snapshot is taken, deletion protection goes last. Attaches where this is in flight')
    .option('--confirm <instance>', 'the identifier of the instance, typed out: nothing is asked without it')
    .option('--reason <text>', 'why, for the receipt')
    .option('--detach', 'start the run and return')
    .addHelpText('after', `
The run waits (exit 3) until two approvers other than whoever asked have decided: goldenpath approve database/<env>/<instance> --decision destroy
Snapshots, secrets, subnet group and security group stay.

Example:
  goldenpath database destroy --env dev --confirm goldenpath-dev --reason 'moved to another account'`);
  return runs<DestroyOptions>(command, async (options, printer) => {
    const [environment, versions] = await allOf(() => environmentOf(options), () => versionsOf());
    demandConfirmed(environment, options.confirm);
    const prepared = prepareDestruction(environment, versions, { ...originOf(options, process.env), reason: options.reason });
    return startAndFollow(prepared, { detach: options.detach === true }, printer);
  });
}

async function versionsOf(): Promise<Versions> {
  const read = await readVersions(environmentsFolder(process.env));
  if (read.value === undefined) throw new InputRefused(read.problems);
  return read.value;
}

function demandConfirmed({ databases }: WithDatabases, confirm: string | undefined): void {
  const { identifier } = databases.instance;
  if (confirm === identifier) return;
  const problem = confirm === undefined ? 'is missing: a destruction cannot be undone' : 'is not the identifier of the instance';
  throw new InputRefused([{ field: '--confirm', given: confirm, problem, allowed: identifier, fix: `type --confirm ${identifier}` }]);
}

function withEnvironment(command: Command): Command {
  return command.option('-e, --env <name>', 'environment: a file of environments/, e.g. dev');
}

function changing(command: Command): Command {
  return withOutput(withOrigin(withEnvironment(command))).option('--rotate', 'set new passwords where the secret’s does not work; without it such a database is refused');
}

/** Follows the run to its end, and prints what it did: also the half that a failed one had done, since another run goes on from there. */
async function changed(printer: Printer, title: string, run: (client: Client, say: Say) => Promise<DatabaseReport>): Promise<number> {
  const report = await connected((client) => withProgress(printer, title, (say) => run(client, say)));
  const error = report.steps.find((step) => step.error !== undefined)?.error;
  if (printer.format === 'json') printer.document({ ...report, ...(error === undefined ? {} : { error }) });
  else printer.data(...databaseLines(report, printer.paint));
  if (error === undefined) return EXIT.ok;
  printer.message(...error.problems.map((problem) => `  ${problem}`));
  return exitCodeOf(error.type);
}

async function connected<T>(use: (client: Client) => Promise<T>): Promise<T> {
  const contact = await connect();
  try {
    return await use(contact.client);
  } finally {
    await contact.close();
  }
}

/** Throws InputRefused with every problem of the environment file, or where it declares no databases. */
async function environmentOf(options: Pick<Options, 'env'>): Promise<WithDatabases> {
  const folder = environmentsFolder(process.env);
  const found = await findEnvironment(folder, options.env);
  if (found.value === undefined) throw new InputRefused(found.problems);
  const { databases, name } = found.value;
  if (databases === undefined) throw new InputRefused([{ field: `${shownPath(folder)}/${name}.yaml: databases`, problem: 'is missing: the environment declares no instance', fix: 'describe the instance as docs/reference/environment.md says' }]);
  return { ...found.value, databases };
}

async function requestOf(options: Options): Promise<DatabaseRequest> {
  const { name: environment, accountId, databases, registry, timings: { scale } } = await environmentOf(options);
  return { environment, accountId, databases, registry, scale, rotate: options.rotate === true, requester: originOf(options, process.env).requester };
}

function appOf({ app, env = '<env>' }: Options): string {
  const problem = app === undefined || app === '' ? 'is missing' : appProblem(app);
  if (app !== undefined && problem === undefined) return app;
  throw new InputRefused([{ field: '--app', ...(app === undefined ? {} : { given: app }), problem: problem ?? '', allowed: 'lower-case letters, digits and single hyphens, a letter first', fix: `choose a name; its login will be in the secret ${databaseSecretName({ environment: env, app: 'orders' })}, for the app orders` }]);
}

/** As the file declares it, or with the names that follow from the application's. Throws InputRefused where those are declared for another one. */
function specOf({ databases: { databases }, environment }: DatabaseRequest, app: string): DatabaseSpec {
  const declared = databases.find((one) => one.app === app);
  if (declared !== undefined) return declared;
  const spec = databaseOf(app);
  const other = databases.find(({ database, owner }) => database === spec.database || owner === spec.owner);
  if (other === undefined) return spec;
  throw new InputRefused([{ field: '--app', given: app, problem: `would have the database or the role of ${other.app}, which environments/${environment}.yaml declares`, fix: 'choose another name' }]);
}
