// Protections stand in the way until people decide to lift exactly them: asked once for all of them before anything is drained, and at the gate for those of records that came since (item 9, B1; failures 21, 27, 41).
import type { Decided } from '../domain/break-glass.ts';
import type { Plan } from '../domain/plan.ts';
import { isDecidedOn, liftSubject, type Protection, protectionLine } from '../domain/protections.ts';
import { NeedsDecision } from './failures.ts';
import type { Policies } from './policies.ts';
import type { Note } from './run.ts';

/** The protections of a run's platform, and what was decided about them. */
export function openProtections(plan: Plan, { change, repair }: Policies) {
  const { target, breakGlass, registry, hash } = plan;
  let standing: Decided | undefined;

  /** Takes what approvers decided. */
  function decide(decided: Decided): void {
    if (decided.decision === 'lift') standing = decided;
  }

  /**
   * Lifts what was decided on, and says whether it did: then everything is to be read anew. Throws NeedsDecision where a protection
   * needs approval and there is no decision about exactly this list; `inTheWayOf` says what has to wait, and what was not done yet.
   */
  async function lift(found: readonly Protection[], { withoutKubernetes, inTheWayOf, note }: { withoutKubernetes: boolean; inTheWayOf: string; note: Note }): Promise<boolean> {
    const subject = liftSubject(found);
    if (subject.length === 0) return false;
    const decided = standing;
    standing = undefined; // single use
    if (decided === undefined || !isDecidedOn(found, decided.request)) throw needsLift(subject, inTheWayOf);
    const { request, approvals } = decided;
    const input = { target, request, approvals, breakGlass, registry, planHash: hash };
    const kinds = new Set(found.filter(({ needsApproval }) => needsApproval).map(({ kind }) => kind));
    if (kinds.has('record-set-protection')) note(...(await repair.liftRecordProtections('Lift the record set protections that were decided on', input)));
    if ([...kinds].some((kind) => kind !== 'record-set-protection')) note(...(await change.liftProtections('Lift the protections that were decided on', { ...input, withoutKubernetes })));
    return true;
  }

  return { decide, lift };
}

export type Protections = ReturnType<typeof openProtections>;

/** One line of evidence for each that needs nobody's approval. */
export function protectionEvidence(found: readonly Protection[]): string[] {
  return found.filter(({ needsApproval }) => !needsApproval).map(protectionLine);
}

function needsLift(subject: string[], inTheWayOf: string): NeedsDecision {
  const count = `${subject.length} protection${subject.length === 1 ? ' stands' : 's stand'}`;
  return new NeedsDecision('PreflightFailed', `${count} in the way of ${inTheWayOf} and nothing was lifted`, subject, { decisions: ['lift', 'abort'], subject, records: [] });
}
