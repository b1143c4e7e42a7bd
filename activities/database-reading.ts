// What PostgreSQL holds of the names that are wanted: roles, databases, and who may do what (R1). Reads only.
import type pg from 'pg';
import { z } from 'zod';
import type { LiveDatabase, LiveRole, LiveState } from '../domain/database-plan.ts';
import { POWERS } from '../domain/database-plan.ts';
import type { DatabaseSpec } from '../domain/databases.ts';

const roleRow = z.object({ name: z.string(), login: z.boolean(), powers: z.array(z.enum(POWERS)), comment: z.string().nullable(), admin_may_set: z.boolean() });
const membershipRow = z.object({ group: z.string(), member: z.string(), grantor: z.string() });
const databaseRow = z.object({ name: z.string(), owner: z.string(), public: z.boolean(), admin_connects: z.boolean(), reachable: z.boolean() });
const insideRow = z.object({ public_schema_open: z.boolean(), functions_open: z.boolean(), types_open: z.boolean() });

const ROLES = `
  SELECT rolname AS name, rolcanlogin AS login, shobj_description(oid, 'pg_authid') AS comment, pg_has_role(current_user, oid, 'SET') AS admin_may_set,
    array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
      CASE WHEN rolreplication THEN 'REPLICATION' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL) AS powers
  FROM pg_roles WHERE rolname = $1`;

/** Both ways, without the administrator's own and without superusers, who need no membership. Source: PostgreSQL manual, "pg_auth_members". */
const MEMBERSHIPS = `
  SELECT groups.rolname AS group, members.rolname AS member, pg_get_userbyid(grantor) AS grantor
  FROM pg_auth_members JOIN pg_roles AS groups ON groups.oid = roleid JOIN pg_roles AS members ON members.oid = member
  WHERE (groups.rolname = $1 OR members.rolname = $1) AND members.rolname <> current_user AND NOT members.rolsuper
  ORDER BY 1, 2, 3`;

/** Grantee 0 is PUBLIC; an empty access list means the built-in default. Source: PostgreSQL manual, "Privileges". */
const DATABASES = `
  SELECT datname AS name, pg_get_userbyid(datdba) AS owner, has_database_privilege(current_user, oid, 'CONNECT') AS reachable,
    EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0) AS public,
    EXISTS (SELECT FROM aclexplode(datacl) JOIN pg_roles ON pg_roles.oid = grantee WHERE rolname = current_user AND privilege_type = 'CONNECT') AS admin_connects
  FROM pg_database WHERE datname = $1`;

/** Default privileges of the owner for the whole database: without an entry the built-in default holds, which lets everybody use what is made. */
const DEFAULTS_OPEN = (kind: 'f' | 'T') => `
    coalesce((SELECT bool_or(grantee = 0) FROM pg_default_acl LEFT JOIN LATERAL aclexplode(defaclacl) ON true
      WHERE defaclrole = (SELECT oid FROM pg_roles WHERE rolname = $1) AND defaclnamespace = 0 AND defaclobjtype = '${kind}'), NOT EXISTS (
      SELECT FROM pg_default_acl WHERE defaclrole = (SELECT oid FROM pg_roles WHERE rolname = $1) AND defaclnamespace = 0 AND defaclobjtype = '${kind}'))`;
const INSIDE = `
  SELECT EXISTS (SELECT FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) WHERE nspname = 'public' AND grantee = 0) AS public_schema_open,
    ${DEFAULTS_OPEN('f')} AS functions_open, ${DEFAULTS_OPEN('T')} AS types_open`;

/** Uses a connection of the administrator to one database. */
export type InDatabase = <T>(database: string, use: (client: pg.Client) => Promise<T>) => Promise<T>;

/** The role and the database of one application. A database of another owner is not looked into, and neither is one that the administrator may not enter yet. */
export async function readLive(admin: pg.Client, { database, owner }: DatabaseSpec, inDatabase: InDatabase): Promise<LiveState> {
  const roles = z.array(roleRow).parse((await admin.query(ROLES, [owner])).rows);
  const memberships = z.array(membershipRow).parse((await admin.query(MEMBERSHIPS, [owner])).rows);
  const databases = z.array(databaseRow).parse((await admin.query(DATABASES, [database])).rows);
  return {
    roles: roles.map(({ login: canLogin, admin_may_set: adminMaySet, ...role }): LiveRole => ({ ...role, canLogin, adminMaySet, memberships })),
    databases: await Promise.all(databases.map(async ({ reachable, admin_connects: adminConnects, ...live }): Promise<LiveDatabase> => ({
      ...live, adminConnects, inside: live.owner === owner && reachable ? await inDatabase(database, (client) => readInside(client, owner)) : null,
    }))),
  };
}

async function readInside(client: pg.Client, owner: string): Promise<NonNullable<LiveDatabase['inside']>> {
  const { public_schema_open: publicSchemaOpen, functions_open: functionsOpen, types_open: typesOpen } = insideRow.parse((await client.query(INSIDE, [owner])).rows[0]);
  return { publicSchemaOpen, functionsOpen, typesOpen };
}
