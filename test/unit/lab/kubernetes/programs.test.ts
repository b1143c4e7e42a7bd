// Which pods are real processes in the lab, and that kwok's selector agrees (design: lab, "A kubelet of processes").
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { IMAGES_WITH_A_PROGRAM, otherTag, programOf, runsAsProcesses } from '../../../../lab/kubernetes/programs.ts';

const DIGEST = 'sha256:f53faaf71cb270d1ca9dce6ea0c94bfebf1a18696263487f0fbc74b9bf2bd7ff';

test.each([
  ['registry.k8s.io/external-dns/external-dns:v0.21.0', 'external-dns'],
  [`registry.k8s.io/external-dns/external-dns@${DIGEST}`, 'external-dns'],
  [`mirror.example:5000/external-dns/external-dns:v0.21.0@${DIGEST}`, 'external-dns'],
  ['quay.io/argoproj/argocd:v3.2.11', 'argocd'],
  ['public.ecr.aws/docker/library/redis:8.2.2-alpine', 'redis'],
  ['redis', 'redis'],
  [`ghcr.io/goldenpathidp/goldenpath@${DIGEST}`, 'goldenpath'],
  ['ghcr.io/backstage/backstage:1.53.1', 'backstage'],
  [`quay.io/keycloak/keycloak@${DIGEST}`, 'keycloak'],
  ['docker.io/grafana/loki:3.7.8', 'loki'],
  ['quay.io/keycloak/keycloak-operator:26.7.4', undefined],
  ['docker.io/grafana/loki-canary:3.7.8', undefined],
  ['docker.io/bitnami/external-dns:0.15', undefined],
  ['quay.io/argoproj/argocd-extension-installer:v1', undefined],
  ['nginx', undefined],
  ['example.com/my-redis:1', undefined],
])('Lab: %s is run by %s, and kwok leaves alone exactly what has a program', (image, program) => {
  expect(programOf({ image })).toBe(program);
  expect(runsAsProcesses([{ image: 'nginx' }, { image }])).toBe(program !== undefined);
  // kwok evaluates the same patterns with Go's RE2, whose syntax they stay within.
  const patterns = [...IMAGES_WITH_A_PROGRAM.matchAll(/\(\.image \| test\("([^"]+)"\)\)(?! and)/g)].map(([, pattern = '']) => new RegExp(pattern));
  expect(patterns.some((pattern) => pattern.test(image))).toBe(program !== undefined);
});

test('Lab: of Grafana, only the one on PostgreSQL is run; kwok has the others', () => {
  const grafana = (value: string) => ({ image: `docker.io/grafana/grafana@${DIGEST}`, env: [{ name: 'GF_LOG_MODE', value: 'console' }, { name: 'GF_DATABASE_TYPE', value }] });

  expect([programOf(grafana('postgres')), programOf(grafana('sqlite3')), programOf({ image: 'docker.io/grafana/grafana:13.2.1' })]).toEqual(['grafana', undefined, undefined]);
  expect(IMAGES_WITH_A_PROGRAM).toContain('and any(.env[]?; .name == "GF_DATABASE_TYPE" and .value == "postgres"))');
});

test.each([
  ['quay.io/argoproj/argocd:v3.2.11', undefined],
  ['quay.io/argoproj/argocd:v3.3.0', 'v3.2.11'],
  [`quay.io/argoproj/argocd@${DIGEST}`, undefined],
  [`registry.k8s.io/external-dns/external-dns:v0.22.0@${DIGEST}`, 'v0.21.0'],
  ['localhost:5000/argoproj/argocd', undefined],
  ['redis:8', undefined],
])('Lab: an image of another version than the lab has is refused: %s', (image, expected) => {
  expect(otherTag({ image })).toBe(expected);
});

test.each([
  ['argocd', 'github.com/argoproj/argo-cd/v3', 'quay.io/argoproj/argocd'],
  ['external-dns', 'sigs.k8s.io/external-dns', 'registry.k8s.io/external-dns/external-dns'],
])('G1: the tag that the lab stands for is the version that tools/%s pins', (module, path, image) => {
  const goMod = readFileSync(join(resolve(import.meta.dirname, '../../../..'), 'tools', module, 'go.mod'), 'utf8');
  const version = new RegExp(`^\\s*(?:require )?${path.replaceAll('.', '\\.')} (v\\S+)`, 'm').exec(goMod)?.[1];

  expect(version).toMatch(/^v\d/);
  expect(otherTag({ image: `${image}:${version ?? ''}` })).toBeUndefined();
});
