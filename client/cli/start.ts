// What `bootstrap` and `teardown` share: start or attach, say so, follow to the end.
import { OPERATION_NOUN } from '../../domain/stages.ts';
import { connect } from '../connection.ts';
import { type Prepared, refuseUndelivered } from '../request.ts';
import { startRun } from '../runs.ts';
import { EXIT } from './exit.ts';
import { follow, printEnd } from './follow.ts';
import type { Printer } from './print.ts';

/** Starts the prepared run or attaches to it, and follows it unless `detach` is set. Returns the exit code. */
export async function startAndFollow(prepared: Prepared, { detach }: { detach: boolean }, printer: Printer): Promise<number> {
  refuseUndelivered(prepared.plan);
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
    return printEnd(followed, printer);
  } finally {
    await contact.close();
  }
}
