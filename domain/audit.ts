// The audit trail outside Temporal: one entry for each question, answer, proof and destroying call, written once and never changed (B2, O2).
import type { Approval, DecisionClaims, DecisionRequest, Signature } from './break-glass.ts';
import type { DnsProof, Permit } from './dns-gate.ts';

interface About {
  schema: 1;
  /** Milliseconds since the epoch, on the clock of whoever wrote the entry. */
  at: number;
  environment: string;
  cluster: string;
  workflowId: string;
  runId: string;
}

/** What happened. An attempt is every answer that reached the run, also one that was refused. */
export type AuditEvent =
  | { kind: 'request'; request: DecisionRequest }
  | { kind: 'attempt'; channel: 'update' | 'signal'; claims: DecisionClaims | null; signature: Signature; accepted: boolean; reason?: string | undefined }
  | { kind: 'decision'; decision: string; request: DecisionRequest; approvals: Approval[] }
  | { kind: 'void'; request: string; reason: string }
  /** What an operator answered where a stage failed. */
  | { kind: 'operator'; stage: string; decision: 'retry' | 'abort'; by: string; reason: string }
  | { kind: 'proof'; proof: DnsProof; why: string }
  | { kind: 'destroy'; activity: string; attempt: number; permit: Permit }
  | { kind: 'repair'; request: DecisionRequest; approvals: Approval[]; records: string[] }
  /** A change of a repair that Route 53 took: what it deleted. Only together with the request is it worth anything. */
  | { kind: 'repaired'; request: string; change: string; records: string[] }
  /** Permissions that ExternalDNS's role is about to lose: the cluster's API is gone, and it would write from memory. */
  | { kind: 'revoke'; request: DecisionRequest; approvals: Approval[]; role: string; policies: string[] }
  /** A database instance that is about to be deleted, with the snapshots that stay (R4). */
  | { kind: 'database'; request: DecisionRequest; approvals: Approval[]; instance: string; snapshots: string[] }
  /** Protections that are about to be taken off, by one activity of it. */
  | { kind: 'lift'; activity: string; request: DecisionRequest; approvals: Approval[]; protections: string[] };

export type AuditEntry = About & AuditEvent;

/** Where an entry lies: in the order of time below its run. `name` tells apart entries of one moment, and is the same for a second attempt at the same entry. */
export function auditKey({ environment, cluster, runId, at, kind }: AuditEntry, name: string): string {
  return `${auditPrefix({ environment, cluster })}${runId}/${new Date(at).toISOString()}-${kind}-${name}.json`;
}

/** Everything of one platform, all its runs. */
export function auditPrefix({ environment, cluster }: { environment: string; cluster: string }): string {
  return `audit/${environment}/${cluster}/`;
}
