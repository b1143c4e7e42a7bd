import { expect, it } from 'vitest';
import { prepareDestruction } from '../../../client/databases.ts';
import { program } from '../../../client/cli/program.ts';
import { environment, versions } from '../../support/plans.ts';

it('R4: a destruction that nobody could ever decide is refused before it begins: two approvers besides whoever asks', () => {
  const two = environment('dev'); // alice and bob
  expect(prepareDestruction(two, versions(), { requester: 'ana', reason: 'moved' })).toMatchObject({ request: { requester: 'ana', onFailure: 'wait', reason: 'moved' }, plan: { operation: 'destroy-database' } });
  expect(() => prepareDestruction(two, versions(), { requester: 'Alice' })).toThrow(expect.objectContaining({ type: 'InvalidInput', problems: [expect.stringContaining('2 must agree that a database is destroyed, and Alice, who asks, may not be one of them') as string] }) as Error);
});

it('R2: no database command has an option that takes or shows a password', () => {
  const database = program().commands.find((command) => command.name() === 'database');
  const options = database?.commands.flatMap((command) => command.options.map(({ long }) => long)) ?? [];
  expect(options.length).toBeGreaterThan(10);
  expect(options.filter((option) => /pass|secret|show|print/.test(option ?? ''))).toEqual([]);
});
