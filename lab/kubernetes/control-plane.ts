// A real Kubernetes control plane for one EKS cluster: API server, controller manager, scheduler, kwok (C1; design: lab, "Running them").
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { frugalGo } from '../frugal.ts';
import { freePort } from '../ports.ts';
import type { ProcessSpec, Supervisor } from '../processes.ts';
import { removeTree } from '../remove-tree.ts';
import type { Tools } from '../tools.ts';
import { etcdPrefix, forgetCluster } from './etcd.ts';
import type { Etcd } from './etcd.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { kwokStages } from './kwok-stages.ts';

export interface ClusterInput {
  readonly name: string;
  /** A folder of its own for keys, configuration and logs. */
  readonly dir: string;
  readonly tools: Tools;
  readonly supervisor: Supervisor;
  readonly etcd: Etcd;
  /** The service-account issuer: its URL and the RSA keys (PKCS #8 and SPKI PEM) that sign and check its tokens. */
  readonly oidc: { readonly issuer: string; readonly signingKeyPem: string; readonly publicKeyPem: string };
  /** Asked who a bearer token belongs to (TokenReview, authentication.k8s.io/v1). */
  readonly tokenWebhookUrl: string;
}

export interface KubernetesCluster {
  readonly name: string;
  readonly dir: string;
  /** `https://127.0.0.1:<port>` */
  readonly endpoint: string;
  readonly caPem: string;
  /** Kubeconfig of a member of system:masters, for the lab's own stand-ins. */
  readonly adminKubeconfigPath: string;
  /** Ends the control plane and deletes its data from etcd. */
  stop(): Promise<void>;
}

/** The lab's own programs come with a token each: name, user, group. */
const IDENTITIES = [
  { identity: 'admin', user: 'goldenpath-lab:admin', group: 'system:masters' },
  { identity: 'controller-manager', user: 'system:kube-controller-manager', group: '' },
  { identity: 'scheduler', user: 'system:kube-scheduler', group: '' },
  { identity: 'kwok', user: 'goldenpath-lab:kwok', group: 'system:masters' },
] as const;

type Identity = (typeof IDENTITIES)[number]['identity'];
type Kubeconfigs = Readonly<Record<Identity, string>>;

interface Files {
  readonly dir: string;
  readonly pki: string;
  readonly tokens: Readonly<Record<Identity, string>>;
  readonly tokenFile: string;
  readonly signingKey: string;
  readonly publicKey: string;
  readonly webhook: string;
}

