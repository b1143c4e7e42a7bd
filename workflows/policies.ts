// Activity options by what a second attempt could do; no call has its own (architecture.md § Temporal conventions).
import { type ActivityInterface, type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type { Changes, Destroyers, Probes, Surveys, Waits, ZoneProbes, ZoneRepairs, ZoneSurveys } from '../activities/contract.ts';
import type { DatabaseChanges, DatabaseDestroyers, DatabaseProbes } from '../activities/database-contract.ts';
import type { SignatureProbes, VersionProbes } from '../activities/versions-contract.ts';
import { PERMANENT } from '../domain/errors.ts';
import type { Timings, Wait } from '../domain/timings.ts';
import { rememberSummary } from './failures.ts';
import { ROUTE53_TASK_QUEUE } from './messages.ts';

/** Back-off of the server's retries. Throttling and 5xx pass within seconds or minutes; half a minute is the longest a person should wait for the next look. */
const RETRY = { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds', nonRetryableErrorTypes: PERMANENT } as const;

/**
 * Of a run that is cancelled or taken over (X6): what an attempt under way creates or destroys must still come into ledger and evidence, and not behind the next
 * inventory. Its own time-outs bound the wait, and the server makes no other attempt. The SDK's own default does not wait (TRY_CANCEL), which is right for reads.
 */
const FINISH = { cancellationType: 'WAIT_CANCELLATION_COMPLETED' } as const;

/** One set of proxies for each risk class, made from the plan's timings; every class is bounded per attempt and in total. */
export function policies(t: Timings) {
  return {
    // A read twice costs one API call.
    probe: proxy<Probes>({ startToCloseTimeout: t.callMs, scheduleToCloseTimeout: t.totalMs, retry: RETRY }),
    // The first look at a cluster's API, which may be gone for good: people are asked within minutes.
    firstLook: proxy<Probes>({ startToCloseTimeout: t.callMs, scheduleToCloseTimeout: t.kubernetesPatienceMs, retry: RETRY }),
    // The same reads, repeated by the server until what was started is done. The activity says when to look next (nextProbeMs); the interval here serves real errors.
    until: (wait: Wait) => proxy<Probes>({ startToCloseTimeout: t.callMs, scheduleToCloseTimeout: wait.deadlineMs, retry: { ...RETRY, maximumInterval: '10 seconds' } }),
    // Watches the Kubernetes API from one worker; heartbeats tell a dead one. A second attempt reads afresh.
    watch: (wait: Wait) => proxy<Waits>({ startToCloseTimeout: wait.deadlineMs, scheduleToCloseTimeout: wait.deadlineMs, heartbeatTimeout: t.heartbeatMs, retry: RETRY }),
    // Describes before it creates, so a second attempt finds what the first one made, also when a time-out left the outcome unknown.
    change: proxy<Changes>({ ...FINISH, startToCloseTimeout: t.changeMs, scheduleToCloseTimeout: t.totalMs, heartbeatTimeout: t.heartbeatMs, retry: RETRY }),
    // Every attempt passes the guard afresh, and finding nothing left to delete is success: so a time-out may be tried again, and a stale proof ends it.
    destroy: proxy<Destroyers>({ ...FINISH, startToCloseTimeout: t.changeMs, scheduleToCloseTimeout: t.totalMs, heartbeatTimeout: t.heartbeatMs, retry: RETRY }),
    // Reads as well, but of a whole account: hundreds of calls, so it heartbeats.
    survey: proxy<Surveys>({ startToCloseTimeout: t.changeMs, scheduleToCloseTimeout: t.totalMs, heartbeatTimeout: t.heartbeatMs, retry: RETRY }),
    // Route 53 answers five calls a second for a whole account: its own queue keeps the rate.
    zone: proxy<ZoneProbes>({ taskQueue: ROUTE53_TASK_QUEUE, startToCloseTimeout: t.callMs, scheduleToCloseTimeout: t.totalMs, retry: RETRY }),
    zoneSurvey: proxy<ZoneSurveys>({ taskQueue: ROUTE53_TASK_QUEUE, startToCloseTimeout: t.callMs, scheduleToCloseTimeout: t.totalMs, retry: RETRY }),
    zoneUntil: (wait: Wait) => proxy<ZoneProbes>({ taskQueue: ROUTE53_TASK_QUEUE, startToCloseTimeout: t.callMs, scheduleToCloseTimeout: wait.deadlineMs, retry: { ...RETRY, maximumInterval: '10 seconds' } }),
    // Break-glass in Route 53. Each attempt lists again and finds what the one before deleted gone; waiting for INSYNC takes a minute.
    repair: proxy<ZoneRepairs>({ ...FINISH, taskQueue: ROUTE53_TASK_QUEUE, startToCloseTimeout: t.changeMs, scheduleToCloseTimeout: t.totalMs, heartbeatTimeout: t.heartbeatMs, retry: RETRY }),
    // For a preview a person waits: it says soon what cannot be read.
    look: proxy<Probes>({ startToCloseTimeout: t.callMs, scheduleToCloseTimeout: 4 * t.callMs, retry: RETRY }),
    zoneLook: proxy<ZoneProbes>({ taskQueue: ROUTE53_TASK_QUEUE, startToCloseTimeout: t.callMs, scheduleToCloseTimeout: 4 * t.callMs, retry: RETRY }),
    // The same for versions, which ask about every object of a manifest: more than one call's time, so they heartbeat.
    versionsLook: proxy<VersionProbes>({ startToCloseTimeout: t.changeMs, scheduleToCloseTimeout: t.changeMs, heartbeatTimeout: t.heartbeatMs, retry: RETRY }),
    // Registries and downloads: each is asked a few times within, and what does not answer is a finding.
    signatures: proxy<SignatureProbes>({ startToCloseTimeout: t.changeMs, scheduleToCloseTimeout: 2 * t.changeMs, heartbeatTimeout: t.heartbeatMs, retry: RETRY }),
    // Databases: reads try every login, so they may take longer than one call; changes find what an attempt before them made.
    databaseLook: proxy<DatabaseProbes>({ startToCloseTimeout: t.changeMs, scheduleToCloseTimeout: 2 * t.changeMs, heartbeatTimeout: t.heartbeatMs, retry: RETRY }),
    databaseUntil: (wait: Wait) => proxy<DatabaseProbes>({ startToCloseTimeout: t.callMs, scheduleToCloseTimeout: wait.deadlineMs, retry: { ...RETRY, maximumInterval: '10 seconds' } }),
    databaseChange: proxy<DatabaseChanges>({ ...FINISH, startToCloseTimeout: t.changeMs, scheduleToCloseTimeout: t.totalMs, heartbeatTimeout: t.heartbeatMs, retry: RETRY }),
    // Judged afresh by the guard at every attempt; an instance that goes already is success.
    databaseDestroy: proxy<DatabaseDestroyers>({ ...FINISH, startToCloseTimeout: t.changeMs, scheduleToCloseTimeout: t.totalMs, heartbeatTimeout: t.heartbeatMs, retry: RETRY }),
    // The receipt of a run that failed must not hold up the failure.
    databaseLastWord: proxy<DatabaseChanges>({ startToCloseTimeout: t.callMs, scheduleToCloseTimeout: t.callMs, retry: RETRY }),
    lastWord: proxy<Changes>({ startToCloseTimeout: t.callMs, scheduleToCloseTimeout: t.callMs, retry: RETRY }),
  };
}

export type Policies = ReturnType<typeof policies>;

/** Activities as the workflows call them: what for, then the input. The first is the summary a person reads in the Temporal UI. */
type Summarised<A> = { [K in keyof A]: A[K] extends (input: infer I) => Promise<infer R> ? (summary: string, input: I) => Promise<R> : never };

function proxy<A extends object>(options: ActivityOptions): Summarised<A> {
  const activities = proxyActivities<ActivityInterface>(options);
  const call = (name: string) => (summary: string, input: unknown) => {
    const answer = activities[name]?.executeWithOptions({ summary }, [input]);
    // Beside the answer, not in its way: a failure knows its activity's type, and a person wants to know what it was about.
    answer?.catch((error: unknown) => { rememberSummary(error, summary); });
    return answer;
  };
  // proxyActivities itself is a Proxy without a list of names, so this one cannot be type-checked from within.
  // eslint-disable-next-line typescript/no-unsafe-type-assertion
  return new Proxy({}, { get: (_, name) => (typeof name === 'string' ? call(name) : undefined) }) as Summarised<A>;
}
