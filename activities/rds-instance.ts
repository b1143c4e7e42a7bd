// The environment's RDS instance, made where it is missing (R1), and the readings of the connectivity contract (R3).
import { DescribeSecurityGroupsCommand } from '@aws-sdk/client-ec2';
import { CreateDBInstanceCommand, type DBInstance } from '@aws-sdk/client-rds';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { ConnectivityReadings } from '../domain/connectivity.ts';
import { vpcFix, vpcProblems, wayProblems } from '../domain/database-network.ts';
import { type DatabaseInstance, databaseSecretName, databaseTags, MASTER_USER } from '../domain/databases.ts';
import { GoldenpathError } from '../domain/errors.ts';
import type { Clients } from './clients.ts';
import type { DatabaseChanges, DatabaseProbes } from './database-contract.ts';
import { isNamed } from './errors.ts';
import { databaseActions } from './database-actions.ts';
import { deniedActions, foundationVpcIds, readCaller, readSecretKeys } from './foundation.ts';
import { toTagList } from './ownership.ts';
import { demandOfEnvironment, describeInstance, type InstanceName, isOfEnvironment, probeInstance } from './rds.ts';
import { describeSubnetGroup, ensureNetwork, foundationVpc, openBlocks, privateSubnets } from './rds-network.ts';
import { reading } from './reading.ts';

/** A week of backups: what most restores need, and what RDS keeps without asking for more. */
const BACKUP_DAYS = 7;

export function rdsActivities(clients: Pick<Clients, 'rds' | 'ec2' | 'secrets' | 'sts' | 'iam' | 'region'>): Pick<DatabaseProbes, 'probeInstance' | 'readConnectivity'> & Pick<DatabaseChanges, 'ensureInstance'> {
  return {
    ensureInstance: (input) => ensureInstance(clients, input),
    probeInstance: (input) => probeInstance(clients, input),
    readConnectivity: (input) => readConnectivity(clients, input),
  };
}

async function ensureInstance({ rds, ec2, sts }: Pick<Clients, 'rds' | 'ec2' | 'sts'>, { environment, instance: wanted, accountId }: Parameters<DatabaseChanges['ensureInstance']>[0]): Promise<string[]> {
  await demandAccount(sts, accountId);
  const found = await describeInstance({ rds }, wanted.identifier);
  if (found !== undefined) demandOfEnvironment(`RDS instance ${wanted.identifier}`, found.TagList, environment);
  const [vpcId, subnets] = [await foundationVpc(ec2, environment), await privateSubnets(ec2, environment)];
  demandZones(environment, subnets.map(({ zone }) => zone));
  if (found !== undefined) demandVpc(environment, wanted.identifier, { vpcId, found });
  const { securityGroupId, lines } = await ensureNetwork({ rds, ec2 }, { environment, vpcId, subnets, subnetGroup: wanted.subnetGroup, securityGroup: wanted.securityGroup });
  if (found !== undefined) return [...lines, `RDS instance ${wanted.identifier} is there`, ...differences(wanted, found, securityGroupId)];
  try {
    await rds.send(new CreateDBInstanceCommand({
      DBInstanceIdentifier: wanted.identifier, DBInstanceClass: wanted.class, Engine: 'postgres', EngineVersion: wanted.engineVersion, AllocatedStorage: wanted.storageGib, StorageType: 'gp3', StorageEncrypted: true,
      MasterUsername: MASTER_USER, ManageMasterUserPassword: true, DBSubnetGroupName: wanted.subnetGroup, VpcSecurityGroupIds: [securityGroupId], PubliclyAccessible: false,
      DeletionProtection: true, BackupRetentionPeriod: BACKUP_DAYS, CopyTagsToSnapshot: true, Tags: toTagList(databaseTags(environment)),
    }));
  } catch (error) {
    if (!isNamed(error, ['DBInstanceAlreadyExistsFault', 'DBInstanceAlreadyExists'])) throw error;
    throw new GoldenpathError('Conflict', `RDS instance ${wanted.identifier} was made by somebody else just now`);
  }
  return [...lines, `started the creation of RDS instance ${wanted.identifier}: ${wanted.class}, PostgreSQL ${wanted.engineVersion}, ${wanted.storageGib} GiB`];
}

async function demandAccount(sts: Clients['sts'], accountId: string): Promise<void> {
  const { Account } = await sts.send(new GetCallerIdentityCommand({}));
  if (Account === accountId) return;
  const problem = `the worker's account is ${Account ?? 'unknown'}, the environment's is ${accountId}`;
  throw new GoldenpathError('PreflightFailed', problem, [problem]);
}

function demandZones(environment: string, zones: readonly string[]): void {
  if (new Set(zones).size >= 2) return;
  const problem = `the foundation of ${environment} has private subnets in ${new Set(zones).size} zones; RDS wants two`;
  throw new GoldenpathError('PreflightFailed', problem, [problem]);
}

/** Before anything is made beside an instance that no platform can reach. */
function demandVpc(environment: string, identifier: string, { vpcId, found }: { vpcId: string; found: DBInstance }): void {
  const [problem] = vpcProblems({ identifier, vpcId: vpcOf(found), vpcIds: [vpcId] });
  if (problem !== undefined) throw new GoldenpathError('PreflightFailed', problem, [`${problem}: ${vpcFix(identifier, `goldenpath database apply --env ${environment}`)}`]);
}

