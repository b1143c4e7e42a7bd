// Versions as text (C1).
import { expect, it } from 'vitest';
import { versionLines } from '../../../../client/cli/render-versions.ts';
import type { VersionsReport } from '../../../../domain/version-drift.ts';

const plain = (_: string, text: string) => text;
const ok = { id: 'addon:coredns', where: 'EKS cluster c', expected: 'v1', found: 'v1', ok: true, fix: '' };
const report: VersionsReport = { schema: 1, state: 'as-pinned', environment: 'dev', cluster: 'c', items: [ok] };

it('C1: nothing drifted is one line', () => {
  expect(versionLines(report, plain)).toEqual(['as pinned: all 1 items of c']);
});

it('C1: what drifted is a table, with short digests, and what to do about each below it', () => {
  const drifted = { id: 'image:kong/docker.io/library/kong', where: 'Deployment kong/kong', expected: `kong@sha256:${'a'.repeat(64)}`, found: 'kong:latest', ok: false, fix: 'run what is pinned' };
  expect(versionLines({ ...report, state: 'drift', items: [ok, drifted] }, plain)).toEqual([
    'drift: 1 of 2 items of c is not as environments/versions.yaml pins it',
    '',
    'ITEM                               PINNED                     FOUND        WHERE',
    'image:kong/docker.io/library/kong  kong@sha256:aaaaaaaaaaaa…  kong:latest  Deployment kong/kong',
    '',
    'What to do',
    '  image:kong/docker.io/library/kong: run what is pinned',
  ]);
});
