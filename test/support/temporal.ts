// One workflow bundle for every workflow test file, and a Temporal server for each of vitest's workers: files that run side by side share no task queue.
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { TestProject } from 'vitest/node';
import { ensureTools } from '../../lab/tools.ts';
import { buildBundle } from '../../workers/bundle.ts';
import { searchAttribute } from '../../workflows/messages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** By the worker's number. */
    temporalAddresses: string[];
    bundlePath: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const { bin } = await ensureTools({ onProgress: (line) => { process.stderr.write(`${line}\n`); } });
  const servers: TestWorkflowEnvironment[] = [];
  // One after the other: each looks for free ports before it listens on them.
  while (servers.length < project.vitest.config.maxWorkers) servers.push(await startServer(bin.temporal));
  project.provide('temporalAddresses', servers.map(({ address }) => address));
  project.provide('bundlePath', await buildBundle());
  return async () => { await Promise.all(servers.map((server) => server.teardown())); };
}

function startServer(executable: string): Promise<TestWorkflowEnvironment> {
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: executable },
      searchAttributes: Object.values(searchAttribute),
      log: { format: 'json', level: 'error' },
      extraArgs: [
        '--dynamic-config-value', 'frontend.WorkflowTimeSkippingEnabled=true',
        // Without it each timer costs a second.
        '--dynamic-config-value', 'history.timerProcessorMaxTimeShift="10ms"',
      ],
    },
  });
}
