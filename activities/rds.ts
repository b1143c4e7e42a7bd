// The environment's RDS instance: what it is, where it is, and the login of its administrator, which RDS itself makes and keeps in Secrets Manager (R1).
import { type DBInstance, DescribeDBInstancesCommand } from '@aws-sdk/client-rds';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';
import { objectOf } from '../domain/database-secret.ts';
import { databaseTags, SERVING_STATES } from '../domain/databases.ts';
import { GoldenpathError } from '../domain/errors.ts';
import type { Clients } from './clients.ts';
import type { DatabaseProbes } from './database-contract.ts';
import { NOT_FOUND, notReady, orAbsent } from './errors.ts';
import { fromTagList, type KeyValue } from './ownership.ts';
import { present } from './pages.ts';
import type { Login } from './postgres.ts';

/** The form of the secret that RDS manages. Source: RDS User Guide, "Password management with Amazon RDS and AWS Secrets Manager". */
const masterSecret = z.object({ username: z.string(), password: z.string() });

/** An instance by its environment and identifier. */
export interface InstanceName {
  environment: string;
  identifier: string;
}

/** The instance, or undefined where RDS has none of that name. */
export async function describeInstance({ rds }: Pick<Clients, 'rds'>, identifier: string): Promise<DBInstance | undefined> {
  const answer = await orAbsent(rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier })), NOT_FOUND.databaseInstance);
  return answer?.DBInstances?.[0];
}

/** Whether the tags say that something is of this environment's databases. */
export function isOfEnvironment(tags: readonly KeyValue[] | undefined, environment: string): boolean {
  const found = fromTagList(tags);
  return Object.entries(databaseTags(environment)).every(([key, value]) => found[key] === value);
}

/** Throws NotOwned unless its tags say that it is of this environment's databases. */
export function demandOfEnvironment(what: string, tags: readonly KeyValue[] | undefined, environment: string): void {
  if (isOfEnvironment(tags, environment)) return;
  const wanted = Object.entries(databaseTags(environment)).map(([key, value]) => `${key}=${value}`).join(' and ');
  const problem = `${what} exists, but its tags do not say that it is ${environment}'s (${wanted})`;
  throw new GoldenpathError('NotOwned', problem, [problem]);
}

/**
 * How the administrator logs in to an instance that serves. Throws PreflightFailed where it is missing, stopped, or does not let RDS manage its password;
 * NotOwned where it is not the environment's; NotReady while it is being made.
 */
export async function masterLogin(clients: Pick<Clients, 'rds' | 'secrets'>, name: InstanceName): Promise<Login> {
  const { identifier } = name;
  const instance = demandServing(name, await describeInstance(clients, identifier));
  if (instance === undefined) throw new GoldenpathError('NotReady', `RDS instance ${identifier} is being made`);
  const { Endpoint: endpoint, MasterUserSecret: secret } = instance;
  if (secret?.SecretArn === undefined) throw failed(`RDS does not keep the master password of ${identifier}; let it: aws rds modify-db-instance --db-instance-identifier ${identifier} --manage-master-user-password --apply-immediately`);
  if (secret.SecretStatus !== 'active') throw new GoldenpathError('NotReady', `the secret of ${identifier}'s master user is ${secret.SecretStatus ?? 'unknown'}`);
  const { SecretString = '' } = await clients.secrets.send(new GetSecretValueCommand({ SecretId: secret.SecretArn }));
  const { username: user, password } = masterSecret.parse(objectOf(SecretString));
  return { host: present(endpoint?.Address, "an instance's address"), port: present(endpoint?.Port, "an instance's port"), user, password, database: 'postgres' };
}

/** The instance is available, with its first backup taken. */
export async function probeInstance(clients: Pick<Clients, 'rds'>, { environment, identifier, startedAt, wait }: Parameters<DatabaseProbes['probeInstance']>[0]): Promise<string[]> {
  const found = await describeInstance(clients, identifier);
  const instance = demandServing({ environment, identifier }, found);
  const status = found?.DBInstanceStatus ?? 'unknown';
  if (instance === undefined || status === 'backing-up') throw notReady(`RDS instance ${identifier} is ${status}`, { startedAt: found?.InstanceCreateTime?.getTime() ?? startedAt, wait });
  return [`${present(found?.DBInstanceArn, "an instance's ARN")} is ${status} at ${found?.Endpoint?.Address ?? 'no address'}:${found?.Endpoint?.Port ?? 0}`];
}

/** States that it leaves only when somebody does something. Source: RDS User Guide, "Viewing DB instance status". */
const STUCK = ['stopped', 'stopping', 'failed', 'deleting', 'storage-full', 'restore-error', 'incompatible-network', 'incompatible-parameters', 'inaccessible-encryption-credentials', 'insufficient-capacity'];

/** The instance, or undefined while it is on its way to serve. */
function demandServing({ environment, identifier }: InstanceName, instance: DBInstance | undefined): DBInstance | undefined {
  if (instance === undefined) throw failed(`RDS has no instance ${identifier}; make it with: goldenpath database apply --env ${environment}`);
  demandOfEnvironment(`RDS instance ${identifier}`, instance.TagList, environment);
  const status = instance.DBInstanceStatus ?? 'unknown';
  if (SERVING_STATES.includes(status)) return instance;
  if (!STUCK.includes(status)) return undefined;
  throw failed(`RDS instance ${identifier} is ${status}${status === 'stopped' ? `; start it with: aws rds start-db-instance --db-instance-identifier ${identifier}` : ''}`);
}

function failed(problem: string): GoldenpathError {
  return new GoldenpathError('PreflightFailed', problem, [problem]);
}
