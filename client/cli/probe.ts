// `goldenpath preflight` and `goldenpath accept`: the checks of a tier as a Job runs them inside the cluster (T2, T3; G1). One JSON document, on stdout and as the container's last word.
import { open } from 'node:fs/promises';
import { Command } from 'commander';
import { GoldenpathError } from '../../domain/errors.ts';
import { acceptanceUrls, type ProbeOperation, probeReport, type ProbeReport, probeSettings, type ProbeSettings, terminationText } from '../../domain/probes.ts';
import { compareTiers, type Tier, TIERS } from '../../domain/tiers.ts';
import { type InputProblem, InputRefused } from '../problems.ts';
import { EXIT } from './exit.ts';
import { createPrinter, type Printer } from './print.ts';

const PROBED: readonly Tier[] = TIERS.filter((tier) => tier !== '0');
const TERMINATION_LOG = '/dev/termination-log';

const ENVIRONMENT_HELP = `
Environment; what is not set is not checked:
  POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB
                              a database login, tried over TLS
  GOLDENPATH_RDS_CA           the authorities of RDS, PEM (the image has its own)
  GOLDENPATH_URLS             name=url,…: each must answer 200
  GOLDENPATH_BUCKET           a bucket that must be in AWS_REGION and readable
  GOLDENPATH_TERMINATION_LOG  where the same document goes, cut to 4096 bytes (default: ${TERMINATION_LOG})

Ends with 0 where every check passed, 5 where one failed, 2 where it was asked wrongly, 1 where something could not be asked.
stdout gets one JSON document with every check: id, title, ok, found, fix.
`;

export function preflightCommand(): Command {
  const command = new Command('preflight')
    .description('inside the cluster, before a tier: database login, addresses, bucket; of tiers 1 and 1.5 nodes and storage by the Kubernetes API. For PreSync hooks; changes nothing')
    .addHelpText('after', `${ENVIRONMENT_HELP}
Examples:
  goldenpath preflight --tier 1.5
  POSTGRES_HOST=db.example.org POSTGRES_PORT=5432 POSTGRES_USER=backstage POSTGRES_PASSWORD=… POSTGRES_DB=backstage goldenpath preflight --tier 2
  GOLDENPATH_URLS=realm=http://keycloak.keycloak:8080/realms/goldenpath goldenpath preflight --tier 3`);
  return probeCommand(command, 'preflight');
}

export function acceptCommand(): Command {
  const command = new Command('accept')
    .description('inside the cluster, after a tier: applications and what they say of themselves; of tiers 2 and 3 every synced database login and the OIDC clients. Changes nothing')
    .addHelpText('after', `${ENVIRONMENT_HELP}
Tiers 2 and 3 want GOLDENPATH_URLS with ${[...acceptanceUrls('2'), ...acceptanceUrls('3')].map(({ name }) => name).join(', ')}: those of the tier.
Their service account reads the synced Secrets of the tier; a bootstrap runs it as the Job goldenpath-acceptance-<tier>.

Examples:
  goldenpath accept --tier 1
  GOLDENPATH_URLS=${acceptanceUrls('3').map(({ name, url }) => `${name}=${url}`).join()} goldenpath accept --tier 3 | jq '.checks[] | select(.ok | not)'`);
  return probeCommand(command, 'accept');
}

function probeCommand(command: Command, operation: ProbeOperation): Command {
  return command.option('--tier <tier>', `the tier: ${PROBED.join(', ')}`).action(async () => {
    const printer = createPrinter(process, process.env, 'json');
    const { tier: given } = command.opts<{ tier?: string }>();
    const report = await reportOf(operation, given);
    printer.document(report);
    if (report.error !== undefined) printer.message(report.error.message, ...report.error.problems.map((problem) => `  ${problem}`));
    await leaveLastWord(report, printer);
    process.exitCode = { passed: EXIT.ok, failed: EXIT.gateFailed, refused: EXIT.badInput, unknown: EXIT.failed }[report.state];
  });
}

/** The report, whatever happens: a Job's last word is all that its owner sees. A bug keeps its stack. */
async function reportOf(operation: ProbeOperation, given: string | undefined): Promise<ProbeReport> {
  const tier = PROBED.find((each) => each === given);
  const failed = (state: 'refused' | 'unknown', { type, message, problems }: GoldenpathError): ProbeReport => ({ schema: 1, operation, tier: tier ?? '0', state, checks: [], error: { type, message, problems } });
  try {
    const settings = settingsOf(operation, tier, given);
    const { probe } = await import('../../workers/probe.ts'); // the clients of AWS and Kubernetes are of no use to any other command
    return probeReport({ operation, tier: settings.tier }, await probe({ operation, ...settings }, process.env));
  } catch (error) {
    if (error instanceof InputRefused) return failed('refused', error);
    if (error instanceof GoldenpathError) return failed('unknown', error);
    const { mapped } = await import('../../workers/probe.ts');
    const known = mapped(error);
    if (known === undefined) throw error;
    return failed('unknown', known);
  }
}

/** Throws InputRefused with every problem. */
function settingsOf(operation: ProbeOperation, tier: Tier | undefined, given: string | undefined): { tier: Tier; settings: ProbeSettings } {
  const { value, problems } = probeSettings(process.env);
  const all: InputProblem[] = [
    ...(tier === undefined ? [{ field: '--tier', given, problem: given === undefined ? 'is missing' : 'is no tier that is checked from inside', allowed: PROBED.join(', '), fix: 'say which tier, e.g. --tier 2' }] : []),
    ...problems,
    ...(tier === undefined || value === undefined ? [] : missingOf(operation, tier, value)),
  ];
  if (tier === undefined || value === undefined || all.length > 0) throw new InputRefused(all);
  return { tier, settings: value };
}

/** A tier 2 or 3 of which nothing is checked would read as passed. */
function missingOf(operation: ProbeOperation, tier: Tier, { database, urls, bucket }: ProbeSettings): InputProblem[] {
  if (compareTiers(tier, '2') < 0) return [];
  const wanted = operation === 'accept' ? acceptanceUrls(tier) : [];
  const absent = wanted.filter(({ name }) => !urls.some((url) => url.name === name));
  if (absent.length > 0) return [{ field: 'GOLDENPATH_URLS', problem: `has no ${absent.map(({ name }) => name).join(', no ')}`, allowed: wanted.map(({ name, url }) => `${name}=${url}`).join(), fix: `name every application of tier ${tier}` }];
  if (wanted.length > 0 || database !== undefined || urls.length > 0 || bucket !== undefined) return [];
  return [{ field: 'POSTGRES_HOST, GOLDENPATH_URLS, GOLDENPATH_BUCKET', problem: `are all missing: there is nothing to check of tier ${tier}`, allowed: 'one of them or more', fix: 'see goldenpath preflight --help' }];
}

/** Writes the termination message. Outside of a pod there is no such file, and none is made; one that was asked for and cannot be written is told. */
async function leaveLastWord(report: ProbeReport, printer: Printer): Promise<void> {
  const asked = process.env['GOLDENPATH_TERMINATION_LOG'];
  const isAsked = asked !== undefined && asked !== '';
  try {
    const file = await open(isAsked ? asked : TERMINATION_LOG, isAsked ? 'w' : 'r+');
    try {
      await file.writeFile(terminationText(report));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    if (isAsked) printer.message(`The termination message could not be written: ${error.message}`);
  }
}
