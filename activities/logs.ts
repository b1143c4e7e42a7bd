// The control plane's log group: made before the cluster, so that it has retention and tags; deleted after it (C1, failure 30).
import { CreateLogGroupCommand, type CloudWatchLogsClient, DeleteLogGroupCommand, ListTagsForResourceCommand, type LogGroup, paginateDescribeLogGroups, PutRetentionPolicyCommand } from '@aws-sdk/client-cloudwatch-logs';
import { isSolelyOf, TAG } from '../domain/names.ts';
import type { Target } from '../domain/plan.ts';
import type { OwnedObject } from '../domain/report.ts';
import type { Clients } from './clients.ts';
import type { Changes } from './contract.ts';
import { isNamed, NOT_FOUND, orAbsent } from './errors.ts';
import { demandOwned } from './ownership.ts';
import { allPages, present } from './pages.ts';

/** A month of control-plane logs outlives any question about a build, and costs little. */
const RETENTION_DAYS = 30;

export function logActivities({ logs }: Clients): Pick<Changes, 'ensureLogGroup'> {
  return { ensureLogGroup: ({ target }) => ensureLogGroup(logs, target) };
}

/** The one log group that EKS writes a cluster's control plane to. Source: EKS User Guide, control plane logging. */
export function logGroupName({ cluster }: Pick<Target, 'cluster'>): string {
  return `/aws/eks/${cluster}/cluster`;
}

/** The cluster's log group with its tags, or undefined where the listing has none of exactly that name. */
export async function findLogGroup(logs: CloudWatchLogsClient, target: Pick<Target, 'cluster'>): Promise<{ group: OwnedObject; tags: Record<string, string>; retentionDays: number | undefined } | undefined> {
  const name = logGroupName(target);
  const groups: LogGroup[] = await allPages(paginateDescribeLogGroups({ client: logs }, { logGroupNamePrefix: name }), (page) => page.logGroups);
  const found = groups.find(({ logGroupName: candidate }) => candidate === name);
  if (found === undefined) return undefined;
  const arn = present(found.arn, "the log group's ARN").replace(/:\*$/, ''); // the tag calls want it without the trailing star
  const answer = await orAbsent(logs.send(new ListTagsForResourceCommand({ resourceArn: arn })), NOT_FOUND.logs);
  return answer === undefined ? undefined : { group: { kind: 'logs:log-group', id: arn, name }, tags: answer.tags ?? {}, retentionDays: found.retentionInDays };
}

async function ensureLogGroup(logs: CloudWatchLogsClient, target: Target): Promise<OwnedObject[]> {
  const name = logGroupName(target);
  try {
    await logs.send(new CreateLogGroupCommand({ logGroupName: name, tags: target.tags }));
  } catch (error) {
    if (!isNamed(error, ['ResourceAlreadyExistsException'])) throw error;
  }
  const found = present(await findLogGroup(logs, target), `the log group ${name} that was just made`);
  demandOwned(`log group ${name}`, found.tags, target);
  if (found.retentionDays !== RETENTION_DAYS) await logs.send(new PutRetentionPolicyCommand({ logGroupName: name, retentionInDays: RETENTION_DAYS }));
  return [found.group];
}

/**
 * Whether the log group is the platform's: tagged as ours alone, or without any owner; never one that the foundation marks (X3). EKS makes the group anew, untagged, when its
 * last lines arrive after the deletion (failure 30); under this reserved name they can only be this cluster's.
 */
export function isPlatformLogGroup(tags: Record<string, string>, cluster: string): boolean {
  return isSolelyOf(tags, cluster) || (tags[TAG.cluster] === undefined && tags[TAG.plane] === undefined);
}

/** Deletes the cluster's log group. Only for a cluster that is gone. */
export async function deleteLogGroup(logs: CloudWatchLogsClient, target: Target): Promise<string[]> {
  const found = await findLogGroup(logs, target);
  if (found === undefined || !isPlatformLogGroup(found.tags, target.cluster)) return [];
  const answer = await orAbsent(logs.send(new DeleteLogGroupCommand({ logGroupName: found.group.name })), NOT_FOUND.logs);
  return answer === undefined ? [] : [`log group ${found.group.name}`];
}
