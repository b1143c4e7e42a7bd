import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appProblem, databaseOf, databaseSecretName, databasesSchema, databaseTags, identifierProblem } from '../../../domain/databases.ts';
import { clustersOf } from '../../../domain/names.ts';
import { app, identifier } from './database-arbitraries.ts';

const instance = { identifier: 'goldenpath-dev', class: 'db.t4g.medium', engineVersion: '18.4', storageGib: 50, subnetGroup: 'goldenpath-dev-databases', securityGroup: 'goldenpath-dev-databases' };
const issues = (input: unknown) => databasesSchema.safeParse(input).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

describe('names of databases', () => {
  it('R1: a sound identifier needs no quotes: letters, digits, underscores, at most 63', () => {
    fc.assert(fc.property(identifier, (name) => { expect(name).toMatch(/^[a-z][a-z0-9_]{0,62}$/); }));
    expect(identifierProblem('a'.repeat(64))).toBe('has 64 characters; PostgreSQL keeps 63');
    for (const name of ['', '1st', 'Orders', 'or-ders', 'or"ders', "o'", 'ord ers', 'örders', 'a\0']) expect(identifierProblem(name)).toContain('must be');
  });

  it('R1: what PostgreSQL and RDS keep for themselves is refused', () => {
    for (const name of ['postgres', 'template1', 'rdsadmin', 'pg_monitor', 'rds_superuser', 'public', 'none', 'goldenpath_admin']) expect(identifierProblem(name)).toBe('is kept by PostgreSQL or RDS for itself');
    expect(appProblem('rds-superuser')).toBe('is kept by PostgreSQL or RDS for itself');
  });

  it('R2: an app name that is sound gives a sound identifier, and no two give the same one', () => {
    fc.assert(fc.property(app, app, (one, other) => {
      expect(identifierProblem(databaseOf(one).database)).toBeUndefined();
      expect(databaseOf(one).owner === databaseOf(other).owner).toBe(one === other);
    }));
    for (const name of ['', 'Orders', 'or_ders', 'orders-', '-orders', 'or--ders', 'or.ders', '../x']) expect(appProblem(name)).toContain('must be');
  });

  it('R2: the secret of an app is called goldenpath/{env}/{app}/postgres', () => {
    expect(databaseSecretName({ environment: 'dev', app: 'orders' })).toBe('goldenpath/dev/orders/postgres');
  });

  it('X3: what belongs to databases belongs to no platform', () => {
    expect(clustersOf({ ...databaseTags('dev'), 'kubernetes.io/cluster/one': 'owned' })).toEqual([]);
  });
});

describe('the section of the environment file', () => {
  it('R1: takes an instance and its databases', () => {
    expect(issues({ instance, databases: [{ app: 'backstage', database: 'backstage', owner: 'backstage' }] })).toEqual([]);
  });

  it('F5: names every problem at once', () => {
    const wrong = { identifier: 'Dev--1', class: 't4g', engineVersion: '15.2', storageGib: 5, subnetGroup: 'default', securityGroup: 'sg-0123' };
    expect(issues({ instance: wrong, databases: [{ app: 'Orders', database: 'pg_orders', owner: 'orders"' }] }).map((issue) => issue.split(':')[0])).toEqual([
      'instance.identifier', 'instance.class', 'instance.engineVersion', 'instance.storageGib', 'instance.subnetGroup', 'instance.securityGroup',
      'databases.0.app', 'databases.0.database', 'databases.0.owner',
    ]);
  });

  it('R1: no two applications share a database, an owner or a secret', () => {
    const twice = [{ app: 'one', database: 'shared', owner: 'one' }, { app: 'two', database: 'shared', owner: 'two' }, { app: 'one', database: 'three', owner: 'two' }];
    expect(issues({ instance, databases: twice })).toEqual([
      'databases.2.app: one is declared twice: no two applications share one',
      'databases.1.database: shared is declared twice: no two applications share one',
      'databases.2.owner: two is declared twice: no two applications share one',
    ]);
  });
});
