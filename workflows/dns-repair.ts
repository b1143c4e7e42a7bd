// A decision to repair, carried out: the protections of records are asked about first, and a list that changed in between voids the decision and nothing else (B1, D4; failure 41).
import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { Decided } from '../domain/break-glass.ts';
import type { KnownNames } from '../domain/dns-records.ts';
import type { Plan } from '../domain/plan.ts';
import type { Recorder } from './decisions.ts';
import { describe } from './failures.ts';
import type { Policies } from './policies.ts';
import type { Protections } from './protections.ts';

/** What the gate's repairs are made with. */
export interface Repairing {
  record: Recorder;
  protections: Protections;
}

/** The repairs of a run. `voided` is the last decision that met another list than it was given for. */
export function openRepairs(plan: Plan, { zone, repair }: Policies, { record, protections }: Repairing) {
  const { target, breakGlass, registry, hash } = plan;
  let voided: string | undefined;

  /**
   * Whether no record of the platform is protected in Route 53, where one fails the whole batch. Where protections came since the precheck, people are asked about
   * all of them (NeedsDecision); the decision to repair stands meanwhile. False once they were lifted: then the zone is to be looked at anew.
   */
  async function isUnprotected(why: string): Promise<boolean> {
    const found = await zone.listRecordProtections(`${why}: record set protections`, { target });
    // The audit trail has what was lifted: the gate's evidence is its proof.
    return !(await protections.lift(found, { withoutKubernetes: true, inTheWayOf: 'the repair; nothing was deleted', note: () => undefined }));
  }

  /** Deletes the records as decided, once; gives what was done. undefined where Route 53 lists others by then: nothing further was deleted, and that the decision is void is on record. */
  async function carryOut({ request, approvals }: Decided, known: KnownNames): Promise<string[] | undefined> {
    try {
      const lines = await repair.repairRecords(`Delete the ${request.subject.length} records that were decided on`, { target, known, request, approvals, breakGlass, registry, planHash: hash });
      return [`decision ${request.id} (repair, by ${approvals.map(({ claims }) => claims.approver).join(' and ')}) was carried out`, ...lines];
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      const { type, problems } = describe(error);
      if (type !== 'DnsRecordsRemain') throw error;
      await record({ kind: 'void', request: request.id, reason: `nothing further was deleted, because Route 53 lists other records than the decided ones: ${problems.join('; ')}` }, request.id);
      voided = request.id;
      return undefined;
    }
  }

  return { isUnprotected, carryOut, voided: () => voided };
}
