#!/usr/bin/env node
// The worker process: checks its environment, builds the clients, serves both task queues until it is told to stop (issue 3 § 7).
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, TransportError, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities, createZoneActivities } from '../activities/index.ts';
import { createClients } from '../activities/clients.ts';
import { pace } from '../activities/pace.ts';
import { ROUTE53_TASK_QUEUE, TASK_QUEUE } from '../workflows/messages.ts';
import { ensureBundle } from './bundle.ts';
import { readEnvironments } from './environments.ts';
import { SettingsProblem, type WorkerSettings, workerSettings } from './environment.ts';
import { installTelemetry } from './telemetry.ts';

/** A platform's run is one workflow with one or two things going on at a time: these hold some thirty runs a worker, within some 200 MB. */
const CAPACITY = {
  maxCachedWorkflows: 30,
  maxConcurrentWorkflowTaskExecutions: 10,
  workflowThreadPoolSize: 1,
  reuseV8Context: true,
} as const satisfies Partial<WorkerOptions>;
const MAX_ACTIVITIES = 40;

/**
 * How long running activities may finish after SIGTERM before they are cancelled, and when the process gives up waiting.
 * Below the 30 s that container engines allow.
 */
const SHUTDOWN = { shutdownGraceTime: '15 seconds', shutdownForceTime: '25 seconds' } as const;

/**
 * Runs a worker until SIGINT or SIGTERM, which the SDK turns into a graceful shutdown. Returns the exit code: 2 where the
 * environment cannot be used, 1 where no server answers, both said on stderr. Throws what makes a worker fail later on.
 */
export async function runWorker(environment: NodeJS.ProcessEnv): Promise<number> {
  try {
    await serve(workerSettings(environment));
    return 0;
  } catch (error) {
    if (!(error instanceof SettingsProblem) && !(error instanceof TransportError)) throw error;
    process.stderr.write(`${error instanceof TransportError ? 'No Temporal server answers: ' : ''}${error.message}\n`);
    return error instanceof SettingsProblem ? 2 : 1;
  }
}

async function serve(settings: WorkerSettings): Promise<void> {
  const { connectionOptions, namespace = 'default' } = temporalSettings();
  const environments = settings.environments === undefined ? undefined : await readEnvironments(settings.environments);
  const log = installTelemetry(settings);
  const codePath = await ensureBundle();
  const connection = await NativeConnection.connect(connectionOptions);
  try {
    const clients = createClients(settings.region);
    pace(clients.route53, settings.route53CallsPerSecond);
    const common = { connection, namespace, ...SHUTDOWN, ...versioning(settings) };
    const platform = await Worker.create({
      ...common,
      ...CAPACITY,
      taskQueue: TASK_QUEUE,
      workflowBundle: { codePath },
      activities: createActivities(clients, { manifestMirror: settings.manifestMirror, rdsCaFile: settings.rdsCaFile, environments }),
      maxConcurrentActivityTaskExecutions: MAX_ACTIVITIES,
    });
    const zone = await Worker.create({
      ...common,
      taskQueue: ROUTE53_TASK_QUEUE,
      activities: createZoneActivities(clients, { environments }),
      maxConcurrentActivityTaskExecutions: MAX_ACTIVITIES,
      // The server shares this rate among all workers of the queue: a fleet of teardowns cannot starve ExternalDNS.
      maxTaskQueueActivitiesPerSecond: settings.route53CallsPerSecond,
    });
    const served = {
      address: connectionOptions.address ?? 'localhost:7233',
      namespace,
      taskQueues: [TASK_QUEUE, ROUTE53_TASK_QUEUE],
      metrics: settings.metricsAddress ?? 'off',
      environments: environments === undefined ? 'none: the approvers in a plan are taken as they are' : [...environments.keys()],
    };
    log.info(served, 'worker ready');
    await runAll([platform, zone]);
    log.info('worker stopped');
  } finally {
    await connection.close();
  }
}

/** Temporal's own environment: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS…, or a profile of TEMPORAL_CONFIG_FILE. */
function temporalSettings() {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new SettingsProblem([`Temporal's configuration (TEMPORAL_…): ${error.message}`]);
  }
}

function versioning({ workerBuildId }: WorkerSettings): Partial<WorkerOptions> {
  if (workerBuildId === undefined) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName: 'goldenpath', buildId: workerBuildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  };
}

/** One worker that fails takes the others down with it: a process that serves half of its queues would only look alive. */
async function runAll(workers: Worker[]): Promise<void> {
  const runs = workers.map(async (worker) => {
    try {
      await worker.run();
    } finally {
      for (const other of workers) if (other.getState() === 'RUNNING') other.shutdown();
    }
  });
  const failed = (await Promise.allSettled(runs)).filter((run) => run.status === 'rejected');
  if (failed.length > 0) throw new AggregateError(failed.map(({ reason }): unknown => reason), 'a worker failed');
}

if (import.meta.main) process.exitCode = await runWorker(process.env);
