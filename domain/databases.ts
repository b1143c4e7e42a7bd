// An environment's databases as its file declares them: the standalone RDS instance, and a database with its owner for each application (R1, R2).
import { z } from 'zod';
import { TAG } from './names.ts';

/** A database and the role that owns it. `app` names the secret. */
export interface DatabaseSpec {
  app: string;
  database: string;
  owner: string;
}

/** The instance's administrator. RDS makes the password, keeps it in Secrets Manager and rotates it: no run ever makes or shows one. */
export const MASTER_USER = 'goldenpath_admin';

/** States in which an instance serves: while it takes a backup or is changed as well. Source: RDS User Guide, "Viewing DB instance status". */
export const SERVING_STATES: readonly string[] = ['available', 'backing-up', 'modifying', 'storage-optimization'];

/** PostgreSQL's own limit of an identifier, in bytes (NAMEDATALEN − 1). */
const LONGEST = 63;
/** Names that PostgreSQL or RDS keep for themselves, as databases or as roles. Sources: PostgreSQL manual, "Predefined Roles" and "Template Databases"; RDS User Guide, "Master user account privileges". */
const RESERVED = new Set(['postgres', 'template0', 'template1', 'rdsadmin', 'public', 'none', 'current_role', 'current_user', 'session_user', MASTER_USER]);
const RESERVED_BEGINNING = /^(?:pg|rds)_/;

/** Says what is wrong with the name of a database or a role, or undefined where nothing is. Stricter than PostgreSQL: what needs no quotes is typed right by people. */
export function identifierProblem(name: string): string | undefined {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) return 'must be lower-case letters, digits and underscores, a letter first';
  if (name.length > LONGEST) return `has ${name.length} characters; PostgreSQL keeps ${LONGEST}`;
  if (RESERVED.has(name) || RESERVED_BEGINNING.test(name)) return 'is kept by PostgreSQL or RDS for itself';
  return undefined;
}

/** Says what is wrong with the name of an application, or undefined where nothing is. Its database is called the same, with underscores. */
export function appProblem(app: string): string | undefined {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(app)) return 'must be lower-case letters and digits, with single hyphens between them, a letter first';
  return identifierProblem(identifierOf(app));
}

/** The database of an application that no file declares: one name for database and owner. No two applications share one. */
export function databaseOf(app: string): DatabaseSpec {
  return { app, database: identifierOf(app), owner: identifierOf(app) };
}

function identifierOf(app: string): string {
  return app.replaceAll('-', '_');
}

/** The name of the secret with an application's login. */
export function databaseSecretName({ environment, app }: { environment: string; app: string }): string {
  return `goldenpath/${environment}/${app}/postgres`;
}

/** The tags of everything that belongs to an environment's databases: of the foundation, so that no platform's teardown takes it for its own (X3). */
export function databaseTags(environment: string): Record<string, string> {
  return { [TAG.environment]: environment, [TAG.plane]: 'foundation' };
}

const identifier = z.string().superRefine((name, context) => {
  const problem = identifierProblem(name);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

const app = z.string().superRefine((name, context) => {
  const problem = appProblem(name);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

/** PostgreSQL before 16 has no SET option of memberships, on which the least privilege of the administrator rests. */
const OLDEST_MAJOR = 16;

const instance = z.strictObject({
  /** Source of the form: RDS User Guide, "Naming constraints in Amazon RDS". */
  identifier: z.string().regex(/^(?=.{1,63}$)[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, 'must be an RDS identifier: lower-case letters, digits and single hyphens, a letter first'),
  class: z.string().regex(/^db\.[a-z0-9-]+\.[a-z0-9]+$/, 'must be a DB instance class, e.g. db.t4g.medium'),
  engineVersion: z.string().regex(/^\d+(\.\d+)?$/, 'must be a PostgreSQL version in quotes, e.g. "18.4"').refine((version) => Number.parseInt(version, 10) >= OLDEST_MAJOR, `must be ${OLDEST_MAJOR} or later`),
  /** gp3 begins at 20 GiB and ends at 64 TiB for PostgreSQL. Source: RDS User Guide, "DB instance storage". */
  storageGib: z.int().min(20).max(65_536),
  subnetGroup: z.string().regex(/^(?!default$)[a-z][a-z0-9-]{0,254}$/, 'must be the name of a DB subnet group: lower-case letters, digits and hyphens'),
  securityGroup: z.string().regex(/^(?!sg-)[A-Za-z0-9 ._-]{1,255}$/, 'must be the name of a security group, not its id'),
});

/** The section `databases` of an environment file. */
export const databasesSchema = z
  .strictObject({
    instance,
    databases: z.array(z.strictObject({ app, database: identifier, owner: identifier })),
  })
  .superRefine(({ databases }, context) => {
    for (const field of ['app', 'database', 'owner'] as const) {
      for (const [index, entry] of databases.entries()) {
        const first = databases.findIndex((other) => other[field] === entry[field]);
        if (first < index) context.addIssue({ code: 'custom', path: ['databases', index, field], message: `${entry[field]} is declared twice: no two applications share one` });
      }
    }
  });

export type Databases = z.infer<typeof databasesSchema>;
export type DatabaseInstance = Databases['instance'];
