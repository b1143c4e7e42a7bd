// Whose an object is, and when its platform is gone (X5, D4).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DnsRecord } from '../../../domain/dns-records.ts';
import { clustersOf, isSolelyOf, platformNames, platformOfCluster, platformOfName, platformOfOwner, TAG } from '../../../domain/names.ts';
import { contestOf, type FoundObject, isGone, orphanReport, type OrphanReport, recordsByPlatform, type Sighting, suspects } from '../../../domain/orphans.ts';
import { buildId } from './arbitraries.ts';

const scope = { environment: 'dev', zone: 'dev.goldenpathidp.io' };
const cluster = (build: string) => `goldenpath-dev-eks-${build}`;
const [GONE, LIVE] = [cluster('21-11-26-01'), cluster('21-11-26-11')];

function found(id: string, clusters: string[], more: Partial<FoundObject> = {}): FoundObject {
  return { kind: 'iam:role', id, name: id, clusters, environment: null, by: 'tags', ...more };
}

function txt(name: string, owner: string): DnsRecord {
  return { name, type: 'TXT', values: [`"heritage=external-dns,external-dns/owner=${owner},external-dns/resource=ingress/kong/status"`], ttl: 300 };
}

const a = (name: string): DnsRecord => ({ name, type: 'A', values: ['192.0.2.1'], ttl: 300 });

/** The report of a world: every suspect is asked about; `live` clusters exist, though EKS's list was older. */
function reportOf({ objects = [], listing = [], living = [], live = [], runs = {} }: { objects?: FoundObject[]; listing?: DnsRecord[]; living?: string[]; live?: string[]; runs?: Record<string, string> }): OrphanReport {
  const records = recordsByPlatform(listing, scope, living);
  const sightings = suspects({ scope, living, objects, records }).map((each): Sighting => ({ cluster: each, exists: live.includes(each), run: runs[each] === undefined ? null : { type: runs[each], runId: 'r' } }));
  return orphanReport({ scope, at: 1, living, objects, records, memories: [], sightings });
}

const listed = ({ platforms }: OrphanReport) => platforms.flatMap(({ cluster: of, objects, records }) => [...objects.map(({ id }) => `${of} ${id}`), ...records.map(({ name, type }) => `${of} ${name} ${type}`)]).toSorted();

describe('names', () => {
  it('X5: cluster, owner and suffix lead back to exactly the platform that they were made from', () => {
    fc.assert(fc.property(fc.option(buildId), fc.constantFrom('dev', 'prod', 'staging'), (build, environment) => {
      const identity = { environment, lifecycle: build === null ? 'persistent' as const : 'ephemeral' as const, buildId: build };
      const zone = `${environment}.goldenpathidp.io`;
      const names = platformNames(identity, zone);
      expect(platformOfCluster(names.cluster, environment)).toEqual(identity);
      expect(platformOfOwner(names.ownerId, environment)).toEqual(identity);
      expect(platformOfName(`app.${names.hostSuffix}`, { environment, zone })).toEqual(build === null ? undefined : identity);
      for (const other of ['dev', 'prod', 'staging'].filter((each) => each !== environment)) {
        expect([platformOfCluster(names.cluster, other), platformOfOwner(names.ownerId, other)]).toEqual([undefined, undefined]);
      }
    }));
  });

  it('failures 16, 39: what only looks like a platform is none', () => {
    const names = ['goldenpath-dev-eks-21-11-26-011', 'goldenpath-dev-eks-21-11-26-1', 'xgoldenpath-dev-eks-21-11-26-01', 'goldenpath-dev-eks-', 'goldenpath-dev-eks-31-02-26-01', 'goldenpath-dev-eksx', 'goldenpath-developer-eks'];
    expect(names.map((name) => platformOfCluster(name, 'dev'))).toEqual(names.map(() => undefined));
    for (const name of ['xb-21-11-26-01.dev.goldenpathidp.io', 'b-21-11-26-011.dev.goldenpathidp.io', 'b-21-11-26-01.xdev.goldenpathidp.io', 'dev.goldenpathidp.io', 'b-21-11-26-01.app.dev.goldenpathidp.io']) expect(platformOfName(name, scope)).toBeUndefined();
    expect(platformOfName(String.raw`\052.apps.B-21-11-26-01.dev.goldenpathidp.io.`, scope)?.buildId).toBe('21-11-26-01');
  });

  it('failure 22: tags of every controller name the cluster; shared does not, and the foundation is nobody’s', () => {
    for (const tags of [{ [TAG.cluster]: GONE }, { 'elbv2.k8s.aws/cluster': GONE }, { 'cluster.k8s.amazonaws.com/name': GONE }, { [`kubernetes.io/cluster/${GONE}`]: 'owned' }]) expect(clustersOf(tags)).toEqual([GONE]);
    expect(clustersOf({ [`kubernetes.io/cluster/${GONE}`]: 'shared' })).toEqual([]);
    expect(clustersOf({ [TAG.cluster]: GONE, [TAG.plane]: 'foundation', [`kubernetes.io/cluster/${GONE}`]: 'owned' })).toEqual([]);
    expect(isSolelyOf({ [TAG.cluster]: GONE, 'elbv2.k8s.aws/cluster': GONE }, GONE)).toBe(true);
    expect(isSolelyOf({ [TAG.cluster]: GONE, 'elbv2.k8s.aws/cluster': LIVE }, GONE)).toBe(false);
  });
});

