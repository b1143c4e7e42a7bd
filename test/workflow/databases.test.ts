// Database runs on a real Temporal server, against activities of plain data: their order, what they leave when they fail, who may run beside whom (R1–R3).
import { describe, expect, test } from 'vitest';
import type { DatabaseChanges, DatabaseProbes } from '../../activities/database-contract.ts';
import { applyDatabases, checkDatabases, createDatabase, type DatabaseRequest } from '../../client/databases.ts';
import { SECRET_KEYS } from '../../domain/connectivity.ts';
import { type DatabaseReceipt, databaseWorkflowId } from '../../domain/database-report.ts';
import { databaseOf, databaseSecretName, type Databases } from '../../domain/databases.ts';
import type { Runs } from '../support/runs.ts';
import { withWorld } from '../support/runs.ts';
import { failed, newWorld } from '../support/world.ts';

let count = 0;
/** Each test has an instance of its own, so that all may share one server. */
function newRequest(change: Partial<DatabaseRequest> = {}): DatabaseRequest {
  count += 1;
  const databases: Databases = {
    instance: { identifier: `test-${Date.now()}-${count}`, class: 'db.t4g.medium', engineVersion: '18.4', storageGib: 50, subnetGroup: 'databases', securityGroup: 'databases' },
    databases: [databaseOf('grafana'), databaseOf('keycloak')],
  };
  return { environment: 'dev', accountId: '111122223333', databases, registry: { bucket: 'registry' }, scale: 1, rotate: false, requester: 'ana', ...change };
}

type Activities = Pick<DatabaseProbes, 'probeInstance' | 'readConnectivity' | 'checkDatabases'> & Pick<DatabaseChanges, 'ensureInstance' | 'applyDatabases' | 'writeDatabaseReceipt'>;

/** A world with database activities beside the platform's; `asked` is what was called with what, `receipts` what was left in the registry. */
function databaseWorld(change: Partial<Activities> = {}) {
  const asked: { name: string; input: unknown }[] = [];
  const receipts: DatabaseReceipt[] = [];
  const subnets = [{ id: 'a', zone: 'a', cidr: '10.0.0.0/20' }, { id: 'b', zone: 'b', cidr: '10.0.16.0/20' }];
  const standard: Activities = {
    writeDatabaseReceipt: ({ receipt }) => { receipts.push(receipt); return Promise.resolve({ key: `receipts/dev/${receipt.report.instance}/${receipt.report.runId}.json` }); },
    ensureInstance: () => Promise.resolve(['made it']),
    probeInstance: () => Promise.resolve(['it is available']),
    applyDatabases: ({ environment, databases }) => Promise.resolve(databases.map((spec) => ({ ...spec, verdict: 'create', secretName: databaseSecretName({ environment, app: spec.app }), secretArn: `arn:${spec.app}`, did: [`created role ${spec.owner}`] }))),
    checkDatabases: ({ environment, databases }) => Promise.resolve(databases.map((spec) => ({ ...spec, verdict: 'adopt', secretName: databaseSecretName({ environment, app: spec.app }), problems: [], steps: [] }))),
    readConnectivity: ({ environment, databases }) => Promise.resolve({
      instance: { value: { status: 'available', owned: true, vpcId: 'vpc-1', isPublic: false, encrypted: true, isProtected: true, masterSecret: true } }, vpcIds: { value: ['vpc-1'] }, subnets: { value: subnets },
      subnetGroup: { value: { subnetIds: ['a', 'b'] } }, openTo: { value: subnets.map(({ cidr }) => cidr) },
      deniedActions: { value: [] }, secrets: Object.fromEntries(databases.map(({ app }) => [databaseSecretName({ environment, app }), { value: [...SECRET_KEYS] }])),
    }),
  };
  const world = newWorld();
  for (const [name, run] of Object.entries({ ...standard, ...change })) {
    Object.assign(world.activities, { [name]: (input: never) => { if (name !== 'writeDatabaseReceipt') asked.push({ name, input }); return (run as (given: never) => Promise<unknown>)(input); } });
  }
  return { world, asked, receipts };
}

