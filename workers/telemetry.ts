// Logs and metrics of a worker: one pino stream for the SDK, its core, workflows and activities; Prometheus where asked for (issue 3 § 7).
import { DefaultLogger, type Logger, type LogLevel, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { type Level, type Logger as PinoLogger, pino } from 'pino';
import type { WorkerSettings } from './environment.ts';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const satisfies Record<LogLevel, Level>;

/** Installs logs and metrics for this process; call it once, before any other use of the SDK. Throws where the metrics address cannot be bound. */
export function installTelemetry({ logLevel, metricsAddress }: Pick<WorkerSettings, 'logLevel' | 'metricsAddress'>): PinoLogger {
  const log = pino({
    name: 'goldenpath-worker',
    level: logLevel,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { error: pino.stdSerializers.err }, // the SDK names it `error`
  });
  const prometheus = { useSecondsForDurations: true, countersTotalSuffix: true, unitSuffix: true };
  Runtime.install({
    logger: temporalLogger(log),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }) },
      ...(metricsAddress === undefined ? {} : { metrics: { prometheus: { bindAddress: metricsAddress, ...prometheus } } }),
    },
  });
  return log;
}

/** Sends what the SDK logs through pino. `at` is when it happened; core's lines arrive in batches. */
function temporalLogger(target: PinoLogger): Logger {
  return new DefaultLogger('TRACE', ({ level, message, meta, timestampNanos }) => {
    target[LEVELS[level]]({ ...meta, at: Number(timestampNanos / 1_000_000n) }, message);
  });
}
