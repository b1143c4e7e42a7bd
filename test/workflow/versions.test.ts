// `goldenpath versions verify` on a real Temporal server: complete or an error, never "as pinned" of a part (C1, failure 36).
import { expect, test } from 'vitest';
import type { VersionProbes } from '../../activities/versions-contract.ts';
import { GoldenpathError } from '../../domain/errors.ts';
import { ROOT_APPLICATION } from '../../domain/components.ts';
import { applicationsUpTo, type Plan } from '../../domain/plan.ts';
import { rootValues } from '../../domain/root-application.ts';
import type { VersionsReport } from '../../domain/version-drift.ts';
import { VERIFY_VERSIONS, type VerifyVersionsInput } from '../../workflows/messages.ts';
import { ephemeralPlan } from '../support/plans.ts';
import { answerOf, causeOf, type Runs, withWorld } from '../support/runs.ts';
import { failed, newWorld } from '../support/world.ts';

const plan = ephemeralPlan();
const ofGit = { repoUrl: plan.gitops.repoUrl, revision: plan.gitops.revision, commit: 'a'.repeat(40), sync: 'Synced', parameters: {}, otherSettings: [] };
const values = rootValues({ target: plan.target, gitops: plan.gitops, images: plan.versions.images, externalDns: plan.externalDns, roleArns: {}, vpcId: 'vpc-1', storageClassReady: true, offers: { rdsAvailable: false, s3Available: false } });
const pinned = [{ ...ofGit, name: ROOT_APPLICATION, path: 'gitops/root', values }, ...applicationsUpTo(plan, plan.maxTier).map(({ name }) => ({ ...ofGit, name, path: `gitops/apps/${name}` }))];
const standard: VersionProbes = {
  readEksVersions: () => Promise.resolve({ kubernetes: '1.36', vpcId: 'vpc-1', addons: Object.entries(plan.versions.addons).map(([name, version]) => ({ name, version })), nodeGroups: [] }),
  readPinnedManifest: ({ ofArgoCd }) => Promise.resolve({ objects: ofArgoCd ? 34 : 6, drifted: [], images: [] }),
  readRunningVersions: () => Promise.resolve({ kubelets: [], roleArns: {}, images: [{ namespace: 'shop', workload: 'Pod shop/a', image: 'kong:latest' }], applications: pinned }),
};

function versionsWorld(probes: Partial<VersionProbes> = {}) {
  const world = newWorld();
  Object.assign(world.activities, { ...standard, ...probes });
  return world;
}

function verify(runs: Runs, id: string, given: Plan = plan): Promise<VersionsReport> {
  const input: VerifyVersionsInput = { plan: given };
  return answerOf<VersionsReport>(runs, { type: VERIFY_VERSIONS, workflowId: `versions/${id}`, input });
}

test('C1: drift is the workflow’s answer, every manifest is asked about, and nothing but reads is called', async () => {
  const asked: string[] = [];
  const world = versionsWorld({ readPinnedManifest: (input) => { asked.push(`${input.manifest.version} ${String(input.ofArgoCd)}`); return standard.readPinnedManifest(input); } });
  await withWorld(world, async (runs) => {
    const report = await verify(runs, 'drift');
    expect(report).toMatchObject({ schema: 1, state: 'drift', cluster: plan.target.cluster });
    expect(report.items.filter(({ ok }) => !ok)).toEqual([expect.objectContaining({ id: 'image:shop/docker.io/library/kong', found: 'kong:latest', where: 'Pod shop/a' })]);
    expect(asked.toSorted()).toEqual(['v1.21.2 false', 'v1.3.2 false', 'v3.2.11 true']);
    expect(world.calls).toEqual([]);
  });
});

test('failure 36: what cannot be read fails the look, and is never "as pinned"', async () => {
  await withWorld(versionsWorld({ readRunningVersions: () => Promise.reject(failed('AccessDenied', 'pods is forbidden')) }), async (runs) => {
    expect(await causeOf(verify(runs, 'denied'))).toMatchObject({ type: 'AccessDenied', message: 'pods is forbidden' });
  });
});

test('F5: a platform that is not there, and a plan that was changed on its way, are bad input', async () => {
  const gone = new GoldenpathError('InvalidInput', 'there is no platform');
  await withWorld(versionsWorld({ readEksVersions: () => Promise.reject(failed(gone.type, gone.message)) }), async (runs) => {
    expect(await causeOf(verify(runs, 'gone'))).toMatchObject({ type: 'InvalidInput', message: 'there is no platform' });
    expect(await causeOf(verify(runs, 'changed', { ...plan, versions: { ...plan.versions, kubernetes: '1.35' } }))).toMatchObject({ type: 'InvalidInput', message: expect.stringContaining('the plan was changed after it was made') as string });
  });
});
