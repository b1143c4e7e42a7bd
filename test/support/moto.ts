// A moto of its own for a test file, and a gateway before it (lab.md § The gateway).
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startGateway, type Gateway, type GatewayOptions } from '../../lab/aws/gateway.ts';
import { motoCommand, waitForMoto } from '../../lab/aws/moto.ts';
import { rootPrincipal } from '../../lab/aws/principals.ts';
import { freePort } from '../../lab/ports.ts';
import { Supervisor } from '../../lab/processes.ts';
import { withLock } from '../../lab/tools/lock.ts';
import { buildPython, pythonFolder, pythonIsComplete, pythonTools } from '../../lab/tools/python.ts';
import { toolsCache } from '../../lab/tools.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-west-2';
const ROOT_KEY = { accessKeyId: 'AKIATESTROOT00000000', secretAccessKey: 'the-secret-of-the-tests-root-key-0000000' };

export interface TestAws {
  gateway: Gateway;
  /** Settings of SDK clients that call the gateway as the account's root. */
  client: { endpoint: string; region: string; credentials: typeof ROOT_KEY };
  stop(): Promise<void>;
}

/** Starts moto and a gateway with the given services. */
export async function startAws(options: Pick<GatewayOptions, 'services' | 'timeScale'> = {}): Promise<TestAws> {
  const dir = await mkdtemp(join(tmpdir(), 'goldenpath-test-'));
  const supervisor = new Supervisor(join(dir, 'processes.json')); // its children end with the test's process, however that ends
  const end = async (): Promise<void> => {
    await supervisor.stopAll();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const gateway = await startGateway({
      ...options, motoUrl: await startMoto(supervisor, dir), account: ACCOUNT, region: REGION, keys: [{ ...ROOT_KEY, principal: rootPrincipal(ACCOUNT) }],
    });
    return {
      gateway,
      client: { endpoint: gateway.url, region: REGION, credentials: ROOT_KEY },
      async stop() {
        await gateway.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function startMoto(supervisor: Supervisor, dir: string): Promise<string> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { args, env } = motoCommand({ port });
  const file = await motoServer();
  const path = process.env['PATH'] ?? '';
  await supervisor.start({
    name: 'moto', file, args, env: { PATH: path, HOME: dir, ...env }, logFile: join(dir, 'moto.log'),
    ready: async () => {
      await waitForMoto(url);
      return true;
    },
  });
  return url;
}

/** The lab's own moto, installed into the cache of tools where it is missing. */
async function motoServer(): Promise<string> {
  const requirements = resolve(import.meta.dirname, '..', '..', 'tools', 'python', 'requirements.txt');
  const cache = toolsCache();
  await mkdir(cache, { recursive: true });
  const folder = join(cache, await pythonFolder(requirements));
  if (!pythonIsComplete(folder)) {
    await withLock(join(cache, '.lock'), () => {}, async () => {
      if (!pythonIsComplete(folder)) await buildPython(folder, requirements, () => {});
    });
  }
  return (await pythonTools(folder)).motoServer;
}
