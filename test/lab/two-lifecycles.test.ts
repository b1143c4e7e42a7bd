// A persistent platform and three builds in one zone: raised at once, one torn down while the others change records, then the persistent one. Nobody touches another's record, and what outlives a platform does (D1, C2, X3, failures 16, 17).
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunReport } from '../../domain/report.ts';
import { accountOf, reachOf, recordsOf } from '../support/account.ts';
import { documentOf, raiseLab, type TestLab } from '../support/lab.ts';

const ZONE = 'dev.goldenpathidp.io';
/** Each platform with its cluster, its subtree of the zone, and the owner that its registry names. */
const PERSISTENT = platform();
const BUILDS = ['21-11-26-01', '21-11-26-02', '21-11-26-03'].map((buildId) => platform(buildId));
const [GOES = PERSISTENT, ...STAYING] = BUILDS;
const ALL = [PERSISTENT, ...BUILDS];
/** Four platforms' controllers on one machine: what takes seconds alone takes minutes. */
const RAISE_MS = 2_400_000;

type Platform = ReturnType<typeof platform>;

function platform(buildId?: string) {
  const build = buildId === undefined ? '' : `-${buildId}`;
  const cluster = `goldenpath-dev-eks${build}`;
  const target = ['--env', 'dev', ...(buildId === undefined ? ['--lifecycle', 'persistent'] : ['--build-id', buildId])];
  return {
    cluster,
    suffix: buildId === undefined ? ZONE : `b-${buildId}.${ZONE}`,
    owner: `goldenpath-dev${build}`,
    bootstrap: ['bootstrap', ...target, '--on-failure', 'fail', '-o', 'json'],
    teardown: ['teardown', ...target, '--confirm', cluster, '--on-failure', 'fail', '-o', 'json'],
  };
}

let lab: TestLab;
/** The account with the foundation and the databases, and no platform. */
let before: Record<string, string[]>;

beforeAll(async () => {
  lab = await raiseLab('e2e-two-lifecycles');
  const applied = await lab.cli(['database', 'apply', '--env', 'dev', '-o', 'json']);
  if (applied.exit !== 0) throw new Error(`database apply ended with ${applied.exit}:\n${applied.stderr}`);
  before = await accountOf(reachOf(lab.env));
});
afterAll(async () => { await lab.down(); });

/** Whose subtree a name lies in; `undefined` for a name outside the zone. */
function ownerOf(name: string): Platform | undefined {
  const plain = name.replace(/\.$/, '');
  return BUILDS.find(({ suffix }) => plain === suffix || plain.endsWith(`.${suffix}`)) ?? (plain === ZONE || plain.endsWith(`.${ZONE}`) ? PERSISTENT : undefined);
}