describe('what is gone', () => {
  it('X5: a platform is gone only by EKS’s NotFound and without a run; the removal of its orphans is no such run', () => {
    const run = (type: string) => ({ type, runId: 'r' });
    expect([isGone({ exists: false, run: null }), isGone({ exists: false, run: run('removeOrphans') })]).toEqual([true, true]);
    expect([isGone({ exists: true, run: null }), isGone({ exists: false, run: run('bootstrapPlatform') }), isGone({ exists: false, run: run('teardownPlatform') }), isGone({ exists: true, run: run('removeOrphans') })]).toEqual([false, false, false, false]);
  });

  it('failure 36: nothing is said of a platform that nobody asked about', () => {
    expect(() => orphanReport({ scope, at: 1, living: [], objects: [found('x', [GONE])], records: [], memories: [], sightings: [] })).toThrow(`nobody asked whether ${GONE} is gone`);
  });

  it('X6: a bootstrap that has not made its cluster yet keeps what is its own', () => {
    expect(listed(reportOf({ objects: [found('x', [GONE])], listing: [a('app.b-21-11-26-01.dev.goldenpathidp.io')], runs: { [GONE]: 'bootstrapPlatform' } }))).toEqual([]);
  });
});

describe('orphanReport', () => {
  it('X5, D4: a platform that is gone is listed with its objects, its records, and names inside its suffix that nobody owns', () => {
    const report = reportOf({
      objects: [found('role', [GONE], { environment: 'dev' }), found('volume', [GONE], { kind: 'ec2:volume' }), found('secret', [GONE], { kind: 'secretsmanager:secret' }), found('left', [GONE], { by: 'receipt' })],
      listing: [a('kong.b-21-11-26-01.dev.goldenpathidp.io'), txt('a-xdns.kong.b-21-11-26-01.dev.goldenpathidp.io', 'goldenpath-dev-21-11-26-01'), { name: '_acme-challenge.b-21-11-26-01.dev.goldenpathidp.io', type: 'TXT', values: ['"token"'] }],
    });
    expect(report.platforms).toMatchObject([{ cluster: GONE, lifecycle: 'ephemeral', buildId: '21-11-26-01', workflowId: `platform/dev/${GONE}` }]);
    expect(report.platforms[0]?.why).toEqual([`EKS has no cluster ${GONE} (ResourceNotFoundException)`, `Temporal has no run in flight under platform/dev/${GONE}`, 'the registry remembers no run of it']);
    expect(report.platforms[0]?.objects.map(({ id, removable }) => `${id} ${removable}`)).toEqual(['role true', 'volume true', 'secret false', 'left false']);
    expect(report.platforms[0]?.records.map(({ name, because, owners }) => `${name} ${because} ${owners.join()}`)).toEqual([
      'kong.b-21-11-26-01.dev.goldenpathidp.io owner-txt goldenpath-dev-21-11-26-01',
      'a-xdns.kong.b-21-11-26-01.dev.goldenpathidp.io registry-txt goldenpath-dev-21-11-26-01',
      '_acme-challenge.b-21-11-26-01.dev.goldenpathidp.io inside-scope ',
    ]);
    expect(report.disputed).toEqual([]);
  });

  it('D4: a record outside every suffix whose exact owner is gone is listed; one of an owner that only begins alike is not', () => {
    const listing = [a('app.dev.goldenpathidp.io'), txt('a-xdns.app.dev.goldenpathidp.io', 'goldenpath-dev-21-11-26-01'), a('b.dev.goldenpathidp.io'), txt('a-xdns.b.dev.goldenpathidp.io', 'goldenpath-dev-21-11-26-011')];
    expect(listed(reportOf({ listing }))).toEqual([`${GONE} a-xdns.app.dev.goldenpathidp.io TXT`, `${GONE} app.dev.goldenpathidp.io A`]);
  });

  it('D4: a record in which a living platform has part is not listed; one of a stranger is disputed, never a platform’s', () => {
    const suffix = 'b-21-11-26-01.dev.goldenpathidp.io';
    const listing = [
      a(`live.${suffix}`), txt(`a-xdns.live.${suffix}`, 'goldenpath-dev-21-11-26-11'),
      a(`strange.${suffix}`), txt(`a-xdns.strange.${suffix}`, 'default'),
      a('gone.b-21-11-26-11.dev.goldenpathidp.io'), txt('a-xdns.gone.b-21-11-26-11.dev.goldenpathidp.io', 'goldenpath-dev-21-11-26-01'),
    ];
    const report = reportOf({ listing, living: [LIVE] });
    expect(listed(report)).toEqual([]);
    expect(report.disputed.map(({ what }) => what)).toEqual([`record strange.${suffix} A`, `record a-xdns.strange.${suffix} TXT`]);
  });

  it('X5: an object whose tags name two platforms is disputed where both are gone, and not listed where one lives', () => {
    const both = [found('both', [GONE, LIVE])];
    expect(reportOf({ objects: both })).toMatchObject({ platforms: [], disputed: [{ what: 'iam:role both', why: `its tags name ${GONE} and ${LIVE}` }] });
    expect(reportOf({ objects: both, living: [LIVE] })).toMatchObject({ platforms: [], disputed: [] });
  });

  it('X5: no object and no record of a living platform, or of another environment, is ever listed', () => {
    const builds = fc.constantFrom('21-11-26-01', '21-11-26-11', '21-11-26-02', '01-11-26-01');
    const environments = fc.constantFrom('dev', 'staging', 'prod');
    const anyCluster = fc.tuple(environments, fc.option(builds)).map(([environment, build]) => platformNames({ environment, lifecycle: build === null ? 'persistent' : 'ephemeral', buildId: build }, `${environment}.goldenpathidp.io`));
    const owners = fc.oneof(anyCluster.map(({ ownerId }) => ownerId), fc.constantFrom('default', 'goldenpath-dev-21-11-26-011'));
    const names = fc.tuple(fc.constantFrom('a', '*', 'wildcard', 'a.b'), fc.constantFrom('b-21-11-26-01', 'b-21-11-26-11', 'b-21-11-26-02', 'b-21-11-26-011', 'xb-21-11-26-01', 'apps')).map(([host, label]) => `${host}.${label}.dev.goldenpathidp.io`);
    const records = fc.tuple(names, fc.option(owners), fc.boolean()).map(([name, owner, hasRecord]) => [...(hasRecord ? [a(name)] : []), ...(owner === null ? [] : [txt(`a-xdns.${name.replace('*', 'wildcard')}`, owner)])]);
    const objects = fc.tuple(fc.uniqueArray(anyCluster.map(({ cluster: each }) => each), { minLength: 1, maxLength: 2 }), fc.option(environments)).map(([clusters, environment]) => found(`id ${clusters.join()} ${environment}`, clusters, { environment }));
    const world = fc.record({ objects: fc.array(objects, { maxLength: 8 }), listing: fc.array(records, { maxLength: 8 }).map((each) => each.flat()), living: fc.subarray([GONE, LIVE, cluster('21-11-26-02'), 'goldenpath-dev-eks']), live: fc.subarray([GONE, LIVE, cluster('01-11-26-01')]), busy: fc.subarray([GONE, LIVE, cluster('21-11-26-02')]) });
    let hits = 0;
    fc.assert(fc.property(world, ({ objects: all, listing, living, live, busy }) => {
      const alive = new Set([...living, ...live, ...busy]);
      const report = reportOf({ objects: all, listing, living, live, runs: Object.fromEntries(busy.map((each) => [each, 'bootstrapPlatform'])) });
      for (const { cluster: of, objects: its, records: recordsOf } of report.platforms) {
        hits += its.length + recordsOf.length;
        expect(alive.has(of)).toBe(false);
        expect(of).toMatch(/^goldenpath-dev-eks(-\d\d-\d\d-\d\d-\d\d)?$/);
        for (const { id } of its) expect(all.filter((each) => each.id === id).every(({ clusters, environment }) => clusters.join() === of && environment !== 'staging' && environment !== 'prod')).toBe(true);
        for (const { owners: named, inside } of recordsOf) {
          expect(named.every((owner) => /^goldenpath-dev(-\d\d-\d\d-\d\d-\d\d)?$/.test(owner) && !alive.has(owner.replace('goldenpath-dev', 'goldenpath-dev-eks')))).toBe(true);
          expect(inside === null || !alive.has(inside)).toBe(true);
        }
      }
    }), { numRuns: 2_000 });
    expect(hits).toBeGreaterThan(300);
  });
});

describe('contestOf', () => {
  it('D4: who else has part in a record is named', () => {
    const gone = (each: string) => each === GONE;
    expect(contestOf({ owners: ['goldenpath-dev-21-11-26-01'], inside: GONE }, GONE, scope, gone)).toBeUndefined();
    expect(contestOf({ owners: ['goldenpath-dev-21-11-26-01', 'goldenpath-dev-21-11-26-11'], inside: GONE }, GONE, scope, gone)).toEqual({ kind: 'living', why: 'its registry names owner goldenpath-dev-21-11-26-11' });
    expect(contestOf({ owners: [], inside: LIVE }, GONE, scope, gone)).toEqual({ kind: 'living', why: `it lies in the suffix of ${LIVE}` });
  });
});
