// Readings of what tiers 2 and 3 need of the foundation (F4): a platform that does not reach them is never asked. Verdicts are domain/foundation-tier-2.ts's.
import type { DBInstance } from '@aws-sdk/client-rds';
import { z } from 'zod';
import type { Reading } from '../domain/checks.ts';
import { SECRET_KEYS } from '../domain/connectivity.ts';
import { loginProblems, objectOf } from '../domain/database-secret.ts';
import { databaseSecretName, type DatabaseSpec, SERVING_STATES } from '../domain/databases.ts';
import type { InstanceReading, Tier2Needs, Tier2Readings } from '../domain/foundation-tier-2.ts';
import type { Plan } from '../domain/plan.ts';
import { readBucketRegion } from './buckets.ts';
import type { Clients } from './clients.ts';
import type { Probes } from './contract.ts';
import { readSecret } from './database-secrets.ts';
import { tryLogin, rdsAuthorities } from './postgres.ts';
import { describeInstance, isOfEnvironment } from './rds.ts';
import { readOpenBlocks, vpcOf } from './rds-instance.ts';
import { privateSubnets } from './rds-network.ts';
import { reading } from './reading.ts';

/** A secret's values, which its check by keys does not see. */
const loginSchema = z.object({ username: z.string(), password: z.string(), host: z.string(), port: z.union([z.string(), z.number()]), dbname: z.string() });

type Needed = Pick<Clients, 'rds' | 'ec2' | 's3' | 'secrets'>;

/** `rdsCaFile`: the authorities of RDS, PEM. */
export function tier2FoundationActivities(clients: Needed, { rdsCaFile }: { rdsCaFile?: string | undefined }): Pick<Probes, 'readTier2Foundation'> {
  return { readTier2Foundation: ({ plan }) => readTier2Foundation(clients, rdsCaFile, plan) };
}

async function readTier2Foundation(clients: Needed, rdsCaFile: string | undefined, { target, databases, objectStorage }: Plan): Promise<Tier2Readings> {
  const { environment } = target;
  const undeclared = { problem: 'is not declared in the environment file' };
  const lokiBucket = objectStorage === undefined ? undeclared : reading(readBucketRegion(clients.s3, objectStorage.lokiBucket, target.accountId));
  const subnets = reading(privateSubnets(clients.ec2, environment));
  if (databases === undefined) return { instance: undeclared, openTo: undeclared, subnets: await subnets, logins: {}, lokiBucket: await lokiBucket };
  const found = await reading(describeInstance(clients, databases.instance.identifier));
  const instance = 'value' in found ? found.value : undefined;
  const [openTo, logins] = await Promise.all([
    reading(readOpenBlocks(clients.ec2, instance)),
    readLogins(clients, rdsCaFile, { environment, instance, databases: databases.databases }),
  ]);
  return { instance: 'problem' in found ? found : { value: facts(instance, environment) }, openTo, subnets: await subnets, logins, lokiBucket: await lokiBucket };
}

/** The environment's instance as the verdicts want it. Throws what RDS answers when it does not say: no answer is not an absence (failure 36). */
export async function readInstance({ rds }: Pick<Clients, 'rds'>, { target: { environment }, databases }: Tier2Needs): Promise<InstanceReading | null> {
  return databases === undefined ? null : facts(await describeInstance({ rds }, databases.instance.identifier), environment);
}

/** Loki's bucket; null where S3 has none of that name, or the environment names none. */
export async function readLokiBucket({ s3 }: Pick<Clients, 's3'>, { target, objectStorage }: Tier2Needs): Promise<{ region: string } | null> {
  return objectStorage === undefined ? null : readBucketRegion(s3, objectStorage.lokiBucket, target.accountId);
}

function facts(instance: DBInstance | undefined, environment: string): InstanceReading | null {
  if (instance === undefined) return null;
  const { DBInstanceStatus = 'unknown', TagList } = instance;
  return { status: DBInstanceStatus, owned: isOfEnvironment(TagList, environment), vpcId: vpcOf(instance) };
}

/** Tries each application's login on an instance that serves. A secret that is not there or lacks a key is left out: the check of the secrets tells, which looks at no value. */
async function readLogins({ secrets }: Needed, rdsCaFile: string | undefined, { environment, instance, databases }: { environment: string; instance: DBInstance | undefined; databases: readonly DatabaseSpec[] }): Promise<Tier2Readings['logins']> {
  const { Address: address, Port: port } = instance?.Endpoint ?? {};
  if (address === undefined || port === undefined || !SERVING_STATES.includes(instance?.DBInstanceStatus ?? '')) return {};
  const ca = await reading(rdsAuthorities(rdsCaFile));
  const tried = await Promise.all(databases.map(async (spec): Promise<[string, Reading<string>] | undefined> => {
    const text = await reading(readSecret(secrets, databaseSecretName({ environment, app: spec.app })));
    if ('problem' in text) return undefined;
    const held = objectOf(text.value?.text ?? '') ?? {};
    if (SECRET_KEYS.some((key) => !Object.hasOwn(held, key))) return undefined;
    const login = loginSchema.safeParse(held);
    if (!login.success) return [spec.app, { problem: `its secret has no usable ${[...new Set(login.error.issues.map(({ path }) => path.join('.')))].join(', ')}` }];
    if ('problem' in ca) return [spec.app, ca];
    // A password goes to no other host than the one that RDS names.
    const problems = loginProblems(login.data, spec, { address, port });
    if (problems.length > 0) return [spec.app, { problem: `its secret names ${problems.join('; ')}` }];
    return [spec.app, await tryLogin({ host: address, port, user: spec.owner, password: login.data.password, database: spec.database, ca: ca.value })];
  }));
  return Object.fromEntries(tried.filter((entry) => entry !== undefined));
}
