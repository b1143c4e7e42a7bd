// Text work of the kubelet of processes (design: lab, "A kubelet of processes").
import { expect, test } from 'vitest';
import { expand, movePaths, serviceAddress, setFlag } from '../../../../../lab/kubernetes/kubelet/texts.ts';

test.each([
  ['--requirepass $(REDIS_PASSWORD)', '--requirepass s3cret'],
  ['$(UNKNOWN)', '$(UNKNOWN)'],
  ['$$(REDIS_PASSWORD)', '$(REDIS_PASSWORD)'],
  ['a$(A)$(A)b', 'a11b'],
  ['$5 and $(', '$5 and $('],
])('Lab: %s expands as Kubernetes expands it', (text, expected) => {
  expect(expand(text, { REDIS_PASSWORD: 's3cret', A: '1' })).toBe(expected);
});

test.each([
  ['/tmp/kubecache', '/pod/tmp/kubecache'],
  ['/tmp', '/pod/tmp'],
  ['/tmpfile', '/tmpfile'],
  ['--cache=/tmp/x,/app/config/tls', '--cache=/pod/tmp/x,/pod/app/config/tls'],
  ['/usr/local/bin/argocd', '/usr/local/bin/argocd'],
  ['https://example.org/tmp/x', 'https://example.org/tmp/x'],
])('Lab: the path of a volume in %s moves below the pod, any other stays', (text, expected) => {
  expect(movePaths(text, ['/tmp', '/app/config', '/app/config/tls'], '/pod')).toBe(expected);
});

test('Lab: a flag is set once, whichever way it was written', () => {
  expect(setFlag(['--a=1', '--metrics-address', ':7979', '--metrics-address=:1', '--b'], 'metrics-address', '127.0.0.1:5')).toEqual([
    '--a=1', '--b', '--metrics-address=127.0.0.1:5',
  ]);
});

test.each([
  ['argocd-redis:6379', { namespace: 'argocd', service: 'argocd-redis', port: 6379 }],
  ['argocd-redis.other:6379', { namespace: 'other', service: 'argocd-redis', port: 6379 }],
  ['argocd-redis.other.svc.cluster.local:6379', { namespace: 'other', service: 'argocd-redis', port: 6379 }],
  ['127.0.0.1:6379', undefined],
  ['localhost:6379', undefined],
  ['redis.example.org:6379', undefined],
  ['argocd-redis', undefined],
])('Lab: %s names a Service or nothing in the cluster', (text, expected) => {
  expect(serviceAddress(text, 'argocd')).toEqual(expected);
});
