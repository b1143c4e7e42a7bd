// The next free build id of a day: what the demo bootstraps.
import type { Client } from '@temporalio/client';
import { platformNames } from '../domain/names.ts';
import { InputRefused } from './problems.ts';
import { hasRun } from './runs.ts';

/** The first `DD-MM-YY-NN` of the day under which Temporal knows no run. Throws InputRefused where all 99 are taken. */
export async function nextBuildId(client: Client, environment: string, zone: string, day: Date): Promise<string> {
  const date = [day.getDate(), day.getMonth() + 1, day.getFullYear() % 100].map((part) => String(part).padStart(2, '0')).join('-');
  for (let number = 1; number <= 99; number += 1) {
    const buildId = `${date}-${String(number).padStart(2, '0')}`;
    if (!(await hasRun(client, platformNames({ environment, lifecycle: 'ephemeral', buildId }, zone).workflowId))) return buildId;
  }
  throw new InputRefused([{ field: '--build-id', given: `${date}-NN`, problem: 'all 99 build ids of the day were used', fix: 'wait for the next day, or name a build id of another' }]);
}
