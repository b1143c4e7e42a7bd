// `node test/bench/database.ts [--rounds 5] [--time-scale 60]`: `database create` on a lab of its own, against 3 s over the durations that the lab injects, which it has none of (issue 5 § Speed).
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { connect } from '../../client/connection.ts';
import { applyDatabases, createDatabase } from '../../client/databases.ts';
import { databaseOf } from '../../domain/databases.ts';
import { labDown, labEnv, labUp } from '../../lab/lab.ts';
import { databaseRequest, demandReady } from './databases.ts';
import { line, seconds } from './show.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, 'time-scale': { type: 'string', default: '60' } } });
const name = `bench-database-${process.pid}`;
const GOAL_SECONDS = 3;
const say = (text: string) => { process.stderr.write(`${text}\n`); };

await labUp({ name, timeScale: Number(values['time-scale']), onProgress: say });
try {
  Object.assign(process.env, await labEnv({ name }));
  const { client, close } = await connect();
  const request = await databaseRequest();
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
