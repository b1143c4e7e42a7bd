// Which run a command speaks of: by workflow id, by cluster name, or by environment and build id.
import { InputRefused } from '../problems.ts';
import { prepareTarget } from '../request.ts';
import type { RunRef } from '../runs.ts';
import { askedOf, type TargetOptions } from './options.ts';

const CLUSTER = /^goldenpath-([a-z][a-z0-9]*)-eks(-\d{2}-\d{2}-\d{2}-\d{2})?$/;
const WORKFLOW = /^(?:platform\/[a-z][a-z0-9]*\/goldenpath-[a-z0-9-]+|database\/[a-z][a-z0-9]*\/[a-z][a-z0-9-]*)$/;

export const RUN_HELP = 'workflow id or cluster name; instead of --env and --build-id';

/** The workflow id of the run that is meant. Throws InputRefused where neither form names one. */
export async function runOf(name: string | undefined, options: TargetOptions, env: NodeJS.ProcessEnv): Promise<RunRef> {
  const byOptions = options.env !== undefined || options.buildId !== undefined || options.lifecycle !== undefined;
  if (name === undefined) return { workflowId: (await prepareTarget(askedOf(options), env)).target.workflowId };
  const problem = byOptions ? 'is named twice, here and by options' : undefined;
  const environment = CLUSTER.exec(name)?.[1];
  if (problem === undefined && WORKFLOW.test(name)) return { workflowId: name };
  if (problem === undefined && environment !== undefined) return { workflowId: `platform/${environment}/${name}` };
  throw new InputRefused([{ field: 'run', given: name, problem: problem ?? 'is neither a workflow id nor the name of a cluster', allowed: 'platform/<env>/<cluster>, <cluster>, or --env with --build-id', fix: '`goldenpath status` lists the runs there are' }]);
}
