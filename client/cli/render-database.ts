// Database runs and the connectivity contract as a person reads them. Pure; no password reaches it.
import type { ConnectivityReport } from '../../domain/connectivity.ts';
import type { DatabaseReport, DatabaseStep } from '../../domain/database-report.ts';
import type { Paint } from './print.ts';
import { tableLines } from './render-words.ts';

/** Steps with their evidence, then where each application finds its login. */
export function databaseLines({ operation, environment, instance, state, steps, databases }: DatabaseReport, paint: Paint): string[] {
  const verdict = state === 'ready' ? paint('green', 'ready') : paint('red', state);
  return [
    `${paint('bold', `database ${operation}`)} of ${instance} in ${environment}: ${verdict}`,
    ...steps.flatMap((step) => stepLines(step, paint)),
    ...(databases.length === 0 ? [] : ['', ...tableLines(['APP', 'DATABASE', 'OWNER', 'WAS', 'LOGIN IN SECRET'], databases.map(({ app, database, owner, verdict: was, secretName }) => [app, database, owner, WAS[was], secretName]), paint)]),
  ];
}

const WAS = { create: 'created', adopt: 'there', rotate: 'given a new password', 'password-wrong': 'password wrong', taken: 'taken' } as const;

function stepLines({ title, status, evidence, error }: DatabaseStep, paint: Paint): string[] {
  const mark = status === 'done' ? paint('green', '✓') : status === 'failed' ? paint('red', '✗') : '·';
  return [`${mark} ${title}`, ...evidence.map((line) => `    ${line}`), ...(error === undefined ? [] : [`    ${paint('red', error.type)}: ${error.message}`])];
}

/** The contract, point by point. */
export function connectivityLines({ contract, environment, instance, state, points }: ConnectivityReport, paint: Paint): string[] {
  return [
    `${paint('bold', `connectivity contract, version ${contract}`)}: ${instance} in ${environment}: ${state === 'kept' ? paint('green', 'kept') : paint('red', 'broken')}`,
    ...points.flatMap(({ ok, title, id, found, fix }) => [`${ok ? paint('green', '✓') : paint('red', '✗')} ${id.startsWith('secret ') ? id : title}: ${found}`, ...(ok ? [] : [`    ${fix}`])]),
  ];
}
