// What stands in the way of a teardown on purpose, found before anything is drained: whom to ask, and what becomes of it (teardown.md step 2; failures 2, 8, 21, 27, 41; docs/decisions/0006).
import { type DecisionRequest, subjectHash } from './break-glass.ts';
import { isWithin, normaliseName } from './dns-names.ts';
import type { OwnedRecord } from './dns-records.ts';
import { GoldenpathError } from './errors.ts';
import type { Target } from './plan.ts';

/**
 * The kinds there are, and whether taking one off needs approval: it does where somebody told AWS or Argo CD to refuse the
 * deletion. What only tells a controller to leave an object alone, or slows a drain, is information.
 */
const NEEDS_APPROVAL = {
  'eks-deletion-protection': true,
  'load-balancer-deletion-protection': true,
  'load-balancer-setting': true,
  'record-set-protection': true,
  'argocd-confirmation': true,
  'argocd-kept': false,
  'argocd-unpruned': false,
  'application-not-cascading': false,
  'disruption-budget': false,
} as const;

export type ProtectionKind = keyof typeof NEEDS_APPROVAL;

export interface Protection {
  kind: ProtectionKind;
  /** What exactly is protected, and by what; unique among the protections of a platform. */
  what: string;
  needsApproval: boolean;
  /** What the teardown does about it; where approval is needed, once it has that. */
  willDo: string;
}

/** A Kubernetes object as people read its address, e.g. `Service kong/kong-proxy`. */
type ObjectName = string;

function protection(kind: ProtectionKind, what: string, willDo: string): Protection {
  return { kind, what, needsApproval: NEEDS_APPROVAL[kind], willDo };
}

/** Failure 27. */
export function clusterProtection(cluster: string): Protection {
  return protection('eks-deletion-protection', `cluster ${cluster} has deletion protection on`, 'turned off in EKS');
}

/** Failure 21, the attribute that ELBv2 itself holds. */
export function balancerProtection({ name, arn }: { name: string; arn: string }): Protection {
  return protection('load-balancer-deletion-protection', `load balancer ${name} has deletion protection on (${arn})`, 'turned off in ELBv2');
}

/** Failure 21, what the load balancer controller sets the attribute from: with it, the controller refuses to delete, and turns the attribute on again. */
export function settingProtection(object: ObjectName, where: string): Protection {
  return protection('load-balancer-setting', `${object} asks for ${DELETION_PROTECTION} in ${where}`, 'set to false, once GitOps is frozen and cannot put it back');
}

/** Failure 41. */
export function recordProtection({ name, type, comment }: RecordProtection): Protection {
  const said = comment === undefined || comment === '' ? '' : `, comment ${JSON.stringify(comment)}`;
  return protection('record-set-protection', `Route 53 protects every record set ${normaliseName(name)} ${type}${said}`, 'removed in Route 53: one protected name fails the whole batch in which ExternalDNS deletes');
}

/** `Delete=confirm` and `Prune=confirm`: Argo CD deletes nothing of the application until somebody confirms. */
export function confirmationProtection(application: string, objects: readonly ObjectName[]): Protection {
  return protection('argocd-confirmation', `Argo CD asks for confirmation before it deletes application ${application}, for ${objects.join(', ')}`, 'confirmed to Argo CD when the application is deleted');
}

/** `Delete=false`, or Helm's `keep`: Argo CD leaves the object when its application is deleted. */
export function keptProtection(object: ObjectName, option: string, fate: Fate): Protection {
  return protection('argocd-kept', `${object} has ${option}: Argo CD leaves it when its application is deleted`, FATES[fate]);
}

/** `Prune=false`: only a sync prunes, and a teardown freezes those. */
export function unprunedProtection(object: ObjectName): Protection {
  return protection('argocd-unpruned', `${object} has Prune=false: Argo CD never prunes it in a sync`, 'goes with its application all the same: deleting an application is no pruning');
}

/** Failure 2. */
export function uncascadingProtection(application: string): Protection {
  return protection('application-not-cascading', `application ${application} has no finalizer by which its deletion takes its objects along`, 'gets the finalizer when GitOps is frozen, before anything is deleted');
}

