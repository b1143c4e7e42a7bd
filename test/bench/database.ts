// `node test/bench/database.ts [--rounds 5] [--time-scale 60]`: `database create` on a lab of its own, against 3 s over the durations that the lab injects, which it has none of (issue 5 § Speed).
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { connect } from '../../client/connection.ts';
import { applyDatabases, createDatabase, type DatabaseRequest } from '../../client/databases.ts';
import { environmentsFolder } from '../../client/files.ts';
import { findEnvironment } from '../../client/request.ts';
import type { DatabaseReport } from '../../domain/database-report.ts';
import { databaseOf } from '../../domain/databases.ts';
import { labDown, labEnv, labUp } from '../../lab/lab.ts';
import { line, seconds } from './show.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, 'time-scale': { type: 'string', default: '60' } } });
const name = `bench-database-${process.pid}`;
const GOAL_SECONDS = 3;
const say = (text: string) => { process.stderr.write(`${text}\n`); };

function demandReady({ state, steps }: DatabaseReport): void {
  if (state !== 'ready') throw new Error(steps.map(({ id, error }) => `${id}: ${error?.message ?? 'done'}`).join('; '));
}

async function requestOf(): Promise<DatabaseRequest> {
  const { value: environment, problems } = await findEnvironment(environmentsFolder(process.env), 'dev');
  if (environment?.databases === undefined) throw new Error(`environment dev: ${problems.map(({ problem }) => problem).join('; ') || 'declares no databases'}`);
  const { accountId, databases, registry, timings: { scale } } = environment;
  return { environment: 'dev', accountId, databases, registry, scale, rotate: false, requester: 'bench' };
}

await labUp({ name, timeScale: Number(values['time-scale']), onProgress: say });
try {
  Object.assign(process.env, await labEnv({ name }));
  const { client, close } = await connect();
  const request = await requestOf();
  demandReady(await applyDatabases(client, request, say));
  const took: number[] = [];
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    const begun = performance.now();
    demandReady(await createDatabase(client, request, databaseOf(`bench-${round}`), say));
    took.push((performance.now() - begun) / 1_000);
  }
  await close();
  took.sort((a, b) => a - b);
  process.stdout.write(`database create, ${took.length} times, from the request to the report; load of the machine ${loadavg()[0]?.toFixed(1) ?? ''}\n`);
  line('the best', seconds(took[0] ?? Number.NaN), `goal ≤ ${GOAL_SECONDS} s`);
  line('the middle one', seconds(took[Math.floor(took.length / 2)] ?? Number.NaN));
  line('the worst', seconds(took.at(-1) ?? Number.NaN));
} finally {
  await labDown({ name });
}
