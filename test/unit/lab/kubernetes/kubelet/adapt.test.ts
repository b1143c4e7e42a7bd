// What a container's command becomes on this machine: the manifest's own arguments, with ports and credentials of the lab.
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { FRUGAL_NODE } from '../../../../../lab/frugal.ts';
import { NotRunnable, adapt } from '../../../../../lab/kubernetes/kubelet/adapt.ts';
import type { Placement } from '../../../../../lab/kubernetes/kubelet/adapt.ts';
import type { Tools } from '../../../../../lab/tools.ts';

const tools = { bin: { argocd: '/bin/argocd', 'external-dns': '/bin/external-dns' }, python: { redisServer: '/bin/redis-server' } } as unknown as Tools;

function placement(changes: Partial<Placement>): Placement {
  return {
    tools,
    program: 'argocd',
    command: [],
    args: [],
    env: {},
    root: '/pod',
    kubeconfig: '/pod/kubeconfig',
    terminationLog: '/pod/dev/main/termination-log',
    rdsCa: '/lab/rds-ca.pem',
    hostPort: (port) => 40_000 + port,
    reach: async (address) => `loopback(${address})`,
    ...changes,
  };
}

test('D2: ExternalDNS keeps every argument of its manifest and gets an address and a kubeconfig', async () => {
  const args = ['--source=ingress', '--policy=sync', '--txt-prefix=%{record_type}-xdns.', '--events'];

  expect(await adapt(placement({ program: 'external-dns', args, env: { AWS_REGION: 'eu-west-2' } }))).toEqual({
    file: '/bin/external-dns',
    args: [...args, '--metrics-address=127.0.0.1:47979', '--kubeconfig=/pod/kubeconfig'],
    env: { AWS_REGION: 'eu-west-2' },
  });
});

test('A2: the repo server of core-install runs with its own arguments, listening on loopback', async () => {
  const command = await adapt(placement({ args: ['/usr/local/bin/argocd-repo-server', '--loglevel=debug'] }));

  expect(command).toMatchObject({
    file: '/bin/argocd',
    args: ['--loglevel=debug', '--address=127.0.0.1', '--port=48081', '--metrics-address=127.0.0.1', '--metrics-port=48084'],
    env: { ARGOCD_BINARY_NAME: 'argocd-repo-server', REDIS_SERVER: 'loopback(argocd-redis:6379)', ARGOCD_APP_CONF_PATH: '/pod/app/config' },
  });
});

test('A2: an address that argocd-cmd-params-cm sets is the one that is reached', async () => {
  const command = await adapt(placement({ command: ['argocd-application-controller'], env: { REDIS_SERVER: 'ha-redis:6380' } }));

  expect(command).toMatchObject({ env: { REDIS_SERVER: 'loopback(ha-redis:6380)', ARGOCD_APPLICATION_CONTROLLER_REPO_SERVER: 'loopback(argocd-repo-server:8081)' } });
});

test('Lab: without a service-account token Argo CD gets no way into the cluster', async () => {
  const command = await adapt(placement({ args: ['argocd-repo-server'], kubeconfig: undefined }));

  expect(command).not.toHaveProperty('env.KUBECONFIG');
  expect(command).not.toHaveProperty('env.ARGOCD_FAKE_IN_CLUSTER');
});

test('Lab: redis gets its arguments as they are, and a port', async () => {
  expect(await adapt(placement({ program: 'redis', args: ['--save', '', '--requirepass x'] }))).toMatchObject({
    file: '/bin/redis-server',
    args: ['--save', '', '--requirepass x', '--bind', '127.0.0.1', '--port', '46379'],
  });
});

test('Lab: copying a program out of an image is skipped, and a role that the lab does not know is refused', async () => {
  expect(await adapt(placement({ command: ['/bin/cp', '-n', '/usr/local/bin/argocd', '/var/run/argocd/argocd-cmp-server'] }))).toBe('skip');
  await expect(adapt(placement({ args: ['/usr/local/bin/argocd-notifications'] }))).rejects.toThrow(NotRunnable);
  await expect(adapt(placement({ program: 'redis', command: ['sh', '-c', 'true'] }))).rejects.toThrow('the lab does not run sh -c true');
});

const WORK_TREE = resolve(import.meta.dirname, '../../../../..');

test('T2: this product’s image runs its command line from the work tree, with addresses of Services, the authorities of RDS and a termination log', async () => {
  const command = await adapt(placement({
    program: 'goldenpath',
    command: ['node', 'client/cli/main.ts'],
    args: ['preflight', '--tier', '2'],
    env: { POSTGRES_HOST: 'db.example.org', GOLDENPATH_URLS: 'one=http://keycloak.keycloak:8080/realms/x,two=https://backstage.backstage:7007/' },
  }));

  expect(command).toEqual({
    file: process.execPath,
    args: [...FRUGAL_NODE, join(WORK_TREE, 'client/cli/main.ts'), 'preflight', '--tier', '2'],
    env: {
      POSTGRES_HOST: 'db.example.org',
      GOLDENPATH_URLS: 'one=http://loopback(keycloak.keycloak:8080)/realms/x,two=https://loopback(backstage.backstage:7007)/',
      KUBECONFIG: '/pod/kubeconfig',
      GOLDENPATH_RDS_CA: '/lab/rds-ca.pem',
      GOLDENPATH_TERMINATION_LOG: '/pod/dev/main/termination-log',
    },
  });
});

test('T2: what an init container copies out of this product’s image are the lab’s authorities of RDS', async () => {
  expect(await adapt(placement({ program: 'goldenpath', command: ['cp'], args: ['/app/rds-global-bundle.pem', '/pod/rds-ca/'] }))).toMatchObject({ args: ['cp', '/lab/rds-ca.pem', '/pod/rds-ca/'] });
});

test('Lab: nothing else of this product’s image is run', async () => {
  await expect(adapt(placement({ program: 'goldenpath', command: ['node', 'workers/main.ts'] }))).rejects.toThrow(NotRunnable);
  await expect(adapt(placement({ program: 'goldenpath', command: ['cp', '/etc/passwd', '/x'] }))).rejects.toThrow(NotRunnable);
});

test('T3: a stand-in gets its ports, then the container’s own arguments and environment', async () => {
  expect(await adapt(placement({ program: 'keycloak', args: ['start'], env: { KC_DB: 'postgres' } }))).toEqual({
    file: process.execPath,
    args: [...FRUGAL_NODE, join(WORK_TREE, 'lab/applications/keycloak.ts'), '48080,49000', 'start'],
    env: { KC_DB: 'postgres' },
  });
});
