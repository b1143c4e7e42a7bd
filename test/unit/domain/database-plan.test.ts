import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LiveState, planDatabase, roleMark, type SecretState } from '../../../domain/database-plan.ts';
import { carryOut, ENVIRONMENT, secretState, SPEC, state } from './database-arbitraries.ts';

const EMPTY: LiveState = { roles: [], databases: [] };
const OURS = roleMark({ environment: ENVIRONMENT, app: SPEC.app });
const judge = (live: LiveState, secret: SecretState, rotate = false) => planDatabase(SPEC, live, { environment: ENVIRONMENT, secret, rotate });
const kinds = (live: LiveState, secret: SecretState, rotate = false) => judge(live, secret, rotate).steps.map(({ kind }) => kind);
const ours: LiveState = {
  roles: [{ name: SPEC.owner, canLogin: true, powers: [], comment: OURS, adminMaySet: true, memberships: [] }],
  databases: [{ name: SPEC.database, owner: SPEC.owner, public: false, adminConnects: true, inside: { publicSchemaOpen: false, functionsOpen: false, typesOpen: false } }],
};
const withRole = (change: Partial<LiveState['roles'][number]>): LiveState => ({ ...ours, roles: ours.roles.map((role) => ({ ...role, ...change })) });

describe('planDatabase', () => {
  it('R1: nothing there: a role that may only log in, its database, and nobody else let in', () => {
    expect(judge(EMPTY, 'absent')).toMatchObject({ verdict: 'create', password: 'make', problems: [] });
    expect(kinds(EMPTY, 'absent')).toEqual(['create-role', 'let-admin-set', 'create-database', 'let-admin-connect', 'close-database', 'close-schema', 'close-defaults']);
  });

  it('R2: a secret that was written before its role came to be keeps its password', () => {
    expect(judge(EMPTY, 'early')).toMatchObject({ verdict: 'create', password: 'keep' });
  });

  it('R1: everything there and as it should be: adopted, nothing to do', () => {
    expect(judge(ours, 'works')).toEqual({ spec: SPEC, verdict: 'adopt', password: 'keep', steps: [], problems: [] });
  });

  it('R1: a role without our mark is adopted where the application\'s own secret logs in as it, and marked', () => {
    expect(judge(withRole({ comment: null }), 'works')).toMatchObject({ verdict: 'adopt', steps: [{ kind: 'mark-role', comment: OURS }] });
    expect(judge(withRole({ comment: null }), 'wrong', true)).toMatchObject({ verdict: 'taken', problems: ["role orders exists and is not orders's: it carries no mark of this product"] });
  });

  it('R1: a role marked for another application is taken, whatever the secret can do', () => {
    const billing = roleMark({ environment: ENVIRONMENT, app: 'billing' });
    expect(judge(withRole({ comment: billing }), 'works')).toMatchObject({ verdict: 'taken', steps: [], problems: [`role orders exists and is not orders's: its mark is "${billing}"`] });
  });

  it('R1: a database of another owner is taken, and nothing is done by halves', () => {
    const live = { ...EMPTY, databases: ours.databases.map((database) => ({ ...database, owner: 'billing' })) };
    expect(judge(live, 'absent')).toMatchObject({ verdict: 'taken', steps: [], problems: ['database orders_db exists and belongs to billing, not to orders'] });
  });

  it('R2: a password that does not work is replaced only when asked', () => {
    expect(judge(ours, 'wrong')).toMatchObject({ verdict: 'password-wrong', steps: [], problems: ['secret goldenpath/dev/orders/postgres has a password that no longer works for role orders; set a new one with: goldenpath database create --env dev --app orders --rotate'] });
    expect(judge(ours, 'wrong', true)).toMatchObject({ verdict: 'rotate', password: 'rotate', steps: [{ kind: 'set-password', role: 'orders' }] });
    expect(judge(ours, 'absent', true)).toMatchObject({ verdict: 'rotate', password: 'make', steps: [{ kind: 'set-password' }] });
  });

  it('R2: a password that works is never replaced, also when asked', () => {
    fc.assert(fc.property(state, (live) => {
      const { password, steps } = judge(live, 'works', true);
      expect(password).toBe('keep');
      expect(steps.map(({ kind }) => kind)).not.toContain('set-password');
    }));
  });

  it('R2: a secret without a login is no one\'s to overwrite, unless asked', () => {
    expect(judge(EMPTY, 'incomplete')).toMatchObject({ verdict: 'password-wrong', steps: [] });
    expect(judge(EMPTY, 'incomplete', true)).toMatchObject({ verdict: 'create', password: 'rotate' });
  });

  it('R1: powers that no application needs are taken; a superuser is refused', () => {
    expect(kinds(withRole({ powers: ['CREATEDB', 'CREATEROLE'], canLogin: false }), 'works')).toEqual(['restrict-role', 'allow-login']);
    expect(judge(withRole({ powers: ['SUPERUSER'] }), 'works')).toMatchObject({ verdict: 'taken', problems: ["role orders is a superuser, which no application's role is"] });
  });

  it('R1: neither belongs the role to another, nor another to it: each membership is ended by its grantor', () => {
    const memberships = [{ group: 'pg_read_all_data', member: 'orders', grantor: 'rdsadmin' }, { group: 'orders', member: 'billing', grantor: 'goldenpath_admin' }];
    expect(judge(withRole({ memberships }), 'works')).toMatchObject({ verdict: 'adopt', steps: memberships.map((membership) => ({ kind: 'end-membership', ...membership })) });
  });

  it('R1: the steps can be carried out in order, and planning against their result yields nothing', () => {
    fc.assert(fc.property(state, secretState, fc.boolean(), (live, secret, rotate) => {
      const first = judge(live, secret, rotate);
      expect(first.problems.length === 0 || first.steps.length === 0).toBe(true);
      fc.pre(first.problems.length === 0);
      const after = first.steps.reduce(carryOut, live);
      expect(judge(after, 'works', rotate)).toMatchObject({ verdict: 'adopt', steps: [], problems: [] });
    }));
  });

  it('R1: cut off after any step, the rest is what a second plan finds', () => {
    fc.assert(fc.property(state, fc.nat(10), (live, cut) => {
      const first = judge(live, 'works');
      fc.pre(first.problems.length === 0);
      const half = first.steps.slice(0, cut).reduce(carryOut, live);
      const second = judge(half, 'works');
      expect(second.problems).toEqual([]);
      expect(second.steps.reduce(carryOut, half)).toEqual(first.steps.reduce(carryOut, live));
    }));
  });

  it('R1: nothing of anybody else is ever named by a step, but where it ends a membership of ours', () => {
    fc.assert(fc.property(state, secretState, fc.boolean(), (live, secret, rotate) => {
      const named = judge(live, secret, rotate).steps.flatMap((step) => ('database' in step ? [step.database, step.owner] : 'group' in step ? [[step.group, step.member].find((name) => name === SPEC.owner) ?? step.group] : [step.role]));
      expect([SPEC.database, SPEC.owner]).toEqual(expect.arrayContaining(named));
    }));
  });
});
