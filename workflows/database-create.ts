// Makes one application's database on the environment's instance, self-service (R1).
import type { DatabaseReport } from '../domain/database-report.ts';
import { outcomeLines } from './database-apply.ts';
import { openDatabaseRun } from './database-run.ts';
import type { DatabaseCreateInput } from './messages.ts';
import { policies } from './policies.ts';

/** One step. Beside it others make theirs: PostgreSQL's own lock puts them one after the other. */
export async function databaseCreate({ environment, instance, database, rotate, requester, timings, registry }: DatabaseCreateInput): Promise<DatabaseReport> {
  const run = openDatabaseRun({ operation: 'create', environment, instance, requester }, { registry, timings });
  const { databaseChange } = policies(timings);
  await run.step('databases', async () => {
    run.report.databases = await databaseChange.applyDatabases(`Database of ${database.app}`, { environment, instance, databases: [database], rotate });
    return run.report.databases.flatMap(outcomeLines);
  });
  return run.close();
}
