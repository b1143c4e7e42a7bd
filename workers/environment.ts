// The worker's configuration, read from the environment and checked whole at start: every problem is named at once (issue 3 § 7).
import { z } from 'zod';

/** Route 53 answers five API requests a second for a whole account, whoever asks (https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests). One a second stays free for every ExternalDNS and for people. */
const ROUTE53_CALLS_PER_SECOND = 4;

/** `9464`, `127.0.0.1:9464` or `[::1]:9464`; a port alone is bound on loopback, so that metrics never leave the machine by accident. */
const metricsAddress = z
  .string()
  .regex(/^(?:(?:[a-z0-9.-]+|\[[0-9a-f:]+\]):)?\d{1,5}$/i, 'must be a port or host:port, e.g. 9464 or 0.0.0.0:9464')
  .transform((address) => (/^\d+$/.test(address) ? `127.0.0.1:${address}` : address));

const workerEnvironmentSchema = z.object({
  AWS_REGION: z.string({ error: 'is missing: the region of the AWS clients, e.g. eu-west-2' }).regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be an AWS region, e.g. eu-west-2'),
  GOLDENPATH_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  /** Prometheus metrics are off unless this is set. */
  GOLDENPATH_METRICS_ADDRESS: metricsAddress.optional(),
  /** Turns Worker Versioning on, PINNED: the id of this build of the code, e.g. a commit. Not a platform's build id. */
  GOLDENPATH_WORKER_BUILD_ID: z.string().regex(/^[\w.-]{1,128}$/, 'must be 1 to 128 letters, digits, dots, underscores or hyphens, e.g. a commit').optional(),
  /** A folder of the manifests of versions.yaml, each named `<sha256>.yaml`, for a worker that cannot reach their addresses. */
  GOLDENPATH_MANIFEST_MIRROR: z.string().optional(),
  /** The authorities that sign the certificates of RDS, PEM; only the database commands need it. */
  GOLDENPATH_RDS_CA: z.string().optional(),
  /** A folder of environment files: plans must name the approvers that these name. */
  GOLDENPATH_ENVIRONMENTS: z.string().optional(),
  GOLDENPATH_ROUTE53_CALLS_PER_SECOND: z.coerce.number({ error: 'must be a number of calls, e.g. 4' }).positive().max(5, 'must be at most 5: Route 53 answers no more for a whole account').default(ROUTE53_CALLS_PER_SECOND),
});

export interface WorkerSettings {
  region: string;
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  metricsAddress: string | undefined;
  workerBuildId: string | undefined;
  manifestMirror: string | undefined;
  rdsCaFile: string | undefined;
  environments: string | undefined;
  route53CallsPerSecond: number;
}

/** What is wrong with the environment, one line a variable. */
export class SettingsProblem extends Error {
  readonly problems: string[];

  constructor(problems: string[]) {
    super(`The worker's environment cannot be used:\n- ${problems.join('\n- ')}`);
    this.name = 'SettingsProblem';
    this.problems = problems;
  }
}

/** Reads the settings. An empty variable counts as not set. Throws SettingsProblem with every problem. */
export function workerSettings(environment: NodeJS.ProcessEnv): WorkerSettings {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = workerEnvironmentSchema.safeParse(given);
  if (!parsed.success) {
    throw new SettingsProblem(parsed.error.issues.map(({ path, message }) => {
      const name = path.join('.');
      return `${name}${given[name] === undefined ? '' : ` (${given[name]})`}: ${message}`;
    }));
  }
  const { data } = parsed;
  return {
    region: data.AWS_REGION,
    logLevel: data.GOLDENPATH_LOG_LEVEL,
    metricsAddress: data.GOLDENPATH_METRICS_ADDRESS,
    workerBuildId: data.GOLDENPATH_WORKER_BUILD_ID,
    manifestMirror: data.GOLDENPATH_MANIFEST_MIRROR,
    rdsCaFile: data.GOLDENPATH_RDS_CA,
    environments: data.GOLDENPATH_ENVIRONMENTS,
    route53CallsPerSecond: data.GOLDENPATH_ROUTE53_CALLS_PER_SECOND,
  };
}
