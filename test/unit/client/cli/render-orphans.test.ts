// Orphans as text (X5).
import { expect, it } from 'vitest';
import { orphanLines } from '../../../../client/cli/render-orphans.ts';
import type { OrphanReport } from '../../../../domain/orphans.ts';

const report: OrphanReport = {
  schema: 1, environment: 'dev', zone: 'dev.goldenpathidp.io', at: 1, disputed: [],
  platforms: [{
    cluster: 'goldenpath-dev-eks-21-11-26-01', lifecycle: 'ephemeral', buildId: '21-11-26-01', workflowId: 'platform/dev/goldenpath-dev-eks-21-11-26-01', why: ['EKS has no such cluster', 'no run is in flight'],
    objects: [
      { kind: 'iam:role', id: 'arn:role/n', name: 'n', why: 'its tags name the platform', removable: true, whatToDo: 'x' },
      { kind: 'kms:key', id: 'arn:key/1', name: '1', why: 'its tags name the platform', removable: false, whatToDo: 'look at it' },
    ],
    records: [{ name: 'a.b-21-11-26-01.dev.goldenpathidp.io', type: 'A', values: ['192.0.2.1'], because: 'inside-scope', owners: [], inside: 'goldenpath-dev-eks-21-11-26-01' }],
  }],
};
const plain = (_: string, text: string) => text;

it('X5: nothing found is the one word none', () => {
  expect(orphanLines({ ...report, platforms: [] }, plain)).toEqual(['none']);
});

it('X5: each platform has why it is gone, a table of what it left and what would become of it, and the command', () => {
  expect(orphanLines(report, plain)).toEqual([
    'goldenpath-dev-eks-21-11-26-01 is gone: EKS has no such cluster; no run is in flight',
    '  KIND      WHAT                                                                       WHY IT COUNTS               A REMOVAL WOULD',
    '  A record  a.b-21-11-26-01.dev.goldenpathidp.io A 192.0.2.1 (inside-scope, no owner)  in dev.goldenpathidp.io     delete it, once approvers decide repair',
    '  iam:role  n (arn:role/n)                                                             its tags name the platform  delete it',
    '  kms:key   1 (arn:key/1)                                                              its tags name the platform  leave it to you: look at it',
    '  remove with: goldenpath orphans --env dev --remove --confirm goldenpath-dev-eks-21-11-26-01',
    '',
    '2 objects and 1 record of 1 platform that is gone; nothing was changed',
  ]);
});

it('X5: a persistent platform is listed, and no command removes it', () => {
  const [platform] = report.platforms;
  const lines = orphanLines({ ...report, platforms: platform === undefined ? [] : [{ ...platform, lifecycle: 'persistent' }], disputed: [{ what: 'iam:role x', why: 'its tags name a and b' }] }, plain);
  expect(lines.join('\n')).not.toContain('--remove');
  expect(lines).toContain('  iam:role x: its tags name a and b');
});
