// Several platforms of one zone, raised at once and torn down at once: what the gate takes each time, and what Route 53 is asked (issue 4 § Speed).
import type { Client } from '@temporalio/client';
import { connect } from '../../client/connection.ts';
import { prepare } from '../../client/request.ts';
import { startRun } from '../../client/runs.ts';
import type { RunReport } from '../../domain/report.ts';
import type { LoggedRequest } from '../../lab/aws/request-log.ts';
import { line, seconds, stageEnd } from './show.ts';

/** What issue 4 § Speed asks for. Of Route 53's 10 calls a second and account, 8 leave room for ExternalDNS. */
const GOAL = { proofSeconds: 15, callsPerSecond: 8 };

/** Raises `platforms` at once and tears them down at once, `rounds` times; prints what each round took, and in the end the whole. */
export async function fleet({ platforms, rounds }: { platforms: number; rounds: number }): Promise<void> {
  const { client, close } = await connect();
  const proofs: number[] = [];
  const begun = new Date().toISOString();
  try {
    for (let round = 0; round < rounds; round += 1) {
      const builds = Array.from({ length: platforms }, (_, index) => `21-11-26-${String(round * platforms + index + 1).padStart(2, '0')}`);
      await all(client, 'bootstrap', builds);
      const reports = await all(client, 'teardown', builds);
      proofs.push(...reports.map((report) => (stageEnd(report, 'dns-gate') - stageEnd(report, 'dns-sources')) / 1_000));
      process.stdout.write(`round ${round + 1}: last source gone → proof ${proofs.slice(-platforms).map(seconds).join(', ')}\n`);
    }
  } finally {
    await close();
  }
  const calls = (await (await fetch(`${process.env['AWS_ENDPOINT_URL'] ?? ''}/_lab/requests?service=route53&since=${begun}`)).json()) as LoggedRequest[];
  const isOurs = ({ userAgent }: LoggedRequest) => userAgent.includes('goldenpath');
  process.stdout.write(`\n${platforms} platforms at once, ${rounds} times: all clean\n`);
  line('last source gone → proof, p95', seconds(percentile(proofs, 0.95)), `goal ≤ ${GOAL.proofSeconds} s, of ${proofs.length} runs`);
  line('the same, median', seconds(percentile(proofs, 0.5)));
  line('most Route 53 calls in a second, all', String(busiestSecond(calls)), `goal ≤ ${GOAL.callsPerSecond}`);
  line('most Route 53 calls in a second, goldenpath', String(busiestSecond(calls.filter(isOurs))));
  line('calls of ExternalDNS that were throttled', String(calls.filter((call) => !isOurs(call) && call.errorCode === 'Throttling').length), 'goal 0');
}

/** Runs the operation for every build at once. Throws where one does not end well: then there is nothing to measure. */
async function all(client: Client, operation: 'bootstrap' | 'teardown', builds: string[]): Promise<RunReport[]> {
  const reports = await Promise.all(builds.map(async (buildId) => {
    const prepared = await prepare({ operation, environment: 'dev', buildId, requester: 'bench', onFailure: 'fail' }, process.env);
    const { workflowId, runId } = await startRun(client, prepared, () => {});
    return client.workflow.getHandle<() => Promise<RunReport>>(workflowId, runId).result();
  }));
  const failed = reports.filter(({ state }) => state !== (operation === 'bootstrap' ? 'ready' : 'clean'));
  if (failed.length > 0) throw new Error(`${operation}: ${failed.map(({ cluster, state, stages }) => `${cluster} ended ${state}: ${stages.find(({ error }) => error !== undefined)?.error?.message ?? 'no stage says why'}`).join('; ')}`);
  return reports;
}

/** The smallest value that at least this part of them does not exceed. */
function percentile(values: number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * part) - 1] ?? Number.NaN;
}

/** The most calls that arrived within any one second. */
function busiestSecond(calls: LoggedRequest[]): number {
  const times = calls.map(({ time }) => Date.parse(time)).toSorted((a, b) => a - b);
  let [first, most] = [0, 0];
  for (const [last, time] of times.entries()) {
    while (time - (times[first] ?? time) >= 1_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
