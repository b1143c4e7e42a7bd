// Generators for databases, and a PostgreSQL of plain data that steps can be carried out on.
import fc from 'fast-check';
import type { LiveDatabase, LiveRole, LiveState, SecretState, Step } from '../../../domain/database-plan.ts';
import { POWERS, roleMark } from '../../../domain/database-plan.ts';
import { appProblem, identifierProblem } from '../../../domain/databases.ts';

export const identifier = fc.stringMatching(/^[a-z][a-z0-9_]{0,62}$/).filter((name) => identifierProblem(name) === undefined);
export const app = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5}){0,2}$/).filter((name) => appProblem(name) === undefined);

export const SPEC = { app: 'orders', database: 'orders_db', owner: 'orders' };
export const ENVIRONMENT = 'dev';

const comment = fc.constantFrom(null, roleMark({ environment: ENVIRONMENT, app: SPEC.app }), roleMark({ environment: ENVIRONMENT, app: 'billing' }), 'made by hand');
const role: fc.Arbitrary<LiveRole> = fc.record({
  name: fc.constantFrom(SPEC.owner, SPEC.owner, 'billing'), canLogin: fc.boolean(), powers: fc.subarray([...POWERS]), comment, adminMaySet: fc.boolean(), memberships: fc.subarray([{ group: 'pg_read_all_data', member: SPEC.owner, grantor: 'rdsadmin' }, { group: SPEC.owner, member: 'billing', grantor: 'admin' }]),
});
const inside = fc.record({ publicSchemaOpen: fc.boolean(), functionsOpen: fc.boolean(), typesOpen: fc.boolean() });
const database: fc.Arbitrary<LiveDatabase> = fc.record({
  name: fc.constantFrom(SPEC.database, SPEC.database, 'billing'), owner: fc.constantFrom(SPEC.owner, SPEC.owner, SPEC.owner, 'billing'), public: fc.boolean(), adminConnects: fc.boolean(), inside,
});

export const state: fc.Arbitrary<LiveState> = fc.record({
  roles: fc.uniqueArray(role, { selector: ({ name }) => name }),
  databases: fc.uniqueArray(database, { selector: ({ name }) => name }),
});
export const secretState = fc.constantFrom<SecretState>('absent', 'works', 'wrong', 'foreign', 'incomplete', 'early');

/** The state after a step; throws where PostgreSQL would refuse it. */
export function carryOut(live: LiveState, step: Step): LiveState {
  const withRole = (name: string, change: Partial<LiveRole>): LiveState => {
    if (!live.roles.some((one) => one.name === name)) throw new Error(`role "${name}" does not exist`);
    return { ...live, roles: live.roles.map((one) => (one.name === name ? { ...one, ...change } : one)) };
  };
  const withDatabase = (name: string, owner: string, change: (one: LiveDatabase) => Partial<LiveDatabase>): LiveState => {
    if (live.roles.find((one) => one.name === owner)?.adminMaySet !== true) throw new Error(`permission denied to set role "${owner}"`);
    if (!live.databases.some((one) => one.name === name)) throw new Error(`database "${name}" does not exist`);
    return { ...live, databases: live.databases.map((one) => (one.name === name ? { ...one, ...change(one) } : one)) };
  };
  const within = (name: string, owner: string, change: Partial<NonNullable<LiveDatabase['inside']>>): LiveState =>
    withDatabase(name, owner, (one) => {
      if (!one.adminConnects) throw new Error(`permission denied for database "${name}"`);
      return { inside: one.inside && { ...one.inside, ...change } };
    });
  switch (step.kind) {
    case 'create-role':
      if (live.roles.some(({ name }) => name === step.role)) throw new Error(`role "${step.role}" already exists`);
      return { ...live, roles: [...live.roles, { name: step.role, canLogin: true, powers: [], comment: step.comment, adminMaySet: false, memberships: [] }] };
    case 'mark-role': return withRole(step.role, { comment: step.comment });
    case 'restrict-role': return withRole(step.role, { powers: [] });
    case 'end-membership': return withRole(SPEC.owner, { memberships: (live.roles.find(({ name }) => name === SPEC.owner)?.memberships ?? []).filter(({ group, member, grantor }) => group !== step.group || member !== step.member || grantor !== step.grantor) });
    case 'allow-login': return withRole(step.role, { canLogin: true });
    case 'set-password': return withRole(step.role, {});
    case 'let-admin-set': return withRole(step.role, { adminMaySet: true });
    case 'create-database':
      if (live.databases.some(({ name }) => name === step.database)) throw new Error(`database "${step.database}" already exists`);
      return { ...live, databases: [...live.databases, { name: step.database, owner: step.owner, public: true, adminConnects: false, inside: { publicSchemaOpen: true, functionsOpen: true, typesOpen: true } }] };
    case 'let-admin-connect': return withDatabase(step.database, step.owner, () => ({ adminConnects: true }));
    case 'close-database': return withDatabase(step.database, step.owner, () => ({ public: false }));
    case 'close-schema': return within(step.database, step.owner, { publicSchemaOpen: false });
    case 'close-defaults': break;
  }
  return within(step.database, step.owner, { ...(step.functions && { functionsOpen: false }), ...(step.types && { typesOpen: false }) });
}
