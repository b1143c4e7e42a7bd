// How moto is started and asked: it stands behind the gateway for every service the gateway does not own (lab.md).
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './service.ts';

/** Arguments and environment of the moto process; the executable is the venv's `moto_server`. */
export interface MotoCommand {
  args: string[];
  env: Record<string, string>;
}

/**
 * The command line that serves moto on a loopback port. Managed policies are loaded for AdministratorAccess and the EKS
 * node policies; default AMIs are not, they take seconds and nothing here reads them. Buckets are named in the path.
 */
export function motoCommand({ port }: { port: number }): MotoCommand {
  return {
    args: ['-H', '127.0.0.1', '-p', String(port)],
    env: {
      MOTO_IAM_LOAD_MANAGED_POLICIES: 'true',
      MOTO_EC2_LOAD_DEFAULT_AMIS: 'false',
      PYTHONUNBUFFERED: '1',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  };
}

/**
 * Waits until moto answers.
 * @param url e.g. `http://127.0.0.1:5000`
 * @param deadlineMs milliseconds; a cold start of its Python takes up to ten seconds on a busy machine
 * @throws Error when the deadline passes
 */
export async function waitForMoto(url: string, deadlineMs = 60_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    if (await answers(url)) return;
    if (Date.now() > deadline) throw new Error(`moto did not answer at ${url} within ${deadlineMs} ms`);
    await sleep(100);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/moto-api/data.json`, { signal: AbortSignal.timeout(5000) });
    await response.arrayBuffer();
    return response.ok;
  } catch (cause) {
    if (cause instanceof TypeError || (cause instanceof DOMException && cause.name === 'TimeoutError')) return false; // not listening yet
    throw cause;
  }
}

/** Settings for an SDK client that asks moto itself, past the gateway; finish with {@link inAccount}. */
export function motoClientConfig(world: Pick<World, 'motoUrl' | 'region'>) {
  return {
    endpoint: world.motoUrl,
    region: world.region,
    credentials: { accessKeyId: 'AKIALABGATEWAY000000', secretAccessKey: 'moto-checks-no-signature' },
  };
}

/** Names the account to moto, which takes an unknown key for its own default account. */
export function inAccount<Client extends { middlewareStack: { add(step: never, options: never): void } }>(client: Client, account: string): Client {
  const step = (next: (args: object) => unknown) => (args: { request: { headers: Record<string, string> } }) => {
    args.request.headers['x-moto-account-id'] = account;
    return next(args);
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every client has the same stack, typed by its own inputs
  client.middlewareStack.add(step as never, { step: 'build', name: 'motoAccount' } as never);
  return client;
}
