// kwok keeps its hands off pods that are real processes (design: lab).
import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { withoutProcesses } from '../../../../lab/kubernetes/kwok-stages.ts';
import { endOfPrefix } from '../../../../lab/kubernetes/etcd.ts';

function stage(kind: string): string {
  return `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: { name: x }
spec:
  resourceRef: { apiGroup: v1, kind: ${kind} }
  selector: { matchExpressions: [{ key: .metadata.deletionTimestamp, operator: Exists }] }
  next: { delete: true }
`;
}

test('Lab: a stage of pods gets one more condition, a stage of nodes none; the rest of upstream stays', () => {
  const upstream = parse(stage('Pod')) as object;
  const changed = parse(withoutProcesses(stage('Pod'))) as { spec: { selector: { matchExpressions: { key: string; operator: string }[] } } };

  expect(changed.spec.selector.matchExpressions).toHaveLength(2);
  expect(changed.spec.selector.matchExpressions[1]).toMatchObject({ operator: 'DoesNotExist' });
  expect(changed.spec.selector.matchExpressions[1]?.key).toContain('external-dns/external-dns');
  changed.spec.selector.matchExpressions.pop();
  expect(changed).toEqual(upstream);
  expect(parse(withoutProcesses(stage('Node')))).toEqual(parse(stage('Node')));
});

test('Lab: a stage whose form upstream changed is refused', () => {
  expect(() => withoutProcesses('kind: Stage\nspec: {}')).toThrow('resourceRef');
});

test('Lab: the keys of one cluster end before those of the next', () => {
  expect(endOfPrefix('/clusters/a/')).toBe('/clusters/a0');
  expect('/clusters/a/pods' < endOfPrefix('/clusters/a/') && '/clusters/ab/pods' > endOfPrefix('/clusters/a/')).toBe(true);
});
