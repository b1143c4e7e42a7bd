// What benches ask of `database apply` and `database create`, without a person's terminal.
import { environmentsFolder } from '../../client/files.ts';
import type { DatabaseRequest } from '../../client/databases.ts';
import { findEnvironment } from '../../client/request.ts';
import type { DatabaseReport } from '../../domain/database-report.ts';

/** The lab's environment, as its files say. */
export async function databaseRequest(): Promise<DatabaseRequest> {
  const { value: environment, problems } = await findEnvironment(environmentsFolder(process.env), 'dev');
  if (environment?.databases === undefined) throw new Error(`environment dev: ${problems.map(({ problem }) => problem).join('; ') || 'declares no databases'}`);
  const { accountId, databases, registry, timings: { scale } } = environment;
  return { environment: 'dev', accountId, databases, registry, scale, rotate: false, requester: 'bench' };
}

/** Throws what went wrong: then there is nothing to measure. */
export function demandReady({ state, steps }: DatabaseReport): void {
  if (state !== 'ready') throw new Error(steps.map(({ id, error }) => `${id}: ${error?.message ?? 'done'}`).join('; '));
}
