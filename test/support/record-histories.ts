// Records the histories of a platform's bootstrap and teardown for the replay tests: node test/support/record-histories.ts <release> <build id>, with the lab's variables set.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { connect } from '../../client/connection.ts';
import { prepareTarget } from '../../client/request.ts';
import { operationOf } from '../../client/runs.ts';

const [release, buildId] = process.argv.slice(2);
if (release === undefined || buildId === undefined) throw new Error('usage: node test/support/record-histories.ts <release> <build id>');
const { target } = await prepareTarget({ environment: 'dev', lifecycle: 'ephemeral', buildId }, process.env);
const { client, close } = await connect();
try {
  for await (const { workflowId, runId, type } of client.workflow.list({ query: `WorkflowId = '${target.workflowId}'` })) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const file = path.join(import.meta.dirname, '../replay/histories', `${release}-${operationOf(type)}.json`);
    // Who ran it is of no interest, and names a machine.
    await writeFile(file, `${historyToJSON(history).replaceAll(/"identity": ?"[^"]*"/g, '"identity":"worker@lab"')}\n`);
    process.stdout.write(`${file}: ${history.events?.length ?? 0} events\n`);
  }
} finally {
  await close();
}
