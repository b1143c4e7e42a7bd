// Where the Kubernetes API does not answer nothing can be drained: that is never read as nothing to drain (failure 36), and only people may decide to go on without it.
import { ActivityFailure } from '@temporalio/workflow';
import type { Inventory } from '../activities/contract.ts';
import type { Decided } from '../domain/break-glass.ts';
import { goneSubject, isAboutGone } from '../domain/kubernetes-gone.ts';
import type { Plan } from '../domain/plan.ts';
import { describe, heard, NeedsDecision } from './failures.ts';
import type { Note } from './run.ts';

/** The run's view of the cluster's API: asked for, or given up by decision. */
export function openKubernetes({ target }: Plan) {
  const subject = goneSubject(target);
  let given: Decided | undefined;

  /** Takes a decision to go on without the API; one about anything else is not for here. */
  function decide(decided: Decided): void {
    if (decided.decision === 'leave' && isAboutGone(decided.request, target)) given = decided;
  }

  /** The decision to go on without it; undefined where it was not given up. */
  const givenUp = () => given;
  const isGivenUp = () => given !== undefined;

  /** Does what needs the API, or `otherwise` where it was given up. Throws NeedsDecision where the API does not answer for as long as its calls are tried. */
  async function needed<T>(note: Note, otherwise: T, work: () => Promise<T>): Promise<T> {
    if (given !== undefined) {
      note(`not done: the Kubernetes API was given up, by ${given.approvals.map(({ claims }) => claims.approver).join(' and ')}`);
      return otherwise;
    }
    try {
      return await work();
    } catch (error) {
      if (!isSilent(error)) throw error;
      const { message, problems } = describe(error);
      throw new NeedsDecision('KubernetesUnavailable', `the Kubernetes API does not answer, and without it nothing can be drained: ${message}`, problems, { decisions: ['leave', 'abort'], subject, records: [] });
    }
  }

  /** The inventory as later stages may use it. */
  function seen(platform: Inventory): Inventory {
    return given === undefined ? platform : { ...platform, kubernetes: 'none', argocd: false, applications: [] };
  }

  return { decide, givenUp, isGivenUp, needed, seen };
}

export type Kubernetes = ReturnType<typeof openKubernetes>;

/** Whether the last thing that an activity heard was no answer of the Kubernetes API, however Temporal wraps that. */
export function isSilent(error: unknown): boolean {
  return error instanceof ActivityFailure && heard(error).some(({ type }) => type === 'KubernetesUnavailable');
}
