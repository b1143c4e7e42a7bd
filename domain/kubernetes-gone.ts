// What people decide on where the Kubernetes API does not answer (failure 36): the question's lines, and whether a decision is about exactly that.
import { type DecisionRequest, subjectHash } from './break-glass.ts';
import type { Target } from './plan.ts';

/** What approvers read and sign. ExternalDNS is named because it goes on from memory: what a repair deletes it would write again within its interval. */
export function goneSubject({ cluster }: Pick<Target, 'cluster'>): string[] {
  return [
    `the Kubernetes API of ${cluster} does not answer: its applications, DNS sources and volumes are not drained; what they made is removed through AWS, records only by a decision of their own`,
    `ExternalDNS of ${cluster} may still run: its role loses its permissions before the DNS gate, so that it writes no record again`,
  ];
}

/** Whether the request is about the API of this cluster being gone, and about nothing else. */
export function isAboutGone({ subjectHash: asked }: Pick<DecisionRequest, 'subjectHash'>, target: Pick<Target, 'cluster'>): boolean {
  return asked === subjectHash(goneSubject(target));
}
