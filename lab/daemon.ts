// The daemon of a lab: one detached process that holds the lab's world and ends with it. Started by labUp: node lab/daemon.ts <name>
import { appendFileSync } from 'node:fs';
import { labPaths, readSettings, writeState } from './daemon/state.ts';
import type { LabPaths, LabState } from './daemon/state.ts';
import { raiseWorld } from './daemon/world.ts';
import type { World } from './daemon/world.ts';
import { processStartTime } from './process-identity.ts';
import { Supervisor } from './processes.ts';
import { removeTree } from './remove-tree.ts';
import { ensureTools } from './tools.ts';

/** Runs a lab until it is told to stop (SIGTERM or SIGINT), then leaves nothing behind. A lab that cannot be raised keeps its logs. */
async function runDaemon(name: string): Promise<void> {
  const paths = labPaths(name);
  const settings = await readSettings(paths.settings);
  const supervisor = new Supervisor(paths.registry);
  const stopAsked = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stopAsked.resolve);
  const onProgress = (line: string) => {
    appendFileSync(paths.progress, `${line}\n`);
  };
  const state: LabState = { ...settings, state: 'starting', pid: process.pid, startTime: processStartTime(process.pid) ?? '', startedAt: new Date().toISOString() };
  await writeState(paths, state);
  let world: World;
  try {
    world = await raiseWorld({ paths, settings, tools: await ensureTools({ onProgress }), supervisor, state, onProgress });
  } catch (error) {
    await supervisor.stopAll();
    await writeState(paths, { ...state, state: 'failed', problem: error instanceof Error ? error.message : String(error) });
    throw error;
  }
  await writeState(paths, world.state);
  await stopAsked.promise;
  await lower(paths, world, supervisor);
}

async function lower(paths: LabPaths, world: World, supervisor: Supervisor): Promise<void> {
  await writeState(paths, { ...world.state, state: 'stopping' });
  await supervisor.stop('worker');
  await world.stop();
  await supervisor.stopAll();
  await removeTree(paths.root);
}

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error('usage: node lab/daemon.ts <name>');
await runDaemon(name);
process.exit(0); // a watch that is just ending must not hold the daemon up
