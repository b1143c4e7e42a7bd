// What `bootstrap` and `teardown` share: start or attach, say so, follow to the end.
import { OPERATION_NOUN } from '../../domain/stages.ts';
import { connect, type Contact } from '../connection.ts';
import type { Prepared } from '../request.ts';
import { describeRun, startRun } from '../runs.ts';
import { EXIT } from './exit.ts';
import { follow, type Followed, printEnd } from './follow.ts';
import type { Printer } from './print.ts';

/** Starts the prepared run or attaches to it, and follows it unless `detach` is set. Returns the exit code. */
export async function startAndFollow(prepared: Prepared, { detach }: { detach: boolean }, printer: Printer): Promise<number> {
  const contact = await connect();
  try {
    const started = await startRun(contact.client, prepared, (line) => { printer.message(line); });
    const { workflowId, runId, operation, attached } = started;
    printer.message(`${attached ? 'Attached to the' : 'Started the'} ${OPERATION_NOUN[operation]} of ${prepared.plan.target.cluster}${attached ? ' in flight' : ''} (workflow ${workflowId}, run ${runId})`);
    const ui = process.env['GOLDENPATH_UI'];
    if (ui !== undefined && ui !== '') printer.message(`In the Temporal UI: ${ui}/namespaces/${contact.client.options.namespace}/workflows/${encodeURIComponent(workflowId)}/${runId}`);
    if (detach) {
      if (printer.format === 'json') printer.document({ schema: 1, state: 'running', ...started });
      else printer.data(`goldenpath watch ${workflowId}`);
      return EXIT.ok;
    }
    const followed = await follow(contact, { workflowId, runId }, printer);
    const inFlight = followed.view?.report?.planHash;
    if (attached && inFlight !== undefined && inFlight !== prepared.plan.hash) printer.message('Note: the run in flight was started with another plan than the one that these files give now.');
    const teardown = await followOwnTeardown(contact, followed, printer);
    return printEnd({ ...followed, exit: teardown !== undefined && isLetGo(teardown) ? teardown.exit : followed.exit }, printer, teardown);
  } finally {
    await contact.close();
  }
}

/** Follows the teardown by which a failed bootstrap was told to end, so that one command tells both. undefined where there is none. */
async function followOwnTeardown(contact: Contact, { view }: Followed, printer: Printer): Promise<Followed | undefined> {
  if (view?.outcome === undefined || view.report?.teardown === undefined) return undefined;
  const { workflowId } = view.report.teardown;
  // The server makes the next execution in the moment in which this one ends.
  const { runId } = await describeRun(contact.client, { workflowId });
  printer.message(`${view.outcome.error?.type ?? 'Failed'}: ${view.outcome.error?.message ?? ''}`, `The bootstrap failed, and tears down what it made (workflow ${workflowId}, run ${runId})`);
  return follow(contact, { workflowId, runId }, printer);
}

/** Whether the person or the time let go of the run: it goes on. */
function isLetGo({ exit }: Followed): boolean {
  return exit === EXIT.interrupted || exit === EXIT.timedOut;
}
