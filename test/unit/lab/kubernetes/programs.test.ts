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
  ['docker.io/bitnami/external-dns:0.15', undefined],
  ['quay.io/argoproj/argocd-extension-installer:v1', undefined],
  ['nginx', undefined],
  ['example.com/my-redis:1', undefined],
])('Lab: %s is run by %s, and kwok leaves alone exactly what has a program', (image, program) => {
  expect(programOf(image)).toBe(program);
  expect(runsAsProcesses(['nginx', image])).toBe(program !== undefined);
  // kwok evaluates the same text with Go's RE2, whose syntax this stays within.
  expect(new RegExp(IMAGES_WITH_A_PROGRAM).test(image)).toBe(program !== undefined);
});

test.each([
  ['quay.io/argoproj/argocd:v3.2.11', undefined],
  ['quay.io/argoproj/argocd:v3.3.0', 'v3.2.11'],
  [`quay.io/argoproj/argocd@${DIGEST}`, undefined],
  [`registry.k8s.io/external-dns/external-dns:v0.22.0@${DIGEST}`, 'v0.21.0'],
  ['localhost:5000/argoproj/argocd', undefined],
  ['redis:8', undefined],
])('Lab: an image of another version than the lab has is refused: %s', (image, expected) => {
  expect(otherTag(image)).toBe(expected);
});

test.each([
  ['argocd', 'github.com/argoproj/argo-cd/v3', 'quay.io/argoproj/argocd'],
  ['external-dns', 'sigs.k8s.io/external-dns', 'registry.k8s.io/external-dns/external-dns'],
])('G1: the tag that the lab stands for is the version that tools/%s pins', (module, path, image) => {
  const goMod = readFileSync(join(resolve(import.meta.dirname, '../../../..'), 'tools', module, 'go.mod'), 'utf8');
  const version = new RegExp(`^\\s*(?:require )?${path.replaceAll('.', '\\.')} (v\\S+)`, 'm').exec(goMod)?.[1];

  expect(version).toMatch(/^v\d/);
  expect(otherTag(`${image}:${version ?? ''}`)).toBeUndefined();
});