const quiet = () => {};

async function replayed({ client, alsoReplay }: Runs, workflowId: string): Promise<void> {
  alsoReplay(workflowId, (await client.workflow.getHandle(workflowId).describe()).runId);
}

describe('database apply', () => {
  test('R1, O2: network and instance, until it is available, then the declared databases; the report has the evidence, and lies in the registry', async () => {
    const { world, asked, receipts } = databaseWorld();
    const request = newRequest();
    const { identifier: instance } = request.databases.instance;
    await withWorld(world, async (runs) => {
      const report = await applyDatabases(runs.client, request, quiet);
      await replayed(runs, databaseWorkflowId({ environment: 'dev', instance }));
      expect(asked.map(({ name }) => name)).toEqual(['ensureInstance', 'probeInstance', 'applyDatabases']);
      expect(asked[2]?.input).toEqual({ environment: 'dev', instance, databases: request.databases.databases, rotate: false });
      expect(report).toMatchObject({ schema: 1, operation: 'apply', state: 'ready', requester: 'ana', instance });
      expect(report.steps.map(({ id, status, evidence }) => [id, status, evidence])).toEqual([
        ['instance', 'done', ['made it']], ['available', 'done', ['it is available']], ['databases', 'done', ['grafana: created role grafana', 'keycloak: created role keycloak']],
        ['receipt', 'done', [`s3://registry/receipts/dev/${instance}/${report.runId}.json`]],
      ]);
      expect(receipts.map(({ schema, hash, report: { runId, state, databases } }) => [schema, hash.length, runId, state, databases.map(({ app }) => app)])).toEqual([[1, 64, report.runId, 'ready', ['grafana', 'keycloak']]]);
    });
  });

  test('R1: an instance takes its time: the server asks again until it is available', async () => {
    let looks = 0;
    const { world } = databaseWorld({ probeInstance: () => { looks += 1; return looks < 4 ? Promise.reject(failed('NotReady', 'it is creating', true)) : Promise.resolve(['it is available']); } });
    await withWorld(world, async ({ client }) => {
      expect((await applyDatabases(client, newRequest(), quiet)).state).toBe('ready');
      expect(looks).toBe(4);
    });
  });

  test('R1, O2: one that fails tells what was done before, and why, in its receipt too; nothing after it is begun', async () => {
    const { world, asked, receipts } = databaseWorld({ probeInstance: () => Promise.reject(failed('PreflightFailed', 'the instance is stopped')) });
    await withWorld(world, async ({ client }) => {
      const report = await applyDatabases(client, newRequest(), quiet);
      expect(report.state).toBe('failed');
      expect(report.steps.map(({ status, error }) => [status, error?.type])).toEqual([['done', undefined], ['failed', 'PreflightFailed'], ['pending', undefined], ['done', undefined]]);
      expect(report.steps[1]?.error).toEqual({ type: 'PreflightFailed', message: 'the instance is stopped', problems: ['PreflightFailed the instance is stopped'] });
      expect(asked.map(({ name }) => name)).toEqual(['ensureInstance', 'probeInstance']);
      expect(receipts.map((receipt) => [receipt.report.state, receipt.report.steps[1]?.error?.type])).toEqual([['failed', 'PreflightFailed']]);
    });
  });

  test('O2: a receipt that cannot be written fails a run that is done otherwise, and is told beside the failure of one that is not', async () => {
    const unwritten = { writeDatabaseReceipt: () => Promise.reject(failed('AccessDenied', 'PutObject is denied')) };
    await withWorld(databaseWorld(unwritten).world, async ({ client }) => {
      const report = await applyDatabases(client, newRequest(), quiet);
      expect([report.state, report.steps.at(-1)]).toEqual(['failed', expect.objectContaining({ id: 'receipt', status: 'failed', error: { type: 'AccessDenied', message: 'PutObject is denied', problems: ['AccessDenied PutObject is denied'] } })]);
    });
    await withWorld(databaseWorld({ ...unwritten, probeInstance: () => Promise.reject(failed('PreflightFailed', 'the instance is stopped')) }).world, async ({ client }) => {
      const { steps } = await applyDatabases(client, newRequest(), quiet);
      expect(steps.map(({ error }) => error?.message)).toEqual([undefined, 'the instance is stopped', undefined, 'the receipt could not be written: PutObject is denied']);
    });
  });

  test('R1, U1: two at once: the same request attaches, another one is refused with the run that is there', async () => {
    const gate = Promise.withResolvers<string[]>();
    const { world, asked } = databaseWorld({ ensureInstance: () => gate.promise });
    const request = newRequest();
    await withWorld(world, async ({ client }) => {
      const first = applyDatabases(client, request, quiet);
      await expect.poll(() => asked.length, { timeout: 20_000 }).toBe(1);
      const said: string[] = [];
      const second = applyDatabases(client, request, (line) => said.push(line));
      await expect(applyDatabases(client, { ...request, rotate: true }, quiet)).rejects.toMatchObject({ type: 'Conflict', message: expect.stringContaining('databaseApply, run ') as string });
      await expect.poll(() => said.length, { timeout: 20_000 }).toBeGreaterThan(0);
      gate.resolve(['made it']);
      expect((await first).runId).toBe((await second).runId);
      expect(said[0]).toMatch(/^the same run is in flight already/);
      expect(asked.filter(({ name }) => name === 'ensureInstance')).toHaveLength(1);
    });
  });
});

