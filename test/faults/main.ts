// `npm run test:faults`, its second half (`node test/faults/main.ts [--resume] [--together] [--labs N]`): kills the worker at every point of a teardown, and sees that the outside ends as if nothing had been (issue 4 § Faults).
import { execFileSync } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunReport } from '../../domain/report.ts';
import { reachOf } from '../support/account.ts';
import { documentOf, MORTAL_WORKER, raiseLab, type TestLab } from '../support/lab.ts';
import { seedNeighbours } from '../support/neighbours.ts';
import { giveOrders, MOMENTS, readRecord } from './orders.ts';
import { differences, type Outside, outsideOf, platformOf } from './outside.ts';
import { type Point, pointsOf } from './points.ts';
import { addResult, forgetResults, isSame, readResults, type Result } from './results.ts';

/** `resume` goes on where an earlier suite ended; a point that went wrong is tried again. Without it the results begin anew. `labs`: how many work side by side; a teardown that lost its worker mostly waits. */
const { values: { resume = false, together = false, labs = '1' } } = parseArgs({ options: { resume: { type: 'boolean' }, together: { type: 'boolean' }, labs: { type: 'string' } } });
/** AWS takes next to no time; controllers, heartbeats and attempts keep their own. */
const TIME_SCALE = 600;
/** A teardown takes a minute, and a killed attempt is missed after 30 s at most. */
const LIMIT_MS = (points: number) => (10 + points) * 60_000;
const LOGS = resolve(import.meta.dirname, '../../build/faults');

interface Stand {
  lab: TestLab;
  env: Readonly<Record<string, string>>;
  undisturbed: Outside;
  points: Point[];
}

/** Every platform takes a build id of its own, which serves once: 99 a day. */
let builds = 0;
const nextBuildId = () => {
  const [day, number] = [1 + Math.floor(builds / 99), 1 + (builds % 99)];
  builds += 1;
  return `${String(day).padStart(2, '0')}-11-26-${String(number).padStart(2, '0')}`;
};

let raised = 0;
let stopping = false;
process.once('SIGINT', () => {
  stopping = true;
  say('stops after this run; once more ends it now, and leaves the lab');
});

function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

/** A lab, and a platform in it that nothing disturbed: what its worker did, and how the outside was in the end. */
async function makeStand(): Promise<Stand> {
  raised += 1;
  const lab = await raiseLab(`faults-${raised}`, { timeScale: TIME_SCALE, worker: MORTAL_WORKER });
  await seedNeighbours(reachOf(lab.env));
  // AWS is 600 times as fast here, ExternalDNS is not: the gate keeps its five minutes.
  const env = await lab.environmentsWith('timings:\n', 'timings:\n  dnsGateDeadlineSeconds: 300\n');
  const { outside, seconds } = await lifeOf(lab, env, []);
  const points = pointsOf(readRecord(lab.status.folder));
  say(`undisturbed: ${seconds} s; ${points.length} points`);
  return { lab, env, undisturbed: outside, points };
}

/** Bootstraps a platform and tears it down, with the worker killed at these points. */
async function lifeOf(lab: TestLab, env: Stand['env'], points: readonly Point[]): Promise<{ outside: Outside; seconds: number; missed: string[] }> {
  const platform = platformOf(nextBuildId());
  const target = ['--env', 'dev', '--build-id', platform.buildId, '-o', 'json'];
  const up = await lab.cli(['bootstrap', ...target], env);
  if (up.exit !== 0) throw new Error(`the bootstrap of ${platform.cluster} ended with ${up.exit}:\n${up.stderr}`);
  giveOrders(lab.status.folder, points.map(({ order }) => order));
  const begun = Date.now();
  const down = await within(LIMIT_MS(points.length), lab.cli(['teardown', ...target, '--confirm', platform.cluster], env));
  const seconds = Math.round((Date.now() - begun) / 1_000);
  const report = documentOf(down) as RunReport;
  const killed = new Set(readRecord(lab.status.folder).flatMap((line) => (line.what === 'killed' && line.runId === report.runId ? [JSON.stringify(line.order)] : [])));
  const missed = points.filter(({ order }) => !killed.has(JSON.stringify(order))).map(({ id }) => id);
  return { outside: await outsideOf(lab, platform, { exit: down.exit, report }), seconds, missed };
}

async function within<T>(ms: number, life: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => { reject(new Error(`the teardown did not end within ${ms / 60_000} minutes`)); }, ms);
  try {
    return await Promise.race([life, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function tryPoints({ lab, env, undisturbed }: Stand, points: readonly Point[]): Promise<Result> {
  const about = { at: new Date().toISOString(), commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(), points: points.map(({ id }) => id) };
  try {
    const { outside, seconds, missed } = await lifeOf(lab, env, points);
    return { ...about, seconds, missed, differences: differences(undisturbed, outside) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ...about, seconds: 0, missed: [], differences: [error.message.split('\n')[0] ?? 'it failed'] };
  }
}

/** The points of each run to come: one; or, together, every fourth of a moment, so that the worker dies a dozen times in one teardown, and not twice in what runs side by side. */
function runsOf(points: readonly Point[]): Point[][] {
  const lanes = MOMENTS.flatMap((moment) => [0, 1, 2, 3].map((lane) => points.filter(({ order }) => order.moment === moment).filter((_, index) => index % 4 === lane)));
  const runs = together ? lanes : points.map((point) => [point]);
  const done = new Set(readResults().filter((result) => isSame(result)).map((result) => result.points.join()));
  return runs.filter((run) => !done.has(run.map(({ id }) => id).join()));
}

/** Puts a result on file. What went wrong keeps its logs, and the next run gets a new lab. */
async function conclude(result: Result, stand: Stand): Promise<Stand> {
  addResult(result, stand.points.map(({ id }) => id));
  say(`${result.points.length === 1 ? result.points.join() : `${result.points.length} points`}: ${result.seconds} s, ${isSame(result) ? 'the same' : JSON.stringify({ missed: result.missed, differences: result.differences })}`);
  if (result.differences.length === 0) return stand;
  const logs = join(LOGS, result.at.replaceAll(':', '-'));
  await mkdir(logs, { recursive: true });
  for (const name of ['worker', 'daemon.log', 'temporal', 'kill-record.jsonl']) await cp(join(stand.lab.status.folder, name), join(logs, name), { recursive: true });
  say(`its logs are in ${logs}`);
  await stand.lab.down();
  return makeStand();
}

/** One lab, from run to run until none is left; where it breaks, the others end after the run under way. Returns how many went wrong. */
async function work(stand: Stand, runs: IterableIterator<Point[]>): Promise<number> {
  let [current, wrong] = [stand, 0];
  try {
    for (const run of runs) {
      if (stopping) break;
      const result = await tryPoints(current, run);
      if (!isSame(result)) wrong += 1;
      current = await conclude(result, current);
    }
  } catch (error) {
    stopping = true;
    throw error;
  } finally {
    await current.lab.down();
  }
  return wrong;
}

if (!resume) forgetResults();
const first = await makeStand();
const runs = runsOf(first.points).values();
const others = Array.from({ length: Number(labs) - 1 }, async () => work(await makeStand(), runs));
for (const end of await Promise.allSettled([work(first, runs), ...others])) {
  if (end.status === 'rejected') say(`a lab broke: ${String(end.reason)}`);
  if (end.status === 'rejected' || end.value > 0) process.exitCode = 1;
}
