// How each program that the lab has runs outside a container: its own flags for ports and credentials, and nothing else of the manifest changed.
// Source: the programs' own flags and environment at the pinned versions (design: lab, "Running them").
import { basename, join, resolve } from 'node:path';
import { FRUGAL_NODE } from '../../frugal.ts';
import type { Tools } from '../../tools.ts';
import type { Program } from '../programs.ts';
import { reachUrls, setFlag } from './texts.ts';

export interface Placement {
  readonly tools: Tools;
  readonly program: Program;
  /** `command` and `args` of the container, expanded. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** Environment of the container, expanded. */
  readonly env: Readonly<Record<string, string>>;
  /** Stands for `/` of the container. */
  readonly root: string;
  /** Undefined where the pod gets no service-account token. */
  readonly kubeconfig: string | undefined;
  /** The file that is `/dev/termination-log` to the container. */
  readonly terminationLog: string;
  /** PEM file of the authorities of RDS; undefined where the lab has no RDS. */
  readonly rdsCa: string | undefined;
  /** Loopback port for a port that the program listens on inside the container. */
  readonly hostPort: (containerPort: number) => number;
  /** Loopback address of a Service, written as `name:port`, of the pod's namespace. */
  readonly reach: (address: string) => Promise<string>;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The lab cannot run this container; the message is the pod's status. */
export class NotRunnable extends Error {
  override readonly name = 'NotRunnable';
}

/** Ports that a program may listen on inside its container. */
export const LISTENS_ON: Readonly<Record<Program, readonly number[]>> = {
  'external-dns': [7979],
  redis: [6379],
  argocd: [7000, 8080, 8081, 8082, 8084],
  goldenpath: [],
  backstage: [7007],
  grafana: [3000],
  keycloak: [8080, 9000],
  loki: [3100],
};

/** What to start for a container, or `skip` where its only effect is inside a container image. Throws NotRunnable. */
export async function adapt(placement: Placement): Promise<Command | 'skip'> {
  const adapters = {
    'external-dns': adaptExternalDns, redis: adaptRedis, argocd: adaptArgoCd, goldenpath: adaptGoldenpath,
    backstage: adaptStandIn, grafana: adaptStandIn, keycloak: adaptStandIn, loki: adaptStandIn,
  };
  return adapters[placement.program](placement);
}

/** ExternalDNS (kingpin refuses a repeated flag): where to listen, and a kubeconfig, because /var/run/secrets is not the pod's. */
function adaptExternalDns({ tools, args, env, kubeconfig, hostPort }: Placement): Command {
  const listening = setFlag(args, 'metrics-address', `127.0.0.1:${hostPort(7979)}`);
  return { file: tools.bin['external-dns'], args: kubeconfig === undefined ? listening : setFlag(listening, 'kubeconfig', kubeconfig), env };
}

function adaptRedis({ tools, command, args, env, hostPort }: Placement): Command {
  if (command.length > 0 && basename(command[0] ?? '') !== 'redis-server') throw new NotRunnable(`the lab does not run ${command.join(' ')}`);
  return { file: tools.python.redisServer, args: [...args, '--bind', '127.0.0.1', '--port', String(hostPort(6379))], env };
}

/** Flags with which each role of Argo CD listens on loopback; the application controller's metrics server takes a port only. */
const ARGOCD_ROLES: Readonly<Record<string, (hostPort: (port: number) => number) => readonly string[]>> = {
  'argocd-repo-server': (port) => ['--address=127.0.0.1', `--port=${port(8081)}`, '--metrics-address=127.0.0.1', `--metrics-port=${port(8084)}`],
  'argocd-application-controller': (port) => [`--metrics-port=${port(8082)}`],
  'argocd-applicationset-controller': (port) => [
    `--metrics-addr=127.0.0.1:${port(8080)}`,
    `--probe-addr=127.0.0.1:${port(8081)}`,
    `--webhook-addr=127.0.0.1:${port(7000)}`,
  ],
  argocd: () => [], // the command line, in init containers
};

/** Addresses that Argo CD's roles use when argocd-cmd-params-cm names none (common.go, DefaultRedisAddr and DefaultRepoServerAddr). */
const ARGOCD_ADDRESSES: Readonly<Record<string, string>> = {
  REDIS_SERVER: 'argocd-redis:6379',
  ARGOCD_APPLICATION_CONTROLLER_REPO_SERVER: 'argocd-repo-server:8081',
  ARGOCD_APPLICATIONSET_CONTROLLER_REPO_SERVER: 'argocd-repo-server:8081',
};

/** One binary plays every role of Argo CD, by ARGOCD_BINARY_NAME instead of the name it is called by. */
async function adaptArgoCd({ tools, command, args, env, root, kubeconfig, hostPort, reach }: Placement): Promise<Command | 'skip'> {
  const [program = '', ...rest] = [...command, ...args];
  const role = basename(program);
  if (role === 'cp') return 'skip'; // copies the binary into a volume for plugins, which the lab has none of
  const flags = ARGOCD_ROLES[role];
  if (flags === undefined) throw new NotRunnable(`the lab does not run ${role} of Argo CD`);
  const addresses: Record<string, string> = {};
  for (const [name, address] of Object.entries(ARGOCD_ADDRESSES)) addresses[name] = await reach(env[name] ?? address);
  const config = join(root, 'app', 'config');
  return {
    file: tools.bin.argocd,
    args: [...rest, ...flags(hostPort)],
    env: {
      ...env,
      ...addresses,
      ARGOCD_BINARY_NAME: role,
      ARGOCD_APP_CONF_PATH: config,
      ARGOCD_TLS_DATA_PATH: join(config, 'tls'),
      ARGOCD_SSH_DATA_PATH: join(config, 'ssh'),
      ARGOCD_GNUPGHOME: join(config, 'gpg', 'keys'),
      ARGOCD_GPG_DATA_PATH: join(config, 'gpg', 'source'),
      ARGOCD_GPG_ENABLED: 'false', // a machine without gpg runs the lab as well
      ARGOCD_PLUGINSOCKFILEPATH: join(root, 'home', 'argocd', 'cmp-server', 'plugins'),
      ...(kubeconfig === undefined ? {} : { ARGOCD_FAKE_IN_CLUSTER: 'true', KUBECONFIG: kubeconfig }),
    },
  };
}

const WORK_TREE = resolve(import.meta.dirname, '..', '..', '..');
/** Where the product's image keeps what the lab has elsewhere (deploy/worker.Dockerfile). */
const IN_IMAGE = { cli: 'client/cli/main.ts', rdsCa: '/app/rds-global-bundle.pem' } as const;

/** The product's own image: its command line runs from this work tree, and what the image's files are copied from it for is here too. */
async function adaptGoldenpath({ command, args, env, kubeconfig, terminationLog, rdsCa, reach }: Placement): Promise<Command> {
  const [program = '', script, ...rest] = [...command, ...args];
  if (program === 'cp' && script === IN_IMAGE.rdsCa && rdsCa !== undefined) return { file: '/usr/bin/env', args: ['cp', rdsCa, ...rest], env };
  if (program !== 'node' || script !== IN_IMAGE.cli) throw new NotRunnable(`of this product's image the lab runs only \`node ${IN_IMAGE.cli}\` and \`cp ${IN_IMAGE.rdsCa}\``);
  const reached: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) reached[name] = await reachUrls(value, reach);
  return {
    file: process.execPath,
    args: [...FRUGAL_NODE, join(WORK_TREE, IN_IMAGE.cli), ...(await Promise.all(rest.map((text) => reachUrls(text, reach))))],
    env: { ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }), ...(rdsCa === undefined ? {} : { GOLDENPATH_RDS_CA: rdsCa }), GOLDENPATH_TERMINATION_LOG: terminationLog, ...reached },
  };
}

/** A stand-in of lab/applications/: the container's own arguments and environment, before them the loopback ports of those it listens on. */
function adaptStandIn({ program, args, env, hostPort }: Placement): Command {
  const ports = LISTENS_ON[program].map((port) => String(hostPort(port)));
  return { file: process.execPath, args: [...FRUGAL_NODE, join(WORK_TREE, 'lab', 'applications', `${program}.ts`), ports.join(','), ...args], env };
}
