// What a run's history says of its cost: events, billable actions, and how long the same work takes one step after the other.
import type { temporal } from '@temporalio/proto';

type History = temporal.api.history.v1.IHistory;

export interface Cost {
  seconds: number;
  /** Sum of all activities' durations and timers: the run, had nothing been done beside anything else. */
  oneAfterTheOtherSeconds: number;
  events: number;
  /** Temporal Cloud's actions: start, activities with each retry, timers, updates and signals, search attributes (https://docs.temporal.io/cloud/actions). */
  actions: number;
}

/** Reads the cost out of a history. */
export function costOf(history: History): Cost {
  const events = history.events ?? [];
  const at = (event: (typeof events)[number] | undefined) => Number(event?.eventTime?.seconds ?? 0) + (event?.eventTime?.nanos ?? 0) / 1e9;
  const begun = new Map(events.map((event) => [Number(event.eventId), event]));
  let [oneAfterTheOtherSeconds, actions] = [0, 1];
  for (const event of events) {
    const scheduled = event.activityTaskCompletedEventAttributes?.scheduledEventId ?? event.activityTaskFailedEventAttributes?.scheduledEventId ?? event.timerFiredEventAttributes?.startedEventId;
    if (scheduled !== null && scheduled !== undefined) oneAfterTheOtherSeconds += at(event) - at(begun.get(Number(scheduled)));
    if (event.activityTaskStartedEventAttributes) actions += event.activityTaskStartedEventAttributes.attempt ?? 1;
    if (event.timerStartedEventAttributes || event.upsertWorkflowSearchAttributesEventAttributes || event.workflowExecutionSignaledEventAttributes || event.workflowExecutionUpdateAcceptedEventAttributes || event.startChildWorkflowExecutionInitiatedEventAttributes) actions += 1;
  }
  return { seconds: at(events.at(-1)) - at(events[0]), oneAfterTheOtherSeconds, events: events.length, actions };
}
