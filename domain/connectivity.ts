// The connectivity contract between an environment's database and its platforms, point by point, and the verdict on each (R3). Pure.
// A change of what a point demands is a new version: `database check` prints the one it judged by.
import { POSTGRES_PORT, vpcProblems } from './database-network.ts';
import type { DatabaseFinding } from './database-report.ts';
import type { Databases } from './databases.ts';
import type { CheckResult, Reading } from './foundation.ts';

export const CONTRACT_VERSION = 2;

/** The keys that applications read from their secret (R2). */
export const SECRET_KEYS = ['username', 'password', 'host', 'port', 'dbname'] as const;

export interface ConnectivityReadings {
  /** Null where RDS has no instance of the name. */
  instance: Reading<{ status: string; owned: boolean; vpcId: string; isPublic: boolean; encrypted: boolean; isProtected: boolean; masterSecret: boolean } | null>;
  /** The foundation's VPCs, by tag. */
  vpcIds: Reading<string[]>;
  /** The foundation's private subnets, in which platforms' nodes and the instance live. */
  subnets: Reading<{ id: string; zone: string; cidr: string }[]>;
  /** Null where RDS has no subnet group of the name. */
  subnetGroup: Reading<{ subnetIds: string[] } | null>;
  /** CIDR blocks to which the instance's security groups open its port. */
  openTo: Reading<string[]>;
  /** Actions of the database commands that the worker may not perform, by policy simulation. */
  deniedActions: Reading<string[]>;
  /** The keys of each application's secret, by its name. */
  secrets: Record<string, Reading<string[]>>;
}

interface Judgement { problems: string[]; found: string }

/** Every point of the contract against what was read. `findings`: each application's database and login, or why none could be tried. */
export function checkConnectivity({ instance: wanted }: Databases, readings: ConnectivityReadings, findings: Reading<DatabaseFinding[]>): CheckResult[] {
  const { instance, subnets, vpcIds } = readings;
  const apply = 'goldenpath database apply';
  const found = 'value' in instance ? instance.value : null;
  return [
    point('instance', 'RDS instance', instance, `make it with ${apply}; a stopped one: aws rds start-db-instance --db-instance-identifier ${wanted.identifier}`, (value: typeof found) => (value === null ? { problems: [`RDS has no instance ${wanted.identifier}`], found: 'none' } : {
      problems: [...(value.owned ? [] : [`${wanted.identifier} does not carry the environment's tags`]), ...(value.status === 'available' ? [] : [`${wanted.identifier} is ${value.status}`])], found: `${wanted.identifier} is ${value.status}`,
    })),
    point('vpc', 'One VPC', vpcIds, 'the instance must be in the VPC of the foundation: platforms reach no other', (ids: string[]) => ({
      problems: ids.length !== 1 ? [`the foundation has ${ids.length} VPCs`] : found === null ? [] : vpcProblems({ identifier: wanted.identifier, vpcId: found.vpcId, vpcIds: ids }), found: ids.join(', '),
    })),
    point('subnets', 'Subnet group', readings.subnetGroup, `name the foundation's private subnets of two zones in subnet group ${wanted.subnetGroup}; ${apply} makes it where it is missing`, (group: { subnetIds: string[] } | null) => subnetProblems(wanted.subnetGroup, group, 'value' in subnets ? subnets.value : [])),
    point('security-group', 'Security group', readings.openTo, `open port ${POSTGRES_PORT} of security group ${wanted.securityGroup} to each private subnet and to nothing wider; ${apply} adds what is missing`, (blocks: string[]) => groupProblems(blocks, 'value' in subnets ? subnets.value : [])),
    point('guarded', 'Encrypted, protected, private', instance, `aws rds modify-db-instance --db-instance-identifier ${wanted.identifier} --deletion-protection --no-publicly-accessible; encryption is decided at the creation`, (value: typeof found) => guardProblems(value)),
    point('administrator', 'Administrator', instance, `let RDS keep the master password: aws rds modify-db-instance --db-instance-identifier ${wanted.identifier} --manage-master-user-password`, (value: typeof found) => ({
      problems: value?.masterSecret === true ? [] : ['RDS does not keep the master password'], found: 'its password is a secret that RDS makes and rotates',
    })),
    point('permissions', 'IAM permissions', readings.deniedActions, 'attach the permissions of docs/reference/iam.md for databases to the role of the worker', (denied: string[]) => ({
      problems: denied.map((action) => `${action} is denied`), found: 'every action of the database commands is allowed',
    })),
    ...Object.entries(readings.secrets).map(([name, keys]) => point(`secret ${name}`, 'Secret', keys, `${apply} makes a missing secret and completes one`, (present: string[]) => ({
      problems: SECRET_KEYS.filter((key) => !present.includes(key)).map((key) => `secret ${name} has no key ${key}`), found: `${name}: ${present.join(', ')}`,
    }))),
    point('logins', 'Databases and logins', findings, apply, (all: DatabaseFinding[]) => ({
      problems: all.flatMap(({ problems, steps, app }) => [...problems, ...steps.map((step) => `${app} is not as it should be; applying it gives: ${step}`)]), found: all.map(({ app, verdict }) => `${app}: ${verdict}`).join(', '),
    })),
  ];
}

function point<T>(id: string, title: string, reading: Reading<T>, fix: string, judge: (value: T) => Judgement): CheckResult {
  if ('problem' in reading) return { id, title, ok: false, found: reading.problem, fix };
  const { problems, found }: Judgement = judge(reading.value);
  return problems.length === 0 ? { id, title, ok: true, found, fix: '' } : { id, title, ok: false, found: problems.join('; '), fix };
}

function subnetProblems(name: string, group: { subnetIds: string[] } | null, subnets: { id: string; zone: string }[]): Judgement {
  if (group === null) return { problems: [`RDS has no subnet group ${name}`], found: 'none' };
  const known = subnets.filter(({ id }) => group.subnetIds.includes(id));
  const foreign = group.subnetIds.filter((id) => !subnets.some((subnet) => subnet.id === id));
  const zones = new Set(known.map(({ zone }) => zone));
  return { problems: [...foreign.map((id) => `${id} is no private subnet of the foundation`), ...(zones.size >= 2 ? [] : [`its subnets lie in ${zones.size} zones; RDS wants two`])], found: group.subnetIds.join(', ') };
}

/** Wider than the private subnets is as wrong as closed: the contract is exact. */
function groupProblems(openTo: readonly string[], subnets: readonly { id: string; cidr: string }[]): Judgement {
  const closed = subnets.filter(({ cidr }) => !openTo.includes(cidr)).map(({ id, cidr }) => `closed to subnet ${id} (${cidr})`);
  const wider = openTo.filter((block) => !subnets.some(({ cidr }) => cidr === block)).map((block) => `open to ${block}, which is no private subnet`);
  return { problems: [...closed, ...wider], found: `open to ${openTo.join(', ')}` };
}

function guardProblems(instance: { isPublic: boolean; encrypted: boolean; isProtected: boolean } | null): Judgement {
  if (instance === null) return { problems: ['there is no instance'], found: 'none' };
  const { isPublic, encrypted, isProtected } = instance;
  return { problems: [...(encrypted ? [] : ['its storage is not encrypted']), ...(isProtected ? [] : ['its deletion protection is off']), ...(isPublic ? ['it has a public address'] : [])], found: 'encrypted, protected against deletion, without a public address' };
}

/** What `database check` tells. */
export interface ConnectivityReport {
  schema: 1;
  /** The version of the contract that was judged. */
  contract: number;
  environment: string;
  instance: string;
  state: 'kept' | 'broken';
  points: CheckResult[];
}
