// One Temporal server and one workflow bundle for every workflow test file.
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { TestProject } from 'vitest/node';
import { ensureTools } from '../../lab/tools.ts';
import { buildBundle } from '../../workers/bundle.ts';
import { searchAttribute } from '../../workflows/messages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    temporalAddress: string;
    bundlePath: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const { bin } = await ensureTools({ onProgress: (line) => { process.stderr.write(`${line}\n`); } });
  const server = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: bin.temporal },
      searchAttributes: Object.values(searchAttribute),
      log: { format: 'json', level: 'error' },
      extraArgs: [
        '--dynamic-config-value', 'frontend.WorkflowTimeSkippingEnabled=true',
        // Without it each timer costs a second.
        '--dynamic-config-value', 'history.timerProcessorMaxTimeShift="10ms"',
      ],
    },
  });
  project.provide('temporalAddress', server.address);
  project.provide('bundlePath', await buildBundle());
  return () => server.teardown();
}
