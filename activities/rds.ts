// The environment's RDS instance: where it is, and the login of its administrator, which RDS itself makes and keeps in Secrets Manager (R1).
import { type DBInstance, DescribeDBInstancesCommand } from '@aws-sdk/client-rds';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';
import { objectOf } from '../domain/database-secret.ts';
import { GoldenpathError } from '../domain/errors.ts';
import type { Clients } from './clients.ts';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { present } from './pages.ts';
import type { Login } from './postgres.ts';

/** The form of the secret that RDS manages. Source: RDS User Guide, "Password management with Amazon RDS and AWS Secrets Manager". */
const masterSecret = z.object({ username: z.string(), password: z.string() });

/** The instance, or undefined where RDS has none of that name. */
export async function describeInstance({ rds }: Pick<Clients, 'rds'>, identifier: string): Promise<DBInstance | undefined> {
  const answer = await orAbsent(rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier })), NOT_FOUND.databaseInstance);
  return answer?.DBInstances?.[0];
}

/**
 * How the administrator logs in to an instance that is available. Throws PreflightFailed where it is missing, stopped, or does not let RDS manage its password;
 * NotReady while it changes.
 */
export async function masterLogin(clients: Pick<Clients, 'rds' | 'secrets'>, identifier: string): Promise<Login> {
  const instance = await describeInstance(clients, identifier);
  const { Endpoint: endpoint, MasterUserSecret: secret } = demandAvailable(identifier, instance);
  if (secret?.SecretArn === undefined) throw failed(`RDS does not keep the master password of ${identifier}; let it: aws rds modify-db-instance --db-instance-identifier ${identifier} --manage-master-user-password --apply-immediately`);
  if (secret.SecretStatus !== 'active') throw new GoldenpathError('NotReady', `the secret of ${identifier}'s master user is ${secret.SecretStatus ?? 'unknown'}`);
  const { SecretString = '' } = await clients.secrets.send(new GetSecretValueCommand({ SecretId: secret.SecretArn }));
  const { username: user, password } = masterSecret.parse(objectOf(SecretString));
  return { host: present(endpoint?.Address, "an instance's address"), port: present(endpoint?.Port, "an instance's port"), user, password, database: 'postgres' };
}

/** States that an instance leaves only when somebody does something. Source: RDS User Guide, "Viewing DB instance status". */
const STUCK = ['stopped', 'stopping', 'failed', 'deleting', 'storage-full', 'restore-error', 'incompatible-network', 'incompatible-parameters', 'inaccessible-encryption-credentials', 'insufficient-capacity'];

function demandAvailable(identifier: string, instance: DBInstance | undefined): DBInstance {
  if (instance === undefined) throw failed(`RDS has no instance ${identifier}; make it with: goldenpath database apply`);
  const status = instance.DBInstanceStatus ?? 'unknown';
  // While it takes a backup or is changed it serves.
  if (['available', 'backing-up', 'modifying', 'storage-optimization'].includes(status)) return instance;
  if (!STUCK.includes(status)) throw new GoldenpathError('NotReady', `RDS instance ${identifier} is ${status}`);
  throw failed(`RDS instance ${identifier} is ${status}${status === 'stopped' ? `; start it with: aws rds start-db-instance --db-instance-identifier ${identifier}` : ''}`);
}

function failed(problem: string): GoldenpathError {
  return new GoldenpathError('PreflightFailed', problem, [problem]);
}
