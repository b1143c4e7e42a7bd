// Control-plane logging into CloudWatch Logs: group /aws/eks/<cluster>/cluster. The service creates it anew whenever it
// finds it gone, also while the cluster is being deleted (teardown.md, failure 30).
import { CreateLogGroupCommand, CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import type { LogType } from '@aws-sdk/client-eks';
import type { ClusterRecord, EksState } from './state.ts';
import { describe } from './work.ts';

/** Milliseconds between two batches; EKS delivers within minutes, the lab's runs last only minutes. */
const INTERVAL_MS = 5000;

/** The name of a cluster's log group. */
export const logGroupOf = (cluster: string): string => `/aws/eks/${cluster}/cluster`;

/** Starts delivery if any log type is enabled, and writes the first batch. */
export async function startLogging(state: EksState, cluster: ClusterRecord): Promise<void> {
  if (enabledTypes(cluster).length === 0 || cluster.stopLogging !== undefined) return;
  let last: Promise<void> = Promise.resolve();
  const deliver = (): Promise<void> => {
    last = last.then(() => write(state, cluster)).catch((cause: unknown) => {
      // Delivery is best effort, as with AWS; that it failed is said where the cluster's health is asked.
      cluster.detail.health = { issues: [{ code: 'Other', message: `Control plane logs: ${describe(cause)}`, resourceIds: [] }] };
    });
    return last;
  };
  const timer = setInterval(() => void deliver(), INTERVAL_MS);
  cluster.stopLogging = () => {
    clearInterval(timer);
    return deliver(); // what the control plane wrote last arrives after it is gone
  };
  await deliver();
}

/** Ends delivery with a last batch. */
export async function stopLogging(cluster: ClusterRecord): Promise<void> {
  await cluster.stopLogging?.();
  delete cluster.stopLogging;
}

function enabledTypes({ detail }: ClusterRecord): LogType[] {
  return detail.logging?.clusterLogging?.flatMap((setup) => (setup.enabled === true ? setup.types ?? [] : [])) ?? [];
}

async function write({ backdoor: { logs }, world }: EksState, cluster: ClusterRecord): Promise<void> {
  const { detail, life } = cluster;
  for (const type of enabledTypes(cluster)) {
    const stream = { logGroupName: logGroupOf(detail.name), logStreamName: `kube-${type}-${streamId(cluster)}` };
    const message = JSON.stringify({ component: type, cluster: detail.name, status: life.status, version: detail.version });
    const put = new PutLogEventsCommand({ ...stream, logEvents: [{ timestamp: world.clock.now().getTime(), message }] });
    try {
      await logs.send(put);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ResourceNotFoundException') throw error;
      await unlessExists(() => logs.send(new CreateLogGroupCommand({ logGroupName: stream.logGroupName })));
      await unlessExists(() => logs.send(new CreateLogStreamCommand(stream)));
      await logs.send(put);
    }
  }
}

/** Log streams carry an id of the cluster's own; the issuer's is at hand. */
function streamId({ oidc }: ClusterRecord): string {
  return oidc.issuer.slice(-32).toLowerCase();
}

async function unlessExists(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ResourceAlreadyExistsException') throw error;
  }
}
