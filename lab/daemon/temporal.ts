// The lab's Temporal server: the real one with its UI, on files, so that runs go on when it is restarted (design: lab).
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { frugalGo } from '../frugal.ts';
import { freePort } from '../ports.ts';
import { NotReady, type Supervisor } from '../processes.ts';

export interface TemporalServer {
  /** host:port */
  readonly address: string;
  readonly ui: string;
}

/** Search attributes of a run, all keywords. A unit test compares them with the workflows' own list. */
export const SEARCH_ATTRIBUTES = [
  'GoldenpathEnvironment',
  'GoldenpathCluster',
  'GoldenpathLifecycle',
  'GoldenpathPhase',
  'GoldenpathTier',
  'GoldenpathGate',
  'GoldenpathRequester',
  'GoldenpathCommit',
] as const;

interface Input {
  readonly binary: string;
  readonly dir: string;
  readonly supervisor: Supervisor;
}

/**
 * How often it is started. The dev server looks for free ports for its own services before it listens on them; where another program took one in between it panics
 * (`grpc.(*Server).Serve` on no listener, seen with server 1.32 in one start of some hundreds).
 */
const ATTEMPTS = 3;

/** Starts the server with its data in `dir`. Throws NotReady. */
export async function startTemporal(input: Input): Promise<TemporalServer> {
  await mkdir(input.dir, { recursive: true, mode: 0o700 });
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(input);
    } catch (error) {
      if (!(error instanceof NotReady) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function start(input: Input): Promise<TemporalServer> {
  const [port, uiPort] = [await freePort(), await freePort()];
  await input.supervisor.start({
    name: 'temporal',
    file: input.binary,
    args: [
      'server',
      'start-dev',
      '--ip=127.0.0.1',
      `--port=${port}`,
      `--ui-port=${uiPort}`,
      `--http-port=${await freePort()}`,
      `--metrics-port=${await freePort()}`,
      `--db-filename=${join(input.dir, 'temporal.db')}`,
      '--log-level=warn',
      '--dynamic-config-value=history.timerProcessorMaxTimeShift="10ms"', // else each timer costs a second
      '--dynamic-config-value=history.transferProcessorUpdateAckInterval="2s"', // else an execution that is deleted stays for half a minute
      ...SEARCH_ATTRIBUTES.map((name) => `--search-attribute=${name}=Keyword`),
    ],
    env: frugalGo(),
    logFile: join(input.dir, 'temporal.log'),
    // The search attributes are registered before the port of the UI is opened.
    ready: async () => (await listens(port)) && (await fetch(`http://127.0.0.1:${uiPort}/api/v1/cluster-info`)).ok,
    restart: true,
  });
  return { address: `127.0.0.1:${port}`, ui: `http://127.0.0.1:${uiPort}` };
}

async function listens(port: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1', () => {
    resolve(true);
    socket.destroy();
  });
  socket.on('error', reject);
  return promise;
}
