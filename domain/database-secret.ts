// The secret with an application's login: what it holds, and what it ought to (R2). Pure; no message of it quotes a value.
import type { DatabaseSpec } from './databases.ts';
import { isMapping, jsonOf } from './json.ts';

/** The JSON of `goldenpath/{env}/{app}/postgres`, as applications read it through External Secrets. */
export interface DatabaseLogin {
  username: string;
  password: string;
  host: string;
  port: number;
  dbname: string;
}

/** `foreign`: it names another user than the owner of the database. `incomplete`: no JSON object with a user and a password. */
export type SecretReading = { shape: 'absent' | 'incomplete' | 'foreign' } | { shape: 'sound'; password: string };

/** Reads the text of a secret; undefined where there is none. */
export function readLogin(text: string | undefined, { owner }: Pick<DatabaseSpec, 'owner'>): SecretReading {
  if (text === undefined) return { shape: 'absent' };
  const { username, password } = objectOf(text) ?? {};
  if (typeof username !== 'string' || username === '' || typeof password !== 'string' || password === '') return { shape: 'incomplete' };
  return username === owner ? { shape: 'sound', password } : { shape: 'foreign' };
}

/** In what a secret's login is not the one that it ought to be: another user or database would let an application into what is another's. `port` may be text. */
export function loginProblems({ username, host, port, dbname }: Omit<DatabaseLogin, 'password' | 'port'> & { port: string | number }, spec: Pick<DatabaseSpec, 'owner' | 'database'>, instance: { address: string; port: number }): string[] {
  const compared = [['host', host, instance.address], ['port', String(port), String(instance.port)], ['username', username, spec.owner], ['dbname', dbname, spec.database]] as const;
  return compared.filter(([, given, wanted]) => given !== wanted).map(([key, given, wanted]) => `${key} ${given || '(empty)'}, not ${wanted}`);
}

/** The text with this login, other keys kept; undefined where it holds exactly that already. A port that is written as text is the same port. */
export function withLogin(text: string | undefined, login: DatabaseLogin): string | undefined {
  const present = (text === undefined ? undefined : objectOf(text)) ?? {};
  const same = Object.entries(login).every(([key, value]) => String(present[key]) === String(value));
  return same ? undefined : JSON.stringify({ ...present, ...login });
}

/** The object that a JSON secret holds, or undefined where it is none. */
export function objectOf(text: string): Record<string, unknown> | undefined {
  const value = jsonOf(text);
  return isMapping(value) ? value : undefined;
}
