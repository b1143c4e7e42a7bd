// What a destroying activity did, object by object: what went, and what its service refused to let go (X4, X5).
import type { Residue } from './report.ts';

/** A deletion that the service refused. `id` is the object's, as in an OwnedObject. */
export interface Refusal {
  id: string;
  why: string;
  /** Something uses the object still: another attempt may succeed once that is gone. */
  passing: boolean;
}

export interface Removal {
  /** One line each. */
  deleted: string[];
  refused: Refusal[];
}

/** Several removals as one. */
export function joinRemovals(removals: readonly Removal[]): Removal {
  return { deleted: removals.flatMap(({ deleted }) => deleted), refused: removals.flatMap(({ refused }) => refused) };
}

/** What is left at the end, each object with the reason why its deletion was refused, where it was. */
export function explainResidue(left: readonly Residue[], refusals: readonly Refusal[]): Residue[] {
  return left.map((residue) => {
    const refusal = refusals.findLast(({ id }) => id === residue.id);
    return refusal === undefined ? residue : { ...residue, why: `${residue.why}; deleting it was refused: ${refusal.why}` };
  });
}