/** Starts a control plane; resolves when `/readyz` answers (about 4 s on two idle cores) and the others are started. Throws NotReady. */
export async function startKubernetesCluster(input: ClusterInput): Promise<KubernetesCluster> {
  const { name, dir, supervisor, etcd } = input;
  const files = await writeFiles(input);
  const port = await freePort();
  const endpoint = `https://127.0.0.1:${port}`;
  const names = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'].map((part) => `${part} ${name}`);
  const stop = async (): Promise<void> => {
    for (const process of names.toReversed()) await supervisor.stop(process);
    await forgetCluster(etcd, name);
    await removeTree(dir);
  };
  try {
    await supervisor.start(apiServer(input, files, port));
    const caPem = await certificateAuthority(files);
    const kubeconfigs = await writeKubeconfigs(files, endpoint, caPem);
    for (const spec of [await controllerManager(input, files, kubeconfigs), await scheduler(input, files, kubeconfigs), await kwok(input, files, kubeconfigs)]) {
      await supervisor.start(spec);
    }
    return { name, dir, endpoint, caPem, adminKubeconfigPath: kubeconfigs.admin, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function writeFiles({ dir, oidc, tokenWebhookUrl }: ClusterInput): Promise<Files> {
  const pki = join(dir, 'pki');
  await mkdir(pki, { recursive: true, mode: 0o700 });
  const tokens = { admin: newToken(), 'controller-manager': newToken(), scheduler: newToken(), kwok: newToken() };
  const file = async (name: string, text: string): Promise<string> => {
    const path = join(pki, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  const lines = IDENTITIES.map(({ identity, user, group }) => `${tokens[identity]},${user},${user},"${group}"`);
  return {
    dir,
    pki,
    tokens,
    tokenFile: await file('tokens.csv', `${lines.join('\n')}\n`),
    signingKey: await file('service-account.key', oidc.signingKeyPem),
    publicKey: await file('service-account.pub', oidc.publicKeyPem),
    webhook: await writeKubeconfig(join(pki, 'token-webhook.kubeconfig'), { server: tokenWebhookUrl }),
  };
}

function newToken(): string {
  return randomBytes(24).toString('hex');
}

function apiServer({ name, tools, etcd, oidc }: ClusterInput, files: Files, port: number): ProcessSpec {
  return {
    name: `kube-apiserver ${name}`,
    file: tools.bin['kube-apiserver'],
    args: [
      `--etcd-servers=${etcd.url}`,
      `--etcd-prefix=${etcdPrefix(name)}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none', // EndpointSlices may not name a loopback address
      `--cert-dir=${files.pki}`, // it makes a certificate authority and a certificate of its own there
      '--authorization-mode=Node,RBAC',
      '--service-cluster-ip-range=10.100.0.0/16', // EKS's own default
      '--allow-privileged=true',
      `--token-auth-file=${files.tokenFile}`,
      `--authentication-token-webhook-config-file=${files.webhook}`,
      '--authentication-token-webhook-version=v1',
      '--authentication-token-webhook-cache-ttl=2s', // a changed access entry is felt soon
      `--service-account-issuer=${oidc.issuer}`,
      `--service-account-key-file=${files.publicKey}`,
      `--service-account-signing-key-file=${files.signingKey}`,
      `--api-audiences=${oidc.issuer},https://kubernetes.default.svc,sts.amazonaws.com`,
      '--shutdown-send-retry-after=true', // else an open watch holds the end up for a minute
      '--shutdown-watch-termination-grace-period=2s',
      '--profiling=false',
    ],
    env: frugalGo('650MiB'), // its live heap is some 350 MB; at 450 the collector took two thirds of its time (measured), and a bootstrap a third longer
    logFile: join(files.dir, 'kube-apiserver.log'),
    ready: async () => isReady(port, files),
    restart: true,
  };
}

/** Asks `/readyz` over the certificate authority that the API server made. */
async function isReady(port: number, files: Files): Promise<boolean> {
  const ca = await certificateAuthority(files);
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  get({ host: '127.0.0.1', port, path: '/readyz', ca, headers: { authorization: `Bearer ${files.tokens.admin}` }, agent: false }, (answer) => {
    answer.resume();
    resolve(answer.statusCode === 200);
  }).on('error', reject);
  return promise;
}

/** The last certificate of the API server's own chain is its certificate authority. */
async function certificateAuthority(files: Files): Promise<string> {
  const chain = await readFile(join(files.pki, 'apiserver.crt'), 'utf8');
  const begin = chain.lastIndexOf('-----BEGIN CERTIFICATE-----');
  if (begin <= 0) throw new Error('the API server has not written its chain of certificates yet');
  return chain.slice(begin);
}

async function writeKubeconfigs(files: Files, server: string, caPem: string): Promise<Kubeconfigs> {
  await writeFile(join(files.pki, 'ca.crt'), caPem);
  const write = (identity: Identity) =>
    writeKubeconfig(join(files.pki, `${identity}.kubeconfig`), { server, caPem, credentials: { token: files.tokens[identity] } });
  return {
    admin: await write('admin'),
    'controller-manager': await write('controller-manager'),
    scheduler: await write('scheduler'),
    kwok: await write('kwok'),
  };
}

async function controllerManager({ name, tools }: ClusterInput, files: Files, kubeconfigs: Kubeconfigs): Promise<ProcessSpec> {
  return {
    name: `kube-controller-manager ${name}`,
    file: tools.bin['kube-controller-manager'],
    args: [
      `--kubeconfig=${kubeconfigs['controller-manager']}`,
      `--root-ca-file=${join(files.pki, 'ca.crt')}`,
      `--service-account-private-key-file=${files.signingKey}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      '--node-monitor-grace-period=5m', // 50 s of a starved machine without a heartbeat of kwok are no dead node
      '--bind-address=127.0.0.1',
      `--secure-port=${await freePort()}`,
      `--cert-dir=${join(files.pki, 'controller-manager')}`,
    ],
    env: frugalGo(),
    logFile: join(files.dir, 'kube-controller-manager.log'),
    restart: true,
  };
}

async function scheduler({ name, tools }: ClusterInput, files: Files, kubeconfigs: Kubeconfigs): Promise<ProcessSpec> {
  return {
    name: `kube-scheduler ${name}`,
    file: tools.bin['kube-scheduler'],
    args: [
      `--kubeconfig=${kubeconfigs.scheduler}`,
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      `--secure-port=${await freePort()}`,
      `--cert-dir=${join(files.pki, 'scheduler')}`,
    ],
    env: frugalGo(),
    logFile: join(files.dir, 'kube-scheduler.log'),
    restart: true,
  };
}

async function kwok({ name, tools }: ClusterInput, files: Files, kubeconfigs: Kubeconfigs): Promise<ProcessSpec> {
  const stages = join(files.dir, 'stages.yaml');
  await writeFile(stages, await kwokStages(tools.manifests.kwokStages));
  return {
    name: `kwok ${name}`,
    file: tools.bin.kwok,
    args: [
      `--kubeconfig=${kubeconfigs.kwok}`,
      '--manage-all-nodes=true',
      // Nodes stay alive by heartbeats in their status. With leases kwok 0.8 takes a node's first pods for another holder's until its own
      // cache has seen the lease it has just written, and never looks at them again: a DaemonSet stayed one pod short.
      '--node-lease-duration-seconds=0',
      `--config=${stages}`,
      '--cidr=10.0.128.0/17', // pods have addresses of the VPC, as with the VPC CNI
      `--server-address=127.0.0.1:${await freePort()}`,
    ],
    env: frugalGo(),
    logFile: join(files.dir, 'kwok.log'),
    restart: true,
  };
}