test('R1: database create makes one database and asks nothing else, beside an apply in flight', async () => {
  const gate = Promise.withResolvers<string[]>();
  const { world, asked } = databaseWorld({ ensureInstance: () => gate.promise });
  const request = newRequest({ rotate: true });
  const { identifier: instance } = request.databases.instance;
  await withWorld(world, async (runs) => {
    const apply = applyDatabases(runs.client, request, quiet);
    const report = await createDatabase(runs.client, request, databaseOf('orders'), quiet);
    await replayed(runs, databaseWorkflowId({ environment: 'dev', instance, app: 'orders' }));
    expect(report).toMatchObject({ operation: 'create', state: 'ready', databases: [{ app: 'orders', secretName: 'goldenpath/dev/orders/postgres' }] });
    expect(asked.filter(({ name }) => name === 'applyDatabases').map(({ input }) => input)).toEqual([{ environment: 'dev', instance, databases: [databaseOf('orders')], rotate: true }]);
    gate.resolve(['made it']);
    await apply;
  });
});

test('R2: a failure of database create names what is wrong, and no history of it holds more than the activity said', async () => {
  const { world } = databaseWorld({ applyDatabases: () => Promise.reject(failed('PasswordWrong', 'the secret of orders does not work')) });
  await withWorld(world, async ({ client }) => {
    const report = await createDatabase(client, newRequest(), databaseOf('orders'), quiet);
    expect(report.steps[0]?.error).toMatchObject({ type: 'PasswordWrong', message: 'the secret of orders does not work' });
  });
});

test('R3: database check judges every point, and counts logins that cannot be tried as a broken one', async () => {
  const good = databaseWorld();
  await withWorld(good.world, async ({ client }) => {
    const report = await checkDatabases(client, newRequest(), quiet);
    expect(report).toMatchObject({ schema: 1, contract: 2, state: 'kept' });
    expect(good.asked.map(({ name }) => name).toSorted()).toEqual(['checkDatabases', 'readConnectivity']);
  });
  const bad = databaseWorld({ checkDatabases: () => Promise.reject(failed('PreflightFailed', 'RDS has no instance test')) });
  await withWorld(bad.world, async ({ client }) => {
    const report = await checkDatabases(client, newRequest(), quiet);
    expect(report.state).toBe('broken');
    expect(report.points.filter(({ ok }) => !ok)).toMatchObject([{ id: 'logins', found: 'RDS has no instance test' }]);
  });
});
