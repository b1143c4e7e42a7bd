// `goldenpath worker`: a worker process in this terminal, as `node workers/main.ts` is one.
import { Command } from 'commander';

export function workerCommand(): Command {
  return new Command('worker')
    .description('run a worker until SIGINT or SIGTERM; logs go to stdout as JSON')
    .addHelpText('after', '\nEnvironment: AWS_REGION and the AWS credentials chain, TEMPORAL_ADDRESS and Temporal’s other variables,\nGOLDENPATH_LOG_LEVEL, GOLDENPATH_METRICS_ADDRESS, GOLDENPATH_WORKER_BUILD_ID,\nGOLDENPATH_ENVIRONMENTS, GOLDENPATH_MANIFEST_MIRROR, GOLDENPATH_RDS_CA,\nGOLDENPATH_ROUTE53_CALLS_PER_SECOND.\n\nExamples:\n  eval "$(goldenpath lab env)" && goldenpath worker\n  AWS_REGION=eu-west-2 TEMPORAL_ADDRESS=temporal.example.org:7233 goldenpath worker')
    .action(async () => {
      const { runWorker } = await import('../../workers/main.ts'); // the native part of the SDK's worker is of no use to any other command
      process.exitCode = await runWorker(process.env);
    });
}
