// Where a stand-in application of the lab (lab/applications) listens: what a pod's address is elsewhere.
import { readFileSync } from 'node:fs';
import { processStartTime } from '../../lab/process-identity.ts';
import { livingProcesses } from '../../lab/process-registry.ts';
import { eventually } from './lab.ts';

/** The loopback address of a Deployment's newest pod, once it runs: it is told its ports, one of which `index` counts, as its first argument. `registry`: the lab's file of processes. */
export async function standInAddress(registry: string, deployment: string, index = 0): Promise<string> {
  return eventually(`${deployment} to run`, 120, async () => {
    const ours = new RegExp(`(^|/)${deployment}-[0-9a-f]+-[a-z0-9]+/`);
    const running = (await livingProcesses(registry)).filter(({ name }) => ours.test(name) && !name.includes('/rds-ca ')).at(-1);
    if (running === undefined || processStartTime(running.pid) === undefined) return undefined;
    const parts = readFileSync(`/proc/${running.pid}/cmdline`, 'utf8').split('\0');
    const ports = parts[parts.findIndex((part) => part.includes('/lab/applications/')) + 1]?.split(',') ?? [];
    return `http://127.0.0.1:${ports[index] ?? ''}`;
  });
}
