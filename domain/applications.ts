// What Argo CD says of applications, and when that speaks of the plan and not of an older gate (T1).
import type { Component } from './components.ts';
import type { Tier } from './tiers.ts';

/** What the workflow needs of an Argo CD Application's status. */
export interface ApplicationState {
  name: string;
  tier?: string | undefined;
  sync: string;
  health: string;
  healthMessage?: string | undefined;
  /** The Helm parameters that the last comparison was made with (status.sync.comparedTo.source.helm.parameters). */
  comparedParameters: Record<string, string>;
  /** Whether that comparison was of the source as it is now, and none is asked for: until then sync and health speak of an older one. */
  sourceCompared: boolean;
  /** The commit that was compared. */
  revision?: string | undefined;
  /** Phase of the running or last operation. */
  operation?: string | undefined;
  operationMessage?: string | undefined;
  conditions: string[];
  /** spec.syncPolicy.automated is set. */
  automated: boolean;
  finalizers: string[];
}

export type TierVerdict = { settled: true } | { settled: false; waitingFor: string[] };

/** The Helm parameter of the root application that holds the gate (A3). */
export const MAX_TIER_PARAMETER = 'bootstrap.maxTier';

/**
 * Whether a tier has settled: the root application was compared at the raised gate, exactly the plan's applications exist, and each is Synced
 * and Healthy as compared with the source it has now, at the root's commit (what reads Synced and Healthy may still speak of the gate, charts or images of before).
 */
export function tierVerdict(root: ApplicationState | undefined, children: readonly ApplicationState[], expected: readonly Component[], tier: Tier): TierVerdict {
  const waitingFor: string[] = [];
  if (root === undefined) return { settled: false, waitingFor: ['the root application to exist'] };
  const compared = root.comparedParameters[MAX_TIER_PARAMETER];
  if (compared !== tier) waitingFor.push(`the root application to be compared at tier ${tier} (it was at ${compared ?? 'none'})`);
  const names = new Set(expected.map((component) => component.name));
  for (const { name } of expected) {
    const child = children.find((application) => application.name === name);
    if (child === undefined) waitingFor.push(`application ${name} to be created`);
    else waitingFor.push(...unsettled(child), ...ofOtherCommit(child, root));
  }
  for (const child of children) if (!names.has(child.name)) waitingFor.push(`application ${child.name} to go: it is not in the plan`);
  waitingFor.push(...unsettled(root));
  return waitingFor.length === 0 ? { settled: true } : { settled: false, waitingFor };
}

function unsettled(application: ApplicationState): string[] {
  const problems: string[] = [];
  if (!application.sourceCompared) problems.push('not yet compared with the source it has now');
  if (application.sync !== 'Synced') problems.push(`sync is ${application.sync}`);
  if (application.health !== 'Healthy') problems.push(`health is ${application.health}${application.healthMessage === undefined ? '' : ` (${application.healthMessage})`}`);
  if (application.operation !== undefined && application.operation !== 'Succeeded') problems.push(`its sync is ${application.operation}${application.operationMessage === undefined ? '' : ` (${application.operationMessage})`}`);
  problems.push(...application.conditions);
  return problems.length === 0 ? [] : [`application ${application.name}: ${problems.join(', ')}`];
}

/** The charts are one repository's, at one revision for all: of a branch, Argo CD looks at each application's newest commit by itself only every two minutes. */
export function ofOtherCommit({ name, revision }: ApplicationState, root: ApplicationState): string[] {
  return revision === root.revision ? [] : [`application ${name} to be compared at commit ${root.revision ?? 'none'} (it was at ${revision ?? 'none'})`];
}

/** Applications that would still put back what the teardown removes (failure 1). */
export function stillAutomated(applications: readonly ApplicationState[]): string[] {
  return applications.filter((application) => application.automated).map((application) => application.name);
}
