// The status that the kubelet of processes reports (core/v1, PodStatus).
import type { V1Pod } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { podStatus, waiting } from '../../../../../lab/kubernetes/kubelet/status.ts';
import type { ContainerRecord } from '../../../../../lab/kubernetes/kubelet/status.ts';

const then = new Date('2026-11-21T06:00:00Z');
const now = new Date('2026-11-21T06:10:00Z');
const running: ContainerRecord = { state: { running: { startedAt: then } }, ready: true, restartCount: 0 };
const ended: ContainerRecord = { state: { terminated: { exitCode: 0 } }, ready: false, restartCount: 0 };
const crashed: ContainerRecord = { ...waiting('CrashLoopBackOff'), lastState: { terminated: { exitCode: 1 } }, restartCount: 2 };

function status(containers: Record<string, ContainerRecord>, pod: V1Pod = {}) {
  const whole: V1Pod = Object.assign({ spec: { initContainers: [{ name: 'init' }], containers: [{ name: 'main' }] } }, pod);
  return podStatus({ pod: whole, startTime: then, podIP: '10.0.64.1', hostIP: '10.0.1.1', containers: new Map(Object.entries(containers)) }, now);
}

test.each([
  ['Pending', {}],
  ['Pending', { init: running }],
  ['Pending', { init: ended }],
  ['Pending', { init: ended, main: waiting('CreateContainerConfigError') }],
  ['Running', { init: ended, main: running }],
  ['Running', { init: ended, main: crashed }],
])('Lab: a pod is %s by its containers', (phase, containers: Record<string, ContainerRecord>) => {
  expect(status(containers).phase).toBe(phase);
});

test('Lab: a pod is Ready when each container is, and the condition keeps the time of its change', () => {
  const before: V1Pod = { status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: then }] } };
  const conditions = status({ init: ended, main: running }, before).conditions;

  expect(conditions).toContainEqual({ type: 'Ready', status: 'True', lastTransitionTime: then });
  expect(conditions).toContainEqual({ type: 'ContainersReady', status: 'True', lastTransitionTime: now });
  expect(status({ init: ended, main: crashed }, before).conditions).toContainEqual({ type: 'Ready', status: 'False', lastTransitionTime: now });
});

test('Lab: restarts and the last end of a container are told', () => {
  expect(status({ init: ended, main: crashed }).containerStatuses).toMatchObject([
    { name: 'main', restartCount: 2, ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1 } } },
  ]);
});
