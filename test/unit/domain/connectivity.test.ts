import { describe, expect, it } from 'vitest';
import { checkConnectivity, type ConnectivityReadings, CONTRACT_VERSION, SECRET_KEYS } from '../../../domain/connectivity.ts';
import { type DatabaseFinding, databaseDetails, databaseWorkflowId, instanceWait, newDatabaseReport } from '../../../domain/database-report.ts';
import type { Databases } from '../../../domain/databases.ts';

const SECTION: Databases = {
  instance: { identifier: 'goldenpath-dev', class: 'db.t4g.medium', engineVersion: '18.4', storageGib: 50, subnetGroup: 'databases', securityGroup: 'databases' },
  databases: [{ app: 'grafana', database: 'grafana', owner: 'grafana' }],
};
const SUBNETS = [{ id: 'subnet-a', zone: 'eu-west-2a', cidr: '10.0.16.0/20' }, { id: 'subnet-b', zone: 'eu-west-2b', cidr: '10.0.32.0/20' }];
const INSTANCE = { status: 'available', owned: true, vpcId: 'vpc-1', isPublic: false, encrypted: true, isProtected: true, masterSecret: true };
const GOOD: ConnectivityReadings = {
  instance: { value: INSTANCE }, vpcIds: { value: ['vpc-1'] }, subnets: { value: SUBNETS }, subnetGroup: { value: { subnetIds: ['subnet-a', 'subnet-b'] } },
  openTo: { value: SUBNETS.map(({ cidr }) => cidr) }, deniedActions: { value: [] }, secrets: { 'goldenpath/dev/grafana/postgres': { value: [...SECRET_KEYS] } },
};
const FINDING: DatabaseFinding = { app: 'grafana', database: 'grafana', owner: 'grafana', verdict: 'adopt', secretName: 'goldenpath/dev/grafana/postgres', problems: [], steps: [] };
const broken = (readings: Partial<ConnectivityReadings>, findings: DatabaseFinding[] = [FINDING]) =>
  checkConnectivity(SECTION, { ...GOOD, ...readings }, { value: findings }).filter(({ ok }) => !ok).map(({ id, found }) => `${id}: ${found}`);

