// `goldenpath demo`: raises the lab, bootstraps an ephemeral platform, tears it down, and shows the proof (issue 3 § Outcome).
import { Command } from 'commander';
import { nextBuildId } from '../build-id.ts';
import { connect, type Contact } from '../connection.ts';
import { prepare } from '../request.ts';
import { startRun } from '../runs.ts';
import { GoldenpathError } from '../../domain/errors.ts';
import type { Target } from '../../domain/plan.ts';
import type { RunReport } from '../../domain/report.ts';
import type { Operation } from '../../domain/stages.ts';
import { EXIT } from './exit.ts';
import { followUntil } from './follow.ts';
import { raiseLab, timeScaleOf, withLab } from './lab.ts';
import { runs } from './options.ts';
import type { Printer } from './print.ts';
import { receiptLines, recordLines, leftLines, summaryLines } from './render.ts';

interface Options {
  output: 'text';
  keep?: boolean;
  timeScale: string;
}

/** A step that was let go of by Ctrl-C. */
class Interrupted extends Error {}
/** A run that did not end as it should; it has said why. */
class Ended extends Error {
  readonly exit: number;

  constructor(exit: number) {
    super(`ended with ${exit}`);
    this.exit = exit;
  }
}

export function demoCommand(): Command {
  const command = new Command('demo')
    .description('everything at once, in a lab of its own: bootstrap a platform, see its records, tear it down, see that nothing is left')
    .option('--keep', 'leave the lab up, to look around')
    .option('--time-scale <n>', 'divide the durations of AWS operations by n', '60')
    .addHelpText('after', '\nNeeds git, Go 1.26 and Python 3.10; no cloud account, no containers, no root. The first time builds the tools,\n15 to 30 minutes on two cores; after that it takes some three minutes.\n\nExamples:\n  npm run demo\n  npm run demo -- --keep\n  npm run demo -- --time-scale 10');
  return runs<Options>(command, async (options, printer) => {
    const timeScale = timeScaleOf(options.timeScale);
    const name = await freeName();
    const stop = new AbortController();
    process.on('SIGINT', () => { stop.abort(); });
    process.on('SIGTERM', () => { stop.abort(); });
    const keep = options.keep === true;
    const exit = await play({ name, timeScale, keep, printer, signal: stop.signal });
    if (keep && exit !== EXIT.interrupted) printer.message('', `The lab ${name} is still up. Look around with: eval "$(npx goldenpath lab env --name ${name})"`, `End it with: npx goldenpath lab down --name ${name}`);
    else if (await withLab(({ labDown }) => labDown({ name }))) printer.message(`The lab ${name} is down: no process and no file of it is left.`);
    if (stop.signal.aborted) process.exit(EXIT.interrupted); // a build of tools that was let go of holds the process up otherwise
    return exit;
  });
}

interface Play {
  name: string;
  timeScale: number;
  keep: boolean;
  printer: Printer;
  signal: AbortSignal;
}

/** The demo from the lab's rise to the last proof. Errors become messages here, because the lab is taken down after them. */
async function play(demo: Play): Promise<number> {
  const { name, printer, signal } = demo;
  try {
    const status = await raiseLab({ name, timeScale: demo.timeScale, lateSweeps: false }, printer, signal);
    if (status === false) throw new Interrupted();
    Object.assign(process.env, await withLab(({ labEnv }) => labEnv({ name })));
    printer.data(`Temporal UI: ${status.endpoints?.temporalUi ?? 'not there'}`);
    const contact = await connect();
    try {
      await showPlatform(demo, contact);
    } finally {
      await contact.close();
    }
    printer.data('', `Temporal UI: ${status.endpoints?.temporalUi ?? 'not there'}${demo.keep ? '' : ' until now; with --keep it stays'}`);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof Ended) return error.exit;
    if (error instanceof Interrupted) {
      printer.message('Interrupted: cleaning up.');
      return EXIT.interrupted;
    }
    if (!(error instanceof GoldenpathError)) throw error;
    printer.message(error.message, ...error.problems.map((problem) => `  ${problem}`));
    return EXIT.failed;
  }
}

async function showPlatform(demo: Play, contact: Contact): Promise<void> {
  const { printer } = demo;
  const { leftOf, recordsOf } = await import('./proof.ts'); // nine SDK clients that no other command needs
  const head = (text: string) => { printer.data('', printer.paint('bold', text)); };
  const zone = (await prepare({ operation: 'bootstrap', environment: 'dev', buildId: '01-01-26-01', requester: 'demo' }, process.env)).plan.target.zone;
  const buildId = await nextBuildId(contact.client, 'dev', zone, new Date());

  head(`Bootstrap build ${buildId}`);
  const up = await run('bootstrap', buildId, demo, contact);
  head(`Route 53: what ExternalDNS wrote inside ${up.target.hostSuffix}`);
  printer.data(...recordLines(await recordsOf(up.target), printer.paint));

  head(`Tear build ${buildId} down`);
  const down = await run('teardown', buildId, demo, contact);
  head('What is left');
  const left = await leftOf(down.target);
  printer.data(...leftLines(left, printer.paint));

  for (const { report } of [up, down]) {
    head(`Receipt of the ${report.operation}`);
    printer.data(...receiptLines(report, printer.paint));
  }
  if (left.some(({ found }) => found.length > 0)) throw new Ended(EXIT.failed);
}

/** One run to its good end. Throws Ended where it ends otherwise, Interrupted where it is let go of. */
async function run(operation: Operation, buildId: string, { printer, signal }: Play, contact: Contact): Promise<{ target: Target; report: RunReport }> {
  const prepared = await prepare({ operation, environment: 'dev', buildId, requester: 'demo', onFailure: 'fail' }, process.env);
  const { workflowId, runId } = await startRun(contact.client, prepared, (line) => { printer.message(line); });
  const { view, exit } = await followUntil(contact, { workflowId, runId }, printer, { events: false, signal });
  if (exit === undefined) throw new Interrupted();
  const report = view?.report;
  if (report !== undefined) printer.data(...summaryLines(report, printer.paint));
  if (exit !== EXIT.ok || report === undefined) {
    printer.message(view?.outcome?.error?.message ?? 'the run did not end well');
    throw new Ended(exit === EXIT.ok ? EXIT.failed : exit);
  }
  return { target: prepared.plan.target, report };
}

/** The first name under which there is no lab: a demo that was kept is left alone. */
async function freeName(): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? 'demo' : `demo-${number}`;
    const { state } = await withLab(({ labStatus }) => labStatus({ name }));
    if (state === 'absent') return name;
  }
}
