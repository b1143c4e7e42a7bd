// Stands in for Grafana on PostgreSQL: `/api/health` with the state of its database, as Grafana's own (T3). Gaps: README.md.
import { databaseProblem, openPool } from './database.ts';
import { portsOf, serve, variable } from './server.ts';

const [port = 0] = portsOf(process.argv);
const [host = '', databasePort = '5432'] = variable('GF_DATABASE_HOST').split(':');
const pool = openPool({
  host, port: Number(databasePort), user: variable('GF_DATABASE_USER'), password: variable('GF_DATABASE_PASSWORD'),
  database: variable('GF_DATABASE_NAME'), caFile: variable('GF_DATABASE_CA_CERT_PATH'),
});

serve(port, async ({ path }) => {
  if (path !== '/api/health') return { status: 404, body: { message: 'Not found' } };
  const problem = await databaseProblem(pool);
  return { status: problem === undefined ? 200 : 503, body: { database: problem === undefined ? 'ok' : 'failing', version: 'lab', commit: 'lab' } };
});
