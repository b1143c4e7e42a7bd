// `npm run bench [-- --time-scale N] [--lifecycle persistent]`: one bootstrap and one teardown on a lab of its own, against their critical path; `--platforms N --rounds M`:
// several at once, and what that asks of Route 53. Ratios in one run; no test depends on them.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from '../../client/connection.ts';
import { applyDatabases } from '../../client/databases.ts';
import { prepare } from '../../client/request.ts';
import { startRun } from '../../client/runs.ts';
import type { RunReport } from '../../domain/report.ts';
import { labDown, labEnv, labStatus, labUp } from '../../lab/lab.ts';
import { CRITICAL_PATH, criticalSeconds } from './critical-path.ts';
import { databaseRequest, demandReady } from './databases.ts';
import { fleet } from './fleet.ts';
import { type Cost, costOf } from './history.ts';
import { line, seconds, stageEnd } from './show.ts';

const { values } = parseArgs({ options: { 'time-scale': { type: 'string', default: '10' }, platforms: { type: 'string', default: '1' }, rounds: { type: 'string', default: '1' }, lifecycle: { type: 'string', default: 'ephemeral' } } });
const timeScale = number('time-scale');
const [platforms, rounds] = [number('platforms'), number('rounds')];
const name = `bench-${process.pid}`;
/** The ratios that this product aims at (issues 3 and 5 § Speed). */
const GOAL = timeScale !== 1 ? 1.4 : values.lifecycle === 'persistent' ? 1.05 : 1.06;

if (values.lifecycle !== 'ephemeral' && values.lifecycle !== 'persistent') throw new Error(`--lifecycle must be ephemeral or persistent, not ${values.lifecycle}`);
const target = values.lifecycle === 'persistent' ? { lifecycle: values.lifecycle } : { buildId: '21-11-26-01' };

function number(option: 'time-scale' | 'platforms' | 'rounds'): number {
  const value = Number(values[option]);
  if (!(value >= 1 && value <= 99)) throw new Error(`--${option} must be a number from 1 to 99, not ${values[option]}`);
  return value;
}

interface Measured {
  cost: Cost;
  report: RunReport;
  route53: Record<string, number>;
  memoryBytes: number;
}

async function measure(operation: keyof typeof CRITICAL_PATH): Promise<Measured> {
  const { client, close } = await connect();
  try {
    const before = await route53Calls();
    const prepared = await prepare({ operation, environment: 'dev', ...target, requester: 'bench', onFailure: 'fail' }, process.env);
    const { workflowId, runId } = await startRun(client, prepared, () => {});
    const handle = client.workflow.getHandle<() => Promise<RunReport>>(workflowId, runId);
    const ended = new AbortController();
    const [report, memoryBytes] = await Promise.all([handle.result().finally(() => { ended.abort(); }), peakMemory(ended.signal)]);
    const after = await route53Calls();
    const route53 = Object.fromEntries(Object.entries(after).map(([who, calls]) => [who, calls - (before[who] ?? 0)]));
    return { cost: costOf(await handle.fetchHistory()), report, route53, memoryBytes };
  } finally {
    await close();
  }
}

/** The database that a persistent platform stands on, made beforehand; and again beside the bootstrap, as CI of infrastructure code does (issue 5 § Speed). */
async function applyBeside<T>(work: () => Promise<T>): Promise<T> {
  if (values.lifecycle === 'ephemeral') return work();
  const { client, close } = await connect();
  try {
    const request = await databaseRequest();
    const apply = async () => { demandReady(await applyDatabases(client, request, () => {})); };
    await apply();
    const [done] = await Promise.all([work(), apply()]);
    return done;
  } finally {
    await close();
  }
}

/** The most resident memory that the lab had, looked at every two seconds until the signal. */
async function peakMemory(signal: AbortSignal): Promise<number> {
  let most = 0;
  while (!signal.aborted) {
    most = Math.max(most, (await labStatus({ name })).memoryBytes);
    await sleep(2_000);
  }
  return most;
}

/** Route 53 calls so far, of this product and of everyone else (ExternalDNS), as the gateway logged them. */
async function route53Calls(): Promise<Record<string, number>> {
  const requests = (await (await fetch(`${process.env['AWS_ENDPOINT_URL'] ?? ''}/_lab/requests?service=route53`)).json()) as { userAgent?: string }[];
  const ours = requests.filter(({ userAgent }) => userAgent?.includes('goldenpath') === true).length;
  return { goldenpath: ours, others: requests.length - ours };
}

function show(operation: keyof typeof CRITICAL_PATH, { cost, report, route53, memoryBytes }: Measured): void {
  const path = criticalSeconds(operation, timeScale);
  process.stdout.write(`\n${operation} at time scale ${timeScale}: ${report.state}\n`);
  line(`critical path (${CRITICAL_PATH[operation].map(({ what }) => what).join(' → ')})`, '');
  line('  its length', seconds(path));
  line('  the run', seconds(cost.seconds));
  line('  ratio', (cost.seconds / path).toFixed(3), `goal ≤ ${GOAL}`);
  line('the same work, one step after the other', seconds(cost.oneAfterTheOtherSeconds), `${(cost.oneAfterTheOtherSeconds / cost.seconds).toFixed(2)} × the run`);
  line('Route 53 calls of goldenpath', String(route53['goldenpath']), 'goal ≤ 60');
  line('Route 53 calls of ExternalDNS', String(route53['others']));
  line('history events', String(cost.events), 'goal ≤ 600');
  line('Temporal actions', String(cost.actions), 'goal ≤ 300');
  line('memory of the lab, at most', `${Math.round(memoryBytes / 1e6)} MB`, 'goal < 2500 MB');
  if (operation === 'teardown') {
    line('last source gone → proof', seconds((stageEnd(report, 'dns-gate') - stageEnd(report, 'dns-sources')) / 1_000), 'load balancers’ end included');
    line('gate opened → proof', seconds((stageEnd(report, 'dns-gate') - stageEnd(report, 'load-balancers')) / 1_000));
  }
  for (const stage of report.stages) line(`    ${stage.id}`, seconds(((stage.endedAt ?? 0) - (stage.startedAt ?? 0)) / 1_000));
}

await labUp({ name, timeScale, onProgress: (step) => { process.stderr.write(`${step}\n`); } });
try {
  Object.assign(process.env, await labEnv({ name }));
  if (platforms > 1) {
    await fleet({ platforms, rounds });
  } else {
    show('bootstrap', await applyBeside(() => measure('bootstrap')));
    show('teardown', await measure('teardown'));
  }
} finally {
  await labDown({ name });
}