/** The records that came with the platforms: name, type, and of a registry TXT the owner that it names. */
async function platformRecords(): Promise<{ line: string; name: string; owner: string | undefined }[]> {
  const records = (await recordsOf(reachOf(lab.env))).filter((record) => !(before['records'] ?? []).includes(record));
  return records.map((line) => ({ line, name: line.split(' ')[0] ?? '', owner: /external-dns\/owner=([^,"]+)/.exec(line)?.[1] }));
}

const linesOf = async ({ suffix }: Platform) => (await platformRecords()).filter(({ name }) => ownerOf(name)?.suffix === suffix && !name.includes('churn')).map(({ line }) => line);

/** Every change of a record that anybody asked of Route 53: by whom, of what, and how it was answered. */
async function changesBy(): Promise<{ who: string; name: string; status: number }[]> {
  const requests = await lab.requests({ service: 'route53', operation: 'ChangeResourceRecordSets' });
  return requests.flatMap(({ principal, changes = [], status }) => changes.map((change) => ({ who: principal, name: change.split(' ')[1] ?? '', status })));
}

/** From outside: each change was made by a controller of the platform whose name it is, and was not refused. */
async function expectNobodyTouchedAnothers(): Promise<void> {
  const changes = (await changesBy()).filter(({ name }) => ownerOf(name) !== undefined && !(before['records'] ?? []).some((record) => record.startsWith(`${name}. NS`)));
  expect(changes.length).toBeGreaterThan(50);
  const roleOf = (who: string) => /assumed-role\/(.+)-(?:external-dns|cert-manager)\//.exec(who)?.[1] ?? who;
  expect(changes.filter(({ who, name }) => roleOf(who) !== ownerOf(name)?.cluster)).toEqual([]);
  expect(changes.filter(({ status }) => status === 403)).toEqual([]);
}

async function instance() {
  const { DBInstances: [found] = [] } = await new RDSClient(reachOf(lab.env)).send(new DescribeDBInstancesCommand({}));
  return { id: found?.DBInstanceIdentifier, status: found?.DBInstanceStatus, endpoint: found?.Endpoint, created: found?.InstanceCreateTime, protected: found?.DeletionProtection };
}

/** Three of these look at all zones, at Route 53's rate for the whole account: seldom enough to leave it to those who are tested. */
const SELDOM = { timeout: 300_000, interval: 3_000 };

/** Has one name of the platform come and go, again and again, until it is told to stop. How often it did. */
async function churn({ cluster, suffix }: Platform, stop: AbortSignal): Promise<number> {
  let times = 0;
  for (; !stop.aborted; times += 1) {
    const file = join(lab.status.folder, `churn-${cluster}.yaml`);
    await writeFile(file, `apiVersion: v1\nkind: Service\nmetadata:\n  name: churn\n  namespace: default\n  annotations: { external-dns.alpha.kubernetes.io/hostname: churn-${times}.${suffix} }\nspec: { type: ExternalName, externalName: elsewhere.example.org }\n`);
    await lab.kubectl(cluster, 'apply', '-f', file);
    const holds = async () => (await platformRecords()).some(({ name }) => name === `churn-${times}.${suffix}.`);
    await expect.poll(holds, SELDOM).toBe(true);
    await lab.kubectl(cluster, 'delete', '-f', file);
    await expect.poll(holds, SELDOM).toBe(false);
  }
  return times;
}

test('D1: a persistent platform and three builds are raised at once in one zone', async () => {
  const ended = await Promise.all(ALL.map((each) => lab.cli(each.bootstrap)));
  expect(ended.map(({ exit, stderr }) => ({ exit, stderr: exit === 0 ? '' : stderr }))).toEqual(ALL.map(() => ({ exit: 0, stderr: '' })));
  expect(ended.map((each) => documentOf(each) as RunReport)).toMatchObject(ALL.map(({ cluster }) => ({ state: 'ready', cluster })));
}, RAISE_MS);

test('D2, failure 16: each registry TXT names the owner of its subtree; every platform has records', async () => {
  const records = await platformRecords();
  expect(records.filter(({ name, owner }) => owner !== undefined && owner !== ownerOf(name)?.owner)).toEqual([]);
  for (const { suffix } of ALL) expect(records.map(({ name }) => name)).toContain(`kong.${suffix}.`);
  await expectNobodyTouchedAnothers();
});

test('X1, failure 17: one build is torn down while the others change records, and only its own go', async () => {
  const others = [PERSISTENT, ...STAYING];
  const kept = await Promise.all(others.map((each) => linesOf(each)));
  const stop = new AbortController();
  const churning = others.map((each) => churn(each, stop.signal));
  const ended = await lab.cli(GOES.teardown);
  stop.abort();
  expect(Math.min(...(await Promise.all(churning)))).toBeGreaterThan(0);

  expect({ exit: ended.exit, ...(documentOf(ended) as RunReport) }).toMatchObject({ exit: 0, state: 'clean', residue: [], cluster: GOES.cluster });
  expect(await linesOf(GOES)).toEqual([]);
  expect(await Promise.all(others.map((each) => linesOf(each)))).toEqual(kept);
  await expectNobodyTouchedAnothers();
}, RAISE_MS);

test('X3: the persistent teardown removes its own alone: the database, the zone, the foundation and the builds stay', async () => {
  const [database, kept] = [await instance(), await Promise.all(STAYING.map((each) => linesOf(each)))];
  expect(database).toMatchObject({ status: 'available' });
  const ended = await lab.cli(PERSISTENT.teardown);
  expect({ exit: ended.exit, ...(documentOf(ended) as RunReport) }).toMatchObject({ exit: 0, state: 'clean', residue: [], cluster: PERSISTENT.cluster });

  expect((await platformRecords()).filter(({ name }) => ownerOf(name)?.cluster === PERSISTENT.cluster)).toEqual([]);
  expect(await Promise.all(STAYING.map((each) => linesOf(each)))).toEqual(kept);
  expect(await instance()).toEqual(database);
  expect((await lab.cli(['database', 'check', '--env', 'dev', '-o', 'json'])).exit).toBe(0);
  const account = await accountOf(reachOf(lab.env));
  for (const kind of ['vpcs', 'subnets', 'secrets', 'buckets', 'zones', 'route tables']) expect({ kind, lines: account[kind] }).toEqual({ kind, lines: before[kind] });
  expect(account['clusters']).toEqual(STAYING.map(({ cluster }) => cluster).toSorted());
  await expectNobodyTouchedAnothers();
}, RAISE_MS);

test('X1: once the last builds are gone the account is what it was', async () => {
  const ended = await Promise.all(STAYING.map((each) => lab.cli(each.teardown)));
  expect(ended.map(({ exit, stderr }) => ({ exit, stderr: exit === 0 ? '' : stderr }))).toEqual(STAYING.map(() => ({ exit: 0, stderr: '' })));
  expect(await accountOf(reachOf(lab.env))).toEqual(before);
  await expectNobodyTouchedAnothers();
}, RAISE_MS);

test('every execution of these tests replays', async () => {
  const types = (await lab.replayAll()).toSorted();
  expect(types.filter((type) => type === 'bootstrapPlatform')).toHaveLength(ALL.length);
  expect(types.filter((type) => type === 'teardownPlatform')).toHaveLength(ALL.length);
}, RAISE_MS);