describe('the connectivity contract', () => {
  it('R3: has a version, and these points', () => {
    expect(CONTRACT_VERSION).toBe(2);
    expect(checkConnectivity(SECTION, GOOD, { value: [FINDING] }).map(({ id, ok }) => `${id} ${ok}`)).toEqual([
      'instance true', 'vpc true', 'subnets true', 'security-group true', 'guarded true', 'administrator true', 'permissions true', 'secret goldenpath/dev/grafana/postgres true', 'logins true',
    ]);
  });

  it('R3: an instance that is missing, stopped, somebody else\'s, or in another VPC breaks it', () => {
    expect(broken({ instance: { value: null } })).toContain('instance: RDS has no instance goldenpath-dev');
    expect(broken({ instance: { value: { ...INSTANCE, status: 'stopped', owned: false } } })).toEqual(["instance: goldenpath-dev does not carry the environment's tags; goldenpath-dev is stopped"]);
    expect(broken({ instance: { value: { ...INSTANCE, vpcId: 'vpc-2' } } })).toEqual(["vpc: goldenpath-dev is in vpc-2, the foundation's VPC is vpc-1"]);
    expect(broken({ vpcIds: { value: [] } })).toEqual(['vpc: the foundation has 0 VPCs']);
  });

  it('R3: a security group that is closed to a subnet, or open to more, breaks it', () => {
    expect(broken({ openTo: { value: ['10.0.16.0/20', '0.0.0.0/0'] } })).toEqual(['security-group: closed to subnet subnet-b (10.0.32.0/20); open to 0.0.0.0/0, which is no private subnet']);
  });

  it('R3: subnets of one zone, or not of the foundation, break it', () => {
    expect(broken({ subnetGroup: { value: { subnetIds: ['subnet-a', 'subnet-x'] } } })).toEqual(['subnets: subnet-x is no private subnet of the foundation; its subnets lie in 1 zones; RDS wants two']);
    expect(broken({ subnetGroup: { value: null } })).toEqual(['subnets: RDS has no subnet group databases']);
  });

  it('R4: an instance that is public, unencrypted or unprotected breaks it, and so does a master password that people keep', () => {
    expect(broken({ instance: { value: { ...INSTANCE, isPublic: true, encrypted: false, isProtected: false, masterSecret: false } } })).toEqual([
      'guarded: its storage is not encrypted; its deletion protection is off; it has a public address', 'administrator: RDS does not keep the master password',
    ]);
  });

  it('R3: an action that the worker may not perform breaks it, and is named', () => {
    expect(broken({ deniedActions: { value: ['rds:CreateDBInstance on arn:db (ensureInstance)'] } })).toEqual(['permissions: rds:CreateDBInstance on arn:db (ensureInstance) is denied']);
  });

  it('R2: a secret without a key, and a login that does not work, are named', () => {
    expect(broken({ secrets: { 'goldenpath/dev/grafana/postgres': { value: ['username', 'password'] } } })).toEqual([
      'secret goldenpath/dev/grafana/postgres: secret goldenpath/dev/grafana/postgres has no key host; secret goldenpath/dev/grafana/postgres has no key port; secret goldenpath/dev/grafana/postgres has no key dbname',
    ]);
    expect(broken({}, [{ ...FINDING, verdict: 'password-wrong', problems: ['it does not work'] }])).toEqual(['logins: it does not work']);
    expect(broken({}, [{ ...FINDING, steps: ['took CREATEDB from role grafana'] }])).toEqual(['logins: grafana is not as it should be; applying it gives: took CREATEDB from role grafana']);
  });

  it('R3: what could not be read is a broken point with its reason, never a good one (failure 36)', () => {
    const problem = { problem: 'AccessDenied: no' };
    const points = checkConnectivity(SECTION, { instance: problem, vpcIds: problem, subnets: problem, subnetGroup: problem, openTo: problem, deniedActions: problem, secrets: { one: problem } }, problem);
    expect(points.map(({ ok, found }) => ({ ok, found }))).toEqual(points.map(() => ({ ok: false, found: 'AccessDenied: no' })));
    expect(broken({ subnets: problem })).not.toEqual([]);
  });
});

describe('a database run', () => {
  it('R1: one workflow id for each instance, and one for each application beside it', () => {
    expect(databaseWorkflowId({ environment: 'dev', instance: 'goldenpath-dev' })).toBe('database/dev/goldenpath-dev');
    expect(databaseWorkflowId({ environment: 'dev', instance: 'goldenpath-dev', app: 'orders' })).toBe('database/dev/goldenpath-dev/orders');
  });

  it('R1: the report begins with the steps of its operation, and tells of them', () => {
    const of = { environment: 'dev', instance: 'goldenpath-dev', requester: 'alice', runId: 'run-1', startedAt: 1 };
    expect(newDatabaseReport({ operation: 'create', ...of }).steps.map(({ id }) => id)).toEqual(['databases', 'receipt']);
    const report = newDatabaseReport({ operation: 'apply', ...of });
    expect(report.steps.map(({ id }) => id)).toEqual(['instance', 'available', 'databases', 'receipt']);
    Object.assign(report.steps[0] ?? {}, { status: 'failed', error: { type: 'NotOwned', message: 'no', problems: [] } });
    expect(databaseDetails(report)).toContain('- ✗ Network and instance\n  - NotOwned: no\n- · Instance available');
  });

  it('R1: the wait for an instance shrinks with the time scale, its deadline not below three minutes', () => {
    expect(instanceWait(1)).toEqual({ expectedMs: 420_000, denseMs: 5_000, deadlineMs: 3_600_000 });
    expect(instanceWait(60)).toEqual({ expectedMs: 7_000, denseMs: 250, deadlineMs: 180_000 });
  });
});
