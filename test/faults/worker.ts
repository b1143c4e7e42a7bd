// The product's worker with a death in it: kills its own process as it is ordered, and tells what every activity of a teardown asks of the world (issue 4 § Faults).
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { dirname } from 'node:path';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { type ActivityInterceptorsFactory, Worker } from '@temporalio/worker';
import { runWorker } from '../../workers/main.ts';
import { TEARDOWN } from '../../workflows/messages.ts';
import { giveOrders, type Moment, type Order, readOrders, readRecord, record } from './orders.ts';

interface Execution {
  runId: string;
  activityId: string;
  activity: string;
  attempt: number;
  nth: number;
  calls: string[];
}

/** The lab's folder, where its environments lie. */
const folder = dirname(process.env['GOLDENPATH_ENVIRONMENTS'] ?? '');
const current = new AsyncLocalStorage<Execution>();
/** Of each run and activity type, the ids in the order in which they came: in this process and in those before it. */
const seen = new Map<string, string[]>();
for (const line of readRecord(folder)) if (line.what === 'begun') nthOf(line);

function nthOf({ runId, activity, activityId }: Pick<Execution, 'runId' | 'activity' | 'activityId'>): number {
  const ids = seen.get(`${runId} ${activity}`) ?? [];
  seen.set(`${runId} ${activity}`, ids);
  if (!ids.includes(activityId)) ids.push(activityId);
  return ids.indexOf(activityId) + 1;
}

/** Dies if this moment was ordered; the order is taken first, so that the next process lives on. */
function dieIfOrdered({ runId, activityId, activity, nth }: Execution, moment: Moment, call?: string): void {
  const orders = readOrders(folder);
  const isDue = (order: Order) => order.activity === activity && order.nth === nth && order.moment === moment && order.call === call;
  const order = orders.find(isDue);
  if (order === undefined) return;
  giveOrders(folder, orders.filter((other) => other !== order));
  record(folder, { what: 'killed', runId, activityId, order, at: new Date().toISOString() });
  process.kill(process.pid, 'SIGKILL');
}

/** The answer to a call has arrived; the activity does not know it yet. */
function answered(execution: Execution | undefined, call: string): void {
  if (execution === undefined) return;
  execution.calls.push(call);
  dieIfOrdered(execution, 'in', call);
}

const watchTeardowns: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      const { workflowExecution, workflowType, activityId, activityType, attempt } = info;
      if (workflowType !== TEARDOWN || workflowExecution === undefined) return next(input);
      const about = { runId: workflowExecution.runId, activityId, activity: activityType, attempt };
      record(folder, { what: 'begun', ...about });
      const execution: Execution = { ...about, nth: nthOf(about), calls: [] };
      dieIfOrdered(execution, 'before');
      try {
        return await current.run(execution, () => next(input));
      } finally {
        record(folder, { what: 'ended', ...about, calls: execution.calls });
        dieIfOrdered(execution, 'after');
      }
    },
  },
});

const create = Worker.create.bind(Worker);
Worker.create = (options) => create({ ...options, interceptors: { activity: [watchTeardowns] } });

/** `eks DELETE`, `ec2 DeleteVolume`: the service of the signature, and the operation where the request says it. */
const handle = NodeHttpHandler.prototype.handle;
NodeHttpHandler.prototype.handle = async function (request, options) {
  const answer = await handle.call(this, request, options);
  const service = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(request.headers['authorization'] ?? '')?.[1] ?? 'aws';
  const action = typeof request.body === 'string' ? /(?:^|&)Action=(\w+)/.exec(request.body)?.[1] : undefined;
  answered(current.getStore(), `${service} ${action ?? request.headers['x-amz-target']?.replace(/^.*\./, '') ?? request.method}`);
  return answer;
};

/** The Kubernetes client asks by undici. */
const asked = new WeakMap<object, { execution: Execution | undefined; call: string }>();
subscribe('undici:request:create', (message) => {
  const { request } = message as { request: { method: string } };
  asked.set(request, { execution: current.getStore(), call: `kubernetes ${request.method}` });
});
subscribe('undici:request:headers', (message) => {
  const { execution, call } = asked.get((message as { request: object }).request) ?? {};
  if (call !== undefined) answered(execution, call);
});

process.exitCode = await runWorker(process.env);