/** Failure 8. Source: EKS User Guide, "Delete a managed node group": a node that is not drained after 5 minutes is terminated by force. */
export function budgetProtection(object: ObjectName): Protection {
  return protection('disruption-budget', `${object} allows no disruption now`, 'stays: the run drains no node itself, and EKS terminates a node by force that is not drained within 5 minutes');
}

/** What becomes of an object that Argo CD leaves. */
export type Fate = 'dns-source' | 'volume' | 'application' | 'by-kind' | 'with-cluster';
const FATES: Record<Fate, string> = {
  'dns-source': 'deleted by the run itself with the other DNS sources, before the DNS gate',
  volume: 'deleted by the run itself with the other volumes, after the DNS gate',
  application: 'deleted by the run itself, by name',
  'by-kind': 'deleted by the run itself where it is a DNS source or a volume; else it goes with the cluster',
  'with-cluster': 'goes with the cluster',
};

/** The attribute's name, in ELBv2 and in what the load balancer controller reads. */
export const DELETION_PROTECTION = 'deletion_protection.enabled';

/** Whether attributes as an annotation holds them, `a=b,c=d`, turn deletion protection on. */
export function asksForProtection(attributes: string): boolean {
  return attributePairs(attributes).some(([key, value]) => key === DELETION_PROTECTION && value.toLowerCase() === 'true');
}

/** The same attributes with deletion protection off, in their order. False, not absent: then the controller turns the attribute off itself, and deletes. */
export function withoutProtection(attributes: string): string {
  return attributePairs(attributes).map(([key, value]) => `${key}=${key === DELETION_PROTECTION ? 'false' : value}`).join(',');
}

function attributePairs(attributes: string): [string, string][] {
  return attributes.split(',').map((pair) => pair.trim()).filter((pair) => pair !== '').map((pair) => {
    const at = pair.indexOf('=');
    return at === -1 ? [pair, ''] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  });
}

/** Argo CD's sync options as the annotation holds them, `A=b, C=d`, or a list of such; the first of a name counts. */
export function syncOption(options: string | readonly string[] | undefined, name: string): string | undefined {
  const all = typeof options === 'string' ? options.split(',') : (options ?? []);
  return all.map((option) => option.trim().split('=')).find(([key]) => key === name)?.[1];
}

/** A name and type that Route 53 protects, whatever its set identifiers. Source: Route 53 Developer Guide, "Protecting records from changes". */
export interface RecordProtection {
  name: string;
  type: string;
  comment?: string | undefined;
}

/**
 * The record protections of a zone that are the platform's: those on its records and, where it owns a subtree of its own, those
 * inside it that reserve a name without a record, since they would outlive it.
 */
export function ownRecordProtections<P extends RecordProtection>(protections: readonly P[], owned: readonly OwnedRecord[], { hostSuffix, lifecycle }: Pick<Target, 'hostSuffix' | 'lifecycle'>): P[] {
  const names = new Set(owned.map(({ name, type }) => `${normaliseName(name)} ${type}`));
  return protections.filter(({ name, type }) => names.has(`${normaliseName(name)} ${type}`) || (lifecycle === 'ephemeral' && isWithin(name, hostSuffix)));
}

/** One line of what is decided on: what protects and what would be done. */
export function protectionLine({ kind, what, willDo }: Protection): string {
  return `${kind}: ${what}; ${willDo}`;
}

/** What people are asked about, all of it in one order, so that equal lists have equal hashes. */
export function liftSubject(protections: readonly Protection[]): string[] {
  return protections.filter(({ needsApproval }) => needsApproval).map(protectionLine).toSorted();
}

/** Whether people decided about exactly these. */
export function isDecidedOn(protections: readonly Protection[], request: DecisionRequest): boolean {
  return request.subjectHash === subjectHash(liftSubject(protections));
}

/**
 * Throws PreflightFailed where one of these, just found by whoever is about to lift them, was not decided on. One that was
 * decided on and is gone is no obstacle: an earlier attempt, or somebody else, took it off.
 */
export function demandDecidedOn(found: readonly Protection[], request: DecisionRequest): void {
  const decided = new Set(request.subject);
  const others = liftSubject(found).filter((line) => !decided.has(line));
  if (others.length > 0) throw new GoldenpathError('PreflightFailed', 'Nothing was lifted: there are protections that nobody decided on; retry asks about all of them', others);
}
