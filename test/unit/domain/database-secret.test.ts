import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type DatabaseLogin, readLogin, withLogin } from '../../../domain/database-secret.ts';
import { SPEC } from './database-arbitraries.ts';

const LOGIN: DatabaseLogin = { username: 'orders', password: 's3cret', host: 'db.example.org', port: 5432, dbname: 'orders_db' };

it('R2: a secret is sound where it names the owner and a password', () => {
  expect(readLogin(JSON.stringify(LOGIN), SPEC)).toEqual({ shape: 'sound', password: 's3cret' });
  expect(readLogin(JSON.stringify({ username: 'orders', password: 'x' }), SPEC).shape).toBe('sound');
  expect(readLogin(undefined, SPEC).shape).toBe('absent');
  expect(readLogin(JSON.stringify({ ...LOGIN, username: 'billing' }), SPEC).shape).toBe('foreign');
  for (const text of ['', 'no json', '[]', 'null', '{}', '{"username":"orders"}', '{"username":"orders","password":""}', '{"username":1,"password":"x"}']) expect(readLogin(text, SPEC).shape).toBe('incomplete');
});

it('R2: whatever is completed holds exactly the login, keeps other keys, and needs no second time', () => {
  fc.assert(fc.property(fc.option(fc.oneof(fc.string(), fc.json(), fc.dictionary(fc.string(), fc.string()).map((value) => JSON.stringify(value))), { nil: undefined }), (text) => {
    const completed = withLogin(text, LOGIN);
    if (completed === undefined) return;
    expect(JSON.parse(completed)).toMatchObject(LOGIN);
    expect(withLogin(completed, LOGIN)).toBeUndefined();
  }));
  expect(JSON.parse(withLogin('{"engine":"postgres"}', LOGIN) ?? '')).toEqual({ engine: 'postgres', ...LOGIN });
  expect(withLogin(JSON.stringify({ ...LOGIN, port: '5432' }), LOGIN)).toBeUndefined();
});
