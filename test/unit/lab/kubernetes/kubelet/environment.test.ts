// A container's environment from the API server's objects (core/v1, EnvVar).
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { ConfigMissing, containerEnv, fieldOf } from '../../../../../lab/kubernetes/kubelet/environment.ts';

const pod: V1Pod = { metadata: { name: 'redis-0', namespace: 'argocd', labels: { tier: '1' } }, spec: { containers: [], nodeName: 'node-1' } };
const objects: Record<string, Record<string, string>> = { params: { 'redis.server': 'other:1' }, redis: { auth: 's3cret' } };
const sources = { configMap: async (name: string) => objects[name], secret: async (name: string) => objects[name] };

test('Lab: values, ConfigMaps, Secrets and fields become variables; what is optional and absent is left out', async () => {
  const container: V1Container = {
    name: 'c',
    envFrom: [{ configMapRef: { name: 'params' }, prefix: 'P_' }],
    env: [
      { name: 'PLAIN', value: 'x' },
      { name: 'JOINED', value: '$(PLAIN)-$(AUTH)' },
      { name: 'AUTH', valueFrom: { secretKeyRef: { name: 'redis', key: 'auth' } } },
      { name: 'LATER', value: '$(AUTH)' },
      { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'ABSENT', valueFrom: { configMapKeyRef: { name: 'params', key: 'none', optional: true } } },
    ],
  };

  expect(await containerEnv(container, pod, sources)).toEqual({
    'P_redis.server': 'other:1', PLAIN: 'x', JOINED: 'x-$(AUTH)', AUTH: 's3cret', LATER: 's3cret', NAMESPACE: 'argocd',
  });
});

test.each([
  [{ secretKeyRef: { name: 'none', key: 'auth' } }, `couldn't find secret none`],
  [{ secretKeyRef: { name: 'redis', key: 'none' } }, `couldn't find key none in secret redis`],
  [{ configMapKeyRef: { name: 'none', key: 'x' } }, `couldn't find configmap none`],
])('Lab: what is neither optional nor there holds the container up, by name', async (valueFrom, message) => {
  const env = containerEnv({ name: 'c', env: [{ name: 'X', valueFrom }] }, pod, sources);

  await expect(env).rejects.toThrow(ConfigMissing);
  await expect(env).rejects.toThrow(message);
});

test('Lab: the downward API gives labels and fields, and refuses what it does not have', () => {
  expect(fieldOf(pod, `metadata.labels['tier']`)).toBe('1');
  expect(fieldOf(pod, `metadata.annotations['none']`)).toBe('');
  expect(fieldOf(pod, 'spec.nodeName')).toBe('node-1');
  expect(() => fieldOf(pod, 'spec.hostname')).toThrow('field spec.hostname is not supported');
});
