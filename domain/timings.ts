// Every duration, interval and deadline of a run, in milliseconds. They travel in the plan; no workflow or activity holds a literal.

/** How long one cloud operation takes as a rule, how often to look once it is due, and when to give up. */
export interface Wait {
  expectedMs: number;
  denseMs: number;
  deadlineMs: number;
}

export interface Timings {
  scale: number;
  /** One attempt of an activity that reads. A worker that dies in it is noticed when this has passed, so it is short. */
  callMs: number;
  /** One attempt of an activity that changes or destroys: dozens of calls. It heartbeats, so a dead worker is noticed by `heartbeatMs`. */
  changeMs: number;
  /** All attempts of one activity that reads or changes: long enough to sit out a throttled hour's worst minutes or a worker's restart. */
  totalMs: number;
  heartbeatMs: number;
  /** How long the first look at a cluster's API is tried before people are asked to go on without it. */
  kubernetesPatienceMs: number;
  cluster: Wait;
  nodeGroup: Wait;
  addon: Wait;
  argocd: Wait;
  tier: Wait;
  acceptance: Wait;
  freeze: Wait;
  drain: Wait;
  loadBalancer: Wait;
  loadBalancersGone: Wait;
  volumesGone: Wait;
  controllersGone: Wait;
  networkGone: Wait;
  nodeGroupGone: Wait;
  clusterGone: Wait;
  sweep: Wait;
  dnsGate: { deadlineMs: number; intervalMs: number; cleanListings: number };
  /** How old the proof of the gate may be when a destroying call relies on it. */
  proofMaxAgeMs: number;
  /** When the sweep is repeated after the end, counted from it (teardown.md step 12). Empty: not at all. */
  lateSweepsMs: number[];
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** What a proof must be at the least, whatever a plan says: three listings, because one may be stale, and none older than five minutes (X1, X2). */
export const PROOF = { cleanListings: 3, maxAgeMs: 5 * MINUTE } as const;
const HOUR = 60 * MINUTE;

/** Controllers' own seconds (ExternalDNS's interval, Argo CD's sync, a kubelet) do not shrink with the lab's time scale, so no deadline falls below this. */
const DEADLINE_FLOOR_MS = 3 * MINUTE;
/** Looking more often than this buys nothing and costs API calls. */
const DENSE_FLOOR_MS = 250;

/**
 * The timings of a run. `scale` divides what AWS's durations cause (1 in production; the lab shortens its world by it).
 * Expected durations are published or measured medians (lab.md, facts.md); deadlines are two to three times what on-call has seen.
 */
export function timings(scale: number, overrides: Partial<Pick<Timings, 'lateSweepsMs'>> & { dnsGateDeadlineMs?: number | undefined } = {}): Timings {
  const wait = (expectedSeconds: number, denseSeconds: number, deadlineMinutes: number): Wait => ({
    expectedMs: Math.round((expectedSeconds * SECOND) / scale),
    denseMs: Math.max(DENSE_FLOOR_MS, Math.round((denseSeconds * SECOND) / scale)),
    deadlineMs: Math.max(DEADLINE_FLOOR_MS, Math.round((deadlineMinutes * MINUTE) / scale)),
  });
  return {
    scale,
    callMs: 30 * SECOND,
    changeMs: 3 * MINUTE,
    totalMs: 15 * MINUTE,
    heartbeatMs: 20 * SECOND,
    kubernetesPatienceMs: Math.max(MINUTE, Math.round((5 * MINUTE) / scale)), // an API server's replacement or a token's renewal takes less; on-call should know within minutes
    cluster: wait(552, 2, 30), // EKS control plane, measured median; AWS says "several minutes"
    nodeGroup: wait(145, 2, 20),
    addon: wait(30, 3, 15),
    argocd: wait(0, 2, 10), // a Deployment roll-out: its own pace
    tier: wait(0, 2, 20),
    loadBalancer: wait(150, 3, 15), // from its creation to active: AWS says "a few minutes", the measured median
    acceptance: wait(0, 5, 10), // DNS records appear one ExternalDNS interval (30 s) after the address
    freeze: wait(0, 2, 5),
    drain: wait(0, 2, 15),
    loadBalancersGone: wait(0, 3, 15), // teardown.md step 6: their own deadline
    volumesGone: wait(0, 3, 15),
    controllersGone: wait(0, 2, 10),
    networkGone: wait(90, 3, 20), // load balancer ENIs linger about 90 s (failure 23)
    nodeGroupGone: wait(375, 2, 30),
    clusterGone: wait(150, 2, 25),
    sweep: wait(0, 10, 10), // the tagging API lags behind the services (failure 40)
    // X2: five minutes from the sources being gone.
    dnsGate: { deadlineMs: overrides.dnsGateDeadlineMs ?? Math.max(MINUTE, Math.round((5 * MINUTE) / scale)), intervalMs: 2 * SECOND, cleanListings: PROOF.cleanListings },
    proofMaxAgeMs: PROOF.maxAgeMs,
    lateSweepsMs: overrides.lateSweepsMs ?? [HOUR / scale, (24 * HOUR) / scale],
  };
}

/** A change of records on its way to all name servers: up to a minute as a rule (Route 53 API, GetChange). After that an attempt ends, so that two of these waits fit into one. */
export const CHANGE_WAIT: Wait = { expectedMs: 0, denseMs: 2 * SECOND, deadlineMs: MINUTE };

/**
 * How long the DNS gate waits before it lists the zone again: briefly while the listings are clean, since they only need
 * counting; ever longer, up to ten seconds, while records remain, so that five minutes of waiting cost some forty calls.
 */
export function nextListingMs(elapsedMs: number, lastWasClean: boolean, { intervalMs }: Timings['dnsGate']): number {
  return lastWasClean ? intervalMs : Math.min(10 * SECOND, Math.max(intervalMs, Math.round(elapsedMs / 5)));
}

/**
 * When to look again: not before the operation is nearly due, then densely. Keeps a probe that the server retries from
 * costing an attempt every few seconds of a ten-minute wait, and from adding more than a dense interval to it.
 */
export function nextProbeMs(elapsedMs: number, { expectedMs, denseMs }: Wait): number {
  const due = expectedMs * 0.97; // a little early: medians have a left side too
  return Math.max(denseMs, Math.round(due - elapsedMs));
}
