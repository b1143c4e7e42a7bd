// Makes an environment's standalone RDS instance and its declared databases, or finds them as they should be (R1). It has its own lifecycle: no platform's run starts it.
import type { DatabaseOutcome, DatabaseReport } from '../domain/database-report.ts';
import { openDatabaseRun } from './database-run.ts';
import type { DatabaseApplyInput } from './messages.ts';
import { policies } from './policies.ts';

/** Steps: network and instance, until it is available, then roles, databases and secrets. Fails with the report as its first detail; another run goes on where it stopped. */
export async function databaseApply({ environment, accountId, databases: { instance, databases }, rotate, requester, timings, available, registry }: DatabaseApplyInput): Promise<DatabaseReport> {
  const { identifier } = instance;
  const run = openDatabaseRun({ operation: 'apply', environment, instance: identifier, requester }, { registry, timings });
  const { databaseChange, databaseUntil } = policies(timings);
  await run.step('instance', () => databaseChange.ensureInstance(`Make ${identifier} where it is missing`, { environment, instance, accountId }));
  const startedAt = Date.now();
  await run.step('available', () => databaseUntil(available).probeInstance(`Wait for ${identifier}`, { environment, identifier, startedAt, wait: available }));
  await run.step('databases', async () => {
    run.report.databases = await databaseChange.applyDatabases(`${databases.length} databases`, { environment, instance: identifier, databases, rotate });
    return run.report.databases.flatMap(outcomeLines);
  });
  return run.close();
}

/** What became of one database, as evidence. */
export function outcomeLines({ app, did }: DatabaseOutcome): string[] {
  return did.length === 0 ? [`${app}: as it should be`] : did.map((line) => `${app}: ${line}`);
}
