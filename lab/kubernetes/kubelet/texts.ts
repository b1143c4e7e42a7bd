// What a container's arguments and environment become when it runs as a process on this machine: pure text work.

/** Expands `$(NAME)` as Kubernetes does: an unknown name stays as it is, `$$(NAME)` is an escape (container.args, core/v1). */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (match, name: string | undefined) => {
    if (match === '$$') return '$';
    return (name === undefined ? undefined : env[name]) ?? match;
  });
}

/** Moves each path at or below one of `mounts` into `root`, where the pod's volumes lie: `/tmp/x` becomes `<root>/tmp/x`. */
export function movePaths(text: string, mounts: readonly string[], root: string): string {
  if (mounts.length === 0) return text;
  const longestFirst = mounts.toSorted((a, b) => b.length - a.length).map(escape);
  const pattern = new RegExp(`(?<=^|[=:,\\s])(?:${longestFirst.join('|')})(?=/|$|[:,\\s])`, 'g');
  return text.replace(pattern, (path) => `${root}${path}`);
}

/** Sets `--name=value`, instead of every occurrence that is there (ExternalDNS refuses a repeated flag). */
export function setFlag(args: readonly string[], name: string, value: string): string[] {
  const kept: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (arg === `--${name}`) index += 1; // its value is the next argument
    else if (!arg.startsWith(`--${name}=`)) kept.push(arg);
  }
  return [...kept, `--${name}=${value}`];
}

/** An address inside the cluster, as a Service gives it. */
export interface ServiceAddress {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
}

/**
 * The Service a host and port speak of, from inside `namespace`: `name:port`, `name.namespace:port`, with or without `.svc` and
 * `.cluster.local`. Undefined for everything else.
 */
export function serviceAddress(text: string, namespace: string): ServiceAddress | undefined {
  const match = /^([a-z][a-z0-9-]*)(?:\.([a-z][a-z0-9-]*)(?:\.svc(?:\.cluster\.local)?)?)?:(\d{1,5})$/.exec(text);
  if (match?.[1] === undefined || match[1] === 'localhost') return undefined;
  return { service: match[1], namespace: match[2] ?? namespace, port: Number(match[3]) };
}

/** The text with the host and port of each http URL replaced by what `reach` gives for it. */
export async function reachUrls(text: string, reach: (address: string) => Promise<string>): Promise<string> {
  const addresses = [...new Set([...text.matchAll(URL_HOST)].map(([, , address = '']) => address))];
  const reached = new Map(await Promise.all(addresses.map(async (address) => [address, await reach(address)] as const)));
  return text.replace(URL_HOST, (_, scheme: string, address: string) => `${scheme}${reached.get(address) ?? address}`);
}

const URL_HOST = /(https?:\/\/)([a-z0-9.-]+:\d{1,5})(?![\d])/g;

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