/** What the file says otherwise: told, not changed, because a change of class or version is an outage that somebody picks the hour of. RDS raises minor versions by itself. */
function differences(wanted: DatabaseInstance, found: DBInstance, securityGroupId: string): string[] {
  const { DBInstanceClass, AllocatedStorage, EngineVersion = '' } = found;
  return [
    ...(groupIds(found).includes(securityGroupId) ? [] : [`differs from the file: it does not use security group ${wanted.securityGroup} (${securityGroupId}), but ${groupIds(found).join(', ') || 'none'}; nothing was changed. To have it use that one: aws rds modify-db-instance --db-instance-identifier ${wanted.identifier} --vpc-security-group-ids ${securityGroupId}`]),
    ...(DBInstanceClass === wanted.class ? [] : [`differs from the file: its class is ${DBInstanceClass}, not ${wanted.class}; nothing was changed`]),
    ...(AllocatedStorage === wanted.storageGib ? [] : [`differs from the file: it has ${AllocatedStorage} GiB, not ${wanted.storageGib}; nothing was changed`]),
    ...(major(EngineVersion) === major(wanted.engineVersion) ? [] : [`differs from the file: it is PostgreSQL ${EngineVersion}, not ${wanted.engineVersion}; nothing was changed`]),
  ];
}

function major(version: string): string | undefined {
  return version.split('.')[0];
}

async function readConnectivity(clients: Pick<Clients, 'rds' | 'ec2' | 'secrets' | 'sts' | 'iam' | 'region'>, { environment, instance: wanted, databases }: Parameters<DatabaseProbes['readConnectivity']>[0]): Promise<ConnectivityReadings> {
  const { rds, ec2, secrets } = clients;
  const found = reading(describeInstance(clients, wanted.identifier));
  const [instance, vpcIds, subnets, subnetGroup, openTo, denied, keys] = await Promise.all([
    found,
    reading(foundationVpcIds(ec2, environment)),
    reading(privateSubnets(ec2, environment)),
    reading(describeSubnetGroup(rds, wanted.subnetGroup)),
    found.then((of) => reading(readOpenBlocks(ec2, 'value' in of ? of.value : undefined))),
    reading(readDenied(clients, { environment, instance: wanted, databases })),
    Promise.all(databases.map(async ({ app }) => {
      const name = databaseSecretName({ environment, app });
      return [name, await reading(readSecretKeys(secrets, name))] as const;
    })),
  ]);
  return {
    instance: 'problem' in instance ? instance : { value: instance.value === undefined ? null : facts(instance.value, environment) },
    vpcIds, subnets, openTo, deniedActions: denied, secrets: Object.fromEntries(keys),
    subnetGroup: 'problem' in subnetGroup ? subnetGroup : { value: subnetGroup.value === undefined ? null : { subnetIds: (subnetGroup.value.Subnets ?? []).map(({ SubnetIdentifier }) => SubnetIdentifier ?? '') } },
  };
}

async function readDenied(clients: Pick<Clients, 'sts' | 'iam' | 'region'>, { environment, instance, databases }: Parameters<DatabaseProbes['readConnectivity']>[0]): Promise<string[]> {
  const { account: accountId } = await readCaller(clients);
  return deniedActions(clients, databaseActions({ environment, instance, databases, accountId, region: clients.region }), databaseTags(environment));
}

/** What the groups of the instance let in; without an instance there is nothing to be open. */
export async function readOpenBlocks(ec2: Clients['ec2'], instance: DBInstance | undefined): Promise<string[]> {
  const GroupIds = groupIds(instance);
  if (GroupIds.length === 0) return [];
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds }));
  return [...new Set(SecurityGroups.flatMap((group) => openBlocks(group)))];
}

/** Why an instance that serves gives no answer, as far as its network tells (R3). */
export async function readWayProblems({ rds, ec2 }: Pick<Clients, 'rds' | 'ec2'>, { environment, identifier }: InstanceName): Promise<string[]> {
  const instance = await describeInstance({ rds }, identifier);
  if (instance === undefined) return [`RDS has no instance ${identifier} any more`];
  const [vpcIds, openTo, subnets] = await Promise.all([foundationVpcIds(ec2, environment), readOpenBlocks(ec2, instance), privateSubnets(ec2, environment)]);
  return wayProblems({ identifier, vpcId: vpcOf(instance), vpcIds, openTo, subnets }, environment);
}

/** The VPC of an instance, or words that are none's. */
export function vpcOf(instance: DBInstance): string {
  return instance.DBSubnetGroup?.VpcId ?? 'no VPC that RDS names';
}

function groupIds(instance: DBInstance | undefined): string[] {
  return (instance?.VpcSecurityGroups ?? []).flatMap(({ VpcSecurityGroupId }) => VpcSecurityGroupId ?? []);
}

function facts(instance: DBInstance, environment: string) {
  return {
    status: instance.DBInstanceStatus ?? 'unknown', owned: isOfEnvironment(instance.TagList, environment), vpcId: vpcOf(instance), isPublic: instance.PubliclyAccessible === true, encrypted: instance.StorageEncrypted === true,
    isProtected: instance.DeletionProtection === true, masterSecret: instance.MasterUserSecret?.SecretArn !== undefined,
  };
}
