// Stands in for Backstage: its health endpoints, which are well only while PostgreSQL lets the pod's login in (T3); of a build, which has SQLite, they are always (T4). Gaps: README.md.
import { databaseProblem, openPool } from './database.ts';
import { portsOf, serve, variable } from './server.ts';

const [port = 0] = portsOf(process.argv);
const pool = process.env['POSTGRES_HOST'] === undefined ? undefined : openPool({ host: variable('POSTGRES_HOST'), port: Number(variable('POSTGRES_PORT')), user: variable('POSTGRES_USER'), password: variable('POSTGRES_PASSWORD'), database: variable('POSTGRES_DB') });

serve(port, async ({ path }) => {
  if (path === '/.backstage/health/v1/liveness') return { status: 200, body: { status: 'ok' } };
  if (path !== '/.backstage/health/v1/readiness') return { status: 404, body: { error: { name: 'NotFoundError' } } };
  const problem = pool === undefined ? undefined : await databaseProblem(pool);
  return problem === undefined ? { status: 200, body: { status: 'ok' } } : { status: 503, body: { status: 'error', message: problem } };
});
