// Judges the connectivity contract point by point, and tries every login; changes nothing (R3).
import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { checkConnectivity, CONTRACT_VERSION, type ConnectivityReport } from '../domain/connectivity.ts';
import type { DatabaseFinding } from '../domain/database-report.ts';
import type { Reading } from '../domain/foundation.ts';
import { describe } from './failures.ts';
import type { DatabaseCheckInput } from './messages.ts';
import { policies } from './policies.ts';

/** Every point, good or bad. Fails only where something could not be read at all. */
export async function databaseCheck({ environment, databases: section, timings }: DatabaseCheckInput): Promise<ConnectivityReport> {
  const { databaseLook } = policies(timings);
  const { instance, databases } = section;
  try {
    const [readings, findings] = await Promise.all([
      databaseLook.readConnectivity('Read instance, network and secrets', { environment, instance, databases }),
      tried(databaseLook.checkDatabases('Try every login', { environment, instance: instance.identifier, databases })),
    ]);
    const points = checkConnectivity(section, readings, findings);
    return { schema: 1, contract: CONTRACT_VERSION, environment, instance: instance.identifier, state: points.every(({ ok }) => ok) ? 'kept' : 'broken', points };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error; // a bug in workflow code
    const { type, message, problems } = describe(error);
    throw ApplicationFailure.create({ type, message, nonRetryable: true, details: [problems] });
  }
}

/** Logins that cannot be tried for a reason that people mend are a point that fails, beside the others. */
async function tried(findings: Promise<DatabaseFinding[]>): Promise<Reading<DatabaseFinding[]>> {
  try {
    return { value: await findings };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const { type, message } = describe(error);
    if (!['PreflightFailed', 'NotOwned', 'AccessDenied', 'DeadlineExceeded'].includes(type)) throw error;
    return { problem: message };
  }
}
