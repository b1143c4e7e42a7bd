// The status that the kubelet reports for a pod of processes (core/v1, PodStatus). Pure.
import type { V1Container, V1ContainerState, V1ContainerStatus, V1Pod, V1PodCondition, V1PodStatus } from '@kubernetes/client-node';

/** What the kubelet knows of one container. */
export interface ContainerRecord {
  state: V1ContainerState;
  lastState?: V1ContainerState;
  ready: boolean;
  restartCount: number;
}

export interface PodRecord {
  readonly pod: V1Pod;
  readonly startTime: Date;
  readonly podIP: string;
  readonly hostIP: string;
  readonly containers: ReadonlyMap<string, ContainerRecord>;
}

/** A record of a container that has not been started. */
export function waiting(reason: string, message?: string): ContainerRecord {
  return { state: { waiting: { reason, ...(message === undefined ? {} : { message }) } }, ready: false, restartCount: 0 };
}

/** The whole status of a pod. */
export function podStatus(record: PodRecord, now: Date): V1PodStatus {
  const { pod, startTime, podIP, hostIP, containers } = record;
  const init = statuses(pod.spec?.initContainers ?? [], containers);
  const main = statuses(pod.spec?.containers ?? [], containers);
  const initialized = init.every(({ state }) => state?.terminated?.exitCode === 0);
  const ready = main.length > 0 && main.every((container) => container.ready);
  return {
    phase: phaseOf(main, initialized, pod.spec?.restartPolicy ?? 'Always'),
    startTime,
    podIP,
    podIPs: [{ ip: podIP }],
    hostIP,
    hostIPs: [{ ip: hostIP }],
    conditions: [
      condition(pod, 'Initialized', initialized, now),
      condition(pod, 'ContainersReady', ready, now),
      condition(pod, 'Ready', ready, now),
    ],
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: main,
  };
}

/** Phases as the kubelet derives them (pkg/kubelet, getPhase). */
function phaseOf(main: readonly V1ContainerStatus[], initialized: boolean, restartPolicy: string): string {
  const started = main.some(({ state, lastState }) => state?.running !== undefined || state?.terminated !== undefined || lastState !== undefined);
  if (!initialized || !started) return 'Pending';
  const ended = main.every(({ state }) => state?.terminated !== undefined);
  if (!ended || restartPolicy === 'Always') return 'Running';
  const succeeded = main.every(({ state }) => state?.terminated?.exitCode === 0);
  if (succeeded) return 'Succeeded';
  return restartPolicy === 'Never' ? 'Failed' : 'Running';
}

function statuses(containers: readonly V1Container[], records: ReadonlyMap<string, ContainerRecord>): V1ContainerStatus[] {
  return containers.map(({ name, image = '' }) => {
    const record = records.get(name) ?? waiting('PodInitializing');
    return {
      name,
      image,
      imageID: image,
      ready: record.ready,
      started: record.state.running !== undefined,
      restartCount: record.restartCount,
      state: record.state,
      ...(record.lastState === undefined ? {} : { lastState: record.lastState }),
    };
  });
}

function condition(pod: V1Pod, type: string, holds: boolean, now: Date): V1PodCondition {
  const status = holds ? 'True' : 'False';
  const before = (pod.status?.conditions ?? []).find((entry) => entry.type === type);
  const lastTransitionTime = before?.status === status && before.lastTransitionTime !== undefined ? before.lastTransitionTime : now;
  return { type, status, lastTransitionTime };
}
