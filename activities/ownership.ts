// What makes an AWS object a platform's own: its tags in each service's form, and the refusal of anybody else's (C1, failure 39).
import { createHash } from 'node:crypto';
import { GoldenpathError } from '../domain/errors.ts';
import { isOwnedBy, KUBERNETES_TAG } from '../domain/names.ts';
import type { Target } from '../domain/plan.ts';
import type { OwnedObject } from '../domain/report.ts';

/** Tags as EC2, ELBv2, IAM and the tagging API list them. */
export interface KeyValue {
  Key?: string | undefined;
  Value?: string | undefined;
}

/** An object with all tags that its service lists. */
export interface TaggedObject {
  object: OwnedObject;
  tags: Record<string, string>;
}

/** A record of tags as a list of `Key`/`Value`. */
export function toTagList(tags: Record<string, string>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** A list of `Key`/`Value` as a record; a tag without a value reads as the empty string. */
export function fromTagList(tags: readonly KeyValue[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? '']])));
}

/** Throws NotOwned unless the object carries the cluster's exact ownership tag. */
export function demandOwned(what: string, tags: Record<string, string> | undefined, { cluster }: Pick<Target, 'cluster'>): void {
  if (isOwnedBy(tags ?? {}, cluster)) return;
  const problem = `${what} exists, but its tags do not say that it belongs to ${cluster}`;
  throw new GoldenpathError('NotOwned', problem, [problem]);
}

/** The tag by which Kubernetes' own cloud controllers and EKS mark what they make for a cluster. */
export function kubernetesClusterTag(cluster: string): string {
  return `${KUBERNETES_TAG}${cluster}`;
}

/**
 * The token by which EKS knows a repeated request: the same for every attempt of a stage of a run, another for any other. The workflow id alone would
 * not do: a persistent platform that is raised again has the same, and EKS refuses a token that it knows from another request.
 * 64 characters; EKS wants 33 to 126 of them for a cluster.
 */
export function requestToken({ workflowId, runId }: { workflowId: string; runId: string }, stage: string): string {
  return createHash('sha256').update(`${workflowId}\n${runId}\n${stage}`).digest('hex');
}
